"""Percentages that mean something: temperatures, calibration error, ensembles.

Paper, section 4.2 ("percentages for each genre are useful").
"""

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from gtzan_lib.evaluation import clusters
from gtzan_lib.evaluation.metrics import Estimate

N_BINS = 10
SURE = 0.9  # what the probabilities of a prediction set sum to at least


def fit_temperatures(logits: list[np.ndarray], labels: np.ndarray) -> list[float]:
    """Return the temperatures that make validation labels most likely, one a model.

    Guo et al., "On Calibration of Modern Neural Networks" (2017), for one model; of an
    ensemble (``combine``), a member that knows less gets a higher one. Logits (N, 10),
    one a model, and int64 labels (N,) are of the same tracks.
    """

    def loss(log_temperatures: np.ndarray) -> float:
        log_p = log_softmax(combine(logits, np.exp(log_temperatures)), axis=1)
        return -float(log_p[np.arange(len(labels)), labels].mean())

    start = np.zeros(len(logits))
    best = minimize(loss, start, method="L-BFGS-B", bounds=[(-5, 5)] * len(start))
    return [float(t) for t in np.exp(best.x)]


def combine(logits: list[np.ndarray], temperatures: list[float]) -> np.ndarray:
    """Return the mean log probabilities of an ensemble, float64 (N, 10).

    Each member's logits of the same tracks, (N, 10), are divided by its temperature.
    """
    pairs = zip(logits, temperatures, strict=True)
    log_p = [log_softmax(z.astype(np.float64) / t, axis=1) for z, t in pairs]
    return np.mean(log_p, axis=0)


def cross_fitted(
    logits: list[np.ndarray], labels: np.ndarray, folds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return an ensemble's log probabilities, by temperatures of the other folds.

    Every track is judged with temperatures that were fitted without its fold. Logits
    (N, 10), one a model, labels and numbers of ``folds``, int64 (N,), are of the same
    tracks. Returned are float64 (N, 10) and the temperatures (folds, models).
    """
    combined, temperatures = np.empty(logits[0].shape), []
    for fold in np.unique(folds):
        own = folds == fold
        fitted = fit_temperatures([z[~own] for z in logits], labels[~own])
        combined[own] = combine([z[own] for z in logits], fitted)
        temperatures.append(fitted)
    return combined, np.array(temperatures)


def reliability(
    logits: np.ndarray, labels: np.ndarray, artists: np.ndarray | None = None
) -> list[dict]:
    """Compare how sure predictions are with how often they are right.

    Of each tenth of the scale of confidence that holds a prediction: ``n``, mean
    ``confidence`` (probability of the likeliest genre) and ``accuracy``, an estimate
    by the tracks' ``artists``, (N,), without which each has its own.
    """
    artists = np.arange(len(labels)) if artists is None else artists
    confidence, correct, bins = _binned(logits, labels)
    return [
        {
            "n": int((bins == k).sum()),
            "confidence": float(confidence[bins == k].mean()),
            "accuracy": clusters.share(correct[bins == k], artists[bins == k]),
        }
        for k in np.unique(bins)
    ]


def overconfidence(
    logits: np.ndarray, labels: np.ndarray, artists: np.ndarray
) -> Estimate:
    """Return how much surer predictions are than right, with an interval by artist."""
    confidence, correct, _ = _binned(logits, labels)
    return clusters.mean(confidence - correct, artists)


def expected_calibration_error(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean distance between confidence and accuracy over the bins, 0 to 1.

    Guo et al. (2017), with ten bins of equal width.
    """
    confidence, correct, bins = _binned(logits, labels)
    gaps = np.bincount(bins, weights=confidence - correct)  # each times its predictions
    return float(np.abs(gaps).sum() / len(labels))


def _binned(logits, labels):
    """Return how sure each prediction is, whether it is right, and its bin."""
    p = softmax(logits.astype(np.float64), axis=1)
    confidence, correct = p.max(axis=1), p.argmax(axis=1) == labels
    bins = np.minimum((confidence * N_BINS).astype(int), N_BINS - 1)
    return confidence, correct, bins


def error_by_chance(logits: np.ndarray, draws: int = 100) -> float:
    """Return the calibration error to expect of percentages that are exactly right.

    It is above 0, as a bin of few predictions is seldom right just as often as it is
    sure. True genres are drawn from the probabilities themselves, ``draws`` times.
    """
    below = softmax(logits.astype(np.float64), axis=1).cumsum(axis=1)[:, :-1]
    drawn = np.random.default_rng(0).random((draws, len(logits), 1))
    labels = (below < drawn).sum(axis=2)
    return float(np.mean([expected_calibration_error(logits, y) for y in labels]))


def prediction_set(
    logits: np.ndarray, labels: np.ndarray, artists: np.ndarray | None = None
) -> tuple[Estimate, float]:
    """Name the likeliest genres until their probabilities sum to 90 %.

    Returned are how often the true genre is in that set, with an interval as that of
    ``reliability``, and how many genres it has on average.
    """
    artists = np.arange(len(labels)) if artists is None else artists
    p = softmax(logits.astype(np.float64), axis=1)
    order = np.argsort(-p, axis=1, kind="stable")
    sorted_p = np.take_along_axis(p, order, axis=1)
    named = sorted_p.cumsum(axis=1) - sorted_p < SURE  # what likelier genres sum to
    hit = (named & (order == labels[:, None])).any(axis=1)
    return clusters.share(hit, artists), float(named.sum(axis=1).mean())
