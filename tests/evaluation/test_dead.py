"""Dead genres, on confusions whose every epoch is written down."""

import numpy as np

from gtzan_lib.data.genres import GENRES
from gtzan_lib.evaluation import dead

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


def silences(*stages):
    return dead.silences(*dead.counted(confusions(*stages)))


def test_learning_begins_when_twice_as_good_as_one_answer():
    for begins, *stages in (
        (8, (7, None), (3, ())),
        (1, (1, GENRES[2:])),  # two genres right
        (None, (30, None)),
    ):
        assert dead.learning_begins(*dead.counted(confusions(*stages))) == begins
    assert silences((30, None)) == silences((50, None), (20, ())) == []


def test_a_silence_has_its_first_and_last_epoch_and_may_end():
    found = silences((5, None), (15, ["rock"]), (30, ["jazz"]), (3, ()), (12, ["jazz"]))
    assert found == [("rock", 6, 20), ("jazz", 21, 50), ("jazz", 54, 65)]


def test_few_epochs_without_an_answer_are_no_death():
    assert silences((20, ()), (9, ["pop"]), (1, ())) == []
    assert silences((20, ()), (10, ["pop"]), (1, ())) != []


def test_one_is_dead_from_the_tenth_silent_epoch_whatever_comes_later():
    long = confusions((20, ()), (40, ["pop", "blues"]), (5, ["blues"]))
    for epoch in range(1, 66):
        expected = []
        if epoch >= 30:
            expected = ["blues", "pop"] if epoch <= 60 else ["blues"]
        assert dead.dead_at(dead.silences(*dead.counted(long)), epoch, 1) == expected
        if epoch >= 20:  # a run that ended there says the same
            found = dead.silences(*dead.counted(long[:epoch]))
            assert dead.dead_at(found, epoch, 1) == expected


def test_wrong_answers_are_answers_but_one_in_a_thousand_revives_no_genre():
    counts = confusions((30, ["pop"]))
    counts[:, 0, POP] = 1
    assert dead.silences(*dead.counted(counts)) == []
    counts = confusions((20, ()), (30, ["pop"]))
    counts[35, 0, POP] = 1  # ten epochs have 1,000 pictures
    assert dead.silences(*dead.counted(counts)) == [("pop", 21, 50)]
    counts[38, 0, POP] = 1
    assert dead.silent_at(dead.silences(*dead.counted(counts)), 40) == []


def test_what_was_never_answered_is_silent_and_not_dead():
    """Rock is silent when learning begins in epoch 6, and jazz from epoch 36."""
    counts = dead.counted(confusions((5, None), (30, ["rock"]), (20, ["rock", "jazz"])))
    found, begins = dead.silences(*counts), dead.learning_begins(*counts)
    assert (begins, dead.silent_at(found, 55)) == (6, ["jazz", "rock"])
    assert dead.dead_at(found, 55, begins) == ["jazz"]
    assert dead.dead_at(found, 30, begins) == []


def test_the_first_epoch_in_which_both_are_as_good():
    loss, accuracy = [2.0, 1.8, 1.9, 1.7], [0.7, 0.5, 0.7, 0.7]
    assert dead.first_pass(loss, accuracy, 1.83, 0.62) == 4
    assert dead.first_pass(loss, accuracy, 1.6, 0.62) is None
