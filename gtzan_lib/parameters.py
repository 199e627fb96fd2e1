"""The notebooks' parameters: their names, defaults, types and allowed values.

papermill only warns about a name that it does not know, and takes any type: every
notebook begins with ``check``, so that a typo costs seconds and not a run.
"""

import difflib
import os
import re
import reprlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from pathlib import Path

from gtzan_lib import registry
from gtzan_lib.errors import ParameterError

FACTS = ("recipe", "model", "encoder", "split", "seed", "epochs")  # that name a run
NOTEBOOKS = {  # the parameters of each
    "01_pack": ("data",),
    "02_pool_mse": ("data", "factor"),
    "03_train_cnn": ("data", *FACTS, "device"),
    "04_autoencoder": ("data", "model", "profile"),
    "05_results": ("data", "profile"),
    "06_beyond": ("data", "split", "profile"),
    "07_trust": ("data", "profile"),
}


def _parameter(default: object, words: str, is_good: Callable[[object], bool]):
    return field(default=default, metadata={"help": words, "is_good": is_good})


def _whole(default: int, low: int, high: int):
    words = f"a whole number from {low} to {high}"
    return _parameter(default, words, lambda n: type(n) is int and low <= n <= high)


def _choice(default: str, names: Iterable[str], path: str = ""):
    words = "one of: " + ", ".join(names) + f", or {path}" * bool(path)
    return _parameter(
        default, words, lambda value: value in [*names] or bool(path and _exists(value))
    )


def _exists(path: object) -> bool:
    if not isinstance(path, str) or path == "" or not path.isprintable():
        return False
    try:
        return Path(path).expanduser().exists()
    except (OSError, RuntimeError):  # too long, or of an unknown user
        return False


@dataclass(frozen=True)
class Parameters:
    """What a notebook, or one training run, is asked for; checked when it is made.

    ``ParameterError`` at the first bad value, or two that do not go together.
    """

    data: str = _choice(
        "sample", ("sample", "kaggle"), "an existing folder with your copy of GTZAN"
    )
    factor: int = _parameter(
        4,
        "a whole number that divides 288 and 432, such as 2, 4 or 8",
        lambda n: type(n) is int and n > 0 and 144 % n == 0,
    )
    recipe: str = _choice("paper", registry.RECIPES)
    model: str = _choice("lenet", registry.MODELS)
    encoder: str = _choice("pool", registry.ENCODERS)
    split: str = _choice("random", registry.SPLITS, "an existing CSV file")
    seed: int = _whole(0, 0, 2**31 - 1)
    epochs: int = _whole(100, 1, 100_000)
    profile: str = _choice("quick", registry.GRID["profiles"])
    device: str = _choice("auto", ("auto", "cpu", "cuda", "mps"))

    def __post_init__(self):
        for each in fields(self):
            value = getattr(self, each.name)
            if not each.metadata["is_good"](value):
                must, got = each.metadata["help"], reprlib.repr(value)
                raise ParameterError(f"{each.name} must be {must}; got {got}")
        model, entry = self.model, registry.MODELS[self.model]
        encoders = registry.ENCODERS.items()
        fitting = [name for name, of in encoders if set(of.kind) <= set(entry.kind)]
        taken = [("takes encoder", self.encoder, fitting)]
        if not registry.is_closed_form(model):
            taken.append(("is trained by recipe", self.recipe, entry.recipes))
        for words, given, good in taken:
            if given not in good:
                names = " or ".join(good)
                raise ParameterError(f"model {model} {words} {names}; got {given!r}")
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


def check(notebook: str, namespace: dict) -> Parameters:
    """Return the parameters of a notebook from its ``globals()``.

    ``ParameterError`` at a missing name, a wrong type, an impossible value, or a name
    that papermill was given and the notebook does not have. Of the sample it prints
    that it is no music, and where the notebook's outputs on GTZAN are.
    """
    # A user's matplotlibrc (text.usetex, missing fonts) must not change figures.
    os.environ["MATPLOTLIBRC"] = os.devnull
    if "GTZAN_RUNS" in os.environ and not os.access(Path.home(), os.W_OK):
        # Where numba, which librosa uses, keeps what it compiled.
        os.environ["NUMBA_CACHE_DIR"] = str(Path(os.environ["GTZAN_RUNS"], ".home"))
    names = NOTEBOOKS[notebook]
    takes = f"{notebook} takes {', '.join(names)}"
    cells = (c for c in namespace.get("In", ()) if c.startswith("# Parameters\n"))
    for name in (name for c in cells for name in re.findall(r"^(\w+) = ", c, re.M)):
        if name not in names and not name.startswith("PAPERMILL_"):  # --inject-paths
            close = difflib.get_close_matches(name, names, n=1)
            hint = f" (did you mean {close[0]}?)" if close else ""
            raise ParameterError(f"there is no parameter {name}{hint}: {takes}")
    if missing := [name for name in names if name not in namespace]:
        raise ParameterError(f"the parameter {missing[0]} is missing: {takes}")
    checked = Parameters(**{name: namespace[name] for name in names})
    if checked.data == "sample":
        page = f"{notebook}{'-*' * ('recipe' in names)}.html"  # a page a run
        print("The outputs are of a synthetic sample and say nothing about music.")
        print(f"The same notebook on GTZAN is report/pages/{page}")
    return checked
