"""Splits, folds and protocols: which tracks train, which validate, which test a model.

A split is a dict of sorted positions in ``Dataset.tracks``, ndarrays of int64, by
subset: ``"train"``, ``"test"`` and, where there is one, ``"validation"``. A protocol is
a split with all of its folds as a table, for models of any other library. Paper,
sections 3.1.1 and 4.3.
"""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from gtzan_lib import registry, store
from gtzan_lib.data.artists import artists_of
from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.gtzan import PUBLISHED, SYNTHETIC, Dataset, published_sums
from gtzan_lib.data.tables import read_table
from gtzan_lib.errors import DataError, UserError

COLUMNS = ("track", "subset")
SUBSETS = ("train", "validation", "test")
UNIQUE = "-unique"
N_FOLDS = 5  # of which each tests once: seeds 0 to 4 are those of one partition
ARTIST_FOLDS = 3  # the same of folds by artist, whose repetitions are partitions
TEST_TO_TRAIN = {"random": 1 / 4, "three-way": 1 / 3}  # sizes, of what seeds redraw
PROTOCOLS = {  # how many seeds of a split test each of its test tracks once
    **{"random": N_FOLDS, "random-unique": N_FOLDS},
    **{"artist-folds": ARTIST_FOLDS, "random-folds": ARTIST_FOLDS, "artist": 1},
}

# The lists of Kereliuk, Sturm and Larsen, "Deep Learning and Music Adversaries" (2015),
# in their order: https://github.com/coreyker/dnn-mgr/tree/master/gtzan, *_filtered.txt.
# No artist is in two subsets, but for one of disco; faulty tracks are in none.
ARTIST_SPLIT = Path(__file__).with_name("artist_split.csv")
ARTIST_SHA256 = "e725e97d3b11468d54235ec136f2ce53ddcf521189907573d22377655be9ecac"
# Its audio cannot be decoded: the Kaggle edition lacks it. 442 tracks train, 197
# validate and 290 test without it.
NO_PICTURE = "jazz.00054"


def split(dataset: Dataset, name: str, seed: int) -> dict[str, np.ndarray]:
    """Return a split of a data set: one of ``registry.SPLITS``, or of a CSV file.

    That has the columns ``track`` and ``subset``, of some tracks or all. ``seed`` draws
    random splits and folds. ``DataError`` if it cannot be read, or does not fit.
    """
    if name not in registry.SPLITS:
        table = read_table(Path(name).expanduser(), COLUMNS)
        return _positions(table, dataset.tracks, name)
    repetition, fold = divmod(seed, ARTIST_FOLDS)
    match name.removesuffix(UNIQUE):
        case "random":
            parts = random_split(len(dataset.tracks), seed)
        case "three-way":
            parts = three_way_split(dataset.labels, seed)
        case "artist-folds":
            parts = _one_tests(artist_folds(dataset, repetition), fold)
        case "random-folds":
            parts = _one_tests(random_folds(dataset, repetition), fold)
        case "artist":
            parts = _published_lists(dataset)
        case "artist-trainval":
            parts = _published_lists(dataset)
            both = parts["train"], parts.pop("validation")
            parts["train"] = np.sort(np.concatenate(both))
    is_unique = name.endswith(UNIQUE)
    return without_duplicates(parts, _sums(dataset)) if is_unique else parts


def identify(name: str) -> str:
    """Return a split's name, with a file's stem and content hash for its path."""
    if name in registry.SPLITS:
        return name
    path = Path(name).expanduser()
    if not path.is_file():
        raise DataError(f"the split {name} is neither a name of one nor a CSV file")
    return f"{path.stem}-{store.sha256(path)[:8]}"


def random_split(n: int, seed: int) -> dict[str, np.ndarray]:
    """Draw the paper's split: 80 % of ``n`` pictures train, the rest tests.

    Seeds 0 to 4 test each picture once, seeds 5 to 9 once more, with other company.
    """
    partition, fold = divmod(seed, N_FOLDS)
    order = np.random.default_rng(partition).permutation(n)
    return _one_tests(np.array_split(order, N_FOLDS), fold)


