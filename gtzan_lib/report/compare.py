"""Two files of results side by side: what changed, and more than by chance.

For a report before and after a change, or made on two machines.
"""

import math
from pathlib import Path

import pandas as pd

from gtzan_lib.data.genres import GENRES
from gtzan_lib.evaluation.metrics import Estimate, with_interval
from gtzan_lib.experiments import groups
from gtzan_lib.experiments.run import Run
from gtzan_lib.report import record, schema

CURVES = ("loss@first", "loss@last", "train_accuracy@last")
METRICS = ("accuracy", "top2", "saturated", *CURVES, *(f"recall:{g}" for g in GENRES))
SHOWN = 30  # rows in the text
LAST_DIGIT = 1e-9  # a change that is none


def read(path: Path) -> dict:
    """Read ``results.json``, or that of a folder; ``DataError`` says what is wrong.

    Of one that another version wrote, runs and provenance are enough.
    """
    path = path / record.RESULTS if path.is_dir() else path
    return schema.read(path, record.SCHEMA, "data", "made", "runs")


def compare(first: dict, second: dict) -> dict:
    """Return what differs between two records (``results.json``).

    ``only_first`` and ``only_second`` name runs; ``provenance`` has a row a ``fact`` of
    the whole record that differs. ``changes`` has a row for each metric of a ``run``
    and of a ``configuration`` (its seeds together): estimates ``first`` and
    ``second``, ``difference`` (second less first), and whether that is ``beyond`` their
    intervals, added in squares (None without intervals). ``agree``: the same runs, and
    nothing beyond.
    """
    ours, theirs = (
        {run["run"]: Run(kept=run) for run in content["runs"]}
        for content in (first, second)
    )
    pairs = [(run, theirs[name]) for name, run in ours.items() if name in theirs]
    levels = {("run", run.name): ([run], [other]) for run, other in pairs}
    for facts, group in groups.group_runs([run for run, _ in pairs]).items():
        others = [theirs[run.name] for run in group]
        levels["configuration", "-".join(map(str, facts))] = group, others
    changes = [
        _row(*level, metric, *(groups.over_seeds(runs, metric) for runs in pair))
        for level, pair in levels.items()
        for metric in METRICS
    ]
    changes = [row for row in changes if not math.isnan(row["difference"])]
    a, b = map(_facts, (first, second))
    return {
        "agree": ours.keys() == theirs.keys() and not any(r["beyond"] for r in changes),
        "only_first": [name for name in ours if name not in theirs],
        "only_second": [name for name in theirs if name not in ours],
        "provenance": [
            {"fact": name, "first": a.get(name), "second": b.get(name)}
            for name in a.index.union(b.index)
            if a.get(name) != b.get(name)
        ],
        "changes": changes,
    }


def _facts(content: dict) -> pd.Series:
    """Return where a record comes from: versions, machine and data."""
    return pd.json_normalize(content["data"] | content["made"]).iloc[0].astype(str)


def _row(of: str, name: str, metric: str, first: Estimate, second: Estimate) -> dict:
    half = math.hypot(*((each["high"] - each["low"]) / 2 for each in (first, second)))
    difference = second["value"] - first["value"]
    beyond = None if math.isnan(half) else abs(difference) > half + LAST_DIGIT
    row = {"of": of, "name": name, "metric": metric, "first": first, "second": second}
    return row | {"difference": difference, "beyond": beyond}


def as_text(found: dict) -> str:
    """Return what ``compare`` found as lines for people."""
    changed = [row for row in found["changes"] if abs(row["difference"]) > LAST_DIGIT]
    changed.sort(key=lambda row: abs(row["difference"]))
    largest = {row["metric"]: row for row in changed if row["of"] == "run"}
    tables = {
        "provenance that differs": found["provenance"],
        "runs of the same name: the largest change by metric": [*largest.values()],
        "changed by more than the intervals": [r for r in changed if r["beyond"]],
    }
    lines = [
        f"only in the {which} ({len(names)}): {', '.join(names[:SHOWN])}"
        for which in ("first", "second")
        if (names := found[f"only_{which}"])
    ]
    for title, rows in tables.items():
        if rows:
            shown = [{k: _word(v) for k, v in row.items()} for row in rows[-SHOWN:]]
            words = pd.DataFrame(reversed(shown)).to_string(index=False)
            lines += ["", f"{title} ({len(rows)})", words]
    words = "the same runs, and nothing changed by more than its interval"
    return "\n".join([*lines, "", words if found["agree"] else "they differ"]).strip()


def _word(value: object) -> object:
    if isinstance(value, dict) and "value" in value:
        return with_interval(value, 4 if math.isnan(value["low"]) else 2)
    return f"{value:.4f}" if isinstance(value, float) else str(value)[:50]
