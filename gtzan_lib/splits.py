"""Splits: which tracks train a model and which test it.

Paper, section 3.1.1. Used by notebook 03_train_cnn (parameter ``split``).
"""

import csv
from pathlib import Path

import numpy as np

from gtzan_lib import store
from gtzan_lib.data import GENRES, Dataset
from gtzan_lib.errors import DataError

SUBSETS = ("train", "validation", "test")


def split(dataset: Dataset, name: str, seed: int) -> dict[str, np.ndarray]:
    """Divide a data set into subsets.

    Parameters
    ----------
    dataset : Dataset
        The data set.
    name : str
        ``"random"`` for the paper's split, or the path of a CSV file.
    seed : int
        Which random split; a file's split does not depend on it.

    Returns
    -------
    dict of ndarray of int64
        Sorted positions in ``dataset.tracks`` by subset: ``"train"``, ``"test"`` and,
        from a file that has one, ``"validation"``.
    """
    if name == "random":
        return random_split(len(dataset.tracks), seed)
    return read_split(name, dataset.tracks)


def identify(name: str) -> str:
    """Return a split's name, with a file's stem and content hash for its path."""
    if name == "random":
        return name
    path = Path(name).expanduser()
    return f"{path.stem}-{store.sha256(path)[:8]}"


def random_split(n: int, seed: int) -> dict[str, np.ndarray]:
    """Draw the paper's split: 80 % of the pictures train, the rest tests.

    The paper draws 800 of 1,000; of GTZAN's 999 pictures that leaves 199 to test.

    Parameters
    ----------
    n : int
        Number of pictures.
    seed : int
        Which split.

    Returns
    -------
    dict of ndarray of int64
        Sorted positions by subset, ``"train"`` and ``"test"``.
    """
    order = np.random.default_rng(seed).permutation(n)
    n_train = -(-n * 4 // 5)  # four fifths, rounded up
    return {"train": np.sort(order[:n_train]), "test": np.sort(order[n_train:])}


def read_split(path: str | Path, tracks: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Read a split from a CSV file with the columns ``track`` and ``subset``.

    Parameters
    ----------
    path : str or Path
        The file; tracks that it leaves out belong to no subset.
    tracks : tuple of str
        The data set's tracks, such as ``"blues.00000"``.

    Returns
    -------
    dict of ndarray of int64
        Sorted positions in ``tracks`` by subset.

    Raises
    ------
    DataError
        If the file cannot be read, names an unknown track or subset, repeats a track,
        or leaves train or test without some genre.
    """
    positions = {track: i for i, track in enumerate(tracks)}
    subset_of: dict[str, str] = {}
    for row in _rows(Path(path)):
        track, subset = row["track"], row["subset"]
        if track not in positions:
            raise DataError(f"{path} names a track that is not in the data: {track!r}")
        if subset not in SUBSETS:
            raise DataError(
                f"{path} puts {track} in {subset!r}; it must be one of "
                + ", ".join(SUBSETS)
            )
        if track in subset_of:
            raise DataError(f"{path} names {track} twice")
        subset_of[track] = subset
    subsets = {}
    for subset in SUBSETS:
        members = [t for t in tracks if subset_of.get(t) == subset]
        missing = set(GENRES) - {t.split(".")[0] for t in members}
        if missing and (members or subset != "validation"):
            raise DataError(
                f"{path} leaves {subset} without {', '.join(sorted(missing))}"
            )
        if members:
            subsets[subset] = np.array([positions[t] for t in members], np.int64)
    return subsets


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.expanduser().open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"the split {path} cannot be read: {error}") from error
    if not {"track", "subset"} <= set(reader.fieldnames or ()):
        raise DataError(f"the split {path} needs the columns track and subset")
    return rows
