"""What a person sees of the pipeline: a line a finished step, with the time left.

A handler of Snakemake's log, by its ``LogEvent``s; what jobs print is not in that log.
"""

import logging
import time

from snakemake_interface_logger_plugins.common import LogEvent

from gtzan_lib.data.gtzan import Dataset


def minutes(seconds: float) -> str:
    """Return a time in words, such as ``"40 s"`` or ``"2 h 5 min"``."""
    if seconds < 99:
        return f"{seconds:.0f} s"
    hours, rest = divmod(round(seconds / 60), 60)
    return f"{hours} h {rest} min" if hours else f"{rest} min"


class Shown(logging.Handler):
    """Shows steps and errors."""

    def __init__(self):
        super().__init__(logging.INFO)
        self.started, self.is_stopped = time.monotonic(), False

    def emit(self, record: logging.LogRecord) -> None:
        """Take an event of Snakemake's, as it comes."""
        event = getattr(record, "event", None)
        if event == LogEvent.PROGRESS:
            self.step(record.done, record.total)
        elif event == LogEvent.JOB_ERROR:
            print(f"{record.rule_name} did not end; it may say why above", flush=True)
        elif record.levelno >= logging.ERROR and not self.is_stopped:
            words = record.getMessage()
            if not words.startswith(("RuleException", "Exiting because")):  # as above
                places = ("WorkflowError", "  File ")  # in the Snakefile
                lines = [w for w in words.split("\n") if not w.startswith(places)]
                print(*filter(str.strip, lines), sep="\n", flush=True)

    def step(self, done: int, steps: int) -> None:
        """Show how many steps are done; guess the time left from a third of them on."""
        passed = time.monotonic() - self.started
        words = f"{done} of {steps} steps in {minutes(passed)}"
        if steps / 3 <= done < steps:
            words += f", about {minutes(passed / done * (steps - done))} left"
        print(words, flush=True)

    def end(self, dataset: Dataset) -> None:
        """Say where the pages of a data set, its PDF and its results are."""
        print(f"\n{dataset.name}. Open in a browser:")
        for path in ("pages/index.html", "paper.pdf"):
            print(f"  {dataset.results / path}")
        print(f"Executed notebooks and results are in {dataset.results}", flush=True)

    def stop(self) -> None:
        """Say how to go on."""
        self.is_stopped = True
        print("stopped; what is finished is kept: run it again to go on", flush=True)
