"""Autoencoders of the mel bands that a picture was drawn from (paper, section 4.3)."""

import numpy as np
import torch
from torch import nn
from torch.nn.functional import interpolate

from gtzan_lib.data import pictures
from gtzan_lib.data.gtzan import HEIGHT, WIDTH
from gtzan_lib.data.mel import N_MELS as N_BANDS
from gtzan_lib.models.autoencoder import Autoencoder, moments
from gtzan_lib.models.layout import channels_first

N_COLUMNS = pictures.PLOT_SHAPE[1]
# The place in the list of bands, the highest first, that each row of the plot shows.
BAND_OF_ROW = N_BANDS - 1 - pictures.band_of_row()


class _Bands(Autoencoder):
    """Takes a picture as the palette indices of its 128 mel bands, highest first."""

    epochs = 4
    rate = 1e-4

    def __init__(self):
        super().__init__()
        palette = torch.from_numpy(pictures.palette() / np.float32(255))
        plot = np.full(pictures.PLOT_SHAPE, 255, np.uint8)
        self.page = torch.from_numpy(pictures.draw(plot) / np.float32(255))
        self.shade = self.page[pictures.PLOT] / palette[255]  # of the frame
        self.palette = torch.cat([palette, palette[-1:]])
        self.rows = torch.from_numpy(BAND_OF_ROW)
        self.weight = torch.bincount(self.rows)[:, None, None] / (HEIGHT * WIDTH * 3)

    def prepare(self, images):
        return np.stack([pictures.recover_bands(image)[::-1] for image in images])

    def decode(self, code):
        plot = self._colours(self.decode_bands(code))[:, self.rows]
        picture = self.page.repeat(len(code), 1, 1, 1)
        picture[:, *pictures.PLOT] = plot * self.shade
        return channels_first(picture)

    def loss(self, x, rng):
        again = self._colours(self.decode_bands(self.encode(x)))
        error = (again - self.palette[x.int()]).square()
        return (error * self.weight).sum() / len(x)

    def _colours(self, bands):
        # Colours (..., 3) of values from 0 to 1, between those of magma.
        position = bands.clamp(0, 1) * 255
        below = position.detach().int()
        part = (position - below)[..., None]
        return torch.lerp(self.palette[below], self.palette[below + 1], part)


class FactorisedAutoencoder(_Bands):
    """Fully connected over the whole plot, by factors: first over bands, then time."""

    def __init__(self):
        super().__init__()
        self.mean = nn.Parameter(torch.zeros(N_BANDS, N_COLUMNS))
        rows, columns = torch.zeros(3, 72, N_BANDS), torch.zeros(3, 108, N_COLUMNS)
        self.rows_in, self.rows_out = nn.Parameter(rows), nn.Parameter(rows.clone())
        self.columns_in = nn.Parameter(columns)
        self.columns_out = nn.Parameter(columns.clone())

    @torch.no_grad()
    def start(self, parts):
        """Set the weights to principal components, of rows and of columns."""
        mean = sum(x.sum(0) for x in parts()) / sum(len(x) for x in parts()) / 255
        _, over_rows = moments((x / 255 - mean).mT.flatten(0, 1) for x in parts())
        _, over_columns = moments((x / 255 - mean).flatten(0, 1) for x in parts())
        rows = _principal(over_rows, _resampling(N_BANDS, 72))
        columns = _principal(over_columns, _resampling(N_COLUMNS, 324))
        gain = 1 / (rows.T @ (next(parts()) / 255 - mean) @ columns).std()
        columns = columns.T.unflatten(0, (108, 3)).transpose(0, 1)  # (3, 108, 335)
        self.mean.copy_(mean)
        self.rows_in.copy_(rows.T * gain)
        self.rows_out.copy_(rows.T / gain)
        self.columns_in.copy_(columns)
        self.columns_out.copy_(columns)

    def encode(self, x):
        """Return rows (72 x 128) x plot (128 x 335) x columns (335 x 108), 0 to 1."""
        centred = (x / 255 - self.mean)[:, None]  # (B, 1, 128, 335)
        return torch.sigmoid(self.rows_in @ centred @ self.columns_in.mT)

    def decode_bands(self, code):
        """Return bands (B, 128, 335), about 0 to 1, of codes."""
        z = torch.logit(code, eps=1 / 510)
        return (self.rows_out.mT @ z @ self.columns_out).sum(1) + self.mean


