"""What every encoder has: parameter ``encoder`` of notebook 03_train_cnn.

To add one, write a subclass in a module of its own and name it in the registry.
"""

from pathlib import Path

import numpy as np

from gtzan_lib.data.gtzan import Dataset


class Encoder:
    """Turns tracks into what models are given of them, float32.

    Attributes
    ----------
    shape : tuple of int
        Of one track, as models take it: (channels, height, width) of a picture, or
        (windows, values) of vectors.
    files : tuple of str
        What it reads beside the pictures: files of the data set's folder.
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

        A learned encoder starts from ``seed`` and looks at the tracks at the positions
        ``train_index``, int64, alone.

        Returns
        -------
        codes : ndarray of float32, shape (N, H, W, C) or (N, windows, values)
            In the order of ``dataset.tracks``. Pictures are 0 to 1.
        weights : Path or None
            The weights of a learned encoder.

        ``DataError`` if a picture is not a spectrogram, or there is no table of
        features.
        """
        raise NotImplementedError

    def encode(self, pictures: np.ndarray, weights: Path | None = None) -> np.ndarray:
        """Return what it makes of pictures, uint8 (N, 288, 432, 3), as ``codes`` does.

        ``DataError`` if a picture is not a spectrogram, or the encoder needs the audio.
        """
        raise NotImplementedError
