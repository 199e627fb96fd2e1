"""The report's statistics, written again with NumPy and SciPy alone.

Estimates are tuples: value, low and high end of the 95 % interval (NaN for none).
"""

import numpy as np
import pandas as pd
from scipy import optimize, special, stats

NAN = float("nan")
FLOOR = np.log(np.e + 9) - 1
TEST_TO_TRAIN = {"random": 1 / 4, "random-unique": 1 / 4, "three-way": 1 / 3}


def score(p: float, n: float, z: float) -> tuple:
    """Return the ends of Wilson's score interval of a share of ``n``."""
    centre = (p + z**2 / 2 / n) / (1 + z**2 / n)
    half = z * np.sqrt(p * (1 - p) / n + z**2 / 4 / n**2) / (1 + z**2 / n)
    return centre - half, centre + half


def wilson(k: int, n: int) -> tuple:
    """Return a share with Wilson's score interval."""
    if n == 0:
        return NAN, NAN, NAN
    low, high = score(k / n, n, stats.norm.ppf(0.975))
    return k / n, max(0.0, low), min(1.0, high)


def student(values, ratio: float = 0.0) -> tuple:
    """Return a mean with Student's interval, as Nadeau and Bengio correct it.

    ``ratio`` is that of test to training pictures where splits share pictures.
    """
    values = np.asarray(values, float)
    mean, k = values.mean(), len(values)
    if k < 2:
        return mean, NAN, NAN
    half = stats.t.ppf(0.975, k - 1) * values.std(ddof=1) * np.sqrt(1 / k + ratio)
    return mean, mean - half, mean + half


def clipped(estimate: tuple, highest: float = 1) -> tuple:
    """Return an estimate of what is at least 0 and at most ``highest``."""
    return tuple(float(np.clip(part, 0, highest)) for part in estimate)


def over_seeds(shares: list[tuple], split: str, pooled: float | None = None) -> tuple:
    """Return the mean share over seeds; ``pooled`` is that of all pictures together.

    Folds: no narrower than the number of all test pictures allows. Where seeds do not
    redraw the split, the seeds' interval and the pictures' are added in squares.
    """
    if len(shares) == 1:
        return shares[0]
    ratio = TEST_TO_TRAIN.get(split)
    mean, _, high = student([share[0] for share in shares], ratio or 0)
    half = high - mean
    tests = np.mean([share[2] - share[1] for share in shares]) / 2
    if ratio is None:
        half = np.hypot(half, tests)
    elif np.isfinite(tests):
        half = max(half, tests / np.sqrt(min(5, len(shares))))
    estimate = clipped((mean, mean - half, mean + half))
    moved = 0 if pooled is None else pooled - mean
    return clipped(tuple(part + moved for part in estimate))


def _by_artist(values, artists):
    table = pd.Series(np.asarray(values, float)).groupby(np.asarray(artists))
    return jackknife(table.sum(), table.size())


def jackknife(sums, sizes) -> tuple[float, float, float]:
    """Return mean, variance when each artist is left out in turn, Kish's number."""
    sums, sizes = np.asarray(sums, float), np.asarray(sizes, float)
    n, k = sizes.sum(), len(sizes)
    left_out = (sums.sum() - sums) / (n - sizes)
    mean = sums.sum() / n
    return mean, (k - 1) / k * ((left_out - mean) ** 2).sum(), n**2 / (sizes**2).sum()


def mean_by_artist(values, artists) -> tuple:
    """Return a mean whose interval takes each artist as one draw."""
    mean, variance, number = _by_artist(values, artists)
    half = stats.t.ppf(0.975, number - 1) * np.sqrt(variance)
    return mean, mean - half, mean + half


def share_by_artist(hits, artists) -> tuple:
    """Return a share with Wilson's interval of as many tracks as vary as much."""
    p, variance, number = _by_artist(hits, artists)
    n = min(p * (1 - p) / variance, len(hits)) if variance > 1e-12 else number
    low, high = score(p, n, stats.t.ppf(0.975, number - 1))
    return p, max(0, min(p, low)), min(1, max(p, high))


def paired_by_artist(ours, theirs, artists) -> tuple:
    """Return by how much hits, (repetitions, tracks), exceed others' on the same."""
    ours, theirs = np.atleast_2d(ours), np.atleast_2d(theirs)
    mean, _, high = mean_by_artist(ours.mean(0) - theirs.mean(0), artists)
    squares = (high - mean) ** 2
    for rows in (ours, theirs):
        if (k := len(rows)) > 1:
            spread = rows.mean(1).std(ddof=1) / np.sqrt(k)
            squares += (stats.t.ppf(0.975, k - 1) * spread) ** 2
    return mean, mean - np.sqrt(squares), mean + np.sqrt(squares)


