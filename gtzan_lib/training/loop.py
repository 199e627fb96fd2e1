"""Training: recipes, the loop over epochs, and checkpoints to go on from.

Paper, section 3.3. Used by notebook 03_train_cnn (parameter ``recipe``). Recipes by
name are in ``recipes``.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from gtzan_lib.training import checkpoints, memory

HISTORY = ("loss", "train_accuracy", "{}_loss", "{}_accuracy", "seconds")
SAVE_SECONDS = 10  # between checkpoints


@dataclass(frozen=True)
class Recipe:
    """How to train; this base class leaves open how weights are changed.

    Attributes
    ----------
    batch_size : int
    """

    batch_size: int = 100

    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """Return what changes the weights of ``model``."""
        raise NotImplementedError

    def learning_rate(self, epoch: int, epochs: int) -> float:
        """Return the learning rate of an epoch, counted from 0, of so many."""
        raise NotImplementedError

    def loss(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the mean cross entropy of a batch, in nats."""
        return cross_entropy(logits, labels)

    def step_loss(
        self,
        model: nn.Module,
        x: torch.Tensor,
        labels: torch.Tensor,
        rng: np.random.Generator,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the loss of a batch to learn from, and the logits it is made of.

        Parameters
        ----------
        model : Module
        x : Tensor of float32, shape (B, ...)
        labels : Tensor of int64, shape (B,)
        rng : Generator
            For recipes that change pictures at random; this one does not.
        """
        logits = model(x)
        return self.loss(logits, labels), logits


@dataclass(frozen=True)
class Descent(Recipe):
    """The paper's: gradient descent with momentum.

    Attributes
    ----------
    double_softmax : bool
        Apply softmax before a cross entropy that applies its own.
    schedule : tuple of (int, float)
        First epoch (counted from 0) and learning rate of each stage.
    momentum : float
    """

    double_softmax: bool = False
    schedule: tuple[tuple[int, float], ...] = (
        (0, 0.01),
        (100, 0.006),
        (150, 0.005),
        (200, 0.004),
        (300, 0.0045),
        (1300, 0.003),
    )
    momentum: float = 0.9

    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """Return gradient descent with momentum."""
        return torch.optim.SGD(model.parameters(), momentum=self.momentum)

    def learning_rate(self, epoch: int, epochs: int) -> float:
        """Return the learning rate that the schedule has for an epoch."""
        return [rate for first, rate in self.schedule if first <= epoch][-1]

    def loss(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the mean cross entropy of a batch, in nats, as this recipe has it."""
        return super().loss(
            logits.softmax(1) if self.double_softmax else logits, labels
        )


@dataclass
class Subset:
    """What to show a model, with labels, on the device that computes.

    Attributes
    ----------
    x : Tensor of float32, shape (N, C, H, W), channels last, or (N, windows, values)
        Pictures, 0 to 1, or vectors.
    y : Tensor of int64, shape (N,)
        Genres.
    """

    x: torch.Tensor
    y: torch.Tensor

    @classmethod
    def of(cls, codes: np.ndarray, labels: np.ndarray, device: str) -> "Subset":
        """Make one from codes (N, H, W, C) or (N, windows, values), and labels (N,)."""
        return cls(as_tensor(codes).to(device), torch.from_numpy(labels).to(device))


def as_tensor(codes: np.ndarray) -> torch.Tensor:
    """Return codes as models take them: (N, H, W, C) become (N, C, H, W)."""
    x = torch.from_numpy(np.ascontiguousarray(codes))
    return x.permute(0, 3, 1, 2) if x.dim() == 4 else x


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
    held_out: Subset,
    recipe: Recipe,
    epochs: int,
    seed: int,
    checkpoint: Path,
    report: Callable[[str], None] = print,
    name: str = "test",
) -> dict[str, list[float]]:
    """Train ``model`` in place, going on from ``checkpoint`` where there is one.

    The order of the pictures depends on seed and epoch alone, so that a training that
    was interrupted ends with the very numbers of one that was not.

    Parameters
    ----------
    model : Module
        Returns logits (B, 10). Its method ``start``, where it has one, is given the
        training pictures first.
    train, held_out : Subset
        What to learn from, and what only to measure accuracy on.
    recipe : Recipe
    epochs : int
    seed : int
        Seed of the order of the pictures.
    checkpoint : Path
        Written after an epoch, at most every ten seconds, and at the end.
    report : callable
        Takes a line of text about twenty times.
    name : str
        What ``held_out`` is called, ``"test"`` or ``"validation"``.

    Returns
    -------
    dict of list of float
        One value an epoch: ``loss`` (cross entropy in nats) and ``train_accuracy``,
        means during the epoch; ``test_loss`` and ``test_accuracy`` after it (or
        ``validation_loss`` and ``validation_accuracy``); and how many ``seconds`` it
        took.
    """
    memory.keep_freed()
    names = [column.format(name) for column in HISTORY]
    optimizer = recipe.optimizer(model)
    history = checkpoints.load(checkpoint, model, optimizer)
    history = history or {column: [] for column in names}
    first = len(history["loss"])
    if not first and hasattr(model, "start"):
        model.start(train.x)
    if first:
        report(f"going on after epoch {first}")
    saved = time.time()
    for epoch in range(first, epochs):
        started = time.time()
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate(epoch, epochs)
        rng = np.random.default_rng([seed, epoch])
        with torch.random.fork_rng():  # for layers that draw numbers, such as dropout
            torch.manual_seed(1_000_003 * seed + epoch)
            loss, accuracy = train_epoch(model, train, recipe, optimizer, rng)
        held_out_loss, held_out_accuracy = measure(model, held_out, recipe)
        now = time.time()
        measured = (loss, accuracy, held_out_loss, held_out_accuracy, now - started)
        for column, value in zip(names, measured, strict=True):
            history[column].append(value)
        done = epoch + 1
        if now - saved > SAVE_SECONDS or done == epochs:
            checkpoints.save(checkpoint, model, optimizer, history)
            saved = now
        if done % max(1, epochs // 20) == 0 or done == epochs:
            pace = float(np.mean(history["seconds"][first:]))
            report(
                f"epoch {done:4d}/{epochs}  loss {loss:.3f}  train accuracy "
                f"{accuracy:.3f}  {name} accuracy {held_out_accuracy:.3f}  "
                f"{pace:.2f} s/epoch, {pace * (epochs - done):.0f} s left"
            )
    return history


def solve(
    model: nn.Module, train: Subset, held_out: Subset, name: str = "test"
) -> dict[str, list[float]]:
    """Fit a model in closed form; return a history of one epoch, as ``fit`` does."""
    started = time.time()
    model.solve(train.x, train.y)
    measured = [*measure(model, train, Recipe()), *measure(model, held_out, Recipe())]
    measured.append(time.time() - started)
    columns = (column.format(name) for column in HISTORY)
    return {column: [value] for column, value in zip(columns, measured, strict=True)}


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
        Means over the epoch, each picture measured just before it is learnt from, as
        the recipe shows it.
    """
    model.train()
    order = torch.from_numpy(rng.permutation(len(train.y))).to(train.y.device)
    loss_sum, n_correct = 0.0, 0
    for batch in order.split(recipe.batch_size):
        labels = train.y[batch]
        loss, logits = recipe.step_loss(model, train.x[batch], labels, rng)
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
    """Return the logits (N, 10) of pictures (N, C, H, W) or vectors."""
    model.eval()
    return torch.cat([model(part) for part in x.split(100)])
