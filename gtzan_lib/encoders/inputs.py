"""What models are given of a track (parameter ``encoder`` of notebook 03_train_cnn).

pool
    The paper's average pooling of the picture (``pooling``).
patch, factorised, conv
    Learned codes of the picture, of the same size (``encoding``).
bands
    128 mel bands by 335 columns, read back from the picture.
texture
    Statistics of the bands in each fifth of the track (``texture``).
features
    The Kaggle edition's table of 57 audio features (``features``).

All are float32. Pictures and codes are 0 to 1.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np

from gtzan_lib import store
from gtzan_lib.data import packing
from gtzan_lib.data import pictures as spectrogram
from gtzan_lib.data.gtzan import Dataset
from gtzan_lib.encoders import features, pooling, texture
from gtzan_lib.errors import DataError
from gtzan_lib.parameters import ENCODERS

# Of one track, as models take it: (channels, height, width) or (windows, values).
SHAPES = {
    **dict.fromkeys(ENCODERS, (3, 72, 108)),
    "bands": (1, spectrogram.N_MELS, spectrogram.PLOT_SHAPE[1]),
    "texture": (texture.N_WINDOWS, texture.N_VALUES),
    "features": (1, len(features.COLUMNS)),
}


def codes(
    dataset: Dataset,
    encoder: str,
    train_index: np.ndarray,
    seed: int,
    report: Callable[[str], None] = print,
) -> tuple[np.ndarray, Path | None]:
    """Return what an encoder makes of all tracks, computed or learned the first time.

    Parameters
    ----------
    dataset : Dataset
    encoder : str
    train_index : ndarray of int64
        Positions of the tracks that a learned encoder may look at.
    seed : int
        Seed of a learned encoder.
    report : callable
        Takes lines of text about the progress.

    Returns
    -------
    codes : ndarray of float32, shape (N, ...)
        In the order of ``dataset.tracks``.
    weights : Path or None
        The weights of a learned encoder.

    Raises
    ------
    DataError
        If a picture is not a spectrogram, or there is no table of features.
    """
    if encoder == "pool":
        return pooling.pool(dataset), None
    if encoder == "bands":
        return bands(dataset) / np.float32(255), None
    if encoder == "texture":
        return _textures(dataset, report), None
    if encoder == "features":
        return features.read_table(dataset)[:, None].astype(np.float32), None
    from gtzan_lib.encoders import learned as encoding

    folder = encoding.learn(dataset, encoder, train_index, seed, report)
    learned = np.load(folder / "codes.npy") / np.float32(255)
    return learned, folder / "model.safetensors"


def of_pictures(encoder: str, pictures: np.ndarray, weights: Path) -> np.ndarray:
    """Return what an encoder makes of pictures: float32, shape (N, ...).

    Parameters
    ----------
    encoder : str
    pictures : ndarray of uint8, shape (N, 288, 432, 3)
    weights : Path
        The weights of a learned encoder; others do not look there.

    Raises
    ------
    DataError
        If a picture is not a spectrogram, or the encoder needs the audio.
    """
    if encoder == "pool":
        return pooling.average_pool(pictures)
    if encoder == "features":
        raise DataError("encoder features is computed from audio, not from a picture")
    if encoder not in ENCODERS:
        found = np.stack([recover_bands(p) for p in pictures]) / np.float32(255)
        if encoder == "bands":
            return found[..., None]
        return np.stack([texture.describe(track) for track in found])
    from gtzan_lib.encoders import learned as encoding

    return encoding.encode(weights, encoder, pictures)


def recover_bands(picture: np.ndarray) -> np.ndarray:
    """Read the mel bands back from a picture of the Kaggle edition.

    Parameters
    ----------
    picture : ndarray of uint8, shape (288, 432, 3)

    Returns
    -------
    ndarray of uint8, shape (128, 335)
        The log-mel spectrogram from its lowest to its highest value, 0 to 255, lowest
        band first. A column is the last of the 3 or 4 frames that a pixel covers.

    Raises
    ------
    DataError
        If the picture is not such a spectrogram.
    """
    return spectrogram.recover_indices(picture)[_row_of_band()]


@cache
def _row_of_band() -> np.ndarray:
    """Return a row of the plot that shows each band: int64, shape (128,)."""
    rows = spectrogram.band_of_row()[::-1]  # sorted
    return len(rows) - 1 - np.searchsorted(rows, np.arange(spectrogram.N_MELS))


def bands(dataset: Dataset) -> np.ndarray:
    """Return the mel bands of all tracks, read from the pictures the first time.

    Returns
    -------
    memmap of uint8, shape (N, 128, 335, 1)
        In the order of ``dataset.tracks``, lowest band first; read-only.
    """

    def make(folder: Path) -> None:
        found = [recover_bands(picture) for picture in packing.pack(dataset)]
        np.save(folder / "bands.npy", np.stack(found)[..., None])

    key = dataset.key(["encoders.inputs"], ("numpy", "pillow"))
    folder = store.seal(dataset.results / "06_bands", key, make)
    return np.load(folder / "bands.npy", mmap_mode="r")


def _textures(dataset: Dataset, report: Callable[[str], None]) -> np.ndarray:
    """Return the texture of all tracks, described the first time: (N, 5, 2520)."""

    def make(folder: Path) -> None:
        found, described = bands(dataset), []

        def describe(track: np.ndarray) -> np.ndarray:
            return texture.describe(track[..., 0] / np.float32(255))

        with ThreadPoolExecutor(os.cpu_count()) as pool:  # FFTs run side by side
            for i, one in enumerate(pool.map(describe, found)):
                described.append(one)
                if (i + 1) % 200 == 0:
                    report(f"texture of {i + 1} of {len(found)} tracks")
        np.save(folder / "texture.npy", np.stack(described))

    key = dataset.key(["encoders.inputs"], ("numpy", "pillow", "scipy"))
    folder = store.seal(dataset.results / "06_texture", key, make)
    return np.load(folder / "texture.npy")
