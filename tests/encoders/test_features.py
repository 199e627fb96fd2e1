import csv

import numpy as np
import pytest
from small import train

from gtzan_lib.data import synthetic as sample
from gtzan_lib.data.sources import open_dataset
from gtzan_lib.encoders import features
from gtzan_lib.errors import DataError
from gtzan_lib.experiments import runs


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


def test_features_are_read_in_the_order_of_the_tracks(with_table):
    table = features.read_table(with_table)
    with with_table.features_path.open() as file:
        rows = {row["filename"]: row for row in csv.DictReader(file)}
    for i in (0, 17):
        row = rows[f"{with_table.tracks[i]}.wav"]
        np.testing.assert_array_equal(table[i, 16], float(row["tempo"]))
        np.testing.assert_array_equal(table[i, -1], float(row["mfcc20_var"]))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("tempo", "speed", "lacks the column tempo"),
        ("jazz.00001", "jazz.99999", "lacks jazz.00001"),
        ("jazz.00001", "jazz.00002", "has twice jazz.00002"),
        (",0.", ",zero", "no finite number for rock.00002"),
        (",0.", ",1_0.", "no finite number for rock.00002"),
        (",0.", ",\u0661.", "no finite number"),
        (",0.", ",1e999,", "cannot be read: Length of header"),
    ],
)
def test_a_damaged_table_is_refused_with_the_reason(with_table, old, new, reason):
    path = with_table.features_path
    path.write_text(path.read_text().replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataError, match=reason):
        features.read_table(with_table)


@pytest.mark.slow
def test_another_table_makes_another_run(with_table):
    first = train(with_table, model="svm", encoder="features")
    train(with_table, model="svm", encoder="texture")
    content = with_table.features_path.read_bytes()
    with_table.features_path.write_bytes(content.replace(b",0.", b",1."))
    assert runs.find_runs(with_table)[1] == [first.folder.name]
    with_table.features_path.write_bytes(content)
    assert runs.find_runs(with_table)[1] == []


def test_without_a_table_the_encoder_says_which_file_is_missing(tiny_source):
    with pytest.raises(
        DataError, match=r"features_30_sec\.csv cannot be read: there is no"
    ):
        train(tiny_source, model="svm", encoder="features")


@pytest.mark.slow
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
