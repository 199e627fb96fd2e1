"""Dead genres over seeds: what is kept of a run, and the tables made of it."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from gtzan_lib.data.genres import GENRES
from gtzan_lib.evaluation.dead import FLOOR
from gtzan_lib.experiments import groups
from gtzan_lib.experiments.run import Run
from gtzan_lib.report import dead
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


def test_a_dead_genre_adds_a_tenth_to_the_loss():
    silent = ([], ["rock"], ["jazz"], ["jazz", "rock"])
    runs = [certain_run(seed, genres) for seed, genres in enumerate(silent)]
    found = dead.tables(runs, BY_GENRE)["paper"]
    assert [row["dead"] for row in found["seeds"]] == [*silent]
    assert [row["silences"] for row in found["seeds"]][1] == "rock never"
    assert {"genre": "rock", "ever": 2, "end": 2} in found["genres"]
    at_100 = next(row for row in found["moments"] if row["when"] == "100")
    assert [(row["dead"], row["seeds"]) for row in at_100["by_dead"]] == [
        (0, 1),
        (1, 2),
        (2, 1),
    ]
    for row in at_100["by_dead"]:
        assert row["least"] == pytest.approx(FLOOR + row["dead"] / 10)
        assert row["loss"]["value"] == pytest.approx(row["least"])
    assert at_100["per_genre"]["value"] == pytest.approx(0.1)
    assert at_100["parts"]["wrong"]["value"] == pytest.approx(0, abs=1e-9)
    assert at_100["goes_to"] == [
        {"genre": genre, "seeds": 2, "pictures": 40, "called": "reggae 1.00"}
        for genre in ("jazz", "rock")
    ]


def test_hip_hop_called_reggae_where_it_is_dead_and_where_it_lives():
    runs = [certain_run(seed, ["hiphop"] * (seed < 3)) for seed in range(5)]
    (moment, *_) = dead.tables(runs, BY_GENRE)["paper"]["moments"]
    mixed = moment["mixed"]
    assert mixed["dead"]["value"] == 1
    assert mixed["lives"]["value"] == 0
    assert mixed["difference"]["value"] == 1
    assert mixed["dies"]["text"] == mixed["most"]["text"] == "0.60 [0.23, 0.88]"
    one = dead.tables(runs[2:], BY_GENRE)["paper"]["moments"][0]["mixed"]
    assert np.isnan(one["difference"]["value"])  # one seed is no comparison


def test_the_longest_run_of_a_seed_counts_and_recipes_stay_apart():
    runs = [
        certain_run(0, [], epochs=400),
        certain_run(0, ["pop"], epochs=50),
        certain_run(1, [], epochs=50, recipe="corrected"),
    ]
    found = dead.tables(runs, BY_GENRE)
    assert [row["epochs"] for row in found["paper"]["seeds"]] == [400]
    assert found["paper"]["compared"] == "400"
    assert [row["seed"] for row in found["corrected"]["seeds"]] == [1]
    assert found["corrected"]["moments"][0]["parts"] == {}
    json.dumps(plain(found), allow_nan=False)


def test_no_runs_make_empty_tables():
    for table in dead.tables([], BY_GENRE).values():
        assert table["seeds"] == table["moments"] == []
        assert table["compared"] is None
