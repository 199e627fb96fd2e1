"""What a run is measured by: plain functions of one run, each with its fields.

``COUNTED`` are shares of test pictures, each as hits and tests; ``CURVES`` are values
of one epoch (``loss`` is the training's mean, in nats), NaN where the run has none.
``Run.metric`` takes their names.
"""

from collections.abc import Callable

import numpy as np
from scipy import special

from gtzan_lib.data.genres import GENRES, PRINTED
from gtzan_lib.data.gtzan import PUBLISHED, SYNTHETIC
from gtzan_lib.evaluation import clusters
from gtzan_lib.evaluation.metrics import Estimate, bare, proportion, top_k_hits

KNOWN = (PUBLISHED, SYNTHETIC)  # data whose artists are known
BY_ARTIST = ("artist", "artist-trainval", "artist-folds", "random-folds")  # splits

Counts = tuple[int, int]  # hits and tests


def accuracy(run) -> Counts:
    """Count the test pictures whose likeliest genre is the true one."""
    return int(run.confusion.trace()), int(run.confusion.sum())


def top2(run) -> Counts:
    """Count those whose true genre is among the two likeliest."""
    hits = _hits(run, 2)
    return int(hits.sum()), len(hits)


def saturated(run) -> Counts:
    """Count those whose largest percentage, as the recipe makes it, prints as 100.0."""
    logits = run.predictions["logits"].astype(float)
    is_sigmoid = run.provenance["recipe"] == "sigmoid"
    shares = special.expit(logits) if is_sigmoid else special.softmax(logits, axis=1)
    return int(np.sum(shares.max(axis=1) >= PRINTED)), len(logits)


def recall(run, genre: str) -> Counts:
    """Count the pictures of a genre that are recognised."""
    return called(run, genre, genre)


def called(run, genre: str, other: str) -> Counts:
    """Count the pictures of a genre that are called another."""
    row = run.confusion[GENRES.index(genre)]
    return int(row[GENRES.index(other)]), int(row.sum())


def mixed(run, genre: str, other: str) -> Counts:
    """Count the pictures of two genres that are called the other one of them."""
    hits, tests = zip(called(run, genre, other), called(run, other, genre), strict=True)
    return sum(hits), sum(tests)


def test_top2(run, epoch: int) -> float:
    """Return the share of those in two guesses, after an epoch that is kept."""
    return run.top2_after.get(epoch, np.nan) / run.confusion.sum()


def loss_when(run, right: float) -> float:
    """Return the training loss when a share of training pictures is right first.

    In proportion between two epochs; NaN where it is from the start, or never.
    """
    if not 0 <= right <= 1:
        raise ValueError(f"{right} is no share of pictures")
    accuracies = np.array(run.history.get("train_accuracy", ()))
    i = int(np.argmax(accuracies >= right)) if len(accuracies) else 0
    if i == 0:
        return np.nan
    both = slice(i - 1, i + 1)
    return float(np.interp(right, accuracies[both], run.history["loss"][both]))


def _curve(name: str) -> Callable:
    """Return the function that reads a curve at an epoch, from 1, or at the last."""

    def at(run, epoch: int | None = None) -> float:
        values = run.history.get(name, ())
        epoch = len(values) if epoch is None else epoch
        return float(values[epoch - 1]) if 1 <= epoch <= len(values) else np.nan

    return at


_COUNTED = (accuracy, top2, saturated, recall, called, mixed)
COUNTED = {each.__name__: each for each in _COUNTED}
CURVES = {name: _curve(name) for name in ("loss", "train_accuracy", "test_accuracy")}
CURVES |= {"test_top2": test_top2, "loss_when": loss_when}


def estimate(run, metric: str, **fields) -> Estimate:
    """Return a metric of a run with its 95 % interval, by artist where they are known.

    ``ValueError`` or ``TypeError`` if there is no such metric, field or genre.
    """
    if metric not in COUNTED | CURVES:
        names = ", ".join(COUNTED | CURVES)
        raise ValueError(f"there is no metric {metric}: they are {names}")
    if metric in COUNTED:
        facts = run.provenance
        has_artists = facts["data"] in KNOWN and facts["split"] in BY_ARTIST
        if has_artists and metric in ("accuracy", "top2"):
            return clusters.share(_hits(run, 1 + (metric == "top2")), run.artists)
        return proportion(*COUNTED[metric](run, **fields))
    value = CURVES[metric](run, **fields)
    if metric.startswith("test_") and not np.isnan(value):
        tests = accuracy(run)[1]
        return proportion(round(value * tests), tests)
    return bare(value)


def _hits(run, k: int) -> np.ndarray:
    return top_k_hits(run.predictions["logits"], run.predictions["labels"], k)
