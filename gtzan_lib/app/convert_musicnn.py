"""Make ``model.onnx`` of musicnn's wheel: from samples to an embedding and ten genres.

musicnn (J. Pons and X. Serra, 2019, ISC licence: ``model/musicnn-LICENSE.md``) learned
50 tags of the Million Song Dataset. What is behind its last hidden layer is replaced by
ten genres that ``gtzan ship`` fits. Run once, by hand:

    pip download --no-deps musicnn==0.1.0
    python -m gtzan_lib.app.convert_musicnn musicnn-0.1.0-py3-none-any.whl
"""

import hashlib
import math
import sys
import zipfile
from collections import defaultdict
from itertools import count
from pathlib import Path

import librosa
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from gtzan_lib.app.classifier import FOLDER, HEAD, MODEL, RATE
from gtzan_lib.data.genres import GENRES
from gtzan_lib.errors import DataError

WHEEL_SHA256 = "f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa"
VARIABLES = "musicnn/MSD_musicnn/.data-00000-of-00001"
LICENCE = "musicnn-0.1.0.dist-info/LICENSE.md"
N_FFT, HOP, BANDS = 512, 256, 96  # samples at 16 kHz, and mel bands
PATCH = 187  # frames, 3 s, that the network was trained on
HIDDEN = 200  # values of its last hidden layer: the embedding
NORMAL = "gamma", "beta", "moving_mean", "moving_variance"
EPSILON = 1e-3  # of TensorFlow's batch normalisation
SKIP = 2  # every second patch is heard: half the time, and the same answers but for few
LOUDNESS = np.float32(0.12)  # root mean square that a window is brought to
HEARD = np.float32(0.25)  # of a window's loudest cell, in log10(1 + 10,000 power)


def _layer(kind: str, n: int) -> str:
    return f"{kind}_{n}" if n else kind


def _shapes() -> dict[str, tuple[int, ...]]:
    """Return the shapes of musicnn's variables, by TensorFlow's names."""
    kernels = [(7, 38, 1, 204), (7, 67, 1, 204), (128, 1, 1, 51), (64, 1, 1, 51)]
    kernels += [(32, 1, 1, 51), (7, 561, 1, 64), (7, 64, 1, 64), (7, 64, 1, 64)]
    found = {"dense/kernel": (2 * 753, HIDDEN), "dense/bias": (HIDDEN,)}
    for n, kernel in enumerate(kernels):
        layer = _layer("conv2d", n)
        found |= {f"{layer}/kernel": kernel, f"{layer}/bias": kernel[-1:]}
    for n, size in enumerate([1, *(k[-1] for k in kernels), 2 * 753, HIDDEN]):
        layer = _layer("batch_normalization", n)
        found |= {f"{layer}/{part}": (size,) for part in NORMAL}
    return found


def read_wheel(path: Path) -> tuple[dict[str, np.ndarray], str]:
    """Return musicnn's variables, float32, and its licence, of the wheel on PyPI.

    TensorFlow wrote the variables in the order of their names, each that was learned
    with two of the same size behind it, which the optimiser had.
    """
    if hashlib.sha256(path.read_bytes()).hexdigest() != WHEEL_SHA256:
        raise DataError(f"{path} is not musicnn 0.1.0's wheel: its SHA-256 is another")
    with zipfile.ZipFile(path) as wheel:
        values = np.frombuffer(wheel.read(VARIABLES), "<f4")
        licence = wheel.read(LICENCE).decode()
    variables, at = {}, 0
    once = "mean", "variance", "powers"  # the last: two numbers of the optimiser alone
    for name, shape in sorted((_shapes() | {"beta_powers": (2,)}).items()):
        size = math.prod(shape)
        variables[name] = values[at : at + size].reshape(shape)
        at += size if name.endswith(once) else 3 * size
    return variables, licence


class _Graph:
    """Nodes and constants of an ONNX graph, each node named by its output."""

    def __init__(self, prefix: str):
        self.prefix, self.nodes, self.constants = prefix, [], []

    def constant(self, name: str, value) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def __call__(self, kind: str, *inputs, name: str = "", **attributes) -> str:
        name = name or f"{self.prefix}{kind}{len(self.nodes)}"
        inputs = [
            x if isinstance(x, str) else self.constant(f"{name}.{n}", x)
            for n, x in enumerate(inputs)
        ]
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name


