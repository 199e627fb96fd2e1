"""``gtzan compare``: what changed between two files of results."""

import copy
import json
import re
from collections import defaultdict

import pytest

from gtzan_lib.__main__ import main
from gtzan_lib.report.keep import REPORT


@pytest.fixture(scope="module")
def before():
    """Six runs of the committed report, two configurations of three seeds."""
    content = json.loads((REPORT / "results.json").read_text("utf-8"))
    by_name = defaultdict(list)
    for run in content["runs"]:
        by_name[run["run"].partition("-seed-")[0], bool(run["curve"])].append(run)
    chosen = {is_curve: runs[:3] for (_, is_curve), runs in by_name.items() if runs[2:]}
    content["runs"] = [*chosen[True], *chosen[False]]
    return content


def compared(tmp_path, capsys, before, after, *options):
    for name, content in (("a", before), ("b", after)):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "results.json").write_text(json.dumps(content))
    status = main(
        ["compare", str(tmp_path / "a"), str(tmp_path / "b/results.json"), *options]
    )
    return status, capsys.readouterr()


def test_a_file_agrees_with_itself(tmp_path, capsys, before):
    status, printed = compared(tmp_path, capsys, before, before)
    assert status == 0
    assert printed.out.strip() == (
        "the same runs, and nothing changed by more than its interval"
    )
    status, printed = compared(tmp_path, capsys, before, before, "--json")
    found = json.loads(printed.out)
    assert (found["agree"], found["provenance"]) == (True, [])
    assert all(row["difference"] == 0 for row in found["changes"])
    assert {row["of"] for row in found["changes"]} == {"run", "configuration"}


def test_a_small_change_agrees_and_a_large_one_does_not(tmp_path, capsys, before):
    after = copy.deepcopy(before)
    run = after["runs"][0]
    row = run["confusion"][0]
    last = run["curve"][-1]
    last["loss"] += 0.25
    wrong = row.index(max(row[1:]), 1) if max(row[1:]) else None
    assert wrong is not None
    row[0], row[wrong] = row[0] + 1, row[wrong] - 1
    status, printed = compared(tmp_path, capsys, before, after, "--json")
    found = json.loads(printed.out)
    rows = {r["metric"]: r for r in found["changes"] if r["name"] == run["run"]}
    assert (status, found["agree"]) == (0, True)
    tests = sum(map(sum, run["confusion"]))
    assert abs(rows["accuracy"]["difference"]) == pytest.approx(1 / tests)
    assert rows["loss@last"]["difference"] == pytest.approx(0.25)
    _, printed = compared(tmp_path, capsys, before, after)
    assert re.search(rf"run {run['run']} +loss@last .* 0\.2500", printed.out)
    for row in run["confusion"]:  # a network that answers blues alone
        row[:] = [sum(row), *[0] * 9]
    run["top2_hits"] = tests // 2
    status, printed = compared(tmp_path, capsys, before, after)
    assert status == 1
    assert "more than the intervals" in printed.out
    assert f"run {run['run']}" in " ".join(printed.out.split())


def test_seeds_together_have_an_interval_that_one_has_not(tmp_path, capsys, before):
    """The losses of a single run have no interval; the mean of three has."""
    after = copy.deepcopy(before)
    for run in after["runs"][:3]:
        run["curve"][-1]["loss"] += 1
    status, printed = compared(tmp_path, capsys, before, after, "--json")
    rows = json.loads(printed.out)["changes"]
    losses = [r for r in rows if r["metric"] == "loss@last" and r["difference"] > 0.9]
    beyond = {(row["of"], row["beyond"]) for row in losses}
    assert status == 1
    assert beyond == {("run", None), ("configuration", True)}


def test_a_record_of_another_version_is_compared_run_by_run(tmp_path, capsys, before):
    after = copy.deepcopy(before)
    del after["pooling"]
    after["calibration"] = "of another form"
    after["data"]["pictures"] = 12
    status, printed = compared(tmp_path, capsys, before, after, "--json")
    found = json.loads(printed.out)
    assert status == 0
    assert {row["fact"] for row in found["provenance"]} == {"pictures"}


def test_runs_in_one_and_provenance_are_named(tmp_path, capsys, before):
    after = copy.deepcopy(before)
    gone = after["runs"].pop()["run"]
    after["made"]["commit"] = "f" * 40
    after["made"]["packages"]["numpy"] = "3.0"
    status, printed = compared(tmp_path, capsys, before, after, "--json")
    found = json.loads(printed.out)
    facts = {row["fact"]: row["second"] for row in found["provenance"]}
    assert status == 1
    assert (found["only_first"], found["only_second"]) == ([gone], [])
    assert facts == {"commit": "f" * 40, "packages.numpy": "3.0"}
    status, printed = compared(tmp_path, capsys, before, after)
    assert f"only in the first (1): {gone}" in printed.out


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", "\0", '{"runs": [{}]}', '{"a": ' * 5000]
)
def test_what_is_no_file_of_results_is_refused(tmp_path, capsys, content):
    (tmp_path / "results.json").write_text(content)
    for first in (tmp_path, tmp_path / "results.json", tmp_path / "nothing"):
        assert main(["compare", str(first), str(REPORT)]) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert error.count("\n") == 1


def test_counts_that_no_data_set_has_are_refused(tmp_path, capsys, before):
    after = copy.deepcopy(before)
    after["runs"][0]["confusion"][3][4] = 10**30
    status, printed = compared(tmp_path, capsys, before, after)
    assert status == 2
    assert "is wrong at runs.0.confusion.3.4" in printed.err
