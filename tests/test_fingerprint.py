"""What a result depends on: derived from imports, and neither more nor less."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gtzan_lib import fingerprint, store
from gtzan_lib.experiments import runs
from gtzan_lib.parameters import Parameters


def of_run(**facts):
    return runs.modules_of(Parameters(**facts).facts)


# Results by name, and the modules that make them.
RESULTS = {
    "sample": ["data.synthetic"],
    "pooled": ["encoders.pooling"],
    "lenet": of_run(),
    "lenet, learned codes": of_run(encoder="conv"),
    "crnn": of_run(recipe="augmented", model="crnn", encoder="bands"),
    "moved": of_run(encoder="blues-away"),
    "svm": of_run(model="svm", encoder="texture"),
    "svm, features": of_run(model="svm", encoder="features"),
}
RUNS = {*RESULTS} - {"sample", "pooled"}
SERVES = {  # what an edit of a module makes outdated
    "data.synthetic": {"sample"},
    "models.lenet": {"lenet", "lenet, learned codes", "moved"},
    "models.convnet": {"crnn"},
    "models.svm": {"svm", "svm, features"},
    "models.build": RUNS,
    "training.loop": RUNS,
    "experiments.train": RUNS,
    "encoders.pooling": {"pooled", "lenet", "moved"},
    "encoders.learned": {"lenet, learned codes"},
    "encoders.bands": {"crnn", "svm"},
    "encoders.features": {"svm, features"},
    "data.splits": RUNS,
    "data.audio": {"svm, features"},  # pictures are read without it
    **{n: set() for n in ("experiments.suite", "report.plots", "app.server", "store")},
}


def prints() -> dict[str, str]:
    return {name: fingerprint.fingerprint(*made) for name, made in RESULTS.items()}


@pytest.mark.parametrize("module", SERVES)
def test_an_edit_makes_outdated_what_the_module_serves(module, monkeypatch):
    before = prints()
    edited = fingerprint.SOURCES[module] + "\nEDITED = 1\n"
    monkeypatch.setitem(fingerprint.SOURCES, module, edited)
    after = prints()
    assert {name for name in RESULTS if after[name] != before[name]} == SERVES[module]


@pytest.mark.slow
@pytest.mark.parametrize(
    "facts",
    [
        {"encoder": "conv"},
        {"recipe": "augmented", "model": "crnn", "encoder": "bands"},
        {"model": "svm", "encoder": "texture"},
    ],
    ids=lambda facts: "-".join(facts.values()),
)
def test_all_that_a_training_executes_is_in_its_fingerprint(tiny, facts, monkeypatch):
    p = Parameters(**{"recipe": "corrected", "epochs": 1} | facts)
    executed, make_partial = set(), store._make_partial

    def trace(frame, event, argument):
        executed.add(frame.f_code.co_filename)

    def traced(folder, key, make):
        def watched(folder):
            before = sys.getprofile()  # of a result that this one is made for
            threading.setprofile(trace)
            sys.setprofile(trace)
            try:
                return make(folder)
            finally:
                sys.setprofile(before)
                threading.setprofile(before)

        make_partial(folder, key, watched)

    monkeypatch.setattr(store, "_make_partial", traced)
    runs.train(tiny, p, progress=False)
    names = {
        ".".join(Path(f).relative_to(fingerprint.PACKAGE).with_suffix("").parts)
        for f in executed
        if Path(f).is_relative_to(fingerprint.PACKAGE)
    }
    computing = {n for n in filter(fingerprint.computes, names) if "__init__" not in n}
    made_in = set(fingerprint.reached_by(*runs.modules_of(p.facts)))
    assert computing - made_in == {"experiments.runs"}  # whose closure calls the rest
    assert {"experiments.train", "data.splits", "training.loop"} <= computing


def test_only_what_code_does_counts(monkeypatch):
    found = []
    for text in (
        '"""Doc."""\ndef f(x):\n    """Doc."""\n    return x + 1\n',
        '"""Other."""\n\ndef f(x):\n    # comment\n    return (x + 1)\n',
        '"""Doc."""\ndef f(x):\n    """Doc."""\n    return x + 2\n',
    ):
        monkeypatch.setitem(fingerprint.SOURCES, "data.m", text)
        found.append(fingerprint.fingerprint("data.m"))
    assert found[0] == found[1] != found[2]


@pytest.mark.slow
def test_every_version_of_python_has_the_same_fingerprint(tmp_path):
    program = (
        "from gtzan_lib import fingerprint as f; print(f.fingerprint("
        "*filter(f.computes, f.SOURCES)))"
    )
    here = subprocess.check_output([sys.executable, "-c", program], text=True)
    versions = Path("~/.pyenv/versions").expanduser().glob("3.1[1-9]*/bin/python3")
    others = [p for p in versions if str(p) != os.path.realpath(sys.executable)]
    if not others:
        pytest.skip("needs another Python beside this one")
    for python in others:
        env = {"PYTHONPATH": str(store.PROJECT), "PYTHONDONTWRITEBYTECODE": "1"}
        there = subprocess.check_output([python, "-c", program], text=True, env=env)
        assert there == here, python
