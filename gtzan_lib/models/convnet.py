"""A compact convolutional network, and one with a recurrent layer, for mel bands.

Models ``cnn`` and ``crnn``: what the paper's section 5 proposes. Made for encoder
``bands`` and recipe ``augmented``.
"""

from functools import partial

import torch
from torch import nn

from gtzan_lib.data.genres import GENRES

WIDTH = 16  # channels of the first convolution


class Standardise(nn.Module):
    """Bring each of ``height`` mel bands to mean 0 and standard deviation 1."""

    def __init__(self, height: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(height, 1))
        self.register_buffer("std", torch.ones(height, 1))

    def start(self, x: torch.Tensor) -> None:
        """Take mean and standard deviation from training pictures (N, C, H, W)."""
        std, mean = torch.std_mean(x, dim=(0, 1, 3))
        self.mean, self.std = mean[:, None], std[:, None].clamp(min=1e-3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return pictures of the shape of x, (B, C, H, W)."""
        return (x - self.mean) / self.std


class GRU(nn.GRU):
    """A recurrent layer that reads time steps, (B, C, T), in both directions."""

    def __init__(self, features: int):
        super().__init__(features, features // 2, batch_first=True, bidirectional=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return what it has read at each step: (B, C, T)."""
        return super().forward(x.transpose(1, 2))[0].transpose(1, 2)


class OverTime(nn.Module):
    """Mean and maximum over time: (B, C, T) to (B, 2 C)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return them side by side."""
        return torch.cat([x.mean(dim=2), x.amax(dim=2)], dim=1)


def _convolution(inputs, outputs, size, stride=1, kinds=(nn.Conv2d, nn.BatchNorm2d)):
    """Return a convolution with padding, batch normalisation and ReLU."""
    convolution, normalisation = kinds
    layer = convolution(inputs, outputs, size, stride, size // 2, bias=False)
    return layer, normalisation(outputs), nn.ReLU()


_over_time = partial(_convolution, kinds=(nn.Conv1d, nn.BatchNorm1d))


class ConvNet(nn.Sequential):
    """Convolutions over bands and time, then over time alone.

    Of pictures of 1 x 128 x 335 or other sizes; bands are averaged to 64 to 127 first.
    """

    any_width = True  # may be trained on parts of pictures

    def __init__(self, channels: int, height: int, width: int):
        shrink = max(1, height // 64)
        rows = (height // shrink + 1) // 2 // 2 // 2  # after stride and two poolings
        features = 8 * WIDTH
        super().__init__(
            nn.AvgPool2d((shrink, 1)),
            Standardise(height // shrink),
            *_convolution(channels, WIDTH, 5, stride=2),
            *_convolution(WIDTH, 2 * WIDTH, 3),
            nn.MaxPool2d(2),
            *_convolution(2 * WIDTH, 4 * WIDTH, 3),
            nn.MaxPool2d((2, 1)),
            nn.Flatten(1, 2),  # (B, C, H, W) to (B, C x H, W), a vector a time step
            *_over_time(4 * WIDTH * rows, features, 1),
            self.over_time(features),
            OverTime(),
            nn.Dropout(0.3),
            nn.Linear(2 * features, len(GENRES)),
        )

    def start(self, x: torch.Tensor) -> None:
        """Learn from training pictures (N, C, H, W) how to standardise bands."""
        averaging, standardise, *_ = self
        standardise.start(averaging(x))

    def over_time(self, features: int) -> nn.Module:
        """Return what looks at neighbouring time steps, (B, C, T) to (B, C, T)."""
        return nn.Sequential(*_over_time(features, features, 3))


class CRNN(ConvNet):
    """The same with a recurrent layer that reads the time steps in order."""

    def over_time(self, features: int) -> nn.Module:
        """Return a bidirectional GRU."""
        return GRU(features)
