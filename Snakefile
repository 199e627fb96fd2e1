"""The pipeline: each job runs notebooks through papermill, or trains.

    snakemake --cores all --config data=sample profile=quick

`make report` calls it. Results go to `runs/<data>-<hash>/`, executed notebooks to
`notebooks/` in there, their pages to `pages/`, and the paper is `paper.pdf`.
"""

import json
import os
import subprocess
from pathlib import Path

import nbformat
from filelock import FileLock, Timeout
from snakemake.exceptions import WorkflowError

from gtzan_lib import fingerprint, registry
from gtzan_lib.data.sources import open_dataset
from gtzan_lib.data.splits import N_FOLDS
from gtzan_lib.errors import UserError
from gtzan_lib.experiments import grid, runs
from gtzan_lib.parameters import Parameters

try:
    asked = {name: str(value) for name, value in config.items()}
    PROFILE = Parameters(profile=asked.get("profile", "quick")).profile
    source = Parameters(data=asked.get("data", "sample")).data
    dataset = open_dataset(source)
    RUNS = grid.needed(dataset, PROFILE)
except UserError as error:
    raise WorkflowError(str(error)) from None
if PROFILE == "record":
    os.environ["GTZAN_RECORD"] = "1"  # compares no numbers: report/expected.py
is_name = source in ("sample", "kaggle")
DATA = source if is_name else str(Path(source).expanduser().resolve())

# Some runs train in a notebook, which becomes a page. The others are trained by one job
# a configuration and partition, or by one a processor where there are few.
LONG = 300  # epochs, of which more make a job of each run
PAGES, OTHERS = {}, {}  # runs by the name of their folder, and lists of them by job
for run in RUNS:
    if run.facts["recipe"] == "closed-form":
        continue  # fitted by a notebook, in seconds
    if grid.has_page(run, PROFILE):
        PAGES[runs.folder_name(run.facts)] = run
    else:
        first = run.seed if run.epochs > LONG else run.seed // N_FOLDS * N_FOLDS
        job = runs.folder_name(run.facts | {"seed": first}) + "-and-more" * (run.epochs <= LONG)
        OTHERS.setdefault(job, []).append(run)

OUT = dataset.results
FOLDER = str(OUT)
CLAIMS = "report/claims.toml"


def is_from_code(run):
    """Tell whether a run is one that notebook 04 can compare."""
    return run.encoder in registry.CODES and run.split == "random"


def is_for_04(run):
    """Tell whether notebook 04 alone needs a run: from a learned code."""
    return is_from_code(run) and run.encoder != "pool"


def most_threads():
    """Return how many threads one job can have: on SLURM no more than a node has.

    SLURM would let a job that asks for more wait for ever.
    """
    if os.environ.get("CLUSTER") != "slurm":
        return workflow.cores
    nodes = subprocess.run(["sinfo", "-hNo", "%c"], capture_output=True, text=True)
    processors = [int(line.strip(" +")) for line in nodes.stdout.split("\n") if line]
    if not processors:
        raise WorkflowError("sinfo names no nodes: is this a SLURM cluster?")
    return max(processors)


