"""Hostile conditions: crashes, full disks, damaged files, two at once.

What is tested is the same each time: afterwards a rerun gives the right result, or one
sentence says what is wrong; never a wrong number, never half a file taken for a whole
one. ``GTZAN_THOROUGH=1`` kills and damages ten times as often.
"""

import hashlib
import json
import multiprocessing
import os
import pickle
import random
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from papermill.translators import PythonTranslator

from gtzan_lib import checkpoints, features, fusion, models, runs, splits, store
from gtzan_lib.data import open_dataset, read_picture
from gtzan_lib.encoding import learn
from gtzan_lib.errors import UserError
from gtzan_lib.inputs import bands
from gtzan_lib.packing import pack
from gtzan_lib.parameters import PARAMETERS, check_values
from gtzan_lib.pooling import pool
from gtzan_lib.recipes import RECIPES
from gtzan_lib.sample import make_sample

QUIET = {"report": lambda line: None}
TRAINED = ({"model": "lenet"}, {"model": "svm", "encoder": "texture"})


def train(source: Path, **facts) -> runs.Run:
    return runs.train(str(source), epochs=6, **facts, **QUIET)


def fuse(source: Path) -> None:
    members = [train(source, **facts) for facts in TRAINED]
    fusion.fuse(open_dataset(source), members, [1.0, 1.0])


STAGES = {
    "sample": lambda source: store.seal(
        store.runs_folder() / "sample",
        {"clips": 1},
        lambda folder: make_sample(folder, clips=1, workers=1, progress=False),
    ),
    "pack": lambda source: pack(open_dataset(source)),
    "pool": lambda source: pool(open_dataset(source)),
    "bands": lambda source: bands(open_dataset(source)),
    "encoder": lambda source: learn(
        open_dataset(source), "conv", np.arange(24), 0, **QUIET
    ),
    "lenet": lambda source: train(source),
    "svm": lambda source: train(source, **TRAINED[1]),
    "fusion": fuse,
}


def do(stage: str, source: Path, folder: Path) -> None:
    """Do one stage in a process of its own, with checkpoints after every epoch."""
    from gtzan_lib import encoding, training

    torch.set_num_threads(1)
    os.environ["GTZAN_RUNS"] = str(folder)
    training.SAVE_SECONDS = encoding.SAVE_SECONDS = 0
    STAGES[stage](source)


