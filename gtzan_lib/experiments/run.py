"""A training run: what was measured of it, and the folder of a finished one."""

import json
from functools import cached_property
from pathlib import Path

import numpy as np

from gtzan_lib import registry
from gtzan_lib.data.gtzan import PUBLISHED, SYNTHETIC, published_sums
from gtzan_lib.errors import DataError
from gtzan_lib.evaluation import dead
from gtzan_lib.evaluation.metrics import Estimate, confusion_matrix, top_k_hits
from gtzan_lib.experiments import scores

WEIGHTS = "model.safetensors"
ENSEMBLE = "ensemble"  # the recipe of runs that answer together
MAIN = {"model": "lenet", "encoder": "pool", "split": "random"}  # the paper's


def folder_name(facts: dict) -> str:
    """Return the name of a run's folder, made of its parameters."""
    words = [facts[name] for name in ("recipe", "model", "encoder", "split")]
    return "-".join([*words, f"{facts['epochs']}-epochs", f"seed-{facts['seed']}"])


class Measured:
    """What was measured of one run: of a folder (``Run``), or read from tables.

    Attributes
    ----------
    name : str
    provenance : dict
        Its parameters, ``data`` and ``seconds``, at least.
    subsets : dict of int
        Numbers of pictures that train, test and, of some splits, validate.
    history : dict of list
        ``loss``, ``train_accuracy``, ``test_accuracy``: a value an epoch.
    predictions, validation : dict of ndarray
        Of test and validation tracks: ``index`` in the data, ``labels`` and ``logits``
        (N, 10). ``validation`` is None where the split has none.
    artists : ndarray, shape (N,)
        Of each test track; of data whose artists are not known, each one of its own.
    test_confusions : ndarray of int, shape (epochs, 10, 10)
        Test pictures by true genre and answer after each epoch.
    top2_after : dict of int
        Of the first two genres, how many were right after some epochs.
    counted : tuple of ndarray
        Training pictures by epoch, as ``evaluation.dead.counted`` returns them.
    """

    def __init__(self, **measured):
        vars(self).update(measured)

    @cached_property
    def confusion(self) -> np.ndarray:
        """Test pictures by true (row) and predicted genre: int64, (10, 10)."""
        return confusion_matrix(self.predictions["logits"], self.predictions["labels"])

    def metric(self, name: str, **fields) -> Estimate:
        """Return one of ``scores`` with its interval, as ``scores.estimate``."""
        return scores.estimate(self, name, **fields)


class Run(Measured):
    """The folder of a finished run; its files are read when they are asked for."""

    def __init__(self, folder: Path):
        self.folder, self.name = folder, folder.name

    @cached_property
    def provenance(self) -> dict:
        """Parameters, data and hash, commit, versions, device and duration."""
        return self._json("provenance.json")

    @property
    def subsets(self) -> dict[str, int]:
        """Numbers of pictures by subset."""
        return self.provenance["subsets"]

    @cached_property
    def history(self) -> dict[str, list[float]]:
        """What ``training.loop`` returned."""
        return self._json("history.json")

    @cached_property
    def predictions(self) -> dict[str, np.ndarray]:
        """What is said of test tracks."""
        return self._arrays("predictions.npz")

    @cached_property
    def validation(self) -> dict[str, np.ndarray] | None:
        """The same of validation tracks; None where the split has none."""
        return self._arrays("validation.npz") or None

    @cached_property
    def confusions(self) -> dict[str, np.ndarray]:
        """Pictures by true genre (row) and answer: (epochs, 10, 10).

        Of ``"train"``, as that epoch showed them, and ``"test"`` or ``"validation"``.
        """
        return self._arrays("confusions.npz")

    @property
    def test_confusions(self) -> np.ndarray:
        """See ``Measured``, as of the rest."""
        return self.confusions["test"]

    @cached_property
    def top2_after(self) -> dict[int, int]:
        """Of epochs whose logits are kept."""
        paths = {int(p.stem[5:]): p for p in self.folder.glob("test-*.npy")}
        labels = self.predictions["labels"]
        return {
            epoch: int(top_k_hits(np.load(path), labels, 2).sum())
            for epoch, path in sorted(paths.items())
        }

    @property
    def counted(self) -> tuple[np.ndarray, ...]:
        """Of the training pictures."""
        return dead.counted(self.confusions["train"])

    @cached_property
    def artists(self) -> np.ndarray:
        """Of GTZAN and the sample."""
        from gtzan_lib.data import artists  # and pandas, as said in ``runs``

        index, data = self.predictions["index"], self.provenance["data"]
        if data == PUBLISHED:
            tracks = sorted(published_sums())
        elif data == SYNTHETIC:
            tracks = artists.sample_tracks()
        else:
            return index
        return artists.artists_of(np.array(tracks)[index], data)

    def model(self):
        """Return the trained model, for the CPU; ``DataError`` if it was not saved."""
        from safetensors.torch import load_file

        from gtzan_lib.models import build

        if not (self.folder / WEIGHTS).is_file():
            raise DataError(f"{self.folder} has no weights: remove it and train again")
        shape = registry.ENCODERS[self.provenance["encoder"]].make().shape
        model = build.build(self.provenance["model"], shape, seed=0)
        model.load_state_dict(load_file(self.folder / WEIGHTS))
        return model.eval()

    def _arrays(self, name: str) -> dict[str, np.ndarray]:
        if not (self.folder / name).is_file():  # what a split lacks
            return {}
        with np.load(self.folder / name) as arrays:
            return dict(arrays)

    def _json(self, name: str) -> dict:
        path = self.folder / name
        return json.loads(path.read_text("utf-8")) if path.is_file() else {}
