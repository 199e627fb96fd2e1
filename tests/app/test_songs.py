import csv
import doctest
import io
import json
import os
import re
import shutil
import subprocess
import sys

import pytest
import soundfile

import gtzan_lib
from gtzan_lib.__main__ import main
from gtzan_lib.app import songs, words
from gtzan_lib.data import synthetic
from gtzan_lib.data.audio import SAMPLE_RATE
from gtzan_lib.data.genres import GENRES

FORMATS = {"wav": "PCM_16", "flac": "PCM_16", "au": "PCM_16", "ogg": "VORBIS"}
FORMATS |= {"mp3": "MPEG_LAYER_III"}
SHARES = dict.fromkeys(GENRES, 0.0)


@pytest.fixture(scope="module")
def y():
    return synthetic.synthesise("classical", 0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, y):
    """A folder of songs, in every format, one in a folder inside, and what is none."""
    folder = tmp_path_factory.mktemp("songs")
    (folder / "b").mkdir()
    (folder / ".hidden").mkdir()
    for suffix, subtype in FORMATS.items():
        soundfile.write(folder / f"a.{suffix}", y, SAMPLE_RATE, subtype)
    shutil.copy(folder / "a.wav", folder / "b/A.WAV")
    shutil.copy(folder / "a.wav", folder / ".hidden/a.wav")
    (folder / "notes.txt").write_text("no music")
    return folder


def test_files_folders_and_patterns_are_found(folder):
    inside = [folder / f"a.{suffix}" for suffix in sorted(FORMATS)]
    everything = sorted([*inside, folder / "b/A.WAV"])
    assert songs.find([str(folder)]) == everything
    assert songs.find([str(folder / "*.[mo]*")]) == inside[2:4]
    assert songs.find([str(folder / "**/*.WAV")]) == [folder / "b/A.WAV"]
    assert songs.find([str(folder / "**")]) == [*everything, folder / "notes.txt"]
    twice = [str(folder / "a.wav"), str(folder / "b"), str(folder / "a.w*"), "no.mp3"]
    names = [str(path) for path in songs.find(twice)]
    assert names == [twice[0], str(folder / "b/A.WAV"), "no.mp3"]


def test_where_there_is_no_audio_that_is_said(folder, capsys):
    (folder / ".hidden/none").mkdir()
    said = {".hidden/none": r"in the folder .*none: no file ends in"}
    said["*.xyz"] = r"there is no file that matches .*\*\.xyz"
    for name, sentence in said.items():
        assert main(["predict", str(folder / name)]) == 2
        assert re.search(sentence, capsys.readouterr().err)
    assert main(["predict", ""]) == 2
    assert "is empty" in capsys.readouterr().err


