"""The report follows from its runs, and the check finds what does not."""

import json
import shutil
import subprocess
import sys

import nbformat
import numpy as np
import pytest

from small import train

from gtzan_lib.report import claims
from gtzan_lib.report import pages
from gtzan_lib.report import pdf as paper
from gtzan_lib.report import keep as report
from gtzan_lib.report import record as results
from gtzan_lib.experiments import runs
from gtzan_lib import store
from gtzan_lib.__main__ import main
from gtzan_lib.data.sources import open_dataset
from gtzan_lib.errors import DataError


@pytest.fixture(scope="module")
def finished(tiny_source, tmp_path_factory):
    """A folder of results with three short runs, figures, notebooks, PDF and pages."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GTZAN_RUNS", str(tmp_path_factory.mktemp("report")))
        found = [
            train(tiny_source, recipe="paper"),
            train(tiny_source),
            train(tiny_source, seed=1),
        ]
        dataset = open_dataset(tiny_source)
        results.write(dataset, found)
        paper.draw_figures(dataset)
        paper.main("pdf", str(dataset.results))
        for name in ("01_pack", f"03_train_cnn-{found[0].folder.name}"):
            write_executed(dataset.results / "notebooks", name, tiny_source)
        pages.build(dataset.results)
        yield dataset.results


def write_executed(folder, name, source):
    """Write a notebook as papermill leaves it: with a picture, and with paths in it."""
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4//8/AAX+Av4N70a4AAAAAElFTkSuQmCC"  # noqa: E501
    cells = [
        nbformat.v4.new_markdown_cell("# One\n\n**Next:** [2](02_pool_mse.ipynb)"),
        nbformat.v4.new_markdown_cell("## A *figure*\n\nWhat it shows."),
        nbformat.v4.new_code_cell(
            f"data = '{source}'",
            outputs=[nbformat.v4.new_output("display_data", {"image/png": pixel})],
        ),
    ]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["papermill"] = {"parameters": {"data": str(source)}}
    folder.mkdir(exist_ok=True)
    nbformat.write(notebook, folder / f"{name}.ipynb")


@pytest.fixture(scope="module")
def kept_once(finished, tmp_path_factory):
    """The report of ``finished``, kept by the command."""
    folder = tmp_path_factory.mktemp("kept") / "kept"
    assert main(["keep-report", str(finished), "--to", str(folder)]) == 0
    return folder


@pytest.fixture
def kept(kept_once, tmp_path):
    """A copy of the kept report."""
    return shutil.copytree(kept_once, tmp_path / "kept")


def test_the_file_of_results_is_strict_json_and_says_what_the_runs_say(finished):
    def refuse(word):
        raise AssertionError(word)

    text = (finished / "results.json").read_text()
    found = json.loads(text, parse_constant=refuse)
    by_name = {run["run"]: run for run in found["runs"]}
    for folder in (finished / "03_train").glob("*/metrics.json"):
        run = runs.Run(folder.parent)
        counted = results.CountedRun(by_name[folder.parent.name])
        for name in ("accuracy", "top2"):
            assert counted.metrics[name] == run.metrics[name]
        assert counted.metrics["loss@last"]["value"] == run.history["loss"][-1]
        assert counted.provenance == run.provenance
    (corrected,) = (
        row for row in found["configurations"] if row["recipe"] == "corrected"
    )
    assert corrected["seeds"] == 2
    values = [runs.Run(finished / "03_train" / name) for name in corrected["runs"]]
    mean = np.mean([run.metrics["accuracy"]["value"] for run in values])
    assert corrected["accuracy"]["value"] == pytest.approx(mean)


def test_a_report_that_follows_passes_and_no_other(kept, capsys):
    assert main(["check-report", str(kept)]) == 0
    assert "every number follows" in capsys.readouterr().out
    found = results.read(kept)
    found["central"][1]["loss"] = "1.83"
    store.write_json(kept / "results.json", found)
    assert main(["check-report", str(kept)]) == 1
    assert "central[1].loss" in capsys.readouterr().out


def test_the_ledger_and_the_tables_give_the_same_losses(finished):
    found = results.read(finished)
    row = next(r for r in found["configurations"] if r["name"].startswith("paper"))
    ours = {claim["id"]: claim["value"] for claim in found["ledger"]}
    assert ours["first-loss"] == pytest.approx(row["first_loss"])
    assert ours["last-loss"] == pytest.approx(row["last_loss"])
    assert ours["last-loss"] > 1.461


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda r: r["configurations"][0]["accuracy"].update(value=0.9), "configurati"),
        (lambda r: r["configurations"][0]["top2"].update(text="0.9"), ".top2.text is"),
        (lambda r: r["runs"][0]["confusion"][0].__setitem__(0, 9), "follows from the"),
        (lambda r: r["runs"][0].update(top2_hits=0), "follows from the"),
        (lambda r: r["ledger"][1].update(verdict="reproduced"), "ledger[1].verdict"),
        (lambda r: r["ledger"].pop(), "ledger is"),
        (lambda r: r["verdicts"].update(reproduced=50), "verdicts.reproduced is 50"),
    ],
)
def test_one_changed_number_is_found(kept, change, sentence):
    found = results.read(kept)
    change(found)
    store.write_json(kept / "results.json", found)
    wrong = results.mismatches(kept, kept / "claims.toml")
    assert any(sentence in line for line in wrong)


def test_a_changed_claim_text_picture_or_page_turns_the_check_red(kept):
    for name, old, new in (
        ("claims.toml", "tolerance = 0.05", "tolerance = 0.9"),
        ("paper.typ", "= Limits", "= Limitations"),
        ("figures/network.svg", "</svg>", "<text>9</text></svg>"),
        ("pages/index.html", "readings of one claim", "readings of a claim"),
    ):
        before = (kept / name).read_text("utf-8")
        assert old in before
        (kept / name).write_text(before.replace(old, new), "utf-8")
        assert report.check(kept), name
        (kept / name).write_text(before, "utf-8")
    assert report.check(kept) == []


def test_the_readme_shows_the_tables_of_the_kept_report(finished, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"Before\n{report.BEGIN}old\n{report.END}After\n")
    report.keep(finished, tmp_path / "report")
    text = readme.read_text()
    accuracy = results.read(finished)["configurations"][0]["accuracy"]["text"]
    assert accuracy in text
    assert text.startswith("Before\n<!--")
    assert text.endswith("-->\nAfter\n")
    assert report.check(tmp_path / "report") == []
    readme.write_text(text.replace(accuracy, "0.99"))
    assert "README" in report.check(tmp_path / "report")[0]


def test_a_kept_report_names_no_folder_of_this_computer(kept, tiny_source, finished):
    names = [str(tiny_source), str(finished.parent), str(store.PROJECT)]
    for path in kept.rglob("*"):
        if path.is_file():
            text = path.read_bytes().decode("utf-8", "replace")
            assert not [name for name in names if name in text], path
    notebook = (kept / "notebooks" / "01_pack.ipynb").read_text()
    assert "/path/to/gtzan" in notebook
    assert "papermill" not in notebook


def test_an_unfinished_report_is_not_kept(finished, tmp_path):
    (tmp_path / "half").mkdir()
    shutil.copy(finished / "results.json", tmp_path / "half")
    with pytest.raises(DataError, match="run make report first"):
        report.keep(tmp_path / "half", tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_every_figure_names_its_data(finished):
    name = results.read(finished)["data"]["name"]
    figures = list((finished / "figures").glob("*.svg"))
    assert len(figures) > 5
    for path in figures:
        assert name in path.read_text("utf-8"), path


def test_the_pdf_is_the_same_twice(finished):
    pdf = (finished / "paper.pdf").read_bytes()
    assert pdf == paper.compile_pdf(finished)
    assert pdf.startswith(b"%PDF")


def test_the_pdf_of_results_with_no_runs_is_typeset(tiny, tmp_path):
    store.write_json(tmp_path / "results.json", results.collect(tiny, []))
    assert paper.compile_pdf(tmp_path).startswith(b"%PDF")


def test_pages_are_linked_folded_described_and_need_no_network(finished):
    folder = finished / "pages"
    page = (folder / "01_pack.html").read_text("utf-8")
    assert '<details class="code">' in page
    assert 'alt="A figure. What it shows."' in page.replace("*", "")
    assert "<figcaption>" in page
    start = (folder / "index.html").read_text("utf-8")
    name = json.loads((finished / "results.json").read_text())["data"]["name"]
    assert f"<strong>{name}</strong>" in start
    for path in folder.glob("*.html"):
        text = path.read_text("utf-8")
        assert "<script" not in text
        assert 'src="http' not in text
        assert 'name="viewport"' in text
    assert all(f'id="{claim["id"]}"' in start for claim in claims.load())
    for target in ("01_pack.html", "../paper.pdf", "../results.json"):
        assert f'href="{target}"' in start
        assert (folder / target).exists()


@pytest.mark.parametrize("width", [390, 1280])
def test_pages_fit_the_screen_and_ask_for_nothing_else(finished, browser, width):
    page, asked = browser.new_page(viewport={"width": width, "height": 800}), []
    page.on("request", lambda request: asked.append(request.url))
    for path in (finished / "pages").glob("*.html"):
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") == width, path
        images = "[...document.images].every(image => image.alt && image.naturalWidth)"
        assert page.evaluate(images), path
    assert all(url.startswith(("file:", "data:")) for url in asked)
    page.close()


def test_a_page_stays_while_it_is_newer_than_its_notebook(finished):
    page = finished / "pages" / "01_pack.html"
    before = page.stat().st_mtime_ns
    pages.build(finished)
    assert page.stat().st_mtime_ns == before
    (finished / "notebooks" / "01_pack.ipynb").touch()
    pages.build(finished)
    assert page.stat().st_mtime_ns > before


def test_the_committed_report_follows_from_its_runs():
    if not (report.REPORT / "results.json").is_file():
        pytest.skip("no report of real GTZAN is kept yet")
    command = [sys.executable, "-m", "gtzan_lib", "check-report"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=store.PROJECT)
    assert done.returncode == 0, done.stdout + done.stderr
    size = sum(p.stat().st_size for p in report.REPORT.rglob("*") if p.is_file())
    assert size < 15_000_000
