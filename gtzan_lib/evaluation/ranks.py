"""Places in an order, such as that of genres by recall, and how certain they are."""

from collections.abc import Callable

import numpy as np

from gtzan_lib.data.splits import N_FOLDS
from gtzan_lib.evaluation.metrics import Estimate, bare

DRAWS = 2000  # of runs, for the interval of a rank


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
    drawn = rng.integers(n_runs, size=(DRAWS, min(n_runs, N_FOLDS) - 1))
    places = [place(counts[some].sum(axis=0)) for some in drawn]
    low, high = np.percentile(places, (2.5, 97.5), method="nearest")
    return {"value": value, "low": float(low), "high": float(high)}
