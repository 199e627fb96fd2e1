"""Means over seeds, and differences, with 95 % intervals (paper, section 4)."""

import numpy as np
from scipy import special

from gtzan_lib.data import splits
from gtzan_lib.evaluation.metrics import Estimate, bare


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
    half = student * np.std(values, ddof=1) * (1 / k + ratio) ** 0.5
    return {"value": value, "low": float(value - half), "high": float(value + half)}


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
    half, value = mean["high"] - mean["value"], mean["value"]
    if overlap(split) is None:
        half = float(np.hypot(half, of_tests))
    elif not np.isnan(of_tests):
        distinct = min(len(estimates), splits.N_FOLDS)  # folds test each picture once
        half = max(half, of_tests / distinct**0.5)
    return {"value": value, "low": value - half, "high": value + half}


def paired_difference(values: list[float], others: list[float], split: str) -> Estimate:
    """Return by how much values exceed others of the same seeds, in the same order.

    NaN where there are none.
    """
    if not values:
        return bare(np.nan)
    pairs = zip(values, others, strict=True)
    return mean_over_seeds([value - other for value, other in pairs], split)


def difference(
    estimates: list[Estimate], split: str, others: list[Estimate], other_split: str
) -> Estimate:
    """Return by how much a share on one split exceeds that on another.

    The intervals over the seeds of either are added in squares.
    """
    ours, theirs = _over_seeds(estimates, split), _over_seeds(others, other_split)
    value = ours["value"] - theirs["value"]
    halves = [(each["high"] - each["low"]) / 2 for each in (ours, theirs)]
    half = float(np.hypot(*halves))
    return {"value": value, "low": value - half, "high": value + half}
