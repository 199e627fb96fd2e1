"""Splits: which tracks train a model, which choose between models, which test it.

A split is a dict of sorted positions in ``Dataset.tracks``, ndarrays of int64, by
subset: ``"train"``, ``"test"`` and, where there is one, ``"validation"``. Paper,
sections 3.1.1 and 4.3.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from gtzan_lib import registry, store
from gtzan_lib.data import artists
from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.gtzan import PUBLISHED, SYNTHETIC, Dataset, published_sums
from gtzan_lib.data.tables import read_published, read_table
from gtzan_lib.errors import DataError

COLUMNS = ("track", "subset")
SUBSETS = ("train", "validation", "test")
UNIQUE = "-unique"
N_FOLDS = 5  # of which each tests once: seeds 0 to 4 are those of one partition
ARTIST_FOLDS = 3  # the same of folds by artist, whose repetitions are partitions
TEST_TO_TRAIN = {"random": 1 / 4, "three-way": 1 / 3}  # sizes, of what seeds redraw

# The lists of Kereliuk, Sturm and Larsen, "Deep Learning and Music Adversaries" (2015),
# in their order: https://github.com/coreyker/dnn-mgr/tree/master/gtzan, *_filtered.txt.
# No artist is in two subsets, but for one with three tracks of disco; faulty tracks are
# in none.
ARTIST_SPLIT = Path(__file__).with_name("artist_split.csv")
ARTIST_SHA256 = "e725e97d3b11468d54235ec136f2ce53ddcf521189907573d22377655be9ecac"
NO_PICTURE = "jazz.00054"  # its audio cannot be decoded: the Kaggle edition lacks it


def split(dataset: Dataset, name: str, seed: int) -> dict[str, np.ndarray]:
    """Return the split of a data set by its name.

    It is one of ``registry.SPLITS``, or the path of a CSV file. Of random splits and
    folds, ``seed`` decides which. ``DataError`` if the split cannot be read, or does
    not fit the data.
    """
    kind = name.removesuffix(UNIQUE)
    if kind == "random":
        parts = random_split(len(dataset.tracks), seed)
    elif kind == "three-way":
        parts = three_way_split(dataset.labels, seed)
    elif name in ("artist", "artist-trainval"):
        return artist_split(dataset, trainval=name == "artist-trainval")
    elif name in ("artist-folds", "random-folds"):
        draw = artist_folds if name == "artist-folds" else random_folds
        repetition, fold = divmod(seed, ARTIST_FOLDS)
        return _one_tests(draw(dataset, repetition), fold)
    else:
        return read_split(name, dataset.tracks)
    return parts if name == kind else without_duplicates(parts, _sums(dataset))


def identify(name: str) -> str:
    """Return a split's name, with a file's stem and content hash for its path."""
    if name in registry.SPLITS:
        return name
    path = Path(name).expanduser()
    if not path.is_file():
        raise DataError(f"the split {name} is neither a name of one nor a CSV file")
    return f"{path.stem}-{store.sha256(path)[:8]}"


def random_split(n: int, seed: int) -> dict[str, np.ndarray]:
    """Draw the paper's split: 80 % of the pictures train, the rest tests.

    Five seeds are the folds of one partition: seeds 0 to 4 test each of the ``n``
    pictures once, seeds 5 to 9 once more, with other company.
    """
    partition, fold = divmod(seed, N_FOLDS)
    order = np.random.default_rng(partition).permutation(n)
    return _one_tests(np.array_split(order, N_FOLDS), fold)


def three_way_split(labels: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Draw three fifths to train, a fifth to validate, a fifth to test.

    Each genre of ``labels``, int64, (N,), is divided so; five seeds test each picture
    once, as in ``random_split``. ``DataError`` if a genre has fewer than five.
    """
    partition, fold = divmod(seed, N_FOLDS)
    rng = np.random.default_rng(partition)
    fifths: list[list[int]] = [[] for _ in range(N_FOLDS)]
    for genre in np.unique(labels):
        if np.sum(labels == genre) < N_FOLDS:
            raise DataError(
                "the three-way split needs 5 pictures of each genre or more; there are "
                f"{np.sum(labels == genre)} of {GENRES[genre]}"
            )
        members = rng.permutation(np.flatnonzero(labels == genre))
        for fifth, part in zip(fifths, np.array_split(members, N_FOLDS), strict=True):
            fifth.extend(part)
    test, validation, *train = fifths[fold:] + fifths[:fold]
    parts = {"train": np.concatenate(train), "validation": validation, "test": test}
    return {subset: np.sort(np.array(index)) for subset, index in parts.items()}


def without_duplicates(
    parts: dict[str, np.ndarray], sums: list[str]
) -> dict[str, np.ndarray]:
    """Leave out of each subset what is identical to a picture of a later one.

    The test pictures stay as they are, so that an accuracy on them can be compared.
    ``sums`` is a hash of each picture of the data set.
    """
    kept, later = {}, set()
    for subset in reversed([name for name in SUBSETS if name in parts]):
        index = parts[subset]
        kept[subset] = np.array([i for i in index if sums[i] not in later], np.int64)
        later |= {sums[i] for i in index}
    return kept


