"""What nbval does not see: parameters, errors, and that comparisons can fail."""

import html
import re
import subprocess
import sys

import nbformat
import pytest
from small import train

from gtzan_lib import store
from gtzan_lib.data import gtzan
from gtzan_lib.data.sources import open_dataset
from gtzan_lib.report import expected, record
from gtzan_lib.training.recipe import Descent

NOTEBOOKS = sorted((store.PROJECT / "notebooks").glob("*.ipynb"))
MARK = "# NBVAL_CHECK_OUTPUT"


def code_cells(path):
    cells = nbformat.read(path, as_version=4).cells
    return [cell for cell in cells if cell.cell_type == "code"]


def run_cells(notebook, **parameters):
    """Run a notebook's code cells in this process."""
    namespace: dict = {"display": lambda table: None}  # IPython's
    for cell in code_cells(store.PROJECT / "notebooks" / f"{notebook}.ipynb"):
        exec(compile(cell.source, notebook, "exec"), namespace)
        if "parameters" in cell.metadata.get("tags", []):
            namespace |= {k: v for k, v in parameters.items() if k in namespace}


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


@pytest.fixture
def kept(tiny_source, tmp_path, monkeypatch):
    """Keep what notebook 3 gives of tiny data, as the sample's; return the file."""
    path = tmp_path / "sample.json"
    dataset = open_dataset(tiny_source)
    monkeypatch.setattr(expected, "SAMPLE", str(path))
    monkeypatch.setattr(gtzan, "SYNTHETIC", dataset.name)
    run = train(dataset, epochs=80)
    record.collect(dataset, [run]).write(tmp_path)
    expected.main(*3 * [str(tmp_path)])
    return path


def test_a_training_that_breaks_turns_notebook_3_red(
    kept, tiny_source, tmp_path, monkeypatch
):
    given = {"data": str(tiny_source), "recipe": "corrected", "epochs": 80}
    run_cells("03_train_cnn", **given)
    monkeypatch.setenv("GTZAN_RUNS", str(tmp_path / "broken"))
    right = Descent.learning_rate  # of the first epoch, which cells do by hand

    def breaks(recipe, epoch, epochs):
        return right(recipe, epoch, epochs) * (epoch == 0)

    monkeypatch.setattr(Descent, "learning_rate", breaks)
    with pytest.raises(AssertionError, match=r"of 4 numbers agree with .*sample"):
        run_cells("03_train_cnn", **given)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_numbers_agree_with_those_that_are_kept(path):
    rows = stored_numbers(path)
    kept = store.read_json(expected.REPORT / expected.SAMPLE)["numbers"]
    assert rows
    for name, (here, value, tolerance) in rows.items():
        assert value == pytest.approx(kept[name]["value"], abs=1e-5)
        assert abs(here - value) <= tolerance + 1e-5, name


def stored_numbers(path):
    """Return here, kept and tolerance of the numbers at a notebook's end, by name."""
    cells = [c for c in code_cells(path) if "expected.compare(" in c.source]
    table = cells[0].outputs[0]["data"]["text/html"]
    cell = r"<t[hd][^>]*>([^<]*)</t[hd]>\s*"
    rows = re.findall(rf"<tr>\s*{5 * cell}</tr>", table)
    assert {row[-1] for row in rows[1:]} == {"yes"}  # all but the head
    return {html.unescape(name): [*map(float, row)] for name, *row, _ in rows[1:]}


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
