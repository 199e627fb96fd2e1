"""The record: what was measured of a data set, as flat tables that pandas opens.

A folder ``record`` holds ``FILES``. ``runs`` has a row a run, ``epochs`` a row a run
and epoch, ``answers`` a row a run and track; of the paper's own network ``confusions``
has a row a run and epoch. The other tables hold what no run measures. All that is shown
follows from them, by plain functions. report/HOWTO.md tells what each column is.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from gtzan_lib.data.artists import artists_of
from gtzan_lib.data.genres import GENRES
from gtzan_lib.errors import DataError
from gtzan_lib.experiments import scores
from gtzan_lib.experiments.run import MAIN, Run

FOLDER = "record"
PLAIN = "data", "runs", "pooling", "codes"
PACKED = "learning", "epochs", "answers", "confusions", "mixtures"
FILES = {
    **{k: f"{k}.csv" for k in PLAIN},
    **{k: f"{k}.csv.bz2" for k in PACKED},
}
PARTS = ("test", "validation")
CERTAIN = "train_certain"  # answers whose percentage prints as 100.0
ANSWERED, RIGHT = ([f"{word}_{g}" for g in GENRES] for word in ("answered", "right"))
# Columns of 32-bit numbers: logits, and losses of what is held out.
SINGLE = dict.fromkeys((*GENRES, *(f"{part}_loss" for part in PARTS)), np.float32)
PAIRS = [f"{true}_as_{called}" for true in GENRES for called in GENRES]


@dataclass(frozen=True, eq=False)
class Tables:
    """The tables of a record, by name."""

    data: pd.DataFrame
    runs: pd.DataFrame
    epochs: pd.DataFrame
    answers: pd.DataFrame
    confusions: pd.DataFrame
    pooling: pd.DataFrame
    codes: pd.DataFrame
    learning: pd.DataFrame
    mixtures: pd.DataFrame

    @cached_property
    def by_genre(self) -> dict[str, int]:
        """The number of the data's pictures of each genre."""
        return {g: int(self.data[f"pictures.{g}"].iloc[0]) for g in GENRES}

    @cached_property
    def measured(self) -> list[Run]:
        """The runs as they were measured, in the order of their rows.

        Their ``index`` is that in all tracks of ``answers``, sorted.
        """
        parts = [
            dict(list(table.groupby("run", sort=False)))
            for table in (self.epochs, self.answers, self.confusions)
        ]
        tracks = np.unique(self.answers["track"].astype(str))
        shown = np.array([*self.by_genre.values()])
        rows = self.runs.to_dict("records")
        return [
            _run(row, *(part.get(row["run"]) for part in parts), tracks, shown)
            for row in rows
        ]

    def write(self, folder: Path) -> None:
        """Write all tables into ``folder/record``."""
        for name, file in FILES.items():
            write_table(folder / FOLDER / file, getattr(self, name))


def of_runs(runs: list[Run], tracks: list[str]) -> dict[str, pd.DataFrame]:
    """Return the tables ``runs``, ``epochs``, ``answers`` and ``confusions`` of runs.

    ``tracks`` are all tracks of the data, by position.
    """
    names = np.array(tracks)
    parts = {
        "runs": [pd.DataFrame([_row(run) for run in runs])],
        "epochs": [_epochs(run) for run in runs],
        "answers": [answers for run in runs for answers in _answers(run, names)],
        "confusions": [_confusions(run) for run in runs if _is_main(run.provenance)],
    }
    empty = pd.DataFrame(columns=["run", "track"])
    tables = {}
    for name, every in parts.items():
        some = [part for part in every if len(part)]
        tables[name] = pd.concat(some, ignore_index=True) if some else empty
    counts = tables["epochs"].filter(regex="^(answered|right)_|_(right|top2|certain)$")
    tables["epochs"] = tables["epochs"].astype(dict.fromkeys(counts, "Int64"))
    return tables


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


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV, whose numbers come back exactly, whole or not at all.

    The same content gives the same bytes, compressed or not.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".new-{path.name}")  # whose ending says how to compress
    table.to_csv(partial, index=False, lineterminator="\n")
    partial.replace(path)


