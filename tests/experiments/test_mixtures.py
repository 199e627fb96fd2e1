"""Mixtures of two tracks, and what is counted of the answers to them."""

import numpy as np
import pandas as pd
import pytest
from librosa.feature import melspectrogram
from scipy import stats
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


def test_a_track_alone_gives_its_own_picture():
    rng = np.random.default_rng(0)
    for loudest in (255, 200):  # which may be between two columns
        bands, other = rng.integers(0, loudest + 1, (2, 128, 335), np.uint8)
        assert np.array_equal(mixtures.mix(bands, other, 1.0), bands)
        assert np.array_equal(mixtures.mix(other, bands, 0.0), bands)
    picture = pictures.render(rng.normal(0, 0.1, 8 * SAMPLE_RATE).astype(np.float32))
    assert np.array_equal(mixtures.draw(pictures.recover_bands(picture)), picture)


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
        assert np.allclose(logits, [row[genre] for genre in GENRES], atol=1e-4)
    assert record.collect(tiny, [run]).mixtures.equals(told)
    path = tiny.results / "07_mixtures" / run.name / "mixtures.csv"
    path.write_text(path.read_text() + "\n")
    assert record.collect(tiny, [run]).mixtures.empty
    assert mixtures.summary(record.collect(tiny, [run]).mixtures, tiny.name) == {}


def test_what_is_told_of_mixtures_is_counted():
    """Of one pair both are named in the mixture alone; of another never."""
    rows = []
    for run, share in ((r, s) for r in "ab" for s in mixtures.SHARES):
        for pair in (("blues.00001", "rock.00001"), ("jazz.00001", "pop.00001")):
            z = dict.fromkeys(GENRES, 0.0)
            z |= {"metal": 9.0, "disco": 8.0}
            if pair[0] == "blues.00001":
                z |= {"blues": 20 * share, "rock": 20 * (1 - share)}
            rows.append([run, share, *pair, *z.values()])
    table = pd.DataFrame(rows, columns=mixtures.COLUMNS)
    told = mixtures.summary(table.sample(frac=1, random_state=0), "own pictures")
    assert (told["runs"], told["pairs"], told["artists"]) == (["a", "b"], 2, 4)
    alone, equal, _ = told["mixtures"]
    assert (alone["either"]["value"], alone["both"]["value"]) == (0.5, 0)
    assert (equal["both"]["value"], equal["more_both"]["value"]) == (0.5, 0.5)
    by_share = {row["share"]: row["percentage"]["value"] for row in told["percentages"]}
    assert [*by_share] == sorted(by_share) == [0, 0.3, 0.5, 0.7, 1]
    assert by_share[0] < by_share[0.3] < by_share[0.5] < by_share[0.7] < by_share[1]


def test_the_interval_over_pairs_leaves_out_each_artist():
    """By hand, to the first order: without an artist, its pairs are gone."""
    rng = np.random.default_rng(0)
    artists = np.stack([rng.integers(40, size=300), 40 + rng.integers(40, size=300)], 1)
    values = rng.normal(size=(1, 300)) + rng.normal(size=80)[artists].sum(1)
    found = mixtures.over_pairs(values, artists)
    without = [values[:, (artists != a).all(1)].mean() for a in range(80)]
    spread = np.sqrt(79 / 80 * np.sum((np.array(without) - values.mean()) ** 2))
    alike = 600**2 / np.sum(np.bincount(artists.ravel()) ** 2)
    half = stats.t.ppf(0.975, alike - 1) * spread
    assert found["high"] - found["value"] == pytest.approx(half, rel=0.03)
    two = mixtures.over_pairs(np.concatenate([values, values + 1]), artists)
    assert two["high"] - two["value"] > half  # runs differ, too
