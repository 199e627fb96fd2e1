"""The stages of the pipeline on small data, each in a process that can be killed."""

import hashlib
import json
import multiprocessing
import os
from pathlib import Path

import numpy as np
from small import train

from gtzan_lib import store
from gtzan_lib.data.packing import pack
from gtzan_lib.data.sources import open_dataset
from gtzan_lib.data.synthetic import make_sample
from gtzan_lib.encoders.bands import read_bands
from gtzan_lib.encoders.pooling import pool

IMPORTED = ("encoders.learned", "models.build", "training.recipe", "data.synthetic")
LENET, SVM = {"epochs": 6}, {"model": "svm", "encoder": "texture"}


STAGES = {
    "sample": lambda source: store.seal(
        store.runs_folder() / "sample",
        {"clips": 1},
        lambda folder: make_sample(folder, clips=1, workers=1, progress=False),
    ),
    "pack": lambda source: pack(open_dataset(source)),
    "pool": lambda source: pool(open_dataset(source)),
    "bands": lambda source: read_bands(open_dataset(source)),
    "encoder": lambda source: train(source, **LENET, encoder="conv"),
    "lenet": lambda source: train(source, **LENET),
    "svm": lambda source: train(source, **SVM),
}


def do(stage: str, source: Path, folder: Path) -> None:
    """Do one stage in a process of its own, with checkpoints after every epoch."""
    import torch

    from gtzan_lib.training import loop

    torch.set_num_threads(1)
    os.environ["GTZAN_RUNS"] = str(folder)
    loop.SAVE_SECONDS = 0
    STAGES[stage](source)


def started(*arguments) -> multiprocessing.Process:
    """Start ``do`` from a server that has imported everything but used no thread."""
    context = multiprocessing.get_context("forkserver")
    sklearn = ["sklearn.decomposition", "sklearn.kernel_ridge"]
    context.set_forkserver_preload([f"gtzan_lib.{n}" for n in IMPORTED] + sklearn)
    process = context.Process(target=do, args=arguments)
    process.start()
    return process


def contents(folder: Path) -> dict[str, str]:
    """Return a digest of what is in every file of finished results, but for times."""
    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        if path.suffix == ".lock" or path.name in ("provenance.json", store.MANIFEST):
            continue
        content = path.read_bytes()
        if path.name == "history.json":
            history = json.loads(content)
            content = str({k: history[k] for k in history if k != "seconds"}).encode()
        if path.suffix == ".npz":  # which holds the time of writing
            with np.load(path) as arrays:
                content = b"".join(array.tobytes() for array in arrays.values())
        found[str(path.relative_to(folder))] = hashlib.sha256(content).hexdigest()
    return found


def half_written(folder: Path) -> list[Path]:
    """Return the results that are there and not whole."""
    manifests = [p.parent for p in folder.rglob(store.MANIFEST)]
    finished = [p for p in manifests if ".partial" not in str(p)]
    return [p for p in finished if not store.is_whole(p)]
