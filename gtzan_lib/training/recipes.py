"""Recipes by name: how networks are trained.

Used by notebooks 03_train_cnn (parameter ``recipe``) and 06_beyond. To add one, write a
subclass of ``Recipe`` in a module of its own, and name it in ``RECIPES`` and the module
in ``parameters.RECIPES``.
"""

from gtzan_lib.training.augmentation import Augmented
from gtzan_lib.training.half import HalfDescent
from gtzan_lib.training.loop import Descent, Recipe

# The losses that the paper prints are what softmax applied twice gives: notebook
# 03_train_cnn says why. "corrected" applies it once.
RECIPES: dict[str, Recipe] = {
    "paper": Descent(double_softmax=True),
    "corrected": Descent(double_softmax=False),
    "corrected-bfloat16": HalfDescent(double_softmax=False),
    "augmented": Augmented(),
}
