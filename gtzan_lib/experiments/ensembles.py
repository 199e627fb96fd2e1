"""Ensembles: several runs that answer together, in the folder of one run.

Each member's logits are divided by a temperature, fitted on validation tracks for all
members together (``evaluation.calibration``), and the log probabilities averaged.
"""

import shutil
from pathlib import Path

import numpy as np

from gtzan_lib import store
from gtzan_lib.data.gtzan import Dataset
from gtzan_lib.evaluation import calibration
from gtzan_lib.experiments.run import ENSEMBLE, Run, folder_name

FOLDER = "06_ensembles"
CODE = ["experiments.ensembles"]
PACKAGES = ("numpy", "scipy")


def combine(dataset: Dataset, members: list[Run], temperatures: list[float]) -> Run:
    """Return the run that answers with the mean of several runs, one a temperature.

    Its folder holds ``predictions.npz``, ``validation.npz`` where the split has such a
    part, ``provenance.json``, as of the first member, and a folder for each member.
    ``ValueError`` if they were not tested on the same tracks, or two are of the same
    model and encoder.
    """
    models, encoders = (
        [run.provenance[name] for run in members] for name in ("model", "encoder")
    )
    folders = [f"{m}-{e}" for m, e in zip(models, encoders, strict=True)]
    if len(set(folders)) < len(folders):
        raise ValueError("an ensemble cannot have two runs of one model and encoder")
    first = members[0].provenance
    facts = {name: first[name] for name in ("split", "seed", "epochs")}
    facts |= {"recipe": ENSEMBLE, "model": "+".join(models)}
    facts |= {"encoder": "+".join(encoders)}
    facts["members"] = dict(zip(folders, temperatures, strict=True))
    facts["member_keys"] = [store.read_key(run.folder) for run in members]

    def make(folder: Path) -> dict:
        for name, run in zip(folders, members, strict=True):
            (folder / name).mkdir(exist_ok=True)
            for path in run.folder.iterdir():
                shutil.copy(path, folder / name)
        for part in ("predictions", "validation"):
            said = [getattr(run, part) for run in members]
            if said[0]:
                np.savez(folder / f"{part}.npz", **_combined(said, temperatures))
        taken = {name: first[name] for name in ("subsets", "threads", "device")}
        seconds = sum(run.provenance["seconds"] for run in members)
        return taken | {"seconds": round(seconds, 2)}

    folder = dataset.results / FOLDER / folder_name(facts)
    return Run(store.seal(folder, dataset.key(CODE, PACKAGES, **facts), make))


def find(dataset: Dataset, runs: list[Run]) -> list[Run]:
    """Return the whole and up-to-date ensembles of some of ``runs``, by name."""
    keys = [store.read_key(run.folder) for run in runs]
    now = dataset.key(CODE, PACKAGES)
    ensembles = []
    for manifest in sorted((dataset.results / FOLDER).glob(f"*/{store.MANIFEST}")):
        key = store.read_key(manifest.parent) or {}
        has_members = all(member in keys for member in key.get("member_keys", [None]))
        if (
            now.items() <= key.items()
            and has_members
            and store.is_whole(manifest.parent)
        ):
            ensembles.append(Run(manifest.parent))
    return ensembles


def _combined(predictions: list[dict], temperatures: list[float]) -> dict:
    first = predictions[0]
    if any(not np.array_equal(p["index"], first["index"]) for p in predictions):
        raise ValueError("an ensemble cannot have runs on different splits")
    logits = calibration.combine([p["logits"] for p in predictions], temperatures)
    return first | {"logits": logits.astype(np.float32)}
