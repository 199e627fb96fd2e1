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
