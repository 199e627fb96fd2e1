"""The order of a picture's axes: arrays are (N, H, W, C), tensors (N, C, H, W).

Here alone one becomes the other. The memory stays where it is, in the layout that
PyTorch calls channels last and computes fastest with.
"""

import numpy as np
import torch


def to_tensor(array: np.ndarray) -> torch.Tensor:
    """Return an array (N, H, W, C) as a tensor (N, C, H, W); other shapes as they are.

    It shares the array's memory where that is contiguous and may be written to.
    """
    return channels_first(torch.from_numpy(np.require(array, requirements="CW")))


def channels_first(x: torch.Tensor) -> torch.Tensor:
    """Return a tensor (N, H, W, C) as (N, C, H, W); other shapes as they are."""
    return x.permute(0, 3, 1, 2) if x.dim() == 4 else x


def to_array(x: torch.Tensor) -> np.ndarray:
    """Return a tensor (N, C, H, W) as an array (N, H, W, C)."""
    return x.permute(0, 2, 3, 1).numpy()
