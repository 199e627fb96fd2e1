"""Two files of results side by side: what changed, and more than by chance.

For a report before and after a change, or made on two machines.
"""

import math
from collections import Counter
from itertools import chain
from pathlib import Path

import pandas as pd

from gtzan_lib.data.genres import GENRES
from gtzan_lib.errors import DataError
from gtzan_lib.evaluation.metrics import Estimate, with_interval
from gtzan_lib.experiments import groups
from gtzan_lib.experiments.run import Run
from gtzan_lib.report import claims, record, schema

CURVES = ("loss@first", "loss@last", "train_accuracy@last")
METRICS = ("accuracy", "top2", "saturated", *CURVES, *(f"recall:{g}" for g in GENRES))
OWN = ("started", "seconds", "members")  # facts that no two runs share
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

    ``only_first`` and ``only_second`` name runs; ``provenance`` has a row a ``fact``
    that differs, and in how many ``runs`` (0: of the whole record). ``changes`` has a
    row for each metric of a ``run`` and of a ``configuration`` (its seeds together):
    estimates ``first`` and ``second``, ``difference`` (second less first), and whether
    that is ``beyond`` their intervals, added in squares (None without intervals).
    ``largest`` has the row of the run that differs most by a metric, and how many runs
    ``differ`` and are ``beyond``. ``verdicts`` has the claims whose verdict, by today's
    rules, is another, where both records are of today's form. ``agree``: the same
    runs, and nothing beyond.
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
    return {
        "agree": ours.keys() == theirs.keys() and not any(r["beyond"] for r in changes),
        "only_first": [name for name in ours if name not in theirs],
        "only_second": [name for name in theirs if name not in ours],
        "provenance": _provenance(first, second, pairs),
        "largest": _largest([row for row in changes if row["of"] == "run"]),
        "changes": changes,
        "verdicts": _verdicts((first, ours), (second, theirs)),
    }


def _verdicts(*records: tuple[dict, dict[str, Run]]) -> list[dict]:
    answers = []
    for content, runs in records:
        try:
            schema.check(content, Path(record.RESULTS), record.SCHEMA)
        except DataError:
            return []
        answers.append(claims.answer(claims.load(), content, [*runs.values()]))
    return [
        {"claim": a["id"], "first": a["verdict"], "second": b["verdict"]}
        for a, b in zip(*answers, strict=True)
        if a["verdict"] != b["verdict"]
    ]


def as_text(found: dict) -> str:
    """Return what ``compare`` found as lines for people."""
    largest = [row for row in found["largest"] if row["differ"]]
    beyond = [row for row in found["changes"] if row["beyond"]]
    tables = {
        "provenance that differs (runs 0: of the whole)": found["provenance"],
        "runs of the same name: where they differ most": largest,
        "changed by more than the intervals": beyond,
        "verdicts that are others": found["verdicts"],
    }
    lines = [
        f"only in the {which} ({len(names)}): {', '.join(names[:SHOWN])}"
        for which in ("first", "second")
        if (names := found[f"only_{which}"])
    ]
    for title, rows in tables.items():
        if rows:
            shown = [{k: _word(v) for k, v in row.items()} for row in rows[:SHOWN]]
            words = pd.DataFrame(shown).to_string(index=False)
            lines += ["", f"{title} ({len(rows)})", words]
    words = "the same runs, and nothing changed by more than its interval"
    return "\n".join([*lines, "", words if found["agree"] else "they differ"]).strip()


def _word(value: object) -> object:
    if isinstance(value, dict):
        return with_interval(value, 4 if math.isnan(value["low"]) else 2)
    return f"{value:.4f}" if isinstance(value, float) else value


def _row(of: str, name: str, metric: str, first: Estimate, second: Estimate) -> dict:
    half = math.hypot(*((each["high"] - each["low"]) / 2 for each in (first, second)))
    difference = second["value"] - first["value"]
    beyond = None if math.isnan(half) else abs(difference) > half + LAST_DIGIT
    row = {"of": of, "name": name, "metric": metric, "first": first, "second": second}
    return row | {"difference": difference, "beyond": beyond}


def _largest(rows: list[dict]) -> list[dict]:
    summary = []
    for metric in METRICS:
        if own := [row for row in rows if row["metric"] == metric]:
            most = max(own, key=lambda row: abs(row["difference"]))
            differ = sum(abs(row["difference"]) > LAST_DIGIT for row in own)
            beyond = sum(bool(row["beyond"]) for row in own)
            counts = {"runs": len(own), "differ": differ, "beyond": beyond}
            summary.append({k: v for k, v in most.items() if k != "of"} | counts)
    return summary


def _provenance(first: dict, second: dict, pairs: list[tuple[Run, Run]]) -> list[dict]:
    """Return rows of the facts that differ, and of how many runs."""
    both = [_changed(run.provenance, other.provenance) for run, other in pairs]
    counted = Counter(chain(*both))
    whole = (content["made"] | content["data"] for content in (first, second))
    counted.update(dict.fromkeys(_changed(*whole), 0))
    return [
        {"fact": fact, "first": a, "second": b, "runs": n}
        for (fact, a, b), n in counted.items()
    ]


def _changed(first: dict, second: dict) -> list[tuple[str, str, str]]:
    """Return facts that differ, as words; a fact of facts by its parts."""
    changed = []
    for name in sorted({*first, *second} - {*OWN}):
        a, b = first.get(name, "-"), second.get(name, "-")
        if isinstance(a, dict) and isinstance(b, dict):
            changed += [(f"{name}.{part}", *pair) for part, *pair in _changed(a, b)]
        elif a != b:
            changed.append((name, str(a)[:50], str(b)[:50]))
    return changed
