"""The few numbers at a notebook's end, beside those that are kept of the same data.

Of GTZAN ``report/results.json`` keeps them, over seeds. Of the synthetic sample
``report/sample.json`` does, of seed 0: ``make expected`` writes it, which executes the
notebooks as different processors would, and hands their records to this module.
"""

import math
import os
import re
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import special

from gtzan_lib import registry, store
from gtzan_lib.data.gtzan import Dataset
from gtzan_lib.experiments.run import ENSEMBLE, Run
from gtzan_lib.report.words import plural

SAMPLE, RESULTS = "report/sample.json", "report/results.json"
MAKES = "GTZAN_RECORD"  # set to 1 where a run makes the values that are kept
METRICS = ("loss@last", "train_accuracy@last", "accuracy", "top2")
EXACT = 1e-6  # of a value: by how much processors differ in what draws nothing
FEWEST = 3  # values that a standard deviation is taken of
LEAST = 0.01  # of a value: its spread where few processors agree by chance
WORDS = {
    "loss@last": "last training loss",
    "train_accuracy@last": "last training accuracy",
    "accuracy": "test accuracy",
    "top2": "top-2",
}
NONE = {"value": math.nan, "spread": math.nan, "n": 1}

Numbers = dict[str, float | dict[int, float]]  # of trainings by seed


def of_runs(runs: list[Run], metrics: tuple[str, ...] = METRICS) -> Numbers:
    """Return ``Run.metric`` values, such as ``"paper-lenet-...-epochs: accuracy"``.

    The name has all parameters but the seed; what a run does not have is left out.
    """
    numbers: Numbers = defaultdict(dict)
    for run in runs:
        name, _, seed = run.name.rpartition("-seed-")
        for metric in metrics:
            value = run.metric(metric)["value"]
            if not math.isnan(value):
                numbers[f"{name}: {metric}"][int(seed)] = value
    return dict(numbers)


def in_words(name: str) -> str:
    """Return the name of a number as tables show it.

    ``"paper-lenet-pool-random-100-epochs: top2"`` becomes ``"recipe paper, lenet from
    pool, split random, 100 epochs: top-2"``.
    """
    recipes, models, encoders = (
        "|".join(sorted(map(re.escape, names), key=len, reverse=True))
        for names in (
            [*registry.RECIPES, ENSEMBLE],
            registry.MODELS,
            registry.ENCODERS,
        )
    )
    several = r"(?:{0})(?:\+(?:{0}))*"
    model, encoder = several.format(models), several.format(encoders)
    pattern = rf"({recipes})-({model})-({encoder})-(.+)-(\d+)-epochs: (.+)"
    if not (found := re.fullmatch(pattern, name)):
        return name.replace(", of pooling's", " as a share of pooling's")
    recipe, model, encoder, split, epochs, metric = found.groups()
    words = f"recipe {recipe}, {model} from {encoder}, split {split}"
    return f"{words}, {plural(int(epochs), 'epoch')}: {WORDS.get(metric, metric)}"


def of_record(measured: dict) -> Numbers:
    """Return the numbers of all notebooks, named as there, from ``results.json``."""
    counts = measured["data"]["by_genre"].values()
    numbers = {"pictures": sum(counts), "pictures of the smallest genre": min(counts)}
    for mode, row in measured["pooling"].items():
        numbers[f"MSE of pooling 4 x 4, {mode}"] = row["mse"]
    for row in measured["encoders"]:
        if "of_pooling" in row:  # as records have had it since 0.2.0
            by_seed = dict(enumerate(row["of_pooling"]))
            numbers[f"MSE of {row['encoder']}, of pooling's"] = by_seed
    return numbers | of_runs([Run(kept=run) for run in measured["runs"]])


def compare(dataset: Dataset, numbers: Numbers) -> tuple[pd.DataFrame, str]:
    """Return a row for each number (here, kept, tolerance, agrees), and a sentence.

    A number of trainings agrees when it is in the 99 % interval (Student's) that the
    kept values predict for the mean of as many. ``agrees`` is "yes", "no" or, where
    nothing is kept of the same data and parameters, "-". Of data of which nothing is
    kept at all, ``kept`` and ``tolerance`` are left out.
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
        agrees = "yes" if abs(here["value"] - row["value"]) <= limit else "no"
        agrees = "-" if math.isnan(limit) else agrees
        rows[in_words(name)] = [here["value"], row["value"], limit, agrees]
    columns = ["here", "kept", "tolerance", "agrees"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    if not kept:
        return table[["here", "agrees"]], f"not compared: {where}"
    yes, unknown = (int((table["agrees"] == word).sum()) for word in ("yes", "-"))
    words = f"{yes} of {len(table) - unknown} numbers agree with {where}"
    other = f"; of {unknown} with these parameters none, or too few seeds, are kept"
    return table, words + other * (unknown > 0)


def _kept(dataset: Dataset) -> tuple[dict[str, dict], str]:
    """Return what is kept of a data set and in which file; or nothing and why."""
    if os.environ.get(MAKES):
        return {}, "this run makes the values that are kept"
    for name in (SAMPLE, RESULTS):
        content = store.read_json(store.PROJECT / name)
        if content and content["data"]["sha256"] == dataset.sha256:
            numbers = content.get("numbers")
            return numbers or {k: _mean(v) for k, v in of_record(content).items()}, name
    return {}, f"no values are kept of {dataset.name}"


def _mean(number: float | dict[int, float]) -> dict:
    """Return mean, standard deviation (NaN: of too few) and number of values."""
    values = list(number.values()) if isinstance(number, dict) else number
    is_known = np.ndim(values) == 0 or len(values) >= FEWEST
    spread = float(np.std(values, ddof=np.ndim(values))) if is_known else math.nan
    return {"value": float(np.mean(values)), "spread": spread, "n": np.size(values)}


def main(*records: str) -> None:
    """Write what records of the sample, one a processor, have all to ``SAMPLE``."""
    measured = [store.read_json(Path(path)) for path in records]
    numbers = [of_record(record) for record in measured]
    kept = {}
    for name, number in numbers[0].items():
        if not all(name in of for of in numbers):
            continue
        kept[name] = _mean(number)
        if isinstance(number, dict):  # by processor instead of by seed
            row = _mean({i: of[name][0] for i, of in enumerate(numbers)})
            spread = max(row["spread"], LEAST * abs(row["value"]))
            kept[name] = row | {"spread": spread, "seeds": [0]}
    made = [record["made"] for record in measured]
    content = {"data": measured[0]["data"], "made": made, "numbers": kept}
    store.write_json(store.PROJECT / SAMPLE, content)


if __name__ == "__main__":
    main(*sys.argv[1:])
