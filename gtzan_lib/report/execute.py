"""Executing notebooks for the pipeline by papermill: outputs, or one sentence."""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gtzan_lib.errors import UserError

LONGEST = 70  # characters of a temporary folder that sockets can be in
SLOW_SECONDS = 300  # that a kernel may take to start and to answer on a busy machine


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
