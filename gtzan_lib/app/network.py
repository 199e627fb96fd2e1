"""The network that comes with the project: one ONNX file, from samples to genres.

``convert_musicnn`` makes it, ``ship`` fits its last layer. onnxruntime runs it, which
left to itself would tell its makers, over the network, of the models that it opens.
"""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when onnxruntime is imported
FOLDER = Path(__file__).with_name("model")
FILE = FOLDER / "model.onnx"
RATE = 16_000  # Hz of the samples that it is given
SECONDS = 3  # the least that it can be given
HEAD = ("head.weights", "head.bias")
Network = Callable[[np.ndarray], list[np.ndarray]]


def open_network(path: Path = FILE) -> Network:
    """Return the network as a function, which threads may share.

    Of mono audio at 16 kHz, float32, (samples,), 3 s or more, it makes float32
    ``probabilities`` (10,), ``embedding`` (200,) and the log-mel spectrogram that it
    saw, ``mel`` (frames, 96), lowest band first, of ten frames in 0.16 s.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    threads = os.environ.get("OMP_NUM_THREADS") or min(4, os.cpu_count() or 1)
    options.intra_op_num_threads = int(threads)
    session = onnxruntime.InferenceSession(path, options)
    return lambda samples: session.run(None, {"samples": samples})
