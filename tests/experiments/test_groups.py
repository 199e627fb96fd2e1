"""Runs that differ in their seed: made here from records, without any training."""

import math

import numpy as np
import pytest

from gtzan_lib.experiments import groups, suite
from gtzan_lib.experiments.run import METRICS, Run, _loss_at_percent
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
        "saturated": 75,
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
    assert (values["accuracy"], values["top2"], values["saturated"]) == (0.7, 0.6, 0.75)
    assert (values["recall:jazz"], values["called:jazz:metal"]) == (0.7, 0.3)
    assert (values["mixed:jazz:metal"], values["mixed:metal:jazz"]) == (0.15, 0.15)
    assert values["loss@first"] == values["loss@last"] == values["loss@30"] == 2
    assert math.isnan(values["loss@100"])
    assert run.metric("test_accuracy@10")["low"] < 0.25
    assert math.isnan(run.metric("train_accuracy@10")["low"])


def test_the_loss_at_a_training_accuracy_is_that_when_it_is_first_reached():
    history = {"loss": [2.0, 1.0, 1.2, 0.5], "train_accuracy": [0.1, 0.6, 0.5, 0.9]}
    at = _loss_at_percent(history)
    assert at["60"] == 1.0
    assert at["35"] == pytest.approx(1.5)  # half way between two epochs
    assert at["55"] == pytest.approx(1.1)  # not when it is reached again
    assert at["75"] == pytest.approx(1.2 - 0.7 * 0.25 / 0.4)
    assert {"10", "91"}.isdisjoint(at)
    assert _loss_at_percent({}) == {}


def test_a_gain_is_that_of_the_first_over_the_second():
    runs = [recorded(9, 1, encoder="conv"), recorded(6, 0, encoder="conv")]
    runs += [recorded(1, 2, encoder="conv"), recorded(5, 0), recorded(7, 1)]
    conv, pool = {"encoder": "conv"}, {"encoder": "pool"}
    for of, against, gain in ((conv, pool, 0.15), (pool, conv, -0.15)):
        found = measures.gain({}, runs, "accuracy", of=of, against=against)
        assert found.ours["value"] == pytest.approx(gain)
        assert (len(found.source), found.seeds) == (4, 2)
    assert measures.gain({}, runs[:2], "accuracy", of=conv, against=pool) is None
    alone = measures.gain({}, [runs[0], runs[4]], "accuracy", of=conv, against=pool)
    assert alone.seeds == 1


def test_whole_partitions_count_and_parts_of_others_do_not():
    runs = [recorded(5, seed) for seed in range(5)]
    more = [recorded(10, seed) for seed in (5, 6)]
    found = measures.metric({}, runs + more, "accuracy", recipe="corrected")
    assert (found.ours["value"], found.seeds) == (0.5, 5)
    found = measures.metric({}, runs[:3] + more, "accuracy", recipe="corrected")
    assert (found.ours["value"], found.seeds) == (pytest.approx(0.7), 5)
    rank = measures.rank({}, runs + more, "recall:jazz", recipe="corrected")
    assert rank.source == [run.name for run in runs]


def test_a_metric_at_an_epoch_is_that_of_all_runs_that_got_so_far():
    runs = [recorded(seed=0, epochs=30), recorded(seed=0, epochs=10)]
    runs += [recorded(seed=1, epochs=30), recorded(seed=2, epochs=10)]
    at = {
        epoch: measures.metric({}, runs, f"loss@{epoch}", recipe="corrected").source
        for epoch in (10, 30)
    }
    assert at == {
        10: [runs[k].name for k in (0, 2, 3)],
        30: [runs[0].name, runs[2].name],
    }


def test_a_model_is_compared_with_the_mean_of_others_on_the_same_seeds():
    others = [suite.MODELS[name] for name in suite.CLIMBING]
    runs = [
        recorded(9 - k, seed, recipe=recipe, model=model, encoder=encoder)
        for k, (recipe, model, encoder) in enumerate(others)
        for seed in range(3)
    ]
    runs += [recorded(4, seed, recipe="paper") for seed in (1, 2)]
    found = measures.beside_others({}, runs, "accuracy", recipe="paper")
    assert found.ours["value"] == pytest.approx(0.4 - np.mean([0.9, 0.8, 0.7, 0.6]))
    assert (found.seeds, len(found.source)) == (2, 2 * 5)
    assert measures.beside_others({}, runs[3:], "accuracy", recipe="paper") is None


def test_an_encoder_is_compared_with_pooling_over_seeds():
    rows = [{"encoder": "conv", "of_pooling": [0.2, 0.4]}, {"encoder": "patch"}]
    found = measures.encoder_ratio({"encoders": rows}, [], "conv")
    half = 12.7062 * 0.1 * 2**0.5 * (1 / 2 + 1 / 4) ** 0.5
    assert (found.ours["value"], found.seeds) == (pytest.approx(0.3), 2)
    assert found.ours["high"] - 0.3 == pytest.approx(half, abs=1e-4)
    for encoder in ("patch", "factorised"):
        assert measures.encoder_ratio({"encoders": rows}, [], encoder) is None


