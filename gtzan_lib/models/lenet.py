"""The paper's network, a transformed LeNet-5: model ``lenet`` and its variants.

Section 3.2 leaves open how many dense layers there are, which activation, and whether
inputs, 0 to 1, are rescaled. Dropout and rotated outputs are no readings of the paper,
but tests of why its loss stalls and genres die.
"""

import torch
from torch import nn

from gtzan_lib.data.genres import GENRES


class LeNet(nn.Sequential):
    """The paper's transformed LeNet-5, for pictures of 3 x 72 x 108 or other sizes.

    Two 5 x 5 convolutions (3 to 6 to 16 channels), each followed by 2 x 2 max pooling
    and ReLU, then a dense block. Pooling first gives the same values a tenth sooner.
    """

    activation = nn.ReLU

    def __init__(self, channels: int, height: int, width: int):
        rows, columns = (((side - 4) // 2 - 4) // 2 for side in (height, width))
        super().__init__(
            nn.Conv2d(channels, 6, kernel_size=5),
            nn.MaxPool2d(2),
            self.activation(),
            nn.Conv2d(6, 16, kernel_size=5),
            nn.MaxPool2d(2),
            self.activation(),
            nn.Flatten(),
            *self.dense(16 * rows * columns),
        )

    def dense(self, features: int) -> list[nn.Module]:
        """Return two fully connected layers, as section 3.2 has it first."""
        hidden = nn.Linear(features, 120)
        return [hidden, self.activation(), nn.Linear(120, len(GENRES))]


class Rescale(nn.Module):
    """Bring values from 0..1 to -1..1, whose mean is nearer to 0."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return 2 x - 1, in the shape of x."""
        return 2 * x - 1


class LeNetRescaled(LeNet):
    """The same for values brought to -1..1 first: it learns sooner."""

    def __init__(self, channels: int, height: int, width: int):
        super().__init__(channels, height, width)
        self.insert(0, Rescale())


class LeNetTanh(LeNet):
    """The same with tanh, which LeNet-5 has, in the place of ReLU."""

    activation = nn.Tanh


class LeNetOneDense(LeNet):
    """The same with one fully connected layer, as section 3.2 has it two lines on."""

    def dense(self, features: int) -> list[nn.Module]:
        """Return one fully connected layer."""
        return [nn.Linear(features, len(GENRES))]


class LeNetDropout(LeNet):
    """The same with half of the hidden values dropped while it learns."""

    def dense(self, features: int) -> list[nn.Module]:
        """Return two fully connected layers with dropout between them."""
        hidden, activation, last = super().dense(features)
        return [hidden, activation, nn.Dropout(0.5), last]


class LeNetRotated(LeNet):
    """The same weights, but each output is the next genre's, as if labels rotated."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits (B, 10)."""
        return super().forward(x).roll(1, dims=1)
