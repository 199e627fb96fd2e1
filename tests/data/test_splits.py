import csv
import hashlib
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtzan_lib import registry
from gtzan_lib.data import artists, splits
from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.gtzan import PUBLISHED, SYNTHETIC, Dataset, published_sums
from gtzan_lib.data.sources import open_dataset
from gtzan_lib.data.tables import read_table
from gtzan_lib.errors import DataError

TRACKS = tuple(f"{genre}.{i:05d}" for genre in GENRES for i in range(3))
# Names without pictures.
GTZAN = Dataset("GTZAN", Path(), tuple(sorted(published_sums())), "")
SAMPLE = Dataset(SYNTHETIC, Path(), tuple(artists.sample_tracks()), "")


@settings(max_examples=25)
@given(st.integers(2, 400), st.integers(0, 2**31 // 5))
def test_five_seeds_are_the_folds_of_one_partition(fifth, partition):
    n, labels = 5 * fifth - 1, np.repeat(np.arange(fifth), 5)
    for draw, of, size in (
        (splits.random_split, n, n),
        (splits.three_way_split, labels, len(labels)),
    ):
        folds = [draw(of, 5 * partition + fold) for fold in range(5)]
        assert sorted(np.concatenate([f["test"] for f in folds])) == list(range(size))
        for parts in folds:
            assert sorted(np.concatenate(list(parts.values()))) == list(range(size))


@given(st.lists(st.integers(5, 120), min_size=1, max_size=10), st.integers(0, 2**31))
def test_three_way_split_divides_each_genre_alike(sizes, seed):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    parts = splits.three_way_split(labels, seed)
    for genre, size in enumerate(sizes):
        n = {subset: (labels[index] == genre).sum() for subset, index in parts.items()}
        assert abs(n["test"] - size / 5) < 1
        assert abs(n["validation"] - size / 5) < 1


@pytest.mark.parametrize("name", registry.SPLITS)
def test_every_split_that_is_listed_can_be_made(name):
    published = Dataset(PUBLISHED, Path(), tuple(sorted(published_sums())), "")
    assert {"train", "test"} <= splits.split(published, name, 0).keys()


def test_a_three_way_split_of_too_few_pictures_is_refused(tiny):
    with pytest.raises(DataError, match="5 pictures of each genre"):
        splits.split(tiny, "three-way", 0)


def test_duplicates_are_kept_in_the_last_subset_alone():
    parts = {"train": [0, 1, 2, 3], "validation": [4, 5], "test": [6, 7]}
    kept = splits.without_duplicates(
        {name: np.array(index) for name, index in parts.items()}, list("abacdaef")
    )
    found = {subset: index.tolist() for subset, index in kept.items()}
    # 0, 2 and 5 are the same picture, "a".
    assert found == {"test": [6, 7], "validation": [4, 5], "train": [1, 3]}


@pytest.fixture
def copy(tiny_source, tmp_path):
    return open_dataset(shutil.copytree(tiny_source, tmp_path / "copy"))


def test_unique_splits_compare_the_files(copy):
    twin = copy.image_path("blues.00000").read_bytes()
    copy.image_path("blues.00001").write_bytes(twin)
    for seed in range(20):
        parts = splits.split(copy, "random-unique", seed)
        sides = [name for name, index in parts.items() for i in (0, 1) if i in index]
        assert sides in (["train", "train"], ["test", "test"], ["test"])


def test_every_track_is_there_but_copies_and_copies_of_another_genre(copy):
    for one, other in (("blues.00000", "blues.00001"), ("jazz.00000", "rock.00000")):
        copy.image_path(other).write_bytes(copy.image_path(one).read_bytes())
    kept = {copy.tracks[i] for i in splits.every_track(copy)}
    assert set(copy.tracks) - kept == {"blues.00001", "jazz.00000", "rock.00000"}


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
    parts = splits.split(GTZAN, "artist", seed=0)
    assert list(map(len, parts.values())) == [442, 197, 290]
    assert GTZAN.tracks[parts["test"][0]] == "blues.00012"
    both = splits.split(GTZAN, "artist-trainval", seed=0)
    assert set(both) == {"train", "test"}
    np.testing.assert_array_equal(both["test"], parts["test"])
    joined = np.sort(np.concatenate([parts["train"], parts["validation"]]))
    np.testing.assert_array_equal(both["train"], joined)


def test_a_changed_table_is_refused(tmp_path, monkeypatch):
    changed = tmp_path / "changed.csv"
    changed.write_text(splits.ARTIST_SPLIT.read_text().replace("test", "train", 1))
    monkeypatch.setattr(splits, "ARTIST_SPLIT", changed)
    monkeypatch.setattr(artists, "ARTISTS", changed)
    for make in (
        lambda: splits.split(GTZAN, "artist", seed=0),
        lambda: artists.artists_of(GTZAN.tracks, PUBLISHED),
    ):
        with pytest.raises(DataError, match="not the published table"):
            make()


@pytest.mark.parametrize(("dataset", "n"), [(GTZAN, 929), (SAMPLE, 160)])
def test_folds_by_artist_and_by_chance(dataset, n):
    artist = artists.artists_of(dataset.tracks, dataset.name)
    names = ("artist-folds", "random-folds")
    every = [[splits.split(dataset, n, seed) for seed in range(6)] for n in names]
    for parts, drawn in zip(*every, strict=True):
        assert not {*artist[parts["train"]]} & {*artist[parts["test"]]}
        assert {*artist[drawn["train"]]} & {*artist[drawn["test"]]}
        sizes = [np.bincount(dataset.labels[p["test"]]) for p in (parts, drawn)]
        np.testing.assert_array_equal(*sizes)
    for seeds in every:
        tests = [parts["test"] for parts in seeds]
        for once in (tests[:3], tests[3:]):
            assert len(np.unique(np.concatenate(once))) == sum(map(len, once)) == n
        assert not np.array_equal(tests[0], tests[3])  # other company


def test_unknown_artists_are_each_their_own_and_the_samples_invented():
    tracks = ("blues.00000", "blues.00001", "hiphop.99999")
    assert artists.artists_of(tracks, PUBLISHED).tolist() == ["0", "0", "hiphop.99999"]
    found = artists.artists_of(SAMPLE.tracks, SYNTHETIC)
    _, clips = np.unique(found, return_counts=True)
    assert sorted(clips) == sorted([4, 4, 3, 3, 1, 1] * len(GENRES))
    first = map(artists.invented, range(artists.CLIPS))
    assert artists.invented(artists.CLIPS) not in first


def test_other_pictures_have_no_artist_split(tiny):
    with pytest.raises(DataError, match=r"not in the data: 'blues\.00029'"):
        splits.split(tiny, "artist", seed=0)
    with pytest.raises(DataError, match="of GTZAN, not of the synthetic sample"):
        splits.split(SAMPLE, "artist", seed=0)


def write(path, rows, header="track,subset"):
    path.write_text("\n".join([header, *rows]) + "\n")
    return str(path)


def good_rows():
    return [f"{t},{'test' if t.endswith('2') else 'train'}" for t in TRACKS]


def test_reads_a_split_from_a_file(tmp_path, tiny):
    path = write(tmp_path / "s.csv", good_rows())
    parts = splits.split(tiny, path, 0)
    assert set(parts) == {"train", "test"}
    assert [TRACKS[i] for i in parts["test"]] == [t for t in TRACKS if t[-1] == "2"]
    name = splits.identify(path)
    assert name.startswith("s-")
    write(tmp_path / "s.csv", good_rows()[::-1])
    assert splits.identify(path) != name
    assert splits.identify("random-unique") == "random-unique"


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
def test_a_faulty_file_is_refused_with_the_reason(tmp_path, tiny, change, reason):
    path = write(tmp_path / "s.csv", change(good_rows()))
    with pytest.raises(DataError, match=reason):
        splits.split(tiny, path, 0)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "No columns"),
        (b"track\nblues.00000\n", "lacks the column subset"),
        (b"track,subset\nblues.00000,train,\n", "Length of header"),
        (b"track,subset\na,b\nblues.00000,train,\n", "Expected 2 fields in line 3"),
        (b"track,subset\n\xff,b\n", "can't decode"),
    ],
)
def test_a_damaged_table_is_refused_with_the_reason(tmp_path, text, reason):
    (tmp_path / "table.csv").write_bytes(text)
    with pytest.raises(DataError, match=reason):
        read_table(tmp_path / "table.csv", ("track", "subset"))


def test_values_of_tables_are_the_text_that_they_are(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("\ufefftrack,other,subset\nNA,1,007\n,2,1e3\n", encoding="utf-8")
    table = read_table(path, ("subset", "track"))
    assert table.to_dict("list") == {"subset": ["007", "1e3"], "track": ["NA", ""]}


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", tmp_path, tmp_path / "absent"):
        with pytest.raises(DataError, match="there is no such file"):
            read_table(path, ("track",))
        with pytest.raises(DataError, match="neither a name of one nor a CSV file"):
            splits.identify(str(path))
