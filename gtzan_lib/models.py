"""Networks: each takes pooled pictures (B, 3, H, W) and returns logits (B, 10).

Paper, section 3.2. Used by notebook 03_train_cnn (parameter ``model``).
To add one, write its class and name it in ``MODELS`` and ``parameters.MODELS``.
"""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from gtzan_lib.data import GENRES
from gtzan_lib.parameters import check_values


class Rescale(nn.Module):
    """Bring values from 0..1 to -1..1, whose mean is nearer to 0."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return 2 x - 1, in the shape of x."""
        return 2 * x - 1


class PooledConv2d(nn.Conv2d):
    """A convolution and 2 x 2 max pooling, (B, C, H, W) to half the height and width.

    Processors pool eight channels at once, and seven or fewer one by one. So it is
    done with the channels filled up to a multiple of eight, by filters of zeros, which
    are cut off again: with 6 channels an epoch takes about a tenth less.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return what ``Conv2d`` and then ``MaxPool2d(2)`` would."""
        n_more = -self.out_channels % 8
        weight = functional.pad(self.weight, (0, 0, 0, 0, 0, 0, 0, n_more))
        weight = weight.contiguous(memory_format=torch.channels_last)
        bias = functional.pad(self.bias, (0, n_more))
        y = functional.max_pool2d(functional.conv2d(x, weight, bias), 2)
        if n_more:  # as (B, H, W, C), which keeps the gradient's memory channels last
            y = y.permute(0, 2, 3, 1)[..., : self.out_channels].contiguous()
            y = y.permute(0, 3, 1, 2)
        return y


class LeNet(nn.Sequential):
    """The paper's transformed LeNet-5, for rectangular pictures.

    Values rescaled to -1..1, two 5 x 5 convolutions (3 to 6 to 16 channels), each
    followed by 2 x 2 max pooling and ReLU, then a dense block. Pooling before ReLU
    gives the same values as after it and leaves a quarter of them to rectify.

    Parameters
    ----------
    height, width : int
        Size of the pictures in pixels, 72 x 108 in the paper.
    n_dense : int
        Fully connected layers: 2 (to 120 units, then to 10) or 1 (to 10). The paper
        says both in section 3.2.
    """

    def __init__(self, height: int, width: int, n_dense: int = 2):
        features = 16 * ((height - 4) // 2 - 4) // 2 * (((width - 4) // 2 - 4) // 2)
        dense = {
            1: [nn.Linear(features, len(GENRES))],
            2: [nn.Linear(features, 120), nn.ReLU(), nn.Linear(120, len(GENRES))],
        }
        super().__init__(
            Rescale(),
            PooledConv2d(3, 6, kernel_size=5),
            nn.ReLU(),
            PooledConv2d(6, 16, kernel_size=5),
            nn.ReLU(),
            nn.Flatten(),
            *dense[n_dense],
        )


MODELS: dict[str, Callable[[int, int], nn.Module]] = {
    "lenet": LeNet,
    "lenet-one-dense": lambda height, width: LeNet(height, width, n_dense=1),
}


def build(name: str, height: int, width: int, seed: int) -> nn.Module:
    """Return a new network with weights drawn from ``seed``.

    Parameters
    ----------
    name : str
        A key of ``MODELS``.
    height, width : int
        Size of its input pictures in pixels.
    seed : int
        Seed of the initial weights.
    """
    check_values({"model": name})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = MODELS[name](height, width)
    return model.to(memory_format=torch.channels_last)


def layer_table(model: nn.Sequential, height: int, width: int) -> list[dict]:
    """Describe a network layer by layer, as the paper's figure 3 does.

    Returns
    -------
    list of dict
        ``layer`` (name), ``output`` (shape without the batch) and ``parameters``
        (count) of each layer.
    """
    x = torch.zeros(1, 3, height, width)
    rows = [{"layer": "input", "output": tuple(x.shape[1:]), "parameters": 0}]
    with torch.no_grad():
        for layer in model:
            x = layer(x)
            row = {
                "layer": type(layer).__name__,
                "output": tuple(x.shape[1:]),
                "parameters": sum(p.numel() for p in layer.parameters()),
            }
            rows.append(row)
    return rows