class ConvAutoencoder(_Bands):
    """Convolution over time, with the bands as channels.

    28 columns of the plot are resampled to 27; 3 of these make one of the code, 3 x 72.
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
        self.stretch.weight.copy_(_principal(over_time, _resampling(28, 27)))
        self.shrink.weight.copy_(self.stretch.weight.T)

        def samples(x):  # (B * 108, 128 * 3): the columns behind one of the code
            columns = self.shrink(self._blocks(x)).flatten(2)
            return columns.unfold(2, 3, 3).transpose(1, 2).flatten(2).flatten(0, 1)

        mean, covariance = moments(samples(x) for x in parts())
        like = torch.zeros(N_BANDS, 3, 3, 72)  # column c goes to channel c
        like[:, range(3), range(3)] = _resampling(N_BANDS, 72)[:, None]
        basis = _principal(covariance, like.flatten(2).flatten(0, 1))
        gain = (basis.T @ covariance @ basis).trace().div(216).rsqrt()
        self.squeeze.weight.copy_(basis.T.unflatten(1, (N_BANDS, 3)) * gain)
        self.squeeze.bias.copy_(-mean @ basis * gain)
        self.expand.weight.copy_(basis.T.unflatten(1, (N_BANDS, 3)) / gain)
        self.expand.bias.copy_(mean.unflatten(0, (N_BANDS, 3)).mean(1))

    def encode(self, x):
        """Return the convolution's columns, brought to 0 to 1."""
        z = self.squeeze(self.shrink(self._blocks(x)).flatten(2))  # (B, 216, 108)
        return torch.sigmoid(z).unflatten(1, (3, 72))

    def decode_bands(self, code):
        """Return bands (B, 128, 335), about 0 to 1, of codes."""
        z = torch.logit(code, eps=1 / 510).flatten(1, 2)
        blocks = self.expand(z).unflatten(2, (12, 27))
        return self.stretch(blocks).flatten(2)[..., :N_COLUMNS]

    def _blocks(self, x):
        # Blocks of columns (B, 128, 12, 28), 0 to 1, the last one repeated.
        return torch.cat([x, x[..., -1:]], -1).unflatten(2, (12, 28)) / 255


class TanhAutoencoder(ConvAutoencoder):
    """The same with a layer of tanh on either side of the code: it is not linear.

    Half of the tanh are given what ``conv`` starts from, so small that they are nearly
    straight; the others start at random and count for nothing yet.
    """

    def __init__(self):
        super().__init__()
        self.squeeze = nn.Sequential(
            nn.Conv1d(N_BANDS, 432, 3, stride=3), nn.Tanh(), nn.Conv1d(432, 216, 1)
        )
        self.expand = nn.Sequential(
            nn.Conv1d(216, 432, 1), nn.Tanh(), nn.ConvTranspose1d(432, N_BANDS, 3, 3)
        )

    @torch.no_grad()
    def start(self, parts):
        """Set the weights to principal components, in the straight part of tanh."""
        linear, small, ones = ConvAutoencoder(), 0.1, torch.eye(216)[..., None]
        linear.start(parts)
        self.shrink.load_state_dict(linear.shrink.state_dict())
        self.stretch.load_state_dict(linear.stretch.state_dict())
        (first, _, second), (third, _, fourth) = self.squeeze, self.expand
        first.weight[:216] = linear.squeeze.weight * small
        first.bias[:216] = linear.squeeze.bias * small
        second.weight.copy_(torch.cat([ones / small, torch.zeros_like(ones)], 1))
        second.bias.zero_()
        third.weight[:216], third.bias[:216] = ones * small, 0
        fourth.weight.zero_()
        fourth.weight[:216] = linear.expand.weight / small
        fourth.bias.copy_(linear.expand.bias)


class BandPCA(ConvAutoencoder):
    """Principal components of 128 bands x 3 columns: where ``conv`` starts from."""

    epochs = 0


def _principal(covariance: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Return principal directions (d, k), turned within their span towards ``like``."""
    basis = torch.linalg.eigh(covariance).eigenvectors[:, -like.shape[1] :]
    # Towards a resampling: a code looks like a small picture, and loses no more.
    u, _, vt = torch.linalg.svd(basis.T @ like)
    return basis @ (u @ vt)


def _resampling(n: int, m: int) -> torch.Tensor:
    """Return the matrix (n, m) of linear interpolation of ``n`` values at ``m``."""
    return interpolate(torch.eye(n)[:, None], size=m, mode="linear")[:, 0]
