"""From finished runs to the rows of ``tables``."""

import json

import numpy as np
import pandas as pd

from gtzan_lib.data.genres import GENRES
from gtzan_lib.experiments.kept import ANSWERED, PAIRS, PARTS, RIGHT
from gtzan_lib.experiments.run import MAIN, Run, folder_name
from gtzan_lib.experiments.tables import NEEDED


def rows_of(runs: list[Run], tracks: list[str]) -> dict[str, pd.DataFrame]:
    """Return the tables ``runs``, ``epochs``, ``answers`` and ``confusions`` of runs.

    ``tracks`` are all tracks of the data, by position.
    """
    names = np.array(tracks)
    makers = {"epochs": epochs_of, "confusions": confusions_of}
    made = {name: [make(run) for run in runs] for name, make in makers.items()}
    made["answers"] = [answers_of(run, names) for run in runs]
    every = [row_of(run) for run in runs]
    columns = None if runs else [*NEEDED["runs"]]
    tables = {"runs": pd.DataFrame(every, columns=columns)}
    for name, parts in made.items():
        some = [part for part in parts if len(part)]
        empty = pd.DataFrame(columns=[*NEEDED[name]])
        tables[name] = pd.concat(some, ignore_index=True) if some else empty
    counts = [c for c in tables["epochs"] if c.startswith(("answered_", "right_"))]
    counts += [c for c in tables["epochs"] if c.endswith(("_right", "_top2"))]
    tables["epochs"] = tables["epochs"].astype(dict.fromkeys(counts, "Int64"))
    return tables


def row_of(run: Run) -> dict:
    """Return a run's row of ``runs``: its provenance, flat, and its mean epoch."""
    facts = {k: v for k, v in run.provenance.items() if not k.startswith("member")}
    row = {"run": run.name} | flat(facts)
    members = run.provenance.get("members", {}).values()
    keys = run.provenance.get("member_keys", [])
    for i, (temperature, key) in enumerate(zip(members, keys, strict=True)):
        row |= {f"member.{i}": folder_name(key), f"temperature.{i}": temperature}
    return row | {
        "seconds_an_epoch": float(np.mean(run.history.get("seconds", np.nan)))
    }


def flat(facts: dict) -> dict:
    """Return nested facts as columns, such as ``versions.torch``; lists as JSON."""
    row = {}
    for name, value in facts.items():
        inside = value if isinstance(value, dict) else {"": value}
        for part, each in inside.items():
            is_plain = not isinstance(each, list | dict)
            column = f"{name}.{part}" if part else name
            row[column] = each if is_plain else json.dumps(each)
    return row


def epochs_of(run: Run) -> pd.DataFrame:
    """Return a run's rows of ``epochs``; none of an ensemble."""
    counts, history = run.confusions, run.history
    table = {"run": run.name, "epoch": np.arange(len(history.get("loss", ()))) + 1}
    for part in ("train", *PARTS):
        loss = "loss" if part == "train" else f"{part}_loss"
        if loss in history:
            table[loss] = history[loss]
        if part in counts:
            table[f"{part}_right"] = counts[part].diagonal(axis1=1, axis2=2).sum(axis=1)
    if run.top2_after and history:
        table["test_top2"] = [run.top2_after.get(e, pd.NA) for e in table["epoch"]]
    if MAIN.items() <= run.provenance.items():
        _, answered, right = run.counted
        table |= dict(zip(ANSWERED, answered.T, strict=True))
        table |= dict(zip(RIGHT, right.T, strict=True))
    return pd.DataFrame(table)


def answers_of(run: Run, tracks: np.ndarray) -> pd.DataFrame:
    """Return a run's rows of ``answers``; ``tracks`` are all tracks of its data."""
    parts = []
    for part, said in zip(PARTS, (run.predictions, run.validation), strict=True):
        if said is not None:
            table = pd.DataFrame(np.asarray(said["logits"], np.float32), columns=GENRES)
            table.insert(0, "run", run.name)
            table.insert(1, "part", part)
            table.insert(2, "track", tracks[said["index"]])
            table.insert(3, "truth", np.array(GENRES)[said["labels"]])
            parts.append(table)
    return pd.concat(parts)


def confusions_of(run: Run) -> pd.DataFrame:
    """Return a run's rows of ``confusions``: test pictures after each epoch."""
    if not MAIN.items() <= run.provenance.items():
        return pd.DataFrame()
    table = pd.DataFrame(run.test_confusions.reshape(-1, len(PAIRS)), columns=PAIRS)
    table.insert(0, "run", run.name)
    table.insert(1, "epoch", np.arange(len(table)) + 1)
    return table
