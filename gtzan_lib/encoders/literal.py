"""The autoencoder that the paper proposes, taken literally: what it costs and can do.

Dense layers from all pixels to 72 x 108 x 3 nodes and back (section 4.3).
"""

import math
from pathlib import Path

import numpy as np

from gtzan_lib import store
from gtzan_lib.data import packing, splits
from gtzan_lib.data.gtzan import HEIGHT, WIDTH, Dataset
from gtzan_lib.encoders import pooling
from gtzan_lib.models.autoencoder import CODE_SHAPE


def cost(pictures: int = 800) -> dict[str, int]:
    """Return what the proposal takes as written: one dense layer down, and one up.

    ``weights``, biases among them; their ``bytes`` as 32-bit numbers, and
    ``bytes_with_adam`` while they are trained; ``flop`` of an epoch of ``pictures``.
    """
    pixels, values = HEIGHT * WIDTH * 3, math.prod(CODE_SHAPE)
    n = 2 * pixels * values + pixels + values
    # Adam has gradients and two moments; a weight, two operations and four to learn.
    stored = {"bytes": 4 * n, "bytes_with_adam": 16 * n}
    return {"weights": n} | stored | {"flop": 6 * n * pictures}


def errors(images: np.ndarray, parts: list[dict]) -> list[np.ndarray]:
    """Return what the paper's proposal, without tanh, loses of pictures not learned.

    With more nodes than training pictures it gives these back exactly, and of any other
    picture, with the least weights that do so, the projection onto what they span. Of
    ``images``, uint8, (N, H, W, 3), those at ``test`` of each of ``parts``, int64, are
    projected onto those at ``train``. Returned are their mean squared errors on the
    scale of 0 to 1, float64, of each split.
    """
    flat, found = images.reshape(len(images), -1), []
    gram = np.zeros((len(flat), len(flat)))
    for first in range(0, flat.shape[1], 4096):
        part = flat[:, first : first + 4096] / 255
        part -= part.mean(axis=0)
        gram += part @ part.T
    for train, test in ((split["train"], split["test"]) for split in parts):
        own, other = gram[np.ix_(train, train)], gram[np.ix_(train, test)]
        mean, total = own.mean(axis=0)[:, None], own.mean()  # of what trains
        values, vectors = np.linalg.eigh(own - mean - mean.T + total)
        has_length = values > 1e-10 * values.max()  # pictures may be there twice
        axes = vectors[:, has_length] / values[has_length] ** 0.5
        squares = gram[test, test] - 2 * other.mean(axis=0) + total
        seen = axes.T @ (other - mean - other.mean(axis=0) + total)
        found.append((squares - (seen**2).sum(axis=0)) / flat.shape[1])
    return found


def ratios(dataset: Dataset) -> list[float]:
    """Return ``errors`` as a share of pooling's (bicubic), of each of five folds.

    They are those of split ``random-unique``, so that no picture trains and tests.
    """

    def make(folder: Path) -> None:
        seeds, pooled = range(splits.N_FOLDS), pooling.pooling_errors(dataset)
        folds = [splits.split(dataset, "random-unique", seed) for seed in seeds]
        lost = errors(packing.pack(dataset), folds)
        means = [pooled["bicubic"][fold["test"]].mean() for fold in folds]
        found = [e.mean() / mean for e, mean in zip(lost, means, strict=True)]
        np.save(folder / "ratios.npy", found)

    key = dataset.key(["encoders.literal"], ("numpy", "pillow", "torch"))
    folder = store.seal(dataset.results / "04_autoencoder" / "literal", key, make)
    return np.load(folder / "ratios.npy").tolist()
