import numpy as np
import pytest
from sklearn.metrics import top_k_accuracy_score

from gtzan_lib.data.genres import GENRES
from gtzan_lib.evaluation import metrics

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(200, 10)).astype(np.float32)
LABELS = RNG.integers(0, 10, 200)


def test_genres_that_are_not_there_have_their_place_in_the_confusion_matrix():
    counts = metrics.confusion_matrix(np.eye(10)[[3, 9]], np.array([3, 8]))
    assert counts.shape == (10, 10)
    assert (counts[3, 3], counts[8, 9], counts.sum()) == (1, 1, 2)


def test_wilson_interval_is_the_published_one():
    estimate = metrics.proportion(90, 199)
    assert estimate["low"] == pytest.approx(0.3846, abs=5e-4)
    assert estimate["high"] == pytest.approx(0.5217, abs=5e-4)


def test_a_genre_without_pictures_has_no_recall():
    assert np.isnan(metrics.proportion(0, 0)["value"])
    assert metrics.with_interval(metrics.proportion(0, 0)) == "-"


def test_an_estimate_in_words():
    estimate = {"value": -0.001, "low": -0.104, "high": 0.098}
    assert metrics.with_interval(estimate) == "0.00 [-0.10, 0.10]"
    assert metrics.with_interval(metrics.bare(1.2345), 3) == "1.234"


@pytest.mark.parametrize("k", [1, 2, 5])
def test_top_k_agrees_with_scikit_learn(k):
    expected = top_k_accuracy_score(LABELS, LOGITS, k=k)
    assert metrics.top_k_hits(LOGITS, LABELS, k).mean() == pytest.approx(expected)


def test_of_genres_that_are_equally_likely_the_first_count():
    hits = metrics.top_k_hits(np.zeros((10, 10)), np.arange(10), 2)
    assert hits.tolist() == [True] * 2 + [False] * 8


def test_percentages_in_the_papers_form():
    logits = np.full(10, -50.0)
    logits[3] = 50
    assert metrics.percentages(logits)[0] == "disco 100.0%"
    assert metrics.percentages(np.zeros(10)) == [f"{genre} 10.0%" for genre in GENRES]
