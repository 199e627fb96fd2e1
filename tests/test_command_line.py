import json
import socket
from pathlib import Path

import kagglehub
import numpy as np
import pytest
import soundfile
import torch
from small import train

from gtzan_lib import store
from gtzan_lib.__main__ import main
from gtzan_lib.data import synthetic as sample
from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.gtzan import SYNTHETIC
from gtzan_lib.errors import DataError
from gtzan_lib.experiments import runs
from gtzan_lib.experiments.run import read
from gtzan_lib.parameters import FACTS, Parameters
from gtzan_lib.report import clone, keep, record


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Ten seconds of synthetic audio in a WAV file."""
    path = tmp_path_factory.mktemp("audio") / "clip.wav"
    soundfile.write(path, sample.synthesise("disco", 0)[:220_500], 22_050)
    return path


@pytest.fixture
def run(tiny_source):
    return train(tiny_source)


def test_json_has_what_programs_need(clip, capsys):
    assert main(["predict", str(clip), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert list(answer) == ["files", "model"]
    assert answer["model"]["accuracy"]["value"] > 0.5
    (entry,) = answer["files"]
    shares = entry["percentages"]
    assert list(shares) == list(GENRES)
    assert sum(shares.values()) == pytest.approx(100, abs=0.01)
    assert entry["genre"] in (None, max(shares, key=shares.get))
    facts = {"sample_rate": 22_050, "channels": 1, "format": "WAV", "seconds": 10.0}
    assert entry["facts"] == facts | {"is_damaged": False}
    (window,) = entry["windows"]
    assert window == {"start": 0.0, "percentages": pytest.approx(shares)}


def test_judge_and_ship_say_what_they_need(clip, tmp_path, capsys):
    assert main(["judge", str(tmp_path)]) == 2
    assert "labels.csv cannot be read" in capsys.readouterr().err
    assert main(["ship", str(clip)]) == 2
    assert "is no track of GTZAN" in capsys.readouterr().err


def test_a_port_that_is_taken_is_refused(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["app", "--port", str(taken.getsockname()[1])]) == 2
    assert "choose others with --host and --port" in capsys.readouterr().err


def test_train_trains_a_run_a_seed(tiny_source, capsys):
    options = ["--recipe", "corrected", "--epochs", "1", "--seeds", "0", "1", "--json"]
    assert main(["train", str(tiny_source), *options]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [Path(line["folder"]).name[-6:] for line in lines] == ["seed-0", "seed-1"]
    assert 0 <= lines[0]["accuracy"]["value"] <= 1
    assert main(["train", str(tiny_source), "--model", "svm"]) == 2
    assert "model svm takes encoder texture or features" in capsys.readouterr().err


def test_runs_are_saved_and_restored_whole_and_damaged_ones_are_named(
    run, tmp_path, monkeypatch, capsys
):
    archive, elsewhere = tmp_path / "archive", tmp_path / "elsewhere"
    runs_folder = run.folder.parents[2]
    monkeypatch.setenv("GTZAN_RUNS", str(runs_folder))
    assert main(["runs", "save", str(archive)]) == 0
    saved = archive / run.folder.relative_to(runs_folder)
    assert main(["runs", "save", str(archive)]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("0 copied from ")
    monkeypatch.setenv("GTZAN_RUNS", str(elsewhere))
    assert main(["runs", "restore", str(archive)]) == 0
    restored = elsewhere / run.folder.relative_to(runs_folder)
    assert {path.name for path in restored.iterdir()} == {
        path.name for path in run.folder.iterdir()
    }
    np.testing.assert_array_equal(
        read(restored).predictions["logits"], run.predictions["logits"]
    )
    (saved / "history.json").write_text("{}")
    (restored / "model.safetensors").unlink()  # which restoring would mend
    assert main(["runs", "restore", str(archive)]) == 1
    assert (
        f"damaged, not copied: {saved.relative_to(archive)}" in capsys.readouterr().out
    )
    assert main(["runs", "restore", str(tmp_path / "none")]) == 2
    assert "holds no finished runs" in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_saved_without_weights_has_its_numbers_and_is_trained_again_for_them(
    tiny, run, tmp_path, monkeypatch
):
    monkeypatch.setenv("GTZAN_RUNS", str(run.folder.parents[2]))
    assert main(["runs", "save", "--no-weights", str(tmp_path / "archive")]) == 0
    monkeypatch.setenv("GTZAN_RUNS", str(tmp_path / "elsewhere"))
    assert main(["runs", "restore", str(tmp_path / "archive")]) == 0
    p = Parameters(**{name: run.provenance[name] for name in FACTS})
    light = runs.train(tiny, p, progress=False)
    assert light.provenance == run.provenance
    assert light.metric("top2") == run.metric("top2")
    assert light.history == run.history
    assert not (light.folder / "model.safetensors").exists()
    with pytest.raises(DataError, match="remove it and train again"):
        light.model()
    again = runs.train(tiny, p, progress=False, weights=True)
    assert main(["runs", "save", str(tmp_path / "archive")]) == 0  # weights are added
    assert [*(tmp_path / "archive").rglob("model.safetensors")]
    for name, value in run.model().state_dict().items():
        assert torch.equal(again.model().state_dict()[name], value)


def test_without_make_settings_are_as_of_make(monkeypatch, capsys):
    asked = []

    def run(arguments, **variables):
        asked.append((arguments, variables))
        return 7

    monkeypatch.setattr(clone, "_run", run)
    monkeypatch.setenv("PROFILE", "paper")
    assert main(["report", "DATA=/x/gt #1 = a: b", "CORES=1"]) == 7
    arguments, variables = asked.pop()
    assert "snakemake" in arguments[1]
    assert arguments[-2:] == ["--cores", "1"]
    given = {"DATA": "/x/gt #1 = a: b", "PROFILE": "paper", "CORES": "1", "CLUSTER": ""}
    assert variables == given
    assert main(["report", "DAT=sample"]) == 2
    assert "report takes DATA=..., PROFILE=..., " in capsys.readouterr().err
    assert main(["test", "--quick"]) == 7
    assert len(asked) == 1  # what fails ends it


def test_the_sample_s_report_does_not_take_the_place_of_gtzan_s(tmp_path, capsys):
    for name in (*keep.COPIED, "receipts"):
        (tmp_path / name).mkdir()
    for name in ("paper.pdf", record.PREDICTIONS, "receipts/report.json"):
        (tmp_path / name).touch()
    (tmp_path / "derived.json").write_text(json.dumps({"data": {"name": SYNTHETIC}}))
    before = (store.PROJECT / "report" / "derived.json").read_bytes()
    assert main(["keep-report", str(tmp_path)]) == 2
    assert "the sample says nothing about music" in capsys.readouterr().err
    assert (store.PROJECT / "report" / "derived.json").read_bytes() == before


def test_errors_of_the_system_and_ctrl_c_are_a_sentence(
    run, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("GTZAN_RUNS", str(run.folder.parents[2]))
    (tmp_path / "file").touch()
    assert main(["runs", "save", str(tmp_path / "file")]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert "Not a directory" in said or "File exists" in said
    monkeypatch.setenv("GTZAN_RUNS", str(tmp_path / "file"))
    assert main(["runs", "save", str(tmp_path / "new")]) == 2
    assert "set GTZAN_RUNS to a folder" in capsys.readouterr().err

    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(runs, "copy_finished", stop)
    monkeypatch.delenv("GTZAN_RUNS")
    assert main(["runs", "save", str(tmp_path / "new")]) == 130
    assert "run it again to go on" in capsys.readouterr().err


def test_kaggle_without_network_is_one_sentence(monkeypatch, capsys):
    def fail(name):
        raise ConnectionError("no route\nto host")

    monkeypatch.setattr(kagglehub, "dataset_download", fail)
    assert main(["verify", "kaggle"]) == 2
    said = capsys.readouterr().err
    assert "cannot be downloaded (no route): connect to the network" in said
    assert said.count("\n") == 1
