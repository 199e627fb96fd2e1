"""The loop over epochs, for networks and autoencoders, and one epoch of a network.

Paper, section 3.3.2. Notebook 03_train_cnn writes one epoch out; how weights are
changed is in ``recipe``.
"""

import ctypes
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from gtzan_lib.data.genres import GENRES, PRINTED
from gtzan_lib.models.layout import to_tensor
from gtzan_lib.training import checkpoints
from gtzan_lib.training.checkpoints import History
from gtzan_lib.training.recipe import Recipe

SAVE_SECONDS = 10  # between checkpoints
KEPT = (30, 100, 300)  # epochs after which the logits of what is held out are kept
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h


@dataclass
class Subset:
    """What to show a model, ``x``, with its genres, ``y``, on the device that computes.

    ``x`` is float32, (N, C, H, W), 0 to 1, or (N, windows, values); ``y`` int64, (N,).
    """

    x: torch.Tensor
    y: torch.Tensor

    @classmethod
    def of(cls, codes: np.ndarray, labels: np.ndarray, device: str) -> "Subset":
        """Make one from codes (N, H, W, C) or (N, windows, values), and labels (N,)."""
        return cls(to_tensor(codes).to(device), torch.from_numpy(labels).to(device))


def pick_device(name: str) -> str:
    """Return the device for ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``."""
    if name != "auto":
        return name
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def over_epochs(
    one_epoch: Callable[[int], dict],
    epochs: int,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    checkpoint: Path,
    progress: bool = True,
) -> History:
    """Call ``one_epoch`` for each epoch, going on from a checkpoint where there is one.

    ``one_epoch`` takes the number of an epoch, from 0, changes ``model``, and returns
    what it measured, by name. It may depend on that number, the weights and the
    optimizer alone, so that a training that was interrupted ends with the very numbers
    of one that was not. Returned is what was measured, and ``seconds``, by epoch.
    """
    _keep_freed_memory()
    history = checkpoints.load(checkpoint, model, optimizer)
    first = len(history.get("seconds", ()))
    saved = time.time()
    title = f"going on after epoch {first}" if first else "training"
    shown = {"total": epochs, "initial": first, "unit": "epoch", "file": sys.stdout}
    epoch_numbers = tqdm(range(first, epochs), title, disable=not progress, **shown)
    for epoch in epoch_numbers:
        started = time.time()
        measured = one_epoch(epoch)
        now = time.time()
        for name, value in (measured | {"seconds": now - started}).items():
            history.setdefault(name, []).append(value)
        if now - saved > SAVE_SECONDS or epoch + 1 == epochs:
            checkpoints.save(checkpoint, model, optimizer, history)
            saved = now
        numbers = {k: v for k, v in measured.items() if isinstance(v, float)}
        words = {name.replace("_", " "): f"{v:.3f}" for name, v in numbers.items()}
        epoch_numbers.set_postfix(words, refresh=False)
    return history


def _keep_freed_memory() -> None:
    """Keep freed memory for the next batch: else a tenth of an epoch goes into it."""
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):  # no Linux with glibc
        return
    mallopt(_MMAP_THRESHOLD, 32 << 20)  # its largest value
    mallopt(_TRIM_THRESHOLD, 1 << 30)


def fit(
    model: nn.Module,
    train: Subset,
    held_out: dict[str, Subset],
    recipe: Recipe,
    epochs: int,
    seed: int,
    checkpoint: Path,
    progress: bool = True,
) -> History:
    """Train a network, which returns logits (B, 10), in place (see ``over_epochs``).

    Its method ``start``, where it has one, is given the training pictures first;
    ``held_out``, by name, is only measured; its logits after the epochs of ``KEPT`` go
    beside the checkpoint. ``seed`` orders the pictures.

    Returned are, a value an epoch: ``loss`` (in nats), ``train_accuracy``,
    ``train_confusion`` (10 x 10 counts, true genre in rows) and ``train_certain`` (see
    ``train_epoch``) during the epoch; ``test_loss``, ``test_accuracy`` and
    ``test_confusion`` after it (and of others that are held out); and ``seconds``.
    """
    optimizer = recipe.optimizer(model)

    def one_epoch(epoch: int) -> dict:
        if epoch == 0 and hasattr(model, "start"):
            model.start(train.x)
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate(epoch, epochs)
        rng = np.random.default_rng([seed, epoch])
        with torch.random.fork_rng():  # for layers that draw numbers, such as dropout
            torch.manual_seed(1_000_003 * seed + epoch)
            loss, counts, certain = train_epoch(model, train, recipe, optimizer, rng)
        measured = {"loss": loss, "train_certain": certain} | _accuracy(counts, "train")
        for name, part in held_out.items():
            logits = predict(model, part.x)
            measured |= _measure(logits, part.y, recipe, name)
            if epoch + 1 in KEPT:
                path = checkpoint.with_name(f"{name}-{epoch + 1}.npy")
                np.save(path, logits.cpu().numpy())
        return measured

    return over_epochs(one_epoch, epochs, model, optimizer, checkpoint, progress)


def solve(
    model: nn.Module, train: Subset, held_out: dict[str, Subset], recipe: Recipe
) -> History:
    """Fit a model in closed form; return a history of one epoch, as ``fit`` does."""
    started = time.time()
    model.solve(train.x, train.y)
    fitted = _measure(predict(model, train.x), train.y, recipe, "train")
    history = {"loss": fitted.pop("train_loss")} | fitted
    for name, part in held_out.items():
        history |= _measure(predict(model, part.x), part.y, recipe, name)
    history["seconds"] = time.time() - started
    return {column: [value] for column, value in history.items()}


def train_epoch(
    model: nn.Module,
    train: Subset,
    recipe: Recipe,
    optimizer: torch.optim.Optimizer,
    rng: np.random.Generator,
) -> tuple[float, torch.Tensor, float]:
    """Show the network every training picture once.

    Returned are the mean loss, each picture measured just before it is learnt from, as
    the recipe shows it, counts by true genre (row) and answer, and the share of answers
    whose percentage prints as 100.0.
    """
    model.train()
    order = torch.from_numpy(rng.permutation(len(train.y))).to(train.y.device)
    loss_sum, certain = 0.0, 0
    counts = torch.zeros(len(GENRES), len(GENRES), dtype=torch.int64)
    for batch in order.split(recipe.batch_size):
        labels = train.y[batch]
        loss, logits = recipe.step_loss(model, train.x[batch], labels, rng)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss_sum += loss.item() * len(batch)
        counts += _confusion(logits, labels)
        certain += int((recipe.shares(logits.detach()).amax(1) >= PRINTED).sum())
    return loss_sum / len(order), counts, certain / len(order)


def _measure(
    logits: torch.Tensor, labels: torch.Tensor, recipe: Recipe, name: str
) -> dict:
    loss = {f"{name}_loss": float(recipe.loss(logits, labels))}
    return loss | _accuracy(_confusion(logits, labels), name)


def _confusion(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    n = len(GENRES)
    pairs = labels * n + logits.argmax(1)
    return torch.bincount(pairs, minlength=n * n).view(n, n).cpu()


def _accuracy(counts: torch.Tensor, name: str) -> dict:
    accuracy = int(counts.trace()) / int(counts.sum())
    return {f"{name}_accuracy": accuracy, f"{name}_confusion": counts.tolist()}


@torch.no_grad()
def predict(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Return the logits (N, 10) of pictures (N, C, H, W) or vectors."""
    model.eval()
    return torch.cat([model(part) for part in x.split(100)])
