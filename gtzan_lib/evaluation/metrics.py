"""How good predictions are, each figure with its 95 % interval.

Paper, section 4. Used by notebook 03_train_cnn.
"""

from functools import cache

import numpy as np

from gtzan_lib.data.genres import GENRES

Estimate = dict[str, float]  # "value", "low" and "high"


def proportion(k: int, n: int) -> Estimate:
    """Return ``k / n`` with its 95 % Wilson score interval (all NaN where n is 0)."""
    if n == 0:
        return {"value": np.nan, "low": np.nan, "high": np.nan}
    low, high = _wilson(int(k), int(n))
    return {"value": k / n, "low": low, "high": high}


@cache  # a report asks for the same few counts tens of thousands of times
def _wilson(k: int, n: int) -> tuple[float, float]:
    from scipy import stats  # which takes as long to import as all else

    interval = stats.binomtest(k, n).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return probabilities (..., 10) from logits (..., 10)."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def top_k_hits(logits: np.ndarray, labels: np.ndarray, k: int) -> np.ndarray:
    """Tell for each picture whether its genre is among the ``k`` most likely.

    Parameters
    ----------
    logits : ndarray, shape (N, 10)
    labels : ndarray of int64, shape (N,)
    k : int

    Returns
    -------
    ndarray of bool, shape (N,)
    """
    top = np.argsort(-logits, axis=1, kind="stable")[:, :k]
    return (top == labels[:, None]).any(axis=1)


def confusion_matrix(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Count pictures by true (row) and predicted genre (column): int64, 10 x 10."""
    counts = np.zeros((len(GENRES), len(GENRES)), np.int64)
    np.add.at(counts, (labels, logits.argmax(axis=1)), 1)
    return counts


def evaluate(logits: np.ndarray, labels: np.ndarray) -> dict:
    """Measure predictions against the truth.

    Parameters
    ----------
    logits : ndarray of float32, shape (N, 10)
    labels : ndarray of int64, shape (N,)

    Returns
    -------
    dict
        JSON values: ``n``; ``accuracy`` and ``top2`` as ``proportion`` gives them;
        ``recall`` and ``precision``, lists of the same by genre; ``confusion``, the
        counts; ``confusion_share``, rows of them as shares of the true genre.
    """
    counts = confusion_matrix(logits, labels)
    n, correct = len(labels), counts.diagonal()
    actual, predicted = counts.sum(axis=1), counts.sum(axis=0)
    return {
        "n": n,
        "accuracy": proportion(correct.sum(), n),
        "top2": proportion(top_k_hits(logits, labels, 2).sum(), n),
        "recall": list(map(proportion, correct, actual)),
        "precision": list(map(proportion, correct, predicted)),
        "confusion": counts.tolist(),
        "confusion_share": [
            [proportion(k, total) for k in row]
            for row, total in zip(counts, actual, strict=True)
        ],
    }


def percentages(logits: np.ndarray) -> list[str]:
    """Name the genres of one picture by falling percentage, in the paper's form.

    Parameters
    ----------
    logits : ndarray, shape (10,)

    Returns
    -------
    list of str
        Such as ``["disco 100.0%", "metal 0.0%", ...]``.
    """
    p = softmax(np.asarray(logits, np.float64))
    return [f"{GENRES[i]} {100 * p[i]:.1f}%" for i in np.argsort(-p, kind="stable")]