def mean_over_pairs(values, artists) -> tuple:
    """Return a mean of pairs, (runs, pairs), each of two artists, (pairs, 2).

    The sum of squares by artist, each with all of its pairs, has every pair twice.
    """
    values, artists = np.asarray(values, float), np.asarray(artists)
    mean, n = values.mean(), len(artists)
    off = values.mean(0) - mean
    names, squares, sizes = np.unique(artists), 0.0, []
    for name in names:
        mine = (artists == name).sum(1)
        sizes.append(mine.sum())
        squares += ((off * mine).sum() / (n - mine.sum() / 2)) ** 2
    variance = (len(names) - 1) / len(names) * squares
    number = (2 * n) ** 2 / np.square(sizes).sum()
    squared = stats.t.ppf(0.975, number - 1) ** 2 * variance
    if (k := len(values)) > 1:
        spread = values.mean(1).std(ddof=1) / np.sqrt(k)
        squared += (stats.t.ppf(0.975, k - 1) * spread) ** 2
    return mean, mean - np.sqrt(squared), mean + np.sqrt(squared)


def mixture(logits: list, temperatures) -> np.ndarray:
    """Return the mean of models' log probabilities at their temperatures."""
    pairs = zip(logits, temperatures, strict=True)
    return np.mean([special.log_softmax(z / t, axis=1) for z, t in pairs], axis=0)


def best_temperatures(logits: list, labels) -> np.ndarray:
    """Return the temperatures that make the labels most likely."""

    def loss(log_t):
        log_p = special.log_softmax(mixture(logits, np.exp(log_t)), axis=1)
        return -log_p[np.arange(len(labels)), labels].mean()

    start = np.zeros(len(logits))
    options = {"xatol": 1e-7, "fatol": 1e-12, "maxiter": 4000}
    best = optimize.minimize(loss, start, method="Nelder-Mead", options=options)
    return np.exp(best.x)


def calibration_error(logits, labels) -> float:
    """Return the mean distance of confidence and accuracy in ten bins."""
    p = special.softmax(logits, axis=1)
    sure, right = p.max(1), p.argmax(1) == labels
    bins = np.minimum((10 * sure).astype(int), 9)
    gaps = [abs((sure - right)[bins == k].sum()) for k in range(10)]
    return sum(gaps) / len(labels)


def calibration_error_by_chance(logits, draws: int = 100) -> float:
    """Return that error where labels are drawn from the probabilities themselves."""
    below = special.softmax(logits, axis=1).cumsum(axis=1)[:, :-1]
    drawn = np.random.default_rng(0).random((draws, len(logits), 1))
    return np.mean([calibration_error(logits, y) for y in (below < drawn).sum(2)])


def prediction_set(logits, labels) -> tuple[np.ndarray, np.ndarray]:
    """Tell whether the true genre is in the set of 90 %, and the set's size."""
    p = special.softmax(logits, axis=1)
    likelier = (p[:, None, :] * (p[:, None, :] > p[:, :, None])).sum(2)
    named = likelier < 0.9
    return named[np.arange(len(labels)), labels], named.sum(1)


def place(values, k: int) -> int:
    """Return the rank of the ``k``-th of values; of equals it is the last."""
    return int(np.sum(np.asarray(values) >= values[k]))


def bootstrapped_place(counts, place_in) -> tuple:
    """Return a rank with its interval, by drawing confusion matrices again."""
    rng, n = np.random.default_rng(0), len(counts)
    drawn = rng.integers(n, size=(2000, min(n, 5) - 1))
    places = [place_in(counts[some].sum(0)) for some in drawn]
    low, high = np.percentile(places, (2.5, 97.5), method="nearest")
    return place_in(counts.sum(0)), low, high


def learning_begins(hits, largest: int) -> int | None:
    """Return the first epoch twice as good as naming the largest genre always."""
    begun = np.flatnonzero(hits.sum(1) >= 2 * largest)
    return int(begun[0]) + 1 if len(begun) else None


def silences(answered, begins: int | None) -> list[tuple[int, int, int]]:
    """Return (genre, first, last epoch) of ten or more epochs nearly unanswered."""
    found = []
    sums = np.cumsum(np.vstack([np.zeros(answered.shape[1]), answered]), axis=0)
    windows = sums[10:] - sums[:-10]  # of epochs 1 to 10, 2 to 11, ...
    for k in range(answered.shape[1] if begins else 0):
        rare = np.zeros(len(answered) + 1, bool)
        rare[10:] = windows[:, k] <= windows.sum(1) / 1000
        rare[: begins + 9] = False
        ends = np.flatnonzero(rare)
        for part in np.split(ends, np.flatnonzero(np.diff(ends) > 1) + 1):
            if len(part):
                found.append((k, int(part[0]) - 9, int(part[-1])))
    return sorted(found, key=lambda each: each[1:])
