"""A finished training run, read from its folder or from what a record keeps of it."""

import json
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy import special

from gtzan_lib import registry
from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.gtzan import PUBLISHED, SYNTHETIC, published_sums
from gtzan_lib.errors import DataError
from gtzan_lib.evaluation import clusters, metrics
from gtzan_lib.evaluation.metrics import Estimate, bare, proportion

WEIGHTS, ENCODER = "model.safetensors", "encoder.safetensors"
BY_ARTIST = ("artist", "artist-trainval", "artist-folds", "random-folds")  # splits
ENSEMBLE = "ensemble"  # the recipe of runs that answer together
EPOCHS = (1, 10, 30, 50, 100, 300, 1000)  # of which a record keeps the curves' values
CURVES = ("loss", "train_accuracy", "test_accuracy")
KEPT = (30, 100, 300)  # after which ``training`` keeps the test pictures' logits
METRICS = {  # what ``Run.metric`` knows; epochs may be any that a record keeps
    *("accuracy", "top2", "saturated"),
    *(f"{curve}@{epoch}" for curve in CURVES for epoch in (*EPOCHS, "first", "last")),
    *(f"top2@{epoch}" for epoch in KEPT),
    *(f"recall:{genre}" for genre in GENRES),
    *(f"called:{genre}:{other}" for genre in GENRES for other in GENRES),
    *(f"mixed:{genre}:{other}" for genre in GENRES for other in GENRES),
    *(f"loss@{percent}%" for percent in range(101)),
}


def folder_name(facts: dict) -> str:
    """Return the name of a run's folder, made of its parameters."""
    words = [facts[name] for name in ("recipe", "model", "encoder", "split")]
    return "-".join([*words, f"{facts['epochs']}-epochs", f"seed-{facts['seed']}"])


@dataclass(frozen=True, eq=False)
class Run:
    """A finished run: of its folder, or only of what ``results.json`` keeps."""

    folder: Path | None = None
    kept: dict | None = None

    @cached_property
    def record(self) -> dict:
        """What ``results.json`` keeps of it, see ``record_of``."""
        return self.kept or record_of(self)

    @property
    def name(self) -> str:
        """The name of its folder, made of its parameters."""
        return self.kept["run"] if self.kept else self.folder.name

    @cached_property
    def provenance(self) -> dict:
        """Parameters, data name and hash, commit, versions, device and duration."""
        return self.kept["provenance"] if self.kept else self._read("provenance.json")

    @cached_property
    def confusion(self) -> np.ndarray:
        """Test pictures by true (row) and predicted genre: int64, (10, 10)."""
        return np.array(self.record["confusion"])

    def metric(self, name: str) -> Estimate:
        """Return one figure with its interval, counted from the record.

        Of ``METRICS``: ``accuracy``, ``top2``, ``saturated`` (the share of pictures
        whose largest percentage prints as 100.0), ``loss@30``, ``train_accuracy@last``,
        ``recall:jazz``, ``called:hiphop:reggae``, and ``mixed:hiphop:reggae``, of both
        genres the share that is called the other. All NaN where the run has no such
        number. The first two have intervals by artist where the record has artists.
        ``loss@62%`` is the training loss when 62 % of the training pictures were right
        for the first time.
        """
        counts = self.confusion
        what, *genres = name.split(":")
        if genres:
            row, column = GENRES.index(genres[0]), GENRES.index(genres[-1])
            if what == "mixed":
                wrong = counts[row, column] + counts[column, row]
                return proportion(wrong, counts[[row, column]].sum())
            return proportion(counts[row, column], counts[row].sum())
        if what in ("accuracy", "top2"):
            if artists := self.record.get("by_artist"):
                tracks, *hits = np.transpose(artists)
                return clusters.share_of(hits[what == "top2"], tracks)
            hits = counts.diagonal().sum(), self.record["top2_hits"]
            return proportion(hits[what == "top2"], counts.sum())
        if what == "saturated":
            is_known = "saturated" in self.record
            return proportion(self.record.get(what, 0), is_known * counts.sum())
        return self._at(*name.split("@"))

    def _at(self, curve: str, when: str) -> Estimate:
        """Return a curve's value at an epoch; test accuracies with their interval."""
        if when.endswith("%"):
            return bare(self.record.get("loss_at_percent", {}).get(when[:-1], np.nan))
        epoch = {"first": 1, "last": self.provenance["epochs"]}.get(when) or int(when)
        points = {point["epoch"]: point for point in self.record["curve"]}
        n = int(self.confusion.sum())
        if curve == "top2":
            hits = points.get(epoch, {}).get("top2_hits")
            return bare(np.nan) if hits is None else proportion(hits, n)
        value = points.get(epoch, {}).get(curve)
        if value is None or curve != "test_accuracy":
            return bare(np.nan if value is None else value)
        return proportion(round(value * n), n)

    # What only a run with a folder has.

    @cached_property
    def history(self) -> dict[str, list[float]]:
        """What ``training.loop`` returned: a value an epoch; none of an ensemble."""
        return self._read("history.json") if self._has("history.json") else {}

    @cached_property
    def predictions(self) -> dict[str, np.ndarray]:
        """Test tracks: ``index`` in the data, ``labels`` and ``logits`` (N, 10)."""
        return self._arrays("predictions.npz")

    @cached_property
    def confusions(self) -> dict[str, np.ndarray]:
        """Pictures by true genre (row) and answer after each epoch: (epochs, 10, 10).

        Of ``"train"``, as that epoch showed them, and ``"test"`` or ``"validation"``.
        """
        return self._arrays("confusions.npz")

    @cached_property
    def artists(self) -> np.ndarray:
        """The artist of each test track of GTZAN or the sample, (N,).

        Of other data, each track has one of its own.
        """
        from gtzan_lib.data import artists  # and pandas, as said in ``runs``

        index, data = self.predictions["index"], self.provenance["data"]
        if data == PUBLISHED:
            tracks = sorted(published_sums())
        elif data == SYNTHETIC:
            tracks = artists.sample_tracks()
        else:
            return index
        return artists.artists_of(np.array(tracks)[index], data)

    @cached_property
    def validation(self) -> dict[str, np.ndarray] | None:
        """The same of validation tracks; None where the split has none."""
        return self._arrays("validation.npz") if self._has("validation.npz") else None

    @cached_property
    def members(self) -> list[tuple["Run", float]]:
        """An ensemble's runs, each with its temperature; of another run, itself."""
        members = self.provenance.get("members", {})
        runs = [(Run(self.folder / name), t) for name, t in members.items()]
        return runs or [(self, 1)]

    def encode(self, pictures: np.ndarray) -> np.ndarray:
        """Return what the model takes of pictures, uint8 (N, 288, 432, 3): float32."""
        encoder = registry.ENCODERS[self.provenance["encoder"]].make()
        return encoder.encode(pictures, self.folder / ENCODER)

    def model(self):
        """Return the trained model, ready to predict on the CPU.

        ``DataError`` where only the small files of the run were saved.
        """
        from safetensors.torch import load_file

        from gtzan_lib.models import build

        if not self._has(WEIGHTS):
            raise DataError(f"{self.folder} has no weights: remove it and train again")
        shape = registry.ENCODERS[self.provenance["encoder"]].make().shape
        model = build.build(self.provenance["model"], shape, seed=0)
        model.load_state_dict(load_file(self.folder / WEIGHTS))
        return model.eval()

    def _has(self, name: str) -> bool:
        return (self.folder / name).is_file()

    def _arrays(self, name: str) -> dict[str, np.ndarray]:
        with np.load(self.folder / name) as arrays:
            return dict(arrays)

    def _read(self, name: str) -> dict:
        return json.loads((self.folder / name).read_text(encoding="utf-8"))


