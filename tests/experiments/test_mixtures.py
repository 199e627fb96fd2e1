"""Mixtures of two tracks, and what is counted of the answers to them."""

import numpy as np
import pytest
from librosa.feature import melspectrogram
from small import train

from gtzan_lib.data import pictures
from gtzan_lib.data.genres import GENRES, SAMPLE_RATE
from gtzan_lib.encoders.bands import read_bands
from gtzan_lib.encoders.pooling import average_pool
from gtzan_lib.experiments import mixtures
from gtzan_lib.models.layout import to_tensor
from gtzan_lib.report import record
from gtzan_lib.training import loop


def bands_of(y):
    return pictures.recover_bands(pictures.render(y.astype(np.float32)))


@pytest.mark.parametrize("gain", [0.3, 0.1])
def test_pictures_mix_nearly_as_samples_do(gain):
    """A low noise that swells and a high one: far nearer than to either alone."""
    rng, t = np.random.default_rng(0), np.arange(8 * SAMPLE_RATE) / SAMPLE_RATE
    white = rng.normal(0, 0.1, (2, len(t)))
    low = gain * np.convolve(white[0], np.hanning(64), "same") * (1.1 + np.sin(3 * t))
    high = np.diff(white[1], prepend=0) * np.sign(np.sin(9 * t)).clip(0.05)
    power = [melspectrogram(y=y, sr=SAMPLE_RATE).mean() for y in (low, high)]
    levels = [
        pictures.recover_bands(pictures.render(y.astype(np.float32))).astype(int)
        for y in (low, high, low + high)
    ]
    mixed = mixtures.mix(*levels[:2], power[0] / sum(power))
    *alone, off = (np.abs(each - levels[2]).mean() for each in (*levels[:2], mixed))
    assert off < 1
    assert off < min(alone) / 4


def test_pairs_are_of_two_genres_and_artists_and_drawn_once():
    labels, artists = np.repeat([0, 1, 4], 5), np.array([0, 0, 1, 2, 3] * 3)
    drawn = mixtures.pairs(labels, artists)
    assert np.array_equal(drawn, mixtures.pairs(labels, artists))
    assert len(np.unique(np.sort(drawn, axis=1), axis=0)) == len(drawn) == 3 * 12
    assert (labels[drawn[:, 0]] != labels[drawn[:, 1]]).all()
    assert (artists[drawn[:, 0]] != artists[drawn[:, 1]]).all()
    for genre in (0, 1, 4):
        assert np.sum(labels[drawn[:, 0]] == genre) == 12


def test_a_network_answers_each_mixture_once(tiny):
    run = train(tiny)
    told = mixtures.answer(tiny, run)
    bands = read_bands(tiny)[..., 0]
    for row in told.iloc[:: len(told) // 5].to_dict("records"):
        both = [bands[tiny.tracks.index(row[k])] for k in ("first", "second")]
        mixed = mixtures.draw(mixtures.mix(*both, row["share"]))
        logits = loop.predict(run.model(), to_tensor(average_pool(mixed[None])))[0]
        assert np.allclose(logits, [row[genre] for genre in GENRES], atol=6e-4)
    assert record.collect(tiny, [run]).mixtures.equals(told)
    path = tiny.results / "07_mixtures" / run.name / "mixtures.csv"
    path.write_text(path.read_text() + "\n")
    assert record.collect(tiny, [run]).mixtures.empty
    assert mixtures.summary(record.collect(tiny, [run]).mixtures, tiny.name) == {}
