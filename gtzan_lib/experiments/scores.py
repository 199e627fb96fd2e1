"""What a run is measured by: plain functions of one run, each with its fields.

``COUNTED`` are shares of test pictures, each as hits and tests; ``CURVES`` are values
of one epoch (``loss`` is the training's mean, in nats), NaN where the run has none.
``Run.metric`` takes their names.
"""

from functools import partial

import numpy as np
from scipy import special

from gtzan_lib.data.genres import GENRES, PRINTED
from gtzan_lib.data.gtzan import PUBLISHED, SYNTHETIC
from gtzan_lib.evaluation.metrics import top_k_hits

KNOWN = (PUBLISHED, SYNTHETIC)  # data whose artists are known
# Splits whose tracks count one by one, as the paper's; on others an artist is one draw.
ONE_BY_ONE = ("random", "random-unique", "three-way", "three-way-unique")
FIRST = {"accuracy": 1, "top2": 2}  # of how many likeliest genres the true one is one

Counts = tuple[int, int]  # hits and tests


def hits(run, k: int) -> np.ndarray:
    """Tell whether the true genre is among the ``k`` likeliest: bool, (N,)."""
    return top_k_hits(run.predictions["logits"], run.predictions["labels"], k)


def accuracy(run) -> Counts:
    """Count the test pictures whose likeliest genre is the true one."""
    logits, labels = run.predictions["logits"], run.predictions["labels"]
    return int(np.sum(logits.argmax(axis=1) == labels)), len(labels)


def top2(run) -> Counts:
    """Count those whose true genre is among the two likeliest."""
    right = hits(run, 2)
    return int(right.sum()), len(right)


def saturated(run) -> Counts:
    """Count those whose largest percentage prints as 100.0."""
    shares = special.softmax(run.predictions["logits"].astype(float), axis=1)
    return int(np.sum(shares.max(axis=1) >= PRINTED)), len(shares)


def recall(run, genre: str) -> Counts:
    """Count the pictures of a genre that are recognised."""
    return called(run, genre, genre)


def called(run, genre: str, other: str) -> Counts:
    """Count the pictures of a genre that are called another."""
    row = run.confusion[GENRES.index(genre)]
    return int(row[GENRES.index(other)]), int(row.sum())


def mixed(run, genre: str, other: str) -> Counts:
    """Count the pictures of two genres that are called the other one of them."""
    both = called(run, genre, other), called(run, other, genre)
    return both[0][0] + both[1][0], both[0][1] + both[1][1]


def test_top2(run, epoch: int) -> float:
    """Return the share of those in two guesses, after an epoch that is kept."""
    return run.top2_after.get(epoch, np.nan) / len(run.predictions["labels"])


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


def _curve(run, epoch: int | None = None, *, name: str) -> float:
    """Return a curve's value at an epoch, from 1, or at the last."""
    values = run.history.get(name, ())
    epoch = len(values) if epoch is None else epoch
    return float(values[epoch - 1]) if 1 <= epoch <= len(values) else np.nan


_COUNTED = (accuracy, top2, saturated, recall, called, mixed)
COUNTED = {each.__name__: each for each in _COUNTED}
_READ = ("loss", "train_accuracy", "test_accuracy")
CURVES = {name: partial(_curve, name=name) for name in _READ}
CURVES |= {"test_top2": test_top2, "loss_when": loss_when}
