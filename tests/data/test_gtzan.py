import contextlib
import os
import shutil
import socket
import sys
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from gtzan_lib.__main__ import main
from gtzan_lib.data import gtzan as data
from gtzan_lib.data import sources, synthetic
from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.gtzan import FEATURES, find_layout, read_picture
from gtzan_lib.data.sources import open_dataset
from gtzan_lib.data.verify import verify
from gtzan_lib.errors import DataError


@pytest.fixture
def copy(tiny_source, tmp_path):
    return shutil.copytree(tiny_source, tmp_path / "copy" / "Data")


def test_finds_the_layout_from_root_data_and_images(copy):
    for path in (copy.parent, copy, copy / "images_original"):
        assert find_layout(path) == copy


def test_a_folder_of_another_kind_is_refused(tmp_path):
    with pytest.raises(DataError, match="no folder images_original"):
        find_layout(tmp_path)


def test_tracks_and_labels_agree(tiny):
    assert len(tiny.tracks) == 30
    assert tiny.tracks[0] == "blues.00000"
    assert [GENRES[i] for i in tiny.labels] == [t.split(".")[0] for t in tiny.tracks]
    assert all(tiny.image_path(track).is_file() for track in tiny.tracks)


def test_other_pictures_are_not_called_gtzan(tiny):
    assert tiny.name == "own pictures (0 of 999 as published, 30 in all)"


def test_the_marker_file_names_the_synthetic_sample(copy):
    (copy / "SYNTHETIC.txt").touch()
    assert open_dataset(copy).name == "synthetic sample"


def test_a_changed_file_changes_hash_and_results_folder(copy):
    before = open_dataset(copy)
    shutil.copy(before.image_path("blues.00001"), before.image_path("blues.00000"))
    after = open_dataset(copy)
    assert before.sha256 != after.sha256
    assert before.results != after.results


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("hiphop", "hip-hop", "hip-hop is not the folder of a genre"),
        ("jazz/jazz00001.png", "jazz/jazz1.png", "jazz1.png is not a picture of this"),
        ("jazz/jazz00001.png", "jazz/rock00001.png", "rock00001.png is not a picture"),
    ],
)
def test_a_foreign_name_is_an_error_that_names_it(copy, old, new, reason):
    images = copy / "images_original"
    (images / old).rename(images / new)
    with pytest.raises(DataError, match=reason):
        open_dataset(copy)


def test_a_genre_without_pictures_is_an_error(copy):
    shutil.rmtree(copy / "images_original" / "pop")
    with pytest.raises(DataError, match="no pictures of pop"):
        open_dataset(copy)


def test_hidden_files_are_passed_over(copy):
    (copy / "images_original" / ".DS_Store").touch()
    (copy / "images_original" / "pop" / ".DS_Store").touch()
    assert len(open_dataset(copy).tracks) == 30


def test_a_picture_loses_its_opacity_channel(tiny):
    path = tiny.image_path("blues.00000")
    picture = read_picture(path)
    assert picture.dtype == np.uint8
    np.testing.assert_array_equal(picture, np.asarray(Image.open(path))[..., :3])