@pytest.mark.slow
def test_every_format_gets_the_same_words_and_json_and_csv_agree(folder, capsys):
    assert main(["predict", str(folder)]) == 0
    text = capsys.readouterr().out
    assert text.endswith("clips from elsewhere.\n")
    assert main(["predict", str(folder / "a.wav")]) == 0
    one = capsys.readouterr().out
    assert "of GTZAN's songs by artists it never heard rightly" in one
    assert main(["predict", str(folder), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert list(printed) == ["files", "model"]
    assert main(["predict", str(folder), "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    for row, entry in zip(rows, printed["files"], strict=True):
        assert f"{entry['file']}: {entry['answer']}\n" in text
        assert (row["file"], row["answer"]) == (entry["file"], entry["answer"])
        assert row["genre"] == (entry["genre"] or "")
        shown = [float(row[genre]) for genre in GENRES]
        assert shown == pytest.approx(list(entry["percentages"].values()), abs=0.01)
        assert sum(shown) == pytest.approx(100, abs=0.1)
        assert row["error"] == ""


@pytest.mark.slow
def test_a_reader_that_has_had_enough_is_no_fault(folder):
    run = [sys.executable, "-m", "gtzan_lib", "predict", "--json", folder / "a.wav"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(run, **pipes) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


@pytest.mark.slow
def test_nothing_is_told_to_onnxruntime_s_makers(folder, tmp_path):
    """Nor is a file made to number this computer; in CI there is none anyway."""
    places = {name: str(tmp_path) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME")}
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "PYTHONPATH")}
    code = f"import gtzan_lib; gtzan_lib.predict({str(folder / 'a.wav')!r})"
    run = [sys.executable, "-c", code]
    subprocess.run(run, env=kept | places, cwd=tmp_path, check=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_bad_name_or_song_ends_nobody_else_s_answer(folder, tmp_path, capsys):
    for name in (os.fsdecode(b"caf\xe9.wav"), "z.wav"):
        shutil.copy(folder / "a.wav", tmp_path / name)
    (tmp_path / "b.wav").write_bytes(b"RIFF")
    for form in (["--json"], ["--csv"], []):
        assert main(["predict", str(tmp_path), "x" * 300, *form]) == 2
        printed = capsys.readouterr()
        assert "caf\\" in printed.out
        assert "z.wav" in printed.out
        assert "Traceback" not in printed.err
        if form == ["--csv"]:
            bad, _, good, _ = csv.DictReader(io.StringIO(printed.out))
            assert "cannot be decoded" in bad["error"]
            assert bad["genre"] == good["error"] == ""


def test_naming_a_song_imports_no_heavy_package(folder):
    heavy = "torch librosa numba pandas sklearn matplotlib scipy.stats scipy.signal"
    code = (
        "import sys, gtzan_lib\n"
        f"gtzan_lib.predict({str(folder / 'a.mp3')!r})\n"
        f"print(sorted(set({heavy.split()}) & set(sys.modules)))"
    )
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_examples_of_the_docstrings_work(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(folder / "a.wav", tmp_path / "song.wav")
    failed, tried = doctest.testmod(gtzan_lib)
    assert (failed, tried) == (0, 5)


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ({"classical": 76, "jazz": 16}, "probably classical (76 %)"),
        ({"metal": 99.96}, "probably metal (> 99 %)"),
        ({"reggae": 40, "country": 35, "jazz": 10}, "not sure: reggae or country"),
        ({"pop": 50, "rock": 25, "disco": 25}, "not sure: pop, disco or rock"),
        ({"pop": 30, "rock": 10}, "not sure: perhaps pop"),
    ],
)
def test_answers_in_words(shares, said):
    assert words.answer(SHARES | shares) == said


def test_what_a_percentage_was_worth_is_what_was_measured():
    def row(n, confidence, accuracy):
        return {"n": n, "confidence": confidence, "accuracy": {"value": accuracy}}

    facts = {"accuracy": {"value": 0.81}, "short": {"value": 0.6}}
    facts["elsewhere"] = {"clips": 51, "accuracy": {"value": 0.63}}
    facts["reliability"] = [row(9, 0.35, 0.1), row(20, 0.65, 0.6)]
    long, short = {"seconds": 30.0}, {"seconds": 4.0}
    few, sure = words.worth(facts, 0.35, long), words.worth(facts, 0.69, long)
    assert few == words.worth(facts)  # of nine songs nothing is said
    assert "81 %" in few
    assert "63 % of 51 clips from elsewhere" in few
    assert sure.startswith(few.removesuffix("."))
    assert "60 % when it is as sure" in sure
    assert "60 % of the first 5 s" in words.worth(facts, 0.69, short)


def test_short_and_cut_files_are_warned_of(folder, tmp_path, y, capsys):
    soundfile.write(tmp_path / "short.wav", y[: 5 * SAMPLE_RATE], SAMPLE_RATE)
    content = (folder / "a.wav").read_bytes()
    (tmp_path / "cut.wav").write_bytes(content[: len(content) // 2])
    assert main(["predict", str(tmp_path / "short.wav")]) == 0
    assert "Mind: It lasts 5.0 s, and clips under 10 s" in capsys.readouterr().out
    assert main(["predict", str(tmp_path / "cut.wav")]) == 0
    assert "Mind: It ends early" in capsys.readouterr().out
    assert main(["predict", str(folder / "a.wav")]) == 0
    assert "Mind" not in capsys.readouterr().out
