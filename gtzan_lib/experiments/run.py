"""A training run: what was measured of it, and the folder of a finished one."""

from functools import cached_property
from pathlib import Path

import numpy as np

from gtzan_lib import registry, store
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


class Run:
    """What was measured of one run: of a folder (``read``), or of a record's tables.

    Attributes
    ----------
    name : str
    folder : Path
        Only of one that was read from there.
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
    confusions : dict of ndarray of int, shape (epochs, 10, 10)
        Of a folder: pictures by true genre and answer. Of ``"train"``, as the epoch
        showed them, and ``"test"`` or ``"validation"``.
    test_confusions : ndarray of int, shape (epochs, 10, 10)
        Those of test pictures.
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


def read(folder: Path) -> Run:
    """Read the folder of a finished run, but for its weights."""
    said, validation, confusions = (
        _arrays(folder / f"{name}.npz")
        for name in ("predictions", "validation", "confusions")
    )
    provenance = store.read_json(folder / "provenance.json")
    kept = {int(p.stem[5:]): np.load(p) for p in folder.glob("test-*.npy")}
    return Run(
        name=folder.name,
        folder=folder,
        provenance=provenance,
        subsets=provenance["subsets"],
        history=store.read_json(folder / "history.json"),
        predictions=said,
        validation=validation or None,
        artists=_artists(said["index"], provenance["data"]),
        confusions=confusions,
        test_confusions=confusions.get("test"),
        counted=dead.counted(confusions["train"]),
        top2_after={
            epoch: int(top_k_hits(logits, said["labels"], 2).sum())
            for epoch, logits in sorted(kept.items())
        },
    )


def _arrays(path: Path) -> dict[str, np.ndarray]:
    if not path.is_file():  # what a split lacks
        return {}
    with np.load(path) as arrays:
        return dict(arrays)


def _artists(index: np.ndarray, data: str) -> np.ndarray:
    from gtzan_lib.data import artists  # and pandas, as said in ``runs``

    if data == PUBLISHED:
        tracks = sorted(published_sums())
    elif data == SYNTHETIC:
        tracks = artists.sample_tracks()
    else:
        return index
    return artists.artists_of(np.array(tracks)[index], data)
