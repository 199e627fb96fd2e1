"""The pipeline: each job runs one notebook through papermill.

    snakemake --cores all --config data=sample profile=quick

`make report` calls it. Results go to `runs/<data>-<hash>/`, executed notebooks to
`notebooks/` in there, their pages to `pages/`, and the paper is `paper.pdf`.
"""

from pathlib import Path

import nbformat
from filelock import FileLock, Timeout
from snakemake.exceptions import WorkflowError

from gtzan_lib import fingerprint
from gtzan_lib.data.sources import open_dataset
from gtzan_lib.errors import UserError
from gtzan_lib.experiments import profiles, runs
from gtzan_lib.parameters import FACTS, Parameters

changes = {k: v for k, v in config.items() if k not in ("data", "profile")}
try:
    plan = profiles.profile(str(config.get("profile", "quick")), changes)
    source = Parameters(data=str(config.get("data", "sample"))).data
    dataset = open_dataset(source)
except UserError as error:
    raise WorkflowError(str(error)) from None
if source not in ("sample", "kaggle"):
    source = str(Path(source).expanduser().resolve())

# The first seed of a configuration trains in a notebook, which becomes a page; the
# others are trained by one job a configuration.
RUNS, MORE_SEEDS = {}, {}  # by the folder's name of the run, or of the first seed's
for run in profiles.needed_runs(dataset, plan):
    first = runs.folder_name(run.facts | {"seed": 0})
    if run.seed == 0:
        RUNS[first] = run
    else:
        MORE_SEEDS.setdefault(first, []).append(run.seed)

OUT = dataset.results
ALL_CORES = workflow.cores


def made_from(notebook, run=None):
    """Return the files that a notebook's outputs depend on: itself and what it imports.

    A run's model, recipe and encoder are imported by name, so that they come besides.
    """
    path = f"notebooks/{notebook}.ipynb"
    cells = nbformat.read(path, as_version=4).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    besides = runs.modules_of(RUNS[run].facts) if run else []
    return [path, *map(str, fingerprint.files_of(code, *besides))]


def papermill(notebook, values="", label="{rule}", output="output"):
    """Return the shell command that runs a notebook and shows what it prints.

    A line that updates is shown anew every 20 seconds.
    """
    return (
        f"TQDM_MININTERVAL=20 papermill notebooks/{notebook}.ipynb {{{output}:q}} "
        "--no-progress-bar --log-level ERROR --stdout-file /dev/stdout "
        f"-r data {{source:q}} {values} 2> >(grep -v IPKernelApp >&2) "
        f"| tr '\\r' '\\n' | sed -u '/./!d;s/^/[{label}] /'"
    )


NOTEBOOKS = [
    "01_pack",
    "02_pool_mse",
    *(f"03_train_cnn-{name}" for name in RUNS),
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


onsuccess:
    print(f"\n{dataset.name}, profile {config.get('profile', 'quick')}. Open in a browser:")
    print(f"  {START}\n  {OUT / 'paper.pdf'}")
    print(f"Executed notebooks and results are in {OUT}")


rule all:
    input:
        START,
        OUT / "paper.pdf",


rule pack:
    input:
        made_from("01_pack"),
    output:
        OUT / "notebooks" / "01_pack.ipynb",
    shell:
        papermill("01_pack")


rule pool:
    input:
        made_from("02_pool_mse"),
        rules.pack.output,
    output:
        OUT / "notebooks" / "02_pool_mse.ipynb",
    threads: ALL_CORES
    shell:
        papermill("02_pool_mse")


rule train:
    input:
        lambda wildcards: made_from("03_train_cnn", wildcards.run),
        rules.pool.output,
    output:
        OUT / "notebooks" / "03_train_cnn-{run}.ipynb",
    params:
        values=lambda wildcards: " ".join(
            f"{'-p' if isinstance(value, int) else '-r'} {name} '{value}'"
            for name, value in RUNS[wildcards.run].facts.items()
        ),
    # A long run gets all cores; short ones run side by side.
    threads: lambda wildcards: ALL_CORES if RUNS[wildcards.run].epochs > 300 else 1
    shell:
        papermill("03_train_cnn", "{params.values}", "{wildcards.run}")


rule more_seeds:
    input:
        lambda wildcards: made_from("03_train_cnn", wildcards.run),
        rules.train.output,
    output:
        touch(OUT / "logs" / "{run}-and-more-seeds.done"),
    params:
        values=lambda wildcards: " ".join(
            f"--{name} '{value}'"
            for name, value in RUNS[wildcards.run].facts.items()
            if name != "seed"
        ),
        seeds=lambda wildcards: " ".join(map(str, MORE_SEEDS[wildcards.run])),
    shell:
        "TQDM_MININTERVAL=20 python -m gtzan_lib train {source:q} {params.values} "
        "--seeds {params.seeds} | tr '\\r' '\\n' "
        "| sed -u '/./!d;s/^/[{wildcards.run} and more seeds] /'"


TRAINED = [
    *expand(rules.train.output, run=RUNS),
    *expand(rules.more_seeds.output, run=MORE_SEEDS),
]


rule autoencoder:
    input:
        made_from("04_autoencoder"),
        TRAINED,
    output:
        OUT / "notebooks" / "04_autoencoder.ipynb",
    params:
        values=f"-p seeds {plan.seeds} -p epochs {plan.corrected} "
        f"-p paper_epochs {plan.encoders_paper}",
    threads: ALL_CORES
    shell:
        papermill("04_autoencoder", "{params.values}")


rule beyond:
    input:
        made_from("06_beyond"),
        TRAINED,
    output:
        OUT / "notebooks" / "06_beyond.ipynb",
    params:
        values=f"-p seeds {plan.seeds} -p epochs {plan.corrected} "
        f"-p augmented_epochs {plan.augmented} -p paper_epochs {plan.encoders_paper}",
    threads: ALL_CORES
    shell:
        papermill("06_beyond", "{params.values}")


rule results:
    input:
        made_from("05_results"),
        "report/claims.toml",
        TRAINED,
        rules.autoencoder.output,
    output:
        OUT / "notebooks" / "05_results.ipynb",
    shell:
        papermill("05_results")


EXECUTED = expand(str(OUT / "notebooks" / "{notebook}.ipynb"), notebook=NOTEBOOKS)


rule record:
    input:
        "report/claims.toml",
        expand("gtzan_lib/report/{name}.py", name=["record", "derived", "measures", "claims"]),
        EXECUTED,
        TRAINED,
    output:
        OUT / "results.json",
        OUT / "derived.json",
    shell:
        "python -m gtzan_lib.report.record {source:q}"


rule pdf:
    input:
        "report/paper.typ",
        "gtzan_lib/report/pdf.py",
        "gtzan_lib/report/figures.toml",
        rules.record.output,
    output:
        OUT / "paper.pdf",
    params:
        folder=str(OUT),
    shell:
        "python -m gtzan_lib.report.pdf {params.folder:q}"


# Pages other than the first are remade where they are older than their notebooks.
rule pages:
    input:
        "gtzan_lib/report/pages.py",
        "gtzan_lib/report/figures.toml",
        sorted(map(str, Path("gtzan_lib/report/page").iterdir())),
        EXECUTED,
        rules.record.output,
    output:
        START,
    params:
        folder=str(OUT),
    shell:
        "python -m gtzan_lib.report.pages {params.folder:q}"
