"""What is done in a clone, by ``gtzan`` or by ``make``: report, tests, JupyterLab."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from gtzan_lib import store
from gtzan_lib.errors import ParameterError, UserError

SETTINGS = {"DATA": "sample", "PROFILE": "quick", "CORES": "all", "CLUSTER": ""}
SNAKEMAKE = """
import sys
from gtzan_lib.errors import sentences
with sentences() as status:  # Ctrl-C, too, before the pipeline listens to it
    from snakemake.cli import main
    main()
sys.exit(status.code)
"""
QUIETLY = "--nolock --quiet all --rerun-triggers params"
CONTRACTS = ["-c", "from importlinter.cli import lint_imports_command as run; run()"]
LINT = (["-m", "ruff", "check"], ["-m", "ruff", "format", "--check"], CONTRACTS)
TESTS = ["-m", "pytest", "--numprocesses=2", "--dist=worksteal", "--durations=10"]
NOTEBOOKS = ["-m", "pytest", "--nbval-lax", "--nbval-current-env", "notebooks"]


def report(*given: str) -> int:
    """Run the pipeline with settings such as ``DATA=sample``; return its status.

    What is not given is as in the environment, to which ``make`` exports its own.
    ``ParameterError`` at a name that is none of ``SETTINGS``.
    """
    settings = {name: os.environ.get(name, SETTINGS[name]) for name in SETTINGS}
    settings |= {name: value for name, _, value in (s.partition("=") for s in given)}
    if unknown := settings.keys() - SETTINGS:
        takes = ", ".join(f"{name}=..." for name in SETTINGS)
        raise ParameterError(f"report takes {takes}; got {', '.join(sorted(unknown))}")
    if settings["DATA"] not in ("sample", "kaggle"):  # a path from here
        settings["DATA"] = str(Path(settings["DATA"]).expanduser().absolute())
    where = ["--cores", *settings["CORES"].split()]
    if settings["CLUSTER"]:
        where = ["--workflow-profile", f"profiles/{settings['CLUSTER']}"]
    return _run(["-c", SNAKEMAKE, *QUIETLY.split(), *where], **settings)


def test(quick: bool) -> int:
    """Lint and test; unless quick, with slow tests, the pipeline and the notebooks."""
    tests = [*TESTS, "-m", "not slow"] if quick else TESTS
    status = next(filter(None, map(_run, LINT)), 0) or _run(tests, OMP_NUM_THREADS="1")
    if quick or status:
        return status
    status = report("DATA=sample", "PROFILE=quick", "CLUSTER=") or _run(NOTEBOOKS)
    return status or _run(["-m", "gtzan_lib", "check-report"])


def lab() -> int:
    """Open JupyterLab on the notebooks; return its status."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return _run(["-m", "jupyter", "lab", "notebooks", *["--allow-root"] * is_root])


def _run(arguments: list[str], **variables: str) -> int:
    """Run this Python in the clone; return its exit status."""
    if not store.IS_CLONE:
        raise UserError("this needs a clone of the project: run it in one")
    variables["GTZAN_RUNS"] = str(store.runs_folder())  # from here, too
    if not os.access(Path.home(), os.W_OK):  # where numba and Jupyter keep their files
        variables["HOME"] = str(Path(variables["GTZAN_RUNS"], ".home"))
        Path(variables["HOME"]).mkdir(parents=True, exist_ok=True)
    before = signal.signal(signal.SIGINT, lambda *_: None)  # it ends by itself
    try:
        command, places = [sys.executable, *arguments], {"cwd": store.PROJECT}
        return subprocess.run(command, env=os.environ | variables, **places).returncode
    finally:
        signal.signal(signal.SIGINT, before)
