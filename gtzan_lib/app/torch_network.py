"""The models of a run as one network of torch, and its export as ONNX.

Only ``ship`` needs it, and songs named by a run that is not shipped (see ``network``).
"""

from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

from gtzan_lib.data.genres import GENRES
from gtzan_lib.experiments.run import Run
from gtzan_lib.models.layout import channels_first
from gtzan_lib.models.svm import SVM

OUTPUTS = ("log_probabilities", "embedding")


class Network(nn.Module):
    """The members of a run, which answer together (see ``experiments.ensembles``).

    The embedding of a track is the input of the first member's last fully connected
    layer, and the mean of the principal components that a support vector machine is
    given. With ``dtype`` float64, it tells what is right to many digits.
    """

    def __init__(self, run: Run, dtype: type = np.float32):
        super().__init__()
        self.dtype = dtype
        self.models = nn.ModuleList(member.model() for member, _ in run.members)
        self.temperatures = [temperature for _, temperature in run.members]
        self.eval()
        if dtype == np.float64:
            self.double()

    def forward(self, *codes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean log probabilities (N, 10) and embeddings (N, d).

        Of what each member's encoder gives: (N, H, W, C) or (N, windows, values).
        """
        inputs = map(channels_first, codes)
        answers = [_embed(m, x) for m, x in zip(self.models, inputs, strict=True)]
        logs = [
            torch.log_softmax(logits / temperature, dim=1)
            for (logits, _), temperature in zip(answers, self.temperatures, strict=True)
        ]
        return torch.stack(logs).mean(dim=0), answers[0][1]

    @torch.inference_mode()
    def answer(self, codes: list[np.ndarray]) -> list[np.ndarray]:
        """Return the same of arrays, as arrays, in ``dtype``."""
        tensors = (torch.from_numpy(each.astype(self.dtype)) for each in codes)
        return [output.numpy() for output in self(*tensors)]


def _embed(model: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the logits and the embeddings of one model."""
    if isinstance(model, SVM):
        return model(x), model.project(x).mean(dim=1)
    *body, last = model
    for layer in body:
        x = layer(x)
    return last(x), x


def export(network: Network, codes: dict[str, np.ndarray], path: Path) -> None:
    """Write a network as ONNX, for any number of tracks.

    ``codes`` are what each encoder gives of two tracks or more, by its name, which
    becomes that of an input.
    """
    tracks = torch.export.Dim("tracks")
    program = torch.onnx.export(
        network,
        tuple(map(torch.from_numpy, codes.values())),
        input_names=list(codes),
        output_names=OUTPUTS,
        dynamic_shapes=(tuple({0: tracks} for _ in codes),),
        dynamo=True,
        verbose=False,
    )
    model = program.model_proto
    for node in model.graph.node:
        node.ClearField("metadata_props")  # lines of code, with folders of this machine
    model.graph.ClearField("value_info")
    onnx.helper.set_model_props(model, {"genres": ", ".join(GENRES)})
    onnx.save(model, path)
