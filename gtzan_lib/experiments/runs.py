"""Training runs on disk: from parameters to a folder of results, and back.

A run's folder holds ``model.safetensors``, ``history.json`` (one value an epoch),
``predictions.npz`` (test positions, labels and logits), ``metrics.json``,
``provenance.json`` and, where there are any, ``validation.npz`` (as predictions) and
``encoder.safetensors``. Used by notebooks 03_train_cnn to 06_beyond.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from gtzan_lib import registry, store
from gtzan_lib.data import splits
from gtzan_lib.data.gtzan import Dataset
from gtzan_lib.errors import DataError
from gtzan_lib.parameters import FACTS, Parameters

FOLDER = "03_train"
PACKAGES = ("numpy", "pillow", "scikit-learn", "scipy", "torch")
ENCODER = "encoder.safetensors"


@dataclass(frozen=True)
class Run:
    """A finished training run, read from its folder."""

    folder: Path

    def _read(self, name: str) -> dict:
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    @cached_property
    def provenance(self) -> dict:
        """Parameters, data name and hash, commit, versions, device and duration."""
        return self._read("provenance.json")

    @cached_property
    def history(self) -> dict[str, list[float]]:
        """What ``training.fit`` returned."""
        return self._read("history.json")

    @cached_property
    def metrics(self) -> dict:
        """What ``evaluation.evaluate`` says of the test pictures."""
        return self._read("metrics.json")

    @cached_property
    def predictions(self) -> dict[str, np.ndarray]:
        """Test tracks: ``index`` in the data, ``labels`` and ``logits`` (N, 10)."""
        with np.load(self.folder / "predictions.npz") as arrays:
            return dict(arrays)

    @cached_property
    def validation(self) -> dict[str, np.ndarray]:
        """The same of validation tracks; there is none where the split has none."""
        with np.load(self.folder / "validation.npz") as arrays:
            return dict(arrays)

    @cached_property
    def members(self) -> list[tuple["Run", float]]:
        """The runs that answer together (see ``fusion``), each with its temperature.

        A run that is not made of others is alone, with temperature 1.
        """
        found = self.provenance.get("members", {})
        return [(Run(self.folder / name), t) for name, t in found.items()] or [
            (self, 1)
        ]

    def encode(self, pictures: np.ndarray) -> np.ndarray:
        """Return codes as the run's model takes them: float32 (see ``Encoder``).

        Parameters
        ----------
        pictures : ndarray of uint8, shape (N, 288, 432, 3)
        """
        encoder = registry.ENCODERS[self.provenance["encoder"]].make()
        return encoder.encode(pictures, self.folder / ENCODER)

    def model(self):
        """Return the trained model, ready to predict on the CPU."""
        from safetensors.torch import load_file

        from gtzan_lib.models import build as models

        shape = registry.ENCODERS[self.provenance["encoder"]].make().shape
        model = models.build(self.provenance["model"], shape, seed=0)
        model.load_state_dict(load_file(self.folder / "model.safetensors"))
        return model.eval()


def train(dataset: Dataset, p: Parameters, progress: bool = True) -> Run:
    """Train one model, or return the run that did so already.

    Parameters
    ----------
    dataset : Dataset
    p : Parameters
        ``recipe``, ``model``, ``encoder``, ``split``, ``seed`` (which draws the split,
        the weights and the pictures' order), ``epochs`` and ``device``.
    progress : bool
        Show one line that tells how far the training is.

    Raises
    ------
    DataError
        If the data or the split cannot be used.
    """
    facts = p.facts | {"split": splits.identify(p.split)}

    def make(folder: Path) -> dict:
        from gtzan_lib.experiments.train import train_into

        return train_into(folder, dataset, p, progress)

    folder = dataset.results / FOLDER / folder_name(facts)
    return Run(store.seal(folder, _key(dataset, facts), make))


def open_run(folder: str | Path) -> Run:
    """Open the folder of a finished run.

    Raises
    ------
    DataError
        If it is not one, or a file of it was changed or lost.
    """
    folder = Path(folder)
    if not (folder / "predictions.npz").is_file() or not store.is_whole(folder):
        raise DataError(
            f"{folder} is not the folder of a finished and unharmed training run; "
            f"they are in {store.runs_folder()}/*/{FOLDER}/*"
        )
    return Run(folder)


def folder_name(facts: dict) -> str:
    """Return the name of a run's folder, made of its parameters."""
    words = [facts[name] for name in ("recipe", "model", "encoder", "split")]
    return "-".join([*words, f"{facts['epochs']}-epochs", f"seed-{facts['seed']}"])


def find_runs(dataset: Dataset) -> tuple[list[Run], list[str]]:
    """Return the finished runs of a data set.

    Returns
    -------
    runs : list of Run
        Those that are whole and up to date, in the order of their names.
    left_out : list of str
        The folders of those made by other code or package versions, or damaged.
    """
    runs, left_out = [], []
    for manifest in sorted((dataset.results / FOLDER).glob(f"*/{store.MANIFEST}")):
        folder = manifest.parent
        key = store.read_key(folder) or {}
        facts = {name: key.get(name) for name in FACTS}
        if store.is_whole(folder, _key(dataset, facts)):
            runs.append(Run(folder))
        else:
            left_out.append(folder.name)
    return runs, left_out


def modules_of(facts: dict) -> list[str]:
    """Return the modules that make a run with these facts (see ``fingerprint``)."""
    return ["experiments.train", *(entry.module for _, entry in _entries(facts))]


def _entries(facts: dict) -> list[tuple[str, registry.Entry]]:
    """Return the registry's entries that a run's facts name, those that there are."""
    kinds = {
        "recipe": registry.RECIPES,
        "model": registry.MODELS,
        "encoder": registry.ENCODERS,
    }
    return [
        (what, entries[facts[what]])
        for what, entries in kinds.items()
        if facts[what] in entries
    ]


def _key(dataset: Dataset, facts: dict) -> dict:
    """Return what a run with these facts depends on (see ``store.seal``)."""
    made_by = {
        what: [entry.target, dict(entry.options)] for what, entry in _entries(facts)
    }
    encoder = registry.ENCODERS.get(facts["encoder"])
    files = encoder.make().files if encoder else ()
    return dataset.key(modules_of(facts), PACKAGES, files, **facts, made_by=made_by)
