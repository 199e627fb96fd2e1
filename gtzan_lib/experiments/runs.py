"""Training runs: from parameters to a folder of results, and back.

A run's folder holds ``model.safetensors``, ``history.json`` (one value an epoch),
``predictions.npz`` (test positions, labels and logits), ``metrics.json``,
``provenance.json`` and, where there are any, ``validation.npz`` (as predictions) and
``encoder.safetensors``. Used by notebooks 03_train_cnn to 06_beyond.
"""

import dataclasses
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from gtzan_lib import parameters, store
from gtzan_lib.data import splits
from gtzan_lib.data.gtzan import Dataset
from gtzan_lib.data.sources import open_dataset
from gtzan_lib.encoders.by_name import NAMES as ENCODERS
from gtzan_lib.encoders.by_name import make as make_encoder
from gtzan_lib.errors import DataError, ParameterError
from gtzan_lib.evaluation import metrics as evaluation
from gtzan_lib.parameters import check_values

ENCODER = "encoder.safetensors"
PACKAGES = ("numpy", "pillow", "scikit-learn", "scipy", "torch")
FACTS = ("recipe", "model", "encoder", "split", "seed", "epochs")


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
        """Return codes as the run's model takes them (see ``encoders``): float32.

        Parameters
        ----------
        pictures : ndarray of uint8, shape (N, 288, 432, 3)
        """
        weights = self.folder / ENCODER
        return make_encoder(self.provenance["encoder"]).encode(pictures, weights)

    def model(self):
        """Return the trained model, ready to predict on the CPU."""
        from safetensors.torch import load_file

        from gtzan_lib.models import build as models

        shape = make_encoder(self.provenance["encoder"]).shape
        model = models.build(self.provenance["model"], shape, seed=0)
        model.load_state_dict(load_file(self.folder / "model.safetensors"))
        return model.eval()


def train(
    data: str = "sample",
    recipe: str = "corrected",
    model: str = "lenet",
    encoder: str = "pool",
    split: str = "random",
    seed: int = 0,
    epochs: int = 30,
    device: str = "auto",
    report: Callable[[str], None] = print,
) -> Run:
    """Train one network, or return the run that did so already.

    Parameters
    ----------
    data, recipe, model, encoder, split, seed, epochs, device
        The parameters of notebook 03_train_cnn; ``parameters.PARAMETERS`` says what
        each allows. ``seed`` draws the split, the weights and the pictures' order.
    report : callable
        Takes a line of text about twenty times.

    Returns
    -------
    Run

    Raises
    ------
    ParameterError, DataError
        If a parameter, the data or the split cannot be used, or the model does not take
        what the encoder gives.
    """
    facts = {
        "recipe": recipe,
        "model": model,
        "encoder": encoder,
        "split": split,
        "seed": seed,
        "epochs": epochs,
    }
    check_values({"data": data, "device": device} | facts)
    _check_fit(facts)
    dataset = open_dataset(data)
    subsets = splits.split(dataset, split, seed)
    facts["split"] = splits.identify(split)
    folder = dataset.results / "03_train" / folder_name(facts)

    def make(folder: Path) -> dict:
        return _train_into(folder, dataset, subsets, facts, device, report)

    return Run(store.seal(folder, _key(dataset, facts), make))


def _check_fit(facts: dict) -> None:
    """Refuse a model that does not take what the encoder gives.

    A model that is fitted in closed form has no recipe and no epochs: ``facts`` say so.
    """
    model, encoder = facts["model"], facts["encoder"]
    closed_form = model in parameters.CLOSED_FORM
    if closed_form != (encoder in parameters.VECTORS):
        pictures = (*parameters.ENCODERS, parameters.BANDS)
        takes = parameters.VECTORS if closed_form else pictures
        raise ParameterError(
            f"model {model} takes encoder {' or '.join(takes)}; got {encoder!r}"
        )
    if closed_form:
        facts |= {"recipe": "closed-form", "epochs": 1}


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
            f"they are in {store.runs_folder()}/*/03_train/*"
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
    for manifest in sorted((dataset.results / "03_train").glob(f"*/{store.MANIFEST}")):
        folder = manifest.parent
        key = (store.read_json(manifest) or {}).get("key", {})
        facts = {name: key.get(name) for name in FACTS}
        if store.is_whole(folder, _key(dataset, facts)):
            runs.append(Run(folder))
        else:
            left_out.append(folder.name)
    return runs, left_out


def _key(dataset: Dataset, facts: dict) -> dict:
    from gtzan_lib.training.recipes import RECIPES

    settings = {}
    if facts["recipe"] in RECIPES:
        settings = dataclasses.asdict(RECIPES[facts["recipe"]])
        settings = json.loads(
            json.dumps(settings)
        )  # tuples as lists, as a file has them
    encoder = facts["encoder"]
    files = make_encoder(encoder).files if encoder in ENCODERS else ()
    modules = ["experiments.runs"]
    return dataset.key(modules, PACKAGES, files, **facts, settings=settings)


def _train_into(
    folder: Path,
    dataset: Dataset,
    subsets: dict[str, np.ndarray],
    facts: dict,
    device: str,
    report: Callable[[str], None],
) -> dict:
    """Train and write the run's files; return what to add to its provenance."""
    import torch

    from gtzan_lib.models import build as models
    from gtzan_lib.training import checkpoints
    from gtzan_lib.training import loop as training
    from gtzan_lib.training.recipes import RECIPES

    device = training.pick_device(device)
    encoder = make_encoder(facts["encoder"])
    codes, weights = encoder.codes(
        dataset, subsets["train"], facts["seed"], progress=report is print
    )
    if weights:
        shutil.copy(weights, folder / ENCODER)
    parts = {
        name: training.Subset.of(codes[index], dataset.labels[index], device)
        for name, index in subsets.items()
    }
    held_out = "validation" if "validation" in parts else "test"
    model = models.build(facts["model"], encoder.shape, seed=facts["seed"]).to(device)
    if facts["model"] in parameters.CLOSED_FORM:
        history = training.solve(model, parts["train"], parts[held_out], held_out)
    else:
        history = training.fit(
            model,
            parts["train"],
            parts[held_out],
            RECIPES[facts["recipe"]],
            facts["epochs"],
            facts["seed"],
            folder / store.CHECKPOINT,
            report,
            held_out,
        )
    checkpoints.write(folder / "model.safetensors", model.state_dict())
    store.write_json(folder / "history.json", history)
    for name, file in (("test", "predictions"), ("validation", "validation")):
        if name in parts:
            logits = training.predict(model, parts[name].x).cpu().numpy()
            known = {"index": subsets[name], "labels": dataset.labels[subsets[name]]}
            np.savez(folder / f"{file}.npz", **known, logits=logits)
            if name == "test":
                metrics = evaluation.evaluate(logits, known["labels"])
                store.write_json(folder / "metrics.json", metrics)
    return {
        "device": device,
        "threads": torch.get_num_threads(),
        "seconds": round(sum(history["seconds"]), 2),
        "subsets": {name: len(index) for name, index in subsets.items()},
    }
