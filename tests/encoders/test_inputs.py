import csv

import numpy as np
import pytest
from scipy.special import softmax
from small import train

from gtzan_lib.app import shipped
from gtzan_lib.app.classifier import Classifier
from gtzan_lib.data import packing
from gtzan_lib.data import pictures as spectrogram
from gtzan_lib.data import synthetic as sample
from gtzan_lib.data.pictures import recover_bands
from gtzan_lib.data.sources import open_dataset
from gtzan_lib.encoders import features, texture
from gtzan_lib.errors import DataError, ParameterError
from gtzan_lib.models.layout import to_tensor
from gtzan_lib.registry import ENCODERS
from gtzan_lib.training import loop as training


@pytest.fixture
def with_table(tiny_source, tmp_path):
    """The tiny data set with a table of features that are random."""
    folder = tmp_path / "with_table"
    folder.mkdir()
    (folder / "images_original").symlink_to(tiny_source / "images_original")
    dataset = open_dataset(folder)
    rng = np.random.default_rng(0)
    with dataset.features_path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["filename", "length", *features.COLUMNS, "label"])
        for track in reversed(dataset.tracks):
            values = rng.normal(size=len(features.COLUMNS)).round(6)
            writer.writerow([f"{track}.wav", 661794, *values, track.split(".")[0]])
    return dataset


def test_bands_are_what_the_picture_was_drawn_from():
    bands = np.random.default_rng(0).integers(0, 256, (128, 335), np.uint8)
    picture = spectrogram.draw(bands[spectrogram.band_of_row()])
    found = recover_bands(picture)
    # One row and column lie under the frame, where up to 4 values share a colour.
    np.testing.assert_array_equal(found[:-1, 1:], bands[:-1, 1:])


def test_a_picture_that_is_no_spectrogram_has_no_bands():
    with pytest.raises(DataError, match="not a spectrogram"):
        recover_bands(np.zeros((288, 432, 3), np.uint8))


@pytest.mark.parametrize("encoder", ["pool", "bands", "texture"])
def test_codes_of_a_data_set_are_those_of_its_pictures(tiny, encoder):
    encoder = ENCODERS[encoder].make()
    codes, weights = encoder.codes(tiny, None, 0, progress=False)
    assert weights is None
    assert codes.dtype == np.float32
    again = encoder.encode(packing.pack(tiny)[:2], None)
    np.testing.assert_array_equal(codes[:2], again)
    as_model_takes_it = np.moveaxis(codes, -1, 1) if codes.ndim == 4 else codes
    assert as_model_takes_it.shape == (30, *encoder.shape)


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


def test_features_are_read_in_the_order_of_the_tracks(with_table):
    table = features.read_table(with_table)
    with with_table.features_path.open() as file:
        rows = {row["filename"]: row for row in csv.DictReader(file)}
    for i in (0, 17):
        row = rows[f"{with_table.tracks[i]}.wav"]
        np.testing.assert_array_equal(table[i, 16], float(row["tempo"]))
        np.testing.assert_array_equal(table[i, -1], float(row["mfcc20_var"]))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text.replace("tempo", "speed"), "lacks the column tempo"),
        (lambda text: text.replace("jazz.00001", "jazz.99999"), "lacks jazz.00001"),
        (
            lambda text: text.replace("jazz.00001", "jazz.00002"),
            "has twice jazz.00002",
        ),
        (
            lambda text: text.replace(",0.", ",zero", 1),
            "no finite number for rock.00002",
        ),
        (
            lambda text: text.replace(",0.", ",1_0.", 1),
            "no finite number for rock.00002",
        ),
        (lambda text: text.replace(",0.", ",\u0661.", 1), "no finite number"),
        (
            lambda text: text.replace(",0.", ",1e999,", 1),
            "cannot be read: Length of header",
        ),
        (lambda text: text[: len(text) // 2], "lacks|no finite number"),
        (
            lambda text: text.replace(",0.", ",nan", 1).replace("nan", "nan,", 1),
            "cannot",
        ),
        (lambda text: "", "cannot be read"),
    ],
)
def test_a_damaged_table_is_refused_with_the_reason(with_table, change, reason):
    path = with_table.features_path
    path.write_text(change(path.read_text()), encoding="utf-8")
    with pytest.raises(DataError, match=reason):
        features.read_table(with_table)


def test_without_a_table_the_encoder_says_which_file_is_missing(tiny_source):
    with pytest.raises(
        DataError, match=r"features_30_sec\.csv cannot be read: there is no"
    ):
        train(tiny_source, model="svm", encoder="features")


def test_features_cannot_be_had_from_a_picture():
    with pytest.raises(DataError, match="computed from audio"):
        features.Features().encode(np.zeros((1, 288, 432, 3), np.uint8))


def test_a_model_of_features_hears_audio_and_is_given_no_picture(with_table, tmp_path):
    run = train(with_table, model="svm", encoder="features")
    classifier = Classifier(run)
    y = sample.synthesise("jazz", 0)
    found = classifier.predict_audio(y, {})
    model, given = run.model(), features.from_audio(y)[None, None].astype(np.float32)
    logits = training.predict(model, to_tensor(given)).numpy()
    np.testing.assert_allclose(
        found.windows, softmax(logits.astype(float), axis=-1), atol=1e-6
    )
    with pytest.raises(DataError, match="cannot be given a picture"):
        classifier.predict_file(with_table.image_path(with_table.tracks[0]))
    with pytest.raises(DataError, match="audio features"):
        shipped.ship(run, with_table, tmp_path / "shipped")


def test_a_louder_tone_changes_the_features_that_it_should():
    y = sample.synthesise("jazz", 0)
    quiet, loud = (
        dict(zip(features.COLUMNS, features.from_audio(gain * y), strict=True))
        for gain in (0.25, 0.5)
    )
    assert loud["rms_mean"] == pytest.approx(2 * quiet["rms_mean"], rel=1e-3)
    assert loud["tempo"] == quiet["tempo"]
    assert loud["zero_crossing_rate_mean"] == quiet["zero_crossing_rate_mean"]


def test_features_from_audio_agree_with_the_published_table(gtzan, thorough):
    dataset = open_dataset(gtzan)
    tracks = [t for t in dataset.tracks if dataset.audio_path(t).is_file()]
    tracks = tracks[:: 1 if thorough else 10]
    table = features.read_table(dataset)
    spread = table.std(axis=0)
    for track in tracks:
        difference = (
            features.of_track(dataset, track) - table[dataset.tracks.index(track)]
        )
        assert (np.abs(difference) < 0.05 * spread).all(), track


@pytest.mark.parametrize(
    ("model", "encoder", "takes"),
    [
        ("svm", "pool", "texture or features"),
        ("lenet", "texture", "pool or .* or bands"),
        ("crnn", "features", "pool or .* or bands"),
    ],
)
def test_a_model_is_refused_what_it_does_not_take(tiny_source, model, encoder, takes):
    with pytest.raises(ParameterError, match=f"model {model} takes encoder {takes}"):
        train(tiny_source, model=model, encoder=encoder)
