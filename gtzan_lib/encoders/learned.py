"""Encoders that are learned: autoencoders trained on pictures.

Paper, section 4.3; notebook 04_autoencoder compares them with baselines. To add one,
write a subclass of ``Autoencoder``, name it in ``AUTOENCODERS`` and in the registry.
"""

import hashlib
import math
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from gtzan_lib import store
from gtzan_lib.data import packing
from gtzan_lib.data.gtzan import Dataset
from gtzan_lib.data.pictures import PLOT
from gtzan_lib.encoders.encoder import Encoder
from gtzan_lib.models import autoencoder, band_autoencoder
from gtzan_lib.models.autoencoder import CODE_SHAPE, Autoencoder
from gtzan_lib.models.layout import to_array, to_tensor
from gtzan_lib.training import checkpoints
from gtzan_lib.training.loop import over_epochs

AUTOENCODERS = {
    "patch": autoencoder.PatchAutoencoder,
    "factorised": band_autoencoder.FactorisedAutoencoder,
    "conv": band_autoencoder.ConvAutoencoder,
    "conv-tanh": band_autoencoder.TanhAutoencoder,
}
BASELINES = {
    **{k: partial(autoencoder.AveragePooling, k) for k in ("nearest", "bilinear")},
    "bicubic": partial(autoencoder.AveragePooling, "bicubic"),
    **{f"pca{size}": partial(autoencoder.PatchPCA, size) for size in (4, 8, 16)},
    "pca-bands": band_autoencoder.BandPCA,
}
WEIGHTS, CODES = "model.safetensors", "codes.npy"
BATCH = 8  # pictures a step


class Learned(Encoder):
    """8-bit codes of an autoencoder that the training pictures were shown to."""

    shape = CODE_SHAPE

    def __init__(self, name: str):
        self.name = name

    def codes(self, dataset, train_index, seed, progress=True):
        """Return the codes of all tracks, (N, 72, 108, 3), and the weights' file."""
        folder = learn(dataset, self.name, train_index, seed, progress)
        return np.load(folder / CODES) / np.float32(255), folder / WEIGHTS


def build(name: str, seed: int) -> Autoencoder:
    """Return an untrained autoencoder of ``AUTOENCODERS`` or ``BASELINES``."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return (AUTOENCODERS | BASELINES)[name]()


def load(weights: Path, name: str) -> Autoencoder:
    """Return the autoencoder ``name`` with the weights of a safetensors file."""
    model = build(name, seed=0)
    model.load_state_dict(load_file(weights))
    return model


def fit(
    model: Autoencoder,
    x: np.ndarray,
    train_index: np.ndarray,
    seed: int,
    checkpoint: Path,
    progress: bool = True,
) -> checkpoints.History:
    """Train ``model`` in place, going on from ``checkpoint`` where there is one.

    ``x`` are all pictures as ``model.prepare`` returns them; only those at
    ``train_index`` are looked at. Returned are ``loss``, of training pictures before
    training and during each epoch, and ``seconds``.
    """
    if not list(model.parameters()):
        return {"loss": [], "seconds": []}
    optimizer = torch.optim.Adam(model.parameters())
    n_batches = math.ceil(len(train_index) / BATCH)

    def one_epoch(epoch: int) -> dict[str, float]:
        rng = np.random.default_rng([seed, epoch])
        parts = np.array_split(rng.permutation(train_index), n_batches)

        def batches():
            return (to_tensor(x[np.sort(part)]) for part in parts)

        if epoch == 0:
            model.start(batches)
        losses = []
        for number, batch in enumerate(batches()):
            with torch.set_grad_enabled(epoch > 0):  # the first only measures
                loss = model.loss(batch, rng)
            losses.append(loss.item())
            if epoch > 0:
                done = (epoch - 1 + number / n_batches) / model.epochs
                optimizer.param_groups[0]["lr"] = _learning_rate(model.rate, done)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        return {"loss": float(np.mean(losses))}

    epochs = model.epochs + 1
    return over_epochs(one_epoch, epochs, model, optimizer, checkpoint, progress)


def _learning_rate(highest: float, done: float) -> float:
    """Rise over the first tenth of the training, then fall along a cosine."""
    return highest * min(1, 0.1 + 10 * done) * (1 + math.cos(math.pi * done)) / 2


def learn(
    dataset: Dataset,
    name: str,
    train_index: np.ndarray,
    seed: int,
    progress: bool = True,
) -> Path:
    """Return the sealed folder of an encoder and its codes, trained the first time.

    It holds ``model.safetensors``; ``history.json`` (see ``fit``); ``codes.npy``, of
    all pictures: uint8, (N, 72, 108, 3); and ``mse.npz``, each picture's mean squared
    error on the scale of 0 to 1, float64, (N,): ``picture`` and ``plot`` (without the
    border) decoded from these codes, and ``unrounded``, from codes in float32. Pictures
    at ``train_index``, int64, are learnt from; ``seed`` draws their order and the first
    weights. ``DataError`` as ``Autoencoder.prepare``.
    """

    def make(folder: Path) -> dict:
        images, model = packing.pack(dataset), build(name, seed)
        x = model.prepare(images)
        checkpoint = folder / store.CHECKPOINT
        history = fit(model, x, train_index, seed, checkpoint, progress)
        checkpoints.write(folder / WEIGHTS, model.state_dict())
        store.write_json(folder / "history.json", history)
        codes, errors = encode_all(model, x, images)
        np.save(folder / CODES, codes)
        np.savez(folder / "mse.npz", **errors)
        seconds = round(sum(history["seconds"]), 2)
        return {"seconds": seconds, "threads": torch.get_num_threads()}

    digest = hashlib.sha256(np.asarray(train_index, np.int64).tobytes()).hexdigest()
    facts = {"encoder": name, "train_sha256": digest, "seed": seed}
    packages = ("numpy", "pillow", "safetensors", "torch")
    key = dataset.key(["encoders.learned"], packages, **facts)
    folder = dataset.results / "04_autoencoder" / f"{name}-{digest[:8]}-seed{seed}"
    return store.seal(folder, key, make)


@torch.no_grad()
def reconstruct(folder: Path, name: str, index: list[int]) -> np.ndarray:
    """Decode the codes of some pictures in a folder of ``learn``, of encoder ``name``.

    They are float32, (n, 288, 432, 3), 0 to 1.
    """
    codes = np.load(folder / CODES, mmap_mode="r")[index] / np.float32(255)
    return to_array(load(folder / WEIGHTS, name).decode(to_tensor(codes)))


@torch.no_grad()
def encode_all(
    model: Autoencoder, x: np.ndarray, images: np.ndarray
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return codes and errors of pictures, ``x`` prepared, as ``learn`` keeps them."""
    codes = np.empty((len(x), *CODE_SHAPE[1:], CODE_SHAPE[0]), np.uint8)
    errors = {name: np.empty(len(x)) for name in ("picture", "plot", "unrounded")}
    for start in range(0, len(x), BATCH):
        part = slice(start, start + BATCH)
        truth = to_tensor(images[part] / np.float32(255))
        code = model.encode(to_tensor(x[part]))
        rounded = (code * 255).round()
        codes[part] = to_array(rounded.byte())
        error = (model.decode(rounded / 255) - truth).square()
        errors["picture"][part] = error.mean((1, 2, 3))
        errors["plot"][part] = error[:, :, *PLOT].mean((1, 2, 3))
        error = (model.decode(code) - truth).square()
        errors["unrounded"][part] = error.mean((1, 2, 3))
    return codes, errors
