"""A training run: what was measured of it, and the folder of a finished one."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from gtzan_lib import registry, store
from gtzan_lib.data.artists import artists_of, sample_tracks
from gtzan_lib.data.gtzan import PUBLISHED, SYNTHETIC, published_sums
from gtzan_lib.errors import DataError
from gtzan_lib.evaluation import clusters, silence
from gtzan_lib.evaluation.metrics import (
    Estimate,
    bare,
    confusion_matrix,
    proportion,
    top_k_hits,
)
from gtzan_lib.experiments import scores

WEIGHTS = "model.safetensors"
FILES = ("predictions.npz", "validation.npz", "confusions.npz")
ENSEMBLE = "ensemble"  # the recipe of runs that answer together
MAIN = {"model": "lenet", "encoder": "pool", "split": "random"}  # the paper's


def folder_name(facts: dict) -> str:
    """Return the name of a run's folder, made of its parameters."""
    words = [facts[name] for name in ("recipe", "model", "encoder", "split")]
    return "-".join([*words, f"{facts['epochs']}-epochs", f"seed-{facts['seed']}"])


@dataclass(eq=False)
class Run:
    """What was measured of one run: of a folder (``read``), or of a record's tables.

    Predictions have ``index`` in the data, ``labels`` and ``logits`` (N, 10). Counts
    are int, (epochs, 10, 10): pictures by true genre and answer.
    """

    name: str
    provenance: dict  # its parameters, ``data`` and ``seconds``, at least
    subsets: dict[str, int]  # numbers of pictures that train, test and validate
    history: dict[str, list]  # ``loss``, ``train_accuracy`` and others, by epoch
    predictions: dict[str, np.ndarray]  # of test tracks
    validation: dict[str, np.ndarray] | None  # the same, None where there are none
    artists: np.ndarray  # (N,): of each test track; its own where they are not known
    top2_after: dict[int, int] = field(default_factory=dict)  # right in two, by epoch
    confusions: dict[str, np.ndarray] = field(default_factory=dict)  # of a folder
    test_confusions: np.ndarray | None = None
    counted: tuple | None = None  # see ``evaluation.silence.counted``
    folder: Path | None = None  # of one that was read from there
    members: tuple[tuple["Run", float], ...] = ()  # of an ensemble, with temperatures

    @cached_property
    def confusion(self) -> np.ndarray:
        """Test pictures by true (row) and predicted genre: int64, (10, 10)."""
        return confusion_matrix(self.predictions["logits"], self.predictions["labels"])

    def metric(self, name: str, **fields) -> Estimate:
        """Return one of ``scores`` with its 95 % interval, by artist if they are known.

        ``ValueError`` or ``TypeError`` if there is no such metric, field or genre.
        """
        if name in scores.COUNTED:
            data, split = (self.provenance[fact] for fact in ("data", "split"))
            has_artists = data in scores.KNOWN and split not in scores.ONE_BY_ONE
            if has_artists and (k := scores.FIRST.get(name)):
                return clusters.share(scores.hits(self, k), self.artists)
            return proportion(*scores.COUNTED[name](self, **fields))
        if name not in scores.CURVES:
            names = ", ".join(scores.COUNTED | scores.CURVES)
            raise ValueError(f"there is no metric {name}: they are {names}")
        value = scores.CURVES[name](self, **fields)
        if name.startswith("test_") and not np.isnan(value):
            tests = len(self.predictions["labels"])
            return proportion(round(value * tests), tests)
        return bare(value)

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


def by_seed(some: list[Run]) -> dict[int, Run]:
    """Return runs by their seed: of those that have the same, the last."""
    return {run.provenance["seed"]: run for run in some}


def read(folder: Path) -> Run:
    """Read the folder of a finished run, but for its weights."""
    said, validation, confusions = (
        dict(np.load(path)) if path.is_file() else {}  # what a split lacks
        for path in map(folder.joinpath, FILES)
    )
    provenance = store.read_json(folder / "provenance.json")
    named = {PUBLISHED: published_sums, SYNTHETIC: sample_tracks}
    artists = said["index"]
    if names := named.get(provenance["data"]):
        artists = artists_of(np.array(sorted(names()))[artists], provenance["data"])
    kept = {int(p.stem[5:]): np.load(p) for p in folder.glob("test-*.npy")}
    top2_after = {
        epoch: int(top_k_hits(logits, said["labels"], 2).sum())
        for epoch, logits in sorted(kept.items())
    }
    return Run(
        name=folder.name,
        folder=folder,
        provenance=provenance,
        subsets=provenance["subsets"],
        history=store.read_json(folder / "history.json"),
        predictions=said,
        validation=validation or None,
        artists=artists,
        confusions=confusions,
        test_confusions=confusions.get("test"),
        counted=silence.counted(confusions["train"]),
        top2_after=top2_after,
    )
