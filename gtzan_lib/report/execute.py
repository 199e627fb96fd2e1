"""Executing a notebook for the pipeline, by papermill: its output, or one sentence.

Of what the notebook prints, a line that updates (progress) is passed on every twenty
seconds; the rest is in the executed notebook. Used by ``Snakefile``:
``python -m gtzan_lib.report.execute NOTEBOOK OUTPUT PARAMETERS_AS_JSON``.
"""

import json
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from gtzan_lib.errors import UserError

UPDATE_SECONDS = 20
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


def execute(notebook: Path, output: Path, parameters: dict) -> None:
    """Execute a notebook with parameters; write it as it ran, also when it failed.

    The ``UserError`` of one that failed has the sentence that it ended with.
    """
    import papermill
    from traitlets.config import Config

    try:
        with tempfile.TemporaryDirectory() as folder:
            # Sockets of this computer alone: over TCP, the kernel warns.
            sockets = {"transport": "ipc", "ip": f"{folder}/kernel"}
            papermill.execute_notebook(
                notebook,
                output,
                parameters,
                kernel_name="python3",
                progress_bar=False,
                stdout_file=Relay(output.stem),
                autosave_cell_every=0,
                start_timeout=SLOW_SECONDS,
                iopub_timeout=SLOW_SECONDS,
                config=Config(KernelManager=sockets),
            )
    except papermill.PapermillExecutionError as error:
        words = f"{error.ename}: {error.evalue}"
        is_sentence = error.traceback == [words]
        raise UserError(words if is_sentence else str(error)) from None
    except OSError as error:
        raise UserError(f"cannot write {output}: {error.strerror}") from error


def main(notebook: str, output: str, parameters: str) -> int:
    """Execute one notebook; return 0, or 2 after saying what is wrong."""
    Path(output).parent.mkdir(parents=True, exist_ok=True)
    try:
        execute(Path(notebook), Path(output), json.loads(parameters))
    except UserError as error:
        print(f"{Path(output).stem}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
