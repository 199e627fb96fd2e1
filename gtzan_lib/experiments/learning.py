"""Learning curves: what more training tracks add to an accuracy (paper, section 4.3).

Of support vector machines, which are fitted in seconds, on the folds of split
``random``. Paper: "we can add more amount of data to train our model".
"""

from pathlib import Path

import numpy as np

from gtzan_lib import registry, store
from gtzan_lib.data import splits
from gtzan_lib.data.gtzan import Dataset

FOLDER, CURVE = "06_learning", "curve.json"
SHARES = (8, 4, 2, 1)  # an eighth of the training part, and so on
PACKAGES = ("numpy", "pillow", "scikit-learn", "scipy", "torch")


def curve(dataset: Dataset, encoder: str, seed: int) -> dict:
    """Return how accuracy grows with the training tracks, measured the first time.

    The tracks of a share are drawn by ``seed``, and each share holds the smaller ones.
    Returned are ``encoder``, ``seed``; of each share the number of tracks that
    ``train`` and of test tracks answered rightly, ``hits``; and how many ``tests``
    there are.
    """

    def make(folder: Path) -> None:
        store.write_json(folder / CURVE, _fit(dataset, encoder, seed))

    folder = dataset.results / FOLDER / f"{encoder}-seed-{seed}"
    folder = store.seal(folder, _key(dataset, encoder, seed), make)
    return store.read_json(folder / CURVE)


def finished(dataset: Dataset) -> list[dict]:
    """Return the curves that are measured, whole and up to date."""
    curves = []
    for folder in sorted((dataset.results / FOLDER).glob("*-seed-*")):
        encoder, _, seed = folder.name.rpartition("-seed-")
        if encoder not in registry.ENCODERS or not seed.isdecimal():
            continue
        if store.is_whole(folder, _key(dataset, encoder, int(seed)), CURVE):
            curves.append(store.read_json(folder / CURVE))
    return curves


def _key(dataset: Dataset, encoder: str, seed: int) -> dict:
    entry = registry.ENCODERS[encoder]
    modules = ("experiments.learning", "models.svm", entry.module)
    facts = {"encoder": encoder, "seed": seed}
    return dataset.key(modules, PACKAGES, entry.make().files, **facts)


def _fit(dataset: Dataset, encoder: str, seed: int) -> dict:
    from gtzan_lib.models import build as models
    from gtzan_lib.training import loop

    split = splits.split(dataset, "random", seed)
    kind = registry.ENCODERS[encoder].make()
    codes, _ = kind.codes(dataset, split["train"], seed, progress=False)
    order = np.random.default_rng(seed).permutation(split["train"])
    test = loop.Subset.of(codes[split["test"]], dataset.labels[split["test"]], "cpu")
    sizes, hits = [len(order) // share for share in SHARES], []
    for size in sizes:
        index = np.sort(order[:size])
        model = models.build("svm", kind.shape, seed)
        train = loop.Subset.of(codes[index], dataset.labels[index], "cpu")
        model.solve(train.x, train.y)
        right = loop.predict(model, test.x).argmax(dim=1) == test.y
        hits.append(int(right.sum()))
    facts = {"encoder": encoder, "seed": seed, "tests": len(test.y)}
    return facts | {"train": sizes, "hits": hits}
