"""Encoder ``pool``: average pooling and the error it leaves (paper, section 3.1.1)."""

from pathlib import Path

import numpy as np

from gtzan_lib import store
from gtzan_lib.data import packing
from gtzan_lib.data.gtzan import HEIGHT, WIDTH, Dataset
from gtzan_lib.encoders.encoder import Encoder

FACTOR = 4  # the paper's: side of a window of pixels
UPSAMPLING = ("nearest", "bilinear", "bicubic")


class Pooling(Encoder):
    """The paper's encoder: means of 4 x 4 pixels."""

    shape = (3, HEIGHT // FACTOR, WIDTH // FACTOR)

    def codes(self, dataset, train_index=None, seed=0, progress=True):
        """Return the pooled pictures of all tracks: (N, 72, 108, 3)."""
        return pool(dataset), None


class Full(Encoder):
    """No compression: all pixels (the paper's section 4.3 expects better results)."""

    shape = (3, HEIGHT, WIDTH)

    def codes(self, dataset, train_index=None, seed=0, progress=True):
        """Return the pictures of all tracks: (N, 288, 432, 3)."""
        return packing.pack(dataset) / np.float32(255), None


def average_pool(images: np.ndarray, factor: int = FACTOR) -> np.ndarray:
    """Average every ``factor`` x ``factor`` window of pixels, uint8, (N, H, W, 3).

    To float32, 0 to 1; ``ValueError`` if ``factor`` does not divide height and width.
    """
    n, height, width, channels = images.shape
    if height % factor or width % factor:
        raise ValueError(f"{factor} does not divide {height} x {width}")
    total = images.reshape(n, height // factor, factor, width * channels)
    total = total.sum(axis=2, dtype=np.uint32)  # first over what is far apart: faster
    total = total.reshape(n, height // factor, width // factor, factor, channels)
    total = total.sum(axis=3, dtype=np.uint32)
    return total.astype(np.float32) / np.float32(255 * factor**2)


def upsample(codes: np.ndarray, factor: int, mode: str) -> np.ndarray:
    """Enlarge codes (N, h, w, 3) ``factor`` times, by a ``mode`` of ``UPSAMPLING``."""
    from torch.nn.functional import interpolate

    from gtzan_lib.models.layout import to_array, to_tensor

    x = interpolate(to_tensor(codes), scale_factor=factor, mode=mode)
    return to_array(x.clamp(0, 1))


def mse_per_image(images: np.ndarray, reconstructions: np.ndarray) -> np.ndarray:
    """Return each picture's mean squared error on the scale of 0 to 1: float64, (N,).

    From originals, uint8, and their reconstructions, float32, 0 to 1: (N, H, W, 3).
    """
    error = images.astype(np.float32) / 255 - reconstructions
    return np.square(error, out=error).mean(axis=(1, 2, 3), dtype=np.float64)


def pool(dataset: Dataset, factor: int = FACTOR) -> np.ndarray:
    """Return the pooled pictures of a data set, computed on disk the first time.

    A read-only memmap of float32, (N, 288 / factor, 432 / factor, 3), 0 to 1.
    """
    return np.load(_pooled_folder(dataset, factor) / "codes.npy", mmap_mode="r")


def pooling_errors(dataset: Dataset, factor: int = FACTOR) -> dict[str, np.ndarray]:
    """Return ``mse_per_image`` after pooling and each ``UPSAMPLING``, by its name."""
    with np.load(_pooled_folder(dataset, factor) / "mse.npz") as errors:
        return dict(errors)


def _pooled_folder(dataset: Dataset, factor: int) -> Path:
    def make(folder: Path) -> None:
        packed = packing.pack(dataset)
        n, height, width, _ = packed.shape
        errors = {mode: np.empty(n) for mode in UPSAMPLING}

        def pooled(part: slice) -> np.ndarray:
            # Through a map of its own, or all pictures would stay in memory.
            images = np.load(packed.filename, mmap_mode="r")[part]
            codes = average_pool(images, factor)
            for mode, mse in errors.items():
                mse[part] = mse_per_image(images, upsample(codes, factor, mode))
            return codes

        shape = (n, height // factor, width // factor, 3)
        store.write_array(folder / "codes.npy", np.float32, shape, pooled, step=16)
        np.savez(folder / "mse.npz", **errors)

    key = dataset.key(["encoders.pooling"], ("numpy", "pillow", "torch"), factor=factor)
    return store.seal(dataset.results / f"02_pool_x{factor}", key, make)
