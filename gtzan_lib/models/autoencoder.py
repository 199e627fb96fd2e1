"""Autoencoders: codes of 72 x 108 x 3 values, and pictures back from them.

Paper, section 4.3 (future work). What they have in common; ``autoencoder_patches`` and
``autoencoder_bands`` hold the kinds, which ``encoders.learned`` names and trains.
"""

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import nn

from gtzan_lib.data.gtzan import HEIGHT, WIDTH

CODE_SHAPE = (3, 72, 108)


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
        """Return codes (B, 3, 72, 108), float32, 0 to 1, of prepared pictures.

        Parameters
        ----------
        x : Tensor of uint8
            What ``prepare`` returned, as ``layout.to_tensor`` does it: (B, 3, 288, 432)
            or (B, 128, 335).
        """
        raise NotImplementedError

    def decode(self, code: torch.Tensor) -> torch.Tensor:
        """Return pictures (B, 3, 288, 432), float32, 0 to 1, of codes."""
        raise NotImplementedError

    def loss(self, x: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        """Return the pictures' mean squared error; ``rng`` may choose some pixels."""
        raise NotImplementedError


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
