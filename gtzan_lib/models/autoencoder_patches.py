"""Encoders of the colours of pixels: average pooling, and square patches.

Paper, section 4.3. Used by ``encoders.learned``: encoder ``patch`` and baselines.
"""

import torch
from torch import nn
from torch.nn.functional import avg_pool2d, interpolate, pixel_shuffle, pixel_unshuffle

from gtzan_lib.models.autoencoder import Autoencoder, moments, principal


class AveragePooling(Autoencoder):
    """The paper's encoder, and one way to bring its pictures back; nothing to learn."""

    def __init__(self, upsampling: str):
        super().__init__()
        self.upsampling = upsampling

    def encode(self, x):
        """Return codes (B, 3, 72, 108), 0 to 1."""
        return avg_pool2d(x / 255, 4)

    def decode(self, code):
        """Return pictures (B, 3, 288, 432), 0 to 1."""
        return interpolate(code, scale_factor=4, mode=self.upsampling).clamp(0, 1)


class _Patches(Autoencoder):
    """One fully connected encoder, shared by all square patches of a picture."""

    def __init__(self, size: int):
        super().__init__()
        self.size = size

    def encode(self, x):
        """Return codes (B, 3, 72, 108), 0 to 1."""
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
        """Return patches (B, h, w, 3 * size * size), -0.5 to 0.5."""
        return pixel_unshuffle(x.float() / 255 - 0.5, self.size).permute(0, 2, 3, 1)


class PatchAutoencoder(_Patches):
    """Fully connected tanh layers: the paper's proposal, shared by all patches."""

    epochs = 20
    rate = 4e-3

    def __init__(self, size: int = 8, hidden: int = 96):
        super().__init__(size)
        pixels, values = 3 * size**2, 3 * size**2 // 16
        self.squeeze = nn.Sequential(
            nn.Linear(pixels, hidden), nn.Tanh(), nn.Linear(hidden, values)
        )
        self.expand = nn.Sequential(
            nn.Linear(values, hidden), nn.Tanh(), nn.Linear(hidden, pixels)
        )


class PatchPCA(_Patches):
    """Principal components of patches: what a linear code of this size can do."""

    def __init__(self, size: int):
        super().__init__(size)
        pixels, values = 3 * size**2, 3 * size**2 // 16
        self.squeeze = nn.Linear(pixels, values)
        self.expand = nn.Linear(values, pixels)

    @torch.no_grad()
    def start(self, parts):
        """Set the weights to principal components."""
        mean, covariance = moments(self._patches(x).flatten(0, 2) for x in parts())
        basis = principal(covariance, self.squeeze.out_features)
        gain = (basis.T @ covariance @ basis).diagonal().rsqrt()
        self.squeeze.weight.copy_((basis * gain).T)
        self.squeeze.bias.copy_(-mean @ basis * gain)
        self.expand.weight.copy_(basis / gain)
        self.expand.bias.copy_(mean)
