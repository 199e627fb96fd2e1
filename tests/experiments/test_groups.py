"""Runs that differ in their seed: made here from records, without any training."""

import math

import numpy as np
import pytest

from gtzan_lib.experiments import groups, suite
from gtzan_lib.experiments.run import METRICS, Run
from gtzan_lib.report import measures


def recorded(right=5, seed=0, **facts):
    """Return a run that is right for so many of ten pictures of each genre."""
    facts = {"recipe": "corrected", "epochs": 30} | groups.MAIN | facts
    name = "-".join(map(str, [*facts.values(), seed]))
    point = {"loss": 2.0, "train_accuracy": 0.5, "test_accuracy": 0.25}
    record = {
        "run": name,
        "provenance": facts | {"seed": seed, "subsets": {"train": 400, "test": 100}},
        "curve": [{"epoch": epoch} | point for epoch in (1, 10, facts["epochs"])],
        "certainty": 0.75,
        "top2_hits": 60,
        "confusion": np.full((10, 10), 1).tolist(),
    }
    counts = right * np.eye(10, dtype=int)
    counts[np.arange(10), (np.arange(10) + 1) % 10] = 10 - right
    record["confusion"] = counts.tolist()
    return Run(kept=record)


def test_every_metric_is_counted_from_the_record():
    run = recorded(7)
    for name in METRICS:
        assert set(run.metric(name)) == {"value", "low", "high"}, name
    values = {name: run.metric(name)["value"] for name in METRICS}
    assert (values["accuracy"], values["top2"], values["certainty"]) == (0.7, 0.6, 0.75)
    assert (values["recall:jazz"], values["called:jazz:metal"]) == (0.7, 0.3)
    assert values["precision:jazz"] == 0.7
    assert values["loss@first"] == values["loss@last"] == values["loss@30"] == 2
    assert math.isnan(values["loss@100"])
    assert run.metric("test_accuracy@10")["low"] < 0.25
    assert math.isnan(run.metric("train_accuracy@10")["low"])


def test_a_gain_is_that_of_the_first_over_the_second():
    runs = [recorded(9, 1, encoder="conv"), recorded(6, 0, encoder="conv")]
    runs += [recorded(1, 2, encoder="conv"), recorded(5, 0), recorded(7, 1)]
    conv, pool = {"encoder": "conv"}, {"encoder": "pool"}
    for of, against, gain in ((conv, pool, 0.15), (pool, conv, -0.15)):
        estimate, source = measures.gain({}, runs, "accuracy", of=of, against=against)
        assert estimate["value"] == pytest.approx(gain)
        assert len(source) == 4
    assert measures.gain({}, runs[:2], "accuracy", of=conv, against=pool) is None


def test_most_seeds_are_preferred_and_then_the_longest():
    few = [recorded(epochs=300)]
    many = [recorded(seed=seed) for seed in (0, 1)]
    longer = [recorded(seed=seed, epochs=100) for seed in (0, 1)]
    assert groups.select(few + many, recipe="corrected") == many
    assert groups.select(few + many + longer, recipe="corrected") == longer
    assert groups.headline(few + many) == {"corrected": many}
    assert groups.select(many, recipe="paper") == []


def test_changes_are_paired_by_seed_where_seeds_redraw_the_split():
    ours = [recorded(r, s, split="random-unique") for s, r in ((2, 5), (0, 6), (1, 9))]
    others = [recorded(r, s) for s, r in ((1, 7), (0, 5), (3, 1))]
    estimate = groups.change(ours, others, "accuracy")
    half = 12.7062 * (0.2 - 0.1) / 2**0.5 * (1 / 2 + 1 / 4) ** 0.5
    assert estimate["value"] == pytest.approx(0.15)
    assert estimate["high"] - 0.15 == pytest.approx(half, abs=1e-4)
    artists = groups.change([recorded(4, split="artist")], [recorded(6)], "accuracy")
    assert artists["value"] == pytest.approx(-0.2)
    assert artists["low"] < -0.3


def test_a_metric_that_a_run_lacks_has_no_mean():
    runs = [recorded(seed=0), recorded(seed=1)]
    assert math.isnan(groups.over_seeds(runs, "loss@100")["value"])
    assert math.isnan(groups.over_seeds([], "accuracy")["value"])
    assert groups.over_seeds(runs, "loss@30")["value"] == 2  # and is not cut off at 1


def test_a_rank_is_as_uncertain_as_its_pictures():
    def rank(counts):
        return np.sum(counts.diagonal() >= counts[3, 3])

    sure, close = np.diag([2] * 3 + [18] + [2] * 6), np.diag([9] * 3 + [10] + [9] * 6)
    for counts in (sure, close):
        counts[:, 0] += 20 - counts.sum(axis=1)
    assert measures.ranked(sure, rank) == {"value": 2, "low": 2, "high": 2}
    estimate = measures.ranked(close, rank)
    assert estimate["low"] <= 2 < 5 < estimate["high"]


def test_models_are_named_by_split():
    runs = [recorded(seed=seed, split="artist") for seed in (1, 0)]
    runs += [recorded(), recorded(model="lenet-tanh")]
    table = suite.by_split(runs)
    assert list(table) == ["artist", "random"]
    assert [r.provenance["seed"] for r in table["artist"][suite.LENET]] == [0, 1]
    assert list(table["random"]) == [suite.LENET]
