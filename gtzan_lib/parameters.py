"""The notebooks' parameters: their names, defaults, types and allowed values.

papermill only warns about a name that it does not know, and takes any type; ``check``
is the first thing every notebook does, so that a typo costs seconds and not a run.
"""

import ast
import difflib
import reprlib
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path

from gtzan_lib import registry
from gtzan_lib.errors import ParameterError

FACTS = ("recipe", "model", "encoder", "split", "seed", "epochs")  # that name a run


@dataclass(frozen=True)
class Rule:
    """Which values are good: a test, and the words for it."""

    allowed: str
    is_good: Callable[[object], bool]


def whole(low: int, high: int) -> Rule:
    """Return a rule that takes whole numbers from ``low`` to ``high``."""
    return Rule(
        f"a whole number from {low} to {high}",
        lambda value: type(value) is int and low <= value <= high,
    )


def choice(*names: str) -> Rule:
    """Return a rule that takes one of some words."""
    return Rule("one of: " + ", ".join(names), lambda value: value in names)


def choice_or_path(*names: str) -> Rule:
    """Return a rule that takes one of some words or the path of what exists."""
    return Rule(
        "one of: " + ", ".join(names) + ", or a path that exists",
        lambda value: isinstance(value, str) and (value in names or _exists(value)),
    )


def _exists(path: str) -> bool:
    try:
        return path.isprintable() and path != "" and Path(path).expanduser().exists()
    except (OSError, RuntimeError, ValueError):  # too long, or of an unknown user
        return False


def _parameter(default, notebooks: str, rule: Rule, help: str):
    about = {"notebooks": notebooks.split(), "rule": rule, "help": help}
    return field(default=default, metadata=about)


_EPOCHS = whole(1, 100_000)
_RECIPES = [name for name in registry.RECIPES if name != "closed-form"]


@dataclass(frozen=True)
class Parameters:
    """What a notebook, or one training run, is asked for; checked when it is made.

    Raises
    ------
    ParameterError
        At the first value that its parameter does not take, or two that do not go
        together.
    """

    data: str = _parameter(
        "sample",
        "01 02 03 04 05 06",
        choice_or_path("sample", "kaggle"),
        "sample, kaggle, or the folder of your own copy of GTZAN",
    )
    factor: int = _parameter(
        4,
        "02",
        Rule(
            "a whole number that divides 288 and 432, such as 2, 4 or 8",
            lambda value: type(value) is int and value > 0 and 144 % value == 0,
        ),
        "side of the pooling window in pixels; the paper's is 4",
    )
    recipe: str = _parameter(
        "paper",
        "03",
        choice(*_RECIPES),
        "paper (softmax twice), corrected (once), or another (README)",
    )
    model: str = _parameter(
        "lenet", "03 04", choice(*registry.MODELS), ", ".join(registry.MODELS)
    )
    encoder: str = _parameter(
        "pool",
        "03",
        choice(*registry.ENCODERS),
        "pool (the paper's), or another (see README)",
    )
    split: str = _parameter(
        "random",
        "03 06",
        choice_or_path(*registry.SPLITS),
        "random, three-way, artist (see README), or a CSV file",
    )
    seed: int = _parameter(
        0,
        "03",
        whole(0, 2**31 - 1),
        "draws the split, the first weights and the order of pictures",
    )
    seeds: int = _parameter(
        1, "04 06", whole(1, 100), "runs of each model on each split"
    )
    epochs: int = _parameter(
        60, "03 04 06", _EPOCHS, "the paper: 1800 in its text, 30 in its abstract"
    )
    augmented_epochs: int = _parameter(
        20, "06", _EPOCHS, "of recipe augmented, for the convolutional networks"
    )
    paper_epochs: int = _parameter(60, "04 06", _EPOCHS, "of recipe paper")
    device: str = _parameter(
        "auto", "03", choice("auto", "cpu", "cuda", "mps"), "auto, cpu, cuda or mps"
    )

    def __post_init__(self):
        for each in fields(self):
            value, rule = getattr(self, each.name), each.metadata["rule"]
            if not rule.is_good(value):
                raise ParameterError(
                    f"{each.name} must be {rule.allowed}; got {reprlib.repr(value)}"
                )
        self._check_together()

    def _check_together(self) -> None:
        model = registry.MODELS[self.model]
        if not registry.fits(self.model, self.encoder):
            good = [
                name for name in registry.ENCODERS if registry.fits(self.model, name)
            ]
            raise ParameterError(
                f"model {self.model} takes encoder {' or '.join(good)}; "
                f"got {self.encoder!r}"
            )
        is_trained = not registry.is_closed_form(self.model)
        if is_trained and not registry.trains(self.model, self.recipe):
            raise ParameterError(
                f"model {self.model} is trained by recipe "
                f"{' or '.join(model.recipes)}; got {self.recipe!r}"
            )
        if self.device in ("cuda", "mps"):
            import torch

            if not getattr(torch, self.device).is_available():
                raise ParameterError(
                    f"there is no device {self.device} here: choose auto or cpu"
                )

    @property
    def facts(self) -> dict:
        """What names the training run: the values of ``FACTS``.

        A model that is solved in closed form has no recipe and no epochs.
        """
        facts = {name: getattr(self, name) for name in FACTS}
        if registry.is_closed_form(self.model):
            facts |= {"recipe": "closed-form", "epochs": 1}
        return facts


def names_of(notebook: str) -> tuple[str, ...]:
    """Return the parameters of a notebook, such as ``"03_train_cnn"``."""
    number = notebook.partition("_")[0]
    return tuple(
        each.name for each in fields(Parameters) if number in each.metadata["notebooks"]
    )


def check(notebook: str, namespace: dict) -> Parameters:
    """Return a notebook's parameters once every name, type and value is good.

    Parameters
    ----------
    notebook : str
        The notebook's name, such as ``"03_train_cnn"``.
    namespace : dict
        The notebook's ``globals()``.

    Raises
    ------
    ParameterError
        At the first name that papermill was given and the notebook does not have,
        missing name, wrong type or impossible value.
    """
    names = names_of(notebook)
    takes = f"{notebook} takes {', '.join(names)}"
    for name in _injected_names(namespace.get("In", [])):
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1)
            hint = f" (did you mean {close[0]}?)" if close else ""
            raise ParameterError(f"there is no parameter {name}{hint}: {takes}")
    for name in names:
        if name not in namespace:
            raise ParameterError(f"the parameter {name} is missing: {takes}")
    return Parameters(**{name: namespace[name] for name in names})


def _injected_names(cells: list[str]) -> list[str]:
    """Return the names that papermill's own cell assigns; ``cells`` have run."""
    return [
        target.id
        for cell in cells
        if cell.startswith("# Parameters\n")
        for node in ast.parse(cell).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    ]
