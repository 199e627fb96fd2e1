"""Naming the genre of one file with a trained network.

Used by ``python -m gtzan_lib predict``.
"""

from pathlib import Path

import numpy as np

from gtzan_lib import audio, spectrogram
from gtzan_lib.data import read_picture
from gtzan_lib.errors import DataError
from gtzan_lib.runs import Run


def picture_of(path: Path) -> np.ndarray:
    """Return the picture of a PNG or audio file: uint8, shape (288, 432, 3).

    Raises
    ------
    DataError
        If the file is neither a picture of GTZAN's kind nor audio; it is named.
    """
    if path.suffix.lower() == ".png":
        return read_picture(path)
    y = audio.resample(*audio.read_audio(path))
    try:
        return spectrogram.render(y)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def predict_file(run: Run, path: Path) -> np.ndarray:
    """Return the logits of a PNG or audio file: float32, shape (10,)."""
    from torch import from_numpy

    from gtzan_lib.training import predict

    codes = from_numpy(run.encode(picture_of(path)[None])).permute(0, 3, 1, 2)
    return predict(run.model(), codes)[0].numpy()
