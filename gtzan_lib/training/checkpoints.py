"""The state of a training in one file, to go on from after a crash.

Safetensors files hold numbers and text only: loading one cannot run code.
"""

import hashlib
import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors import torch as tensor_files
from torch import nn

History = dict[str, list[float]]  # one value an epoch, by what was measured


def save(
    path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, history: History
) -> None:
    """Write weights, optimizer state and history to a file, whole or not at all."""
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    for number, slots in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{slot}": v for slot, v in slots.items()}
    text = json.dumps(history)
    partial = path.with_name(path.name + ".partial")
    write(partial, tensors, {"history": text, "sha256": _digest(tensors, text)})
    partial.replace(path)


def write(
    path: Path, tensors: dict[str, torch.Tensor], texts: dict[str, str] | None = None
) -> None:
    """Write a safetensors file; unlike safetensors' own, it says if a disk is full."""
    tensors = {name: value.contiguous() for name, value in tensors.items()}
    path.write_bytes(tensor_files.save(tensors, texts))


def load(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> History:
    """Restore what ``save`` wrote; return the history, empty if the file is damaged."""
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            texts = file.metadata() or {}
    except (OSError, SafetensorError):
        return {}
    text = texts.get("history", "")
    if texts.get("sha256") != _digest(tensors, text):
        return {}
    model.load_state_dict(
        {name: tensors[f"model.{name}"] for name in model.state_dict()}
    )
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("optimizer."):
            _, number, slot = key.split(".")
            state.setdefault(int(number), {})[slot] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
    return json.loads(text)


def _digest(tensors: dict[str, torch.Tensor], text: str) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        digest.update(name.encode() + tensors[name].cpu().numpy().tobytes())
    return digest.hexdigest()
