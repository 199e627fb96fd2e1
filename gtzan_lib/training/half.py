"""Recipe ``corrected-bfloat16``: the paper's training in half the digits.

Sooner on processors that multiply bfloat16, such as those with AMX, and much later on
others. Used by notebook 03_train_cnn (see ``recipes``).
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from gtzan_lib.training.loop import Descent


@dataclass(frozen=True)
class HalfDescent(Descent):
    """``Descent`` whose layers compute in bfloat16 where they bear it.

    Weights, and what is added to them, stay float32.
    """

    def step_loss(
        self,
        model: nn.Module,
        x: torch.Tensor,
        labels: torch.Tensor,
        rng: np.random.Generator,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the loss of a batch to learn from, and the logits it is made of."""
        with torch.autocast(x.device.type, torch.bfloat16):
            return super().step_loss(model, x, labels, rng)
