"""The notebooks' parameters: their names, types and allowed values.

papermill only warns about a name that it does not know, and takes any type; ``check``
is the first thing every notebook does, so that a typo costs seconds and not a run.
"""

import ast
import difflib
import reprlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gtzan_lib.errors import ParameterError

ENCODERS = ("pool", "patch", "factorised", "conv")  # to pictures of 72 x 108 pixels
BANDS, VECTORS = "bands", ("texture", "features")  # to mel bands, and to vectors
SPLITS = (
    "random",
    "random-unique",
    "three-way",
    "three-way-unique",
    "artist",
    "artist-trainval",
)
# By name, the module that each is written in: a change there makes its runs outdated.
MODELS = {
    "lenet": "lenet",
    "lenet-one-dense": "lenet",
    "lenet-tanh": "lenet",
    "cnn": "convnet",
    "crnn": "convnet",
    "svm": "svm",
}
RECIPES = {
    "paper": "training",
    "corrected": "training",
    "corrected-bfloat16": "half",
    "augmented": "augmentation",
}
CLOSED_FORM = ("svm",)  # models that are not trained by a recipe over epochs


@dataclass(frozen=True)
class Parameter:
    """One parameter: a test for good values, and the words that describe them."""

    allowed: str
    is_good: Callable[[object], bool]


def whole(low: int, high: int) -> Parameter:
    """Return a parameter that takes whole numbers from ``low`` to ``high``."""
    return Parameter(
        f"a whole number from {low} to {high}",
        lambda value: type(value) is int and low <= value <= high,
    )


def choice(*names: str) -> Parameter:
    """Return a parameter that takes one of some words."""
    return Parameter("one of: " + ", ".join(names), lambda value: value in names)


def choice_or_path(*names: str) -> Parameter:
    """Return a parameter that takes one of some words or the path of what exists."""
    return Parameter(
        "one of: " + ", ".join(names) + ", or a path that exists",
        lambda value: isinstance(value, str) and (value in names or _exists(value)),
    )


def _exists(path: str) -> bool:
    try:
        return path != "" and Path(path).expanduser().exists()
    except (OSError, RuntimeError):  # too long a name, or a user who is not known
        return False


PARAMETERS = {
    "data": choice_or_path("sample", "kaggle"),
    "factor": Parameter(
        "a whole number that divides 288 and 432, such as 2, 4 or 8",
        lambda value: type(value) is int and value > 0 and 144 % value == 0,
    ),
    "recipe": choice(*RECIPES),
    "model": choice(*MODELS),
    "encoder": choice(*ENCODERS, BANDS, *VECTORS),
    "split": choice_or_path(*SPLITS),
    "seed": whole(0, 2**31 - 1),
    "seeds": whole(1, 100),
    "epochs": whole(1, 100_000),
    "paper_epochs": whole(1, 100_000),
    "augmented_epochs": whole(1, 100_000),
    "device": choice("auto", "cpu", "cuda", "mps"),
}
TRAINING = ("data", "recipe", "model", "encoder", "split", "seed", "epochs", "device")
NOTEBOOKS = {
    "01_pack": ("data",),
    "02_pool_mse": ("data", "factor"),
    "03_train_cnn": TRAINING,
    "04_autoencoder": ("data", "model", "seeds", "epochs", "paper_epochs"),
    "05_results": ("data",),
    "06_beyond": (
        "data",
        "split",
        "seeds",
        "epochs",
        "augmented_epochs",
        "paper_epochs",
    ),
}


def check(notebook: str, namespace: dict) -> dict:
    """Return a notebook's parameters once every name, type and value is good.

    Parameters
    ----------
    notebook : str
        A key of ``NOTEBOOKS``, such as ``"03_train_cnn"``.
    namespace : dict
        The notebook's ``globals()``.

    Raises
    ------
    ParameterError
        At the first name that papermill was given and the notebook does not have,
        missing name, wrong type or impossible value.
    """
    names = NOTEBOOKS[notebook]
    takes = f"{notebook} takes {', '.join(names)}"
    for name in _injected_names(namespace.get("In", [])):
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1)
            hint = f" (did you mean {close[0]}?)" if close else ""
            raise ParameterError(f"there is no parameter {name}{hint}: {takes}")
    for name in names:
        if name not in namespace:
            raise ParameterError(f"the parameter {name} is missing: {takes}")
    return check_values({name: namespace[name] for name in names})


def check_values(values: dict) -> dict:
    """Return ``values``, a dict of parameters by name, once each of them is good.

    Raises
    ------
    ParameterError
        At the first value that its parameter does not take.
    """
    for name, value in values.items():
        if not PARAMETERS[name].is_good(value):
            raise ParameterError(
                f"{name} must be {PARAMETERS[name].allowed}; got {reprlib.repr(value)}"
            )
    return values


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
