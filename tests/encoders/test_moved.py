import numpy as np
import pytest

from gtzan_lib.data import packing
from gtzan_lib.data.genres import GENRES
from gtzan_lib.encoders.pooling import pool
from gtzan_lib.errors import DataError
from gtzan_lib.registry import ENCODERS

TRAIN = np.arange(0, 30, 2)


def distances(codes, labels):
    of = [codes[TRAIN][labels[TRAIN] == k].mean(axis=0) for k in range(10)]
    middle = pool_mean(codes)
    return np.array([np.linalg.norm(mean - middle) for mean in of])


def pool_mean(codes):
    return codes[TRAIN].mean(axis=0)


@pytest.mark.parametrize(("name", "genre"), [("blues-away", 0), ("classical-onto", 1)])
def test_one_genre_moves_and_the_others_stay(tiny, name, genre):
    plain, labels = np.array(pool(tiny)), tiny.labels
    moved, weights = ENCODERS[name].make().codes(tiny, TRAIN, 0, progress=False)
    assert weights is None
    others = labels != genre
    np.testing.assert_array_equal(moved[others], plain[others])
    shift = moved[~others] - plain[~others]
    np.testing.assert_allclose(shift, shift[:1].repeat(len(shift), 0), atol=1e-6)
    middle = pool_mean(plain)
    mine = moved[TRAIN][labels[TRAIN] == genre].mean(axis=0)
    wanted = {"blues-away": distances(plain, labels).max(), "classical-onto": 0}[name]
    assert np.linalg.norm(mine - middle) == pytest.approx(wanted, abs=1e-3)


def test_pictures_whose_genre_is_not_known_are_refused(tiny):
    with pytest.raises(DataError, match="known genre"):
        ENCODERS["blues-away"].make().encode(packing.pack(tiny)[:1])


def test_full_pictures_are_not_compressed(tiny):
    codes, _ = ENCODERS["full"].make().codes(tiny)
    assert codes.shape == (30, 288, 432, 3)
    assert np.array_equal(np.round(255 * codes).astype(np.uint8), packing.pack(tiny))
    assert GENRES[0] == "blues"
