"""Dead genres, on confusions whose every epoch is written down."""

import numpy as np
import pytest

from gtzan_lib.data.genres import GENRES
from gtzan_lib.evaluation import silence

POP = GENRES.index("pop")


def confusions(*stages):
    """Return epochs of 100 pictures, ten a genre: how many epochs, and who is silent.

    Pictures of a silent genre are called by the first genre that is not; None stands
    for one answer to everything.
    """
    epochs = []
    for length, silent in stages:
        silent = GENRES[1:] if silent is None else silent
        first = next(k for k, genre in enumerate(GENRES) if genre not in silent)
        called = [first if genre in silent else k for k, genre in enumerate(GENRES)]
        counts = np.zeros((10, 10), int)
        counts[np.arange(10), called] = 10
        epochs += length * [counts]
    return np.array(epochs)


def silences(counts):
    return silence.silences(*silence.counted(counts))


@pytest.mark.parametrize(
    ("begins", "found", "stages"),
    [
        (8, [], [(7, None), (3, ())]),
        (1, [], [(1, GENRES[2:])]),  # two genres right
        (None, [], [(30, None)]),
        (1, [], [(20, ()), (9, ["pop"]), (1, ())]),
        (1, [("pop", 21, 30)], [(20, ()), (10, ["pop"]), (1, ())]),
        (
            6,
            [("rock", 6, 20), ("jazz", 21, 50), ("jazz", 54, 65)],
            [(5, None), (15, ["rock"]), (30, ["jazz"]), (3, ()), (12, ["jazz"])],
        ),
    ],
)
def test_a_silence_is_of_ten_epochs_since_learning_begins(begins, found, stages):
    counts = confusions(*stages)
    assert silence.learning_begins(*silence.counted(counts)) == begins
    assert silences(counts) == found


def test_one_is_dead_from_the_tenth_silent_epoch_whatever_comes_later():
    long = confusions((20, ()), (40, ["pop", "blues"]), (5, ["blues"]))
    for epoch in range(20, 66):
        expected = (["blues", "pop"] if epoch <= 60 else ["blues"]) * (epoch >= 30)
        for counts in (long, long[:epoch]):  # a run that ended there says the same
            assert silence.dead_at(silences(counts), epoch, 1) == expected


def test_wrong_answers_are_answers_but_one_in_a_thousand_revives_no_genre():
    counts = confusions((20, ()), (30, ["pop"]))
    counts[35, 0, POP] = 1  # ten epochs have 1,000 pictures
    assert silences(counts) == [("pop", 21, 50)]
    counts[38, 0, POP] = 1
    assert silence.silent_at(silences(counts), 40) == []
