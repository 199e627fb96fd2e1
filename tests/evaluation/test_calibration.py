import numpy as np
import pytest
import torch
from scipy.special import softmax
from torch import nn

from gtzan_lib.evaluation import calibration


def test_the_temperature_is_what_logits_were_multiplied_by():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20_000, 10))
    p = softmax(logits, axis=1)
    labels = (p.cumsum(axis=1) > rng.random((len(p), 1))).argmax(axis=1)
    (temperature,) = calibration.fit_temperatures([3 * logits], labels)
    assert temperature == pytest.approx(3, rel=0.05)
    guesses = rng.normal(size=logits.shape)  # of a model that knows nothing
    knows, does_not = calibration.fit_temperatures([logits, guesses], labels)
    assert knows == pytest.approx(1 / 2, rel=0.05)  # half of a sum is its mean
    assert does_not > 20
    assert calibration.expected_calibration_error(logits, labels) < 0.01
    assert calibration.expected_calibration_error(3 * logits, labels) > 0.2
    few = [calibration.error_by_chance(logits[:n]) for n in (100, 400)]
    assert 0.1 > few[0] > 1.5 * few[1] > 0.03
    assert calibration.error_by_chance(50 * np.eye(10)) < 1e-6
    hits, size = calibration.prediction_set(logits, labels)
    assert hits["value"] >= 0.9
    assert 1 < size < 10


def test_bins_count_every_prediction_and_a_sure_hit_has_no_error():
    logits, labels = 50 * np.eye(10), np.arange(10)
    rows = calibration.reliability(logits, labels)
    assert [row["n"] for row in rows] == [10]
    assert calibration.expected_calibration_error(logits, labels) < 1e-6
    assert calibration.expected_calibration_error(logits, (labels + 1) % 10) > 0.99
    assert calibration.prediction_set(logits, labels)[1] == 1


def test_an_ensemble_averages_log_probabilities():
    a, b = np.random.default_rng(0).normal(size=(2, 5, 10))
    expected = nn.functional.log_softmax(torch.from_numpy(a), 1) / 2
    expected = expected + nn.functional.log_softmax(torch.from_numpy(b) / 2, 1) / 2
    np.testing.assert_allclose(calibration.combine([a, b], [1, 2]), expected)
