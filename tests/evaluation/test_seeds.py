import numpy as np
import pytest
from scipy import stats

from gtzan_lib.evaluation import seeds
from gtzan_lib.evaluation.metrics import bare


def around(value, half=0.1):
    return {"value": value, "low": value - half, "high": value + half}


def test_the_interval_over_seeds_allows_for_shared_pictures():
    values = [0.5, 0.6, 0.7]
    estimate = seeds.mean_over_seeds(values, "random")
    half = 4.3027 * 0.1 * (1 / 3 + 1 / 4) ** 0.5
    assert estimate["value"] == pytest.approx(0.6)
    assert estimate["high"] - 0.6 == pytest.approx(half, abs=1e-4)
    assert seeds.mean_over_seeds(values, "random-unique") == estimate
    fixed = seeds.mean_over_seeds(values, "mine-12345678")
    assert fixed["high"] - 0.6 == pytest.approx(4.3027 * 0.1 / 3**0.5, abs=1e-4)
    assert np.isnan(seeds.mean_over_seeds([0.5], "random")["low"])


def test_seeds_that_agree_are_as_uncertain_as_their_pictures():
    four = [{"value": 0.0, "low": 0.0, "high": 0.16}] * 4
    estimate = seeds.over_seeds(four, "random")
    assert estimate == {"value": 0, "low": 0, "high": pytest.approx(0.08 / 2)}
    fixed = seeds.over_seeds(four, "artist")  # of which every seed has the same tests
    assert fixed["high"] == pytest.approx(0.08)


def test_one_seed_has_the_interval_of_its_pictures():
    assert seeds.over_seeds([around(0.5)], "random") == around(0.5)
    assert seeds.over_seeds([around(0.95)], "random")["high"] == 1
    assert np.isnan(seeds.over_seeds([bare(0.5)], "random")["low"])


def confusion(jazz, others=150):
    counts = np.diag([others] * 5 + [jazz] + [others] * 4)
    counts[:, 9] += 200 - counts.sum(axis=1)
    counts[9, [0, 9]] = 200 - others, others
    return counts


def test_a_rank_is_as_uncertain_as_its_runs():
    """Jazz is the best of ten in most runs, and the worst in one."""

    def rank(counts):
        return np.sum(counts.diagonal() >= counts[5, 5])

    alike = np.stack([confusion(190)] * 5)
    assert seeds.ranked(alike, rank) == {"value": 1, "low": 1, "high": 1}
    differing = np.stack([confusion(180)] * 4 + [confusion(0)])
    estimate = seeds.ranked(differing, rank)
    assert estimate["value"] == estimate["high"] == 10
    assert estimate["low"] == 1
    assert np.isnan(seeds.ranked(differing[:1], rank)["low"])


def test_the_interval_of_a_rank_counts_the_chance_of_pictures_once():
    """Of five folds whose answers differ by chance alone, it covers the true place."""
    rng, right, widths = np.random.default_rng(0), np.array([0.5, 0.55] + 8 * [0.9]), []

    def place(counts):
        return counts[1, 1] - counts[0, 0]

    for _ in range(60):
        folds = np.zeros((5, 10, 10), int)
        folds[:, range(10), range(10)] = rng.binomial(20, right, (5, 10))
        interval = seeds.ranked(folds, place)
        widths.append(interval["high"] - interval["low"])
    once = 2 * 1.96 * (100 * (right[:2] * (1 - right[:2])).sum()) ** 0.5
    assert np.mean(widths) < 1.15 * once  # pictures drawn twice: 1.4 times


@pytest.mark.parametrize("values", [(0.3, 0.5, 0.4), (0.2, 0.5, 0.4, 0.6, 0.1)])
def test_so_many_seeds_bring_the_interval_below_a_width(values):
    now, k = seeds.mean_over_seeds(list(values), "random"), len(values)
    half, spread = now["high"] - now["value"], np.std(values, ddof=1)
    n = seeds.needed(half, k, 1 / 4, 0.6 * half)
    halves = [
        stats.t.ppf(0.975, m - 1) * spread * (1 / m + 1 / 4) ** 0.5 for m in (n - 1, n)
    ]
    assert n > k
    assert halves[1] < 0.6 * half <= halves[0]
    assert seeds.needed(half, k, 1 / 4, 0.01 * half) == 0
