import numpy as np
import pytest

from gtzan_lib.evaluation import clusters
from gtzan_lib.evaluation.metrics import proportion

# As many artists and tracks as of GTZAN's rock and hip-hop.
SIZES = {"rock": [1] * 8 + [3] * 4 + [8] * 5 + [11] * 3, "hiphop": [1] * 44 + [18, 18]}


def coverage(sizes, chance, draws=1500):
    """Return how often the intervals of mean, share and Wilson hold the true share.

    Artists differ: each one's tracks are right with a probability of its own.
    """
    rng, held = np.random.default_rng(0), np.zeros(3)
    artists = np.repeat(np.arange(len(sizes)), sizes)
    for _ in range(draws):
        own = rng.beta(2 * chance, 2 * (1 - chance), len(sizes))
        hits = rng.random(len(artists)) < own[artists]
        naive = proportion(hits.sum(), len(hits))
        of_artists = clusters.mean(hits, artists), clusters.share(hits, artists)
        held += [e["low"] <= chance <= e["high"] for e in (*of_artists, naive)]
    return held / draws


@pytest.mark.parametrize("genre", SIZES)
def test_intervals_hold_the_truth_where_those_by_track_do_not(genre):
    mean, share, naive = coverage(SIZES[genre], 0.7)
    assert mean > 0.88
    assert 0.92 < share < 0.98
    assert naive < 0.8
    mean, share, _ = coverage(SIZES[genre], 0.9)
    assert share > 0.9 > mean  # why shares have an interval of their own


def test_three_artists_who_are_always_right_are_three_tracks():
    estimate = clusters.share(np.ones(31), np.repeat([0, 1, 2], [12, 10, 9]))
    assert estimate["high"] == estimate["value"] == 1
    assert 0 < estimate["low"] < 0.4
    for n in range(2, 40):  # whatever the rounding
        for p in (0, 1):
            estimate = clusters.share(np.full(n, p), np.arange(n))
            assert estimate["low"] <= p <= estimate["high"]


def test_one_artist_says_nothing_of_others_and_none_has_no_share():
    one = np.array([0.0, 1.0]), np.array(["a", "a"])
    assert clusters.share(*one) == {"value": 0.5, "low": 0, "high": 1}
    alone = clusters.mean(*one)
    assert alone["value"] == 0.5
    assert np.isnan([alone["low"], alone["high"]]).all()
    assert np.isnan(clusters.share(np.array([]), np.array([]))["value"])
