"""How good predictions are, each figure with its 95 % interval (paper, section 4)."""

from functools import cache

import numpy as np
from scipy import special

from gtzan_lib.data.genres import GENRES

Estimate = dict[str, float]  # "value", "low" and "high"


def proportion(k: int, n: int) -> Estimate:
    """Return ``k / n`` with its 95 % Wilson score interval (all NaN where n is 0)."""
    if n == 0:
        return bare(np.nan)
    low, high = _wilson(int(k), int(n))
    return {"value": float(k / n), "low": low, "high": high}


@cache  # a report asks for the same few counts tens of thousands of times
def _wilson(k: int, n: int) -> tuple[float, float]:
    from scipy import stats  # which takes as long to import as all else

    interval = stats.binomtest(k, n).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def bare(value: float) -> Estimate:
    """Return an estimate without an interval."""
    return {"value": float(value), "low": np.nan, "high": np.nan}


def around(value: float, half: float) -> Estimate:
    """Return an estimate whose interval goes as far to either side."""
    return {"value": value, "low": float(value - half), "high": float(value + half)}


def with_interval(estimate: Estimate, digits: int = 2) -> str:
    """Write an estimate as text, such as ``"0.48 [0.41, 0.55]"``; "-" for none."""
    if np.isnan(estimate["value"]):
        return "-"
    value, low, high = (
        f"{round(estimate[name], digits) + 0.0:.{digits}f}"  # no -0.00
        for name in ("value", "low", "high")
    )
    return value if np.isnan(estimate["low"]) else f"{value} [{low}, {high}]"


def top_k_hits(logits: np.ndarray, labels: np.ndarray, k: int) -> np.ndarray:
    """Tell for each picture whether its genre is among the ``k`` most likely.

    Of genres that are equally likely the first counts, as with ``argmax``; scikit-learn
    takes the last. From logits (N, 10) and int64 labels (N,): bool (N,).
    """
    top = np.argsort(-logits, axis=1, kind="stable")[:, :k]
    return (top == labels[:, None]).any(axis=1)


def confusion_matrix(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Count pictures by true (row) and predicted genre (column): int64, 10 x 10."""
    n = len(GENRES)
    pairs = n * np.asarray(labels) + logits.argmax(axis=1)
    return np.bincount(pairs, minlength=n * n).reshape(n, n)


def rounded(logits: np.ndarray) -> np.ndarray:
    """Return logits (N, 10) of three decimals, of which a table has half the size.

    A row in which two genres would become equally likely keeps all its digits.
    """
    short = np.round(logits, 3)
    gaps, of_short = (np.diff(np.sort(z, axis=1), axis=1) for z in (logits, short))
    is_tied = ((of_short == 0) & (gaps != 0)).any(axis=1, keepdims=True)
    return np.where(is_tied, logits, short)


def percentages(logits: np.ndarray) -> list[str]:
    """Name the genres of one picture by falling percentage, in the paper's form.

    From logits (10,), such as ``["disco 100.0%", "metal 0.0%", ...]``.
    """
    p = special.softmax(np.asarray(logits, np.float64))
    return [f"{GENRES[i]} {100 * p[i]:.1f}%" for i in np.argsort(-p, kind="stable")]
