"""Intervals that take all tracks of one artist as one draw (paper, section 4).

Tracks of one artist are right or wrong together, so that they tell less than as many
tracks of different artists. Variances are jackknifed: each artist is left out in turn
(Cameron and Miller, "A practitioner's guide to cluster-robust inference", 2015;
MacKinnon, Nielsen and Webb, "Cluster-robust inference: a guide to empirical practice",
2023). As artists have different numbers of tracks, the degrees of freedom of Student's
t are those of their effective number, Kish's (Carter, Schnepel and Steigerwald,
"Asymptotic behavior of a t-test robust to cluster heterogeneity", 2017), less one.
"""

import numpy as np
from scipy import special

from gtzan_lib.evaluation.metrics import Estimate, around, bare


def mean(values: np.ndarray, artists: np.ndarray) -> Estimate:
    """Return the mean of ``values``, float (N,), with its 95 % interval by artist.

    ``artists``, (N,), tell whose each is: anything that ``np.unique`` takes. The
    interval is NaN where there is only one artist.
    """
    return mean_of(*by_artist(values, artists))


def mean_of(sums: np.ndarray, sizes: np.ndarray) -> Estimate:
    """Return the same, of the sum of each artist's values and their number."""
    value, variance, number = _between(sums, sizes)
    return around(value, special.stdtrit(number - 1, 0.975) * variance**0.5)


def share(hits: np.ndarray, artists: np.ndarray) -> Estimate:
    """Return the share of ``hits``, bool or 0 to 1, (N,), with an interval by artist.

    Its 95 % interval is Wilson's score interval of as many independent tracks as have
    the variance between artists, at most all (Dean and Pagano, "Evaluating confidence
    interval methods for binomial proportions in clustered surveys", 2015): unlike that
    of ``mean`` it stays between 0 and 1, and has a width where all tracks are right,
    when each artist is one track. One artist says nothing of others: 0 to 1. Of none
    all is NaN.
    """
    if len(hits) == 0:
        return bare(np.nan)
    sums, sizes = by_artist(hits, artists)
    p, variance, number = _between(sums, sizes)
    if np.isnan(variance):
        return {"value": p, "low": 0.0, "high": 1.0}
    t = special.stdtrit(number - 1, 0.975)
    n = min(p * (1 - p) / variance, np.sum(sizes)) if variance > 1e-12 else number
    centre = (p + t**2 / (2 * n)) / (1 + t**2 / n)
    half = t / (1 + t**2 / n) * (p * (1 - p) / n + (t / (2 * n)) ** 2) ** 0.5
    low, high = max(0, min(p, centre - half)), min(1, max(p, centre + half))
    return {"value": p, "low": float(low), "high": float(high)}


def by_artist(values: np.ndarray, artists: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the sum of each artist's values and their number: (artists,) each."""
    _, whose, sizes = np.unique(artists, return_inverse=True, return_counts=True)
    return np.bincount(whose, weights=np.asarray(values, float)), sizes


def paired(ours: np.ndarray, theirs: np.ndarray, artists: np.ndarray) -> Estimate:
    """Return by how much ``ours`` exceed ``theirs`` on the very same tracks.

    Each is (repetitions, N): a row has the hits of one training, and the two need not
    have as many. The interval is that of the tracks' mean differences, by artist, and
    of the means of repetitions, added in squares: neither holds the other's
    uncertainty. That of one repetition is not known and left out.
    """
    difference = mean(ours.mean(axis=0) - theirs.mean(axis=0), artists)
    halves = [difference["high"] - difference["value"]]
    for hits in (ours, theirs):
        if (k := len(hits)) > 1:
            spread = hits.mean(axis=1).std(ddof=1) / k**0.5
            halves.append(special.stdtrit(k - 1, 0.975) * spread)
    return around(difference["value"], float(np.linalg.norm(halves)))


def _between(sums: np.ndarray, sizes: np.ndarray) -> tuple[float, float, float]:
    """Return a mean, its variance between artists, and their effective number."""
    sums, sizes = np.asarray(sums), np.asarray(sizes)
    n, number = sizes.sum(), len(sizes)
    value = float(sums.sum() / n)
    if number < 2:
        return value, np.nan, np.nan
    moved = (sums - value * sizes) / (n - sizes)  # the mean, where one is left out
    variance = (number - 1) / number * np.sum(moved**2)
    return value, float(variance), float(n**2 / np.sum(sizes**2))
