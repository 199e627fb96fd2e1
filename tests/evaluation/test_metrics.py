import numpy as np
import pytest
from sklearn.metrics import top_k_accuracy_score

from gtzan_lib.evaluation import metrics


def test_an_estimate_in_words_and_wilsons_interval_as_published():
    assert (
        metrics.with_interval(metrics.proportion(90, 199), 3) == "0.452 [0.385, 0.522]"
    )
    assert metrics.with_interval(metrics.proportion(0, 0)) == "-"
    estimate = {"value": -0.001, "low": -0.104, "high": 0.098}
    assert metrics.with_interval(estimate) == "0.00 [-0.10, 0.10]"
    assert metrics.with_interval(metrics.bare(1.2345), 3) == "1.234"


@pytest.mark.parametrize("k", [1, 2, 5])
def test_top_k_agrees_with_scikit_learn(k):
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(200, 10)), rng.integers(0, 10, 200)
    expected = top_k_accuracy_score(labels, logits, k=k)
    assert metrics.top_k_hits(logits, labels, k).mean() == pytest.approx(expected)
    equal = metrics.top_k_hits(np.zeros((10, 10)), np.arange(10), k)
    assert equal.tolist() == [True] * k + [False] * (10 - k)  # the first count


def test_rounded_logits_say_the_same_and_ties_stay_ties():
    logits = np.float32([[1.23456, -2, 0.5], [7.0001, 7.0002, 0], [3, 3, 1.23456]])
    short = metrics.rounded(logits)
    assert short.dtype == np.float32
    assert short[0].tolist() == np.float32([1.235, -2, 0.5]).tolist()
    assert short[1].tolist() == logits[1].tolist()  # 7.000 twice would be a tie
    assert short[2].tolist() == np.float32([3, 3, 1.235]).tolist()
    assert np.array_equal(short.argmax(axis=1), logits.argmax(axis=1))
