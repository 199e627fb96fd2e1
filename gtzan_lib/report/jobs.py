"""The pipeline's jobs: how notebooks and trainings are divided, and what is stale."""

import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from gtzan_lib import fingerprint, registry, store
from gtzan_lib.data.gtzan import Dataset
from gtzan_lib.data.splits import N_FOLDS
from gtzan_lib.experiments import grid, runs
from gtzan_lib.parameters import Parameters
from gtzan_lib.report import job

LONG = 300  # epochs, of which more make a job of each run
CLAIMS, FIGURES = "report/claims.toml", "gtzan_lib/report/figures.toml"
BEFORE = {"02": ["01"], "03": ["01"], "05": ["04"]}  # notebooks that others come after


@dataclass
class Job:
    """What a job of some ``kind`` (see ``job``) is told, needs, and trains.

    ``needs`` are files, ``after`` the names of jobs that come before it.
    """

    name: str
    kind: str
    about: list
    needs: list[str]
    after: list[str] = field(default_factory=list)
    runs: list[Parameters] = field(default_factory=list)
    threads: int = 1
    priority: int = 0


def plan(dataset: Dataset, profile: str, data: str, cores: int) -> list[Job]:
    """Return all jobs of a profile's report on so many processors.

    Of a short profile one job executes several notebooks, as importing would take most
    of their time, and one a processor trains.
    """
    needed = grid.needed(dataset, profile)
    trained = [p for p in needed if _has_epochs(p)]
    with_page = [p for p in trained if grid.has_page(p, profile)]
    others = [p for p in trained if p not in with_page]
    is_short, half = grid.is_short(profile), max(1, cores // 2)
    trainings = _trainings(data, others, half if is_short else 0)
    jobs = list(trainings)
    closed = [p for p in needed if not _has_epochs(p)]
    by_name = {
        f"03_train_cnn-{runs.folder_name(p.facts)}": p
        for p in sorted(with_page, key=lambda p: p.epochs)
    }
    sources = sorted(path.stem for path in Path("notebooks").glob("0*.ipynb"))
    names = [n for s in sources for n in (by_name if s[:2] == "03" else [s])]
    chains = [[name] for name in names]
    if is_short:  # 01; 02 and 03; 04 and 05; 06 and 07
        starts = [("01",), ("02", "03"), ("04", "05"), ("06", "07")]
        chains = [[n for n in names if n[:2] in some] for some in starts]
    place = {name: f"execute_{chain[0]}" for chain in chains for name in chain}
    figures = tomllib.loads(Path(FIGURES).read_text("utf-8"))
    for chain in filter(None, chains):
        made = Job(place[chain[0]], "execute", [], [], priority=2)
        made.threads = half if chain[0][:2] in ("04", "06", "07") else 1
        for name in chain:
            number, own = name[:2], by_name.get(name)
            given = {"data": data}
            if number == "03":
                given |= own.facts
                made.runs.append(own)
            elif number >= "04":
                given["profile"] = profile
            drawn = [f for f in figures if name.startswith(figures[f]["notebook"])]
            made.about.append([name, given, drawn])
            made.needs += _made_from(name, own) + [CLAIMS] * (number >= "05")
            first = BEFORE.get(number, [])
            made.after += [place[n] for n in names if n[:2] in first]
            if number >= "04":
                made.after += [
                    place[n] for n, p in by_name.items() if _is_for(number, p)
                ]
                made.after += [
                    t.name for t in trainings if any(_is_for(number, p) for p in t.runs)
                ]
            if number >= "06":
                made.runs += closed
        made.after = sorted(set(made.after) - {made.name})
        made.needs = sorted(set(made.needs))
        jobs.append(made)
    about = [data, profile]
    after = [made.name for made in jobs]
    jobs.append(Job("record", "record", about, _module("record", CLAIMS), after))
    beside = [CLAIMS, FIGURES, "report/paper.typ", "report/references.bib"]
    jobs.append(Job("pdf", "pdf", [], _module("pdf", *beside), ["record"]))
    parts = map(str, Path("gtzan_lib/report/page").iterdir())
    jobs.append(
        Job("pages", "pages", [], _module("pages", FIGURES, *parts), ["record"])
    )
    return jobs


def receipt(dataset: Dataset, name: str) -> str:
    """Return where a job's receipt is, as Snakemake takes it."""
    folder = dataset.results
    if folder.is_relative_to(store.PROJECT):  # which may be moved
        folder = folder.relative_to(store.PROJECT)
    path = str(folder / job.FOLDER / f"{name}.json")
    return path.replace("{", "{{").replace("}", "}}")


def forget_stale(dataset: Dataset, jobs: list[Job]) -> bool:
    """Remove the receipts that do not hold any more, and pages that are damaged.

    Returned is whether any is missing now.
    """
    is_missing = False
    for made in jobs:
        path = dataset.results / job.FOLDER / f"{made.name}.json"
        wrong = job.changed(path)
        if wrong or not _holds(dataset, made, path):
            path.unlink(missing_ok=True)
        for page in wrong:
            if page.parent == dataset.results / "pages":  # not by ".."
                page.unlink(missing_ok=True)
        is_missing |= not path.is_file()
    return is_missing


def _holds(dataset: Dataset, made: Job, path: Path) -> bool:
    before = [path.with_name(f"{name}.json") for name in made.after]
    needs = [*made.needs, *map(str, before)]
    if not path.is_file() or not all(map(os.path.isfile, needs)):
        return False
    if (store.read_json(path) or {}).get("key") != job.key(made.about, needs):
        return False
    return all(runs.finished(dataset, p) for p in made.runs)


def _has_epochs(p: Parameters) -> bool:
    return p.facts["recipe"] != "closed-form"


def _is_for(number: str, p: Parameters) -> bool:
    """Tell whether a notebook needs a run: 04 codes, 06 and 07 what no code made."""
    is_from_code = p.encoder in registry.CODES and p.split == "random"
    if number == "04":
        return is_from_code and p.recipe == "corrected"
    return number == "05" or not is_from_code or p.encoder == "pool"


def _trainings(data: str, others: list[Parameters], together: int) -> list[Job]:
    """Return the jobs that train without a page: so many together, or many."""
    groups: dict[tuple, list[Parameters]] = {}
    codes = [p for p in others if _is_for("04", p) and p.encoder != "pool"]
    for p in others:
        first = p.seed if p.epochs > LONG else p.seed // N_FOLDS * N_FOLDS
        name = runs.folder_name(p.facts | {"seed": first})
        if together:
            some = codes if p in codes else [q for q in others if q not in codes]
            number = some.index(p) % together + 1
            name = f"{'codes' if p in codes else 'others'}-{number}"
        groups.setdefault((p in codes, name), []).append(p)
    return [
        Job(
            f"train_{name}",
            "train",
            [data, [p.facts for p in some]],
            [],
            runs=some,
            priority=int(is_code),  # notebook 04 takes longer than 06
        )
        for (is_code, name), some in groups.items()
    ]


def _made_from(name: str, p: Parameters | None) -> list[str]:
    """Return a notebook's own file, and those of all that it imports or names."""
    path = f"notebooks/{name.partition('-')[0]}.ipynb"
    cells = nbformat.read(path, as_version=4).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    named = runs.modules_of(p.facts) if p else []
    return [path, *_files(code, *named)]


def _module(name: str, *besides: str) -> list[str]:
    return sorted({*_files("", f"report.{name}"), *besides})


def _files(code: str, *modules: str) -> list[str]:
    """Return files by paths from the project, whose folder may have any name."""
    files = fingerprint.files_of(code, *modules)
    return [str(path.relative_to(store.PROJECT)) for path in files]
