import csv
import dataclasses
import hashlib
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtzan_lib import registry
from gtzan_lib.data import artists, splits
from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.gtzan import PUBLISHED, SYNTHETIC, Dataset, published_sums
from gtzan_lib.data.sources import open_dataset
from gtzan_lib.errors import DataError

TRACKS = tuple(f"{genre}.{i:05d}" for genre in GENRES for i in range(3))


@given(st.integers(10, 2000), st.integers(0, 2**31 - 1))
def test_random_split_puts_every_picture_on_one_side(n, seed):
    parts = splits.random_split(n, seed)
    assert sorted([*parts["train"], *parts["test"]]) == list(range(n))
    assert abs(len(parts["train"]) - 0.8 * n) < 1


@given(st.integers(10, 2000), st.integers(0, 2**31 // 5))
def test_five_seeds_are_the_folds_of_one_partition(n, partition):
    labels = np.repeat(np.arange(n // 5), 5)
    for draw, size in ((splits.random_split, n), (splits.three_way_split, len(labels))):
        given = n if draw == splits.random_split else labels
        tests = [draw(given, 5 * partition + fold)["test"] for fold in range(5)]
        assert sorted(np.concatenate(tests)) == list(range(size))


def test_random_split_is_the_papers_and_depends_on_the_seed_alone():
    sizes = [len(splits.random_split(999, seed)["train"]) for seed in range(5)]
    assert sizes == [799, 799, 799, 799, 800]
    test = splits.random_split(999, 3)["test"]
    np.testing.assert_array_equal(test, splits.random_split(999, 3)["test"])
    assert len(np.intersect1d(test, splits.random_split(999, 8)["test"])) < 100


@given(st.lists(st.integers(5, 120), min_size=1, max_size=10), st.integers(0, 2**31))
def test_three_way_split_divides_each_genre_alike(sizes, seed):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    parts = splits.three_way_split(labels, seed)
    assert sorted(np.concatenate(list(parts.values()))) == list(range(len(labels)))
    for genre, size in enumerate(sizes):
        n = {subset: (labels[index] == genre).sum() for subset, index in parts.items()}
        assert abs(n["test"] - size / 5) < 1
        assert abs(n["validation"] - size / 5) < 1


def test_random_splits_are_told_from_others_by_name(five):
    for name in ("random", "three-way"):
        assert splits.identify(name) == name
        assert splits.identify(name + "-unique") == name + "-unique"
        first, again = (splits.split(five, name, seed=1)["test"] for _ in "12")
        np.testing.assert_array_equal(first, again)
    assert set(splits.TEST_TO_TRAIN) < set(registry.SPLITS)


def test_duplicates_are_kept_in_the_last_subset_alone():
    parts = {"train": [0, 1, 2, 3], "validation": [4, 5], "test": [6, 7]}
    kept = splits.without_duplicates(
        {name: np.array(index) for name, index in parts.items()}, list("abacdaef")
    )
    found = {subset: index.tolist() for subset, index in kept.items()}
    # 0, 2 and 5 are the same picture, "a".
    assert found == {"test": [6, 7], "validation": [4, 5], "train": [1, 3]}


def test_unique_splits_compare_the_files(tiny_source, tmp_path):
    copy = open_dataset(shutil.copytree(tiny_source, tmp_path / "copy"))
    twin = copy.image_path("blues.00000").read_bytes()
    copy.image_path("blues.00001").write_bytes(twin)
    for seed in range(20):
        parts = splits.split(copy, "random-unique", seed)
        sides = [name for name, index in parts.items() for i in (0, 1) if i in index]
        assert sides in (["train", "train"], ["test", "test"], ["test"])


PUBLISHED_LISTS = {  # SHA-256 sums of the lists that the table was made of
    "train": "2b04966cef1486f1a7767b74271533fa23e220388db804a1937835e1fc4fa3fa",
    "validation": "f8fbee7c52397a0e0f3a91dc54fedecb2e27f5bdc9a9daeab8cb10d077e26956",
    "test": "09cafa6a89ce0a27f30ed250d56ecb4d03c22fffb5a693f96c7ae655ee02ac72",
}


def test_the_artist_split_is_the_published_one():
    lists = dict.fromkeys(PUBLISHED_LISTS, "")
    with splits.ARTIST_SPLIT.open() as file:
        for row in csv.DictReader(file):
            genre = row["track"].split(".")[0]
            lists[row["subset"]] += f"{genre}/{row['track']}.wav\n"
    sums = {name: hashlib.sha256(text.encode()) for name, text in lists.items()}
    assert {name: sum_.hexdigest() for name, sum_ in sums.items()} == PUBLISHED_LISTS


def test_a_changed_artist_split_is_refused(tmp_path, monkeypatch):
    changed = tmp_path / "artist_split.csv"
    changed.write_text(splits.ARTIST_SPLIT.read_text().replace("test", "train", 1))
    monkeypatch.setattr(splits, "ARTIST_SPLIT", changed)
    with pytest.raises(DataError, match="not the published table"):
        splits.split(published(tmp_path), "artist", seed=0)


def published(folder):
    """Return a data set of empty files with the names of the published pictures."""
    tracks = tuple(sorted(published_sums()))
    return Dataset("GTZAN", folder, tracks, "0" * 64)


def test_the_artist_split_of_the_published_pictures(tmp_path):
    dataset = published(tmp_path)
    parts = splits.split(dataset, "artist", seed=0)
    assert list(map(len, parts.values())) == [442, 197, 290]
    assert dataset.tracks[parts["test"][0]] == "blues.00012"
    both = splits.split(dataset, "artist-trainval", seed=0)
    assert set(both) == {"train", "test"}
    np.testing.assert_array_equal(both["test"], parts["test"])
    joined = np.sort(np.concatenate([parts["train"], parts["validation"]]))
    np.testing.assert_array_equal(both["train"], joined)
    assert splits.identify("artist-trainval") == "artist-trainval"


def test_artist_folds_share_no_artist_and_test_every_track_once(tmp_path):
    dataset = published(tmp_path)
    artist = artists.artists_of(dataset.tracks, dataset.name)
    seeds = [splits.split(dataset, "artist-folds", seed) for seed in range(6)]
    for parts in seeds:
        assert not {*artist[parts["train"]]} & {*artist[parts["test"]]}
        assert len(parts["train"]) + len(parts["test"]) == 929
        assert np.bincount(dataset.labels[parts["test"]]).min() >= 20
    tests = [parts["test"] for parts in seeds]
    assert len(np.unique(np.concatenate(tests[:3]))) == 929
    assert not np.array_equal(tests[0], tests[3])  # other company


def test_random_folds_have_the_sizes_and_genres_of_the_artist_folds(tmp_path):
    dataset = published(tmp_path)
    for fold in range(3):
        for seed in (fold, fold + 3):
            known = splits.split(dataset, "artist-folds", seed)["test"]
            drawn = splits.split(dataset, "random-folds", seed)
            np.testing.assert_array_equal(
                np.bincount(dataset.labels[drawn["test"]]),
                np.bincount(dataset.labels[known]),
            )
    for first in (0, 3):
        tests = [
            splits.split(dataset, "random-folds", first + fold)["test"]
            for fold in range(3)
        ]
        assert len(np.unique(np.concatenate(tests))) == 929
    again = splits.split(dataset, "random-folds", 3)["test"]
    assert len(np.setdiff1d(again, splits.split(dataset, "random-folds", 0)["test"]))


def test_unknown_artists_are_each_their_own_and_a_changed_table_is_refused(
    tmp_path, monkeypatch
):
    tracks = ("blues.00000", "blues.00001", "classical.00049", "hiphop.99999")
    found = artists.artists_of(tracks, PUBLISHED)
    assert found[0] == found[1] == "0"
    assert found[3] == "hiphop.99999"
    changed = tmp_path / "artists.csv"
    changed.write_text(artists.ARTISTS.read_text().replace(",0", ",1", 1))
    monkeypatch.setattr(artists, "ARTISTS", changed)
    with pytest.raises(DataError, match="not the published table"):
        artists.artists_of(tracks, PUBLISHED)


@pytest.fixture
def sample():
    """The sample's names, without its pictures."""
    return Dataset(SYNTHETIC, Path(), tuple(artists.sample_tracks()), "")


def test_the_sample_has_artists_of_several_clips_and_of_one(sample):
    found = artists.artists_of(sample.tracks, SYNTHETIC)
    _, clips = np.unique(found, return_counts=True)
    assert sorted(clips) == sorted([4, 4, 3, 3, 1, 1] * len(GENRES))
    genres = [name.split("-")[0] for name in found]
    assert genres == [track.split(".")[0] for track in sample.tracks]
    first = map(artists.invented, range(artists.CLIPS))
    assert artists.invented(artists.CLIPS) not in first


def test_the_sample_has_folds_by_artist_and_no_published_lists(sample):
    artist = artists.artists_of(sample.tracks, SYNTHETIC)
    tests = []
    for seed in range(3):
        parts = splits.split(sample, "artist-folds", seed)
        assert not {*artist[parts["train"]]} & {*artist[parts["test"]]}
        tests.append(parts["test"])
        drawn = splits.split(sample, "random-folds", seed)
        assert len(drawn["test"]) == len(parts["test"])
        assert {*artist[drawn["train"]]} & {*artist[drawn["test"]]}
    assert np.array_equal(np.sort(np.concatenate(tests)), np.arange(160))
    with pytest.raises(DataError, match="of GTZAN, not of the synthetic sample"):
        splits.split(sample, "artist", seed=0)


def test_every_track_is_there_but_copies_and_copies_of_another_genre(
    tiny_source, tmp_path
):
    copy = open_dataset(shutil.copytree(tiny_source, tmp_path / "copy"))
    picture = copy.image_path("blues.00000").read_bytes()
    copy.image_path("blues.00001").write_bytes(picture)
    doubtful = copy.image_path("jazz.00000").read_bytes()
    copy.image_path("rock.00000").write_bytes(doubtful)
    kept = {copy.tracks[i] for i in splits.every_track(copy)}
    assert set(copy.tracks) - kept == {"blues.00001", "jazz.00000", "rock.00000"}


def test_other_pictures_have_no_artist_split(tiny):
    with pytest.raises(DataError, match=r"not in the data: 'blues\.00029'"):
        splits.split(tiny, "artist", seed=0)
    sample = dataclasses.replace(tiny, name=SYNTHETIC)
    with pytest.raises(DataError, match="of GTZAN, not of the synthetic sample"):
        splits.split(sample, "artist", seed=0)


def write(path, rows, header="track,subset"):
    path.write_text("\n".join([header, *rows]) + "\n")
    return str(path)


def good_rows():
    return [f"{t},{'test' if t.endswith('2') else 'train'}" for t in TRACKS]


def test_reads_a_split_from_a_file(tmp_path):
    parts = splits.read_split(write(tmp_path / "s.csv", good_rows()), TRACKS)
    assert set(parts) == {"train", "test"}
    assert [TRACKS[i] for i in parts["test"]] == [t for t in TRACKS if t[-1] == "2"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda rows: [*rows, "blues.00099,train"], "not in the data: 'blues.00099'"),
        (lambda rows: [*rows, rows[0]], "names blues.00000 twice"),
        (lambda rows: [rows[0] + "ing", *rows[1:]], "'training'; it must be one of"),
        (lambda rows: [r for r in rows if "pop.00002" not in r], "test without pop"),
        (lambda rows: [], "train without blues"),
        (lambda rows: [*rows, "blues.00001"], "names blues.00001|puts blues.00001"),
    ],
)
def test_a_faulty_file_is_refused_with_the_reason(tmp_path, change, reason):
    path = write(tmp_path / "s.csv", change(good_rows()))
    with pytest.raises(DataError, match=reason):
        splits.read_split(path, TRACKS)


def test_files_of_another_kind_are_refused(tmp_path):
    with pytest.raises(DataError, match="lacks the column track"):
        splits.read_split(write(tmp_path / "s.csv", [], "name,part"), TRACKS)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\x81")
    os.mkfifo(tmp_path / "fifo")
    for name in ("absent.csv", "binary", "fifo"):
        with pytest.raises(DataError, match=name):
            splits.read_split(tmp_path / name, TRACKS)
    with pytest.raises(DataError, match="neither a name of one nor a CSV file"):
        splits.identify(str(tmp_path / "fifo"))


def test_a_files_identity_follows_its_content(tmp_path):
    path = write(tmp_path / "mine.csv", good_rows())
    before = splits.identify(path)
    write(tmp_path / "mine.csv", good_rows()[::-1])
    assert before.startswith("mine-")
    assert splits.identify(path) != before
    assert splits.identify("random") == "random"


def test_a_three_way_split_of_too_few_pictures_is_refused(tiny):
    with pytest.raises(DataError, match="5 pictures of each genre"):
        splits.split(tiny, "three-way", 0)
