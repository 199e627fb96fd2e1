import csv
import json
import math
import re
import shutil
import subprocess

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from gtzan_lib.__main__ import main
from gtzan_lib.errors import ParameterError
from gtzan_lib.evaluation import softmax_twice
from gtzan_lib.evaluation.softmax_twice import diagnose
from gtzan_lib.report.pages import template


def network(classes, n_right, certainty, times):
    """Loss and accuracy of 100 answers, softmax applied once or twice."""
    logits = np.zeros((100, classes))
    logits[:, 0] = certainty
    labels = np.where(np.arange(100) < n_right, 0, 1)
    outputs = softmax(logits, axis=1) if times == 2 else logits
    log_p = log_softmax(outputs, axis=1)
    return -log_p[np.arange(100), labels].mean(), n_right / 100


@pytest.mark.parametrize("classes", [2, 5, 10, 50])
def test_a_certain_network_is_on_the_line_behind_two_softmaxes_only(classes):
    loss, accuracy = network(classes, 80, 50, times=2)
    found = diagnose(classes, loss, accuracy)
    assert found.answer == "twice"
    assert found.gap == pytest.approx(0, abs=1e-12)
    assert found.certain == pytest.approx(loss)
    assert diagnose(classes, *network(classes, 80, 50, times=1)).answer == "once"
    assert diagnose(classes, *network(classes, 100, 50, times=1)).reason == "below"


def test_the_paper_and_the_limits_of_the_rule():
    assert diagnose(10, 1.83, 0.62).answer == "twice"
    certain = softmax_twice.floor(10) + 0.38
    for gap, answer in ((0.0299, "twice"), (0.0301, "once"), (-0.0301, "once")):
        assert diagnose(10, certain + gap, 0.62).answer == answer
    on_line = softmax_twice.floor(10) + 1
    assert diagnose(10, on_line - 0.299, 0.299).answer == "cannot tell"
    assert diagnose(10, on_line - 0.301, 0.301).answer == "twice"
    assert diagnose(10, 1.0, 0.1).answer == "once"  # below the floor, though chance


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((1, 1.8, 0.6), "give 2 or more"),
        ((10, -0.1, 0.6), "0 nats or more"),
        ((10, math.nan, 0.6), "0 nats or more"),
        ((10, math.inf, 0.6), "0 nats or more"),
        ((10, 1.8, 62), "give 0.62 for 62 %"),
        ((10, 1.8, -0.1), "no share"),
        ((10, 1.8, math.nan), "no share"),
    ],
)
def test_impossible_values_are_refused(given, words):
    with pytest.raises(ParameterError, match=words) as refused:
        diagnose(*given)
    assert "\n" not in str(refused.value)


def counted(half, softmaxes):
    """Count right and wrong answers with no pandas and none of the library's rule."""
    right, wrong = 0, []
    with softmax_twice.PAIRS.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if (row["half"], row["softmaxes"], row["unfit"]) != (half, softmaxes, ""):
                continue
            k, loss, accuracy = (
                float(row[name]) for name in ("classes", "loss", "accuracy")
            )
            gap = loss - (math.log(math.e + k - 1) - accuracy)
            above = loss >= math.log(math.e + k - 1) - 1
            if above and accuracy < 1 / k + 0.2:
                continue
            if (above and abs(gap) <= 0.03) == (softmaxes == "2"):
                right += 1
            else:
                wrong.append(row["run"])
    return right, wrong


@pytest.mark.parametrize("half", ["A", "B", "C"])
@pytest.mark.parametrize(("softmaxes", "name"), [("2", "twice"), ("1", "once")])
def test_answers_on_public_code_are_counted_again(half, softmaxes, name):
    right, wrong = counted(half, softmaxes)
    found = softmax_twice.validation(half)[name]
    assert (found["right"], found["answered"]) == (right, right + len(wrong))
    assert [row["run"] for row in found["failures"]] == wrong
    assert found["answered"] <= found["pairs"]
    of_pairs, of_sources = (found[key] for key in ("share", "by_source"))
    assert of_pairs["value"] == pytest.approx(right / found["answered"])
    assert of_sources["high"] - of_sources["low"] > of_pairs["high"] - of_pairs["low"]


def test_how_common_it_is():
    genre, every = softmax_twice.frequency("genre"), softmax_twice.frequency()
    assert (genre["k"], genre["n"], every["k"], every["n"]) == (6, 47, 21, 190)
    z, p, n = 1.959964, 6 / 47, 47  # Wilson's interval by its formula
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    assert (genre["share"]["low"] + genre["share"]["high"]) / 2 == pytest.approx(centre)
    with pytest.raises(KeyError):
        softmax_twice.frequency("jazz")


def test_natural_experiments_are_pairs_that_are_told_apart():
    table = softmax_twice.natural_experiments()
    assert table["softmaxes"].tolist() == [1, 2] * 3
    assert table["answer"].tolist() == ["once", "twice"] * 3
    assert (table["source"].value_counts() == 2).all()


def test_the_command_says_it(capsys):
    given = ["softmax", "--classes", "10", "--loss", "1.83", "--accuracy", "0.62"]
    assert main(given) == 0
    words = capsys.readouterr().out
    assert words.startswith("twice: ")
    assert all(word in words for word in ("1.461", "-0.011", "14 of 15"))
    assert main([*given, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["answer"], found["public_code"]["B"]["twice"]) == ("twice", [14, 15])
    assert main([*given[:-1], "62"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.fixture(scope="module")
def calculator():
    """The part of the start page that does the same sum."""
    return template("softmax.html.j2").render(rule=softmax_twice)


def grid():
    """Losses on, beside and below the line, and accuracies about chance."""
    for classes in (2, 3, 10, 1000):
        floor = softmax_twice.floor(classes)
        for accuracy in (0, 1 / classes + 0.1999, 1 / classes + 0.2001, 0.62, 1):
            certain = floor + 1 - accuracy
            for gap in (-0.5, -0.0301, -0.0299, 0, 0.0299, 0.0301, 2):
                yield classes, max(0, certain + gap), accuracy
            yield classes, max(0, floor - 1e-9), accuracy


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_the_calculator_agrees_with_the_function(calculator):
    (script,) = re.findall(r"<script>(.*)</script>", calculator, re.DOTALL)
    given = json.dumps(list(grid()))
    script += f"console.log(JSON.stringify({given}.map(g => softmaxTwice(...g))))"
    ran = subprocess.run(["node", "-e", script], capture_output=True, check=True)
    answers, every = json.loads(ran.stdout), list(grid())
    assert {answer["reason"] for answer in answers} == set(softmax_twice.WHY)
    for values, theirs in zip(every, answers, strict=True):
        ours = diagnose(*values)
        assert (theirs["answer"], theirs["reason"]) == (ours.answer, ours.reason)
        assert theirs["gap"] == pytest.approx(ours.gap, abs=1e-12)
        assert theirs["floor"] == pytest.approx(ours.floor)


def test_the_calculator_answers_as_one_types(calculator, browser, barriers, tmp_path):
    path = tmp_path / "page.html"
    start = "<!DOCTYPE html><html lang=en><title>t</title><main><h1>t</h1>"
    path.write_text(start + calculator, encoding="utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    page.locator("summary").click()
    assert page.locator("output").inner_text().startswith("twice: ")
    page.get_by_label("Loss").fill("0.5")
    assert "below the floor" in page.locator("output").inner_text()
    page.get_by_label("Accuracy").fill("62")
    assert "from 0 to 1" in page.locator("output").inner_text()
    assert barriers(page) == []
