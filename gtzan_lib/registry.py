"""Every model, recipe, encoder and split by name: the one list of each.

The notebooks' checks, the command line, the pipeline and the tables of report/HOWTO.md
come from it. Entries are plain text, so that reading the list imports nothing. To add
one, write its class in a module of its own and add a line here.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field

PICTURES, BANDS, VECTORS = "pictures", "bands", "vectors"


@dataclass(frozen=True)
class Entry:
    """What a name stands for.

    Attributes
    ----------
    target : str
        Module inside this package and what to take from it: ``"models.lenet:LeNet"``.
    help : str
        What it is, in a few words.
    kind : tuple of str
        Of a model: what it takes. Of an encoder: the one thing that it gives.
    recipes : tuple of str
        Of a model: those that can train it.
    options : dict
        What ``target`` is called with besides what every entry of its kind is.
    """

    target: str
    help: str
    kind: tuple[str, ...] = ()
    recipes: tuple[str, ...] = ()
    options: Mapping = field(default_factory=dict)

    @property
    def module(self) -> str:
        """The module's name inside this package, such as ``"models.lenet"``."""
        return self.target.partition(":")[0]

    def make(self, *arguments):
        """Import what the entry names and call it, with its options besides."""
        module, _, name = self.target.partition(":")
        made = getattr(importlib.import_module(f"gtzan_lib.{module}"), name)
        return made(*arguments, **self.options)


RECIPES = {
    "paper": Entry(
        "training.recipe:Descent",
        "the paper's, softmax applied twice",
        options={"double_softmax": True},
    ),
    "corrected": Entry("training.recipe:Descent", "the same, softmax applied once"),
    "corrected-bfloat16": Entry(
        "training.recipe:Descent",
        "the same with layers in bfloat16: sooner with AMX, far later without",
        options={"bfloat16": True},
    ),
    "augmented": Entry(
        "training.recipe:Augmented", "AdamW on cropped, masked and mixed pictures"
    ),
    "closed-form": Entry("training.recipe:Recipe", "solved, without epochs"),
}
_DESCENT = ("paper", "corrected", "corrected-bfloat16")
_NETWORK = {"kind": (PICTURES, BANDS), "recipes": _DESCENT}
_CONVNET = {"kind": (PICTURES, BANDS), "recipes": (*_DESCENT, "augmented")}

MODELS = {
    "lenet": Entry("models.lenet:LeNet", "the paper's network", **_NETWORK),
    "lenet-one-dense": Entry(
        "models.lenet:LeNetOneDense", "the same with one dense layer", **_NETWORK
    ),
    "lenet-tanh": Entry(
        "models.lenet:LeNetTanh", "the same with LeNet-5's tanh for ReLU", **_NETWORK
    ),
    "cnn": Entry("models.convnet:ConvNet", "five convolutions", **_CONVNET),
    "crnn": Entry(
        "models.convnet:CRNN", "four convolutions, then a recurrent layer", **_CONVNET
    ),
    "svm": Entry(
        "models.svm:SVM",
        "least-squares support vector machine",
        (VECTORS,),
        ("closed-form",),
    ),
}

_LEARNED = "encoders.learned:Learned"
ENCODERS = {
    "pool": Entry(
        "encoders.pooling:Pooling", "the paper's 4 x 4 average pooling", (PICTURES,)
    ),
    "patch": Entry(
        _LEARNED, "code of each patch, learned", (PICTURES,), options={"name": "patch"}
    ),
    "factorised": Entry(
        _LEARNED,
        "dense layers over rows and columns, learned",
        (PICTURES,),
        options={"name": "factorised"},
    ),
    "conv": Entry(
        _LEARNED, "convolutions, learned", (PICTURES,), options={"name": "conv"}
    ),
    "bands": Entry("encoders.bands:Bands", "the 128 mel bands", (BANDS,)),
    "texture": Entry(
        "encoders.texture:Texture", "statistics of the mel bands", (VECTORS,)
    ),
    "features": Entry(
        "encoders.features:Features", "57 audio features, a table", (VECTORS,)
    ),
}
CODES = tuple(name for name, entry in ENCODERS.items() if entry.kind == (PICTURES,))

_UNIQUE = ", without training pictures that are identical to a test picture"
SPLITS = {  # of module data.splits
    "random": "the paper's: four fifths train, by seed",
    "random-unique": f"the same{_UNIQUE}",
    "three-way": "of each genre three fifths train, one validates, one tests",
    "three-way-unique": f"the same{_UNIQUE}",
    "artist": "no artist in two parts (Kereliuk, Sturm and Larsen, 2015)",
    "artist-trainval": "the same with the validation tracks to train, too",
}


def trains(model: str, recipe: str) -> bool:
    """Tell whether a recipe can train a model."""
    return recipe in MODELS[model].recipes


def fits(model: str, encoder: str) -> bool:
    """Tell whether a model takes what an encoder gives."""
    return set(ENCODERS[encoder].kind) <= set(MODELS[model].kind)


def is_closed_form(model: str) -> bool:
    """Tell whether a model is solved in closed form, without recipe and epochs."""
    return MODELS[model].recipes == ("closed-form",)
