"""Models by name: each takes what an encoder makes of pictures and returns logits.

Used by notebooks 03_train_cnn (parameter ``model``) and 06_beyond. To add one, write
its class in a module of its own, name it in ``MODELS`` and the module in
``parameters.MODELS``.
"""

import torch
from torch import nn

from gtzan_lib.models.convnet import CRNN, ConvNet
from gtzan_lib.models.lenet import LeNet, LeNetOneDense, LeNetTanh
from gtzan_lib.models.svm import SVM
from gtzan_lib.parameters import check_values

# Called with the shape of one input: (channels, height, width) of a picture, or
# (windows, values) of vectors.
MODELS: dict[str, type[nn.Module]] = {
    "lenet": LeNet,
    "lenet-one-dense": LeNetOneDense,
    "lenet-tanh": LeNetTanh,
    "cnn": ConvNet,
    "crnn": CRNN,
    "svm": SVM,
}


def build(name: str, shape: tuple[int, ...], seed: int) -> nn.Module:
    """Return a new model with weights drawn from ``seed``.

    Parameters
    ----------
    name : str
        A key of ``MODELS``.
    shape : tuple of int
        Shape of one input: (channels, height, width) or (windows, values).
    seed : int
        Seed of the initial weights.
    """
    check_values({"model": name})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = MODELS[name](*shape)
    return model.to(memory_format=torch.channels_last)


def layer_table(model: nn.Module, shape: tuple[int, ...]) -> list[dict]:
    """Describe a network layer by layer, as the paper's figure 3 does.

    Returns
    -------
    list of dict
        ``layer`` (name), ``output`` (shape without the batch) and ``parameters``
        (count) of each layer.
    """
    x = torch.zeros(1, *shape)
    rows = [{"layer": "input", "output": tuple(shape), "parameters": 0}]
    model.eval()
    with torch.no_grad():
        for layer in model if isinstance(model, nn.Sequential) else [model]:
            x = layer(x)
            row = {
                "layer": type(layer).__name__,
                "output": tuple(x.shape[1:]),
                "parameters": sum(p.numel() for p in layer.parameters()),
            }
            rows.append(row)
    return rows
