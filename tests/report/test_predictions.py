"""``gtzan folds`` and ``gtzan evaluate``: predictions of anybody's model, judged."""

import gzip
import json
import os
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.metrics import accuracy_score, confusion_matrix, top_k_accuracy_score

from gtzan_lib.__main__ import main
from gtzan_lib.data import splits
from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.gtzan import published_sums
from gtzan_lib.report import literature
from gtzan_lib.store import PROJECT

FOLDED = ("artist-folds", "random-folds")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The protocols' files, as anybody gets them."""
    folder = tmp_path_factory.mktemp("folds")
    assert main(["folds", str(folder)]) == 0
    return folder


def predict(folder, names=FOLDED, seed=0):
    """Predict every test track of some protocols: better where artists are heard."""
    rng, parts = np.random.default_rng(seed), []
    for name in names:
        split = pd.read_csv(folder / f"{name}.csv")
        part = split[split.subset == "test"][["track"]].assign(protocol=name)
        true = part.track.str.split(".").str[0].map(GENRES.index)
        logits = rng.normal(size=(len(part), 10))
        logits[np.arange(len(part)), true] += 3 if name.startswith("random") else 2
        p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        parts.append(part.assign(**dict(zip(GENRES, p.T, strict=True))))
    return pd.concat(parts)


def evaluate(tmp_path, capsys, table, *options, name="p.csv"):
    path = tmp_path / name
    table.to_csv(path, index=False)
    status = main(["evaluate", str(path), *options])
    return status, capsys.readouterr()


def test_each_protocol_is_a_file_that_needs_no_pictures(folder):
    assert {path.stem for path in folder.iterdir()} == set(splits.PROTOCOLS)
    every = set(published_sums())
    for name, folds in splits.PROTOCOLS.items():
        table = pd.read_csv(folder / f"{name}.csv")
        assert list(table)[:2] == ["track", "subset"]
        assert set(table.track) <= every
        by_fold = dict(list(table.groupby("fold"))) if folds > 1 else {0: table}
        assert list(by_fold) == list(range(folds))
        for part in by_fold.values():
            assert not part.track.duplicated().any()
        tests = table[table.subset == "test"].track
        assert not tests.duplicated().any()
        assert tuple(sorted(tests)) == splits.tested(name)
    artist = pd.read_csv(folder / "artist.csv")
    sizes = artist.subset.value_counts().to_dict()
    assert sizes == {"train": 442, "validation": 197, "test": 290}


def test_files_of_another_copy_fit_it_or_say_why(five_source, tmp_path, capsys):
    folder = tmp_path / "folds"
    command = ["folds", str(folder), "--data", str(five_source)]
    assert main(command) == 0
    lines = capsys.readouterr().out.splitlines()
    done = dict(line.split(": ", maxsplit=1) for line in lines)
    assert {path.stem for path in folder.iterdir()} == {"random", "random-unique"}
    for name in ("artist", *FOLDED):
        assert done[name].startswith("left out: ")
    assert len(set(pd.read_csv(folder / "random.csv").track)) == 50
    assert main(["folds", str(folder)]) == 2
    assert "give a new folder" in capsys.readouterr().err


def judged(tmp_path, capsys, table):
    status, printed = evaluate(tmp_path, capsys, table, "--json")
    assert status == 0
    return json.loads(printed.out)


def test_the_numbers_are_those_of_scikit_learn(folder, tmp_path, capsys):
    table = predict(folder)
    found = judged(tmp_path, capsys, table)
    assert list(found["protocols"]) == list(FOLDED)
    hits = {}
    for name, row in found["protocols"].items():
        own = table[table.protocol == name].sort_values("track")
        true = own.track.str.split(".").str[0]
        p = own[list(GENRES)].to_numpy()
        called = np.array(GENRES)[p.argmax(axis=1)]
        hits[name] = true.to_numpy() == called
        accuracy, top2 = row["accuracy"], row["top2"]
        assert accuracy["value"] == pytest.approx(accuracy_score(true, called))
        expected = top_k_accuracy_score(true, p, k=2, labels=GENRES)
        assert top2["value"] == pytest.approx(expected)
        matrix = confusion_matrix(true, called, labels=GENRES)
        assert row["confusion"] == matrix.tolist()
        assert accuracy["low"] < accuracy["value"] < accuracy["high"]
        bins = row["calibration"]["bins"]
        assert sum(b["n"] for b in bins) == row["tests"] == 929
        gaps = [b["n"] * abs(b["confidence"] - b["accuracy"]) for b in bins]
        assert row["calibration"]["error"] == pytest.approx(sum(gaps) / 929)
    difference = hits["random-folds"].mean() - hits["artist-folds"].mean()
    assert found["leakage"]["value"] == pytest.approx(difference)
    assert found["leakage"]["low"] > 0
    shuffled = table.sample(frac=1, random_state=0)[[*reversed(table.columns)]]
    again = judged(tmp_path, capsys, shuffled)
    assert again.pop("predictions") != found.pop("predictions")
    assert again == found


def test_a_genre_is_enough_and_has_no_calibration(folder, tmp_path, capsys):
    table = predict(folder, ("artist",))
    named = table[["protocol", "track"]].assign(
        genre=table[list(GENRES)].idxmax(axis=1)
    )
    full, bare = (
        judged(tmp_path, capsys, each)["protocols"]["artist"] for each in (table, named)
    )
    assert bare["accuracy"] == full["accuracy"]
    assert bare["confusion"] == full["confusion"]
    assert bare["top2"] is bare["calibration"] is None
    printed = evaluate(tmp_path, capsys, named)[1].out
    assert printed.startswith("artist: accuracy 0.")
    assert "leakage" not in printed


