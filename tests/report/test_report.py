"""The report follows from its runs, and the check finds what does not."""

import shutil
import subprocess
import sys

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pandas as pd
import pytest
from small import train

from gtzan_lib import store
from gtzan_lib.__main__ import main
from gtzan_lib.data import splits
from gtzan_lib.data.sources import open_dataset
from gtzan_lib.encoders import learned, pooling
from gtzan_lib.errors import DataError, UserError
from gtzan_lib.experiments import learning, suite, tables
from gtzan_lib.experiments.run import read
from gtzan_lib.experiments.runs import find_runs
from gtzan_lib.report import (
    claims,
    derived,
    executed,
    figures,
    keep,
    pages,
    pdf,
    plots,
    record,
)

DERIVED = derived.FILE
README_TABLE = """<!-- finding -->
old
<!-- /finding -->
<!-- results -->
old
<!-- /results -->
"""


@pytest.fixture(scope="module")
def finished(tiny_source, tmp_path_factory):
    """A folder of results with three short runs, figures, notebooks, PDF and pages."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GTZAN_RUNS", str(tmp_path_factory.mktemp("report")))
        trained = [train(tiny_source, recipe="paper")]
        trained += [train(tiny_source, seed=seed) for seed in (0, 1)]
        dataset = open_dataset(tiny_source)
        record.write(dataset, find_runs(dataset)[0])
        histories = {run.name: run.history for run in trained[:2]}
        counts = sum(run.confusion for run in trained)
        for name, figure in {
            "curves": plots.training_curves(histories, f"Training: {dataset.name}"),
            "confusion-paper": plots.confusion(counts, dataset.name),
        }.items():
            figures.save(figure, name, dataset)
            plt.close(figure)
        pdf.write(dataset.results)
        for name in ("01_pack", f"03_train_cnn-{trained[0].name}"):
            write_executed(dataset.results / "notebooks", name, tiny_source)
        pages.build(dataset.results)
        (dataset.results / "receipts").mkdir()
        (dataset.results / "receipts" / "report.json").write_text("{}")
        yield dataset.results


def write_executed(folder, name, source):
    """Write a notebook as papermill leaves it: with a picture, and with paths in it."""
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4//8/AAX+Av4N70a4AAAAAElFTkSuQmCC"  # noqa: E501
    picture = nbformat.v4.new_output("display_data", {"image/png": pixel})
    cells = [
        nbformat.v4.new_markdown_cell("# One\n\n**Before:** [1](01_pack.ipynb)"),
        nbformat.v4.new_markdown_cell("## A *figure*\n\nWhat it shows."),
        nbformat.v4.new_code_cell(f"data = '{source}'", outputs=[picture]),
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


def test_the_tables_say_what_the_runs_say(finished):
    kept = {run.name: run for run in tables.read(finished).measured}
    assert len(kept) == 3
    for name, ours in kept.items():
        run = read(finished / "03_train" / name)
        for metric in ("accuracy", "top2", "saturated", "loss", "train_accuracy"):
            assert ours.metric(metric) == run.metric(metric)
        assert ours.history["test_accuracy"] == run.history["test_accuracy"]
        assert np.array_equal(ours.test_confusions, run.test_confusions)
        for some, others in zip(ours.counted, run.counted, strict=True):
            assert np.array_equal(some, others)
        for what, values in run.predictions.items():
            assert what == "index" or np.array_equal(ours.predictions[what], values)
        assert ours.predictions["logits"].dtype == np.float32
        assert ours.subsets == run.subsets


def change(folder, name, how):
    """Change a JSON file of the record."""
    content = store.read_json(folder / name)
    how(content)
    store.write_json(folder / name, content)


def put(folder, name, column, value, row=0):
    """Change a cell of a table."""
    path = folder / tables.FOLDER / tables.FILES[name]
    table = pd.read_csv(path).astype({column: object})
    table.loc[row, column] = value
    tables.write_table(path, table)


def test_a_report_that_follows_passes_and_no_other(kept, capsys):
    assert main(["check-report", str(kept)]) == 0
    assert "every number follows" in capsys.readouterr().out
    change(kept, DERIVED, lambda d: d["central"][1].update(loss="1.83"))
    assert main(["check-report", str(kept)]) == 1
    assert "central[1].loss" in capsys.readouterr().out
    (kept / DERIVED).unlink()
    assert main(["check-report", str(kept)]) == 2


def test_runs_of_other_code_or_versions_are_named(kept, capsys):
    assert main(["check-report", str(kept), "--current"]) == 0
    assert "the report is current" in capsys.readouterr().out
    good = kept / tables.FOLDER / "runs.csv"
    before, runs = good.read_text(), pd.read_csv(good)
    for column in ("code_sha256", "versions.torch", "made_by.model"):
        put(kept, "runs", column, "0" * 64)
        assert keep.outdated(kept) == [runs["run"][0]]
        good.write_text(before)
    put(kept, "runs", "code_sha256", "0" * 64)
    assert main(["check-report", str(kept), "--current"]) == 1
    out = capsys.readouterr().out
    assert out.endswith("make report would make 1 runs of the report anew\n")


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        (lambda d: d["beyond"][0]["accuracy"].update(value=0.9), "beyond[0"),
        (lambda d: d["configurations"][0]["top2"].update(text=""), "text is"),
        (lambda d: d["ledger"][1].update(verdict="reproduced"), "ledger[1]"),
        (lambda d: d["ledger"].pop(), "ledger is"),
        (lambda d: d["paper"]["4.2"].update(top2="0.90"), "paper.4.2.top2"),
    ],
)
def test_one_changed_number_is_found(kept, how, sentence):
    change(kept, DERIVED, how)
    assert any(sentence in line for line in keep.check(kept))


@pytest.mark.parametrize(
    ("name", "column", "value"),
    [
        ("epochs", "loss", 0.5),
        ("runs", "seconds", 1e6),
        ("runs", "epochs", 7),
        ("runs", "run", "another"),
        ("data", "made.commit", "another"),
        ("answers", "truth", "polka"),
        ("answers", "truth", "blue"),
        ("answers", "blues", ""),
    ],
)
def test_one_changed_cell_is_found_or_refused(kept, name, column, value):
    put(kept, name, column, value)
    try:
        said = keep.check(kept)
    except DataError as error:
        said = [str(error)]
    words = ("follows from the tables", "contradicts itself", "cannot be measured")
    words += ("runs without answers",)
    assert any(each in line for line in said for each in words)


def test_a_file_of_another_kind_is_one_sentence(kept, capsys):
    (kept / tables.FOLDER / tables.FILES["runs"]).write_text("a,b\n1")
    assert main(["check-report", str(kept)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.slow
def test_a_changed_claim_text_picture_or_page_turns_the_check_red(kept):
    for name, old, new in (
        ("claims.toml", "size = 0.09", "size = 0.9"),
        ("paper.typ", "= Conclusion", "= Conclusions"),
        ("figures/curves.svg", "</svg>", "<text>9</text></svg>"),
        ("pages/index.html", "What the paper claims", "What a paper claims"),
        ("pages/style.css", "--ink", "--pen"),
    ):
        before = (kept / name).read_text("utf-8")
        assert old in before
        (kept / name).write_text(before.replace(old, new), "utf-8")
        assert keep.check(kept), name
        (kept / name).write_text(before, "utf-8")
    assert keep.check(kept) == []


@pytest.mark.slow
def test_the_readme_shows_what_the_kept_report_has(finished, tmp_path, monkeypatch):
    readme, content = tmp_path / "README.md", derived.read(finished)
    monkeypatch.setattr(suite, "BEST", content["beyond"][0]["name"])
    readme.write_text(f"Before\n{README_TABLE}After\n")
    keep.keep(finished, tmp_path / "report")
    text = readme.read_text()
    main = [row for row in content["configurations"] if row["headline"]]
    assert len(main) == 2
    accuracy = main[0]["accuracy"]["text"]
    assert all(f"| {row['accuracy']['text']} |" in text for row in main)
    assert text.count("| our ensemble, on songs drawn at random |") == 1
    assert "They print a loss of 1.83 with 62 %" in " ".join(text.split())
    assert text.startswith("Before\n<!--")
    assert text.endswith("-->\nAfter\n")
    assert keep.check(tmp_path / "report") == []
    readme.write_text(text.replace(accuracy, "0.99"))
    assert "README" in keep.check(tmp_path / "report")[0]


def test_a_kept_report_names_no_folder_of_this_computer(kept, tiny_source, finished):
    names = [str(tiny_source), str(finished.parent), str(store.PROJECT)]
    for path in kept.rglob("*"):
        if path.is_file():
            text = path.read_bytes().decode("utf-8", "replace")
            assert not [name for name in names if name in text], path
    assert "/path/to/gtzan" in (kept / "pages" / "01_pack.html").read_text()


@pytest.mark.slow
def test_errors_of_encoders_are_a_share_of_poolings_on_every_seeds_tests(tiny):
    shares = []
    for seed in (0, 1):
        split = splits.split(tiny, "random", seed)
        learned.learn(tiny, "nearest", split["train"], seed, progress=False)
        errors = pooling.pooling_errors(tiny)
        mse = {way: errors[way][split["test"]].mean() for way in errors}
        shares.append(mse["nearest"] / mse["bicubic"])
    elsewhere = splits.split(tiny, "random", seed=3)["train"]
    learned.learn(tiny, "nearest", elsewhere, seed=2, progress=False)
    codes = record.collect(tiny, []).codes
    rounded = pytest.approx(shares, rel=1e-2)  # codes are of 8 bits
    assert codes.sort_values("seed")["of_pooling"].tolist() == rounded
    assert shares[0] != pytest.approx(shares[1], rel=1e-2)


@pytest.mark.slow
def test_the_record_has_the_learning_curves_that_are_up_to_date(tiny):
    curve = learning.curve(tiny, "texture", seed=1)
    kept = record.collect(tiny, []).learning.groupby("train")
    assert list(kept.groups) == curve["train"]
    assert kept["hits"].apply(list).tolist() == curve["hits"]
    assert kept["tests"].apply(list).tolist() == 4 * [curve["tests"]]
    train_index = splits.split(tiny, "random", seed=1)["train"]
    assert curve["train"] == [len(train_index) // share for share in (8, 4, 2, 1)]
    run = train(tiny, model="svm", encoder="texture", seed=1)
    assert sum(curve["hits"][-1]) == run.confusion.diagonal().sum()
    path = tiny.results / "06_learning" / "texture-seed-1" / "curve.json"
    path.write_text(path.read_text().replace('"tests"', '"test"'))
    assert record.collect(tiny, []).learning.empty


def test_an_unfinished_report_is_not_kept(finished, tmp_path):
    (tmp_path / "half").mkdir()
    shutil.copytree(finished / "record", tmp_path / "half" / "record")
    again = shutil.copytree(finished, tmp_path / "made again")
    (again / "receipts" / "report.json").unlink()
    for folder in (tmp_path / "half", again):
        with pytest.raises(DataError, match="run make report first"):
            keep.keep(folder, tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_a_report_is_not_kept_where_its_results_are(finished, tmp_path):
    folder = shutil.copytree(finished, tmp_path / "runs" / "here")
    for target in (folder, folder.parent, folder / ".." / ".." / "runs"):
        with pytest.raises(DataError, match="holds the results"):
            keep.keep(folder, target)
    assert (folder / "receipts" / "report.json").is_file()


def content_of(folder):
    """Return every file of a folder, and the README beside it."""
    files = [*folder.rglob("*"), folder.parent / "README.md"]
    return {path: path.read_bytes() for path in files if path.is_file()}


@pytest.fixture
def old(kept, finished):
    """A kept report that another one is to replace, with a README beside it."""
    (kept.parent / "README.md").write_text(README_TABLE)
    (kept / "pages" / "index.html").write_text("old")
    (kept / "notes.txt").write_text("of a reader")
    return kept


@pytest.mark.slow
def test_a_report_that_is_refused_leaves_the_old_one(old, finished, tmp_path):
    folder = shutil.copytree(finished, tmp_path / "finished")
    before = content_of(old)
    for name, content in (
        ("record/runs.csv", "{}"),
        ("figures/curves.svg", "no picture"),
    ):
        good = (folder / name).read_bytes()
        (folder / name).write_text(content)
        with pytest.raises((UserError, ValueError)):
            keep.keep(folder, old)
        assert content_of(old) == before, name
        (folder / name).write_bytes(good)
    link = folder / "pages" / "x.html"
    link.symlink_to(tmp_path)
    with pytest.raises(DataError, match="is a link"):
        keep.keep(folder, old)
    link.unlink()
    keep.keep(folder, old)
    assert keep.check(old) == []
    assert (old / "notes.txt").read_text() == "of a reader"
    left = {path.name for path in old.parent.iterdir()}
    assert not [name for name in left if name.endswith((".new", ".old"))]


@pytest.mark.slow
def test_a_keep_that_is_stopped_between_its_renames_goes_on(old, finished):
    (old.parent / "README.md").write_text(README_TABLE)
    old.rename(old.with_name(f".{old.name}.old"))
    keep.keep(finished, old)
    assert keep.check(old) == []
    assert (old / "notes.txt").is_file()


@pytest.mark.slow
def test_a_figure_is_saved_twice_the_same_and_only_if_it_is_known(tiny):
    path, saved = tiny.results / "figures" / "confusion-paper.svg", []
    for _ in range(2):
        figure = plots.confusion(np.eye(10, dtype=int), tiny.name)
        figures.save(figure, "confusion-paper", tiny)
        plt.close(figure)
        saved.append(path.read_bytes())
    assert saved[0] == saved[1]
    assert [each["name"] for each in figures.of_folder(tiny.results)] == [path.stem]
    with pytest.raises(KeyError, match=r"figures\.toml"):
        figures.save(figure, "confusions", tiny)


@pytest.mark.slow
def test_the_pdf_is_the_same_twice(finished):
    typeset = (finished / "paper.pdf").read_bytes()
    assert typeset == pdf.compile_pdf(derived.read(finished), finished)
    assert typeset.startswith(b"%PDF")


@pytest.mark.slow
def test_the_pdf_of_results_with_no_runs_is_typeset(tiny, tmp_path):
    content = record.write(tiny, [])
    assert pdf.compile_pdf(content, tmp_path).startswith(b"%PDF")


def test_pages_are_folded_described_and_need_no_network(finished):
    folder = finished / "pages"
    page = (folder / "01_pack.html").read_text("utf-8")
    assert '<details class="code">' in page
    assert 'alt="A figure. What it shows."' in page.replace("*", "")
    assert "<figcaption>What it shows. Data: " in page
    start = (folder / "index.html").read_text("utf-8")
    name = derived.read(finished)["data"]["name"]
    assert f"<strong>{name}</strong>" in start
    assert start.count("<script") == start.count("<script>") == 1  # the calculator
    for path in folder.glob("*.html"):
        text = path.read_text("utf-8")
        assert 'src="http' not in text
        assert 'name="viewport"' in text
    assert all(f'id="{claim["id"]}"' in start for claim in claims.load().claims)


def test_parameters_and_formulas_of_a_notebook_become_text():
    code, markdown = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell
    first = code("seed: int = 0  # of the run\nsplit = 'random'")
    second, other = code("# Parameters\nseed = 3\n"), code("'$5, $6'")
    first.metadata["tags"] = ["parameters"]
    second.metadata["tags"] = ["injected-parameters"]
    text = markdown("Of $x_1$ and\n\n$$p = \\frac{1}{2}$$\n\nit costs 5 dollars.")
    notebook = nbformat.v4.new_notebook(cells=[first, second, text, other])
    seed, split = executed.describe(notebook)
    assert (seed["value"], seed["help"], seed["is_given"]) == ("3", "of the run", True)
    assert (split["value"], split["is_given"]) == ("random", False)
    executed.draw_formulas(notebook)
    assert "$" not in text.source
    assert text.source.count("<math") == 1 + text.source.count('display="block"') == 2
    assert text.source.endswith("it costs 5 dollars.")
    assert other.source == "'$5, $6'"


def test_the_ledger_is_filtered_without_a_script(finished, browser):
    page = browser.new_page(java_script_enabled=False)
    page.goto((finished / "pages" / "index.html").as_uri())
    page.locator("#ledger summary").click()
    rows = page.locator("#ledger tbody tr:visible")
    assert rows.count() == len(claims.load().claims)
    chosen = [
        c for c in derived.read(finished)["ledger"] if c["verdict"] == "undecided"
    ]
    page.get_by_label("undecided (").check()
    assert rows.count() == len(chosen)
    page.get_by_label("3.3.2", exact=True).check()
    assert rows.count() == len([c for c in chosen if c["section"] == "3.3.2"])
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_on_the_pages_keeps_people_out(finished, browser, barriers, scheme):
    page = browser.new_page(color_scheme=scheme)
    for path in (
        finished / "pages" / "index.html",
        finished / "pages" / "01_pack.html",
        keep.REPORT / "pages" / "index.html",
        keep.REPORT / "pages" / "06_beyond.html",
    ):
        page.goto(path.as_uri())
        assert barriers(page) == [], path
    page.close()


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


def test_the_committed_numbers_follow_from_the_committed_record():
    """Whatever derives them: intervals, calibration, silent genres, verdicts."""
    again = derived.derive(tables.read(keep.REPORT), claims.load())
    assert derived.differences(DERIVED, derived.read(keep.REPORT), again) == []


def test_of_a_split_with_validation_the_runs_of_one_seed_are_named():
    rows = derived.read(record.REPORT)["calibration"]
    (row,) = (r for r in rows if (r["model"], r["split"]) == (suite.LENET, "three-way"))
    assert [run[-6:] for run in row["runs"]] == ["seed-0"]


@pytest.mark.slow
def test_the_committed_report_follows_from_its_runs():
    if not (keep.REPORT / tables.FOLDER).is_dir():
        pytest.skip("no report of real GTZAN is kept yet")
    command = [sys.executable, "-m", "gtzan_lib", "check-report"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=store.PROJECT)
    assert done.returncode == 0, done.stdout + done.stderr
    size = sum(p.stat().st_size for p in keep.REPORT.rglob("*") if p.is_file())
    assert size <= 12_000_000
