import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from gtzan_lib import store
from gtzan_lib.errors import UserError

KEY = {"data": "d", "epochs": 3}


def writer(text, calls):
    def make(folder):
        calls.append(text)
        (folder / "result.txt").write_text(text)

    return make


def test_a_result_is_made_once_and_then_read(tmp_path):
    calls = []
    for _ in range(2):
        folder = store.seal(tmp_path / "a", KEY, writer("one", calls))
    assert calls == ["one"]
    assert (folder / "result.txt").read_text() == "one"


def test_provenance_stands_beside_the_result(tmp_path):
    folder = store.seal(tmp_path / "a", KEY, writer("one", []))
    facts = json.loads((folder / "provenance.json").read_text())
    assert facts["epochs"] == 3
    assert {"commit", "packages", "python", "machine", "started", "seconds"} <= set(
        facts
    )


@pytest.mark.parametrize("name", ["result.txt", "provenance.json", store.MANIFEST])
def test_a_flipped_bit_makes_it_again(tmp_path, name):
    calls = []
    folder = store.seal(tmp_path / "a", KEY, writer("one", calls))
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    store.seal(tmp_path / "a", KEY, writer("one", calls))
    assert len(calls) == 2
    assert (folder / "result.txt").read_text() == "one"


def test_another_key_or_a_lost_file_makes_it_again(tmp_path):
    calls = []
    folder = store.seal(tmp_path / "a", KEY, writer("one", calls))
    store.seal(tmp_path / "a", KEY | {"epochs": 4}, writer("two", calls))
    (folder / "result.txt").unlink()
    store.seal(tmp_path / "a", KEY | {"epochs": 4}, writer("three", calls))
    assert calls == ["one", "two", "three"]
    assert not store.is_whole(folder, KEY)


def test_a_failure_leaves_the_old_result_and_can_go_on(tmp_path):
    store.seal(tmp_path / "a", KEY, writer("old", []))
    new = KEY | {"epochs": 9}

    def fail(folder):
        (folder / "progress").write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.seal(tmp_path / "a", new, fail)
    assert store.is_whole(tmp_path / "a", KEY)

    def go_on(folder):
        assert (folder / "progress").read_text() == "half"

    store.seal(tmp_path / "a", new, go_on)
    assert store.is_whole(tmp_path / "a", new)


def test_a_crash_before_the_last_step_loses_nothing(tmp_path):
    calls = []
    store.seal(tmp_path / "a", KEY, writer("one", calls))
    (tmp_path / "a").rename(tmp_path / "a.partial")  # as if it had not been renamed
    store.seal(tmp_path / "a", KEY, writer("one", calls))
    assert calls == ["one"]


def test_a_checkpoint_is_kept_until_the_result_is_whole(tmp_path):
    def make(folder):
        (folder / store.CHECKPOINT).write_text("state")
        return {"device": "cpu"}

    folder = store.seal(tmp_path / "a", KEY, make)
    assert not (folder / store.CHECKPOINT).exists()
    assert store.is_whole(folder, KEY)
    assert store.read_json(folder / "provenance.json")["device"] == "cpu"


def test_what_was_begun_for_another_key_is_not_used(tmp_path):
    def fail(folder):
        (folder / "progress").write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.seal(tmp_path / "a", KEY, fail)

    def begin(folder):
        assert not (folder / "progress").exists()

    store.seal(tmp_path / "a", KEY | {"epochs": 9}, begin)


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
    manifest = store.read_json(folder / store.MANIFEST)
    assert store.is_whole(folder)
    if name == "link":
        (folder / "link").symlink_to(tmp_path / "outside")
    (folder / "deep").symlink_to(tmp_path)
    manifest["files"][name] = store.sha256(tmp_path / "outside")
    if name == "/etc/hostname":
        manifest["files"][name] = store.sha256(Path(name))
    store.write_json(folder / store.MANIFEST, manifest)
    assert not store.is_whole(folder)
    store.copy_files(folder, tmp_path / "copy")  # takes what is there, follows nothing
    assert {p.name for p in (tmp_path / "copy").iterdir()} <= {
        *("manifest.json", "provenance.json")
    }


def test_a_file_that_the_manifest_does_not_name_is_not_used(tmp_path):
    calls = []
    folder = store.seal(tmp_path / "a", KEY, writer("one", calls))
    (folder / "validation.npz").write_text("of a stranger")
    assert not store.is_whole(folder)
    store.seal(tmp_path / "a", KEY, writer("one", calls))
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
    files = [
        "gtzan_lib/data/a.py",
        "gtzan_lib/report/a.py",
        "gtzan_lib/a.py",
        "a.ipynb",
    ]
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "a"]):
        subprocess.run([*git, *command], cwd=tmp_path, check=True)
    for name in reversed(files):
        assert re.fullmatch("[0-9a-f]{40}", store.provenance(0)["commit"])
        (tmp_path / name).write_text("2")
    assert store.provenance(0)["commit"].endswith("-dirty")
