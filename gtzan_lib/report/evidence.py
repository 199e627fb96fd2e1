"""What claims are judged by: a record's tables, and what the paper prints."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from gtzan_lib.evaluation.metrics import Estimate
from gtzan_lib.experiments.run import Run
from gtzan_lib.experiments.tables import Tables
from gtzan_lib.report import silent_genres


@dataclass(frozen=True, eq=False)
class Evidence:
    """What claims are judged by: the tables, and the numbers that the paper prints."""

    tables: Tables
    paper: dict[str, dict[str, str]]

    @property
    def runs(self) -> list[Run]:
        """All runs of the tables."""
        return self.tables.measured

    @cached_property
    def dead(self) -> dict:
        """See ``silent_genres.tables``."""
        return silent_genres.tables(self.runs, self.pair)

    @cached_property
    def mixtures(self) -> dict:
        """See ``mixtures.summary``."""
        from gtzan_lib.experiments import mixtures  # and torch, as naming songs has not

        return mixtures.summary(self.tables.mixtures, self.data["name"])

    @property
    def pair(self) -> tuple[float, float]:
        """The last training loss and accuracy that the paper prints."""
        printed = self.paper["3.3.2"]
        return number(printed["last_loss"]), number(printed["train_accuracy"])

    @property
    def data(self) -> dict:
        """The one row about the data."""
        return self.tables.data.iloc[0].to_dict()


def number(printed: str) -> float:
    """Return the number in what the paper prints, such as 0.01 of "below 0.01"."""
    return float(re.search(r"[\d.,]+", printed)[0].replace(",", ""))


class Found(NamedTuple):
    """An estimate, and what it rests on."""

    ours: Estimate
    source: list[str]  # the runs, or the notebook, that measured it
    seeds: int | None = None  # None: no seed has a part in it
    values: tuple[float, ...] = ()  # of each seed, where ``ours`` is their mean
    is_whole: bool = False  # seeds are folds that test every track, however few
