"""The record: what was measured of a data set, as flat tables that pandas opens.

A folder ``record`` holds ``FILES``. ``runs`` has a row a run, ``epochs`` a row a run
and epoch, ``answers`` a row a run and track; of the paper's own network ``confusions``
has a row a run and epoch. The other tables hold what no run measures. All that is shown
follows from them, by plain functions. report/HOWTO.md tells what each column is.
"""

import gzip
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from gtzan_lib.data.genres import GENRES
from gtzan_lib.errors import DataError
from gtzan_lib.experiments import rows
from gtzan_lib.experiments.rows import PAIRS, PARTS
from gtzan_lib.experiments.run import ENSEMBLE, MAIN, Measured, Run

FOLDER = "record"
FILES = {
    "data": "data.csv",
    "runs": "runs.csv",
    "epochs": "epochs.csv.gz",
    "answers": "answers.csv.gz",
    "confusions": "confusions.csv.gz",
    "pooling": "pooling.csv",
    "codes": "codes.csv",
    "learning": "learning.csv",
}
TEXT, COUNT, NUMBER = "text", "a count", "a number"
MOST = 2**53  # up to which a float64 counts
# What each table has to have, filled in every row, and which columns tell rows apart.
NEEDED = {
    "data": dict.fromkeys(("name", "sha256"), TEXT)
    | dict.fromkeys(("pictures", *(f"pictures.{g}" for g in GENRES)), COUNT),
    "runs": dict.fromkeys(("run", "data", "recipe", "model", "encoder", "split"), TEXT)
    | dict.fromkeys(("epochs", "seed", "subsets.test"), COUNT)
    | {"subsets.train": COUNT, "seconds": NUMBER, "code_sha256": TEXT},
    "epochs": {"run": TEXT, "epoch": COUNT, "loss": NUMBER, "train_right": COUNT},
    "answers": dict.fromkeys(("run", "part", "track", "truth"), TEXT)
    | dict.fromkeys(GENRES, NUMBER),
    "confusions": {"run": TEXT} | dict.fromkeys(("epoch", *PAIRS), COUNT),
    "pooling": {"upsampling": TEXT, "mse": NUMBER, "share_below_0.01": NUMBER},
    "codes": {"encoder": TEXT, "seed": COUNT, "of_pooling": NUMBER},
    "learning": {"encoder": TEXT, "split": TEXT}
    | dict.fromkeys(("seed", "train", "artist", "tests", "hits"), COUNT),
}
KEYS = {
    "data": ["name"],
    "runs": ["run"],
    "epochs": ["run", "epoch"],
    "answers": ["run", "part", "track"],
    "confusions": ["run", "epoch"],
    "pooling": ["upsampling"],
    "codes": ["encoder", "seed"],
    "learning": ["encoder", "seed", "train", "artist"],
}


@dataclass(frozen=True, eq=False)
class Tables:
    """The tables of a record, by name; see ``NEEDED`` for their columns."""

    data: pd.DataFrame
    runs: pd.DataFrame
    epochs: pd.DataFrame
    answers: pd.DataFrame
    confusions: pd.DataFrame
    pooling: pd.DataFrame
    codes: pd.DataFrame
    learning: pd.DataFrame

    @cached_property
    def by_genre(self) -> dict[str, int]:
        """The number of the data's pictures of each genre."""
        return {g: int(self.data[f"pictures.{g}"].iloc[0]) for g in GENRES}

    @cached_property
    def measured(self) -> list[Measured]:
        """The runs, in the order of their rows."""
        parts = [
            dict(list(table.groupby("run", sort=False)))
            for table in (self.epochs, self.answers, self.confusions)
        ]
        tracks = np.unique(self.answers["track"].astype(str))
        shown = np.array([*self.by_genre.values()])
        return [
            rows.measured(
                {name: value for name, value in row.items() if not pd.isna(value)},
                *(part.get(row["run"]) for part in parts),
                tracks,
                shown,
            )
            for row in self.runs.to_dict("records")
        ]

    def write(self, folder: Path) -> None:
        """Write all tables into ``folder/record``: the same content, the same bytes."""
        for name, file in FILES.items():
            write_table(folder / FOLDER / file, getattr(self, name))


