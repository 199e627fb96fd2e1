"""Dead genres over seeds: the tables that are made of runs."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from made import Made

from gtzan_lib.data.genres import GENRES
from gtzan_lib.evaluation.dead import FLOOR
from gtzan_lib.report import dead, measures
from gtzan_lib.report.derived import plain
from gtzan_lib.report.measures import Evidence

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


def test_hip_hop_called_reggae_while_it_is_silent_and_while_it_lives():
    """It dies in two seeds of three, in epochs 31 to 50 of 120, and comes back."""
    runs = [certain_run(seed, ["hiphop"], between=(31, 50)) for seed in range(2)]
    runs.append(certain_run(2, []))
    row = GENRES.index("hiphop")
    for run in runs[:2]:
        run.test_confusions[30:50, row] = [0] * 4 + [5, 0, 0, 0, 15, 0]
        run.test_confusions[:30, row] = [0] * 4 + [15, 0, 0, 0, 5, 0]
        run.test_confusions[50:, row] = [0] * 4 + [15, 0, 0, 0, 5, 0]
    table = dead.tables(runs, PAIR)["paper"]
    mixed = table["mixed"]
    assert mixed["silent"]["value"] == 0.75
    assert mixed["lives"]["value"] == pytest.approx((0.25 + 0.25 + 0) / 3)
    assert mixed["difference"]["value"] == 0.5
    assert [(row["seed"], row["epochs"]) for row in mixed["by_seed"]] == [
        (0, 20),
        (1, 20),
    ]
    assert [row["died"] for row in table["seeds"]] == [*["hiphop 31 to 50"] * 2, ""]
    assert [row["dead"] for row in table["seeds"]] == [[], [], []]
    paper = {"3.3.2": {"last_loss": "1.83", "train_accuracy": "0.62"}}
    known = Evidence(SimpleNamespace(measured=runs), paper)
    found = measures.by_dead_genres(known, "silent")
    assert (found.ours["value"], found.seeds) == (0.75, 2)
    known = Evidence(SimpleNamespace(measured=runs[2:]), paper)
    assert np.isnan(measures.by_dead_genres(known, "silent").ours["value"])


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
