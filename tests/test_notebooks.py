"""What nbval does not see: parameters, errors, and that comparisons can fail."""

import subprocess
import sys

import nbformat
import pytest

from gtzan_lib import store

pytestmark = pytest.mark.slow

NOTEBOOKS = sorted((store.PROJECT / "notebooks").glob("*.ipynb"))
MARK = "# NBVAL_CHECK_OUTPUT"


def code_cells(path):
    cells = nbformat.read(path, as_version=4).cells
    return [cell for cell in cells if cell.cell_type == "code"]


def run_papermill(notebook, output, *options, cwd=None, timeout=120):
    source = store.PROJECT / "notebooks" / f"{notebook}.ipynb"
    command = [sys.executable, "-m", "papermill", str(source), str(output), *options]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=cwd, timeout=timeout
    )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_light_and_ran_from_top_to_bottom(path):
    assert path.stat().st_size < 1_000_000
    cells = code_cells(path)
    assert [c.execution_count for c in cells] == list(range(1, len(cells) + 1))
    outputs = str([cell.outputs for cell in cells])
    assert "Traceback" not in outputs
    assert "\\r" not in outputs  # of a line that showed progress
    marked = [cell for cell in cells if cell.source.startswith(MARK)]
    assert marked
    assert all("text" in cell.outputs[0] for cell in marked)


def test_the_report_of_gtzan_holds_no_recording():
    paths = [
        *store.PROJECT.glob("report/*/*.ipynb"),
        *store.PROJECT.glob("report/*/*.html"),
    ]
    assert paths
    for path in paths:
        assert "data:audio" not in path.read_text("utf-8"), path


def test_a_wrong_parameter_stops_in_seconds_with_a_sentence(tmp_path):
    # The limit is for a hang, and no measurement.
    given = ("-p", "epoch", "5")
    done = run_papermill("03_train_cnn", tmp_path / "out.ipynb", *given, timeout=60)
    assert done.returncode != 0
    assert "ParameterError: there is no parameter epoch (did you" in done.stderr
    assert "parameters.py" not in done.stderr  # no traceback into the library
    assert not (tmp_path / "runs").exists()


def test_notebook_3_runs_alone_from_any_folder(tmp_path, tiny_source):
    options = ("-p", "epochs", "1", "-r", "data", str(tiny_source))
    done = run_papermill("03_train_cnn", "out.ipynb", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    runs = (tmp_path / "runs").glob("own-*/03_train/*/history.json")
    names = {path.parent.name for path in runs}
    assert "paper-lenet-pool-random-1-epochs-seed-0" in names
