"""Executing notebooks for the pipeline, by papermill: their outputs, or one sentence.

Of what a notebook prints, a line that updates (progress) is passed on every twenty
seconds; the rest is in the executed notebook.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from gtzan_lib.errors import UserError

UPDATE_SECONDS = 20
LONGEST = 70  # characters of a temporary folder that sockets can be in
SLOW_SECONDS = 300  # that a kernel may take to start and to answer on a busy machine


class Relay:
    """A text file that passes on the lines that update, each behind a label."""

    def __init__(self, label: str):
        self.label, self.rest, self.shown = label, "", 0.0

    def write(self, text: str) -> None:
        """Take a piece of what a notebook prints."""
        lines = (self.rest + text).replace("\r", "\n\r").split("\n")
        self.rest = lines[-1]
        for line, after in pairwise(lines):
            is_last = line.startswith("\r") and not after.startswith("\r")
            is_due = time.time() - self.shown >= UPDATE_SECONDS
            if line.strip() and line.startswith("\r") and (is_due or is_last):
                self.shown = time.time()
                print(f"[{self.label}] {line.strip()}", flush=True)

    def flush(self) -> None:
        """Do nothing: lines are passed on as they come."""


@contextmanager
def open_kernel() -> Iterator:
    """Open a kernel for ``execute``; it is started by the first notebook."""
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
            stdout_file=Relay(output.stem),
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
