"""Dead genres over seeds: what is kept of a run, and the tables made of it."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from gtzan_lib.data.genres import GENRES
from gtzan_lib.evaluation.dead import FLOOR
from gtzan_lib.experiments import groups
from gtzan_lib.experiments.run import Run
from gtzan_lib.report import dead, measures
from gtzan_lib.report.derived import plain

BY_GENRE = dict.fromkeys(GENRES, 100)


def certain_run(seed, silent, epochs=120, called="reggae", recipe="paper", **facts):
    """Return a certain network's run: it calls pictures of some genres by one name."""
    answers = np.arange(10)
    for genre in silent:
        answers[GENRES.index(genre)] = GENRES.index(called)
    one = np.zeros((10, 10), int)
    one[np.arange(10), answers] = 1
    accuracy = one.trace() / 10
    provenance = groups.MAIN | {"recipe": recipe, "seed": seed, "epochs": epochs}
    run = SimpleNamespace(
        name=f"{recipe}-{seed}-{epochs}",
        provenance=provenance | facts,
        history={
            "loss": epochs * [FLOOR + 1 - accuracy],
            "train_accuracy": epochs * [accuracy],
        },
        confusions={
            "train": np.repeat(80 * one[None], epochs, axis=0),
            "test": np.repeat(20 * one[None], epochs, axis=0),
        },
    )
    kept = json.loads(json.dumps(dead.kept(run, loss=1.83, accuracy=0.62)))
    return Run(kept={"run": run.name, "provenance": run.provenance} | kept)


def test_kept_are_the_moments_that_tables_need():
    about = certain_run(0, ["hiphop"], epochs=400).record["dead"]
    moments = {each["epoch"]: each["pair"] for each in about["moments"]}
    assert moments == {1: True, 30: False, 100: False, 300: False, 400: False}
    assert about["silences"] == [{"genre": "hiphop", "first": 1, "last": 400}]
    worse = certain_run(0, GENRES[:5], epochs=30).record["dead"]
    assert [(each["epoch"], each["pair"]) for each in worse["moments"]] == [(30, False)]


def test_nothing_is_kept_of_another_network():
    assert "dead" not in certain_run(0, [], model="lenet-tanh").record
    assert "dead" not in certain_run(0, [], split="artist").record


def test_a_silent_genre_adds_a_tenth_to_the_loss():
    silent = ([], ["rock"], ["jazz"], ["jazz", "rock"])
    runs = [certain_run(seed, genres) for seed, genres in enumerate(silent)]
    found = dead.tables(runs, BY_GENRE)["paper"]
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
    runs = [certain_run(seed, []) for seed in range(3)]
    for run in runs[:2]:
        run.record["dead"]["hiphop"] = {
            "dead": [0] * 4 + [100, 0, 0, 0, 300, 0],  # 20 epochs of 20 pictures
            "lives": [0] * 4 + [1500, 0, 0, 0, 500, 0],
        }
        silence = {"genre": "hiphop", "first": 31, "last": 50}
        run.record["dead"]["silences"] = [silence]
    table = dead.tables(runs, BY_GENRE)["paper"]
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
    measured = {"data": {"by_genre": BY_GENRE}}
    found = measures.by_dead_genres(measured, runs, "silent")
    assert (found.ours["value"], found.seeds) == (0.75, 2)
    never = measures.by_dead_genres(measured, runs[2:], "silent")
    assert np.isnan(never.ours["value"])


def test_answers_are_kept_of_silent_and_of_living_epochs():
    about = certain_run(0, ["hiphop"], epochs=40).record["dead"]["hiphop"]
    assert about == {"dead": [0] * 8 + [800, 0], "lives": [0] * 10}
    about = certain_run(0, ["rock"], epochs=40).record["dead"]["hiphop"]
    assert about == {"dead": [0] * 10, "lives": [0] * 4 + [800] + [0] * 5}
    (alone,) = dead.tables([certain_run(0, ["hiphop"])], BY_GENRE)["paper"]["moments"][
        :1
    ]
    assert alone["called"]["value"] == alone["most"]["value"] == 1


def test_reggae_comes_first_only_if_nothing_comes_as_often():
    run = certain_run(0, [])
    for moment in run.record["dead"]["moments"]:
        moment["confusion"][GENRES.index("hiphop")] = [0] * 4 + [8, 0, 0, 0, 8, 4]
    moment = dead.tables([run], BY_GENRE)["paper"]["moments"][0]
    assert moment["most"]["value"] == 0


def test_the_longest_run_of_a_seed_counts_and_recipes_stay_apart():
    runs = [
        certain_run(0, [], epochs=400),
        certain_run(0, ["pop"], epochs=50),
        certain_run(1, [], epochs=50, recipe="corrected"),
    ]
    found = dead.tables(runs, BY_GENRE)
    assert [row["epochs"] for row in found["paper"]["seeds"]] == [400]
    assert found["paper"]["compared"] == "300"
    assert [row["seed"] for row in found["corrected"]["seeds"]] == [1]
    assert found["corrected"]["moments"][0]["parts"] == {}
    json.dumps(plain(found), allow_nan=False)


def test_no_runs_make_empty_tables():
    for table in dead.tables([], BY_GENRE).values():
        assert table["seeds"] == table["moments"] == []
        assert table["compared"] is None
