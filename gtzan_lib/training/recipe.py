"""Recipes: how models are trained (parameter ``recipe`` of notebook 03_train_cnn).

Paper, section 3.3. A recipe is a loss, an optimizer and a learning rate for each epoch;
the loop over epochs is in ``loop``. By name they stand in ``registry.RECIPES``.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

CROP = 128  # columns shown of a picture, where the model takes any width: 11.5 s
SHIFT = 1 / 16  # the furthest over the bands, as a share of their number
MASKS, MASK = 2, 0.12  # in each direction; the widest, as a share of the side
GAIN = 0.1  # standard deviation of contrast and, in those of pictures, of brightness
MIXUP = 0.3  # of the beta distribution


@dataclass(frozen=True)
class Recipe:
    """How to train; as it is, for models that are solved in closed form.

    Others have ``optimizer(model)``, and ``learning_rate(epoch, epochs)``, the rate of
    an epoch, counted from 0, of so many.
    """

    batch_size: int = 100

    def loss(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the mean cross entropy of a batch, in nats."""
        return cross_entropy(logits, labels)

    def shares(self, logits: torch.Tensor) -> torch.Tensor:
        """Return the probabilities that logits (B, 10) stand for."""
        return logits.softmax(1)

    def step_loss(
        self,
        model: nn.Module,
        x: torch.Tensor,
        labels: torch.Tensor,
        rng: np.random.Generator,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the loss of a batch to learn from, and the logits it is made of.

        ``x`` is float32 (B, ...), ``labels`` int64 (B,); chance comes from ``rng``.
        """
        logits = model(x)
        return self.loss(logits, labels), logits


@dataclass(frozen=True)
class Descent(Recipe):
    """The paper's: gradient descent with momentum.

    ``outputs`` is what cross entropy, which applies softmax itself, is given of the
    logits: ``"logits"``, their ``"softmax"`` or their ``"sigmoid"``. The ``schedule``
    has the first epoch, from 0, and the learning rate of each stage.
    """

    outputs: str = "logits"
    label_smoothing: float = 0.0
    weight_decay: float = 0.0
    schedule: tuple[tuple[int, float], ...] = (
        (0, 0.01),
        (100, 0.006),
        (150, 0.005),
        (200, 0.004),
        (300, 0.0045),
        (1300, 0.003),
    )
    momentum: float = 0.9

    def __post_init__(self):
        if self.outputs not in ("logits", "softmax", "sigmoid"):
            raise ValueError(f"there are no outputs {self.outputs}")

    def optimizer(self, model):
        """Return gradient descent with momentum."""
        kind = {"momentum": self.momentum, "weight_decay": self.weight_decay}
        return torch.optim.SGD(model.parameters(), **kind)

    def learning_rate(self, epoch, epochs):
        """Return the rate that the schedule has for an epoch."""
        return [rate for first, rate in self.schedule if first <= epoch][-1]

    def shares(self, logits):
        """Return what a network that ends like this prints: (B, 10), 0 to 1."""
        return logits.sigmoid() if self.outputs == "sigmoid" else logits.softmax(1)

    def loss(self, logits, labels):
        """Return the mean cross entropy of a batch, in nats, of these ``outputs``."""
        given = logits if self.outputs == "logits" else self.shares(logits)
        return cross_entropy(given, labels, label_smoothing=self.label_smoothing)


@dataclass(frozen=True)
class Augmented(Recipe):
    """AdamW on crops that are shifted, masked and mixed.

    The highest learning ``rate`` is reached after a fifth of the epochs, and then
    lowered to 0 along a cosine.
    """

    batch_size: int = 32
    rate: float = 2e-3
    weight_decay: float = 0.05
    label_smoothing: float = 0.1

    def optimizer(self, model):
        """Return Adam with decoupled weight decay."""
        return torch.optim.AdamW(model.parameters(), weight_decay=self.weight_decay)

    def learning_rate(self, epoch, epochs):
        """Return the rate at the middle of an epoch."""
        done = (epoch + 0.5) / epochs
        if done < 0.2:
            return self.rate * done / 0.2
        return self.rate * (1 + math.cos(math.pi * (done - 0.2) / 0.8)) / 2

    def step_loss(self, model, x, labels, rng):
        """Return the loss of a batch to learn from, and the logits it is made of."""
        width = CROP if getattr(model, "any_width", False) else x.shape[3]
        x = mask(crop(x, min(width, x.shape[3]), rng), rng)
        share = float(rng.beta(MIXUP, MIXUP))
        partner = torch.from_numpy(rng.permutation(len(x))).to(x.device)
        logits = model(share * x + (1 - share) * x[partner])

        def loss(y: torch.Tensor) -> torch.Tensor:
            return cross_entropy(logits, y, label_smoothing=self.label_smoothing)

        return share * loss(labels) + (1 - share) * loss(labels[partner]), logits


def crop(x: torch.Tensor, width: int, rng: np.random.Generator) -> torch.Tensor:
    """Show a part (B, C, H, width) of each picture (B, C, H, W), shifted over bands."""
    n, _, height, whole = x.shape
    most = int(SHIFT * height)
    shift = rng.integers(-most, most + 1, (n, 1))
    rows = np.clip(np.arange(height) + shift, 0, height - 1)
    columns = np.arange(width) + rng.integers(0, whole - width + 1, (n, 1))
    rows, columns = (torch.from_numpy(i).to(x.device) for i in (rows, columns))
    picture = torch.arange(n, device=x.device)[:, None, None]
    shown = x.permute(0, 2, 3, 1)[picture, rows[:, :, None], columns[:, None, :]]
    return shown.permute(0, 3, 1, 2)


def mask(x: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Hide bands and times behind the batch's mean; change contrast and brightness."""
    n, _, *sides = x.shape
    mean = x.mean(dim=(0, 3), keepdim=True)
    x = x - mean
    for dim, side in enumerate(sides, start=2):
        length = rng.uniform(0, MASK * side, (MASKS, n, 1))
        start = rng.uniform(0, side - length)
        position = np.arange(side)
        hidden = ((position >= start) & (position < start + length)).any(axis=0)
        shape = (n, 1, side, 1) if dim == 2 else (n, 1, 1, side)
        x = x.masked_fill(torch.from_numpy(hidden).view(shape).to(x.device), 0)
    gain, lift = torch.from_numpy(rng.normal(0, GAIN, (2, n, 1, 1, 1))).float()
    return x * (1 + gain.to(x.device)) + lift.to(x.device) * x.std() + mean
