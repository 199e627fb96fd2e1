"""Silent genres: answered for next to no picture, epoch after epoch.

One that was answered before, since learning began, is dead; one that was not is not yet
answered. All is counted from confusions of the training pictures, one an epoch, as they
were shown in it: true genres in rows, answers in columns. Why genres die behind two
softmaxes shows notebook 03_train_cnn.
"""

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from gtzan_lib.data.genres import GENRES
from gtzan_lib.evaluation.softmax_twice import floor

PATIENCE = 10  # epochs in succession, in which GTZAN shows some 8,000 pictures
RARELY = 1e-3  # the share of these for which a silent genre may yet be answered
FLOOR = floor(len(GENRES))


class Silence(NamedTuple):
    """A genre that is hardly ever answered from one epoch to another."""

    genre: str
    first: int  # epochs are counted from 1
    last: int


def counted(confusions: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return what is needed of confusions, int (epochs, 10, 10): (epochs, 10) each.

    How often each genre was shown, how often it was answered, and how often rightly.
    """
    right = confusions.diagonal(axis1=1, axis2=2)
    return confusions.sum(axis=2), confusions.sum(axis=1), right


def learning_begins(
    shown: np.ndarray, answered: np.ndarray, right: np.ndarray
) -> int | None:
    """Return the first epoch that is twice as good as one answer for everything.

    Until then a network gives one or two genres to all pictures, and that others are
    not answered says nothing. From what ``counted`` returns; None if there is no such
    epoch.
    """
    pictures, hits = shown.sum(axis=1), right.sum(axis=1)
    begun = np.flatnonzero((hits >= 2 * shown.max(axis=1)) & (pictures > 0))
    return int(begun[0]) + 1 if len(begun) else None


def silences(
    shown: np.ndarray, answered: np.ndarray, right: np.ndarray
) -> list[Silence]:
    """Return all silences of at least ``PATIENCE`` epochs, from when learning begins.

    From what ``counted`` returns, by their first epoch. A genre is silent in an epoch
    if in that and the ``PATIENCE`` - 1 before it the answer was it for at most
    ``RARELY`` of the pictures: one chance answer is no sign of life. One whose silence
    ends before the last epoch came back.
    """
    begins = learning_begins(shown, answered, right)
    if begins is None or len(shown) - begins + 1 < PATIENCE:
        return []
    found = []
    answered = answered[begins - 1 :]
    answered = sliding_window_view(answered, PATIENCE, axis=0).sum(axis=-1)
    is_rare = answered <= RARELY * answered.sum(axis=1, keepdims=True)
    edges = np.diff(is_rare.astype(int), axis=0, prepend=0, append=0)
    for k, genre in enumerate(GENRES):
        starts, ends = (np.flatnonzero(edges[:, k] == sign) for sign in (1, -1))
        for first, end in zip(starts + begins, ends + begins, strict=True):
            found.append(Silence(genre, int(first), int(end) + PATIENCE - 2))
    return sorted(found, key=lambda silence: silence[1:])


def silent_at(found: list[Silence], epoch: int) -> list[str]:
    """Return the genres that are silent in an epoch, in the order of ``GENRES``.

    They were in this and the ``PATIENCE`` - 1 before.
    """
    starts = epoch - PATIENCE + 1
    return sorted(
        {s.genre for s in found if s.first <= starts <= s.last - PATIENCE + 1}
    )


def dead_at(found: list[Silence], epoch: int, begins: int | None) -> list[str]:
    """Return those of ``silent_at`` that were answered since learning began.

    Others, whose silence starts in the epoch in which learning ``begins``, have not
    died: they are not yet answered.
    """
    return silent_at([each for each in found if each.first != begins], epoch)


def first_pass(
    loss: list[float], accuracy: list[float], at_most: float, at_least: float
) -> int | None:
    """Return the first epoch whose loss and accuracy, one an epoch, are as good."""
    is_good = (np.array(loss) <= at_most) & (np.array(accuracy) >= at_least)
    passed = np.flatnonzero(is_good)
    return int(passed[0]) + 1 if len(passed) else None


def loss_parts(loss: float, accuracy: float, silent_share: float) -> dict[str, float]:
    """Divide the loss of a network behind two softmaxes, in nats.

    Every picture costs ``FLOOR``; one that gets a wrong answer with certainty costs 1
    more. So the share of pictures whose genre is ``silent`` (all of them are wrong) is
    a part, the share of those that are ``wrong`` though their genre is answered
    another, and what is left over is for answers that are not certain, ``unsure``
    (negative where wrong answers are less than certain).
    """
    wrong = 1 - accuracy - silent_share
    unsure = loss - FLOOR - 1 + accuracy
    return {"floor": FLOOR, "silent": silent_share, "wrong": wrong, "unsure": unsure}
