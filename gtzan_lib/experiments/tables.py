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
from gtzan_lib.experiments.run import Run

FOLDER = "record"


def _columns(name: str) -> list[str]:
    if "GENRE" not in name:
        return [name]
    return [c for genre in GENRES for c in _columns(name.replace("GENRE", genre, 1))]


_TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
FILES = {name: table["file"] for name, table in _TABLES.items()}
COLUMNS = {  # that a table has at least
    name: [column for given in table["columns"] for column in _columns(given)]
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
    mixtures: pd.DataFrame

    @cached_property
    def by_genre(self) -> dict[str, int]:
        """The number of the data's pictures of each genre."""
        return {g: int(self.data[f"pictures.{g}"].iloc[0]) for g in GENRES}

    @cached_property
    def measured(self) -> list[Run]:
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
        empty = pd.DataFrame(columns=COLUMNS[name])
        tables[name] = pd.concat(some, ignore_index=True) if some else empty
    counts = tables["epochs"].filter(regex="^(answered|right)_|_(right|top2|certain)$")
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
    """Read the tables of ``folder/record``; ``DataError`` if one is none."""
    return Tables(**{n: _read(folder / FOLDER / f, n) for n, f in FILES.items()})


def _read(path: Path, name: str) -> pd.DataFrame:
    floats = dict.fromkeys(GENRES, np.float32) if "rock" in COLUMNS[name] else None
    try:
        table = pd.read_csv(path, dtype=floats, low_memory=False)
    except (OSError, ValueError, EOFError, zlib.error) as error:
        raise DataError(f"{path} is not a table of the record: {error}") from error
    if missing := [column for column in COLUMNS[name] if column not in table]:
        raise DataError(f"{path} has no column {missing[0]}")
    return table
