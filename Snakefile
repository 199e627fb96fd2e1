"""The pipeline: each job runs one notebook through papermill.

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

from gtzan_lib import fingerprint
from gtzan_lib.data.sources import open_dataset
from gtzan_lib.data.splits import N_FOLDS
from gtzan_lib.errors import UserError
from gtzan_lib.experiments import plan, runs, suite
from gtzan_lib.parameters import Parameters

changes = {k: v for k, v in config.items() if k not in ("data", "profile")}
try:
    profile = plan.profile(str(config.get("profile", "quick")), changes)
    source = Parameters(data=str(config.get("data", "sample"))).data
    dataset = open_dataset(source)
except UserError as error:
    raise WorkflowError(str(error)) from None
if config.get("profile") == "record":
    os.environ["GTZAN_RECORD"] = "1"  # compares no numbers: report/expected.py
if source not in ("sample", "kaggle"):
    source = str(Path(source).expanduser().resolve())

# Some runs train in a notebook, which becomes a page. The others are trained by one job
# a configuration and partition, or by one a processor where there are few.
LONG = 300  # epochs, of which more make a job of each run
PAGES, OTHERS = {}, {}  # runs by the name of their folder, and lists of them by job
for run in plan.needed_runs(dataset, profile):
    if plan.has_page(run, profile):
        PAGES[runs.folder_name(run.facts)] = run
    else:
        first = run.seed if run.epochs > LONG else run.seed // N_FOLDS * N_FOLDS
        job = runs.folder_name(run.facts | {"seed": first}) + "-and-more" * (run.epochs <= LONG)
        OTHERS.setdefault(job, []).append(run)

OUT = dataset.results
FOLDER = str(OUT)


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
if profile.seeds == 1:
    together = [run for jobs in OTHERS.values() for run in jobs]
    n_jobs = min(ALL_CORES, len(together))
    OTHERS = {f"others-{i + 1}": together[i::n_jobs] for i in range(n_jobs)}


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


def execute(notebook):
    """Return the shell command that runs a notebook with a rule's ``values``."""
    return (
        f"python -m gtzan_lib.report.execute notebooks/{notebook}.ipynb "
        "{output.notebook:q} {params.values:q}"
    )


def values(**parameters):
    """Return the parameters of a notebook as the command takes them."""
    return json.dumps({"data": source} | parameters)


NOTEBOOKS = [
    "01_pack",
    "02_pool_mse",
    *(f"03_train_cnn-{name}" for name in PAGES),
    "04_autoencoder",
    "05_results",
    "06_beyond",
]
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


rule pack:
    input:
        made_from("01_pack"),
    output:
        notebook=OUT / "notebooks" / "01_pack.ipynb",
    params:
        values=lambda wildcards: values(),
    shell:
        execute("01_pack")


rule pool:
    input:
        made_from("02_pool_mse"),
        rules.pack.output,
    output:
        notebook=OUT / "notebooks" / "02_pool_mse.ipynb",
    params:
        values=lambda wildcards: values(),
    shell:
        execute("02_pool_mse")


rule train:
    input:
        lambda wildcards: made_from("03_train_cnn", PAGES[wildcards.run]),
        rules.pack.output,
    output:
        notebook=OUT / "notebooks" / "03_train_cnn-{run}.ipynb",
    params:
        values=lambda wildcards: values(**PAGES[wildcards.run].facts),
    shell:
        execute("03_train_cnn")


rule train_others:
    input:
        lambda wildcards: sorted(
            {file for run in OTHERS[wildcards.job] for file in made_by(run)}
        ),
        rules.pack.output,
    output:
        touch(OUT / "logs" / "{job}.done"),
    params:
        runs=lambda wildcards: json.dumps([run.facts for run in OTHERS[wildcards.job]]),
    shell:
        "python -m gtzan_lib.experiments.batch {source:q} {params.runs:q}"


TRAINED = [
    *expand(rules.train.output, run=PAGES),
    *expand(rules.train_others.output, job=OTHERS),
]


rule autoencoder:
    input:
        made_from("04_autoencoder"),
        TRAINED,
    output:
        notebook=OUT / "notebooks" / "04_autoencoder.ipynb",
    params:
        values=lambda wildcards: values(
            seeds=suite.few(profile.seeds),
            epochs=profile.corrected,
        ),
    threads: HALF
    shell:
        execute("04_autoencoder")


rule results:
    input:
        made_from("05_results"),
        "report/claims.toml",
        TRAINED,
        rules.autoencoder.output,
    output:
        notebook=OUT / "notebooks" / "05_results.ipynb",
    params:
        values=lambda wildcards: values(),
    shell:
        execute("05_results")


rule beyond:
    input:
        made_from("06_beyond"),
        "report/claims.toml",
        TRAINED,
    output:
        notebook=OUT / "notebooks" / "06_beyond.ipynb",
    params:
        values=lambda wildcards: values(
            seeds=profile.seeds,
            epochs=profile.corrected,
            augmented_epochs=profile.augmented,
            paper_epochs=profile.paper_short,
        ),
    threads: HALF
    shell:
        execute("06_beyond")


rule record:
    input:
        module("report.record"),
        "report/claims.toml",
        expand(str(OUT / "notebooks" / "{notebook}.ipynb"), notebook=NOTEBOOKS),
    output:
        OUT / "results.json",
        OUT / "derived.json",
    shell:
        "python -m gtzan_lib.report.record {source:q}"


rule pdf:
    input:
        module("report.pdf"),
        "report/paper.typ",
        "report/claims.toml",
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
