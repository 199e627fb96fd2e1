"""The encoder against a second implementation: librosa, and NumPy layer by layer."""

import librosa
import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from gtzan_lib.app import convert_musicnn as musicnn
from gtzan_lib.app.classifier import FOLDER, HEAD, MODEL, RATE, open_network
from gtzan_lib.errors import DataError

FILE = FOLDER / MODEL


@pytest.fixture(scope="module")
def variables():
    """Random variables of the shapes of musicnn, with gammas of both signs."""
    rng, found = np.random.default_rng(0), {}
    for name, shape in musicnn._shapes().items():
        values = rng.normal(0, max(1, np.prod(shape[:-1])) ** -0.5, shape)
        if name.endswith("variance"):
            values = rng.uniform(0.5, 2, shape)
        found[name] = values.astype(np.float32)
    return found


def by_hand(variables, patch):
    """Return the last hidden layer of a patch, (187, 96), as musicnn's code has it."""

    def take(kind, n, part):
        return variables[f"{kind}_{n}/{part}" if n else f"{kind}/{part}"].astype(float)

    def normal(x, n):
        parts = ("gamma", "beta", "moving_mean", "moving_variance")
        gamma, beta, mean, variance = (take("batch_normalization", n, p) for p in parts)
        return gamma * (x - mean) / np.sqrt(variance + 0.001) + beta

    def layer(x, n, before, after):  # (frames, bands) to (frames, bands left, filters)
        kernel = take("conv2d", n, "kernel")[:, :, 0]
        padded = np.pad(x, ((before, after), (0, 0)))
        views = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[:2])
        y = np.einsum("tbij,ijf->tbf", views, kernel, optimize=True)
        return normal(np.maximum(y + take("conv2d", n, "bias"), 0), n + 1)

    x = normal(patch.astype(float)[..., None], 0)[..., 0]
    pads = [(3, 3), (3, 3), (63, 64), (31, 32), (15, 16)]
    front = [layer(x, n, *pads[n]).max(axis=1) for n in range(5)]
    layers = [np.concatenate(front, axis=1)]
    for n in (5, 6, 7):
        y = layer(layers[-1], n, 3, 3)[:, 0]
        layers.append(y if n == 5 else y + layers[-1])
    every = np.concatenate(layers, axis=1)
    pooled = np.stack([every.max(axis=0), every.mean(axis=0)], axis=1).ravel()
    kernel, bias = variables["dense/kernel"].astype(float), variables["dense/bias"]
    return normal(np.maximum(normal(pooled, 9) @ kernel + bias, 0), 10)


@pytest.fixture(scope="module")
def sound():
    """Ten seconds: three patches, of which the second is not heard."""
    rng = np.random.default_rng(1)
    y = rng.normal(0, 1, 10 * RATE) * np.linspace(0.01, 0.3, 10 * RATE)
    return y.astype(np.float32)


def mel_of(y):
    y = y * (0.12 / np.sqrt(np.mean(y**2)))
    power = librosa.feature.melspectrogram(
        y=y, sr=16_000, n_fft=512, hop_length=256, n_mels=96, pad_mode="reflect"
    )
    return np.log10(10_000 * power.T + 1)


@pytest.mark.slow
def test_the_network_is_musicnn_s(variables, sound, tmp_path):
    onnx.save(musicnn.build(variables), tmp_path / "a.onnx")
    p, embedding, mel = open_network(tmp_path / "a.onnx")(sound)
    np.testing.assert_allclose(mel, mel_of(sound), atol=1e-4)
    expected = [by_hand(variables, mel[k : k + 187]) for k in (0, 374)]
    np.testing.assert_allclose(embedding, np.mean(expected, axis=0), atol=1e-3)
    np.testing.assert_allclose(p, 0.1)  # as it has no head yet
    silent = np.concatenate([sound[-3 * RATE :], np.zeros(7 * RATE, np.float32)])
    _, embedding, mel = open_network(tmp_path / "a.onnx")(silent)
    np.testing.assert_allclose(embedding, by_hand(variables, mel[:187]), atol=1e-3)


def test_the_shipped_file_holds_these_layers_and_a_head(sound):
    model = onnx.load(FILE)
    known = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    p, embedding, mel = open_network(FILE)(sound)
    np.testing.assert_allclose(mel, mel_of(sound), atol=1e-4)
    logits = embedding @ known[HEAD[0]] + known[HEAD[1]]
    shares = np.exp(logits - logits.max())
    np.testing.assert_allclose(p, shares / shares.sum(), atol=1e-5)
    assert known[HEAD[0]].std() > 0
    assert FILE.stat().st_size < 5e6
    assert b".py" not in FILE.read_bytes()


def test_loudness_makes_no_difference(sound):
    network = open_network(FILE)
    for gain in (1e-3, 3):
        found = network(sound * np.float32(gain))
        np.testing.assert_allclose(found[0], network(sound)[0], atol=1e-3)


def test_another_wheel_is_refused(tmp_path):
    (tmp_path / "musicnn.whl").write_bytes(b"PK")
    with pytest.raises(DataError, match="its SHA-256 is another"):
        musicnn.read_wheel(tmp_path / "musicnn.whl")
