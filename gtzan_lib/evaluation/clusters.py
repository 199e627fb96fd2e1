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

from gtzan_lib.evaluation import seeds
from gtzan_lib.evaluation.metrics import Estimate, bare


def mean(values: np.ndarray, artists: np.ndarray) -> Estimate:
    """Return the mean of ``values``, float (N,), with its 95 % interval by artist.

    ``artists``, (N,), tell whose each is: anything that ``np.unique`` takes. The
    interval is NaN where there is only one artist.
    """
    value, variance, number = _between(values, artists)
    half = special.stdtrit(number - 1, 0.975) * variance**0.5
    return {"value": value, "low": value - half, "high": value + half}


def share(hits: np.ndarray, artists: np.ndarray) -> Estimate:
    """Return the share of ``hits``, bool or 0 to 1, (N,), with an interval by artist.

    Wilson's score interval of as many independent tracks as have the variance between
    artists, at most N (Dean and Pagano, "Evaluating confidence interval methods for
    binomial proportions in clustered surveys", 2015): unlike that of ``mean`` it stays
    between 0 and 1, and has a width where all tracks are right. There each artist is
    one track. NaN where there are no tracks.
    """
    if len(hits) == 0:
        return bare(np.nan)
    p, variance, number = _between(hits, artists)
    if np.isnan(variance):
        return bare(p)
    t = special.stdtrit(number - 1, 0.975)
    n = min(p * (1 - p) / variance, len(hits)) if variance > 0 else number
    centre = (p + t**2 / (2 * n)) / (1 + t**2 / n)
    half = t / (1 + t**2 / n) * (p * (1 - p) / n + (t / (2 * n)) ** 2) ** 0.5
    return {"value": p, "low": max(0.0, centre - half), "high": min(1.0, centre + half)}


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
        trained = seeds.mean_over_seeds(hits.mean(axis=1).tolist(), split="")
        halves.append(np.nan_to_num(trained["high"] - trained["value"]))
    half, value = float(np.linalg.norm(halves)), difference["value"]
    return {"value": value, "low": value - half, "high": value + half}


def _between(values, artists) -> tuple[float, float, float]:
    """Return a mean, its variance between artists, and their effective number."""
    _, whose, sizes = np.unique(artists, return_inverse=True, return_counts=True)
    n, number, value = len(whose), len(sizes), float(np.mean(values))
    if number < 2:
        return value, np.nan, np.nan
    sums = np.bincount(whose, weights=np.asarray(values, float) - value)
    without = -sums / (n - sizes)  # how far the mean moves without one
    variance = (number - 1) / number * np.sum(without**2)
    return value, float(variance), float(n**2 / np.sum(sizes**2))