def artist_split(dataset: Dataset, trainval: bool = False) -> dict[str, np.ndarray]:
    """Return the artist-aware split of GTZAN (see ``ARTIST_SPLIT``).

    The Kaggle edition has no picture of one of the 930 tracks, ``NO_PICTURE``: that
    leaves 442 to train, 197 to validate (or, of ``trainval``, to train, too) and 290 to
    test. ``DataError`` if the data is the synthetic sample, or lacks another picture.
    """
    table = _published(dataset)
    if trainval:
        table = table.replace({"subset": {"validation": "train"}})
    return _positions(table, dataset.tracks, ARTIST_SPLIT)


def artist_folds(dataset: Dataset, repetition: int) -> list[np.ndarray]:
    """Return three folds of the published, or the sample's, tracks by artist.

    No artist is in two.

    Artists are drawn anew for each ``repetition``, so that folds have about as many
    tracks of each genre (scikit-learn's ``StratifiedGroupKFold``): sorted positions in
    ``dataset.tracks``.

    ``DataError`` as ``artist_split``, but for the sample, whose artists are invented.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    if dataset.name == SYNTHETIC:
        index = np.arange(len(dataset.tracks))
    else:
        parts = _positions(_published(dataset), dataset.tracks, ARTIST_SPLIT)
        index = np.sort(np.concatenate(list(parts.values())))
    artist = artists.artists_of((dataset.tracks[i] for i in index), dataset.name)
    draw = StratifiedGroupKFold(ARTIST_FOLDS, shuffle=True, random_state=repetition)
    return [index[test] for _, test in draw.split(index, dataset.labels[index], artist)]


def random_folds(dataset: Dataset, repetition: int) -> list[np.ndarray]:
    """Return folds of the same tracks and sizes as ``artist_folds``, by chance.

    Each has as many tracks of each genre as there, whoever their artists are.
    """
    rng = np.random.default_rng(repetition)
    by_artist = artist_folds(dataset, repetition)
    drawn: list[list[int]] = [[] for _ in by_artist]
    for genre in range(len(GENRES)):
        mine = [index[dataset.labels[index] == genre] for index in by_artist]
        order = rng.permutation(np.concatenate(mine))
        ends = np.cumsum([len(index) for index in mine])[:-1]
        for into, part in zip(drawn, np.split(order, ends), strict=True):
            into.extend(part)
    return list(map(np.array, drawn))


def every_track(dataset: Dataset) -> np.ndarray:
    """Return the positions of all tracks, of identical pictures the first one only.

    Identical pictures under two genres are left out.
    """
    table = pd.DataFrame({"sum": _sums(dataset), "label": dataset.labels})
    doubtful = table.groupby("sum").label.transform("nunique") > 1
    return np.flatnonzero(~doubtful & ~table["sum"].duplicated())


def read_split(path: str | Path, tracks: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Read a split from a CSV file with the columns ``track`` and ``subset``.

    Tracks that it leaves out belong to no subset. ``DataError`` if the file cannot be
    read, names an unknown track or subset, repeats a track, or leaves train or test
    without some genre.
    """
    return _positions(read_table(Path(path).expanduser(), COLUMNS), tracks, path)


def _one_tests(folds: list[np.ndarray], fold: int) -> dict[str, np.ndarray]:
    """Return the split in which one of some folds tests, and the others train."""
    others = [index for number, index in enumerate(folds) if number != fold]
    return {"train": np.sort(np.concatenate(others)), "test": np.sort(folds[fold])}


def _sums(dataset: Dataset) -> list[str]:
    """Return the hash of each picture's file."""
    if dataset.name == PUBLISHED:  # as ``open_folder`` found
        return [published_sums()[track] for track in dataset.tracks]
    return [store.sha256(dataset.image_path(track)) for track in dataset.tracks]


def _published(dataset: Dataset) -> pd.DataFrame:
    """Return the published lists, of the tracks that have a picture."""
    if dataset.name == SYNTHETIC:
        raise DataError(f"the artist split is one of GTZAN, not of the {SYNTHETIC}")
    table = read_published(ARTIST_SPLIT, COLUMNS, ARTIST_SHA256)
    return table[table["track"] != NO_PICTURE]


def _positions(
    table: pd.DataFrame, tracks: tuple[str, ...], source: str | Path
) -> dict[str, np.ndarray]:
    """Return sorted positions in ``tracks`` by subset."""
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
    genre = np.array([track.split(".")[0] for track in tracks])
    subsets = {}
    for subset in SUBSETS:
        index = np.flatnonzero(subset_of == subset)
        missing = set(GENRES) - set(genre[index])
        if missing and (len(index) or subset != "validation"):
            raise DataError(
                f"{source} leaves {subset} without {', '.join(sorted(missing))}"
            )
        if len(index):
            subsets[subset] = index
    return subsets
