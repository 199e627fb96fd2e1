"""A run as the tables of a record have it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from gtzan_lib.data.artists import artists_of
from gtzan_lib.data.genres import GENRES
from gtzan_lib.experiments import scores
from gtzan_lib.experiments.run import Measured

PARTS = ("test", "validation")
ANSWERED, RIGHT = ([f"{word}_{g}" for g in GENRES] for word in ("answered", "right"))
PAIRS = [f"{true}_as_{called}" for true in GENRES for called in GENRES]


@dataclass(frozen=True, eq=False)
class KeptRun(Measured):
    """A run as the tables have it.

    ``provenance`` is its row; ``tracks`` and ``shown`` are those of all answers, and
    the numbers of all pictures by genre.
    """

    provenance: dict
    epochs: pd.DataFrame | None
    answers: pd.DataFrame
    confusions: pd.DataFrame | None
    tracks: np.ndarray
    shown: np.ndarray

    @property
    def name(self) -> str:
        """The run's name."""
        return self.provenance["run"]

    @property
    def subsets(self) -> dict[str, int]:
        """Numbers of pictures by subset."""
        parts = {p: self.provenance.get(f"subsets.{p}") for p in ("train", *PARTS)}
        return {name: int(number) for name, number in parts.items() if number}

    @cached_property
    def history(self) -> dict[str, list[float]]:
        """See ``Measured``."""
        if self.epochs is None:
            return {}
        losses = ("loss", "validation_loss", "test_loss")
        known = self.epochs.filter(losses).dropna(axis=1)
        history = {name: known[name].tolist() for name in known}
        for part, pictures in self.subsets.items():
            right = self.epochs.get(f"{part}_right", pd.Series(dtype=float))
            if right.notna().any():
                history[f"{part}_accuracy"] = (right / pictures).tolist()
        return history

    @cached_property
    def top2_after(self) -> dict[int, int]:
        """See ``Measured``."""
        if self.epochs is None or "test_top2" not in self.epochs:
            return {}
        known = self.epochs.dropna(subset="test_top2").set_index("epoch")["test_top2"]
        return known.astype(int).to_dict()

    @cached_property
    def predictions(self) -> dict[str, np.ndarray]:
        """See ``Measured``; ``index`` is that in the sorted tracks of all answers."""
        return self._said("test")

    @cached_property
    def validation(self) -> dict[str, np.ndarray] | None:
        """See ``Measured``."""
        return self._said("validation") if "validation" in self.subsets else None

    @cached_property
    def artists(self) -> np.ndarray:
        """See ``Measured``."""
        index, data = self.predictions["index"], self.provenance["data"]
        if data not in scores.KNOWN:
            return index
        return artists_of(self.tracks[index], data)

    @cached_property
    def test_confusions(self) -> np.ndarray:
        """See ``Measured``."""
        return (
            self.confusions[PAIRS].to_numpy(int).reshape(-1, len(GENRES), len(GENRES))
        )

    @cached_property
    def counted(self) -> tuple[np.ndarray, ...]:
        """See ``Measured``."""
        shown = self.shown - self.confusion.sum(axis=1)
        answered, right = (
            self.epochs[names].to_numpy(int) for names in (ANSWERED, RIGHT)
        )
        return np.tile(shown, (len(answered), 1)), answered, right

    def _said(self, part: str) -> dict[str, np.ndarray]:
        rows = self.answers[self.answers["part"] == part]
        return {
            "index": np.searchsorted(self.tracks, rows["track"].to_numpy(str)),
            "labels": np.searchsorted(GENRES, rows["truth"].to_numpy(str)),
            "logits": rows[[*GENRES]].to_numpy(np.float32),
        }
