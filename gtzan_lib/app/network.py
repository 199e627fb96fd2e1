"""What answers for a run: onnxruntime for the shipped model, torch for any other.

onnxruntime is there in a tenth of the time that torch takes. Left to itself it would
tell its makers, over the network, of the models that it opens.
"""

import os
from collections.abc import Callable

import numpy as np

from gtzan_lib.experiments.run import Run

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when onnxruntime is imported
FILE = "model.onnx"
Answer = Callable[[list[np.ndarray]], list[np.ndarray]]


def open_network(run: Run) -> Answer:
    """Return what answers for a run; threads may share it.

    Of what the encoder of each member gives of N tracks, float32, it makes log
    probabilities (N, 10) and embeddings (N, d), float32.
    """
    if (run.folder / FILE).is_file():
        return open_onnx(run.folder / FILE)
    from gtzan_lib.app.torch_network import Network

    return Network(run).answer


def open_onnx(path) -> Answer:
    """Return the same of an ONNX file, whose inputs are in the order of the members."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # a track takes 2 ms
    session = onnxruntime.InferenceSession(path, options)
    names = [each.name for each in session.get_inputs()]
    return lambda codes: session.run(None, dict(zip(names, codes, strict=True)))
