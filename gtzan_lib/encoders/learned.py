"""Training autoencoders, and the codes that they make of a data set's pictures.

Paper, section 4.3 (future work). Used by notebooks 03_train_cnn and 04_autoencoder.
"""

import hashlib
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from gtzan_lib import store
from gtzan_lib.data import packing
from gtzan_lib.data import pictures as spectrogram
from gtzan_lib.data.gtzan import Dataset
from gtzan_lib.models.autoencoder import CODE_SHAPE, Autoencoder, build, count_weights
from gtzan_lib.training import checkpoints

PACKAGES = ("numpy", "pillow", "safetensors", "torch")
BATCH = 8  # pictures a step
SAVE_SECONDS = 10  # between checkpoints


def fit(
    model: Autoencoder,
    x: np.ndarray,
    train_index: np.ndarray,
    seed: int,
    checkpoint: Path,
    report: Callable[[str], None] = print,
) -> dict[str, list[float]]:
    """Train ``model`` in place, going on from ``checkpoint`` where there is one.

    Chance depends on seed and epoch alone, so that a training that was interrupted ends
    with the very weights of one that was not.

    Parameters
    ----------
    model : Autoencoder
    x : ndarray of uint8, shape (N, ...)
        All pictures as ``model.prepare`` returns them.
    train_index : ndarray of int64
        Those to learn from; no other is looked at.
    seed : int
        Seed of the order of the pictures.
    checkpoint : Path
        Written after an epoch, at most every ten seconds, and at the end.
    report : callable
        Takes a line of text after some epochs, about ten times.

    Returns
    -------
    dict of list of float
        ``loss``, the mean squared error of training pictures before training and
        during each epoch, and ``seconds``, how long each took.
    """
    if not count_weights(model):
        return {"loss": [], "seconds": []}
    optimizer = torch.optim.Adam(model.parameters())
    history = checkpoints.load(checkpoint, model, optimizer)
    history = history or {"loss": [], "seconds": []}
    if history["loss"]:
        report(f"going on after epoch {len(history['loss']) - 1}")

    def batch(index: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(x[np.sort(index)])

    saved = time.time()
    n_batches = math.ceil(len(train_index) / BATCH)
    for epoch in range(len(history["loss"]), model.epochs + 1):
        started, losses = time.time(), []
        rng = np.random.default_rng([seed, epoch])
        parts = np.array_split(rng.permutation(train_index), n_batches)
        if epoch == 0:
            model.start(lambda parts=parts: map(batch, parts))
            with torch.no_grad():
                losses = [model.loss(batch(part), rng).item() for part in parts]
        else:
            for i, part in enumerate(parts):
                done = (epoch - 1 + i / n_batches) / model.epochs  # 0 to 1
                warm = min(1, 0.1 + 10 * done)
                for group in optimizer.param_groups:
                    group["lr"] = model.rate * warm * (1 + math.cos(math.pi * done)) / 2
                optimizer.zero_grad()
                loss = model.loss(batch(part), rng)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
        history["loss"].append(float(np.mean(losses)))
        history["seconds"].append(time.time() - started)
        if time.time() - saved > SAVE_SECONDS or epoch == model.epochs:
            checkpoints.save(checkpoint, model, optimizer, history)
            saved = time.time()
        if epoch % max(1, model.epochs // 10) == 0:
            report(
                f"epoch {epoch:2d}/{model.epochs}  loss {history['loss'][-1]:.5f}  "
                f"{history['seconds'][-1]:.1f} s"
            )
    return history


def learn(
    dataset: Dataset,
    name: str,
    train_index: np.ndarray,
    seed: int,
    report: Callable[[str], None] = print,
) -> Path:
    """Return the sealed folder of an encoder and its codes, trained the first time.

    It holds ``model.safetensors`` (see ``load``); ``history.json`` (see ``fit``);
    ``codes.npy``, the codes of all pictures: uint8, shape (N, 72, 108, 3), to be
    divided by 255; and ``mse.npz``, each picture's mean squared error on the scale of
    0 to 1, float64, shape (N,): ``picture`` and ``plot`` (without the border) decoded
    from these codes, and ``unrounded``, of the picture, from codes in float32.

    Parameters
    ----------
    dataset : Dataset
    name : str
        A key of ``AUTOENCODERS`` or ``BASELINES``.
    train_index : ndarray of int64
        Positions of the pictures to learn from (see ``splits``).
    seed : int
        Seed of the first weights and of the order of the pictures.
    report : callable
        Takes a line of text after some epochs, about ten times.

    Raises
    ------
    DataError
        As ``Autoencoder.prepare``.
    """

    def make(folder: Path) -> dict:
        threads = torch.get_num_threads()
        images = packing.pack(dataset)
        model = build(name, seed)
        x = model.prepare(images)
        checkpoint = folder / store.CHECKPOINT
        history = fit(model, x, train_index, seed, checkpoint, report)
        checkpoints.write(folder / "model.safetensors", model.state_dict())
        store.write_json(folder / "history.json", history)
        codes, errors = encode_all(model, x, images)
        np.save(folder / "codes.npy", codes)
        np.savez(folder / "mse.npz", **errors)
        return {"seconds": round(sum(history["seconds"]), 2), "threads": threads}

    digest = hashlib.sha256(np.asarray(train_index, np.int64).tobytes()).hexdigest()
    key = dataset.key(
        ["encoders.learned"], PACKAGES, encoder=name, train_sha256=digest, seed=seed
    )
    folder = dataset.results / "04_autoencoder" / f"{name}-{digest[:8]}-seed{seed}"
    return store.seal(folder, key, make)


def load(weights: Path, name: str) -> Autoencoder:
    """Return the autoencoder ``name`` with the weights of a safetensors file."""
    model = build(name, seed=0)
    model.load_state_dict(load_file(weights))
    return model


@torch.no_grad()
def encode(weights: Path, name: str, pictures: np.ndarray) -> np.ndarray:
    """Return the 8-bit codes of pictures as numbers from 0 to 1.

    Parameters
    ----------
    weights : Path
        ``model.safetensors`` of a folder that ``learn`` returned.
    name : str
        The encoder's name.
    pictures : ndarray of uint8, shape (N, 288, 432, 3)

    Returns
    -------
    ndarray of float32, shape (N, 72, 108, 3)

    Raises
    ------
    DataError
        As ``Autoencoder.prepare``.
    """
    model = load(weights, name)
    code = model.encode(torch.from_numpy(model.prepare(pictures)))
    return ((code * 255).round() / 255).permute(0, 2, 3, 1).numpy()


@torch.no_grad()
def reconstruct(folder: Path, name: str, index: list[int]) -> np.ndarray:
    """Decode the 8-bit codes of some pictures: float32, (n, 288, 432, 3), 0 to 1.

    Parameters
    ----------
    folder : Path
        What ``learn`` returned.
    name : str
        The encoder's name.
    index : list of int
        Positions of the pictures in the data set.
    """
    codes = np.load(folder / "codes.npy", mmap_mode="r")[index] / np.float32(255)
    pictures = load(folder / "model.safetensors", name).decode(
        torch.from_numpy(codes).permute(0, 3, 1, 2)
    )
    return pictures.permute(0, 2, 3, 1).numpy()


@torch.no_grad()
def encode_all(
    model: Autoencoder, x: np.ndarray, images: np.ndarray
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the 8-bit codes of all pictures and the errors that ``learn`` describes.

    Parameters
    ----------
    model : Autoencoder
    x : ndarray of uint8, shape (N, ...)
        The pictures as ``model.prepare`` returns them.
    images : ndarray of uint8, shape (N, 288, 432, 3)
        The pictures.
    """
    codes = np.empty((len(x), *CODE_SHAPE[1:], CODE_SHAPE[0]), np.uint8)
    errors = {name: np.empty(len(x)) for name in ("picture", "plot", "unrounded")}
    for start in range(0, len(x), BATCH):
        part = slice(start, start + BATCH)
        truth = torch.from_numpy(images[part] / np.float32(255)).permute(0, 3, 1, 2)
        code = model.encode(torch.from_numpy(x[part].copy()))
        rounded = (code * 255).round()
        codes[part] = rounded.permute(0, 2, 3, 1).byte()
        error = (model.decode(rounded / 255) - truth).square()
        errors["picture"][part] = error.mean((1, 2, 3))
        errors["plot"][part] = error[:, :, *spectrogram.PLOT].mean((1, 2, 3))
        error = (model.decode(code) - truth).square()
        errors["unrounded"][part] = error.mean((1, 2, 3))
    return codes, errors
