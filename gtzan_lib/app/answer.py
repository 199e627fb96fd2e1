"""An answer of ``/api/predict``: made in a worker process, JSON values.

Used by ``gtzan_lib.app.server`` and ``.workers``.
"""

import base64
import io
import os

import numpy as np

from gtzan_lib.app import classifier
from gtzan_lib.data.mel import tables

WHITE = 3.5  # of the spectrogram's log10(1 + 10,000 power), in its picture
_model: list[classifier.Classifier] = []  # the one of a worker process


def load(processes: int) -> None:
    """Load the model: what each of some worker processes begins with."""
    threads = max(1, (os.cpu_count() or 1) // processes)
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    _model.append(classifier.Classifier())
    noise = np.random.default_rng(0).normal(0, 0.1, 3 * classifier.RATE)
    _model[0].network(noise.astype(np.float32))  # what the first would wait for


def analyse(path: str) -> dict:
    """Return the answer for an audio file, in a worker process.

    It is ``Prediction.as_json`` with the ``picture`` of what the network saw, a PNG in
    base64. A ``DataError`` names the file.
    """
    from PIL import Image

    prediction = _model[0].predict_file(path)
    levels = (255 * prediction.mel.T[::-1] / WHITE).clip(0, 255).astype(np.uint8)
    picture = Image.fromarray(tables()["magma"][levels]).resize((432, 288))
    png = io.BytesIO()
    picture.save(png, "PNG", compress_level=3)
    picture = base64.b64encode(png.getvalue()).decode()
    return prediction.as_json() | {"picture": picture}