def test_more_data_is_what_the_second_half_adds():
    row = {"encoder": "texture", "train": [1, 2, 4, 8], "tests": [8, 2]}
    counts = [[[9, 1], [0, 1], [5, 0], [5, 2]], [[0, 0], [0, 0], [4, 0], [6, 1]]]
    rows = [row | {"hits": hits} for hits in counts]
    found = measures.more_data({"learning": rows}, [], "texture")
    assert (found.ours["value"], found.seeds) == (pytest.approx(0.25), 2)
    assert found.values == (0.2, 0.3)  # folds of ten tracks; eight train
    half = 12.7062 * (0.1 / 2**0.5) * (1 / 2 + 10 / 8) ** 0.5
    assert found.ours["high"] - 0.25 == pytest.approx(half, abs=1e-4)
    assert measures.more_data({"learning": rows}, [], "features") is None


def test_most_seeds_are_preferred_and_then_the_longest():
    few = [recorded(epochs=300)]
    many = [recorded(seed=seed) for seed in (0, 1)]
    longer = [recorded(seed=seed, epochs=100) for seed in (0, 1)]
    assert groups.select(few + many, recipe="corrected") == many
    assert groups.select(few + many + longer, recipe="corrected") == longer
    whole = [recorded(seed=seed, epochs=300) for seed in range(5)]
    parts = [recorded(seed=seed) for seed in (0, 1, 5, 6, 7, 8, 9)]
    assert groups.select(whole + parts, recipe="corrected") == whole
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


def test_folds_of_different_sizes_are_counted_together():
    runs = [recorded(9, 0), recorded(5, 1)]
    runs[1].record["confusion"] = (3 * runs[1].confusion).tolist()
    assert groups.over_seeds(runs, "recall:jazz")["value"] == (9 + 15) / 40
    assert groups.over_seeds(runs, "accuracy")["value"] == (90 + 150) / 400
    assert groups.over_seeds(runs[1:], "accuracy") == runs[1].metric("accuracy")


def test_a_metric_that_a_run_lacks_has_no_mean():
    runs = [recorded(seed=0), recorded(seed=1)]
    assert math.isnan(groups.over_seeds(runs, "loss@100")["value"])
    assert math.isnan(groups.over_seeds([], "accuracy")["value"])
    assert groups.over_seeds(runs, "loss@30")["value"] == 2  # and is not cut off at 1


def test_a_rank_is_as_uncertain_as_its_runs():
    """Jazz is the best of ten in most runs, and the worst in one."""

    def rank(counts):
        return np.sum(counts.diagonal() >= counts[5, 5])

    def confusion(jazz, others=150):
        counts = np.diag([others] * 5 + [jazz] + [others] * 4)
        counts[:, 9] += 200 - counts.sum(axis=1)
        counts[9, [0, 9]] = 200 - others, others
        return counts

    alike = np.stack([confusion(190)] * 5)
    assert measures.ranked(alike, rank) == {"value": 1, "low": 1, "high": 1}
    differing = np.stack([confusion(180)] * 4 + [confusion(0)])
    estimate = measures.ranked(differing, rank)
    assert estimate["value"] == estimate["high"] == 10
    assert estimate["low"] == 1
    assert np.isnan(measures.ranked(differing[:1], rank)["low"])


def test_the_interval_of_a_rank_counts_the_chance_of_pictures_once():
    """Of five folds whose answers differ by chance alone, it covers the true place."""
    rng, right, widths = np.random.default_rng(0), np.array([0.5, 0.55] + 8 * [0.9]), []

    def place(counts):
        return counts[1, 1] - counts[0, 0]

    for _ in range(60):
        folds = np.zeros((5, 10, 10), int)
        folds[:, range(10), range(10)] = rng.binomial(20, right, (5, 10))
        interval = measures.ranked(folds, place)
        widths.append(interval["high"] - interval["low"])
    once = 2 * 1.96 * (100 * (right[:2] * (1 - right[:2])).sum()) ** 0.5
    assert np.mean(widths) < 1.15 * once  # pictures drawn twice: 1.4 times


def test_models_are_named_by_split():
    runs = [recorded(seed=seed, split="artist") for seed in (1, 0)]
    runs += [recorded(), recorded(model="lenet-tanh")]
    table = suite.by_split(runs)
    assert list(table) == ["artist", "random"]
    assert [r.provenance["seed"] for r in table["artist"][suite.LENET]] == [0, 1]
    assert list(table["random"]) == [suite.LENET]


def test_splits_by_artist_have_intervals_by_artist():
    by_track, few = recorded(6, split="artist"), recorded(6, 1, split="artist")
    few.record["by_artist"] = [[50, 40, 40], [50, 20, 20]]
    many = recorded(6, split="artist")
    many.record["by_artist"] = [[1, 1, 1]] * 60 + [[1, 0, 0]] * 40
    widths = []
    for run in (by_track, many, few):
        estimate = run.metric("accuracy")
        assert estimate["value"] == 0.6
        widths.append(estimate["high"] - estimate["low"])
    assert widths[1] == pytest.approx(widths[0], rel=0.05)
    assert widths[2] > 3 * widths[0]
    both = groups.over_seeds([many, few], "accuracy")
    assert both["value"] == pytest.approx(0.6)
    assert both["high"] - both["low"] == pytest.approx((widths[1] + widths[2]) / 2)
