"""The record: what was measured of a data set, as flat tables that pandas opens.

A folder ``record`` holds ``FILES``. ``runs`` has a row a run, ``epochs`` a row a run
and epoch, ``answers`` a row a run and track; of the paper's own network ``confusions``
has a row a run and epoch. The other tables hold what no run measures. All that is shown
follows from them, by plain functions. report/HOWTO.md tells what each column is.
"""

import gzip
import tomllib
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
MOST = 2**53  # up to which a float64 counts
KINDS = {"text": "text", "count": "a count", "number": "a number"}


def _columns(name: str) -> list[str]:
    if "GENRE" not in name:
        return [name]
    return [c for genre in GENRES for c in _columns(name.replace("GENRE", genre, 1))]


_TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
FILES = {name: table["file"] for name, table in _TABLES.items()}
NEEDED = {  # by table and column the kind of its values
    name: {c: k for k in KINDS for given in table.get(k, ()) for c in _columns(given)}
    for name, table in _TABLES.items()
}


@dataclass(frozen=True, eq=False)
class Tables:
    """The tables of a record, by name; see ``tables.toml`` for their columns."""

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
        numbers = pd.to_numeric(values, errors="coerce").astype(float)
        is_right = numbers.abs() < MOST
        if kind == "text":
            is_right = values.map(lambda value: isinstance(value, str))
        elif kind == "count":
            is_right &= (numbers >= 0) & (numbers % 1 == 0)
        if not is_right.all():
            row = int(is_right.argmin())
            given, must = str(values.iloc[row])[:40], KINDS[kind]
            raise DataError(f"{path}, row {row + 1}: {column} is {given!r}, not {must}")
    if (twice := table.duplicated(_TABLES[name]["keys"])).any():
        raise DataError(f"{path}, row {twice.argmax() + 1}: it is there twice")
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
    counted = known["epochs"].where((known[[*MAIN]] == pd.Series(MAIN)).all(axis=1), 0)
    by_part = {p: answers["run"][answers["part"] == p].value_counts() for p in PARTS}
    for what, found, asked in (
        *((f"{p} answers", n, known.get(f"subsets.{p}")) for p, n in by_part.items()),
        ("epochs", epochs["run"].value_counts(), trained),
        ("last epoch", epochs.groupby("run")["epoch"].max(), trained),
        ("epochs with confusions", tables.confusions["run"].value_counts(), counted),
    ):
        found = found.reindex(known.index, fill_value=0)
        if asked is not None and (wrong := found != asked.fillna(0)).any():
            run = known.index[wrong][0]
            return f"{run} has {found[run]} as {what}, not {asked[run]:g}"
    if (epochs["train_right"] > epochs["run"].map(known["subsets.train"])).any():
        return f"{FILES['epochs']} has more hits than pictures"
    tests = tables.confusions["run"].map(known["subsets.test"])
    if (tables.confusions[PAIRS].sum(axis=1) != tests).any():
        return f"{FILES['confusions']} has not all test pictures of an epoch"
    return None
