"""The few numbers at a notebook's end, beside those that are kept of the same data.

Of GTZAN they follow from the tables in ``report``, over seeds. Of the synthetic sample
``report/sample.json`` has them, of seed 0: ``make expected`` writes it, which executes
the notebooks as different processors would, and hands their records to this module.
"""

import math
import os
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from scipy import special

from gtzan_lib import store
from gtzan_lib.data.gtzan import Dataset
from gtzan_lib.experiments import tables
from gtzan_lib.experiments.run import Measured
from gtzan_lib.experiments.tables import Tables
from gtzan_lib.report.words import plural

REPORT, SAMPLE = store.PROJECT / "report", "sample.json"
MAKES = "GTZAN_RECORD"  # set to 1 where a run makes the values that are kept
EXACT = 1e-6  # of a value: by how much processors differ in what draws nothing
FEWEST = 3  # values that a standard deviation is taken of
LEAST = 0.01  # of a value: its spread where few processors agree by chance
METRICS = {  # and the words for them
    "loss": "last training loss",
    "train_accuracy": "last training accuracy",
    "accuracy": "test accuracy",
    "top2": "top-2",
}
NONE = {"value": math.nan, "spread": math.nan, "n": 1}

Numbers = dict[str, float | dict[int, float]]  # of trainings by seed


def of_runs(runs: list[Measured], metrics: Iterable[str] = METRICS) -> Numbers:
    """Return metrics of runs by the words for them; left out is what a run has not."""
    numbers: Numbers = defaultdict(dict)
    for run in runs:
        facts = run.provenance
        about = f"recipe {facts['recipe']}, {facts['model']} from {facts['encoder']}, "
        about += f"split {facts['split']}, {plural(facts['epochs'], 'epoch')}"
        for metric in metrics:
            value = run.metric(metric)["value"]
            if not math.isnan(value):
                numbers[f"{about}: {METRICS[metric]}"][facts["seed"]] = value
    return dict(numbers)


def of_record(record: Tables) -> Numbers:
    """Return the numbers of all notebooks, named as there."""
    counts = record.by_genre.values()
    numbers = {"pictures": sum(counts), "pictures of the smallest genre": min(counts)}
    for mode, mse in record.pooling.set_index("upsampling")["mse"].items():
        numbers[f"MSE of pooling 4 x 4, {mode}"] = mse
    for name, rows in record.codes.groupby("encoder"):
        by_seed = rows.set_index("seed")["of_pooling"].to_dict()
        numbers[f"MSE of {name} as a share of pooling's"] = by_seed
    return numbers | of_runs(record.measured)


def compare(dataset: Dataset, numbers: Numbers) -> tuple[pd.DataFrame, str]:
    """Return a row for each number (here, kept, tolerance, agrees), and a sentence.

    A number of trainings agrees when it is in the 99 % interval (Student's) that the
    kept values predict for the mean of as many. ``agrees`` is "-" where nothing is kept
    of the same data and parameters. Of data of which nothing is kept at all, ``kept``
    and ``tolerance`` are left out.
    """
    kept, where = _kept(dataset)
    rows = {}
    for name, number in numbers.items():
        seeds = list(number) if isinstance(number, dict) else None
        here, row = _mean(number), kept.get(name, NONE)
        if row.get("seeds", seeds) != seeds:
            row = NONE
        student = special.stdtrit(max(row["n"] - 1, 1), 0.995)
        limit = student * row["spread"] * (1 / here["n"] + 1 / row["n"]) ** 0.5
        limit += EXACT * abs(row["value"])
        is_near = abs(here["value"] - row["value"]) <= limit
        agrees = "-" if math.isnan(limit) else "yes" if is_near else "no"
        rows[name] = [here["value"], row["value"], limit, agrees]
    columns = ["here", "kept", "tolerance", "agrees"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    if not kept:
        return table[["here", "agrees"]], f"not compared: {where}"
    yes, unknown = (int((table["agrees"] == word).sum()) for word in ("yes", "-"))
    words = f"{yes} of {len(table) - unknown} numbers agree with {where}"
    other = f"; of {unknown} with these parameters none, or too few seeds, are kept"
    return table, words + other * (unknown > 0)


def _kept(dataset: Dataset) -> tuple[dict[str, dict], str]:
    """Return what is kept of a data set and where; or nothing and why."""
    if os.environ.get(MAKES):
        return {}, "this run makes the values that are kept"
    sample = store.read_json(REPORT / SAMPLE)
    if sample and sample["data_sha256"] == dataset.sha256:
        return sample["numbers"], f"report/{SAMPLE}"
    about = REPORT / tables.FOLDER / tables.FILES["data"]
    if about.is_file() and pd.read_csv(about)["sha256"].eq(dataset.sha256).all():
        numbers = of_record(tables.read(REPORT))
        return {k: _mean(v) for k, v in numbers.items()}, f"report/{tables.FOLDER}"
    return {}, f"no values are kept of {dataset.name}"


def _mean(number: float | dict[int, float]) -> dict:
    """Return mean, standard deviation (NaN: of too few) and number of values."""
    if not isinstance(number, dict):
        return {"value": float(number), "spread": 0.0, "n": 1}
    values = pd.Series(number)
    spread = values.std() if len(values) >= FEWEST else math.nan
    return {"value": float(values.mean()), "spread": float(spread), "n": len(values)}


def main(*folders: str) -> None:
    """Write what records of the sample, one a processor, have all to ``SAMPLE``."""
    records = [tables.read(Path(folder)) for folder in folders]
    numbers = [of_record(record) for record in records]
    kept = {}
    for name in (n for n in numbers[0] if all(n in of for of in numbers)):
        kept[name] = _mean(numbers[0][name])
        if isinstance(numbers[0][name], dict):  # by processor instead of by seed
            row = _mean({i: of[name][0] for i, of in enumerate(numbers)})
            spread = max(row["spread"], LEAST * abs(row["value"]))
            kept[name] = row | {"spread": spread, "seeds": [0]}
    content = {"data_sha256": records[0].data["sha256"].iloc[0], "numbers": kept}
    store.write_json(REPORT / SAMPLE, content)


if __name__ == "__main__":
    main(*sys.argv[1:])
