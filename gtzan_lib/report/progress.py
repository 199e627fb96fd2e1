"""What a person sees of the pipeline: a line a finished step, with the time left.

A handler of Snakemake's log, by its ``LogEvent``s; what jobs print is not in that log.
The pages fill up meanwhile, from the second step on.
"""

import logging
import threading
import time

from snakemake_interface_logger_plugins.common import LogEvent

from gtzan_lib.data.gtzan import Dataset


def minutes(seconds: float) -> str:
    """Return a time in words, such as ``"40 s"`` or ``"2 h 5 min"``."""
    if seconds < 99:
        return f"{seconds:.0f} s"
    hours, rest = divmod(round(seconds / 60), 60)
    return f"{hours} h {rest} min" if hours else f"{rest} min"


def fill_pages(data: str, profile: str, done: int, steps: int) -> None:
    """Make the pages of what is finished, or say why they wait.

    Where there is a record already, pages stay as they are.
    """
    from gtzan_lib.data.sources import open_dataset
    from gtzan_lib.experiments import grid
    from gtzan_lib.report import claims, pages, record
    from gtzan_lib.report.derived import derive

    try:
        dataset = open_dataset(data)
        if not (dataset.results / record.DERIVED).is_file():
            tables = record.collect(dataset, grid.finished(dataset, profile))
            content = derive(tables, claims.load())
            content["so_far"] = f"{done} of {steps}"
            pages.build(dataset.results, content)
    except Exception as error:  # which must not end the pipeline
        print(f"(pages wait for the next step: {error})", flush=True)


class Shown(logging.Handler):
    """Shows steps and errors; fills pages for a twentieth of the time at most."""

    def __init__(self, data: str, profile: str, fill=fill_pages):
        super().__init__(logging.INFO)
        self.started, self.due, self.filling = time.monotonic(), 0.0, None
        self.asked, self.fill, self.is_stopped = (data, profile), fill, False

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
        is_busy = self.filling is not None and self.filling.is_alive()
        if 2 <= done < steps and time.monotonic() > self.due and not is_busy:
            self.filling = threading.Thread(
                target=self._fill, args=(done, steps), daemon=True
            )
            self.filling.start()

    def _fill(self, done: int, steps: int) -> None:
        before = time.monotonic()
        self.fill(*self.asked, done, steps)
        self.due = time.monotonic() + 19 * (time.monotonic() - before)

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
