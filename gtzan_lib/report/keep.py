"""The committed report: keeping a finished one, and checking what is kept."""

import re
import shutil
from pathlib import Path

from gtzan_lib import store
from gtzan_lib.data.gtzan import SYNTHETIC
from gtzan_lib.errors import DataError, UserError
from gtzan_lib.experiments import grid, groups, runs, tables
from gtzan_lib.report import claims, derived, job, pages, record
from gtzan_lib.report.pdf import PDF, compile_pdf

REPORT = store.PROJECT / "report"
LEDGER, TEXT = "claims.toml", "paper.typ"
COPIED = ("figures", "pages", tables.FOLDER)
README_PART = "(?<=<!-- {0} -->\n).*?(?=<!-- /{0} -->\n)"


def keep(folder: Path, target: Path = REPORT) -> Path:
    """Copy the report of a folder of results to where it is committed.

    The tables, ``predictions.csv``, figures and pages (of runs the main ones of the
    first seed, which keeps the report small); the rest is made of these anew. The
    target's claims and text stay, and the README beside it gets its tables. All is
    built beside the old report, and then takes its place. ``DataError`` if a report is
    not finished, or being made again.
    """
    target = target.resolve()
    copied = [folder / name for name in (*COPIED, record.PREDICTIONS)]
    is_made = (folder / job.FOLDER / "report.json").is_file()  # and not being made
    if not is_made or not all(path.exists() for path in (*copied, folder / PDF)):
        raise DataError(f"{folder} holds no finished report: run make report first")
    for path in (each for top in copied for each in (top, *top.rglob("*"))):
        if path.is_symlink():
            raise DataError(f"{path} is a link, and what it leads to is not kept")
    if folder.resolve().is_relative_to(target):
        raise DataError(f"{target} holds the results: keep the report elsewhere")
    if target == REPORT and derived.read(folder)["data"]["name"] == SYNTHETIC:
        raise DataError("the sample says nothing about music: keep it elsewhere")
    partial, old = (target.with_name(f".{target.name}.{w}") for w in ("new", "old"))
    if old.is_dir() and not target.exists():  # interrupted between the two renames
        old.rename(target)
    for leftover in (partial, old):
        shutil.rmtree(leftover, ignore_errors=True)
    if target.exists():
        shutil.copytree(target, partial)
    partial.mkdir(parents=True, exist_ok=True)
    _build(folder, partial)
    if target.exists():
        target.rename(old)
    partial.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    _write(_made(target))
    return target


def mend(folder: Path = REPORT) -> None:
    """Make all anew in a report that follows from its tables and claims."""
    store.write_json(folder / derived.FILE, _derived(folder))
    _write(_made(folder))


def _write(made: dict[Path, bytes]) -> None:
    for path, content in made.items():
        partial = path.with_name(f".{path.name}.new")
        partial.write_bytes(content)
        partial.replace(path)


def _build(folder: Path, target: Path) -> None:
    """Write the report of a folder of results into ``target``."""
    for name in (LEDGER, TEXT):
        if not (target / name).is_file():
            shutil.copy(REPORT / name, target / name)
    for name in COPIED:
        shutil.rmtree(target / name, ignore_errors=True)
        shutil.copytree(folder / name, target / name)
    shutil.copy(folder / record.PREDICTIONS, target / record.PREDICTIONS)
    every = tables.read(target).runs
    every["seeds"] = every.groupby([*groups.CONFIGURATION])["run"].transform("size")
    main = every[[grid.is_main(row) for row in every.to_dict("records")]]
    # Of a network that was also trained for longer, the epochs with most seeds.
    shown = set(main.sort_values("seeds").groupby("recipe").tail(1)["run"])
    for page in (target / "pages").glob(f"{pages.TRAIN}-*.html"):
        if page.stem.removeprefix(f"{pages.TRAIN}-") not in shown:
            page.unlink()
    derived.write(target, target / LEDGER)
    _write(_made(target, with_readme=False))


def check(folder: Path = REPORT) -> list[str]:
    """Return a sentence for everything in a report that does not follow.

    What follows from the tables and the claims is derived again; PDF, start page and
    README are made again of what is kept, where that follows.
    """
    again = _derived(folder)
    if wrong := derived.differences(derived.FILE, derived.read(folder), again):
        return wrong
    return [
        f"{path} is not what is made of the results"
        for path, made in _made(folder).items()
        if not path.is_file() or path.read_bytes() != made
    ]


def _derived(folder: Path) -> dict:
    """Return what follows from the tables and claims of a report."""
    record_of, ledger = tables.read(folder), claims.load(folder / LEDGER)
    try:
        return derived.derive(record_of, ledger)
    except UserError:
        raise
    except Exception as error:  # whatever a cell may hold that was changed by hand
        words = f"{folder / tables.FOLDER} contradicts itself: {error!r}"
        raise DataError(words) from error


def outdated(folder: Path = REPORT) -> list[str]:
    """Return the names of a report's runs that other code or versions made.

    ``make report`` would make them anew. An ensemble is outdated with its members.
    """
    rows = [row.dropna() for _, row in tables.read(folder).runs.iterrows()]
    old = {row["run"] for row in rows if not runs.is_current(row.to_dict())}
    return [row["run"] for row in rows if not old.isdisjoint(row)]


def _made(folder: Path, with_readme: bool = True) -> dict[Path, bytes]:
    """Return what is made of a report: PDF, start page, and the README beside it."""
    content = derived.read(folder)
    made = {folder / PDF: compile_pdf(content, folder, folder / TEXT)}
    for name, text in pages.beside(content, folder).items():
        made[folder / "pages" / name] = text.encode()
    readme = folder.parent / "README.md"
    if with_readme and readme.is_file():
        text = readme.read_text("utf-8")
        for mark, part in pages.front_page(content).items():
            place = re.compile(README_PART.format(mark), re.DOTALL)
            text = place.sub(lambda old, part=part: part, text)
        made[readme] = text.encode()
    return made