def started(*arguments) -> multiprocessing.Process:
    """Start ``do`` from a server that has imported everything but used no thread."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["test_faults"])
    process = context.Process(target=do, args=arguments)
    process.start()
    return process


def contents(folder: Path) -> dict[str, str]:
    """Return a digest of what is in every file of finished results, but for times."""
    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        if path.suffix == ".lock" or path.name in ("provenance.json", store.MANIFEST):
            continue
        content = path.read_bytes()
        if path.name == "history.json":
            content = json.dumps(
                {k: v for k, v in json.loads(content).items() if k != "seconds"}
            ).encode()
        if path.suffix == ".npz":  # which holds the time of writing
            with np.load(path) as arrays:
                content = b"".join(array.tobytes() for array in arrays.values())
        found[str(path.relative_to(folder))] = hashlib.sha256(content).hexdigest()
    return found


def half_written(folder: Path) -> list[Path]:
    """Return the results that are there and not whole."""
    manifests = [p.parent for p in folder.rglob(store.MANIFEST)]
    finished = [p for p in manifests if ".partial" not in str(p)]
    return [p for p in finished if not store.is_whole(p)]


@pytest.mark.parametrize("stage", STAGES)
def test_killed_at_any_moment_a_stage_ends_with_the_same_files(
    stage, tiny_source, tmp_path, thorough
):
    process = started(stage, tiny_source, tmp_path / "whole")
    begun = time.monotonic()
    process.join()
    assert process.exitcode == 0
    seconds = time.monotonic() - begun
    whole, folder = contents(tmp_path / "whole"), tmp_path / "killed"
    rng, n_killed = random.Random(stage), 0
    while n_killed < (70 if thorough else 7):
        process = started(stage, tiny_source, folder)
        process.join(rng.uniform(0, seconds))
        process.kill()
        process.join()
        n_killed += process.exitcode == -signal.SIGKILL
        if process.exitcode == 0:  # it was sooner done: once more from nothing
            assert contents(folder) == whole
            shutil.rmtree(folder)
        assert half_written(folder) == []
    process = started(stage, tiny_source, folder)
    process.join()
    assert process.exitcode == 0
    assert contents(folder) == whole


@pytest.fixture(scope="module")
def mounted():
    """Run a program in a folder that is a small disk of its own, full or read-only."""
    enter = ["unshare", "--mount", "--map-root-user"]
    if subprocess.run([*enter, "true"], capture_output=True).returncode:
        pytest.skip("needs unshare, and leave to mount")

    def run(options: str, program: str, folder: Path, source: Path):
        folder.mkdir()
        mount = f"mount -t tmpfs -o {options} none {folder} && exec "
        command = [*enter, "sh", "-c", mount + '"$0" "$@"', sys.executable, "-c"]
        environment = os.environ | {"GTZAN_RUNS": str(folder)}
        return subprocess.run(
            [*command, program, str(source)],
            env=environment,
            capture_output=True,
            text=True,
        )

    return run


@pytest.mark.parametrize("options", ["size=200k", "size=4m", "size=13m", "ro"])
@pytest.mark.parametrize("encoder", ["pool", "conv"])
def test_a_full_or_read_only_disk_is_one_sentence(
    mounted, options, encoder, tiny_source, tmp_path
):
    program = (
        "import sys; from gtzan_lib import runs; from gtzan_lib.errors import *\n"
        "try: runs.train(sys.argv[1], epochs=3, report=print,"
        f" encoder={encoder!r})\n"
        "except UserError as error: sys.exit(f'sentence: {error}')"
    )
    done = mounted(options, program, tmp_path / "disk", tiny_source)
    assert done.returncode == 1, done
    assert "sentence: cannot write" in done.stderr
    assert "Traceback" not in done.stderr


def test_two_runs_at_once_give_one_result(tiny_source, tmp_path):
    program = (
        "import sys, json; from gtzan_lib import runs\n"
        "lines = []\n"
        "run = runs.train(sys.argv[1], epochs=8, report=lines.append)\n"
        "print(json.dumps([len(lines), run.metrics['accuracy']]))"
    )

    def one(folder: str) -> list:
        environment = os.environ | {
            "GTZAN_RUNS": str(tmp_path / folder),
            "OMP_NUM_THREADS": "1",
        }
        command = [sys.executable, "-c", program, str(tiny_source)]
        return json.loads(subprocess.check_output(command, env=environment))

    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(one, ("same", "same", "other")))
    trained = sorted(n_lines for n_lines, _ in found)
    assert trained[0] == 0  # it waited for the other
    assert trained[1] == trained[2] > 0
    assert found[0][1] == found[1][1] == found[2][1]
    assert contents(tmp_path / "same") == contents(tmp_path / "other")


def everything(source: Path) -> None:
    """Make a file of every kind that is ever read again."""
    train(source, encoder="conv")
    fuse(source)


def test_a_flipped_bit_in_any_file_changes_no_result(tiny_source, runs_folder):
    everything(tiny_source)
    whole, rng = contents(runs_folder), random.Random(0)
    kinds = {}
    for path in sorted(p for p in runs_folder.rglob("*") if p.is_file()):
        if path.stat().st_size:
            kinds.setdefault((path.parent.parent.name, path.name), path)
    assert len(kinds) > 20
    for path in kinds.values():
        content = bytearray(path.read_bytes())
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(content)
        everything(tiny_source)
        assert contents(runs_folder) == whole, path


def test_another_version_of_a_package_makes_it_again(tiny_source, monkeypatch):
    first = train(tiny_source)
    monkeypatch.setattr(store, "versions", lambda *names: dict.fromkeys(names, "0"))
    assert runs.find_runs(open_dataset(tiny_source)) == ([], [first.folder.name])
    assert train(tiny_source).provenance["versions"]["torch"] == "0"


def test_data_that_changes_gets_results_of_its_own(tiny_source, tmp_path):
    source = tmp_path / "own"
    shutil.copytree(tiny_source, source)
    first, kept = train(source), contents(open_dataset(source).results)
    blues, disco = (
        source / "images_original" / genre / f"{genre}00000.png"
        for genre in ("blues", "disco")
    )
    shutil.copy(disco, blues)
    again = train(source)
    assert again.folder.parent != first.folder.parent
    assert contents(first.folder.parent.parent) == kept
    assert not np.array_equal(
        pack(open_dataset(source))[0], pack(open_dataset(tiny_source))[0]
    )


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Cut, flip, repeat, drop or put in some bytes."""
    content = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(content) + 1)
        upto = min(len(content), at + rng.choice((1, 1, 4, 50, 1000)))
        match rng.randrange(5):
            case 0:
                del content[at:]
            case 1 if at < len(content):
                content[at] ^= 1 << rng.randrange(8)
            case 2:
                content[at:at] = content[at:upto]
            case 3:
                del content[at:upto]
            case 4:
                content[at:at] = rng.choice((b"\0", b",", b"\n", b'"', b"nan", b"\xff"))
    return bytes(content)


