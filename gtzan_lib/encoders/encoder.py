"""What every encoder has: parameter ``encoder`` of notebook 03_train_cnn.

To add one, write a subclass in a module of its own and name it in the registry.
"""

from pathlib import Path

import numpy as np

from gtzan_lib.data.gtzan import Dataset


class Encoder:
    """Turns tracks into what models are given of them, float32.

    ``shape`` is that of one track as models take it: (channels, height, width) of a
    picture, or (windows, values) of vectors. ``files``, in the data set's folder, are
    what it reads beside the pictures.
    """

    shape: tuple[int, ...]
    files: tuple[str, ...] = ()

    def codes(
        self,
        dataset: Dataset,
        train_index: np.ndarray,
        seed: int,
        progress: bool = True,
    ) -> tuple[np.ndarray, Path | None]:
        """Return what it makes of all tracks, computed or learned the first time.

        Float32, (N, H, W, C), 0 to 1, or (N, windows, values); and the file of the
        weights of a learned encoder, which starts from ``seed`` and looks at the tracks
        at ``train_index``, int64, alone. ``DataError`` if a picture is not a
        spectrogram, or there is no table of features.
        """
        raise NotImplementedError

    def encode(self, pictures: np.ndarray, weights: Path | None = None) -> np.ndarray:
        """Return codes of pictures, uint8 (N, 288, 432, 3), or raise ``DataError``."""
        raise NotImplementedError