def three_way_split(labels: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Draw three fifths of each genre to train, one to validate, one to test.

    Of ``labels``, int64, (N,); five seeds test each picture once, as in
    ``random_split``. ``DataError`` if a genre has fewer than five.
    """
    partition, fold = divmod(seed, N_FOLDS)
    rng, of_genre = np.random.default_rng(partition), []
    for genre in np.unique(labels):
        members = np.flatnonzero(labels == genre)
        if len(members) < N_FOLDS:
            words = "the three-way split needs 5 pictures of each genre or more; there "
            raise DataError(f"{words}are {len(members)} of {GENRES[genre]}")
        of_genre.append(np.array_split(rng.permutation(members), N_FOLDS))
    fifths = list(map(np.concatenate, zip(*of_genre, strict=True)))
    test, validation, *train = fifths[fold:] + fifths[:fold]
    parts = {"train": np.concatenate(train), "validation": validation, "test": test}
    return {subset: np.sort(index) for subset, index in parts.items()}


def without_duplicates(
    parts: dict[str, np.ndarray], sums: list[str]
) -> dict[str, np.ndarray]:
    """Leave out of each subset what is identical to a picture of a later one.

    The test pictures stay. ``sums`` is a hash of each picture of the data set.
    """
    kept, later = {}, set()
    for subset, index in reversed(parts.items()):
        kept[subset] = np.array([i for i in index if sums[i] not in later], np.int64)
        later |= {sums[i] for i in index}
    return kept


def artist_folds(dataset: Dataset, repetition: int) -> list[np.ndarray]:
    """Return three folds of the published, or the sample's, tracks: no artist in two.

    Each ``repetition`` draws artists anew; folds have about as many tracks of each
    genre. ``DataError`` of other data.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    if dataset.name == SYNTHETIC:
        index = np.arange(len(dataset.tracks))
    else:
        index = np.sort(np.concatenate(list(_published_lists(dataset).values())))
    artist = artists_of((dataset.tracks[i] for i in index), dataset.name)
    draw = StratifiedGroupKFold(ARTIST_FOLDS, shuffle=True, random_state=repetition)
    return [index[test] for _, test in draw.split(index, dataset.labels[index], artist)]


def random_folds(dataset: Dataset, repetition: int) -> list[np.ndarray]:
    """Return folds with as many tracks of each genre as ``artist_folds``, by chance."""
    rng = np.random.default_rng(repetition)
    by_artist, of_genre = artist_folds(dataset, repetition), []
    for genre in range(len(GENRES)):
        mine = [index[dataset.labels[index] == genre] for index in by_artist]
        ends = np.cumsum([len(index) for index in mine])[:-1]
        of_genre.append(np.split(rng.permutation(np.concatenate(mine)), ends))
    return list(map(np.concatenate, zip(*of_genre, strict=True)))


def every_track(dataset: Dataset) -> np.ndarray:
    """Return the positions of all tracks, but for copies, and copies of two genres."""
    table = pd.DataFrame({"sum": _sums(dataset), "label": dataset.labels})
    doubtful = table.groupby("sum").label.transform("nunique") > 1
    return np.flatnonzero(~doubtful & ~table["sum"].duplicated())


def protocol(name: str, dataset: Dataset | None = None) -> pd.DataFrame:
    """Return the columns ``track``, ``subset`` and, of several, ``fold``, the seed.

    Without a data set it is of the published tracks, without their pictures.
    """
    data = dataset or Dataset(PUBLISHED, Path(), tuple(published_sums()), "")
    rows = [
        (fold, data.tracks[i], subset)
        for fold in range(PROTOCOLS[name])
        for subset, index in split(data, name, fold).items()
        for i in index
    ]
    table = pd.DataFrame(sorted(rows), columns=["fold", *COLUMNS])
    return table[[*COLUMNS, "fold"] if PROTOCOLS[name] > 1 else [*COLUMNS]]


@cache
def tested(name: str) -> tuple[str, ...]:
    """Return the published tracks that a protocol tests, each once, sorted."""
    return tuple(sorted(protocol(name).query("subset == 'test'").track))


def write_protocols(folder: Path, dataset: Dataset | None = None) -> dict[str, str]:
    """Write each protocol as a CSV file; return paths, or why one is left out."""
    done = {}
    for name in PROTOCOLS:
        path = folder / f"{name}.csv"
        try:
            text = protocol(name, dataset).to_csv(index=False)
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


def _one_tests(folds: list[np.ndarray], fold: int) -> dict[str, np.ndarray]:
    others = [index for number, index in enumerate(folds) if number != fold]
    return {"train": np.sort(np.concatenate(others)), "test": np.sort(folds[fold])}


def _sums(dataset: Dataset) -> list[str]:
    if dataset.name == PUBLISHED:  # as ``open_folder`` found
        return [published_sums()[track] for track in dataset.tracks]
    return [store.sha256(dataset.image_path(track)) for track in dataset.tracks]


def _published_lists(dataset: Dataset) -> dict[str, np.ndarray]:
    if dataset.name == SYNTHETIC:
        raise DataError(f"the artist split is one of GTZAN, not of the {SYNTHETIC}")
    table = read_table(ARTIST_SPLIT, COLUMNS, ARTIST_SHA256)
    return _positions(table[table.track != NO_PICTURE], dataset.tracks, ARTIST_SPLIT)


def _positions(
    table: pd.DataFrame, tracks: tuple[str, ...], source: str | Path
) -> dict[str, np.ndarray]:
    faults = {
        "names a track that is not in the data: {track!r}": ~table.track.isin(tracks),
        "puts {track} in {subset!r}; it must be one of "
        + ", ".join(SUBSETS): ~table.subset.isin(SUBSETS),
        "names {track} twice": table.track.duplicated(),
    }
    for fault, rows in faults.items():
        if rows.any():
            raise DataError(f"{source} {fault.format(**table[rows].iloc[0])}")
    subset_of = pd.Series(tracks).map(table.set_index("track").subset)
    parts = {name: np.flatnonzero(subset_of == name) for name in SUBSETS}
    if not len(parts["validation"]):
        del parts["validation"]
    for subset, index in parts.items():
        if missing := set(GENRES) - {tracks[i].split(".")[0] for i in index}:
            names = ", ".join(sorted(missing))
            raise DataError(f"{source} leaves {subset} without {names}")
    return parts