@pytest.fixture
def readers(tiny_source, tmp_path):
    """How each kind of file that people bring is read, and a good one."""
    source = tmp_path / "data"
    shutil.copytree(tiny_source, source)
    dataset = open_dataset(source)
    rng = np.random.default_rng(0)
    header = ",".join(["filename", *features.COLUMNS])
    lines = [
        ",".join([f"{track}.wav", *(f"{v:.4f}" for v in rng.random(57))])
        for track in dataset.tracks
    ]
    subsets = [("train", "train", "test")[i % 3] for i in range(30)]
    split = [f"{t},{s}" for t, s in zip(dataset.tracks, subsets, strict=True)]
    model = models.build("lenet-one-dense", (3, 72, 108), seed=0)
    optimizer = RECIPES["corrected"].optimizer(model)
    checkpoints.save(tmp_path / "good", model, optimizer, {"loss": [1.0]})
    first = dataset.image_path(dataset.tracks[0])
    return {
        first: (first.read_bytes(), read_picture),
        dataset.features_path: (
            "\n".join([header, *lines]).encode(),
            lambda path: features.read_table(dataset),
        ),
        tmp_path / "split.csv": (
            "\n".join(["track,subset", *split]).encode(),
            lambda path: splits.read_split(path, dataset.tracks),
        ),
        tmp_path / "checkpoint": (
            (tmp_path / "good").read_bytes(),
            lambda path: checkpoints.load(path, model, optimizer),
        ),
    }


def refused(do, *arguments) -> bool:
    """Tell whether a function refuses something with a sentence, or finds nothing."""
    try:
        found = do(*arguments)
    except UserError as error:
        return len(str(error)) > 0
    return isinstance(found, dict) and not found  # a damaged checkpoint: a new start


def test_damaged_files_are_refused_in_a_sentence(readers, thorough):
    rng, n_refused = random.Random(0), []
    for path, (good, read) in readers.items():
        path.write_bytes(good)
        assert not refused(read, path)
        n_refused.append(0)
        for _ in range(2200 if thorough else 220):
            path.write_bytes(damaged(good, rng))
            n_refused[-1] += refused(read, path)
    assert min(n_refused) > 100, n_refused


def test_impossible_parameters_are_refused_in_a_sentence():
    rng = random.Random(0)
    values = [None, True, -1, 0, 1e3, float("nan"), 2**40, "", "\0", [], {}, "random"]
    values += ["../x", "x" * 5000, "~x/y", {"a": [1]}, b"x", 3, "__import__('os')"]
    n = sum(
        refused(check_values, {rng.choice(list(PARAMETERS)): rng.choice(values)})
        for _ in range(200)
    )
    assert 100 < n < 200


class Payload:
    """What a pickle that is loaded does to a machine."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_no_file_and_no_parameter_runs_code(tiny_source, tmp_path):
    touched = tmp_path / "touched"
    evil = pickle.dumps(Payload(touched))
    pickle.loads(evil)
    assert touched.exists()  # the payload works
    touched.unlink()
    run = train(tiny_source)
    for name in ("model.safetensors", "predictions.npz", "checkpoint.safetensors"):
        (run.folder / name).write_bytes(evil)
    np.save(tmp_path / "pickled.npy", np.array([Payload(touched)]), allow_pickle=True)
    shutil.copy(tmp_path / "pickled.npy", run.folder / "predictions.npz")
    with pytest.raises(ValueError, match="pickle"):
        _ = run.predictions["labels"]
    model = models.build("lenet", (3, 72, 108), seed=0)
    optimizer = RECIPES["corrected"].optimizer(model)
    path = run.folder / "checkpoint.safetensors"
    assert checkpoints.load(path, model, optimizer) == {}
    with pytest.raises(UserError, match="unharmed"):
        runs.open_run(run.folder)
    train(tiny_source)  # and made again
    value = f'"; open({str(touched)!r}, "w") #'
    exec(PythonTranslator().codify({"data": value}), scope := {})
    assert scope["data"] == value
    with pytest.raises(UserError, match="data must be"):
        check_values({"data": scope["data"]})
    assert not touched.exists()
