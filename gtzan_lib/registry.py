"""Every model, recipe, encoder and split by name: the one list of each.

The notebooks' checks, the command line, the pipeline and the tables of report/HOWTO.md
come from it. Entries are plain text, so that reading the list imports nothing. To add
one, write its class in a module of its own and add a line here.
"""

import importlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

PICTURES, BANDS, VECTORS = "pictures", "bands", "vectors"


@dataclass(frozen=True)
class Entry:
    """What a name stands for: a module inside this package, and what to call there.

    ``kind`` is what a model can take, or the one thing that an encoder gives;
    ``recipes`` are those that can train a model.
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
        module = importlib.import_module(f"gtzan_lib.{self.module}")
        made = getattr(module, self.target.partition(":")[2])
        return made(*arguments, **self.options)


def _descent(about: str, **options) -> Entry:
    return Entry("training.recipe:Descent", about, options=options)


RECIPES = {
    "paper": _descent("the paper's, softmax applied twice", outputs="softmax"),
    "corrected": _descent("the same, softmax applied once"),
    "sigmoid": _descent("the same, a sigmoid before the softmax", outputs="sigmoid"),
    "smoothed": _descent("the same as corrected, labels smoothed", label_smoothing=0.1),
    "smoothed-more": _descent("the same, smoothed by 0.3", label_smoothing=0.3),
    "decayed": _descent("the same as corrected, weights decay", weight_decay=5e-4),
    "augmented": Entry(
        "training.recipe:Augmented", "AdamW on cropped, masked and mixed pictures"
    ),
    "closed-form": Entry("training.recipe:Recipe", "solved, without epochs"),
}

_SHOWN = (PICTURES, BANDS)
_BY_DESCENT = tuple(name for name, e in RECIPES.items() if e.target.endswith("Descent"))
_LENET = (_SHOWN, _BY_DESCENT)
_CONVNET = (_SHOWN, (*_BY_DESCENT, "augmented"))
_SVM = ((VECTORS,), ("closed-form",))
MODELS = {
    "lenet": Entry("models.lenet:LeNet", "the paper's network", *_LENET),
    "lenet-rescaled": Entry(
        "models.lenet:LeNetRescaled", "the same with inputs brought to -1..1", *_LENET
    ),
    "lenet-one-dense": Entry(
        "models.lenet:LeNetOneDense", "the same with one dense layer", *_LENET
    ),
    "lenet-tanh": Entry(
        "models.lenet:LeNetTanh", "the same with LeNet-5's tanh for ReLU", *_LENET
    ),
    "lenet-dropout": Entry(
        "models.lenet:LeNetDropout",
        "the same with dropout",
        *_LENET,
    ),
    "lenet-rotated": Entry(
        "models.lenet:LeNetRotated", "the same, outputs one genre on", *_LENET
    ),
    "cnn": Entry("models.convnet:ConvNet", "five convolutions", *_CONVNET),
    "crnn": Entry(
        "models.convnet:CRNN", "four convolutions, then a recurrent layer", *_CONVNET
    ),
    "svm": Entry("models.svm:SVM", "least-squares support vector machine", *_SVM),
}


def _learned(name: str, about: str) -> Entry:
    return Entry("encoders.learned:Learned", about, (PICTURES,), options={"name": name})


def _moved(genre: str, where: str) -> Entry:
    about = f"pooled, {genre} moved {where} the mean of all"
    options = {"genre": genre, "where": where}
    return Entry("encoders.moved:Moved", about, (PICTURES,), options=options)


ENCODERS = {
    "pool": Entry(
        "encoders.pooling:Pooling", "the paper's 4 x 4 average pooling", (PICTURES,)
    ),
    "patch": _learned("patch", "code of each patch, learned"),
    "factorised": _learned("factorised", "dense layers over rows and columns, learned"),
    "conv": _learned("conv", "convolutions, learned"),
    "full": Entry("encoders.pooling:Full", "pictures as they are", (PICTURES,)),
    "blues-away": _moved("blues", "away"),
    "classical-onto": _moved("classical", "onto"),
    "bands": Entry("encoders.bands:Bands", "the 128 mel bands", (BANDS,)),
    "texture": Entry(
        "encoders.texture:Texture", "statistics of the mel bands", (VECTORS,)
    ),
    "features": Entry(
        "encoders.features:Features", "57 audio features, a table", (VECTORS,)
    ),
}
CODES = ("pool", *(n for n, e in ENCODERS.items() if e.target.endswith(":Learned")))

_UNIQUE = ", without training pictures that are identical to a test picture"
SPLITS = {  # of module data.splits
    "random": "the paper's, four fifths train: seeds 0 to 4 are folds of a partition",
    "random-unique": f"the same{_UNIQUE}",
    "three-way": "of each genre three fifths train, one validates, one tests",
    "three-way-unique": f"the same{_UNIQUE}",
    "artist": "no artist in two parts (Kereliuk, Sturm and Larsen, 2015)",
    "artist-trainval": "the same with the validation tracks to train, too",
    "artist-folds": "its tracks in three folds without a common artist, by seed",
    "random-folds": "the same tracks and sizes, whatever the artist",
}


# Profiles, and the runs that a report by each is made of: see ``experiments.grid``.
GRID = tomllib.loads(
    Path(__file__).with_name("experiments").joinpath("grid.toml").read_text("utf-8")
)


def fits(model: str, encoder: str) -> bool:
    """Tell whether a model takes what an encoder gives."""
    return set(ENCODERS[encoder].kind) <= set(MODELS[model].kind)


def is_closed_form(model: str) -> bool:
    """Tell whether a model is solved in closed form, without recipe and epochs."""
    return MODELS[model].recipes == ("closed-form",)
