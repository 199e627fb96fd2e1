from types import SimpleNamespace

import numpy as np
import pytest
from small import train

from gtzan_lib.evaluation import seeds as comparison
from gtzan_lib.report import claims, pages


def test_the_interval_over_seeds_allows_for_shared_pictures():
    values = [0.5, 0.6, 0.7]
    estimate = comparison.mean_over_seeds(values, "random")
    half = 4.3027 * 0.1 * (1 / 3 + 1 / 4) ** 0.5
    assert estimate["value"] == pytest.approx(0.6)
    assert estimate["high"] - 0.6 == pytest.approx(half, abs=1e-4)
    fixed = comparison.mean_over_seeds(values, "mine-12345678")
    assert fixed["high"] - 0.6 == pytest.approx(4.3027 * 0.1 / 3**0.5, abs=1e-4)
    assert np.isnan(comparison.mean_over_seeds([0.5], "random")["low"])


def test_seeds_that_agree_are_as_uncertain_as_their_pictures():
    metrics = {"accuracy": {"value": 0.0, "low": 0.0, "high": 0.16}}
    four = [SimpleNamespace(metrics=metrics, provenance={"split": "random"})] * 4
    estimate = comparison.over_seeds(four, comparison.ACCURACY)
    assert estimate == {"value": 0, "low": 0, "high": pytest.approx(0.08 / 2)}
    assert np.isnan(comparison.paired_difference([], [], comparison.TOP2)["value"])


def made(split, accuracies):
    """Return what stands for runs on a split: an accuracy by seed, 0.1 uncertain."""
    return [
        SimpleNamespace(
            metrics={"accuracy": {"value": a, "low": a - 0.1, "high": a + 0.1}},
            provenance={"split": split, "seed": seed},
        )
        for seed, a in accuracies.items()
    ]


def test_a_change_is_paired_by_seed_and_has_a_sign():
    ours = made("random-unique", {2: 0.5, 0: 0.6, 1: 0.9})
    others = made("random", {1: 0.7, 0: 0.5, 3: 0.1})
    estimate = comparison.change(ours, others, comparison.ACCURACY)
    half = 12.7062 * (0.2 - 0.1) / 2**0.5 * (1 / 2 + 1 / 4) ** 0.5
    assert estimate["value"] == pytest.approx(0.15)
    assert estimate["high"] - 0.15 == pytest.approx(half, abs=1e-4)


def test_a_change_to_other_test_pictures_has_both_uncertainties():
    ours, others = made("artist", {0: 0.4}), made("random", {0: 0.6})
    estimate = comparison.change(ours, others, comparison.ACCURACY)
    assert estimate["value"] == pytest.approx(-0.2)
    assert estimate["high"] == pytest.approx(-0.2 + 0.1 * 2**0.5)


def test_a_rank_is_as_uncertain_as_its_pictures():
    def rank(counts):
        return np.sum(counts.diagonal() >= counts[3, 3])

    sure, close = np.diag([2] * 3 + [18] + [2] * 6), np.diag([9] * 3 + [10] + [9] * 6)
    for counts in (sure, close):
        counts[:, 0] += 20 - counts.sum(axis=1)
    assert claims.ranked(sure, rank) == {"value": 2, "low": 2, "high": 2}
    estimate = claims.ranked(close, rank)
    assert estimate["low"] <= 2 < 5 < estimate["high"]


def test_the_papers_numbers_stand_above_ours(tiny_source):
    found = [
        train(tiny_source, recipe="paper"),
        train(tiny_source),
        train(tiny_source, seed=1),
    ]
    rows = comparison.summary(comparison.group_runs(found))
    assert {row["name"]: row["seeds"] for row in rows} == {
        "paper, 1 epochs": 1,
        "corrected, 1 epochs": 2,
    }
    table = comparison.side_by_side(rows)
    assert [line["test accuracy"] for line in table[:3]] == ["0.45", "0.40", "0.50"]
    assert [row["name"][:5] for row in comparison.headline(rows)] == ["paper", "corre"]
    accuracies = [run.metrics["accuracy"]["value"] for run in found[1:]]
    both = comparison.over_seeds(found[1:], comparison.ACCURACY)
    assert both["value"] == pytest.approx(np.mean(accuracies))
    same = comparison.paired_difference(found[1:], found[1:], comparison.TOP2)
    assert same == {"value": 0, "low": 0, "high": 0}
    for genre in ("metal", "pop"):
        recall = comparison.recall(found[1:], genre)
        assert np.isnan(recall["value"]) or 0 <= recall["value"] <= 1


def test_links_between_notebooks_become_links_between_pages():
    page = (
        '<a href="02_pool_mse.ipynb">2</a> <a href="03_train_cnn.ipynb">3</a> '
        "<code>papermill 03_train_cnn.ipynb out.ipynb</code>"
    )
    assert pages.link_pages(page, "run") == (
        '<a href="02_pool_mse.html">2</a> <a href="03_train_cnn-run.html">3</a> '
        "<code>papermill 03_train_cnn.ipynb out.ipynb</code>"
    )
