"""What a person sees of the pipeline: a line a finished step, with the time left.

``snakemake ... 2>&1 | python -m gtzan_lib.report.progress DATA PROFILE``: what
Snakefile's jobs say is passed on, and so is an error; what Snakemake says of each job
is in its own log.
The pages fill up meanwhile, from the second step on.
"""

import re
import signal
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial

STEP = re.compile(r"^(\d+) of (\d+) steps \(\d+%\) done$")
CHATTER = re.compile(
    r"^(Assuming unrestricted|Building DAG|Using shell|Provided cores|Rules claiming"
    r"|Conda environments|host:|Job stats|job +count|-+ +-+|[\w+-]+ +\d+$|Select jobs"
    r"|Execute \d+ jobs|\[\w{3} \w{3} +\d|Finished jobid|Touching output|Elapsed time"
    r"|Warning: the following output files|\{'.*'\}$)"  # pages that are filling up
)


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
        if not (dataset.results / record.RESULTS).is_file():
            measured = record.collect(dataset, grid.finished(dataset, profile))
            content = measured | derive(measured, claims.load())
            content["so_far"] = f"{done} of {steps}"
            pages.build(dataset.results, content)
    except Exception as error:  # which must not end the pipeline
        print(f"(pages wait for the next step: {error})", flush=True)


def addresses(data: str) -> None:
    """Print where the pages of a data set, its PDF and its results are."""
    from gtzan_lib.data.sources import open_dataset

    dataset = open_dataset(data)
    print(f"\n{dataset.name}. Open in a browser:")
    for path in ("pages/index.html", "paper.pdf"):
        print(f"  {dataset.results / path}")
    print(f"Executed notebooks and results are in {dataset.results}")


def show(lines: Iterable[str], fill: Callable[[int, int], None]) -> bool:
    """Print the lines that matter of what Snakemake says, as they come.

    ``fill`` is called with the number of finished steps and of all, for a twentieth of
    the time at most. The time left is guessed from a third of the steps on. Returned is
    whether all is done.
    """
    started, was_blank, due, is_done = time.monotonic(), True, 0.0, False
    for line in map(str.rstrip, lines):
        is_done |= line.startswith("Nothing to be done")
        if step := STEP.match(line):
            done, steps = map(int, step.groups())
            is_done = done == steps
            passed = time.monotonic() - started
            left = minutes(passed / done * (steps - done))
            words = f"{done} of {steps} steps in {minutes(passed)}"
            is_known = steps / 3 <= done < steps
            print(words + f", about {left} left" * is_known, flush=True)
            if 2 <= done < steps and time.monotonic() > due:
                before = time.monotonic()
                fill(done, steps)
                due = time.monotonic() + 19 * (time.monotonic() - before)
        is_chatter = CHATTER.match(line) is not None
        if not step and not is_chatter and (line or not was_blank):
            print(line, flush=True)
        was_blank = is_chatter or not line
    return is_done


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Snakemake has more to say
    if show(sys.stdin, partial(fill_pages, *sys.argv[1:3])):
        addresses(sys.argv[1])