def record_of(run: Run) -> dict:
    """Return what ``results.json`` keeps of a run with a folder: counts, not shares.

    JSON values: ``run`` (its name), ``provenance``, ``seconds_an_epoch``, ``curve``
    (the values of ``CURVES`` at some epochs, the last one included; none of an
    ensemble), ``loss_at_percent`` (the loss when a training accuracy is first reached,
    in proportion between two epochs), ``saturated`` and ``top2_hits`` (how many test
    pictures are) and ``confusion`` (10 x 10 counts). Of GTZAN's splits by artist and
    folds, and the sample's, ``by_artist``, too: of each artist the number of tracks, of
    hits, and of hits among the first two.
    """
    logits, labels = run.predictions["logits"], run.predictions["labels"]
    last, history = run.provenance["epochs"], run.history
    kept = sorted({e for e in EPOCHS if e < last} | {last}) if history else []
    highest = special.softmax(logits.astype(float), axis=1).max(axis=1)
    top2, by_artist = metrics.top_k_hits(logits, labels, 2), {}
    has_artists = run.provenance["data"] in (PUBLISHED, SYNTHETIC)
    if has_artists and run.provenance["split"] in BY_ARTIST:
        hits, sizes = clusters.by_artist(logits.argmax(axis=1) == labels, run.artists)
        columns = sizes, hits, clusters.by_artist(top2, run.artists)[0]
        by_artist = {"by_artist": np.transpose(columns).astype(int).tolist()}
    return {
        "run": run.name,
        "provenance": run.provenance,
        "seconds_an_epoch": float(np.mean(history.get("seconds", [math.nan]))),
        "curve": [
            {"epoch": epoch}
            | _top2_after(run, epoch)
            | {name: history[name][epoch - 1] for name in CURVES if name in history}
            for epoch in kept
        ],
        "loss_at_percent": _loss_at_percent(history),
        "saturated": int(np.sum(highest >= 0.9995)),  # printed as 100.0 %
        "top2_hits": int(top2.sum()),
        "confusion": metrics.confusion_matrix(logits, labels).tolist(),
    } | by_artist


def _top2_after(run: Run, epoch: int) -> dict[str, int]:
    """Return ``top2_hits`` after an epoch whose logits are kept beside the run."""
    path = run.folder / f"test-{epoch}.npy"
    if epoch not in KEPT or not path.is_file():
        return {}
    hits = metrics.top_k_hits(np.load(path), run.predictions["labels"], 2)
    return {"top2_hits": int(hits.sum())}


def _loss_at_percent(history: dict[str, list[float]]) -> dict[str, float]:
    loss, right = (np.array(history.get(k, ())) for k in ("loss", "train_accuracy"))
    found = {}
    for percent in range(101 if len(right) else 0):
        i = int(np.argmax(right >= percent / 100))
        if i > 0:  # reached in this epoch, and in none before it
            both = slice(i - 1, i + 1)
            at = np.interp(percent / 100, right[both], loss[both])
            found[str(percent)] = float(at)
    return found
