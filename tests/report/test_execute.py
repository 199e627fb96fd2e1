"""The pipeline's way to run a notebook: what it passes on, and how it fails."""

import json
import logging
import sys
import tempfile

import nbformat
import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from gtzan_lib.errors import UserError
from gtzan_lib.report import job, progress


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
    with job.open_kernel() as opened:
        yield opened


def test_what_a_notebook_prints_stays_in_it(notebook, tmp_path, capsys, kernel):
    path = notebook("print('x is', x)")
    job.execute(path, tmp_path / "n.ipynb", {"x": 7}, kernel)
    assert capsys.readouterr().out == ""
    assert "x is 7" in (tmp_path / "n.ipynb").read_text()


def test_a_second_notebook_knows_no_name_of_the_first_and_imports_nothing_again(
    notebook, tmp_path, capsys
):
    first = notebook("import sys\nsys.seen = x\nfor_first = 1", "first")
    second = notebook("import sys\nprint(sys.seen, x, 'for_first' in dir())", "second")
    with job.open_kernel() as kernel:
        for path, x in ((first, {"x": 7}), (second, {})):
            job.execute(path, tmp_path / f"{path.stem}-out.ipynb", x, kernel)
    cells = nbformat.read(tmp_path / "second-out.ipynb", as_version=4).cells
    assert [cell.execution_count for cell in cells] == [1, 2]
    assert cells[-1].outputs[0].text == "7 1 False\n"


def test_the_pipeline_shows_steps_with_the_time_left_and_errors(
    tiny, monkeypatch, capsys
):
    clock = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    handler, log = progress.Shown(), logging.Logger("snakemake")
    log.addHandler(handler)
    for now, done in ((60, 1), (120, 2), (300, 4)):
        clock[0] = now
        log.info(None, extra={"event": LogEvent.PROGRESS, "done": done, "total": 4})
    log.info("Building DAG of jobs...")
    log.error(None, extra={"event": LogEvent.JOB_ERROR, "rule_name": "train_x"})
    log.error("RuleException:\nCalledProcessError in file Snakefile, line 108")
    words = "WorkflowError in file Snakefile, line 50:\ndata must be one of\n  File 'x'"
    log.error(words)
    assert capsys.readouterr().out.splitlines() == [
        "1 of 4 steps in 60 s",
        "2 of 4 steps in 2 min, about 2 min left",
        "4 of 4 steps in 5 min",
        "train_x did not end; it may say why above",
        "data must be one of",
    ]
    handler.end(tiny)
    assert str(tiny.results / "pages" / "index.html") in capsys.readouterr().out
    handler.stop()
    log.error("At least one job did not complete successfully.")
    said = capsys.readouterr().out
    assert said == "stopped; what is finished is kept: run it again to go on\n"


def test_sockets_and_kernel_are_ours_whatever_the_environment(
    notebook, tmp_path, monkeypatch
):
    other = tmp_path / "kernels" / "python3" / "kernel.json"
    other.parent.mkdir(parents=True)
    other.write_text(
        json.dumps({"argv": ["false"], "display_name": "", "language": ""})
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    deep = tmp_path / ("x" * 120)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    path = notebook("import sys\nprint(sys.executable)")
    with job.open_kernel() as kernel:
        job.execute(path, tmp_path / "n.ipynb", {}, kernel)
    assert sys.executable in (tmp_path / "n.ipynb").read_text()


def test_a_notebook_that_stops_with_a_sentence_fails_with_it(
    notebook, tmp_path, kernel
):
    code = "from gtzan_lib.errors import DataError\nraise DataError('no such track')"
    with pytest.raises(UserError) as caught:
        job.execute(notebook(code), tmp_path / "n.ipynb", {}, kernel)
    assert str(caught.value) == "n: DataError: no such track"


def test_a_full_disk_is_a_sentence(notebook, tmp_path, kernel):
    (tmp_path / "n.ipynb").symlink_to("/dev/full")
    with pytest.raises(UserError, match=r"n.ipynb: No space left on device"):
        job.execute(notebook("1 / 1"), tmp_path / "n.ipynb", {}, kernel)
