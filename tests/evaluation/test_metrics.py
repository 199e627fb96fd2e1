import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special
from sklearn.metrics import (
    confusion_matrix,
    precision_score,
    recall_score,
    top_k_accuracy_score,
)

from gtzan_lib.evaluation import metrics as evaluation

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(200, 10)).astype(np.float32)
LABELS = RNG.integers(0, 10, 200)


def test_agrees_with_scikit_learn():
    predicted = LOGITS.argmax(axis=1)
    metrics = evaluation.evaluate(LOGITS, LABELS)
    assert metrics["confusion"] == confusion_matrix(LABELS, predicted).tolist()
    for name, score in (("precision", precision_score), ("recall", recall_score)):
        ours = [estimate["value"] for estimate in metrics[name]]
        np.testing.assert_allclose(ours, score(LABELS, predicted, average=None))
    assert metrics["accuracy"]["value"] == pytest.approx((predicted == LABELS).mean())


def test_rows_of_the_confusion_matrix_are_shares_of_the_true_genre():
    metrics = evaluation.evaluate(LOGITS, LABELS)
    for row in metrics["confusion_share"]:
        assert sum(cell["value"] for cell in row) == pytest.approx(1)
        assert all(cell["low"] <= cell["value"] <= cell["high"] for cell in row)


def test_wilson_interval_is_the_published_one():
    estimate = evaluation.proportion(90, 199)
    assert estimate["low"] == pytest.approx(0.3846, abs=5e-4)
    assert estimate["high"] == pytest.approx(0.5217, abs=5e-4)


def test_a_genre_without_pictures_has_no_recall():
    assert np.isnan(evaluation.proportion(0, 0)["value"])


@pytest.mark.parametrize("k", [1, 2, 5])
def test_top_k_agrees_with_scikit_learn(k):
    expected = top_k_accuracy_score(LABELS, LOGITS, k=k)
    assert evaluation.top_k_hits(LOGITS, LABELS, k).mean() == pytest.approx(expected)
    if k == 2:
        top2 = evaluation.evaluate(LOGITS, LABELS)["top2"]["value"]
        assert top2 == pytest.approx(expected)


def test_percentages_in_the_papers_form():
    logits = np.full(10, -50.0)
    logits[3] = 50
    assert evaluation.percentages(logits)[0] == "disco 100.0%"
    assert evaluation.percentages(np.zeros(10)) == [
        f"{genre} 10.0%" for genre in evaluation.GENRES
    ]


@given(st.lists(st.floats(-1e4, 1e4), min_size=10, max_size=10))
def test_softmax_agrees_with_scipy(logits):
    p = evaluation.softmax(np.array(logits))
    np.testing.assert_allclose(p, special.softmax(logits), atol=1e-12)
