"""How alike genres are, on made-up pictures."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from gtzan_lib.evaluation import likeness


@pytest.fixture
def pictures():
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat(np.arange(10), 4))
    return rng.normal(size=(40, 6, 5)) + labels[:, None, None] ** 2, labels


def test_templates_are_ranked_by_their_inner_products(pictures):
    x, labels = pictures
    away = (x - x.mean(axis=0)).reshape(40, 30)
    means = pd.DataFrame(away).groupby(labels).mean().to_numpy()
    best_first = stats.rankdata(-np.einsum("np,kp->nk", away, means), axis=1)
    own = pd.Series(best_first[np.arange(40), labels]).groupby(labels).mean()
    assert likeness.template_ranks(x, labels) == pytest.approx(own.to_numpy())


def test_the_closest_pair_is_the_first(pictures):
    places = {
        "blues classical": 1,
        "classical country": 2,
        "blues rock": 45,
    }  # of squares
    for names, place in places.items():
        assert likeness.closeness(*pictures, *names.split()) == place
