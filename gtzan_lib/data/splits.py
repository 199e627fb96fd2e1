"""Splits: which tracks train a model, which choose between models, which test it.

Paper, sections 3.1.1 and 4.3. Used by notebooks 03_train_cnn, 04_autoencoder
and 06_beyond (parameter ``split``).
"""

import csv
from pathlib import Path

import numpy as np

from gtzan_lib import store
from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.gtzan import SYNTHETIC, Dataset
from gtzan_lib.errors import DataError

SUBSETS = ("train", "validation", "test")
UNIQUE = "-unique"
TRAINVAL = "artist-trainval"  # the validation part trains, too, once all is chosen
TEST_TO_TRAIN = {"random": 1 / 4, "three-way": 1 / 3}  # sizes, of what seeds redraw
NO_PICTURE = "jazz.00054"  # its audio cannot be decoded: the Kaggle edition lacks it

# The lists of Kereliuk, Sturm and Larsen, "Deep Learning and Music Adversaries" (2015),
# with their SHA-256 sums. No artist is in two of them, and faulty tracks are in none.
ARTIST_LISTS = "https://raw.githubusercontent.com/coreyker/dnn-mgr/master/gtzan/"
ARTIST_SUMS = {
    "train_filtered.txt": (
        "2b04966cef1486f1a7767b74271533fa23e220388db804a1937835e1fc4fa3fa"
    ),
    "valid_filtered.txt": (
        "f8fbee7c52397a0e0f3a91dc54fedecb2e27f5bdc9a9daeab8cb10d077e26956"
    ),
    "test_filtered.txt": (
        "09cafa6a89ce0a27f30ed250d56ecb4d03c22fffb5a693f96c7ae655ee02ac72"
    ),
}


def split(dataset: Dataset, name: str, seed: int) -> dict[str, np.ndarray]:
    """Divide a data set into subsets.

    Parameters
    ----------
    dataset : Dataset
        The data set.
    name : str
        ``"random"`` for the paper's split; ``"three-way"`` for three fifths to train,
        a fifth to validate and a fifth to test, the same of each genre; either with
        ``"-unique"`` behind it, to leave out what is identical to a picture of a later
        subset; ``"artist"`` for the artist-aware split, fetched the first time, or
        ``"artist-trainval"`` for the same with the validation part to train, too; the
        path of a CSV file, or of a folder with the artist-aware split's lists.
    seed : int
        Which random split; the others do not depend on it.

    Returns
    -------
    dict of ndarray of int64
        Sorted positions in ``dataset.tracks`` by subset: ``"train"``, ``"test"`` and,
        where there is one, ``"validation"``.

    Raises
    ------
    DataError
        If the split cannot be read or fetched, or does not fit the data.
    """
    kind = name.removesuffix(UNIQUE)
    if kind == "random":
        parts = random_split(len(dataset.tracks), seed)
    elif kind == "three-way":
        parts = three_way_split(dataset.labels, seed)
    elif name in ("artist", TRAINVAL):
        parts = read_artist_split(fetch_artist_lists(), dataset)
        if name == TRAINVAL:
            train = [parts["train"], parts.pop("validation")]
            parts["train"] = np.sort(np.concatenate(train))
        return parts
    elif Path(name).expanduser().is_dir():
        return read_artist_split(Path(name).expanduser(), dataset)
    else:
        return read_split(name, dataset.tracks)
    if name != kind:
        sums = [store.sha256(dataset.image_path(track)) for track in dataset.tracks]
        parts = without_twins(parts, sums)
    return parts


def identify(name: str) -> str:
    """Return a split's name, with a file's stem and content hash for its path."""
    path = Path(name).expanduser()
    if name in ("artist", TRAINVAL) or name.removesuffix(UNIQUE) in TEST_TO_TRAIN:
        return name
    if path.is_dir():
        sums = {file: store.sha256(path / file) for file in ARTIST_SUMS}
        if sums == ARTIST_SUMS:
            return "artist"
        return f"{path.name}-{sums['test_filtered.txt'][:8]}"
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


