"""The committed report: keeping a finished one, and checking what is kept.

Used by the commands ``keep-report`` and ``check-report``.
"""

import shutil
from pathlib import Path

import nbformat

from gtzan_lib.experiments import suite as beyond
from gtzan_lib.report import pages
from gtzan_lib.report import pdf as paper
from gtzan_lib.report import record as results
from gtzan_lib import store
from gtzan_lib.errors import DataError

REPORT = store.PROJECT / "report"
LEDGER, TEXT = "claims.toml", "paper.typ"
BEGIN, END = "<!-- results -->\n", "<!-- /results -->\n"  # around README's tables


def keep(folder: Path, target: Path = REPORT) -> Path:
    """Copy the report of a folder of results to where it is committed.

    ``results.json``, figures, the PDF, pages (of runs those of the first seed, which
    keeps them small), and of the executed notebooks one of each kind. Nothing in them
    names a folder of this computer. Their headline goes into the README beside the
    target, where it has a place for it.

    Parameters
    ----------
    folder : Path
        ``runs/<data>-<hash>`` after ``make report``.
    target : Path
        What it held of another report is replaced.

    Raises
    ------
    DataError
        If the report is not finished, or does not follow from its own results.
    """
    found = results.read(folder)
    if not (folder / paper.PDF).is_file() or not (folder / "pages").is_dir():
        raise DataError(f"{folder} holds no finished report: run make report first")
    target.mkdir(parents=True, exist_ok=True)
    for name in (LEDGER, TEXT):
        if not (target / name).is_file():
            shutil.copy(REPORT / name, target / name)
    for name in ("figures", "pages", "notebooks"):
        shutil.rmtree(target / name, ignore_errors=True)
    for name in ("figures", "pages"):
        shutil.copytree(folder / name, target / name)
    for page in (target / "pages").glob(f"{pages.TRAIN}-*.html"):
        if not page.stem.endswith("-seed-0"):
            page.unlink()
    shutil.copy(folder / results.FILE, target / results.FILE)
    # Made anew, as results.json may have been written again since.
    (target / paper.PDF).write_bytes(paper.compile_pdf(target, target / TEXT))
    start = pages.start_page(target, _pages(target))
    (target / "pages" / pages.START).write_text(start, encoding="utf-8")
    (target / "notebooks").mkdir()
    chosen = {row["runs"][0] for row in found["configurations"] if row["headline"]}
    for path in sorted((folder / "notebooks").glob("*.ipynb")):
        run = path.stem.removeprefix(f"{pages.TRAIN}-")
        if run == path.stem or run in chosen:
            notebook = pages.strip(nbformat.read(path, as_version=4))
            nbformat.write(notebook, target / "notebooks" / path.name)
    readme = target.parent / "README.md"
    old = _front_page(readme)
    if old is not None:
        text, new = readme.read_text("utf-8"), BEGIN + headline(found) + END
        readme.write_text(text.replace(BEGIN + old + END, new), "utf-8")
    wrong = check(target)
    if wrong:
        raise DataError(f"what was kept does not hold: {wrong[0]}")
    return target


def check(folder: Path = REPORT) -> list[str]:
    """Return a sentence for everything in a report that does not follow.

    Every accuracy, interval, mean and verdict is computed again from the counts in
    ``results.json`` and from the claims; the PDF, the start page and the tables of the
    README beside the folder are made again. Errors of pooling, encoders and calibration
    are taken as they were measured.

    Raises
    ------
    DataError
        If the folder holds no report.
    """
    folder = Path(folder)
    wrong = results.mismatches(folder, folder / LEDGER)
    pdf, start = folder / paper.PDF, folder / "pages" / pages.START
    if not pdf.is_file() or pdf.read_bytes() != paper.compile_pdf(
        folder, folder / TEXT
    ):
        wrong.append(f"{pdf} is not what {TEXT} makes of {results.FILE}")
    again = pages.start_page(folder, _pages(folder))
    if not start.is_file() or start.read_text("utf-8") != again:
        wrong.append(f"{start} is not what the template makes of {results.FILE}")
    readme = folder.parent / "README.md"
    if _front_page(readme) not in (None, headline(results.read(folder))):
        wrong.append(f"the tables of {readme} are not those of {results.FILE}")
    return wrong


def headline(found: dict) -> str:
    """Return the tables of the README's front page, as Markdown.

    Parameters
    ----------
    found : dict
        What ``results.json`` holds.
    """
    data, made = found["data"], found["made"]
    lines = [
        f"{data['name']}, {data['pictures']} pictures, SHA-256 {data['sha256'][:10]}; "
        f"commit {made['commit'][:10]}; 95 % intervals in brackets.",
        "",
        "| | seeds | last loss | train accuracy | test accuracy | top-2 |",
        "| --- | --- | --- | --- | --- | --- |",
        "| the paper | | 1.83 | 0.62 and 0.50 | 0.45, 0.40 and 0.50 | 0.70 |",
    ]
    for row in found["configurations"]:
        if row["encoder"] == "pool":
            cells = (row["seeds"], row["last_loss_text"], row["train_accuracy_text"])
            cells += (row["accuracy"]["text"], row["top2"]["text"])
            lines.append(f"| recipe {row['name']} | {' | '.join(map(str, cells))} |")
    rows = {(row["name"], row["split"]): row for row in found["beyond"]}
    splits = [name for name in beyond.SPLITS if name in {split for _, split in rows}]
    lines += ["", f"| test accuracy | {' | '.join(splits)} |"]
    lines.append("| --- |" + " --- |" * len(splits))
    for name in dict.fromkeys(name for name, split in rows if split in splits):
        cells = [rows.get((name, split)) for split in splits]
        words = [cell["accuracy"]["text"] if cell else "" for cell in cells]
        lines.append(f"| {name} | {' | '.join(words)} |")
    return "\n".join(lines) + "\n"


def _front_page(readme: Path) -> str | None:
    """Return what stands between the marks of a README; None if there are none."""
    text = readme.read_text(encoding="utf-8") if readme.is_file() else ""
    _, begin, rest = text.partition(BEGIN)
    inside, end, _ = rest.partition(END)
    return inside if begin and end else None


def _pages(folder: Path) -> set[str]:
    return {path.stem for path in (folder / "pages").glob("[0-9]*.html")}
