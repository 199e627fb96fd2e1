import contextlib
import os
import shutil
import sys
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from gtzan_lib.__main__ import main
from gtzan_lib.data import gtzan as data
from gtzan_lib.data import packing, sources, synthetic
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


@pytest.mark.parametrize("path", ["", "~nobody-of-this-name/x", "x" * 5000, "a\0b"])
def test_a_path_that_is_none_is_refused(path, tmp_path):
    with pytest.raises(DataError, match=r"no folder images_original|opened|rename"):
        find_layout(path or tmp_path)


def test_a_data_set_is_called_what_it_is(copy):
    assert open_dataset(copy).name == "own pictures (0 of 999 as published, 30 in all)"
    (copy / "SYNTHETIC.txt").touch()
    assert open_dataset(copy).name == "synthetic sample"


def test_real_gtzan_is_recognised(gtzan):
    dataset = open_dataset(gtzan)
    assert (dataset.name, len(dataset.tracks)) == (data.PUBLISHED, 999)


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
        ("pop/pop00001.png", "pop/pop0000\u0661.png", "is not a picture of this genre"),
        ("pop/pop00001.png", "pop/pop\udcff.png", r"pop\\udcff\.png is not a picture"),
        ("pop", "../pop", "no pictures of pop"),
    ],
)
def test_a_foreign_name_is_an_error_that_names_it(copy, old, new, reason):
    images = copy / "images_original"
    (images / old).rename(images / new)
    with pytest.raises(DataError, match=reason):
        open_dataset(copy)


def test_hidden_files_are_passed_over(copy):
    (copy / "images_original" / ".DS_Store").touch()
    (copy / "images_original" / "pop" / ".DS_Store").touch()
    assert len(open_dataset(copy).tracks) == 30


@pytest.mark.parametrize("kind", ["fifo", "device", "folder", "dead link"])
def test_what_is_no_file_among_pictures_is_named(copy, kind):
    path = copy / "images_original" / "pop" / "pop00001.png"
    path.unlink()
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero" if kind == "device" else "nowhere")
    for read in (open_dataset, lambda copy: read_picture(path)):
        with pytest.raises(DataError, match=r"pop00001\.png is not a file"):
            read(copy)
    assert verify(copy).unreadable == {"pop/pop00001.png": "is not a file"}


@pytest.mark.parametrize("name", [b"a\nb", b"a\xff", b"a\x1bb"])
def test_a_path_that_other_programs_cannot_take_is_refused(copy, name, capsys):
    odd = str(copy.parent / os.fsdecode(name))
    shutil.move(copy, odd)
    assert main(["verify", odd]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: the path ")
    assert line.endswith("rename the folder")


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


@pytest.mark.parametrize("kind", [b"tRNS", b"gAMA", b"cHRM", b"iCCP"])
def test_a_damaged_chunk_behind_the_pixels_is_a_sentence(tiny, tmp_path, kind):
    content = tiny.image_path(tiny.tracks[0]).read_bytes()
    end = content.rindex(b"IEND") - 4
    chunk = kind + b"\0"
    chunk = (1).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(content[:end] + chunk + content[end:])
    with contextlib.suppress(DataError):  # what Pillow makes of it is its own affair
        read_picture(tmp_path / "a.png")


def test_every_picture_is_packed_in_order_once(tiny, monkeypatch):
    images = packing.pack(tiny)
    assert images.shape == (30, 288, 432, 3)
    assert not images.flags.writeable
    for i in (0, 17, 29):
        picture = read_picture(tiny.image_path(tiny.tracks[i]))
        np.testing.assert_array_equal(images[i], picture)
    monkeypatch.delattr(packing, "read_picture")  # not from the files again
    np.testing.assert_array_equal(images, packing.pack(tiny))


def test_a_corrupt_picture_stops_packing_and_leaves_nothing(copy):
    dataset = open_dataset(copy)
    dataset.image_path("pop.00001").write_bytes(b"x")
    with pytest.raises(DataError, match="cannot be read"):
        packing.pack(dataset)
    assert not (dataset.results / "01_pack").exists()


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


def test_kaggle_is_downloaded_and_must_be_the_published_one(monkeypatch, copy):
    asked = []
    download = lambda handle: asked.append(handle) or str(copy.parent)  # noqa: E731
    fake = SimpleNamespace(dataset_download=download)
    monkeypatch.setitem(sys.modules, "kagglehub", fake)
    with pytest.raises(DataError, match="not the published one"):
        open_dataset("kaggle")
    assert asked == [sources.KAGGLE]
    files = data.picture_files(copy / "images_original")
    sums = {track: data.store.sha256(path) for track, path in files}
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
    with pytest.raises(DataError, match=f"{tmp_path / mount}.*is not the published"):
        open_dataset("kaggle")


def test_the_sample_is_made_anew_when_its_tables_change(monkeypatch, tmp_path):
    made = []
    monkeypatch.setattr(synthetic, "make_sample", lambda folder: made.append(folder))
    monkeypatch.setattr(synthetic, "TABLES", tmp_path / "synthetic.toml")
    for text in ("a = 1", "a = 1", "a = 2"):
        synthetic.TABLES.write_text(text)
        sources._sample_folder()
    assert len(made) == 2
