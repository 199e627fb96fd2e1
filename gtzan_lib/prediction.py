"""Naming the genre of one file with a trained network.

Used by ``python -m gtzan_lib predict``.
"""

from pathlib import Path

import numpy as np

from gtzan_lib import audio, spectrogram
from gtzan_lib.data import read_picture
from gtzan_lib.pooling import average_pool
from gtzan_lib.runs import Run


def picture_of(path: Path) -> np.ndarray:
    """Return the picture of a PNG or audio file: uint8, shape (288, 432, 3).

    Raises
    ------
    DataError
        If the file is neither a picture of GTZAN's kind nor audio.
    """
    if path.suffix.lower() == ".png":
        return read_picture(path)
    return spectrogram.render(audio.resample(*audio.read_audio(path)))


def predict_file(run: Run, path: Path) -> np.ndarray:
    """Return the logits of a PNG or audio file: float32, shape (10,)."""
    from torch import from_numpy

    from gtzan_lib.training import predict

    code = from_numpy(average_pool(picture_of(path)[None])).permute(0, 3, 1, 2)
    return predict(run.model(), code)[0].numpy()