def read(folder: Path) -> Tables:
    """Read the tables of ``folder/record``; ``DataError`` if they are none."""
    tables = {}
    for name, file in FILES.items():
        path = folder / FOLDER / file
        try:
            tables[name] = pd.read_csv(path, dtype=SINGLE, low_memory=False)
        except (OSError, ValueError, EOFError) as error:
            raise DataError(f"{path} is not a table of the record: {error}") from error
    runs, told = (set(tables[name].get("run", ())) for name in ("runs", "answers"))
    if runs != told:
        raise DataError(f"{folder / FOLDER} has runs without answers, or the reverse")
    return Tables(**tables)


def _is_main(facts: dict) -> bool:
    """Tell whether a run is of the paper's own network, codes and split."""
    return facts.items() >= MAIN.items()


def _has_genres(facts: dict) -> bool:
    """Tell whether its training answers are counted by genre: where these may die."""
    is_paper = facts["recipe"] == "paper" and facts["split"] == MAIN["split"]
    return is_paper or _is_main(facts)


def _row(run: Run) -> dict:
    seconds = {"seconds_an_epoch": float(np.mean(run.history.get("seconds", np.nan)))}
    return {"run": run.name} | flat(run.provenance) | seconds


def _epochs(run: Run) -> pd.DataFrame:
    counts, history = run.confusions, run.history
    table = {"run": run.name, "epoch": np.arange(len(history.get("loss", ()))) + 1}
    for part in ("train", *PARTS):
        loss = "loss" if part == "train" else f"{part}_loss"
        if loss in history:
            table[loss] = np.array(history[loss], SINGLE.get(loss))
        if part in counts:
            table[f"{part}_right"] = counts[part].diagonal(axis1=1, axis2=2).sum(axis=1)
    if CERTAIN in history:
        shares = np.array(history[CERTAIN])
        table[CERTAIN] = np.rint(shares * run.subsets["train"]).astype(int)
    if run.top2_after and history:
        table["test_top2"] = [run.top2_after.get(e, pd.NA) for e in table["epoch"]]
    if _has_genres(run.provenance):
        _, answered, right = run.counted
        by_genre = np.hstack([answered, right]).T
        table |= dict(zip(ANSWERED + RIGHT, by_genre, strict=True))
    return pd.DataFrame(table)


def _answers(run: Run, tracks: np.ndarray) -> list[pd.DataFrame]:
    parts = []
    for part, said in zip(PARTS, (run.predictions, run.validation), strict=True):
        if said is not None:
            table = pd.DataFrame(np.asarray(said["logits"], np.float32), columns=GENRES)
            about = {"run": run.name, "part": part, "track": tracks[said["index"]]}
            about["truth"] = np.array(GENRES)[said["labels"]]
            parts.append(pd.concat([pd.DataFrame(about), table], axis=1))
    return parts


def _confusions(run: Run) -> pd.DataFrame:
    table = pd.DataFrame(run.test_confusions.reshape(-1, len(PAIRS)), columns=PAIRS)
    about = pd.DataFrame({"run": run.name, "epoch": np.arange(len(table)) + 1})
    return pd.concat([about, table], axis=1)


def _run(row, epochs, answers, confusions, tracks, shown) -> Run:
    """Return a run of its rows; ``shown`` are the numbers of pictures by genre."""
    row = {name: value for name, value in row.items() if not pd.isna(value)}
    sizes = {part: row.get(f"subsets.{part}") for part in ("train", *PARTS)}
    subsets = {part: int(number) for part, number in sizes.items() if number}
    if (answers["track"].str.partition(".")[0] != answers["truth"]).any():
        raise ValueError(f"a truth of {row['run']} is not the genre of its track")
    if answers[[*GENRES]].isna().any(axis=None):
        raise ValueError(f"{row['run']} has an answer without a number")
    said = {
        part: {
            "index": np.searchsorted(tracks, rows["track"].to_numpy(str)),
            "labels": rows["truth"].map(GENRES.index).to_numpy(),
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
    )
    if epochs is not None and "test_top2" in epochs:
        top2 = epochs.set_index("epoch")["test_top2"].dropna()
        run.top2_after = top2.astype(int).to_dict()
    if confusions is not None:
        counts = confusions[PAIRS].to_numpy(int)
        run.test_confusions = counts.reshape(-1, len(GENRES), len(GENRES))
    if _has_genres(row) and epochs is not None:
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
