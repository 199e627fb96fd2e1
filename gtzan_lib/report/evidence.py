"""What claims are judged by."""

import re
from dataclasses import dataclass
from functools import cached_property

from gtzan_lib.experiments.run import Measured
from gtzan_lib.experiments.tables import Tables
from gtzan_lib.report import dead


@dataclass(frozen=True, eq=False)
class Evidence:
    """What claims are judged by: the tables, and the numbers that the paper prints."""

    tables: Tables
    paper: dict[str, dict[str, str]]

    @cached_property
    def runs(self) -> list[Measured]:
        """All runs of the tables."""
        return self.tables.measured

    @cached_property
    def dead(self) -> dict:
        """See ``dead.tables``."""
        return dead.tables(self.runs, self.pair)

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
