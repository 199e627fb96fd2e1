"""The pipeline: each job executes notebooks, trains, or makes what the report shows.

    DATA=sample PROFILE=quick snakemake --cores all

`make report` calls it. Results go to `runs/<data>-<hash>/`, executed notebooks to
`notebooks/` in there, their pages to `pages/`, and the paper is `paper.pdf`. Which runs
are made is in `gtzan_lib/experiments/grid.toml`, how jobs divide them in
`gtzan_lib/report/jobs.py`. What a job makes are many files, so its rule's output is a
receipt with their checksums; one that does not hold any more is removed, and made again.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from filelock import FileLock, Timeout
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from gtzan_lib.data.sources import open_dataset
from gtzan_lib.errors import UserError
from gtzan_lib.parameters import Parameters
from gtzan_lib.report import jobs, progress

DATA, PROFILE = os.environ.get("DATA", "sample"), os.environ.get("PROFILE", "quick")


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


shown = progress.Shown()
if workflow.is_main_process:
    logger.addHandler(shown)
try:
    given = Parameters(data=DATA, profile=PROFILE)
    dataset = open_dataset(given.data)
    if DATA not in ("sample", "kaggle"):
        DATA = str(Path(DATA).expanduser().resolve())
    JOBS = jobs.plan(dataset, PROFILE, DATA, most_threads())
except UserError as error:
    raise WorkflowError(str(error)) from None
if workflow.is_main_process and not jobs.forget_stale(dataset, JOBS):
    shown.end(dataset)  # as nothing is to be done


onstart:
    global pipeline_lock  # held until this process ends, however it ends
    pipeline_lock = FileLock(dataset.results / ".pipeline.lock")
    dataset.results.mkdir(parents=True, exist_ok=True)
    try:
        pipeline_lock.acquire(timeout=0)
    except Timeout:
        message = f"another pipeline is at work in {dataset.results}"
        raise WorkflowError(message) from None


onsuccess:
    shown.end(dataset)


onerror:
    shown.stop()


rule all:
    input:
        jobs.receipt(dataset, "report"),


for job in JOBS:

    rule:
        name:
            job.name
        input:
            job.needs,
        output:
            jobs.receipt(dataset, job.name),
        params:
            kind=job.kind,
            about=lambda wildcards, text=json.dumps(job.about): text,  # as it is
            python=sys.executable,
        threads: job.threads
        priority: job.priority
        shell:
            "{params.python:q} -m gtzan_lib.report.job {params.kind} {output:q}"
            " {params.about:q} {input:q}"
