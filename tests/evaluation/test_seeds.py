import numpy as np
import pytest

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


def test_a_paired_difference_has_a_sign_and_needs_two_seeds():
    estimate = seeds.paired_difference([0.6, 0.9], [0.5, 0.7], "random")
    half = 12.7062 * (0.2 - 0.1) / 2**0.5 * (1 / 2 + 1 / 4) ** 0.5
    assert estimate["value"] == pytest.approx(0.15)
    assert estimate["high"] - 0.15 == pytest.approx(half, abs=1e-4)
    assert np.isnan(seeds.paired_difference([0.6], [0.5], "random")["low"])
    assert np.isnan(seeds.paired_difference([], [], "random")["value"])


def test_a_difference_of_other_test_pictures_has_both_uncertainties():
    estimate = seeds.difference([around(0.4)], "artist", [around(0.6)], "random")
    assert estimate["value"] == pytest.approx(-0.2)
    assert estimate["high"] == pytest.approx(-0.2 + 0.1 * 2**0.5)
