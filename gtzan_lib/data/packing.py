"""All pictures of a data set in one memory-mapped array (paper, section 3.1.1)."""

import os
from pathlib import Path

import numpy as np

from gtzan_lib import store
from gtzan_lib.data.gtzan import HEIGHT, WIDTH, Dataset, read_picture


def pack(dataset: Dataset) -> np.ndarray:
    """Return all pictures, in order, as one array, packed on disk the first time.

    A read-only memmap of uint8, (N, 288, 432, 3): red, green and blue, 0 to 255.
    ``DataError`` at the first picture that cannot be read.
    """

    def make(folder: Path) -> None:
        write(folder / "images.npy", dataset)

    key = dataset.key(["data.packing"], ("numpy", "pillow"))
    folder = store.seal(dataset.results / "01_pack", key, make)
    return np.load(folder / "images.npy", mmap_mode="r")


def write(path: Path, dataset: Dataset) -> None:
    """Write all pictures into a file, an array as ``pack`` returns it."""
    paths = [dataset.image_path(track) for track in dataset.tracks]

    def read(part: slice) -> np.ndarray:
        return np.stack([read_picture(path) for path in paths[part]])

    shape = (len(paths), HEIGHT, WIDTH, 3)
    # Threads are enough: Pillow decodes outside of Python's global lock.
    store.write_array(path, np.uint8, shape, read, step=1, threads=os.cpu_count())
