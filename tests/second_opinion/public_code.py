"""The rule of two softmaxes on public code: counted anew, from its CSV files."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from statistics_again import share_by_artist, wilson

FOLDER = Path(__file__).parents[2] / "gtzan_lib" / "evaluation"
LOGS = {"A": "made from", "B": "kept apart", "C": "labelled later"}
TIMES = {1: "once", 2: "twice"}
SUBSETS = {"train": "training", "val": "validation", "test": "test"}


@cache
def pairs() -> pd.DataFrame:
    """Return pairs that the rule is for: ``above`` the floor, ``told``, ``on`` line."""
    table = pd.read_csv(FOLDER / "softmax_pairs.csv", keep_default_na=False)
    table = table[table.unfit == ""].copy()
    floor = np.log(np.e + table.classes - 1) - 1
    table["above"] = table.loss >= floor
    table["told"] = ~table.above | (table.accuracy >= 1 / table.classes + 0.2)
    near = (table.loss - (floor + 1 - table.accuracy)).abs() <= 0.03
    table["on"] = table.above & table.told & near
    table["right"] = table.on == (table.softmaxes == 2)
    return table


@cache
def facts() -> dict:
    """Return what section 3.3 says, by name."""
    told = pairs()[pairs().told]
    tested = told[told.half != "A"]
    below = tested[~tested.above]
    found = {"answered": len(tested), "below": len(below)}
    assert (below.softmaxes == 1).all()  # by arithmetic
    likely = {}
    for n, name in TIMES.items():
        above = tested[tested.above & (tested.softmaxes == n)]
        found[f"{name}.right"], found[f"{name}.n"] = above.right.sum(), len(above)
        found[f"{name}.share"] = share_by_artist(above.right, above.source)
        found[f"{name}.sources"] = above.source.nunique()
        on = tested[tested.softmaxes == n].on
        found[f"{name}.on"], found[f"{name}.told"] = on.sum(), len(on)
        likely[n] = on.mean()
    table = pd.read_csv(FOLDER / "softmax_prevalence.csv", keep_default_na=False)
    table = table[table.excluded == ""].drop_duplicates("source")
    for name, part in (("genre", table[table.frame == "genre"]), ("all", table)):
        found[f"{name}.k"], found[f"{name}.n"] = part.twice.sum(), len(part)
        found[name] = wilson(part.twice.sum(), len(part))
    found["ratio"] = likely[2] / likely[1]
    for name, p in zip(("prob", "low", "high"), found["genre"], strict=True):
        found[name] = 1 / (1 + (1 - p) / p / found["ratio"])
    logs = pairs()[pairs().source == "exelban/tensorflow-cifar-10"]
    ordered = logs.sort_values("softmaxes", kind="stable")
    for name, log in zip(
        ("before", "before2", "after"), ordered.itertuples(), strict=True
    ):
        found |= {f"{name}.loss": log.loss, f"{name}.accuracy": log.accuracy}
    return {f"code.{key}": value for key, value in found.items()}


def rows():
    """Yield caption, label and values of the rows of its two tables."""
    for (half, n), part in pairs().groupby(["half", "softmaxes"]):
        told = part[part.told]
        above = told[told.above]
        values = [len(part), told.source.nunique(), told.right.sum(), len(told)]
        values += [above.right.sum(), len(above)]
        share = (
            (above.right.mean(), 0, 1) if len(above) else ()
        )  # one source says nothing of others
        if above.source.nunique() > 1:
            share = share_by_artist(above.right, above.source)
        if half != "A":
            yield "The rule on pairs", f"{LOGS[half]} {TIMES[n]}", [values, share]
    for source, part in pairs().groupby("source"):
        if part.softmaxes.nunique() == 2:
            for row in part.itertuples():
                label = f"{source} {row.run} {row.task} {LOGS[row.half]} "
                label += f"{SUBSETS[row.subset]} {TIMES[row.softmaxes]}"
                yield "All pairs of", label, [(row.loss, row.accuracy)]