def _floats(name: str, *shape: int | str):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def build(variables: dict[str, np.ndarray]) -> onnx.ModelProto:
    """Return the network: ``samples``, mono at 16 kHz, 3 s or more, to three outputs.

    They are ``probabilities`` (10,), with a head of zeros; ``embedding`` (200,), the
    mean over patches of 3 s; and ``mel`` (frames, 96), what the patches are cut from.
    """
    patch, body = _Graph("patch."), "patch"  # what is done with each patch of 3 s
    numbers = defaultdict(count)  # variables are numbered in the order of the layers

    def take(kind, *parts):
        layer = _layer(kind, next(numbers[kind]))
        return [variables[f"{layer}/{part}"] for part in parts]

    def normalise(x, shape):
        gamma, beta, mean, variance = take("batch_normalization", *NORMAL)
        scale = gamma / np.sqrt(variance + EPSILON)
        scaled = patch("Mul", x, scale.reshape(shape))
        return patch("Add", scaled, (beta - mean * scale).reshape(shape))

    def convolve(x, **attributes):
        kernel, bias = take("conv2d", "kernel", "bias")
        weights = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))
        y = patch("Relu", patch("Conv", x, weights, bias, **attributes))
        return normalise(y, (-1, 1, 1))

    x = patch("Unsqueeze", body, np.array([0, 1]))  # (1, 1, frames, bands)
    x = normalise(x, (1, 1, 1))
    # TensorFlow pads an even length by one less in front than behind.
    pads = [[(n - 1) // 2, 0, n // 2, 0] for n in (7, 7, 128, 64, 32)]
    highest = [  # over what is left of the bands
        patch("ReduceMax", convolve(x, pads=each), np.array([3]), keepdims=0)
        for each in pads
    ]
    layers = [patch("Concat", *highest, axis=1)]  # (1, 561, frames)
    for n in range(3):
        x = patch("Transpose", layers[-1], perm=[0, 2, 1])
        x = patch("Unsqueeze", x, np.array([1]))
        x = patch("Squeeze", convolve(x, pads=[3, 0, 3, 0]), np.array([3]))
        layers.append(patch("Add", x, layers[-1]) if n else x)
    every = patch("Concat", *layers, axis=1)  # (1, 753, frames)
    highest = patch("ReduceMax", every, np.array([2]), keepdims=1)
    mean = patch("ReduceMean", every, np.array([2]), keepdims=1)
    flat = patch("Concat", highest, mean, axis=2)  # (1, 753, 2), side by side
    flat = patch("Reshape", flat, np.array([1, -1]))
    flat = normalise(flat, (1, -1))
    x = patch("Relu", patch("Gemm", flat, *take("dense", "kernel", "bias")))
    x = normalise(x, (1, -1))
    patch("Squeeze", x, np.array([0]), name="hidden")

    graph = _Graph("")
    power = graph("ReduceMean", graph("Mul", "samples", "samples"), keepdims=0)
    loudness = graph("Sqrt", power)
    gain = graph("Div", LOUDNESS, graph("Max", loudness, np.float32(1e-9)))
    wave = graph("Reshape", graph("Mul", "samples", gain), np.array([1, -1]))
    wave = graph("Pad", wave, np.array([0, N_FFT // 2] * 2), mode="reflect")
    wave = graph("Unsqueeze", wave, np.array([2]))
    window = np.hanning(N_FFT + 1)[:-1].astype(np.float32)
    spectrum = graph("STFT", wave, np.array(HOP), window, np.array(N_FFT), onesided=1)
    power = graph("ReduceSumSquare", spectrum, np.array([0, 3]), keepdims=0)
    filters = librosa.filters.mel(sr=RATE, n_fft=N_FFT, n_mels=BANDS)
    mel = graph("MatMul", power, filters.T)
    mel = graph("Add", graph("Mul", mel, np.float32(1e4)), np.float32(1))
    mel = graph("Mul", graph("Log", mel), np.float32(1 / np.log(10)), name="mel")
    n = graph("Div", graph("Shape", mel, start=0, end=1), np.array([PATCH]))
    whole = graph("Slice", mel, np.array([0]), graph("Mul", n, np.array([PATCH])))
    patches = graph("Reshape", whole, np.array([-1, PATCH, BANDS]))
    every = np.array([0]), np.array([2**31]), np.array([0]), np.array([SKIP])
    patches = graph("Slice", patches, *every)
    takes, gives = _floats(body, PATCH, BANDS), _floats("hidden", HIDDEN)
    each = helper.make_graph(patch.nodes, "musicnn", [takes], [gives], patch.constants)
    hidden = graph("Scan", patches, body=each, num_scan_inputs=1, name="patches")
    # A patch has a vote where its loudest cell is not far below that of the window.
    peaks = graph("ReduceMax", patches, np.array([1, 2]), keepdims=0)
    least = graph("Mul", graph("ReduceMax", mel, keepdims=0), HEARD)
    heard = graph("GreaterOrEqual", peaks, least)
    heard = graph("Cast", heard, to=TensorProto.FLOAT)
    total = graph("MatMul", heard, hidden)
    votes = graph("ReduceSum", heard, keepdims=0)
    embedding = graph("Div", total, votes, name="embedding")
    zeros = np.zeros((HIDDEN, len(GENRES)), np.float32)
    weights = graph.constant(HEAD[0], zeros), graph.constant(HEAD[1], zeros[0])
    logits = graph("Add", graph("MatMul", embedding, weights[0]), weights[1])
    graph("Softmax", logits, axis=0, name="probabilities")
    outputs = _floats("probabilities", len(GENRES)), _floats("embedding", HIDDEN)
    outputs = [*outputs, _floats("mel", "frames", BANDS)]
    inputs = [_floats("samples", "samples")]
    made = helper.make_graph(graph.nodes, "gtzan", inputs, outputs, graph.constants)
    versions = [helper.make_opsetid("", 20)]
    model = helper.make_model(made, opset_imports=versions, ir_version=10)
    helper.set_model_props(model, {"genres": ", ".join(GENRES), "rate": str(RATE)})
    onnx.checker.check_model(model, full_check=True)
    return model


def main(wheel: Path) -> None:
    """Write the model without a head, and musicnn's licence beside it."""
    variables, licence = read_wheel(wheel)
    onnx.save(build(variables), FOLDER / MODEL)
    (FOLDER / "musicnn-LICENSE.md").write_text(licence, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
