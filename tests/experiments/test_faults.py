"""Crashes, full disks and two runs at once: a rerun gives the right result.

Or one sentence says what is wrong; never a wrong number, never half a file taken for a
whole one. ``GTZAN_THOROUGH=1`` kills ten times as often.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from small import train
from stages import LENET, STAGES, contents, half_written, started

from gtzan_lib import store

pytestmark = pytest.mark.slow

TESTS = str(Path(__file__).parent.parent)


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
    while n_killed < (20 if thorough else 2):
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


def test_killed_after_a_checkpoint_it_goes_on_from_there(tiny, tiny_source, capsys):
    name = "corrected-lenet-pool-random-6-epochs-seed-0"
    trained, shown = tiny.results / "03_train", ""
    while not shown:  # unless it was sooner done than killed
        shutil.rmtree(trained, ignore_errors=True)
        process = started("lenet", tiny_source, tiny.results.parent)
        while process.is_alive():
            if (trained / f"{name}.partial" / store.CHECKPOINT).is_file():
                process.kill()
            time.sleep(0.001)
        train(tiny_source, progress=True, **LENET)
        shown = capsys.readouterr().out
    assert "going on after epoch" in shown


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


@pytest.mark.parametrize(
    ("options", "made"),
    [
        ("size=200k", "train(sys.argv[1])"),
        ("size=4m", "train(sys.argv[1])"),
        ("size=13m", "train(sys.argv[1], encoder='conv', epochs=3)"),
        ("ro", "train(sys.argv[1])"),
        ("size=10m", "open_dataset('sample')"),
        ("size=200m,nr_inodes=100", "open_dataset('sample')"),
        ("ro", "open_dataset('sample')"),
    ],
)
def test_a_full_or_read_only_disk_is_one_sentence(
    mounted, options, made, tiny_source, tmp_path
):
    program = (
        f"import sys; sys.path.insert(0, {TESTS!r})\n"
        "from small import open_dataset, train\n"
        "from gtzan_lib.errors import *\n"
        f"try: {made}\n"
        "except UserError as error: sys.exit(f'sentence: {error}')"
    )
    done = mounted(options, program, tmp_path / "disk", tiny_source)
    assert done.returncode == 1, done
    assert "sentence: cannot write" in done.stderr
    assert "Traceback" not in done.stderr


def test_two_runs_at_once_give_one_result(tiny_source, tmp_path):
    program = (
        f"import json, sys; sys.path.insert(0, {TESTS!r}); from small import train\n"
        "run = train(sys.argv[1], epochs=8)\n"
        "print(json.dumps([run.provenance['started'], run.metric('accuracy')]))"
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
    assert found[0][0] == found[1][0]  # one waited for the other
    assert found[0][1] == found[1][1] == found[2][1]
    assert contents(tmp_path / "same") == contents(tmp_path / "other")
