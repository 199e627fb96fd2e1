"""Make ``model.onnx`` of musicnn's wheel: from samples to an embedding and ten genres.

musicnn (J. Pons and X. Serra, 2019, ISC licence: ``model/musicnn-LICENSE.md``) learned
50 tags of the Million Song Dataset. Its weights come from the wheel on PyPI, whose
TensorFlow bundle is read with NumPy; what is behind its last hidden layer is replaced
by ten genres that ``gtzan ship`` fits. Run once, by hand:

    pip download --no-deps musicnn==0.1.0
    python -m gtzan_lib.app.convert_musicnn musicnn-0.1.0-py3-none-any.whl
"""

import hashlib
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from gtzan_lib.app.network import FILE, HEAD, RATE
from gtzan_lib.data.genres import GENRES
from gtzan_lib.errors import DataError

WHEEL_SHA256 = "f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa"
MODEL, LICENCE = "musicnn/MSD_musicnn/", "musicnn-0.1.0.dist-info/LICENSE.md"
N_FFT, HOP, BANDS = 512, 256, 96  # samples at 16 kHz, and mel bands
PATCH = 187  # frames, 3 s, that the network was trained on
HIDDEN = 200  # values of its last hidden layer: the embedding
EPSILON = 1e-3  # of TensorFlow's batch normalisation
SKIP = 2  # every second patch is heard: half the time, and the same answers but for few
LOUDNESS = np.float32(0.12)  # root mean square that a window is brought to
HEARD = np.float32(0.25)  # of a window's loudest cell, in log10(1 + 10,000 power)


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """Return an integer of a protocol buffer, and where the next one begins."""
    value = shift = 0
    while True:
        byte = content[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def _message(content: bytes) -> list[tuple[int, int | bytes]]:
    """Return a protocol buffer's fields: numbers with integers or bytes."""
    fields, at = [], 0
    while at < len(content):
        key, at = _varint(content, at)
        if key & 7 == 0:
            value, at = _varint(content, at)
        else:  # 2: bytes, whose length comes first; 5: four bytes, here a checksum
            length, at = (4, at) if key & 7 == 5 else _varint(content, at)
            value, at = content[at : at + length], at + length
        fields.append((key >> 3, value))
    return fields


def read_bundle(index: bytes, data: bytes) -> dict[str, np.ndarray]:
    """Return the float32 variables of a TensorFlow bundle, but for the optimiser's.

    ``index`` is a LevelDB table: blocks of keys, each as what it shares with the last
    one and the rest, with protocol buffers that say where in ``data`` the values are.
    """
    at, handles = len(index) - 48, []
    for _ in range(4):  # the footer: offset and size of the meta index, then the index
        value, at = _varint(index, at)
        handles.append(value)
    variables = {}
    for _, block in _entries(index, *handles[2:]):
        offset, after = _varint(block, 0)
        for key, entry in _entries(index, offset, _varint(block, after)[0]):
            name, fields = key.decode(), dict(_message(entry))
            if not name or "Adam" in name or fields.get(1) != 1:  # 1: float32
                continue
            shape = [dict(_message(v)).get(1) for n, v in _message(fields[2]) if n == 2]
            start = fields.get(4, 0)
            values = np.frombuffer(data[start : start + fields[5]], "<f4")
            variables[name] = values.reshape(shape)
    return variables


def _entries(index: bytes, offset: int, size: int):
    """Yield the keys and values of a LevelDB block."""
    block = index[offset : offset + size]
    end = len(block) - 4 * (1 + int.from_bytes(block[-4:], "little"))
    at, key = 0, b""
    while at < end:
        shared, at = _varint(block, at)
        unshared, at = _varint(block, at)
        length, at = _varint(block, at)
        key = key[:shared] + block[at : at + unshared]
        at += unshared
        yield key, block[at : at + length]
        at += length


def read_wheel(path: Path) -> tuple[dict[str, np.ndarray], str]:
    """Return musicnn's variables and its licence, of the wheel that PyPI has."""
    if hashlib.sha256(path.read_bytes()).hexdigest() != WHEEL_SHA256:
        raise DataError(f"{path} is not musicnn 0.1.0's wheel: its SHA-256 is another")
    with zipfile.ZipFile(path) as wheel:
        index, data = MODEL + ".index", MODEL + ".data-00000-of-00001"
        variables = read_bundle(wheel.read(index), wheel.read(data))
        return variables, wheel.read(LICENCE).decode()


class _Graph:
    """Nodes and constants of an ONNX graph, each node named by its output."""

    def __init__(self, prefix: str):
        self.prefix, self.nodes, self.constants = prefix, [], []

    def constant(self, name: str, value) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def __call__(
        self, kind: str, *inputs, name: str | None = None, **attributes
    ) -> str:
        name = name or f"{self.prefix}{kind}{len(self.nodes)}"
        inputs = [
            x if isinstance(x, str) else self.constant(f"{name}.{n}", x)
            for n, x in enumerate(inputs)
        ]
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name


def mel_filters() -> np.ndarray:
    """Return librosa's mel filters, as musicnn took them: float32 (257, 96)."""
    import librosa

    return librosa.filters.mel(sr=RATE, n_fft=N_FFT, n_mels=BANDS).T


def build(variables: dict[str, np.ndarray]) -> onnx.ModelProto:
    """Return the network: ``samples``, mono at 16 kHz, 3 s or more, to three outputs.

    They are ``probabilities`` (10,), with a head of zeros; ``embedding`` (200,), the
    mean over patches of 3 s; and ``mel`` (frames, 96), what the patches are cut from.
    """
    patch, body = _Graph("patch."), "patch"  # what is done with each patch of 3 s
    numbers = dict.fromkeys(("batch_normalization", "conv2d", "dense"), 0)

    def take(kind, *parts):  # variables are numbered in the order of the layers
        n = numbers[kind]
        numbers[kind] += 1
        prefix = f"{kind}_{n}" if n else kind
        return [variables[f"{prefix}/{part}"] for part in parts]

    def normalise(x, shape):
        parts = "gamma", "beta", "moving_mean", "moving_variance"
        gamma, beta, mean, variance = take("batch_normalization", *parts)
        scale = gamma / np.sqrt(variance + EPSILON)
        scaled = patch("Mul", x, scale.reshape(shape))
        return patch("Add", scaled, (beta - mean * scale).reshape(shape))

    def convolve(x, **attributes):
        kernel, bias = take("conv2d", "kernel", "bias")
        weights = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))
        y = patch("Relu", patch("Conv", x, weights, bias, **attributes))
        return normalise(y, (-1, 1, 1))

    def highest(x):  # over what is left of the bands
        return patch("ReduceMax", x, np.array([3]), keepdims=0)

    x = patch("Unsqueeze", body, np.array([0, 1]))  # (1, 1, frames, bands)
    x = normalise(x, (1, 1, 1))
    timbral = [highest(convolve(x, pads=[3, 0, 3, 0])) for _ in range(2)]
    # TensorFlow pads an even length by one less in front than behind.
    temporal = [
        highest(convolve(x, pads=[n // 2 - 1, 0, n // 2, 0])) for n in (128, 64, 32)
    ]
    front = patch("Concat", *timbral, *temporal, axis=1)  # (1, 561, frames)
    layers = [front]
    for n in range(3):
        x = patch("Transpose", layers[-1], perm=[0, 2, 1])
        x = patch("Unsqueeze", x, np.array([1]))
        x = patch("Squeeze", convolve(x, pads=[3, 0, 3, 0]), np.array([3]))
        layers.append(patch("Add", x, layers[-1]) if n else x)
    every = patch("Concat", *layers, axis=1)  # (1, 753, frames)
    pooled = [
        patch(kind, every, np.array([2]), keepdims=1)
        for kind in ("ReduceMax", "ReduceMean")
    ]
    flat = patch("Concat", *pooled, axis=2)  # (1, 753, 2): each maximum, then its mean
    flat = patch("Reshape", flat, np.array([1, -1]))
    flat = normalise(flat, (1, -1))
    kernel, bias = take("dense", "kernel", "bias")
    x = patch("Relu", patch("Gemm", flat, kernel, bias))
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
    mel = graph("MatMul", power, mel_filters())
    mel = graph("Add", graph("Mul", mel, np.float32(1e4)), np.float32(1))
    mel = graph("Mul", graph("Log", mel), np.float32(1 / np.log(10)), name="mel")
    n = graph("Div", graph("Shape", mel, start=0, end=1), np.array([PATCH]))
    whole = graph("Slice", mel, np.array([0]), graph("Mul", n, np.array([PATCH])))
    patches = graph("Reshape", whole, np.array([-1, PATCH, BANDS]))
    every = np.array([0]), np.array([2**31]), np.array([0]), np.array([SKIP])
    patches = graph("Slice", patches, *every)
    each = helper.make_graph(
        patch.nodes,
        "musicnn",
        [helper.make_tensor_value_info(body, TensorProto.FLOAT, (PATCH, BANDS))],
        [helper.make_tensor_value_info("hidden", TensorProto.FLOAT, (HIDDEN,))],
        patch.constants,
    )
    hidden = graph("Scan", patches, body=each, num_scan_inputs=1, name="patches")
    # A patch has a vote where its loudest cell is not far below that of the window.
    peaks = graph("ReduceMax", patches, np.array([1, 2]), keepdims=0)
    least = graph("Mul", graph("ReduceMax", mel, keepdims=0), HEARD)
    heard = graph("GreaterOrEqual", peaks, least)
    heard = graph("Cast", heard, to=TensorProto.FLOAT)
    total = graph("MatMul", heard, hidden)
    embedding = graph(
        "Div", total, graph("ReduceSum", heard, keepdims=0), name="embedding"
    )
    zeros = np.zeros((HIDDEN, len(GENRES)), np.float32)
    weights = graph.constant(HEAD[0], zeros), graph.constant(HEAD[1], zeros[0])
    logits = graph("Add", graph("MatMul", embedding, weights[0]), weights[1])
    graph("Softmax", logits, axis=0, name="probabilities")
    shapes = {"probabilities": (len(GENRES),), "embedding": (HIDDEN,)}
    shapes["mel"] = ("frames", BANDS)
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in shapes.items()
    ]
    samples = helper.make_tensor_value_info("samples", TensorProto.FLOAT, ("samples",))
    made = helper.make_graph(graph.nodes, "gtzan", [samples], outputs, graph.constants)
    versions = [helper.make_opsetid("", 20)]
    model = helper.make_model(made, opset_imports=versions, ir_version=10)
    helper.set_model_props(model, {"genres": ", ".join(GENRES), "rate": str(RATE)})
    onnx.checker.check_model(model, full_check=True)
    return model


def main(wheel: Path) -> None:
    """Write the model without a head, and musicnn's licence beside it."""
    variables, licence = read_wheel(wheel)
    onnx.save(build(variables), FILE)
    FILE.with_name("musicnn-LICENSE.md").write_text(licence, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
