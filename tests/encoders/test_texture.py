import numpy as np
import pytest

from gtzan_lib.encoders import texture


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
    described = texture.describe(np.zeros((128, 335), np.float32))
    assert described.shape == texture.Texture.shape
    assert np.isfinite(described).all()
