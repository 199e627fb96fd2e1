"""One training run: from a data set and parameters to the files of its folder.

All that decides a run's numbers is called from here, and counts for its fingerprint
(see ``runs``). Paper, section 3.
"""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import torch

from gtzan_lib import registry, store
from gtzan_lib.data import splits
from gtzan_lib.data.gtzan import Dataset
from gtzan_lib.evaluation.metrics import rounded
from gtzan_lib.models import build as models
from gtzan_lib.parameters import Parameters
from gtzan_lib.training import checkpoints, loop


def train_into(
    folder: Path, dataset: Dataset, p: Parameters, progress: bool = True
) -> dict:
    """Train a model and write the run's files; return what its provenance should add.

    A checkpoint in the folder is gone on from.
    """
    labels = dataset.labels
    device = loop.pick_device(p.device)
    subsets = splits.split(dataset, p.split, p.seed)
    encoder = registry.ENCODERS[p.encoder].make()
    codes, weights = encoder.codes(dataset, subsets["train"], p.seed, progress)
    if weights:
        shutil.copy(weights, folder / "encoder.safetensors")
    parts = {
        name: loop.Subset.of(codes[index], labels[index], device)
        for name, index in subsets.items()
    }
    held_out = {name: part for name, part in parts.items() if name != "train"}
    recipe = registry.RECIPES[p.facts["recipe"]].make()
    model = models.build(p.model, encoder.shape, seed=p.seed).to(device)
    shown = (model, parts["train"], held_out, recipe)
    if registry.is_closed_form(p.model):
        history = loop.solve(*shown)
    else:
        checkpoint = folder / store.CHECKPOINT
        history = loop.fit(*shown, p.epochs, p.seed, checkpoint, progress)
    confusions = {
        subset: np.array(history.pop(f"{subset}_confusion"), np.int16)
        for subset in parts
    }
    np.savez_compressed(folder / "confusions.npz", **confusions)
    checkpoints.write(folder / "model.safetensors", model.state_dict())
    store.write_json(folder / "history.json", history)
    for name, file in (("test", "predictions"), ("validation", "validation")):
        if name in parts:
            logits = rounded(loop.predict(model, parts[name].x).cpu().numpy())
            known = {"index": subsets[name], "labels": labels[subsets[name]]}
            np.savez(folder / f"{file}.npz", **known, logits=logits)
    return {
        "settings": dataclasses.asdict(recipe),
        "device": device,
        "threads": torch.get_num_threads(),
        "seconds": round(sum(history["seconds"]), 2),
        "subsets": {name: len(index) for name, index in subsets.items()},
    }
