"""The pipeline's way to run a notebook: what it passes on, and how it fails."""

import json

import nbformat
import pytest

from gtzan_lib.errors import UserError
from gtzan_lib.report import execute, progress


@pytest.fixture
def notebook(tmp_path):
    """Make a notebook of some code, with a parameter ``x``."""

    def make(code, name="in"):
        cells = [nbformat.v4.new_code_cell("x = 1"), nbformat.v4.new_code_cell(code)]
        cells[0].metadata["tags"] = ["parameters"]
        path = tmp_path / f"{name}.ipynb"
        python = {"language_info": {"name": "python"}}
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=python), path)
        return path

    return make


@pytest.fixture
def kernel():
    with execute.open_kernel() as opened:
        yield opened


def test_what_a_notebook_prints_stays_in_it(notebook, tmp_path, capsys, kernel):
    path = notebook("print('x is', x)")
    execute.execute(path, tmp_path / "n.ipynb", {"x": 7}, kernel)
    assert capsys.readouterr().out == ""
    assert "x is 7" in (tmp_path / "n.ipynb").read_text()


def test_a_second_notebook_knows_no_name_of_the_first_and_imports_nothing_again(
    notebook, tmp_path, capsys
):
    first = notebook("import sys\nsys.seen = x\nfor_first = 1", "first")
    second = notebook("import sys\nprint(sys.seen, x, 'for_first' in dir())", "second")
    given = ((first, {"x": 7}), (second, {}))
    jobs = [
        (str(path), str(tmp_path / f"{path.stem}-out.ipynb"), x) for path, x in given
    ]
    assert execute.main(json.dumps(jobs)) == 0
    cells = nbformat.read(tmp_path / "second-out.ipynb", as_version=4).cells
    assert [cell.execution_count for cell in cells] == [1, 2]
    assert cells[-1].outputs[0].text == "7 1 False\n"


def test_the_notebooks_after_one_that_fails_are_not_executed(notebook, tmp_path):
    given = notebook("1 / 0", "first"), notebook("1", "second")
    jobs = [(str(path), str(tmp_path / f"{path.stem}-out.ipynb"), {}) for path in given]
    assert execute.main(json.dumps(jobs)) == 2
    assert (tmp_path / "first-out.ipynb").is_file()
    assert not (tmp_path / "second-out.ipynb").exists()


def test_a_line_that_updates_is_passed_on_at_first_and_at_last(capsys):
    relay = execute.Relay("n")
    relay.write("before\n")
    for percent in range(101):
        relay.write(f"\r{percent}")
        relay.write(" %")
    relay.write("\nnext\n")
    assert capsys.readouterr().out.splitlines() == ["[n] 0 %", "[n] 100 %"]


SNAKEMAKE = """Building DAG of jobs...
Job stats:
job            count
-----------  -------
train_codes-1     13

Select jobs to execute...
Execute 2 jobs...
[03_train_cnn-a] training: 100%
[Tue Nov 24 18:30:31 2026]
Finished jobid: 1 (Rule: pages)
1 of 4 steps (25%) done
2 of 4 steps (50%) done
Warning: the following output files of rule pages were not present at first:
{'/runs/pages/index.html'}
Error in rule train:
    jobid: 4

4 of 4 steps (100%) done
"""


def test_the_pipeline_shows_steps_with_the_time_left_and_errors(capsys, monkeypatch):
    now, filled = iter([100, 160, *[220] * 5, 400]), []
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))
    lines = SNAKEMAKE.splitlines(keepends=True)
    assert progress.show(lines, lambda *steps: filled.append(steps))
    assert filled == [(2, 4)]
    assert capsys.readouterr().out.splitlines() == [
        "[03_train_cnn-a] training: 100%",
        "1 of 4 steps in 60 s",
        "2 of 4 steps in 2 min, about 2 min left",
        "Error in rule train:",
        "    jobid: 4",
        "",
        "4 of 4 steps in 5 min",
    ]
    assert progress.minutes(7500) == "2 h 5 min"


def test_where_the_pages_are_is_said_when_there_is_nothing_to_do(tiny, capsys):
    assert progress.show(
        ["Nothing to be done (all requested files are present)."], None
    )
    progress.addresses(str(tiny.folder))
    said = capsys.readouterr().out
    assert str(tiny.results / "pages" / "index.html") in said


def test_the_pages_fill_up_for_a_twentieth_of_the_time_at_most(monkeypatch):
    clock, filled = [0.0], []
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])

    def steps():
        for done in range(1, 31):
            clock[0] += 10
            yield f"{done} of 30 steps ({done}%) done"

    def fill(done, steps):
        filled.append(done)
        clock[0] += 2

    progress.show(steps(), fill)
    assert filled[:3] == [2, 6, 10]  # not before 38 s more have passed
    assert filled[-1] < 30


def test_pages_that_cannot_be_made_yet_do_not_end_the_pipeline(tmp_path, capsys):
    progress.fill_pages(str(tmp_path / "no data"), 2, 3)
    assert "pages wait for the next step" in capsys.readouterr().out


def test_a_notebook_that_stops_with_a_sentence_fails_with_it(
    notebook, tmp_path, kernel
):
    code = "from gtzan_lib.errors import DataError\nraise DataError('no such track')"
    with pytest.raises(UserError) as caught:
        execute.execute(notebook(code), tmp_path / "n.ipynb", {}, kernel)
    assert str(caught.value) == "DataError: no such track"


def test_a_full_disk_is_a_sentence(notebook, tmp_path, capsys):
    (tmp_path / "n.ipynb").symlink_to("/dev/full")
    jobs = [(str(notebook("1 / 1")), str(tmp_path / "n.ipynb"), {})]
    assert execute.main(json.dumps(jobs)) == 2
    words = capsys.readouterr().err.splitlines()[-1]
    assert words.endswith("n.ipynb: No space left on device")
