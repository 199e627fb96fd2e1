"""The pipeline: each job runs one notebook through papermill.

    snakemake --cores all --config data=sample profile=quick

`make report` calls it. Results go to `runs/<data>-<hash>/`, executed notebooks to
`notebooks/` in there, their pages to `pages/`, and the paper is `paper.pdf`.
"""

from pathlib import Path

import nbformat
from filelock import FileLock, Timeout
from snakemake.exceptions import WorkflowError

from gtzan_lib.experiments import suite as beyond
from gtzan_lib.data.sources import open_dataset
from gtzan_lib.errors import UserError
from gtzan_lib.fingerprint import reached_from
from gtzan_lib.parameters import ENCODERS, check_values
from gtzan_lib.experiments.runs import folder_name

# What each profile trains: epochs of recipe paper and of recipe corrected, seeds of the
# latter, epochs of recipe paper with each encoder, and of recipe augmented. Epochs are
# fixed beforehand: 1,800 is the paper's text, and the accuracy of recipes corrected and
# augmented had levelled off on a validation part of the training pictures of splits not
# used here.
PROFILES = {
    "quick": dict(paper=60, corrected=60, seeds=1, encoders_paper=60, augmented=20),
    "paper": dict(paper=1800, corrected=100, seeds=5, encoders_paper=300, augmented=60),
}
profile = config.get("profile", "quick")
if profile not in PROFILES:
    raise WorkflowError(f"profile must be one of {', '.join(PROFILES)}; got {profile}")
plan = dict(PROFILES[profile])
for name in config.keys() - {"data", "profile"}:
    if name not in plan:
        raise WorkflowError(f"config must be data, profile or {', '.join(plan)}; got {name}")
    if type(config[name]) is not int or config[name] < 1:
        raise WorkflowError(f"{name} must be a whole number from 1; got {config[name]}")
    plan[name] = config[name]
source = str(config.get("data", "sample"))
try:
    check_values({"data": source})
    dataset = open_dataset(source)
except UserError as error:
    raise WorkflowError(str(error)) from None
if source not in ("sample", "kaggle"):
    source = str(Path(source).expanduser().resolve())

RUNS = {}  # parameters of notebook 03 by the name of the run's folder


def add_run(recipe, epochs, seed=0, encoder="pool", model="lenet", split="random"):
    """Put a training run on the list."""
    facts = dict(recipe=recipe, model=model, encoder=encoder, split=split)
    facts |= dict(seed=seed, epochs=epochs)
    RUNS[folder_name(facts)] = facts


add_run("paper", plan["paper"])
for encoder in ENCODERS:
    add_run("paper", plan["encoders_paper"], encoder=encoder)
    for seed in range(plan["seeds"]):
        add_run("corrected", plan["corrected"], seed, encoder)
for model in ("lenet-one-dense", "lenet-tanh"):
    for seed in range(plan["seeds"]):
        add_run("corrected", plan["corrected"], seed, model=model)

# Of notebook 06; support vector machines are fitted in there.
BEYOND_EPOCHS = {name: plan[name] for name in ("corrected", "augmented")}
BEYOND_EPOCHS["paper"] = plan["encoders_paper"]
for split, names in beyond.needed(dataset).items():
    for name in names:
        recipe, model, encoder = beyond.MODELS[name]
        if recipe in BEYOND_EPOCHS:
            for seed in range(beyond.seeds_of(split, plan["seeds"])):
                add_run(recipe, BEYOND_EPOCHS[recipe], seed, encoder, model, split)

OUT = dataset.results
ALL_CORES = workflow.cores


def modules_of(notebook):
    """Return the files of the modules that a notebook reaches by import."""
    cells = nbformat.read(f"notebooks/{notebook}.ipynb", as_version=4).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    return [f"gtzan_lib/{name.replace('.', '/')}.py" for name in reached_from(code)]


