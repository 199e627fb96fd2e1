import os
import re
import subprocess
from pathlib import Path

import pytest

from gtzan_lib import store
from gtzan_lib.errors import UserError

KEY = {"data": "d", "epochs": 3}


@pytest.fixture
def seal(tmp_path):
    """Seal a folder that holds a text, and return it; ``calls`` are the texts."""
    calls = []

    def seal(text="one", key=KEY):
        def make(folder):
            calls.append(text)
            (folder / "result.txt").write_text(text)

        return store.seal(tmp_path / "a", key, make)

    seal.calls = calls
    return seal


def test_a_result_is_made_once_and_has_its_provenance(seal):
    folder = seal()
    assert seal("two") == folder
    assert seal.calls == ["one"]
    assert (folder / "result.txt").read_text() == "one"
    facts = store.read_json(folder / "provenance.json")
    assert facts["epochs"] == 3
    assert {"commit", "packages", "python", "machine", "started", "seconds"} <= {*facts}


@pytest.mark.parametrize("name", ["result.txt", "provenance.json", store.MANIFEST])
def test_a_flipped_bit_makes_it_again(seal, name):
    folder = seal()
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    seal()
    assert seal.calls == ["one", "one"]
    assert (folder / "result.txt").read_text() == "one"


def test_another_key_or_a_lost_file_makes_it_again(seal):
    seal()
    folder = seal("two", KEY | {"epochs": 4})
    (folder / "result.txt").unlink()
    seal("three", KEY | {"epochs": 4})
    assert seal.calls == ["one", "two", "three"]
    assert not store.is_whole(folder, KEY)


def test_a_failure_leaves_the_old_result_and_can_go_on(seal, tmp_path):
    seal("old")

    def fail(folder):
        (folder / "progress").write_text("half")
        raise RuntimeError

    def look(folder):
        seen.append((folder / "progress").exists())

    for begun, ended in ((9, 9), (10, 11)):  # begun for another key is not used
        seen, before = [], store.read_key(tmp_path / "a")
        with pytest.raises(RuntimeError):
            store.seal(tmp_path / "a", KEY | {"epochs": begun}, fail)
        assert store.is_whole(tmp_path / "a", before)
        store.seal(tmp_path / "a", KEY | {"epochs": ended}, look)
        assert seen == [begun == ended]
        assert store.is_whole(tmp_path / "a", KEY | {"epochs": ended})


def test_a_crash_before_the_last_step_loses_nothing(seal, tmp_path):
    seal().rename(tmp_path / "a.partial")  # as if it had not been renamed
    seal()
    assert seal.calls == ["one"]


def test_a_checkpoint_is_kept_until_the_result_is_whole(tmp_path):
    def make(folder):
        (folder / store.CHECKPOINT).write_text("state")
        return {"device": "cpu"}

    folder = store.seal(tmp_path / "a", KEY, make)
    assert not (folder / store.CHECKPOINT).exists()
    assert store.is_whole(folder, KEY)
    assert store.read_json(folder / "provenance.json")["device"] == "cpu"


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    def full(folder):
        raise OSError(28, os.strerror(28))

    with pytest.raises(UserError, match=r"No space left on device.*GTZAN_RUNS"):
        store.seal(tmp_path / "a", KEY, full)


@pytest.mark.parametrize(
    "name", ["../outside", "/etc/hostname", "link", "deep/outside", "x" * 300]
)
def test_a_manifest_names_regular_files_of_its_folder_alone(tmp_path, name):
    folder = store.seal(tmp_path / "a", KEY, lambda folder: None)
    (tmp_path / "outside").write_text("x")
    assert store.is_whole(folder)
    if name == "link":
        (folder / "link").symlink_to(tmp_path / "outside")
    (folder / "deep").symlink_to(tmp_path)
    manifest = store.read_json(folder / store.MANIFEST)
    of = Path(name) if name == "/etc/hostname" else tmp_path / "outside"
    manifest["files"][name] = store.sha256(of)
    store.write_json(folder / store.MANIFEST, manifest)
    assert not store.is_whole(folder)
    store.copy(folder, tmp_path / "copy")  # takes what is there, follows nothing
    copied = {path.name for path in (tmp_path / "copy").iterdir()}
    assert copied == {"manifest.json", "provenance.json"}


def test_a_file_that_the_manifest_does_not_name_is_not_used(seal):
    folder = seal()
    (folder / "validation.npz").write_text("of a stranger")
    assert not store.is_whole(folder)
    seal()
    assert not (folder / "validation.npz").exists()
    (folder / ".DS_Store").write_text("of a file manager")
    assert store.is_whole(folder)


def test_the_runs_folder_is_a_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("GTZAN_RUNS", "")
    assert store.runs_folder() == store.PROJECT / "runs"
    (tmp_path / "file").touch()
    monkeypatch.setenv("GTZAN_RUNS", str(tmp_path / "file"))
    with pytest.raises(UserError, match="is a file: set GTZAN_RUNS to a folder"):
        store.runs_folder()


def test_json_that_cannot_be_read_is_none(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "deep").write_text("[" * 100_000)
    assert store.read_json(tmp_path / "pipe") is None
    assert store.read_json(tmp_path / "deep") is None


def test_only_code_that_computes_makes_a_run_dirty(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "PROJECT", tmp_path)
    assert store.provenance(0)["commit"] == "unknown (not a git checkout)"
    names = (
        "gtzan_lib/data/a.py",
        "gtzan_lib/report/a.py",
        "gtzan_lib/a.py",
        "a.ipynb",
    )
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "a"]):
        subprocess.run([*git, *command], cwd=tmp_path, check=True)
    for name in reversed(names):
        assert re.fullmatch("[0-9a-f]{40}", store.provenance(0)["commit"])
        (tmp_path / name).write_text("2")
    assert store.provenance(0)["commit"].endswith("-dirty")
