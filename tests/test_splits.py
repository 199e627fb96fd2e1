import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtzan_lib import splits
from gtzan_lib.data import GENRES
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