def three_way_split(labels: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Draw three fifths to train, a fifth to validate, a fifth to test, by genre.

    Parameters
    ----------
    labels : ndarray of int64, shape (N,)
        The genre of each picture; each genre is divided in the same proportion.
    seed : int
        Which split.

    Returns
    -------
    dict of ndarray of int64
        Sorted positions by subset, ``"train"``, ``"validation"`` and ``"test"``.

    Raises
    ------
    DataError
        If a genre has fewer than five pictures.
    """
    rng = np.random.default_rng(seed)
    fifths = [[], [], [], [], []]
    for genre in np.unique(labels):
        if np.sum(labels == genre) < len(fifths):
            raise DataError(
                "the three-way split needs 5 pictures of each genre or more; there are "
                f"{np.sum(labels == genre)} of {GENRES[genre]}"
            )
        members = rng.permutation(np.flatnonzero(labels == genre))
        for fifth, part in zip(fifths, np.array_split(members, 5), strict=True):
            fifth.extend(part)
    first, second, third, validation, test = fifths
    parts = {"train": first + second + third, "validation": validation, "test": test}
    return {subset: np.sort(np.array(index)) for subset, index in parts.items()}


def without_twins(
    parts: dict[str, np.ndarray], sums: list[str]
) -> dict[str, np.ndarray]:
    """Leave out of each subset what is identical to a picture of a later one.

    The test pictures stay as they are, so that an accuracy on them can be compared.

    Parameters
    ----------
    parts : dict of ndarray of int64
        Positions by subset.
    sums : list of str
        A hash of each picture.
    """
    kept, later = {}, set()
    for subset in reversed([name for name in SUBSETS if name in parts]):
        index = parts[subset]
        kept[subset] = np.array([i for i in index if sums[i] not in later], np.int64)
        later |= {sums[i] for i in index}
    return kept


def fetch_artist_lists() -> Path:
    """Return the folder of the artist-aware split's lists, fetched the first time.

    Raises
    ------
    DataError
        If they cannot be fetched, or are not the published ones.
    """
    import pooch

    folder = store.runs_folder() / "artist_split"
    pooch.get_logger().setLevel("WARNING")
    for name, sum_ in ARTIST_SUMS.items():
        try:
            pooch.retrieve(ARTIST_LISTS + name, f"sha256:{sum_}", name, folder)
        except (OSError, ValueError) as error:
            raise DataError(
                f"{ARTIST_LISTS}{name} cannot be fetched ({type(error).__name__}); "
                "give the folder that holds the three lists as the split instead"
            ) from error
    return folder


def read_artist_split(folder: Path, dataset: Dataset) -> dict[str, np.ndarray]:
    """Read the artist-aware split of GTZAN from its three lists.

    The Kaggle edition has no picture of one of the 930 tracks, ``NO_PICTURE``: that
    leaves 442 to train, 197 to validate and 290 to test.

    Parameters
    ----------
    folder : Path
        Holds the files named in ``ARTIST_SUMS``, with a line such as
        ``blues/blues.00029.wav`` a track.
    dataset : Dataset

    Raises
    ------
    DataError
        If the data is the synthetic sample, a list cannot be read, or the lists name
        another track without a picture, repeat one, or leave a subset without a genre.
    """
    if dataset.name == SYNTHETIC:
        raise DataError(f"the artist split is one of GTZAN, not of the {SYNTHETIC}")
    pairs = []
    for subset, name in zip(SUBSETS, ARTIST_SUMS, strict=True):
        try:
            lines = (folder / name).read_text(encoding="utf-8").split()
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"the list {folder / name} cannot be read") from error
        pairs += [(Path(line).stem, subset) for line in lines]
    pairs = [(track, subset) for track, subset in pairs if track != NO_PICTURE]
    return _positions(pairs, dataset.tracks, folder)


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
    rows = [(row["track"], row["subset"]) for row in _rows(Path(path))]
    return _positions(rows, tracks, path)


def _positions(
    rows: list[tuple[str, str]], tracks: tuple[str, ...], source: str | Path
) -> dict[str, np.ndarray]:
    """Return sorted positions in ``tracks`` by subset, of pairs (track, subset)."""
    positions = {track: i for i, track in enumerate(tracks)}
    subset_of: dict[str, str] = {}
    for track, subset in rows:
        if track not in positions:
            raise DataError(
                f"{source} names a track that is not in the data: {track!r}"
            )
        if subset not in SUBSETS:
            raise DataError(
                f"{source} puts {track} in {subset!r}; it must be one of "
                + ", ".join(SUBSETS)
            )
        if track in subset_of:
            raise DataError(f"{source} names {track} twice")
        subset_of[track] = subset
    subsets = {}
    for subset in SUBSETS:
        members = [t for t in tracks if subset_of.get(t) == subset]
        missing = set(GENRES) - {t.split(".")[0] for t in members}
        if missing and (members or subset != "validation"):
            raise DataError(
                f"{source} leaves {subset} without {', '.join(sorted(missing))}"
            )
        if members:
            subsets[subset] = np.array([positions[t] for t in members], np.int64)
    return subsets


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.expanduser().open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns, rows = set(reader.fieldnames or ()), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"the split {path} cannot be read: {error}") from error
    if not {"track", "subset"} <= columns:
        raise DataError(f"the split {path} needs the columns track and subset")
    return rows
