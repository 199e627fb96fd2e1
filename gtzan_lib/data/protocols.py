"""Protocols: the splits of GTZAN as files, for models made by any other library.

They need only names of tracks and hashes of pictures, which come with the project.
"""

from functools import cache
from pathlib import Path

import pandas as pd

from gtzan_lib.data import splits
from gtzan_lib.data.gtzan import PUBLISHED, Dataset, published_sums
from gtzan_lib.errors import DataError, UserError

FOLDS = {  # how many seeds of a split test each of its test tracks once
    "random": splits.N_FOLDS,
    "random-unique": splits.N_FOLDS,
    "artist-folds": splits.ARTIST_FOLDS,
    "random-folds": splits.ARTIST_FOLDS,
    "artist": 1,
}


def table(name: str, dataset: Dataset | None = None) -> pd.DataFrame:
    """Return a protocol's columns ``track``, ``subset`` and, of folds, ``fold``.

    The fold is the seed of ``splits.split``. Without a data set it is of the published
    tracks, without their pictures; ``DataError`` if it does not fit the data set.
    """
    data = dataset or Dataset(PUBLISHED, Path(), tuple(published_sums()), "")
    folds = []
    for fold in range(FOLDS[name]):
        parts = splits.split(data, name, fold)
        rows = [(data.tracks[i], subset) for subset in parts for i in parts[subset]]
        folds.append(pd.DataFrame(sorted(rows), columns=["track", "subset"]))
    if len(folds) == 1:
        return folds[0]
    return pd.concat([part.assign(fold=k) for k, part in enumerate(folds)])


@cache
def tested(name: str) -> tuple[str, ...]:
    """Return the published tracks that a protocol tests, each once, sorted."""
    rows = table(name)
    return tuple(sorted(rows.track[rows.subset == "test"]))


def write(folder: Path, dataset: Dataset | None = None) -> dict[str, str]:
    """Write each protocol as a CSV file; return paths, or why one is left out."""
    done = {}
    for name in FOLDS:
        path = folder / f"{name}.csv"
        try:
            text = table(name, dataset).to_csv(index=False)
            folder.mkdir(parents=True, exist_ok=True)
            if path.exists() and path.read_text("utf-8") != text:
                raise UserError(f"{path} exists and is another: give a new folder")
            path.write_text(text, "utf-8")
            done[name] = str(path)
        except DataError as error:
            done[name] = f"left out: {error}"
        except (OSError, ValueError) as error:
            raise UserError(f"cannot write {path}: {error}") from error
    return done
