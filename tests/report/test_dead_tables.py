"""Dead genres over seeds: the tables that are made of runs."""

import json

import numpy as np
import pytest
from made import Made

from gtzan_lib.data.genres import GENRES
from gtzan_lib.evaluation.dead import FLOOR
from gtzan_lib.report import dead
from gtzan_lib.report.derived import plain

PAIR = (1.83, 0.62)  # the paper's last loss and training accuracy


def certain_run(seed, silent, epochs=120, recipe="paper", between=None, **facts):
    """Return a certain network's run: it calls pictures of some genres reggae.

    ``between`` two epochs, counted from 1, or always.
    """
    first, last = between or (1, epochs)
    one = np.repeat(np.eye(10, dtype=int)[None], epochs, axis=0)
    for genre in silent:
        row = GENRES.index(genre)
        one[first - 1 : last, row] = np.eye(10, dtype=int)[GENRES.index("reggae")]
    accuracy = one.trace(axis1=1, axis2=2) / 10
    history = {"loss": (FLOOR + 1 - accuracy).tolist()}
    history["train_accuracy"] = accuracy.tolist()
    made = {"history": history, "shown": 80 * one, "tests": 20 * one}
    return Made(20 * one[-1], seed, recipe=recipe, epochs=epochs, **made, **facts)


def test_compared_are_some_epochs_the_last_and_the_first_as_good_as_the_paper():
    moments = dead.moments(certain_run(0, ["hiphop"], epochs=400), PAIR)
    assert moments[-1].silences == [("hiphop", 1, 400)]
    moments = {moment.epoch: moment.is_pair for moment in moments}
    assert moments == {1: True, 30: False, 100: False, 300: False, 400: False}
    worse = dead.moments(certain_run(0, GENRES[:5], epochs=30), PAIR)
    assert [(moment.epoch, moment.is_pair) for moment in worse] == [(30, False)]


def test_other_networks_and_splits_do_not_count():
    runs = [certain_run(0, [], model="lenet-tanh"), certain_run(0, [], split="artist")]
    assert dead.tables(runs, PAIR)["paper"]["seeds"] == []


def test_a_silent_genre_adds_a_tenth_to_the_loss():
    silent = ([], ["rock"], ["jazz"], ["jazz", "rock"])
    runs = [certain_run(seed, genres) for seed, genres in enumerate(silent)]
    found = dead.tables(runs, PAIR)["paper"]
    assert [row["waiting"] for row in found["seeds"]] == [*silent]
    assert not any(row["dead"] for row in found["seeds"])
    assert [row["late"] for row in found["seeds"]][1] == "rock never"
    rock = {"genre": "rock", "late": 2, "died": 0, "dead": 0, "waiting": 2}
    assert rock in found["genres"]
    at_100 = next(row for row in found["moments"] if row["when"] == "100")
    assert [(row["silent"], row["seeds"]) for row in at_100["by_silent"]] == [
        (0, 1),
        (1, 2),
        (2, 1),
    ]
    for row in at_100["by_silent"]:
        assert row["least"] == pytest.approx(FLOOR + row["silent"] / 10)
        assert row["loss"]["value"] == pytest.approx(row["least"])
    assert at_100["per_genre"]["value"] == pytest.approx(0.1)
    assert at_100["parts"]["wrong"]["value"] == pytest.approx(0, abs=1e-9)
    assert at_100["goes_to"] == [
        {"genre": genre, "seeds": 2, "pictures": 40, "called": "reggae 1.00"}
        for genre in ("jazz", "rock")
    ]


def test_reggae_comes_first_only_if_nothing_comes_as_often():
    run = certain_run(0, [])
    run.test_confusions[:, GENRES.index("hiphop")] = [0] * 4 + [8, 0, 0, 0, 8, 4]
    moment = dead.tables([run], PAIR)["paper"]["moments"][0]
    assert moment["most"]["value"] == 0


def test_the_longest_run_of_a_seed_counts_and_recipes_stay_apart():
    runs = [
        certain_run(0, [], epochs=400),
        certain_run(0, ["pop"], epochs=50),
        certain_run(1, [], epochs=50, recipe="corrected"),
    ]
    found = dead.tables(runs, PAIR)
    assert [row["epochs"] for row in found["paper"]["seeds"]] == [400]
    assert found["paper"]["compared"] == "300"
    assert [row["seed"] for row in found["corrected"]["seeds"]] == [1]
    assert found["corrected"]["moments"][0]["parts"] == {}
    json.dumps(plain(found), allow_nan=False)
