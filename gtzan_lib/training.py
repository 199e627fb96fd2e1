"""Training: recipes, the loop over epochs, and checkpoints to go on from.

Paper, section 3.3. Used by notebook 03_train_cnn (parameter ``recipe``).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from gtzan_lib import checkpoints, memory

HISTORY = ("loss", "train_accuracy", "test_loss", "test_accuracy", "seconds")
SAVE_SECONDS = 10  # between checkpoints


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Attributes
    ----------
    double_softmax : bool
        Apply softmax before a cross entropy that applies its own.
    schedule : tuple of (int, float)
        First epoch (counted from 0) and learning rate of each stage.
    momentum : float
    batch_size : int
    """

    double_softmax: bool
    schedule: tuple[tuple[int, float], ...] = (
        (0, 0.01),
        (100, 0.006),
        (150, 0.005),
        (200, 0.004),
        (300, 0.0045),
        (1300, 0.003),
    )
    momentum: float = 0.9
    batch_size: int = 100

    def learning_rate(self, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        return [rate for first, rate in self.schedule if first <= epoch][-1]

    def loss(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the mean cross entropy of a batch, in nats, as this recipe has it."""
        if self.double_softmax:
            logits = logits.softmax(dim=1)
        return cross_entropy(logits, labels)


# The losses that the paper prints are what softmax applied twice gives: notebook
# 03_train_cnn says why. "corrected" applies it once.
RECIPES = {
    "paper": Recipe(double_softmax=True),
    "corrected": Recipe(double_softmax=False),
}


@dataclass
class Subset:
    """Pictures with their labels, on the device that computes.

    Attributes
    ----------
    x : Tensor of float32, shape (N, 3, H, W), channels last
        Pictures, 0 to 1.
    y : Tensor of int64, shape (N,)
        Genres.
    """

    x: torch.Tensor
    y: torch.Tensor

    @classmethod
    def of(cls, codes: np.ndarray, labels: np.ndarray, device: str) -> "Subset":
        """Make one from codes (N, H, W, 3) and labels (N,)."""
        x = torch.from_numpy(np.ascontiguousarray(codes)).to(device)
        return cls(x.permute(0, 3, 1, 2), torch.from_numpy(labels).to(device))


def pick_device(name: str) -> str:
    """Return the device for ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``."""
    if name != "auto":
        return name
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def fit(
    model: nn.Module,
    train: Subset,
    test: Subset,
    recipe: Recipe,
    epochs: int,
    seed: int,
    checkpoint: Path,
    report: Callable[[str], None] = print,
) -> dict[str, list[float]]:
    """Train ``model`` in place, going on from ``checkpoint`` where there is one.

    The order of the pictures depends on seed and epoch alone, so that a training that
    was interrupted ends with the very numbers of one that was not.

    Parameters
    ----------
    model : Module
        Takes (B, 3, H, W), returns logits (B, 10).
    train, test : Subset
        What to learn from, and what only to measure accuracy on.
    recipe : Recipe
    epochs : int
    seed : int
        Seed of the order of the pictures.
    checkpoint : Path
        Written after an epoch, at most every ten seconds, and at the end.
    report : callable
        Takes a line of text about twenty times.

    Returns
    -------
    dict of list of float
        One value an epoch: ``loss`` (cross entropy in nats) and ``train_accuracy``,
        means during the epoch; ``test_loss`` and ``test_accuracy`` after it; and how
        many ``seconds`` it took.
    """
    memory.keep_freed()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=recipe.momentum)
    history = checkpoints.load(checkpoint, model, optimizer)
    history = history or {name: [] for name in HISTORY}
    first = len(history["loss"])
    if first:
        report(f"going on after epoch {first}")
    saved = time.time()
    for epoch in range(first, epochs):
        started = time.time()
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate(epoch)
        rng = np.random.default_rng([seed, epoch])
        loss, accuracy = train_epoch(model, train, recipe, optimizer, rng)
        test_loss, test_accuracy = measure(model, test, recipe)
        now = time.time()
        measured = (loss, accuracy, test_loss, test_accuracy, now - started)
        for name, value in zip(HISTORY, measured, strict=True):
            history[name].append(value)
        done = epoch + 1
        if now - saved > SAVE_SECONDS or done == epochs:
            checkpoints.save(checkpoint, model, optimizer, history)
            saved = now
        if done % max(1, epochs // 20) == 0 or done == epochs:
            pace = float(np.mean(history["seconds"][first:]))
            report(
                f"epoch {done:4d}/{epochs}  loss {loss:.3f}  train accuracy "
                f"{accuracy:.3f}  test accuracy {test_accuracy:.3f}  "
                f"{pace:.2f} s/epoch, {pace * (epochs - done):.0f} s left"
            )
    return history


def train_epoch(
    model: nn.Module,
    train: Subset,
    recipe: Recipe,
    optimizer: torch.optim.Optimizer,
    rng: np.random.Generator,
) -> tuple[float, float]:
    """Show the network every training picture once.

    Returns
    -------
    loss, accuracy : float
        Means over the epoch, each picture measured just before it is learnt from.
    """
    model.train()
    order = torch.from_numpy(rng.permutation(len(train.y))).to(train.y.device)
    loss_sum, n_correct = 0.0, 0
    for batch in order.split(recipe.batch_size):
        labels = train.y[batch]
        logits = model(train.x[batch])
        loss = recipe.loss(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss_sum += loss.item() * len(batch)
        n_correct += int((logits.argmax(dim=1) == labels).sum())
    return loss_sum / len(order), n_correct / len(order)


def measure(model: nn.Module, subset: Subset, recipe: Recipe) -> tuple[float, float]:
    """Return the loss and accuracy on pictures that are not learnt from."""
    logits = predict(model, subset.x)
    hits = logits.argmax(dim=1) == subset.y
    return float(recipe.loss(logits, subset.y)), float(hits.float().mean())


@torch.no_grad()
def predict(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Return the logits (N, 10) of pictures (N, 3, H, W)."""
    model.eval()
    return torch.cat([model(part) for part in x.split(100)])
