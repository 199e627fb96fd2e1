"""The pipeline's jobs: how notebooks and trainings are divided, and what is stale."""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from gtzan_lib import fingerprint, registry, store
from gtzan_lib.data.gtzan import Dataset
from gtzan_lib.data.splits import N_FOLDS
from gtzan_lib.errors import UserError
from gtzan_lib.experiments import grid, runs
from gtzan_lib.parameters import Parameters
from gtzan_lib.report import job

LONG = 300  # epochs, of which more make a job of each run
CLAIMS, FIGURES = "report/claims.toml", "gtzan_lib/report/figures.toml"
NETWORK = "03_train_cnn"  # the notebook that is executed once a run
# Notebooks that others come after: 07 makes the mixtures, which claims of 05 are about.
BEFORE = {"02": ["01"], "03": ["01"], "05": ["04", "07"]}


@dataclass
class Job:
    """What a job of some ``kind`` (see ``job``) is told, needs (files), and trains."""

    name: str
    kind: str
    about: list
    needs: list[str]
    runs: list[Parameters] = field(default_factory=list)
    threads: int = 1
    priority: int = 0


def plan(dataset: Dataset, profile: str, data: str, cores: int) -> list[Job]:
    """Return all jobs of a profile's report on so many processors.

    Of a short profile one job executes several notebooks, as importing would take most
    of their time, and one a processor trains.
    """
    needed = grid.needed(dataset, profile)
    solved = [p for p in needed if p.facts["recipe"] == "closed-form"]
    shown = [p for p in needed if p not in solved and grid.has_page(p, profile)]
    shown.sort(key=lambda p: p.epochs)
    by_name = {f"{NETWORK}-{runs.folder_name(p.facts)}": p for p in shown}
    is_short, half = grid.is_short(profile), max(1, cores // 2)
    others = [p for p in needed if p not in solved + shown]
    jobs = _trainings(data, others, half if is_short else 0)
    sources = sorted(path.stem for path in Path("notebooks").glob("0*.ipynb"))
    chains = [sources[:1], [sources[1], *by_name], sources[3:4], sources[5:]]
    chains.append(sources[4:5])
    if not is_short:
        chains = [[name] for chain in chains for name in chain]
    place = {name: f"execute_{chain[0]}" for chain in chains for name in chain}
    for chain in chains:
        made = Job(place[chain[0]], "execute", [], [], priority=2)
        made.threads = half if chain[0][:2] in ("04", "06", "07") else 1
        after, needs = set(), set()
        for name in chain:
            number, given = name[:2], {"data": data}
            if own := by_name.get(name):
                given |= own.facts
                made.runs.append(own)
            needs.update(_made_from(name, own))
            after |= {place[n] for n in place if n[:2] in BEFORE.get(number, [])}
            if number >= "04":
                given["profile"] = profile
                trained = {p: j.name for j in jobs for p in j.runs if p not in solved}
                after |= {trained[p] for p in trained if _is_for(number, p)}
            if number >= "05":
                needs.add(CLAIMS)
            if number >= "06":
                made.runs += solved
            made.about.append([name, given])
        before = sorted(after - {made.name})
        made.needs = [*sorted(needs), *(receipt(dataset, name) for name in before)]
        jobs.append(made)
    needs = [CLAIMS, FIGURES, "report/paper.typ", "report/references.bib"]
    needs += map(str, Path("gtzan_lib/report/page").iterdir())
    needs += _files("", "report.record", "report.pdf", "report.pages")
    needs += [receipt(dataset, made.name) for made in jobs]
    return [*jobs, Job("report", "report", [data, profile], needs)]


def receipt(dataset: Dataset, name: str) -> str:
    """Return where a job's receipt is, as Snakemake takes it."""
    folder = dataset.results
    if folder.is_relative_to(store.PROJECT):  # which may be moved
        folder = folder.relative_to(store.PROJECT)
    if "{" in str(folder):
        raise UserError(f"set GTZAN_RUNS to a folder without braces: {folder} has some")
    return str(folder / job.FOLDER / f"{name}.json")


def forget_stale(dataset: Dataset, jobs: list[Job]) -> bool:
    """Remove the receipts that do not hold any more; return whether any is missing."""
    is_missing = False
    for made in jobs:
        path = store.PROJECT / receipt(dataset, made.name)
        is_whole = job.holds(path, made.about, made.needs)
        if not (is_whole and all(runs.finished(dataset, p) for p in made.runs)):
            path.unlink(missing_ok=True)
            is_missing = True
    return is_missing


def _is_for(number: str, p: Parameters) -> bool:
    """Tell whether a notebook needs a run: 04 codes, 06 and 07 what no code made."""
    is_from_code = p.encoder in registry.CODES and p.split == "random"
    if number == "04":
        return is_from_code and p.recipe == "corrected"
    return number == "05" or not is_from_code or p.encoder == "pool"


def _trainings(data: str, others: list[Parameters], together: int) -> list[Job]:
    """Return the jobs that train without a page: so many together, or many."""
    codes = [p for p in others if _is_for("04", p) and p.encoder != "pool"]
    rest = [p for p in others if p not in codes]
    groups: dict[str, list[Parameters]] = defaultdict(list)
    for kind, some in (("codes", codes), ("others", rest)):
        for i, p in enumerate(some):
            first = p.seed if p.epochs > LONG else p.seed // N_FOLDS * N_FOLDS
            name = runs.folder_name(p.facts | {"seed": first})
            groups[f"{kind}-{i % together + 1}" if together else name].append(p)
    jobs = [
        Job(f"train_{name}", "train", [data, [p.facts for p in some]], [], runs=some)
        for name, some in groups.items()
    ]
    for made in jobs:  # notebook 04 takes longer than 06
        made.priority = int(made.runs[0] in codes)
    return jobs


def _made_from(name: str, p: Parameters | None) -> list[str]:
    """Return a notebook's own file, and those of all that it imports or names."""
    path = f"notebooks/{name.partition('-')[0]}.ipynb"
    cells = nbformat.read(path, as_version=4).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    named = runs.modules_of(p.facts) if p else []
    return [path, *_files(code, *named)]


def _files(code: str, *modules: str) -> list[str]:
    """Return files by paths from the project, whose folder may have any name."""
    files = fingerprint.files_of(code, *modules)
    return [str(path.relative_to(store.PROJECT)) for path in files]
