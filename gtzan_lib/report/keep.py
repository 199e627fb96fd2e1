"""The committed report: keeping a finished one, and checking what is kept."""

import re
import shutil
from pathlib import Path

import nbformat

from gtzan_lib import store
from gtzan_lib.errors import DataError
from gtzan_lib.experiments import runs
from gtzan_lib.report import claims, pages, record
from gtzan_lib.report.derived import derive
from gtzan_lib.report.pdf import PDF, compile_pdf

REPORT = store.PROJECT / "report"
LEDGER, TEXT = "claims.toml", "paper.typ"
README_TABLE = re.compile(
    "(?<=<!-- results -->\n).*?(?=<!-- /results -->\n)", re.DOTALL
)


def keep(folder: Path, target: Path = REPORT) -> Path:
    """Copy the report of a folder of results to where it is committed.

    ``results.json``, ``predictions.csv``, figures, pages (of runs those of the first
    seed, which keeps them small) and their executed notebooks; what is derived, and the
    PDF, are made anew. Nothing in them names a folder of this computer. The README
    beside the target gets its table; the target's claims and text stay.

    The new report is built and checked beside the old one and then takes its place: one
    that is refused, or interrupted, leaves the old one as it was.

    Raises
    ------
    DataError
        If the report is not finished, or does not follow from its own results.
    """
    if not (folder / PDF).is_file() or not (folder / "pages").is_dir():
        raise DataError(f"{folder} holds no finished report: run make report first")
    partial, old = (target.with_name(f".{target.name}.{w}") for w in ("new", "old"))
    if old.is_dir() and not target.exists():  # interrupted between the two renames
        old.rename(target)
    for leftover in (partial, old):
        shutil.rmtree(leftover, ignore_errors=True)
    if target.exists():
        shutil.copytree(target, partial)
    partial.mkdir(parents=True, exist_ok=True)
    _build(folder, partial)
    wrong = check(partial, readme=None)
    if wrong:
        shutil.rmtree(partial)
        raise DataError(f"the report does not hold, and is not kept: {wrong[0]}")
    if target.exists():
        target.rename(old)
    partial.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    readme = target.parent / "README.md"
    if readme.is_file():
        table = pages.front_page(record.read(target))
        partial = readme.with_name(f".{readme.name}.new")
        text = README_TABLE.sub(lambda old: table, readme.read_text("utf-8"))
        partial.write_text(text, "utf-8")
        partial.replace(readme)
    return target


def _build(folder: Path, target: Path) -> None:
    """Write the report of a folder of results into ``target``."""
    for name in (LEDGER, TEXT):
        if not (target / name).is_file():
            shutil.copy(REPORT / name, target / name)
    for name in ("notebooks", "figures", "pages"):
        shutil.rmtree(target / name, ignore_errors=True)
    for name in ("figures", "pages"):
        shutil.copytree(folder / name, target / name)
    for page in (target / "pages").glob(f"{pages.TRAIN}-*.html"):
        if not page.stem.endswith("-seed-0"):
            page.unlink()
    for name in (record.RESULTS, record.PREDICTIONS):
        shutil.copy(folder / name, target / name)
    record.write_derived(target, target / LEDGER)
    content = record.read(target)
    for path, made in _made(content, target).items():
        path.write_bytes(made)
    (target / "notebooks").mkdir()
    for path in sorted((folder / "notebooks").glob("*.ipynb")):
        if (target / "pages" / f"{path.stem}.html").is_file():
            notebook = pages.strip(nbformat.read(path, as_version=4))
            nbformat.write(notebook, target / "notebooks" / path.name)


def check(folder: Path = REPORT, readme: str | None = "README.md") -> list[str]:
    """Return a sentence for everything in a report that does not follow.

    What follows from ``results.json`` and the claims is derived again; the PDF, the
    start page and the table of the README beside the folder (None: of none) are made
    again of that.
    """
    measured = record.read_measured(folder)
    again = derive(measured, claims.load(folder / LEDGER))
    kept = store.read_json(folder / record.DERIVED)
    wrong = record.differences(record.DERIVED, kept, again)
    content = measured | again
    for path, made in _made(content, folder).items():
        if not path.is_file() or path.read_bytes() != made:
            wrong.append(f"{path} is not what is made of the results")
    path = folder.parent / (readme or "")
    table = path.is_file() and README_TABLE.search(path.read_text("utf-8"))
    if table and table[0] != pages.front_page(content):
        wrong.append(f"the table of {path} is not that of the results")
    return wrong


def outdated(folder: Path = REPORT) -> list[str]:
    """Return the names of a report's runs that other code or versions made.

    ``make report`` would make them anew.
    """
    measured = record.read_measured(folder)["runs"]
    return [r["run"] for r in measured if not runs.is_current(r["provenance"])]


def _made(content: dict, folder: Path) -> dict[Path, bytes]:
    """Return what is made of a record and its folder: PDF, start page and its style."""
    has = {path.stem for path in (folder / "pages").glob("[0-9]*.html")}
    start = pages.start_page(content, folder, has)
    return {
        folder / PDF: compile_pdf(content, folder, folder / TEXT),
        folder / "pages" / pages.START: start.encode(),
        folder / "pages" / pages.STYLE: pages.style().encode(),
    }
