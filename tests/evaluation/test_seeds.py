import numpy as np
import pytest
from scipy import stats

from gtzan_lib.evaluation import seeds
from gtzan_lib.evaluation.metrics import bare


def around(value, half=0.1):
    return {"value": value, "low": value - half, "high": value + half}


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
    assert np.isnan(seeds.ranked(folds[:1], place)["low"])  # one run has no interval


def test_a_difference_is_no_surer_than_its_pictures_allow():
    rng = np.random.default_rng(0)
    pictures = [rng.permuted([1] * 20 + [-1] * 12 + [0] * 168) for _ in range(5)]
    values = [each.mean() for each in pictures]  # all the same: seeds show no spread
    found = seeds.paired_difference(values, [0] * 5, "random", pictures)
    half = stats.norm.ppf(0.975) * np.std(pictures) / 1000**0.5
    assert found["high"] - found["value"] == pytest.approx(half)
    assert found["value"] == pytest.approx(8 / 200)
    wide = seeds.paired_difference([0, 1, 0, 1, 0], [0] * 5, "random", pictures)
    assert wide == seeds.paired_difference([0, 1, 0, 1, 0], [0] * 5, "random")


def test_one_more_seed_lies_farther_off_than_the_mean():
    found = seeds.one_more([1.0, 2.0, 4.0])
    t, spread = stats.t.ppf(0.975, 2), np.std([1, 2, 4], ddof=1)
    assert found["high"] - found["value"] == pytest.approx(t * spread * (4 / 3) ** 0.5)
