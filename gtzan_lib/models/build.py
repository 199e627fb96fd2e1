"""Building a model by its name in ``registry.MODELS``, and describing its layers."""

import torch
from torch import nn

from gtzan_lib import registry


def build(name: str, shape: tuple[int, ...], seed: int) -> nn.Module:
    """Return a new model of inputs of a ``shape``, with weights drawn from ``seed``."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = registry.MODELS[name].make(*shape)
    return model.to(memory_format=torch.channels_last)


def layer_table(model: nn.Module, shape: tuple[int, ...]) -> list[dict]:
    """Describe a network layer by layer, as the paper's figure 3 does.

    Of each: ``layer`` (name), ``output`` (shape without the batch), ``parameters``.
    """
    x = torch.zeros(1, *shape)
    rows = [{"layer": "input", "output": tuple(shape), "parameters": 0}]
    model.eval()
    with torch.no_grad():
        for layer in model if isinstance(model, nn.Sequential) else [model]:
            x = layer(x)
            row = {"layer": type(layer).__name__, "output": tuple(x.shape[1:])}
            row["parameters"] = sum(p.numel() for p in layer.parameters())
            rows.append(row)
    return rows
