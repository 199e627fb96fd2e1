"""Training runs: from parameters to a folder of results, and back.

A run's folder holds ``model.safetensors``, ``history.json`` (one value an epoch),
``predictions.npz`` (test positions, labels and logits), ``metrics.json``,
``provenance.json`` and, where one was learned, ``encoder.safetensors``. Used by
notebooks 03_train_cnn, 04_autoencoder and 05_results.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from gtzan_lib import evaluation, pooling, splits, store
from gtzan_lib.data import Dataset, open_dataset
from gtzan_lib.errors import DataError
from gtzan_lib.parameters import check_values

ENCODER = "encoder.safetensors"
INPUT_SIZE = (72, 108)  # height and width of the codes, in pixels
CODE = (
    *pooling.CODE,
    "checkpoints",
    "evaluation",
    "models",
    "runs",
    "splits",
    "training",
)
ENCODER_CODE = ("autoencoder", "encoding", "spectrogram")
PACKAGES = ("numpy", "pillow", "torch")
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
        """Test pictures: ``index`` in the data, ``labels`` and ``logits`` (N, 10)."""
        with np.load(self.folder / "predictions.npz") as arrays:
            return dict(arrays)

    def encode(self, pictures: np.ndarray) -> np.ndarray:
        """Return codes as the run's network takes them: float32, (N, 72, 108, 3).

        Parameters
        ----------
        pictures : ndarray of uint8, shape (N, 288, 432, 3)
        """
        if self.provenance["encoder"] == "pool":
            return pooling.average_pool(pictures)
        from gtzan_lib import encoding

        weights = self.folder / ENCODER
        return encoding.encode(weights, self.provenance["encoder"], pictures)

    def model(self):
        """Return the trained network, ready to predict on the CPU."""
        from safetensors.torch import load_file

        from gtzan_lib import models

        model = models.build(self.provenance["model"], *INPUT_SIZE, seed=0)
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
        If a parameter, the data or the split cannot be used.
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
    dataset = open_dataset(data)
    subsets = splits.split(dataset, split, seed)
    facts["split"] = splits.identify(split)
    folder = dataset.results / "03_train" / folder_name(facts)

    def make(folder: Path) -> dict:
        return _train_into(folder, dataset, subsets, facts, device, report)

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
    code = CODE if facts["encoder"] == "pool" else (*CODE, *ENCODER_CODE)
    return dataset.key(code, PACKAGES, **facts)


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
    from safetensors.torch import save_file

    from gtzan_lib import models, training

    device = training.pick_device(device)
    labels = dataset.labels
    codes = _codes(folder, dataset, facts, subsets["train"], report)
    train, test = (
        training.Subset.of(codes[subsets[name]], labels[subsets[name]], device)
        for name in ("train", "test")
    )
    model = models.build(facts["model"], *codes.shape[1:3], seed=facts["seed"])
    model.to(device)
    history = training.fit(
        model,
        train,
        test,
        training.RECIPES[facts["recipe"]],
        facts["epochs"],
        facts["seed"],
        folder / store.CHECKPOINT,
        report,
    )
    logits = training.predict(model, test.x).cpu().numpy()
    weights = {name: value.contiguous() for name, value in model.state_dict().items()}
    save_file(weights, folder / "model.safetensors")
    test_labels = labels[subsets["test"]]
    predictions = {"index": subsets["test"], "labels": test_labels, "logits": logits}
    np.savez(folder / "predictions.npz", **predictions)
    store.write_json(folder / "history.json", history)
    metrics = evaluation.evaluate(logits, test_labels)
    store.write_json(folder / "metrics.json", metrics)
    return {
        "device": device,
        "threads": torch.get_num_threads(),
        "seconds": round(sum(history["seconds"]), 2),
        "subsets": {name: len(index) for name, index in subsets.items()},
    }


def _codes(
    folder: Path,
    dataset: Dataset,
    facts: dict,
    train_index: np.ndarray,
    report: Callable[[str], None],
) -> np.ndarray:
    """Return the codes of all pictures: float32, shape (N, 72, 108, 3), 0 to 1.

    An autoencoder is trained first where needed, and its weights kept with the run.
    """
    if facts["encoder"] == "pool":
        return pooling.pool(dataset)
    from gtzan_lib import encoding

    learnt = encoding.learn(
        dataset, facts["encoder"], train_index, facts["seed"], report
    )
    shutil.copy(learnt / "model.safetensors", folder / ENCODER)
    return np.load(learnt / "codes.npy") / np.float32(255)
