"""What runs with different seeds measure together, with 95 % intervals.

Means, differences and places in an order. Paper, section 4.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy import special

from gtzan_lib.data import splits
from gtzan_lib.evaluation.metrics import Estimate, around, bare

DRAWS = 2000  # of runs, for the interval of a rank


def clipped(estimate: Estimate, highest: float = 1) -> Estimate:
    """Return an estimate whose parts are at least 0 and at most ``highest``."""
    return {name: float(np.clip(value, 0, highest)) for name, value in estimate.items()}


def overlap(split: str) -> float | None:
    """Return the ratio of test to training pictures where seeds redraw a split."""
    return splits.TEST_TO_TRAIN.get(split.removesuffix(splits.UNIQUE))


def mean_over_seeds(values: list[float], split: str) -> Estimate:
    """Return the mean over seeds with its 95 % interval; one seed has none (NaN).

    Each seed of a random split, or fold, has its test pictures from the same data set,
    so that the values are not independent. The interval is Student's with the corrected
    variance of Nadeau and Bengio (2003), 1 / k + n_test / n_train times that of the
    values (of folds: Bouckaert and Frank, 2004). With a split that seeds do not redraw,
    it tells how much training varies. ``split`` is named as by ``splits.identify``.
    """
    return corrected(values, overlap(split) or 0)


def corrected(values: list[float], ratio: float) -> Estimate:
    """Return the same, where ``ratio`` test pictures come on one that trains."""
    k, value = len(values), float(np.mean(values))
    if k < 2:
        return bare(value)
    student = special.stdtrit(k - 1, 0.975)
    return around(value, student * np.std(values, ddof=1) * (1 / k + ratio) ** 0.5)


def one_more(values: list[float]) -> Estimate:
    """Return the mean of seeds, between whose ends one more lies in 95 % of cases.

    For comparing one training with several: the interval of a mean shrinks with the
    number of seeds, and in the end leaves out every single one.
    """
    return corrected(values, 1)


def needed(half: float, k: int, ratio: float, below: float, most: int = 999) -> int:
    """Return how many seeds would bring a half width of ``corrected`` below another.

    If all differ as the ``k`` that gave ``half`` do; 0 if ``most`` seeds would not, as
    seeds that share one data set never tell all.
    """
    n = np.arange(2, most + 1)
    halves = special.stdtrit(n - 1, 0.975) * (1 / n + ratio) ** 0.5
    enough = halves * half / halves[k - 2] < below
    return int(n[enough.argmax()]) if enough.any() else 0


def over_seeds(estimates: list[Estimate], split: str) -> Estimate:
    """Return the mean over seeds of a share, one estimate a seed, with its interval.

    Several seeds: ``mean_over_seeds``, but no narrower than the number of all test
    pictures allows. One: the interval that the share itself has, from the number of
    test pictures. Where seeds do not redraw the split, both are added in squares, as
    neither holds the other's uncertainty.
    """
    return clipped(_over_seeds(estimates, split))


def _over_seeds(estimates: list[Estimate], split: str) -> Estimate:
    if len(estimates) == 1:
        return estimates[0]
    mean = mean_over_seeds([each["value"] for each in estimates], split)
    of_tests = float(np.mean([each["high"] - each["low"] for each in estimates])) / 2
    half = mean["high"] - mean["value"]
    if overlap(split) is None:
        half = float(np.hypot(half, of_tests))
    elif not np.isnan(of_tests):
        distinct = min(len(estimates), splits.N_FOLDS)  # folds test each picture once
        half = max(half, of_tests / distinct**0.5)
    return around(mean["value"], half)


def paired_difference(
    values: list[float],
    others: list[float],
    split: str,
    pictures: Sequence[np.ndarray] = (),
) -> Estimate:
    """Return by how much values exceed others of the same seeds, in the same order.

    Of shares right, ``pictures`` are the differences on each test picture (-1, 0 or 1),
    an array a seed: the interval is no narrower than their number allows. NaN where
    there are no seeds.
    """
    if not values:
        return bare(np.nan)
    pairs = zip(values, others, strict=True)
    mean = mean_over_seeds([value - other for value, other in pairs], split)
    if not len(pictures) or np.isnan(mean["low"]):
        return mean
    distinct = 1 if overlap(split) is None else min(len(pictures), splits.N_FOLDS)
    every = np.concatenate(pictures)
    n = len(every) / len(pictures) * distinct
    half = special.ndtri(0.975) * every.std() / n**0.5
    return around(mean["value"], max(mean["high"] - mean["value"], half))


def difference(
    estimates: list[Estimate], split: str, others: list[Estimate], other_split: str
) -> Estimate:
    """Return by how much a share on one split exceeds that on another.

    The intervals over the seeds of either are added in squares.
    """
    both = _over_seeds(estimates, split), _over_seeds(others, other_split)
    halves = [(each["high"] - each["low"]) / 2 for each in both]
    return around(both[0]["value"] - both[1]["value"], float(np.hypot(*halves)))


def ranked(counts: np.ndarray, place: Callable[[np.ndarray], int]) -> Estimate:
    """Return a place with its 95 % interval, by drawing runs again; one run has none.

    ``place`` takes a confusion matrix; ``counts`` has one a run: int64, (runs, 10, 10).
    Runs are drawn, with all their test pictures, one fewer than there are (Rao and Wu,
    1988: of few, as many would differ too little), or than one partition has, as the
    next one tests the same pictures again.
    """
    rng, n_runs = np.random.default_rng(0), len(counts)
    value = float(place(counts.sum(axis=0)))
    if n_runs == 1:
        return bare(value)
    drawn = rng.integers(n_runs, size=(DRAWS, min(n_runs, splits.N_FOLDS) - 1))
    places = [place(counts[some].sum(axis=0)) for some in drawn]
    low, high = np.percentile(places, (2.5, 97.5), method="nearest")
    return {"value": value, "low": float(low), "high": float(high)}
