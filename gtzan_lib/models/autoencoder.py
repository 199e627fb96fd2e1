"""Shapes of autoencoders: codes of 72 x 108 x 3 values, and pictures back from them.

Paper, section 4.3 (future work). Used by notebook 04_autoencoder and ``encoding``,
which trains them. To add an encoder, write a subclass of ``Autoencoder`` and name it in
``AUTOENCODERS`` and ``parameters.ENCODERS``.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.nn.functional import avg_pool2d, interpolate, pixel_shuffle, pixel_unshuffle

from gtzan_lib.data import pictures as spectrogram
from gtzan_lib.data.gtzan import HEIGHT, WIDTH

CODE_SHAPE = (3, 72, 108)
N_BANDS, N_COLUMNS = spectrogram.N_MELS, spectrogram.PLOT_SHAPE[1]

# The place in the list of bands, the highest first, that each row of the plot shows.
BAND_OF_ROW = N_BANDS - 1 - spectrogram.band_of_row()


class Autoencoder(nn.Module):
    """Encodes pictures as (3, 72, 108) values from 0 to 1, and decodes them.

    This base class takes a picture as the colours of its pixels.

    Attributes
    ----------
    epochs : int
        How often ``fit`` shows every training picture.
    rate : float
        Highest learning rate of Adam.
    """

    epochs = 0
    rate = 1e-3

    def prepare(self, images: np.ndarray) -> np.ndarray:
        """Return what the encoder takes of pictures (N, 288, 432, 3): uint8, (N, ...).

        Raises
        ------
        DataError
            If the encoder needs spectrograms as the Kaggle edition drew them and a
            picture is not one.
        """
        return images

    def start(self, parts: Callable[[], Iterator[torch.Tensor]]) -> None:
        """Set weights from the training pictures in closed form, before training.

        Parameters
        ----------
        parts : callable
            Gives the prepared training pictures in parts; each call starts anew.
        """

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Return codes (B, 3, 72, 108), float32, 0 to 1, of prepared pictures."""
        raise NotImplementedError

    def decode(self, code: torch.Tensor) -> torch.Tensor:
        """Return pictures (B, 3, 288, 432), float32, 0 to 1, of codes."""
        raise NotImplementedError

    def loss(self, x: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        """Return the pictures' mean squared error; ``rng`` may choose some pixels."""
        raise NotImplementedError


class AveragePooling(Autoencoder):
    """The paper's encoder, and one way to bring its pictures back; nothing to learn."""

    def __init__(self, upsampling: str):
        super().__init__()
        self.upsampling = upsampling

    def encode(self, x):
        """Return codes (B, 3, 72, 108), 0 to 1."""
        return avg_pool2d(x.permute(0, 3, 1, 2) / 255, 4)

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
        x = x.permute(0, 3, 1, 2).float() / 255 - 0.5
        return pixel_unshuffle(x, self.size).permute(0, 2, 3, 1)


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


class _Bands(Autoencoder):
    """Takes a picture as the palette indices of its 128 mel bands, highest first."""

    epochs = 4
    rate = 1e-4

    def __init__(self):
        super().__init__()
        palette = torch.from_numpy(spectrogram.palette() / np.float32(255))
        plot = np.full(spectrogram.PLOT_SHAPE, 255, np.uint8)
        self.page = torch.from_numpy(spectrogram.draw(plot) / np.float32(255))
        self.shade = self.page[spectrogram.PLOT] / palette[255]  # of the frame
        self.palette = torch.cat([palette, palette[-1:]])
        self.rows = torch.from_numpy(BAND_OF_ROW)
        self.weight = torch.bincount(self.rows)[:, None, None] / (HEIGHT * WIDTH * 3)

    def prepare(self, images):
        last = np.searchsorted(BAND_OF_ROW, np.arange(N_BANDS), side="right") - 1
        return np.stack([spectrogram.recover_indices(image)[last] for image in images])

    def decode(self, code):
        plot = self.colours(self.decode_bands(code))[:, self.rows] * self.shade
        picture = self.page.repeat(len(code), 1, 1, 1)
        picture[:, *spectrogram.PLOT] = plot
        return picture.permute(0, 3, 1, 2)

    def loss(self, x, rng):
        again = self.colours(self.decode_bands(self.encode(x)))
        error = (again - self.palette[x.int()]).square()
        return (error * self.weight).sum() / len(x)

    def colours(self, bands):
        """Return the colours (..., 3) of values from 0 to 1, between those of magma."""
        position = bands.clamp(0, 1) * 255
        below = position.detach().int()
        part = (position - below)[..., None]
        return torch.lerp(self.palette[below], self.palette[below + 1], part)


class FactorisedAutoencoder(_Bands):
    """Fully connected over the whole plot, by factors: over bands, then over columns.

    Each of the three channels of the code is rows (72 x 128) times plot (128 x 335)
    times columns (335 x 108).
    """

    def __init__(self):
        super().__init__()
        self.mean = nn.Parameter(torch.zeros(N_BANDS, N_COLUMNS))
        self.rows_in = nn.Parameter(torch.zeros(3, 72, N_BANDS))
        self.rows_out = nn.Parameter(torch.zeros(3, 72, N_BANDS))
        self.columns_in = nn.Parameter(torch.zeros(3, 108, N_COLUMNS))
        self.columns_out = nn.Parameter(torch.zeros(3, 108, N_COLUMNS))

    @torch.no_grad()
    def start(self, parts):
        """Set the weights to principal components."""
        mean = sum(x.sum(0) for x in parts()) / sum(len(x) for x in parts()) / 255
        _, over_rows = moments((x / 255 - mean).mT.flatten(0, 1) for x in parts())
        _, over_columns = moments((x / 255 - mean).flatten(0, 1) for x in parts())
        rows = turned(principal(over_rows, 72), resampling(N_BANDS, 72))
        columns = turned(principal(over_columns, 324), resampling(N_COLUMNS, 324))
        gain = 1 / (rows.T @ (next(parts()) / 255 - mean) @ columns).std()
        columns = columns.T.unflatten(0, (108, 3)).transpose(0, 1)  # (3, 108, 335)
        self.mean.copy_(mean)
        self.rows_in.copy_(rows.T * gain)
        self.rows_out.copy_(rows.T / gain)
        self.columns_in.copy_(columns)
        self.columns_out.copy_(columns)

    def encode(self, x):
        """Return codes (B, 3, 72, 108), 0 to 1."""
        centred = (x / 255 - self.mean)[:, None]  # (B, 1, 128, 335)
        return torch.sigmoid(self.rows_in @ centred @ self.columns_in.mT)

    def decode_bands(self, code):
        """Return bands (B, 128, 335), about 0 to 1, of codes."""
        z = torch.logit(code, eps=1 / 510)
        return (self.rows_out.mT @ z @ self.columns_out).sum(1) + self.mean


class ConvAutoencoder(_Bands):
    """Convolution over time, with the bands as channels.

    Every 28 columns of the plot are resampled to 27, and a convolution of step 3 makes
    one column of the code, 3 x 72 values, of 3 of them.
    """

    def __init__(self):
        super().__init__()
        self.shrink = nn.Linear(28, 27, bias=False)
        self.stretch = nn.Linear(27, 28, bias=False)
        self.squeeze = nn.Conv1d(N_BANDS, 216, 3, stride=3)
        self.expand = nn.ConvTranspose1d(216, N_BANDS, 3, stride=3)

    @torch.no_grad()
    def start(self, parts):
        """Set the weights to principal components."""
        _, over_time = moments(self._blocks(x).flatten(0, 2) for x in parts())
        time_basis = turned(principal(over_time, 27), resampling(28, 27))
        self.shrink.weight.copy_(time_basis.T)
        self.stretch.weight.copy_(time_basis)

        def samples(x):  # (B * 108, 128 * 3): the columns behind one of the code
            columns = self.shrink(self._blocks(x)).flatten(2)
            return columns.unfold(2, 3, 3).transpose(1, 2).flatten(2).flatten(0, 1)

        mean, covariance = moments(samples(x) for x in parts())
        like = torch.zeros(N_BANDS, 3, 3, 72)  # column c goes to channel c
        like[:, range(3), range(3)] = resampling(N_BANDS, 72)[:, None]
        basis = turned(principal(covariance, 216), like.flatten(2).flatten(0, 1))
        gain = (basis.T @ covariance @ basis).trace().div(216).rsqrt()
        self.squeeze.weight.copy_(basis.T.unflatten(1, (N_BANDS, 3)) * gain)
        self.squeeze.bias.copy_(-mean @ basis * gain)
        self.expand.weight.copy_(basis.T.unflatten(1, (N_BANDS, 3)) / gain)
        self.expand.bias.copy_(mean.unflatten(0, (N_BANDS, 3)).mean(1))

    def encode(self, x):
        """Return codes (B, 3, 72, 108), 0 to 1."""
        z = self.squeeze(self.shrink(self._blocks(x)).flatten(2))  # (B, 216, 108)
        return torch.sigmoid(z).unflatten(1, (3, 72))

    def decode_bands(self, code):
        """Return bands (B, 128, 335), about 0 to 1, of codes."""
        z = torch.logit(code, eps=1 / 510).flatten(1, 2)
        blocks = self.expand(z).unflatten(2, (12, 27))
        return self.stretch(blocks).flatten(2)[..., :N_COLUMNS]

    def _blocks(self, x):
        """Return blocks of columns (B, 128, 12, 28), 0 to 1, the last one repeated."""
        return torch.cat([x, x[..., -1:]], -1).unflatten(2, (12, 28)) / 255


class BandPCA(ConvAutoencoder):
    """Principal components of 128 bands x 3 columns: where ``conv`` starts from."""

    epochs = 0


AUTOENCODERS = {
    "patch": PatchAutoencoder,
    "factorised": FactorisedAutoencoder,
    "conv": ConvAutoencoder,
}
BASELINES = {
    "nearest": partial(AveragePooling, "nearest"),
    "bilinear": partial(AveragePooling, "bilinear"),
    "bicubic": partial(AveragePooling, "bicubic"),
    "pca4": partial(PatchPCA, 4),
    "pca8": partial(PatchPCA, 8),
    "pca16": partial(PatchPCA, 16),
    "pca-bands": BandPCA,
}


def moments(parts: Iterator[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the mean (d,) and covariance (d, d) of samples (n, d) given in parts."""
    n, total, products = 0, 0.0, 0.0
    for part in parts:
        n += len(part)
        total = total + part.sum(0, dtype=torch.float64)
        products = products + (part.T @ part).double()
    mean = total / n
    return mean.float(), (products / n - mean.outer(mean)).float()


def principal(covariance: torch.Tensor, k: int) -> torch.Tensor:
    """Return the ``k`` principal directions (d, k), orthonormal, smallest first."""
    return torch.linalg.eigh(covariance).eigenvectors[:, -k:]


def turned(basis: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Turn an orthonormal basis (d, k) within its span to come nearest to ``like``.

    A code of principal components has no places; turned to a resampling it looks like
    a small picture, and loses no more.
    """
    u, _, vt = torch.linalg.svd(basis.T @ like)
    return basis @ (u @ vt)


def resampling(n: int, m: int) -> torch.Tensor:
    """Return the matrix (n, m) of linear interpolation of ``n`` values at ``m``."""
    return interpolate(torch.eye(n)[:, None], size=m, mode="linear")[:, 0]


def build(name: str, seed: int) -> Autoencoder:
    """Return an untrained autoencoder of ``AUTOENCODERS`` or ``BASELINES``."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return (AUTOENCODERS | BASELINES)[name]()


def count_weights(model: nn.Module) -> int:
    """Return how many numbers a network learns."""
    return sum(parameter.numel() for parameter in model.parameters())


def literal_cost(pictures: int = 800) -> dict[str, int]:
    """Return what the proposal takes as it is written (paper, section 4.3).

    That is two fully connected layers, 288 * 432 * 3 values to 72 * 108 * 3 and back;
    any further layer adds to it.

    Returns
    -------
    dict of int
        ``weights`` (with biases), ``bytes`` in float32, ``bytes_with_adam`` (weights,
        gradients and two moments), and ``flop``, the operations of an epoch of
        ``pictures``: two a weight forward and four backward.
    """
    pixels, values = HEIGHT * WIDTH * 3, math.prod(CODE_SHAPE)
    weights = 2 * pixels * values + pixels + values
    return {
        "weights": weights,
        "bytes": 4 * weights,
        "bytes_with_adam": 16 * weights,
        "flop": 6 * weights * pictures,
    }
