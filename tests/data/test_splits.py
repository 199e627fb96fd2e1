import dataclasses
import functools
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtzan_lib import parameters, store
from gtzan_lib.data import splits
from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.gtzan import SYNTHETIC, open_dataset
from gtzan_lib.errors import DataError

TRACKS = tuple(f"{genre}.{i:05d}" for genre in GENRES for i in range(3))


@given(st.integers(10, 2000), st.integers(0, 2**31 - 1))
def test_random_split_puts_every_picture_on_one_side(n, seed):
    parts = splits.random_split(n, seed)
    assert sorted([*parts["train"], *parts["test"]]) == list(range(n))
    assert 0.8 * n <= len(parts["train"]) < 0.8 * n + 1


def test_random_split_is_the_papers_and_depends_on_the_seed_alone():
    parts = splits.random_split(999, 3)
    assert (len(parts["train"]), len(parts["test"])) == (800, 199)
    np.testing.assert_array_equal(parts["test"], splits.random_split(999, 3)["test"])
    assert (parts["test"] != splits.random_split(999, 4)["test"]).any()


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
    assert set(splits.TEST_TO_TRAIN) < set(parameters.SPLITS)


def test_twins_are_kept_in_the_last_subset_alone():
    parts = {"train": [0, 1, 2, 3], "validation": [4, 5], "test": [6, 7]}
    kept = splits.without_twins(
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


def write_lists(folder, tracks=TRACKS):
    """Write an artist-aware split of the tiny data set: each genre's third tests."""
    for digit, name in enumerate(splits.ARTIST_SUMS):
        lines = [f"{t.split('.')[0]}/{t}.wav" for t in tracks if t[-1] == str(digit)]
        (folder / name).write_text("\n".join(lines) + "\n")
    return folder


def test_reads_an_artist_split_from_a_folder(tiny, tmp_path):
    write_lists(tmp_path, (*TRACKS, splits.NO_PICTURE))
    parts = splits.split(tiny, str(tmp_path), seed=0)
    assert list(map(len, parts.values())) == [10, 10, 10]
    assert {tiny.tracks[i][-1] for i in parts["validation"]} == {"1"}
    assert splits.identify(str(tmp_path)).startswith(tmp_path.name + "-")


def test_a_faulty_artist_split_is_refused_with_the_reason(tiny, tmp_path):
    write_lists(tmp_path, (*TRACKS, "rock.00092"))
    with pytest.raises(DataError, match=r"not in the data: 'rock\.00092'"):
        splits.split(tiny, str(tmp_path), seed=0)
    (tmp_path / "test_filtered.txt").unlink()
    with pytest.raises(DataError, match=r"test_filtered.txt cannot be read"):
        splits.split(tiny, str(tmp_path), seed=0)
    sample = dataclasses.replace(tiny, name=SYNTHETIC)
    with pytest.raises(DataError, match="of GTZAN, not of the synthetic sample"):
        splits.read_artist_split(tmp_path, sample)


def test_lists_that_cannot_be_fetched_are_asked_for(tiny, monkeypatch):
    monkeypatch.setattr(splits, "ARTIST_LISTS", "http://127.0.0.1:9/")
    with pytest.raises(DataError, match="give the folder that holds the three lists"):
        splits.split(tiny, "artist", seed=0)


def test_fetched_lists_are_checked(tiny, tmp_path, monkeypatch):
    write_lists(tmp_path)
    handler = functools.partial(SimpleHTTPRequestHandler, directory=tmp_path)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(
        splits, "ARTIST_LISTS", f"http://127.0.0.1:{server.server_port}/"
    )
    with pytest.raises(DataError, match="ValueError"):
        splits.fetch_artist_lists()
    sums = {name: store.sha256(tmp_path / name) for name in splits.ARTIST_SUMS}
    monkeypatch.setattr(splits, "ARTIST_SUMS", sums)
    assert len(splits.split(tiny, "artist", seed=0)["test"]) == 10
    server.shutdown()
    assert len(splits.split(tiny, "artist", seed=0)["test"]) == 10  # from the disk


def test_the_artist_split_of_real_gtzan(gtzan):
    folder = gtzan / "splits"
    if not folder.is_dir():
        pytest.skip(
            "needs the artist-aware split's lists in the folder splits of GTZAN"
        )
    assert splits.identify(str(folder)) == "artist"
    parts = splits.split(open_dataset(gtzan), str(folder), seed=0)
    assert list(map(len, parts.values())) == [442, 197, 290]


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
    with pytest.raises(DataError, match="needs the columns"):
        splits.read_split(write(tmp_path / "s.csv", [], "name,part"), TRACKS)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\x81")
    for name in ("absent.csv", "binary"):
        with pytest.raises(DataError, match=name):
            splits.read_split(tmp_path / name, TRACKS)


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
