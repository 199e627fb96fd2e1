"""One job of the pipeline: done, and remembered by checksums in a *receipt*.

``Snakefile`` calls ``python -m gtzan_lib.report.job KIND RECEIPT ABOUT NEEDS...``.
A receipt is a JSON file in the folder of results with a ``key`` of all that a job was
told and made from, and the SHA-256 sums of the files that it ``made``. No time of a
file tells whether a result is current.
"""

import asyncio
import hashlib
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gtzan_lib import store
from gtzan_lib.errors import UserError, sentences

FOLDER = "receipts"
LONGEST = 70  # characters of a temporary folder that sockets can be in
SLOW_SECONDS = 300  # that a kernel may take to start and to answer on a busy machine


def key(about: object, needs: Iterable[str]) -> str:
    """Return a hash of what a job is told and of the files that it needs."""
    sums = sorted(store.sha256(Path(name)) for name in needs)
    return hashlib.sha256(json.dumps([about, sums]).encode()).hexdigest()


def holds(receipt: Path, about: object, needs: Iterable[str]) -> bool:
    """Tell whether a job was told the same, and all that it made is as it made it."""
    found = store.read_json(receipt) or {}
    is_there = all(Path(name).is_file() for name in needs)
    return (is_there and found.get("key") == key(about, needs)) and all(
        _is_as_made(receipt.parent.parent / name, digest)
        for name, digest in found["made"].items()
    )


def _is_as_made(path: Path, digest: str) -> bool:
    if not path.is_file() or store.sha256(path) != digest:
        return False
    return path.name != store.MANIFEST or store.is_whole(path.parent)


@contextmanager
def open_kernel() -> Iterator:
    """Open a kernel for ``execute``, whose first notebook starts it."""
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpecManager

    # A socket's path has about 100 characters at most, and TMPDIR may be longer.
    place = "/tmp" if len(tempfile.gettempdir()) > LONGEST else None
    with tempfile.TemporaryDirectory(dir=place) as folder:
        # Sockets of this computer alone: over TCP, the kernel warns.
        sockets = {"transport": "ipc", "ip": f"{folder}/kernel"}
        ours = KernelSpecManager(kernel_dirs=[])  # this interpreter's, and no other
        kernel = AsyncKernelManager(
            kernel_name="python3",
            kernel_spec_manager=ours,
            **sockets if os.name == "posix" else {},
        )
        try:
            yield kernel
        finally:
            if kernel.has_kernel:
                asyncio.run(kernel.shutdown_kernel(now=True))


def execute(notebook: Path, output: Path, parameters: dict, kernel) -> None:
    """Execute a notebook with parameters; write it as it ran, also when it failed.

    A ``kernel`` that has executed another one forgets its names and keeps what it
    imported, which takes most of the time before a notebook begins. The ``UserError``
    of a notebook that failed has the sentence that it ended with.
    """
    import papermill

    if kernel.has_kernel:
        client = kernel.blocking_client()
        client.start_channels()
        client.execute("get_ipython().reset()", reply=True, timeout=SLOW_SECONDS)
        client.stop_channels()
    try:
        papermill.execute_notebook(
            notebook,
            output,
            parameters,
            kernel_name="python3",
            km=kernel,
            progress_bar=False,
            autosave_cell_every=0,
            start_timeout=SLOW_SECONDS,
            iopub_timeout=SLOW_SECONDS,
        )
    except papermill.PapermillExecutionError as error:
        words = f"{error.ename}: {error.evalue}"
        is_sentence = error.traceback == [words]
        failed = f"{output.stem}: {words if is_sentence else error}"
        raise UserError(failed) from None
    except OSError as error:
        raise UserError(f"cannot write {output}: {error.strerror}") from error


def _execute(folder: Path, about: list) -> Iterable[Path]:
    """Execute notebooks in one kernel: of each its name and parameters."""
    from gtzan_lib.report.figures import FIGURES

    target = folder / "notebooks"
    target.mkdir(parents=True, exist_ok=True)
    with open_kernel() as kernel:
        for name, parameters in about:
            source = Path("notebooks", name.partition("-")[0]).with_suffix(".ipynb")
            execute(source, target / f"{name}.ipynb", parameters, kernel)
            yield target / f"{name}.ipynb"
    numbers = {name[:2] for name, _ in about}
    drawn = [name for name in FIGURES if FIGURES[name]["notebook"][:2] in numbers]
    yield from filter(Path.is_file, (folder / f"figures/{n}.svg" for n in drawn))
    for start in numbers - {"03"}:
        yield from folder.glob(f"{start}_*/*/{store.MANIFEST}")


def _train(folder: Path, about: list) -> Iterable[Path]:
    """Train the runs that are missing, of some facts, in one process."""
    from gtzan_lib.data.sources import open_dataset
    from gtzan_lib.experiments import runs
    from gtzan_lib.parameters import Parameters

    data, every = about
    dataset = open_dataset(data)
    for facts in every:
        run = runs.train(dataset, Parameters(**facts), progress=False)
        accuracy = run.metric("accuracy")["value"]
        print(f"[{run.name}] test accuracy {accuracy:.3f}", flush=True)
        yield run.folder / store.MANIFEST


def _report(folder: Path, about: list) -> Iterable[Path]:
    """Write the record of a profile's finished runs, and what is made of it."""
    from gtzan_lib.data.sources import open_dataset
    from gtzan_lib.experiments import grid, suite
    from gtzan_lib.report import derived, pages, pdf, record

    data, profile = about
    dataset = open_dataset(data)
    runs = grid.finished(dataset, profile)
    record.write(dataset, [*runs, *suite.ensembles(runs)])
    print(f"{dataset.name}: {len(runs)} runs of profile {profile}")
    pages.build(folder)
    files = [folder / name for name in (derived.FILE, record.PREDICTIONS)]
    parts = [path for name in ("record", "pages") for path in folder.glob(f"{name}/*")]
    return [*files, *parts, pdf.write(folder)]


KINDS = {do.__name__[1:]: do for do in (_execute, _train, _report)}


def main(kind: str, receipt: str, about: str, *needs: str) -> int:
    """Do a job and write its receipt; return 0, or 2 after saying what is wrong."""
    with sentences(stopped="") as status:  # the pipeline says it once
        told, folder = json.loads(about), Path(receipt).resolve().parent.parent
        made_of = key(told, needs)  # as they are now, before anybody edits them
        sums = {
            path.relative_to(folder).as_posix(): store.sha256(path)
            for path in sorted(KINDS[kind](folder, told))
        }
        Path(receipt).parent.mkdir(parents=True, exist_ok=True)
        store.write_json(Path(receipt), {"key": made_of, "made": sums})
    return status.code


def _end_with(parent: int) -> None:
    """End this process when its parent does, the pipeline, even if that is killed."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    sys.exit(main(*sys.argv[1:]))