def test_unusable_pictures_are_errors_that_name_the_file(tmp_path, tiny):
    whole = tiny.image_path("blues.00000").read_bytes()
    bad = {name: tmp_path / f"{name}.png" for name in ("cut", "jpeg", "small", "clear")}
    bad["cut"].write_bytes(whole[: len(whole) // 2])
    Image.new("RGB", (432, 288)).save(bad["jpeg"], format="JPEG")
    Image.new("RGB", (100, 100)).save(bad["small"])
    Image.new("RGBA", (432, 288), (0, 0, 0, 9)).save(bad["clear"])
    for path in (*bad.values(), tmp_path / "absent.png"):
        with pytest.raises(DataError, match=path.name):
            read_picture(path)


def test_kaggle_is_downloaded_and_must_be_the_published_one(monkeypatch, copy):
    asked = []

    def download(handle):
        asked.append(handle)
        return str(copy.parent)

    fake = SimpleNamespace(dataset_download=download)
    monkeypatch.setitem(sys.modules, "kagglehub", fake)
    with pytest.raises(DataError, match="not the published one"):
        open_dataset("kaggle")
    assert asked == [sources.KAGGLE]
    sums = {
        t: data.store.sha256(p) for t, p in data.picture_files(copy / "images_original")
    }
    monkeypatch.setattr(data, "published_sums", lambda: sums)
    assert open_dataset("kaggle").name == data.PUBLISHED


@pytest.mark.parametrize(
    "mount",
    ["gtzan-dataset-music-genre-classification", f"datasets/{sources.KAGGLE}"],
)
def test_in_a_notebook_on_kaggle_the_mounted_copy_is_used(
    mount, monkeypatch, tmp_path, tiny_source
):
    shutil.copytree(tiny_source, tmp_path / mount / "Data")
    monkeypatch.setattr(sources, "KAGGLE_INPUT", tmp_path)
    monkeypatch.setitem(sys.modules, "kagglehub", None)  # importing it fails
    with pytest.raises(DataError, match="is not the published one") as refused:
        open_dataset("kaggle")
    assert str(tmp_path / mount) in str(refused.value)
    own = open_dataset(tiny_source).name
    monkeypatch.setattr(sources, "PUBLISHED", own)
    assert open_dataset("kaggle").folder.is_relative_to(tmp_path / mount)


def test_the_sample_is_made_anew_when_its_tables_change(monkeypatch, tmp_path):
    made = []
    monkeypatch.setattr(synthetic, "make_sample", lambda folder: made.append(folder))
    monkeypatch.setattr(synthetic, "TABLES", tmp_path / "synthetic.toml")
    for text in ("a = 1", "a = 1", "a = 2"):
        synthetic.TABLES.write_text(text)
        sources._sample_folder()
    assert len(made) == 2


@pytest.mark.parametrize("kind", ["fifo", "socket", "device", "folder", "dead link"])
def test_what_is_no_file_among_pictures_is_named(copy, kind):
    path = copy / "images_original" / "pop" / "pop00001.png"
    path.unlink()
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        with contextlib.chdir(path.parent), socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero" if kind == "device" else "nowhere")
    with pytest.raises(DataError, match=r"pop00001\.png is not a file"):
        open_dataset(copy)
    found = verify(copy)
    assert "pop/pop00001.png" in found.unreadable
    if kind != "dead link":
        with pytest.raises(DataError, match=r"pop00001\.png is not a file"):
            read_picture(path)


def test_digits_of_other_scripts_are_no_number(copy):
    images = copy / "images_original" / "pop"
    (images / "pop00001.png").rename(images / "pop0000\u0661.png")
    with pytest.raises(DataError, match="is not a picture of this genre"):
        open_dataset(copy)


@pytest.mark.parametrize("name", [b"a\nb", b"a\xff", b"a\x1bb"])
def test_a_path_that_other_programs_cannot_take_is_refused(copy, name, capsys):
    odd = str(copy.parent / os.fsdecode(name))
    shutil.move(copy, odd)
    with pytest.raises(DataError, match=r"rename the folder"):
        open_dataset(odd)
    assert main(["verify", odd]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("error: the path ")


def test_a_file_whose_name_is_not_utf_8_is_named_with_escapes(copy):
    bad = os.fsencode(copy / "images_original" / "pop") + b"/pop\xff.png"
    with open(bad, "wb"):  # noqa: PTH123
        pass
    with pytest.raises(DataError, match=r"pop\\udcff\.png is not a picture") as caught:
        open_dataset(copy)
    assert str(caught.value).encode()


@pytest.mark.parametrize("path", ["~nobody-of-this-name/x", "x" * 5000, "a\0b"])
def test_a_path_that_cannot_be_is_refused(path):
    with pytest.raises(DataError):
        find_layout(path)


def test_a_result_depends_on_the_files_that_it_is_made_of(copy):
    dataset = open_dataset(copy)
    keys = [dataset.key([], [], files) for files in ((), [FEATURES])]
    for text in ("a", "b", "a"):
        dataset.features_path.write_text(text)
        keys.append(dataset.key([], [], [FEATURES]))
    assert "files_sha256" not in keys[0]
    assert keys[1]["files_sha256"] == {FEATURES: None}
    assert keys[2] == keys[4]
    assert keys[2] != keys[3] != keys[1]


def test_real_gtzan_is_recognised(gtzan):
    dataset = open_dataset(gtzan)
    assert dataset.name == data.PUBLISHED
    assert len(dataset.tracks) == 999


@pytest.mark.parametrize("kind", [b"tRNS", b"gAMA", b"cHRM", b"iCCP"])
def test_a_damaged_chunk_behind_the_pixels_is_a_sentence(tiny, tmp_path, kind):
    content = tiny.image_path(tiny.tracks[0]).read_bytes()
    end = content.rindex(b"IEND") - 4
    chunk = kind + b"\0"
    chunk = (1).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(content[:end] + chunk + content[end:])
    with contextlib.suppress(DataError):  # what Pillow makes of it is its own affair
        read_picture(tmp_path / "a.png")
