"""Encoder ``bands``: mel bands read back from pictures (paper, sections 4.3 and 5)."""

from pathlib import Path

import numpy as np

from gtzan_lib import store
from gtzan_lib.data import packing
from gtzan_lib.data.gtzan import Dataset
from gtzan_lib.data.mel import N_MELS
from gtzan_lib.data.pictures import PLOT_SHAPE, recover_bands
from gtzan_lib.encoders.encoder import Encoder


class Bands(Encoder):
    """The mel bands, 0 to 1, lowest first."""

    shape = (1, N_MELS, PLOT_SHAPE[1])

    def codes(self, dataset, train_index=None, seed=0, progress=True):
        """Return the bands of all tracks: (N, 128, 335, 1)."""
        return read_bands(dataset) / np.float32(255), None


def read_bands(dataset: Dataset) -> np.ndarray:
    """Return the mel bands of all tracks, read from the pictures the first time.

    A read-only memmap of uint8, (N, 128, 335, 1), 0 to 255, lowest band first.
    """

    def make(folder: Path) -> None:
        bands = np.stack([recover_bands(picture) for picture in packing.pack(dataset)])
        np.save(folder / "bands.npy", bands[..., None])

    key = dataset.key(["encoders.bands"], ("numpy", "pillow"))
    folder = store.seal(dataset.results / "06_bands", key, make)
    return np.load(folder / "bands.npy", mmap_mode="r")
