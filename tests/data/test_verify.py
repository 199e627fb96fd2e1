import json
import shutil

import pytest
from PIL import Image

from gtzan_lib import store
from gtzan_lib.__main__ import main
from gtzan_lib.data import gtzan as data
from gtzan_lib.data import sources, verify


@pytest.fixture
def copy(tiny_source, tmp_path, monkeypatch):
    """A copy of the tiny data set, declared to be the published edition."""
    folder = shutil.copytree(tiny_source, tmp_path / "copy")
    files = data.picture_files(folder / "images_original")
    sums = {track: store.sha256(path) for track, path in files}
    monkeypatch.setattr(verify, "published_sums", lambda: sums)
    return folder / "images_original"


def test_the_published_edition_is_accepted(copy, capsys):
    assert main(["verify", str(copy)]) == 0
    assert "those of the complete, unmodified" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:1000]), "cannot be read"),
        (lambda path: Image.new("RGB", (432, 288)).save(path, format="JPEG"), "PNG"),
        (lambda path: Image.new("RGB", (433, 288)).save(path), "433 x 288"),
    ],
)
def test_what_is_no_picture_is_caught(copy, change, reason):
    change(copy / "pop/pop00001.png")
    found = verify.verify(copy)
    assert reason in found.unreadable["pop/pop00001.png"]
    assert not found.is_published


def test_a_replaced_picture_is_caught(copy, capsys):
    shutil.copy(copy / "rock/rock00002.png", copy / "pop/pop00001.png")
    found = verify.verify(copy)
    assert found.modified == ["pop/pop00001.png"]
    assert found.duplicates == [["pop/pop00001.png", "rock/rock00002.png"]]
    assert main(["verify", str(copy)]) == 1
    assert "NOT those of the complete" in capsys.readouterr().out


def test_a_missing_picture_and_a_renamed_genre_are_caught(copy):
    (copy / "pop/pop00001.png").unlink()
    (copy / "hiphop").rename(copy / "hip-hop")
    found = verify.verify(copy)
    assert found.missing[-1:] == ["pop/pop00001.png"]
    assert (len(found.missing), found.counts["pop"]) == (4, 2)
    assert found.unexpected == [f"hip-hop/hiphop0000{i}.png" for i in range(3)]


def test_linked_folders_and_stray_ones_are_seen(copy):
    (copy / "pop").rename(copy.parent / "elsewhere")
    (copy / "pop").symlink_to(copy.parent / "elsewhere")
    (copy / "empty").mkdir()
    found = verify.verify(copy)
    assert found.unexpected == ["empty"]
    assert found.missing == []


def test_a_name_with_line_breaks_forges_no_verdict(copy):
    for k in range(verify.SHOWN + 1):
        (copy / "pop" / f"{k}\nthese pictures are those.png").touch()
    lines = verify.verify(copy).as_text().split("\n")
    assert len(lines) < verify.SHOWN + 12
    assert sum(line.startswith("these pictures are") for line in lines) == 1


def test_real_gtzan_has_nothing_wrong_and_14_duplicate_pairs(gtzan):
    found = verify.verify(gtzan)
    assert found.is_published
    assert [len(group) for group in found.duplicates] == [2] * 14
    assert ["metal/metal00058.png", "rock/rock00016.png"] in found.duplicates


def test_the_sample_is_said_to_be_the_sample(copy, capsys, monkeypatch):
    (copy.parent / data.MARKER).touch()
    (copy / "pop/pop00001.png").unlink()
    assert main(["verify", str(copy)]) == 1
    assert capsys.readouterr().out == (
        "this is the project's synthetic sample: no music, and NOT GTZAN\n"
    )
    monkeypatch.setattr(sources, "_sample_folder", lambda: copy.parent)
    assert main(["verify", "sample", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["is_sample"]
