"""The mechanism behind the notebooks; start with ``data`` and ``experiments.runs``.

In Python, with the model that comes with the project:

>>> from gtzan_lib import predict
>>> song = predict("song.wav")
>>> print(song.genre, song.in_words(), sep="; ")
country; not sure: country or classical
"""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gtzan_lib.app.classifier import Prediction


def predict(path: str | PathLike[str]) -> Prediction:
    """Name the genre of a song by the model that comes with the project.

    ``path`` is an audio file of up to 30 minutes. The answer has a ``genre``, None
    where it sounds like none of the ten, ``percentages`` of all ten, 0 to 100, and
    ``in_words()``. ``DataError`` if the file cannot be used; the sentence says why.

    >>> song = predict("song.wav")
    >>> round(sum(song.percentages.values()), 3)
    100.0
    """
    from gtzan_lib.app.classifier import shipped_classifier

    return shipped_classifier().predict_file(path)
