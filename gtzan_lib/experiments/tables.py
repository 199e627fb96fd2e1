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
from gtzan_lib.experiments.kept import PAIRS, PARTS, KeptRun
from gtzan_lib.experiments.run import ENSEMBLE, MAIN

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
    def measured(self) -> list[KeptRun]:
        """The runs, in the order of their rows."""
        parts = [
            dict(list(table.groupby("run", sort=False)))
            for table in (self.epochs, self.answers, self.confusions)
        ]
        tracks = np.unique(self.answers["track"].astype(str))
        shown = np.array([*self.by_genre.values()])
        return [
            KeptRun(
                {name: value for name, value in row.items() if not pd.isna(value)},
                *(rows.get(row["run"]) for rows in parts),
                tracks,
                shown,
            )
            for row in self.runs.to_dict("records")
        ]

    def write(self, folder: Path) -> None:
        """Write all tables into ``folder/record``: the same content, the same bytes."""
        for name, file in FILES.items():
            write_table(folder / FOLDER / file, getattr(self, name))


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV; the same content gives the same bytes, compressed or not.

    Numbers are written so that they come back exactly.
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
        if kind != TEXT:
            numbers = pd.to_numeric(values, errors="coerce").astype(float)
            is_right = np.isfinite(numbers)
            if kind == COUNT:
                is_right &= (numbers >= 0) & (numbers % 1 == 0)
            if not pd.api.types.is_numeric_dtype(values):  # damage elsewhere in it
                table[column] = numbers
        else:
            is_right = values.map(lambda value: isinstance(value, str))
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
    answers, known = tables.answers, tables.runs.set_index("run")
    for name in ("epochs", "answers", "confusions"):
        if strangers := set(getattr(tables, name)["run"]) - set(known.index):
            return f"{FILES[name]} has {min(strangers)}, which runs.csv has not"
    for column, of in (("part", PARTS), ("truth", GENRES)):
        if strangers := set(answers[column]) - set(of):
            return f"{FILES['answers']} has {min(strangers)} as {column}"
    tests = answers[answers["part"] == "test"].groupby("run").size()
    parts = [(tests, known["subsets.test"], "test answers")]
    if "subsets.validation" in known:
        own = answers[answers["part"] == "validation"].groupby("run").size()
        parts.append((own, known["subsets.validation"].fillna(0), "validation answers"))
    trained = known["epochs"].where(known["recipe"] != ENSEMBLE, 0)
    epochs = tables.epochs.groupby("run")["epoch"]
    parts += [(epochs.size(), trained, "epochs"), (epochs.max(), trained, "last epoch")]
    is_main = (known[[*MAIN]] == pd.Series(MAIN)).all(axis=1)
    counts = tables.confusions.groupby("run").size()
    parts.append((counts, known["epochs"].where(is_main, 0), "epochs with confusions"))
    for found, asked, what in parts:
        found = found.reindex(known.index, fill_value=0)
        if (wrong := found != asked).any():
            run = known.index[wrong][0]
            return f"{run} has {found[run]} as {what}, not {asked[run]:g}"
    return _too_many(tables, known)


def _too_many(tables: Tables, known: pd.DataFrame) -> str | None:
    for part in ("train", *PARTS):
        column, subset = f"{part}_right", f"subsets.{part}"
        if column in tables.epochs and subset in known:
            most = tables.epochs["run"].map(known[subset])
            right = tables.epochs[column].fillna(0)
            if ((right > most.fillna(0)) | (right < 0)).any():
                return f"{FILES['epochs']} has more hits than pictures in {column}"
    tests = tables.confusions["run"].map(known["subsets.test"])
    if (tables.confusions[PAIRS].sum(axis=1) != tests).any():
        return f"{FILES['confusions']} has not all test pictures of an epoch"
    learning = tables.learning
    if (learning["hits"] > learning["tests"]).any():
        return f"{FILES['learning']} has more hits than tests"
    return None
