"""A run as rows of the tables of a record (see ``tables``), and back."""

import json

import numpy as np
import pandas as pd

from gtzan_lib.data.artists import artists_of
from gtzan_lib.data.genres import GENRES
from gtzan_lib.experiments import scores
from gtzan_lib.experiments.run import MAIN, Run

PARTS = ("test", "validation")
CERTAIN = "train_certain"  # answers whose percentage prints as 100.0
ANSWERED, RIGHT = ([f"{word}_{g}" for g in GENRES] for word in ("answered", "right"))
PAIRS = [f"{true}_as_{called}" for true in GENRES for called in GENRES]


def runs_row(run: Run) -> dict:
    """Return a run's row of ``runs``: its provenance, flat, and its mean epoch."""
    seconds = {"seconds_an_epoch": float(np.mean(run.history.get("seconds", np.nan)))}
    return {"run": run.name} | flat(run.provenance) | seconds


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


def epochs_rows(run: Run) -> pd.DataFrame:
    """Return a run's rows of ``epochs``; none of an ensemble."""
    counts, history = run.confusions, run.history
    table = {"run": run.name, "epoch": np.arange(len(history.get("loss", ()))) + 1}
    for part in ("train", *PARTS):
        loss = "loss" if part == "train" else f"{part}_loss"
        if loss in history:
            table[loss] = history[loss]
        if part in counts:
            table[f"{part}_right"] = counts[part].diagonal(axis1=1, axis2=2).sum(axis=1)
    if CERTAIN in history:
        shares = np.array(history[CERTAIN])
        table[CERTAIN] = np.rint(shares * run.subsets["train"]).astype(int)
    if run.top2_after and history:
        table["test_top2"] = [run.top2_after.get(e, pd.NA) for e in table["epoch"]]
    if has_genres(run.provenance):
        _, answered, right = run.counted
        table |= dict(
            zip(ANSWERED + RIGHT, np.hstack([answered, right]).T, strict=True)
        )
    return pd.DataFrame(table)


def answers_rows(run: Run, tracks: np.ndarray) -> pd.DataFrame:
    """Return a run's rows of ``answers``; ``tracks`` are all tracks of its data."""
    parts = []
    for part, said in zip(PARTS, (run.predictions, run.validation), strict=True):
        if said is not None:
            table = pd.DataFrame(np.asarray(said["logits"], np.float32), columns=GENRES)
            about = {"run": run.name, "part": part, "track": tracks[said["index"]]}
            about["truth"] = np.array(GENRES)[said["labels"]]
            parts.append(pd.concat([pd.DataFrame(about), table], axis=1))
    return pd.concat(parts)


def confusions_rows(run: Run) -> pd.DataFrame:
    """Return a run's rows of ``confusions``: test pictures after each epoch."""
    if not has_confusions(run.provenance):
        return pd.DataFrame()
    table = pd.DataFrame(run.test_confusions.reshape(-1, len(PAIRS)), columns=PAIRS)
    about = pd.DataFrame({"run": run.name, "epoch": np.arange(len(table)) + 1})
    return pd.concat([about, table], axis=1)


def has_confusions(facts: dict) -> bool:
    """Tell whether a run is of the paper's own network, codes and split."""
    return facts.items() >= MAIN.items()


def has_genres(facts: dict) -> bool:
    """Tell whether its training answers are counted by genre: where these may die."""
    is_paper = facts["recipe"] == "paper" and facts["split"] == MAIN["split"]
    return has_confusions(facts) or is_paper


def measured(
    row: dict,
    epochs: pd.DataFrame | None,
    answers: pd.DataFrame,
    confusions: pd.DataFrame | None,
    tracks: np.ndarray,
    shown: np.ndarray,
) -> Run:
    """Return a run as it was measured, from its rows.

    ``index`` is that in ``tracks``, those of all answers, sorted; ``shown`` are the
    numbers of all pictures by genre.
    """
    sizes = {part: row.get(f"subsets.{part}") for part in ("train", *PARTS)}
    subsets = {part: int(number) for part, number in sizes.items() if number}
    said = {
        part: {
            "index": np.searchsorted(tracks, rows["track"].to_numpy(str)),
            "labels": np.searchsorted(GENRES, rows["truth"].to_numpy(str)),
            "logits": rows[[*GENRES]].to_numpy(np.float32),
        }
        for part, rows in answers.groupby("part")
    }
    index = said["test"]["index"]
    is_known = row["data"] in scores.KNOWN
    run = Run(
        name=row["run"],
        provenance=row,
        subsets=subsets,
        history={} if epochs is None else _history(epochs, subsets),
        predictions=said["test"],
        validation=said.get("validation"),
        artists=artists_of(tracks[index], row["data"]) if is_known else index,
        top2_after={},
    )
    if epochs is not None and "test_top2" in epochs:
        top2 = epochs.set_index("epoch")["test_top2"].dropna()
        run.top2_after = top2.astype(int).to_dict()
    if confusions is not None:
        counts = confusions[PAIRS].to_numpy(int)
        run.test_confusions = counts.reshape(-1, len(GENRES), len(GENRES))
    if has_genres(row) and epochs is not None:
        answered, right = (epochs[names].to_numpy(int) for names in (ANSWERED, RIGHT))
        train = np.tile(shown - run.confusion.sum(axis=1), (len(answered), 1))
        run.counted = train, answered, right
    return run


def _history(epochs: pd.DataFrame, subsets: dict[str, int]) -> dict[str, list[float]]:
    history = {"loss": epochs["loss"].tolist()}
    for part, pictures in subsets.items():
        for column, unit in (("loss", 1), ("right", pictures), ("certain", pictures)):
            values = epochs.get(f"{part}_{column}", pd.Series(dtype=float))
            if values.notna().any():
                name = column.replace("right", "accuracy")
                history[f"{part}_{name}"] = (values / unit).tolist()
    return history