ALL_CORES = most_threads()
HALF = max(1, ALL_CORES // 2)  # of two notebooks that run side by side
if PROFILE == "quick":
    together, OTHERS = [run for some in OTHERS.values() for run in some], {}
    for what in (True, False):
        some = [run for run in together if is_for_04(run) == what]
        for i in range(min(HALF, len(some))):
            OTHERS[f"{'codes' if what else 'others'}-{i + 1}"] = some[i::HALF]


def made_from(notebook, run=None):
    """Return the files that a notebook's outputs depend on: itself and what it imports."""
    path = f"notebooks/{notebook}.ipynb"
    cells = nbformat.read(path, as_version=4).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    besides = made_by(run) if run else []
    return [path, *map(str, fingerprint.files_of(code)), *besides]


def made_by(run):
    """Return the files that a run is made by; its model is imported by name."""
    return list(map(str, fingerprint.files_of("", *runs.modules_of(run.facts))))


def module(name):
    """Return the files of a module of the library and of all that it imports."""
    return list(map(str, fingerprint.files_of("", name)))


def executed(name):
    """Return the file of an executed notebook."""
    return str(OUT / "notebooks" / f"{name}.ipynb")


def trained(is_needed):
    """Return the files that tell that runs are there, those that are needed."""
    pages = [name for name, run in PAGES.items() if is_needed(run)]
    jobs = [job for job, some in OTHERS.items() if any(map(is_needed, some))]
    pages = [executed(f"03_train_cnn-{name}") for name in pages]
    return pages + [str(OUT / "logs" / f"{job}.done") for job in jobs]


JOBS, NEEDS = {}, {}  # of each executed notebook: how it is executed, and from what


def plan_notebook(name, needs, **parameters):
    """Add a notebook, named as its source is up to a "-", and the files it ``needs``."""
    source = name.partition("-")[0]
    parameters = {"data": DATA} | parameters
    JOBS[name] = (f"notebooks/{source}.ipynb", executed(name), parameters)
    NEEDS[name] = needs


PACKED = [executed("01_pack")]
plan_notebook("01_pack", made_from("01_pack"))
plan_notebook("02_pool_mse", made_from("02_pool_mse") + PACKED)
for name, run in sorted(PAGES.items(), key=lambda page: page[1].epochs):
    needs = made_from("03_train_cnn", run) + PACKED
    plan_notebook(f"03_train_cnn-{name}", needs, **run.facts)
plan_notebook(
    "04_autoencoder",
    made_from("04_autoencoder") + trained(is_from_code),
    profile=PROFILE,
)
plan_notebook(
    "05_results",
    [
        *made_from("05_results"),
        CLAIMS,
        *trained(lambda run: True),
        executed("04_autoencoder"),
    ],
    profile=PROFILE,
)
plan_notebook(
    "06_beyond",
    [*made_from("06_beyond"), CLAIMS, *trained(lambda run: not is_for_04(run))],
    profile=PROFILE,
)
# Notebooks that one kernel executes, one after another: where they are short, several,
# as importing would take most of their time.
CHAINS = [[name] for name in JOBS]
if PROFILE == "quick":
    first, *networks, codes, results, beyond = JOBS
    CHAINS = [first], networks, [codes, results], [beyond]
START = OUT / "pages" / "index.html"


onstart:
    global pipeline_lock  # held until this process ends, however it ends
    pipeline_lock = FileLock(OUT / ".pipeline.lock")
    OUT.mkdir(parents=True, exist_ok=True)
    try:
        pipeline_lock.acquire(timeout=0)
    except Timeout:
        raise WorkflowError(f"another pipeline is at work in {OUT}") from None


rule all:
    input:
        START,
        OUT / "paper.pdf",


for names in CHAINS:
    made = list(map(executed, names))

    rule:
        name:
            f"execute_{names[0]}"
        input:
            [file for name in names for file in NEEDS[name] if file not in made],
        output:
            made,
        params:
            jobs=json.dumps([JOBS[name] for name in names]),
        threads: HALF if names[0][:2] in ("04", "06") else 1
        priority: 2  # pages come soon
        shell:
            "python -m gtzan_lib.report.execute {params.jobs:q}"


for job, some in OTHERS.items():

    rule:
        name:
            f"train_{job}"
        input:
            sorted({file for run in some for file in made_by(run)}),
        output:
            touch(OUT / "logs" / f"{job}.done"),
        params:
            runs=json.dumps([run.facts for run in some]),
        priority: 1 if is_for_04(some[0]) else 0  # notebook 04 takes longer than 06
        shell:
            "python -m gtzan_lib.experiments.batch {DATA:q} {params.runs:q}"


rule record:
    input:
        module("report.record"),
        CLAIMS,
        list(map(executed, JOBS)),
    output:
        OUT / "results.json",
        OUT / "derived.json",
    shell:
        "python -m gtzan_lib.report.record {DATA:q} {PROFILE}"


rule pdf:
    input:
        module("report.pdf"),
        "report/paper.typ",
        CLAIMS,
        "gtzan_lib/report/figures.toml",
        rules.record.output,
    output:
        OUT / "paper.pdf",
    shell:
        "python -m gtzan_lib.report.pdf {FOLDER:q}"


# Pages other than the first are remade where they are older than their notebooks.
rule pages:
    input:
        module("report.pages"),
        "gtzan_lib/report/figures.toml",
        sorted(map(str, Path("gtzan_lib/report/page").iterdir())),
        rules.record.output,
    output:
        START,
    shell:
        "python -m gtzan_lib.report.pages {FOLDER:q}"
