"""What the pipeline makes again: what checksums say, never the times of files."""

import json
import os
import subprocess
import sys

import pytest

from gtzan_lib.data.sources import open_dataset
from gtzan_lib.experiments import grid, runs
from gtzan_lib.parameters import Parameters
from gtzan_lib.report import job, jobs
from gtzan_lib.store import PROJECT


@pytest.fixture
def in_project(monkeypatch):
    monkeypatch.chdir(PROJECT)


@pytest.mark.parametrize("profile", ["quick", "record"])
def test_every_run_is_made_by_one_job_after_what_it_needs(profile, five, in_project):
    plan = jobs.plan(five, profile, "data", 4)
    names = [made.name for made in plan]
    assert len(set(names)) == len(names)
    receipts = [jobs.receipt(five, name) for name in names]
    for i, made in enumerate(plan):
        assert set(receipts).intersection(made.needs) <= set(receipts[:i])
    by_training = [f for made in plan if made.kind == "train" for f in made.about[1]]
    by_page = [p.facts for made in plan for p in made.runs if made.kind == "execute"]
    solved = [f for f in by_page if f["recipe"] == "closed-form"]
    by_page = [f for f in by_page if f not in solved]
    needed = [p.facts for p in grid.needed(five, profile)]
    made_once = sorted(by_training + by_page, key=str)
    assert made_once == sorted([f for f in needed if f not in solved], key=str)
    assert names[-1] == "report"
    assert set(receipts[:-1]) <= set(plan[-1].needs)


@pytest.fixture
def trained(tiny_source, tmp_path):
    """A finished job that trains, from a source file."""
    dataset, source = open_dataset(tiny_source), tmp_path / "recipe.py"
    source.write_text("epochs = 1")
    p = Parameters(recipe="corrected", epochs=1)
    about = [str(tiny_source), [p.facts]]
    made = jobs.Job("train_x", "train", about, [str(source)], runs=[p])
    receipt = dataset.results / job.FOLDER / "train_x.json"
    assert job.main("train", str(receipt), json.dumps(about), str(source)) == 0
    return dataset, made, receipt, source


def test_what_is_as_it_was_made_stays(trained):
    dataset, made, receipt, source = trained
    os.utime(source)  # as git checkout does
    assert not jobs.forget_stale(dataset, [made])
    assert receipt.is_file()


def test_an_edited_source_is_noticed_whatever_its_time(trained):
    dataset, made, receipt, source = trained
    time = source.stat().st_mtime
    source.write_text("epochs = 2")
    os.utime(source, (time - 1000, time - 1000))
    assert jobs.forget_stale(dataset, [made])
    assert not receipt.exists()


@pytest.mark.parametrize("name", ["provenance.json", "manifest.json"])
def test_a_damaged_or_lost_small_file_is_noticed(name, trained):
    dataset, made, receipt, _ = trained
    (run,) = runs.find_runs(dataset)[0]
    content = bytearray((run.folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (run.folder / name).write_bytes(content)
    assert jobs.forget_stale(dataset, [made])
    assert not receipt.exists()


def test_a_job_that_fails_says_one_sentence_and_leaves_no_receipt(tmp_path, capsys):
    receipt = tmp_path / job.FOLDER / "x.json"
    assert job.main("train", str(receipt), json.dumps(["/nowhere", []])) == 2
    assert capsys.readouterr().err.startswith("error: ")
    assert not receipt.exists()


def make(*words):
    command = ["make", "report", *words, "--assume-old=.venv/ready"]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gt #1: {x}", "007"])
def test_any_name_of_a_folder_comes_through_make(name, tiny_source, tmp_path):
    (tmp_path / name).symlink_to(tiny_source)
    python = f"PYTHON={sys.executable}"
    done = make(f"DATA={tmp_path / name}", "CORES=all --dry-run", python)
    assert done.returncode == 0, done
    assert "Error" not in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("PROFILE=x", "profile must be one of: quick"),
        ("DATA=/no", "data must be one of"),
    ],
)
def test_a_mistyped_setting_stops_make_with_one_sentence(setting, reason):
    done = make(setting)
    assert done.returncode == 2
    assert reason in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
