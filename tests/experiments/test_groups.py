"""Runs that differ in their seed: made here of counts, without any training."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from made import right_for as recorded

from gtzan_lib.experiments import groups
from gtzan_lib.report import measures


def evidence(runs, **tables):
    """Return what measures are made of: runs, and other tables."""
    return SimpleNamespace(runs=runs, tables=SimpleNamespace(**tables))


def test_every_metric_is_counted_from_the_answers():
    run, both = recorded(7), {"genre": "jazz", "other": "metal"}
    for metric, fields, value in (
        ("accuracy", {}, 0.7),
        ("recall", {"genre": "jazz"}, 0.7),
        ("called", both, 0.3),
        ("mixed", both, 0.15),
        ("mixed", {"genre": "metal", "other": "jazz"}, 0.15),
        ("saturated", {}, 0),
    ):
        assert run.metric(metric, **fields)["value"] == value
    order = np.argsort(-run.predictions["logits"], axis=1, kind="stable")[:, :2]
    two = (order == run.predictions["labels"][:, None]).any(axis=1)
    assert run.metric("top2")["value"] == two.mean() > 0.7
    run.predictions["logits"][:75] *= 100
    assert run.metric("saturated")["value"] >= 0.5
    assert run.metric("loss", epoch=1) == run.metric("loss")
    assert run.metric("loss")["value"] == 2
    assert math.isnan(run.metric("loss", epoch=100)["value"])
    assert run.metric("test_accuracy", epoch=10)["low"] < 0.25
    assert math.isnan(run.metric("train_accuracy", epoch=10)["low"])


def test_an_unknown_metric_or_field_is_refused():
    for metric, fields in (
        ("banana", {"genre": "jazz"}),
        ("recall", {}),
        ("recall", {"genre": "polka"}),
        ("accuracy", {"genre": "jazz"}),
        ("loss", {"epoch": "last"}),
        ("loss_when", {"right": 62}),
    ):
        with pytest.raises((ValueError, TypeError)):
            recorded(5).metric(metric, **fields)


def test_the_loss_at_a_training_accuracy_is_that_when_it_is_first_reached():
    history = {"loss": [2.0, 1.0, 1.2, 0.5], "train_accuracy": [0.1, 0.6, 0.5, 0.9]}
    run = recorded(5, history=history)
    found = {
        percent: run.metric("loss_when", right=percent / 100)["value"]
        for percent in (10, 35, 55, 60, 75, 91)
    }
    assert found[60] == 1.0
    assert found[35] == pytest.approx(1.5)  # half way between two epochs
    assert found[55] == pytest.approx(1.1)  # not when it is reached again
    assert found[75] == pytest.approx(1.2 - 0.7 * 0.25 / 0.4)
    assert math.isnan(found[10])
    assert math.isnan(found[91])


def test_a_gain_is_that_of_the_first_over_the_second():
    runs = [recorded(9, 1, encoder="conv"), recorded(6, 0, encoder="conv")]
    runs += [recorded(1, 2, encoder="conv"), recorded(5, 0), recorded(7, 1)]
    conv, pool = {"encoder": "conv"}, {"encoder": "pool"}
    for of, against, gain in ((conv, pool, 0.15), (pool, conv, -0.15)):
        found = measures.gain(evidence(runs), "accuracy", of=of, against=against)
        assert found.ours["value"] == pytest.approx(gain)
        assert (len(found.source), found.seeds) == (4, 2)
    assert measures.gain(evidence(runs[:2]), "accuracy", conv, pool) is None
    alone = measures.gain(evidence([runs[0], runs[4]]), "accuracy", conv, pool)
    assert alone.seeds == 1


def test_a_gain_of_runs_with_other_epochs_is_asked_for_by_both():
    runs = [recorded(9, encoder="full", epochs=30), recorded(6, epochs=100)]
    full, pool = {"encoder": "full", "epochs": 30}, {"encoder": "pool", "epochs": 100}
    of = measures.gain(evidence(runs), "accuracy", full, pool)
    assert of.ours["value"] == pytest.approx(0.3)
    full.pop("epochs")
    assert measures.gain(evidence(runs), "accuracy", full, pool) is None


def test_stopping_takes_the_first_epoch_with_most_validation_pictures_right():
    curves = {"loss": [2.0, 1.0, 0.5, 0.1], "train_accuracy": [0.2, 0.5, 0.7, 0.9]}
    validation, tests = [0.1, 0.4, 0.3, 0.4], [0.2, 0.6, 0.9, 0.5]
    history = curves | {"validation_accuracy": validation, "test_accuracy": tests}
    runs = [recorded(5, seed, history, split="three-way") for seed in (0, 1)]
    for run in runs:
        run.subsets["validation"] = 100
    found = measures.stopped(evidence(runs), recipe="corrected", split="three-way")
    assert found.ours["value"] == pytest.approx(0.1)
    assert found.values == pytest.approx((0.1, 0.1))
    assert measures.stopped(evidence(runs), recipe="corrected") is None


def test_whole_partitions_count_and_parts_of_others_do_not():
    runs = [recorded(5, seed) for seed in range(5)]
    more = [recorded(10, seed) for seed in (5, 6)]
    found = measures.metric(evidence(runs + more), "accuracy", recipe="corrected")
    assert (found.ours["value"], found.seeds) == (0.5, 5)
    found = measures.metric(evidence(runs[:3] + more), "accuracy", recipe="corrected")
    assert (found.ours["value"], found.seeds) == (pytest.approx(0.7), 5)
    rank = measures.rank(evidence(runs + more), "recall", "jazz", recipe="corrected")
    assert rank.source == [run.name for run in runs]


def test_most_seeds_are_preferred_and_then_the_longest():
    few = [recorded(5, epochs=300)]
    many = [recorded(5, seed=seed) for seed in (0, 1)]
    longer = [recorded(5, seed=seed, epochs=100) for seed in (0, 1)]
    assert groups.select(few + many, recipe="corrected") == many
    assert groups.select(few + many + longer, recipe="corrected") == longer
    whole = [recorded(5, seed=seed, epochs=300) for seed in range(5)]
    parts = [recorded(5, seed=seed) for seed in (0, 1, 5, 6, 7, 8, 9)]
    assert groups.select(whole + parts, recipe="corrected") == whole
    assert groups.headline(few + many) == {"corrected": many}
    assert groups.select(many, recipe="paper") == []
