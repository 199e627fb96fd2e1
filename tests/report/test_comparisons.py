"""What the text compares beside the claims: on made-up runs, and by another way."""

import numpy as np
import pytest
from made import Made
from scipy import special, stats

from gtzan_lib.data.genres import GENRES
from gtzan_lib.report import comparisons, explanations


def run(recipe, seed, epochs, moments):
    """Return a run of the paper's network from (epoch, training, test, loss).

    Accuracies are in tenths; before the first epoch and between, all is as after the
    last one that is given.
    """
    history = {"loss": [], "train_accuracy": [], "test_accuracy": []}
    given = {epoch: row for epoch, *row in moments}
    now = 0, 0, 2.3
    for epoch in range(1, epochs + 1):
        now = given.get(epoch, now)
        for name, value in zip(
            history, (now[2], now[0] / 10, now[1] / 10), strict=True
        ):
            history[name].append(value)
    history["test_loss"] = [2 * loss for loss in history["loss"]]
    counts = np.zeros((10, 10), int)
    counts[0, :2] = now[1], 10 - now[1]
    made = Made(counts, seed, history, recipe=recipe, epochs=epochs)
    made.provenance["seconds"] = 1800
    return made


@pytest.fixture
def runs():
    once = [
        run("corrected", seed, 100, [(40, 7, 4 + seed, 1.2), (100, 10, 6, 0.1)])
        for seed in range(3)
    ]
    twice = [
        run("paper", 0, 900, [(300, 5, 3, 1.9), (400, 7, 2, 1.8), (900, 8, 5, 1.7)]),
        run("paper", 1, 900, [(300, 6, 3, 1.9), (900, 8, 4, 1.84)]),
        run("paper", 2, 300, [(300, 5, 1, 1.9)]),
    ]
    return once + twice


def test_other_slips_stand_beside_the_papers_loss():
    def trained(recipe, seed, steps):
        made = run(recipe, seed, 300, [*steps, (300, 7, 10, steps[-1][-1])])
        made.history["train_certain"] = [epoch / 300 for epoch in range(1, 301)]
        return made

    at_once = [(10, 6.2, 4, 1.8), (20, 7, 4, 1.7)]
    group = [trained("sigmoid", 0, at_once), trained("sigmoid", 1, [(1, 7, 4, 1.9)])]
    both = explanations.alternatives([*group, trained("paper", 0, at_once)], 0.62)
    assert [row["tried"] for row in both] == [False, True]
    row = both[1]
    assert (row["seeds"], row["reached"], row["epochs"]) == (2, 1, 300)
    assert row["at_right"]["value"] == 1.8
    assert row["certain_then"]["value"] == pytest.approx((10 + 1) / 2 / 300)
    assert row["loss"]["value"] == pytest.approx(1.8)
    assert explanations.alternatives(group[:0], 0.62) == []


def test_other_losses_of_one_softmax_stand_below_it(runs):
    _, once, mean, test = explanations.alternatives(runs, 0.62)
    assert [row["printed"] for row in (once, mean, test)] == [False, True, True]
    assert (mean["reached"], mean["epochs"]) == (3, 100)
    assert mean["at_right"]["value"] == pytest.approx((39 * 2.3 + 1.2) / 40)
    assert mean["loss"]["value"] == pytest.approx((39 * 2.3 + 60 * 1.2 + 0.1) / 100)
    assert test["at_right"]["value"] == pytest.approx(2 * 1.2)
    assert test["loss"]["value"] == pytest.approx(2 * 0.1)


def test_silent_genres_are_counted_with_and_without_a_change():
    def trained(seed, silent, **facts):
        shown = np.tile(10 * np.eye(10, dtype=int), (80, 1, 1))
        shown[:, silent, :], shown[:, silent, 5] = 0, 10
        facts |= {"recipe": "paper", "epochs": 80, "shown": shown}
        return Made(np.eye(10, dtype=int), seed, **facts)

    plain = [trained(seed, silent) for seed, silent in enumerate([0, 0, 3])]
    moved = [trained(seed, 9, encoder="blues-away") for seed in range(2)]
    ranks = {f"template_rank.{genre}": 10 - k for k, genre in enumerate(GENRES)}
    found = explanations.silenced([*plain, *moved], ranks)
    (change,) = found["changes"]
    assert (change["name"], change["seeds"]) == ("blues-away", 2)
    assert change["unchanged"]["blues"] == change["silent"]["rock"] == 2
    assert change["unchanged"]["rock"] == change["silent"]["blues"] == 0
    counts = [2, 0, 0, 1, *6 * [0]]
    assert [row["silent"] for row in found["ranks"]] == counts
    by_rank = stats.spearmanr(10 - np.arange(10), counts).statistic
    assert found["correlation"] == pytest.approx(by_rank)


def test_who_reached_the_papers_pair_is_counted_by_the_time_they_had(runs):
    assert comparisons.reached(runs, (1.83, 0.62)) == [
        {"epochs": 900, "seeds": 2, "reached": 1},
        {"epochs": 300, "seeds": 1, "reached": 0},
    ]


@pytest.mark.parametrize("spread", [0.01, 1, 4])
def test_no_calibrated_network_has_a_larger_loss(spread):
    """Its loss is its mean entropy, and its accuracy its mean largest percentage."""
    rng = np.random.default_rng(0)
    p = special.softmax(spread * rng.normal(size=(500, 10)), axis=1)
    loss, accuracy = stats.entropy(p, axis=1).mean(), p.max(axis=1).mean()
    bound = comparisons.highest_calibrated_loss(accuracy)
    assert loss < bound
    flat = np.full((1, 10), (1 - accuracy) / 9)
    flat[0, 0] = accuracy
    assert bound == pytest.approx(stats.entropy(flat[0]))


def test_behind_two_softmaxes_a_loss_tells_the_mean_probability():
    rng = np.random.default_rng(0)
    for spread in (0, 1, 10, 1000):
        p = special.softmax(spread * rng.normal(size=(100, 10)), axis=1)
        true = p[np.arange(100), rng.integers(10, size=100)]
        loss = np.mean(special.logsumexp(p, axis=1) - true)
        found = comparisons.probability_behind_two(loss)
        assert found["low"] - 1e-9 <= true.mean() <= found["high"] + 1e-9
        first = special.logsumexp(p, axis=1)
        assert found["least"] - 1e-9 <= first.min()
        assert first.max() <= found["most"] + 1e-9
    assert found["most"] == pytest.approx(first.max())
