"""Learning curves: what more training tracks add to an accuracy (paper, section 4.3).

Of support vector machines, which are fitted in seconds, on the folds of split
``artist-folds``, so that more tracks are not more known artists; of data whose artists
are not known, ``random``. Paper: "we can add more amount of data to train our model".
"""

from pathlib import Path

import numpy as np
import pandas as pd

from gtzan_lib import registry, store
from gtzan_lib.data import artists, splits
from gtzan_lib.data.gtzan import Dataset
from gtzan_lib.errors import DataError
from gtzan_lib.evaluation import clusters

FOLDER, CURVE = "06_learning", "curve.json"
SHARES = (8, 4, 2, 1)  # an eighth of the training part, and so on
PACKAGES = ("numpy", "pillow", "scikit-learn", "scipy", "torch")
COLUMNS = ["encoder", "seed", "split", "train", "artist", "tests", "hits"]


def curve(dataset: Dataset, encoder: str, seed: int) -> dict:
    """Return how accuracy grows with the training tracks, measured the first time.

    The tracks of a share are drawn by ``seed``, and each share holds the smaller ones.
    Returned are ``encoder``, ``seed``, ``split``; of each share the number of tracks
    that ``train``; and by artist numbers of test tracks, ``tests``, and for each share
    of those answered rightly, ``hits``.
    """

    def make(folder: Path) -> None:
        store.write_json(folder / CURVE, _fit(dataset, encoder, seed))

    folder = dataset.results / FOLDER / f"{encoder}-seed-{seed}"
    store.seal(folder, _key(dataset, encoder, seed), make)
    return store.read_json(folder / CURVE)


def table(dataset: Dataset) -> pd.DataFrame:
    """Return the curves that are measured, whole and up to date.

    A row for each ``encoder``, ``seed`` (of ``split``), number of tracks that ``train``
    and ``artist``: numbers of ``tests`` and ``hits``.
    """
    rows = []
    for folder in sorted((dataset.results / FOLDER).glob("*-seed-*")):
        key = store.read_key(folder) or {}
        facts = key.get("encoder"), key.get("seed")
        is_known = facts[0] in registry.ENCODERS
        if is_known and store.is_whole(folder, _key(dataset, *facts)):
            found = store.read_json(folder / CURVE)
            by_size = zip(found.pop("train"), found.pop("hits"), strict=True)
            rows += [
                pd.DataFrame(found | {"train": train, "hits": hits}).rename_axis(
                    "artist"
                )
                for train, hits in by_size
            ]
    empty = pd.DataFrame(columns=COLUMNS)
    return pd.concat(rows).reset_index()[COLUMNS] if rows else empty


def _key(dataset: Dataset, encoder: str, seed: int) -> dict:
    entry = registry.ENCODERS[encoder]
    modules = ("experiments.learning", "models.svm", entry.module)
    facts = {"encoder": encoder, "seed": seed}
    return dataset.key(modules, PACKAGES, entry.make().files, **facts)


def _fit(dataset: Dataset, encoder: str, seed: int) -> dict:
    from gtzan_lib.models import build as models
    from gtzan_lib.training import loop

    name = "artist-folds"
    try:
        split = splits.split(dataset, name, seed)
        tested = [dataset.tracks[i] for i in split["test"]]
        artist = artists.artists_of(tested, dataset.name)
    except DataError:  # no artists are known
        name, split = "random", splits.split(dataset, "random", seed)
        artist = split["test"]
    kind = registry.ENCODERS[encoder].make()
    codes, _ = kind.codes(dataset, split["train"], seed, progress=False)

    def subset(index: np.ndarray) -> loop.Subset:
        return loop.Subset.of(codes[index], dataset.labels[index], "cpu")

    order = np.random.default_rng(seed).permutation(split["train"])
    sizes, hits = [len(order) // share for share in SHARES], []
    test = subset(split["test"])
    for size in sizes:
        model = models.build("svm", kind.shape, seed)
        train = subset(np.sort(order[:size]))
        model.solve(train.x, train.y)
        right = loop.predict(model, test.x).argmax(dim=1) == test.y
        of_artists, tests = clusters.by_artist(right.numpy(), artist)
        hits.append(of_artists.astype(int).tolist())
    facts = {"encoder": encoder, "seed": seed, "split": name}
    return facts | {"train": sizes, "tests": tests.tolist(), "hits": hits}
