import csv
import json
import math

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from gtzan_lib.__main__ import main
from gtzan_lib.errors import ParameterError
from gtzan_lib.evaluation import softmax_twice
from gtzan_lib.evaluation.metrics import proportion
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
        *(((10, x, 0.6), "0 nats or more") for x in (-0.1, math.nan, math.inf)),
        *(((10, 1.8, x), "no share") for x in (62, -0.1, math.nan)),
    ],
)
def test_impossible_values_are_refused(given, words):
    with pytest.raises(ParameterError, match=words) as refused:
        diagnose(*given)
    assert "\n" not in str(refused.value)


def public_rows():
    """Half, source, softmaxes, region and answer of each pair, without the library."""
    for row in csv.DictReader(softmax_twice.PAIRS.open(encoding="utf-8")):
        k, loss, accuracy = (float(row[x]) for x in ("classes", "loss", "accuracy"))
        floor = math.log(math.e + k - 1) - 1
        on = "2" if abs(loss - floor - 1 + accuracy) <= 0.03 else "1"
        answer = on if accuracy >= 1 / k + 0.2 else ""
        where = ("below", "1") if loss < floor else ("above", answer)
        if not row["unfit"]:
            yield row["half"], row["source"], row["softmaxes"], *where


@pytest.mark.parametrize("halves", ["A", "B", "C", "BC"])
@pytest.mark.parametrize("region", ["below", "above", None])
@pytest.mark.parametrize(("softmaxes", "name"), [("2", "twice"), ("1", "once")])
def test_answers_on_public_code_are_counted_again(halves, region, softmaxes, name):
    rows = [
        (source, answer)
        for half, source, n, where, answer in public_rows()
        if half in halves and n == softmaxes and region in (where, None)
    ]
    told = [row for row in rows if row[1]]
    right = sum(answer == softmaxes for _, answer in told)
    found = softmax_twice.validation(region, halves)[name]
    counts = [found[key] for key in ("pairs", "answered", "right", "sources")]
    assert counts == [len(rows), len(told), right, len({source for source, _ in told})]
    if told:
        assert found["share"]["value"] == pytest.approx(right / len(told))
        of_pairs = proportion(right, len(told))
        wider = found["share"]["high"] - found["share"]["low"]
        assert wider > of_pairs["high"] - of_pairs["low"]


def test_bayes_rule_turns_the_line_into_a_probability():
    rows = [(n, answer) for half, _, n, _, answer in public_rows() if half in "BC"]
    rows = [row for row in rows if row[1]]
    said = {n: [answer == "2" for k, answer in rows if k == n] for n in "12"}
    once, twice = (sum(x) / len(x) for x in said.values())
    prior = softmax_twice.frequency(softmax_twice.GENRE)["share"]
    found = softmax_twice.posterior()["share"]
    for name, p in prior.items():
        assert found[name] == pytest.approx(twice * p / (twice * p + once * (1 - p)))


def test_sources_of_both_show_every_pair():
    counts = {}
    for _, source, n, _, _ in public_rows():
        counts.setdefault(source, []).append(n)
    expected = {s: len(n) for s, n in counts.items() if len(set(n)) == 2}
    assert softmax_twice.both_ways()["source"].value_counts().to_dict() == expected


@pytest.mark.parametrize(
    ("loss", "words", "tally"),
    [
        ("1.83", ("twice: ", "1.461", "-0.011", "hardly known"), ([21, 22], [2, 3])),
        ("1.0", ("once: ", "arithmetic"), ([0, 0], [17, 17])),
    ],
)
def test_the_command_says_it(capsys, loss, words, tally):
    given = ["softmax", "--classes", "10", "--loss", loss, "--accuracy", "0.62"]
    assert main(given) == 0
    said = capsys.readouterr().out
    assert said.startswith(words[0])
    right = [f"{k} of {n} pairs" for k, n in tally if n]
    assert all(word in said for word in (*words, *right))
    assert main([*given, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert tuple(found["public_code"].values()) == tally
    assert main([*given[:-1], "62"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.fixture
def calculator(browser, tmp_path):
    """The part of the start page that does the same sum, in a browser."""
    start = "<!DOCTYPE html><html lang=en><title>t</title><main><h1>t</h1>"
    part = template("softmax.html.j2").render(rule=softmax_twice)
    (tmp_path / "page.html").write_text(start + part, encoding="utf-8")
    page = browser.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    yield page
    page.close()


def grid():
    """Losses on, beside and below the line, and accuracies about chance."""
    for classes in (2, 3, 10, 1000):
        floor = softmax_twice.floor(classes)
        for accuracy in (0, 1 / classes + 0.1999, 1 / classes + 0.2001, 0.62, 1):
            certain = floor + 1 - accuracy
            for gap in (-0.5, -0.0301, -0.0299, 0, 0.0299, 0.0301, 2):
                yield classes, max(0, certain + gap), accuracy
            yield classes, max(0, floor - 1e-9), accuracy


def test_the_calculator_agrees_with_the_function(calculator):
    every = list(map(list, grid()))
    answers = calculator.evaluate(
        "all => all.map(given => softmaxTwice(...given))", every
    )
    assert {answer["reason"] for answer in answers} == set(softmax_twice.WHY)
    for values, theirs in zip(every, answers, strict=True):
        ours = diagnose(*values)._asdict()
        assert ours.pop("certain") == pytest.approx(ours["floor"] + 1 - values[2])
        numbers = {name: ours.pop(name) for name in ("floor", "gap")}
        assert {name: theirs.pop(name) for name in numbers} == pytest.approx(numbers)
        assert theirs == ours


def test_the_calculator_answers_as_one_types(calculator, barriers):
    calculator.locator("summary").click()
    for name, value, said in (
        ("Classes", "10", "right for 21 of 22 pairs"),
        ("Loss", "0.5", "right for 17 of 17 pairs"),
        ("Accuracy", "62", "from 0 to 1"),
    ):
        calculator.get_by_label(name).fill(value)
        assert said in calculator.locator("output").inner_text()
    assert barriers(calculator) == []
