"""Encoders that are computed: pooled and moved pictures, bands, texture."""

import numpy as np
import pytest

from gtzan_lib.data import packing
from gtzan_lib.encoders import pooling, texture
from gtzan_lib.registry import ENCODERS

TRAIN = np.arange(0, 30, 2)


@pytest.mark.parametrize("encoder", ["pool", "full", "bands", "texture", "blues-away"])
def test_codes_have_the_shape_that_models_are_built_for(tiny, encoder):
    encoder = ENCODERS[encoder].make()
    codes, weights = encoder.codes(tiny, TRAIN, 0, progress=False)
    assert weights is None
    assert codes.dtype == np.float32
    as_model_takes_it = np.moveaxis(codes, -1, 1) if codes.ndim == 4 else codes
    assert as_model_takes_it.shape == (30, *encoder.shape)


def test_full_pictures_are_not_compressed(tiny):
    codes, _ = ENCODERS["full"].make().codes(tiny)
    assert np.array_equal(np.round(255 * codes).astype(np.uint8), packing.pack(tiny))


def test_a_factor_that_does_not_divide_is_refused():
    with pytest.raises(ValueError, match="5 does not divide"):
        pooling.average_pool(np.zeros((1, 24, 36, 3), np.uint8), 5)


@pytest.mark.parametrize(("name", "genre"), [("blues-away", 0), ("classical-onto", 1)])
def test_one_genre_moves_and_the_others_stay(tiny, name, genre):
    plain, labels = np.array(pooling.pool(tiny)), tiny.labels
    moved, _ = ENCODERS[name].make().codes(tiny, TRAIN, 0, progress=False)
    others = labels != genre
    np.testing.assert_array_equal(moved[others], plain[others])
    shift = moved[~others] - plain[~others]
    np.testing.assert_allclose(shift, shift[:1].repeat(len(shift), 0), atol=1e-6)
    middle, of = plain[TRAIN].mean(axis=0), labels[TRAIN]
    far = [
        np.linalg.norm(plain[TRAIN][of == k].mean(axis=0) - middle) for k in range(10)
    ]
    wanted = {"blues-away": max(far), "classical-onto": 0}[name]
    mine = moved[TRAIN][of == genre].mean(axis=0)
    assert np.linalg.norm(mine - middle) == pytest.approx(wanted, abs=1e-3)


def strength(bands):
    """Return the mean modulation by rate (0, then RATES) and filter of that rate."""
    modulation = texture.modulation(bands.astype(np.float32))
    return [found.mean(axis=(1, 2)) for found in modulation]


def test_texture_tells_rates_and_scales_apart():
    columns = np.arange(335) / texture._COLUMNS_PER_SECOND  # seconds
    bands = np.arange(128)[:, None]
    for rate in texture.RATES:
        tremolo = 0.5 + 0.4 * np.sin(2 * np.pi * rate * columns) * np.ones((128, 1))
        found = strength(tremolo)
        loudest = np.argmax([values.max() for values in found])
        assert (0, *texture.RATES)[loudest] == rate
        assert found[loudest].argmax() == 0  # the filter of any scale
    for i, scale in enumerate(texture.SCALES):
        ripple = 0.5 + 0.4 * np.sin(2 * np.pi * bands * scale) * np.ones(335)
        found = strength(ripple)
        assert np.argmax([values.max() for values in found]) == 0
        assert found[0].argmax() == i


def test_columns_that_slow_filters_leave_out_tell_nothing_new(monkeypatch):
    bands = np.random.default_rng(0).random((128, 335)).astype(np.float32)
    steps, some = texture._STEPS, texture.modulation(bands)
    monkeypatch.setattr(texture, "_STEPS", (1,) * len(steps))
    monkeypatch.setattr(texture, "_filters", texture._filters.__wrapped__)
    for found, whole, step in zip(some, texture.modulation(bands), steps, strict=True):
        error = np.abs(found - whole[:, :, ::step]).max()
        assert error < 0.005 * whole.max()


def test_peaks_are_what_rises_above_the_bands_around_it():
    colour = np.linspace(0.2, 0.8, 128)[:, None] * np.ones(20)
    tone = np.zeros((128, 20))
    tone[60] = 0.5
    found = texture.peaks(colour + tone)
    assert found[60] == pytest.approx(0.4)  # less a fifth, as five bands share it
    assert np.delete(found, 60, axis=0).max() < 0.01


def test_texture_is_finite_for_silence():
    assert np.isfinite(texture.describe(np.zeros((128, 335), np.float32))).all()