def papermill(notebook, values="", label="{rule}", output="output"):
    """Return the shell command that runs a notebook and shows what it prints."""
    return (
        f"papermill notebooks/{notebook}.ipynb {{{output}:q}} --no-progress-bar --log-level "
        f"ERROR --stdout-file /dev/stdout -r data {{source:q}} {values} "
        f"2> >(grep -v IPKernelApp >&2) | sed -u 's/^/[{label}] /'"
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
    print(f"\n{dataset.name}, profile {profile}. Open in a browser:")
    print(f"  {START}\n  {OUT / 'paper.pdf'}")
    print(f"Executed notebooks and results are in {OUT}")


rule all:
    input:
        START,
        OUT / "paper.pdf",


rule pack:
    input:
        "notebooks/01_pack.ipynb",
        modules_of("01_pack"),
    output:
        OUT / "notebooks" / "01_pack.ipynb",
    shell:
        papermill("01_pack")


rule pool:
    input:
        "notebooks/02_pool_mse.ipynb",
        modules_of("02_pool_mse"),
        rules.pack.output,
    output:
        OUT / "notebooks" / "02_pool_mse.ipynb",
    threads: ALL_CORES
    shell:
        papermill("02_pool_mse")


rule train:
    input:
        "notebooks/03_train_cnn.ipynb",
        modules_of("03_train_cnn"),
        rules.pool.output,
    output:
        OUT / "notebooks" / "03_train_cnn-{run}.ipynb",
    params:
        values=lambda wildcards: " ".join(
            f"{'-p' if isinstance(value, int) else '-r'} {name} '{value}'"
            for name, value in RUNS[wildcards.run].items()
        ),
    # A long run gets all cores; short ones run side by side.
    threads: lambda wildcards: ALL_CORES if RUNS[wildcards.run]["epochs"] > 300 else 1
    shell:
        papermill("03_train_cnn", "{params.values}", "{wildcards.run}")


rule autoencoder:
    input:
        "notebooks/04_autoencoder.ipynb",
        modules_of("04_autoencoder"),
        expand(rules.train.output, run=RUNS),
    output:
        OUT / "notebooks" / "04_autoencoder.ipynb",
    params:
        values=f"-p seeds {plan['seeds']} -p epochs {plan['corrected']} "
        f"-p paper_epochs {plan['encoders_paper']}",
    threads: ALL_CORES
    shell:
        papermill("04_autoencoder", "{params.values}")


rule beyond:
    input:
        "notebooks/06_beyond.ipynb",
        modules_of("06_beyond"),
        expand(rules.train.output, run=RUNS),
    output:
        OUT / "notebooks" / "06_beyond.ipynb",
    params:
        values=f"-p seeds {plan['seeds']} -p epochs {plan['corrected']} "
        f"-p augmented_epochs {plan['augmented']} -p paper_epochs {plan['encoders_paper']}",
    threads: ALL_CORES
    shell:
        papermill("06_beyond", "{params.values}")


rule results:
    input:
        "notebooks/05_results.ipynb",
        "report/claims.toml",
        modules_of("05_results"),
        expand(rules.train.output, run=RUNS),
        rules.autoencoder.output,
        rules.beyond.output,
    output:
        notebook=OUT / "notebooks" / "05_results.ipynb",
        numbers=OUT / "results.json",
    shell:
        papermill("05_results", output="output.notebook")


rule figures:
    input:
        modules_of("05_results"),
        expand(rules.train.output, run=RUNS),
        rules.autoencoder.output,
        rules.beyond.output,
    output:
        directory(OUT / "figures"),
    shell:
        "python -m gtzan_lib.report.pdf figures {source:q}"


rule pdf:
    input:
        "report/paper.typ",
        "gtzan_lib/report/pdf.py",
        rules.results.output,
        rules.figures.output,
    output:
        OUT / "paper.pdf",
    params:
        folder=str(OUT),
    shell:
        "python -m gtzan_lib.report.pdf pdf {params.folder:q}"


# Pages other than the first are remade where they are older than their notebooks.
rule pages:
    input:
        "gtzan_lib/report/pages.py",
        "gtzan_lib/report/pdf.py",
        sorted(map(str, Path("gtzan_lib/report/page").iterdir())),
        expand(str(OUT / "notebooks" / "{notebook}.ipynb"), notebook=NOTEBOOKS),
        rules.results.output,
        rules.figures.output,
    output:
        START,
    params:
        folder=str(OUT),
    shell:
        "python -m gtzan_lib.report.pages {params.folder:q}"