def test_the_example_of_the_howto_runs(folder, tmp_path, capsys, monkeypatch):
    """With a model that knows how often each genre is, and no more."""
    text = (PROJECT / "report" / "HOWTO.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    shutil.copytree(folder, tmp_path / "folds")
    monkeypatch.chdir(tmp_path)
    exec(code, {"fit": DummyClassifier(strategy="prior").fit})
    assert main(["evaluate", "predictions.csv", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found["protocols"]) == list(FOLDED)
    assert abs(found["leakage"]["value"]) < 0.05


FAULTS = {
    "a number": ({"blues": "much"}, "a probability is no number"),
    "negative": ({"blues": "-0.1"}, "a probability is below 0"),
    "sum": ({"blues": "1", "rock": "1"}, "the probabilities do not sum to 1"),
    "protocol": ({"protocol": "mine"}, "'mine' is no protocol: they are random, "),
    "track": ({"track": "blues.99999"}, "'blues.99999' is no test track of 'artist'"),
    "terminal": ({"track": "\x1b[31mred\n"}, r"'\x1b[31mred\n' is no test track"),
    "format": ({"track": "{0.__class__}{protocol}"}, "'{0.__class__}{protocol}' is no"),
    "long": ({"track": "x" * 1000}, f"'{'x' * 40}' is no test track"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_bad_row_gets_a_sentence(folder, tmp_path, capsys, case):
    change, sentence = FAULTS[case]
    table = predict(folder, ("artist",)).astype(str)
    for name, cell in change.items():
        table.iloc[2, table.columns.get_loc(name)] = cell
    status, printed = evaluate(tmp_path, capsys, table, "--out", str(tmp_path / "out"))
    assert status == 2
    assert printed.err.startswith("error: row 3: ")
    assert sentence in printed.err
    assert "\x1b" not in printed.err
    assert len(printed.err) < 200
    assert printed.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_missing_and_repeated_tracks_are_counted(folder, tmp_path, capsys):
    table = predict(folder, ("artist",))
    status, printed = evaluate(tmp_path, capsys, table.iloc[2:])
    assert status == 2
    words = "error: 2 of the 290 test tracks of artist have no prediction: "
    assert printed.err.startswith(words + table.track.iloc[0])
    status, printed = evaluate(tmp_path, capsys, pd.concat([table, table]))
    twice = f"error: row 291: {table.track.iloc[0]!r} of 'artist' is there twice"
    assert printed.err.startswith(f"{twice}; row 292: ")
    assert printed.err.endswith("280 more rows are wrong\n")
    wrong = table[["protocol", "track"]].assign(genre="hip hop")
    status, printed = evaluate(tmp_path, capsys, wrong)
    assert "row 1: 'hip hop' is none of the ten genres" in printed.err


@pytest.mark.parametrize("name", ["p.csv.gz", "p.zip", "p.xz", "p.zst", "p.tar"])
def test_a_table_is_read_as_it_is_whatever_its_name(tmp_path, capsys, name):
    (tmp_path / name).write_bytes(gzip.compress(b"\0" * 9_000_000))
    assert main(["evaluate", str(tmp_path / name)]) == 2
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    "content",
    [
        b"protocol,track,genre\n",
        b"protocol,track,blues,rock\nartist,blues.00012,0.5,0.5\n",
        "protocol,track,genre\nartist,blues.00012,blues\n".encode("utf-16"),
        b"protocol,track,genre" + b",a" * 200_000 + b"\n",
        b"protocol,track,genre\n" + b"artist,blues.00012,blues\n" * 250_000,
        b"PK\x03\x04" + b"\0" * 1000,
    ],
    ids=range(6),
)
def test_what_is_no_table_of_predictions_is_refused(tmp_path, capsys, content):
    path = tmp_path / "p.csv"
    path.write_bytes(content)
    assert main(["evaluate", str(path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1


def test_what_is_no_file_is_refused(tmp_path, capsys):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "nothing", tmp_path / "pipe", "/dev/zero"):
        assert main(["evaluate", str(path)]) == 2
        assert "cannot be read" in capsys.readouterr().err


NAMES = ("p.csv", '<script>alert(1)<script>".csv', "{{ 7 * 7 }}'\x1b[31m.csv")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_page_stands_alone_and_runs_nothing(folder, tmp_path, capsys, name):
    (tmp_path / "in").mkdir()
    out, table = tmp_path / "out", predict(folder)
    options = ("--out", str(out))
    assert evaluate(tmp_path / "in", capsys, table, *options, name=name)[0] == 0
    text = (out / "evaluation.html").read_text("utf-8")
    assert not re.findall(r"<script|<[^>]* on\w+=|<link", text)
    assert "src=" not in text
    assert text.count("<caption>") == 2 + 2 * 2  # a table of bins and one of confusions
    assert "49" not in re.search("<h1>(.*?)</h1>", text)[1]
    assert "\x1b" not in text
    found = json.loads((out / "evaluation.json").read_text("utf-8"))
    shown = found["protocols"]["artist-folds"]["accuracy"]["value"]
    assert f"<td>{shown:.2f} [" in text
    for row in literature.load():
        assert row["accuracy"] in text


def test_every_number_of_the_literature_has_a_source_or_says_so():
    for row in literature.load():
        assert 0 < row["low"] <= row["high"] < 1
        assert row["protocol"] in splits.PROTOCOLS
        assert row["checked"] in ("read", "quoted")
        assert row["url"].startswith("https://")
        assert row["accuracy"].endswith("*") == (row["checked"] != "read")
        assert row["source"]
        assert row["note"]