def of_runs(runs: list[Run], tracks: list[str]) -> dict[str, pd.DataFrame]:
    """Return the tables ``runs``, ``epochs``, ``answers`` and ``confusions`` of runs.

    ``tracks`` are all tracks of the data, by position.
    """
    names = np.array(tracks)
    tables = {
        "runs": [pd.DataFrame([rows.runs_row(run) for run in runs])],
        "epochs": [rows.epochs_rows(run) for run in runs],
        "answers": [rows.answers_rows(run, names) for run in runs],
        "confusions": [rows.confusions_rows(run) for run in runs],
    }
    for name, parts in tables.items():
        some = [part for part in parts if len(part)]
        empty = pd.DataFrame(columns=[*NEEDED[name]])
        tables[name] = pd.concat(some, ignore_index=True) if some else empty
    counts = tables["epochs"].filter(regex="^(answered|right)_|_(right|top2)$")
    tables["epochs"] = tables["epochs"].astype(dict.fromkeys(counts, "Int64"))
    return tables


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV, whose numbers come back exactly, whole or not at all.

    The same content gives the same bytes, compressed or not.
    """
    text = table.to_csv(index=False, lineterminator="\n").encode()
    packed = gzip.compress(text, mtime=0) if path.suffix == ".gz" else text
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.new")
    partial.write_bytes(packed)
    partial.replace(path)


def read(folder: Path) -> Tables:
    """Read the tables of ``folder/record``; ``DataError`` says where one is damaged."""
    found = {name: _read(folder / FOLDER / file, name) for name, file in FILES.items()}
    tables = Tables(**found)
    if wrong := _disagreement(tables):
        raise DataError(f"{folder / FOLDER} is damaged: {wrong}")
    return tables


def _read(path: Path, name: str) -> pd.DataFrame:
    floats = dict.fromkeys(GENRES, np.float32) if name == "answers" else None
    try:
        table = pd.read_csv(path, dtype=floats, low_memory=False)
    except (OSError, ValueError, EOFError, zlib.error) as error:
        raise DataError(f"{path} is not a table of the record: {error}") from error
    for column, kind in NEEDED[name].items():
        if column not in table:
            raise DataError(f"{path} has no column {column}")
        values = table[column]
        if kind == TEXT:
            is_right = values.map(lambda value: isinstance(value, str))
        else:
            numbers = pd.to_numeric(values, errors="coerce").astype(float)
            is_right = numbers.abs() < MOST
            if kind == COUNT:
                is_right &= (numbers >= 0) & (numbers % 1 == 0)
        if not is_right.all():
            row = int(np.flatnonzero(~is_right)[0])
            given = str(values.iloc[row])[:40]
            raise DataError(f"{path}, row {row + 1}: {column} is {given!r}, not {kind}")
    if (twice := table.duplicated(KEYS[name])).any():
        row = int(np.flatnonzero(twice)[0])
        raise DataError(f"{path}, row {row + 1}: it is there twice")
    return table


def _disagreement(tables: Tables) -> str | None:
    """Return in what the tables of a record contradict each other, if in anything."""
    if len(tables.data) != 1:
        return "data.csv has not one row"
    if sum(tables.by_genre.values()) != tables.data["pictures"].iloc[0]:
        return "the genres of data.csv are not all its pictures"
    answers, epochs, known = tables.answers, tables.epochs, tables.runs.set_index("run")
    names = [(each, "run", known.index) for each in ("epochs", "answers", "confusions")]
    names += [("answers", "part", PARTS), ("answers", "truth", GENRES)]
    for name, column, of in names:
        if strangers := set(getattr(tables, name)[column]) - set(of):
            return f"{FILES[name]} has {min(strangers)} as {column}: nothing knows it"
    trained = known["epochs"].where(known["recipe"] != ENSEMBLE, 0)
    is_main = (known[[*MAIN]] == pd.Series(MAIN)).all(axis=1)
    right = epochs.groupby("run")["train_right"].max()
    for found, asked, what in [
        *(
            (
                answers[answers["part"] == p].groupby("run").size(),
                known.get(f"subsets.{p}", 0 * trained).fillna(0),
                f"{p} answers",
            )
            for p in PARTS
        ),
        (epochs.groupby("run").size(), trained, "epochs"),
        (epochs.groupby("run")["epoch"].max(), trained, "last epoch"),
        (
            tables.confusions.groupby("run").size(),
            known["epochs"].where(is_main, 0),
            "epochs with confusions",
        ),
    ]:
        found = found.reindex(known.index, fill_value=0)
        if (wrong := found != asked).any():
            run = known.index[wrong][0]
            return f"{run} has {found[run]} as {what}, not {asked[run]:g}"
    if (right > known["subsets.train"].reindex(right.index)).any():
        return f"{FILES['epochs']} has more hits than pictures"
    tests = tables.confusions["run"].map(known["subsets.test"])
    if (tables.confusions[PAIRS].sum(axis=1) != tests).any():
        return f"{FILES['confusions']} has not all test pictures of an epoch"
    return None
