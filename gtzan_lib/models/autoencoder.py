"""Autoencoders of a picture's pixels: patches, and average pooling (section 4.3).

Those of the mel bands behind the pixels are in ``band_autoencoder``.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import nn
from torch.nn.functional import avg_pool2d, interpolate, pixel_shuffle, pixel_unshuffle

CODE_SHAPE = (3, 72, 108)


class Autoencoder(nn.Module):
    """Encodes pictures, uint8, (N, 288, 432, 3), as values from 0 to 1.

    A subclass has ``encode(x)``, the codes (B, 3, 72, 108), float32, of what
    ``prepare`` returned, uint8, (B, 3, 288, 432) or (B, 128, 335); ``decode(code)``,
    their pictures (B, 3, 288, 432); and ``loss(x, rng)``, the mean squared error, of
    pixels that ``rng`` may choose.
    """

    epochs = 0  # how often ``fit`` shows every training picture
    rate = 1e-3  # highest learning rate of Adam

    def prepare(self, images: np.ndarray) -> np.ndarray:
        """Return what ``encode`` takes; ``DataError`` where it takes spectrograms."""
        return images

    def start(self, parts: Callable[[], Iterator[torch.Tensor]]) -> None:
        """Set weights in closed form from training pictures, which ``parts`` yields."""


class AveragePooling(Autoencoder):
    """The paper's encoder, and one way to bring its pictures back; nothing to learn."""

    def __init__(self, upsampling: str):
        super().__init__()
        self.upsampling = upsampling

    def encode(self, x):
        """Return the means of 4 x 4 pixels."""
        return avg_pool2d(x / 255, 4)

    def decode(self, code):
        """Return upsampled codes."""
        return interpolate(code, scale_factor=4, mode=self.upsampling).clamp(0, 1)


class _Patches(Autoencoder):
    # One fully connected encoder, shared by all square patches of a picture.
    def __init__(self, size: int):
        super().__init__()
        self.size = size

    def encode(self, x):
        z = self.squeeze(self._patches(x)).permute(0, 3, 1, 2)  # (B, values, h, w)
        return pixel_shuffle(torch.sigmoid(z), self.size // 4)

    def decode(self, code):
        z = torch.logit(pixel_unshuffle(code, self.size // 4), eps=1 / 510)
        patches = self.expand(z.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return (pixel_shuffle(patches, self.size) + 0.5).clamp(0, 1)

    def loss(self, x, rng):
        patches = self._patches(x).flatten(0, 2)
        quarter = rng.permutation(len(patches))[: len(patches) // 4]
        patches = patches[torch.from_numpy(quarter)]
        return (self.expand(self.squeeze(patches)) - patches).square().mean()

    def _patches(self, x):
        # Patches (B, h, w, 3 * size * size), -0.5 to 0.5.
        return pixel_unshuffle(x.float() / 255 - 0.5, self.size).permute(0, 2, 3, 1)


class PatchAutoencoder(_Patches):
    """Fully connected tanh layers over patches of 8 x 8: the paper's proposal."""

    epochs = 20
    rate = 4e-3

    def __init__(self):
        super().__init__(8)
        self.squeeze = nn.Sequential(nn.Linear(192, 96), nn.Tanh(), nn.Linear(96, 12))
        self.expand = nn.Sequential(nn.Linear(12, 96), nn.Tanh(), nn.Linear(96, 192))


class PatchPCA(_Patches):
    """Principal components of patches: what a linear code of this size can do."""

    def __init__(self, size: int):
        super().__init__(size)
        pixels = 3 * size**2
        self.squeeze = nn.Linear(pixels, pixels // 16)
        self.expand = nn.Linear(pixels // 16, pixels)

    @torch.no_grad()
    def start(self, parts):
        """Set the weights to principal components."""
        mean, covariance = moments(self._patches(x).flatten(0, 2) for x in parts())
        basis = torch.linalg.eigh(covariance).eigenvectors[:, -len(self.squeeze.bias) :]
        gain = (basis.T @ covariance @ basis).diagonal().rsqrt()
        self.squeeze.weight.copy_((basis * gain).T)
        self.squeeze.bias.copy_(-mean @ basis * gain)
        self.expand.weight.copy_(basis / gain)
        self.expand.bias.copy_(mean)


def moments(parts: Iterator[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the mean (d,) and covariance (d, d) of samples (n, d) given in parts."""
    n, total, products = 0, 0.0, 0.0
    for part in parts:
        n += len(part)
        total = total + part.sum(0, dtype=torch.float64)
        products = products + (part.T @ part).double()
    mean = total / n
    return mean.float(), (products / n - mean.outer(mean)).float()
