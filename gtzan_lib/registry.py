"""Every model, recipe, encoder and split by name, as ``registry.toml`` lists them.

Reading the list imports nothing.
"""

import importlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

PACKAGE = Path(__file__).parent


@dataclass(frozen=True)
class Entry:
    """What a name stands for; the fields are explained in ``registry.toml``."""

    target: str
    help: str
    kind: tuple[str, ...] = ()
    recipes: tuple[str, ...] = ()  # names of those that can train a model
    asks: str = ""
    options: Mapping = field(default_factory=dict)

    @property
    def module(self) -> str:
        """The module's name inside this package, such as ``"models.lenet"``."""
        return self.target.partition(":")[0]

    def make(self, *arguments):
        """Import what the entry names and call it, with its options besides."""
        module = importlib.import_module(f"gtzan_lib.{self.module}")
        made = getattr(module, self.target.partition(":")[2])
        return made(*arguments, **self.options)


def _read(path: str) -> dict:
    return tomllib.loads((PACKAGE / path).read_text("utf-8"))


def _recipes(kinds: list[str]) -> tuple[str, ...]:
    return tuple(n for n, e in RECIPES.items() if e.target.partition(":")[2] in kinds)


_LISTS = _read("registry.toml")
RECIPES = {name: Entry(**of) for name, of in _LISTS["recipes"].items()}
MODELS = {
    name: Entry(**of | {"recipes": _recipes(of["recipes"])})
    for name, of in _LISTS["models"].items()
}
ENCODERS = {name: Entry(**of) for name, of in _LISTS["encoders"].items()}
CODES = ("pool", *(n for n, e in ENCODERS.items() if e.target.endswith(":Learned")))
SPLITS = _LISTS["splits"]
# Profiles, and the runs that a report by each is made of: see ``experiments.grid``.
GRID = _read("experiments/grid.toml")


def is_closed_form(model: str) -> bool:
    """Tell whether a model is solved in closed form, without recipe and epochs."""
    return MODELS[model].recipes == ("closed-form",)
