"""Naming the genre of a track, of any length, with a trained network.

The network knows pictures of about 30 s. A longer track is cut into windows of 30 s,
whose probabilities are averaged; one below 20 s is repeated until it lasts 30 s. Used
by ``gtzan_lib.predict``, the command ``gtzan predict`` and the page. With the shipped
model nothing here imports torch, librosa or pandas, which takes seconds.
"""

import contextlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from scipy import special

from gtzan_lib import store
from gtzan_lib.app import words
from gtzan_lib.app.network import open_network
from gtzan_lib.app.shipped import ARTISTS, FOLDER, Neighbours
from gtzan_lib.data import audio
from gtzan_lib.data import pictures as spectrogram
from gtzan_lib.data.audio import SAMPLE_RATE
from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.gtzan import read_picture
from gtzan_lib.data.mel import N_FFT
from gtzan_lib.errors import DataError
from gtzan_lib.experiments.run import Run
from gtzan_lib.experiments.runs import open_run

WINDOW_SECONDS = 30
ONE_PICTURE = (20, 31)  # seconds that fill a picture; GTZAN's clips: 29.9 to 30.65
MAX_SECONDS = 30 * 60


@dataclass(frozen=True)
class Prediction:
    """What a network says of one track.

    ``windows`` are probabilities of the genres in each, whose rows sum to 1, and
    ``starts`` where each begins, in seconds; ``pictures`` are what the network saw
    before its codes were made, and ``embedding`` is the mean over windows of what its
    last layer was given. ``similar`` is of ``Neighbours.nearest``. ``facts``:
    ``seconds``, ``sample_rate`` (Hz), ``channels``, ``format`` and ``ends_early`` (see
    ``audio.Audio``); of a picture only the ``format``. ``worth`` is of ``words.worth``.
    """

    windows: np.ndarray  # float64 (n, 10)
    starts: np.ndarray  # float64 (n,)
    pictures: np.ndarray  # uint8 (n, 288, 432, 3)
    embedding: np.ndarray  # float32 (d,)
    similar: list[tuple[str, float]]
    facts: dict
    worth: str | None

    @property
    def probabilities(self) -> np.ndarray:
        """Mean over the windows: float64, shape (10,), summing to 1."""
        return self.windows.mean(axis=0)

    @property
    def percentages(self) -> dict[str, float]:
        """Probabilities by genre, in the order of ``GENRES``."""
        return dict(zip(GENRES, self.probabilities.tolist(), strict=True))

    @property
    def ranking(self) -> list[tuple[str, float]]:
        """Genres with their probabilities, the likeliest first."""
        p = self.probabilities
        return [(GENRES[i], float(p[i])) for i in np.argsort(-p, kind="stable")]

    @property
    def genre(self) -> str:
        """The likeliest genre, such as ``"rock"``."""
        return self.ranking[0][0]

    def in_words(self) -> str:
        """Return ``"probably rock (61 %)"`` or ``"not sure: reggae or country"``."""
        return words.answer(self.percentages)

    def as_json(self) -> dict:
        """Return JSON values: percentages, 0 to 1, of the track and of each window."""
        rows = [dict(zip(GENRES, row, strict=True)) for row in self.windows.tolist()]
        starts = self.starts.tolist()
        return {
            "answer": self.in_words(),
            "worth": self.worth,
            "warnings": words.warnings(self.facts),
            "facts": self.facts,
            "described": self.described(),
            "percentages": self.percentages,
            "top2": [genre for genre, _ in self.ranking[:2]],
            "windows": [
                {"start": start, "percentages": row}
                for start, row in zip(starts, rows, strict=True)
            ],
            "similar": [
                {"track": track, "genre": track.partition(".")[0], "similarity": cosine}
                | {"in_words": words.similar(cosine)}
                for track, cosine in self.similar
            ],
        }

    def described(self) -> str:
        """Return the facts, such as ``"3:42 min, MP3, 44,100 Hz, 2 channels"``."""
        if "seconds" not in self.facts:
            return f"a {self.facts['format']} picture"
        time, channels = clock(self.facts["seconds"]), self.facts["channels"]
        words = f"{time} min, {{format}}, {{sample_rate:,}} Hz, {{channels}} channel"
        return words.format(**self.facts) + "s" * (channels > 1)


def clock(seconds: float) -> str:
    """Return a time in seconds as minutes and seconds, such as ``"3:42"``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


class Classifier:
    """A trained network, loaded once, of a training run."""

    def __init__(self, run: Run):
        self.run = run
        self._members = [member for member, _ in run.members]
        self._network = open_network(run)
        self._neighbours = Neighbours(run)
        self.artists = store.read_json(run.folder / ARTISTS)

    def predict_file(self, path: str | Path) -> Prediction:
        """Name the genre of a PNG picture of GTZAN's kind or of an audio file.

        A ``DataError`` names the file if it is neither, is shorter than 0.1 s or longer
        than 30 minutes, or holds only silence.
        """
        path = Path(path)
        if _is_picture(path):
            ask, given = self._predict, (read_picture(path)[None], [0.0])
            facts = {"format": "PNG"}
        else:
            track = audio.read_audio(path, MAX_SECONDS)
            ask, given = self.predict_audio, (track.y,)
            names = ("seconds", "sample_rate", "channels", "format", "ends_early")
            facts = {name: getattr(track, name) for name in names}
        try:
            return ask(*given, facts)
        except DataError as error:
            raise DataError(f"{path}: {error}") from None

    def predict_audio(self, y: np.ndarray, facts: dict) -> Prediction:
        """Name the genre of mono audio at 22,050 Hz: float32, shape (samples,).

        ``DataError`` if it is too short or holds only silence.
        """
        windows, starts = windows_of(y)
        pictures = np.stack([spectrogram.render(window) for window in windows])
        return self._predict(pictures, starts, facts, windows)

    def _predict(self, pictures, starts, facts, windows=None) -> Prediction:
        codes = [_encode(member, pictures, windows) for member in self._members]
        logs, embeddings = self._network(codes)
        shares = special.softmax(logs.astype(np.float64), axis=-1)
        embedding = embeddings.mean(axis=0)
        similar = self._neighbours.nearest(embedding)
        worth = words.worth(self.artists, shares.mean(axis=0).max())
        track = shares, np.array(starts), pictures, embedding
        return Prediction(*track, similar, facts, worth)


@cache
def shipped_classifier() -> Classifier:
    """Return the model that comes with the project."""
    return Classifier(open_run(FOLDER))


def _is_picture(path: Path) -> bool:
    """Say whether a file is a PNG picture, by its content or its name."""
    if path.suffix.lower() == ".png" or not path.is_file():
        return path.suffix.lower() == ".png"
    with contextlib.suppress(OSError), path.open("rb") as file:
        return file.read(8) == b"\x89PNG\r\n\x1a\n"
    return False


def _encode(run: Run, pictures: np.ndarray, windows: list | None) -> np.ndarray:
    """Return what a run is given of pictures, or of the audio that they show."""
    if run.provenance["encoder"] != "features":
        return run.encode(pictures)
    if windows is None:
        raise DataError("this model hears audio and cannot be given a picture")
    from gtzan_lib.encoders import features

    found = np.stack([features.from_audio(window) for window in windows])
    return found[:, None].astype(np.float32)


def windows_of(y: np.ndarray) -> tuple[list[np.ndarray], list[float]]:
    """Cut mono audio at 22,050 Hz, float32 (samples,), into what a model is given.

    Returned are windows, float32 (samples,), and where each starts, in seconds. A track
    of up to 31 s has one, repeated to 30 s where it is shorter than 20 s. A longer one
    has windows of 30 s, evenly spaced from its beginning to its end; they leave out at
    most 1 s in all. ``DataError`` if the track holds only silence.

    Parts of 5 to 15 s of GTZAN's validation pictures (three-way splits of seeds 0 and
    1) were recognised more often when they were repeated than when they were stretched
    to fill the picture, longer parts as often; silence after them is far worse.
    """
    if len(y) and y.min() == y.max():
        raise DataError("The audio holds only silence, which has no genre.")
    seconds, length = len(y) / SAMPLE_RATE, WINDOW_SECONDS * SAMPLE_RATE
    if seconds > ONE_PICTURE[1]:
        n = int(np.ceil((seconds - 1) / WINDOW_SECONDS))
        starts = np.linspace(0, len(y) - length, n).astype(int)
        windows = [y[start : start + length] for start in starts]
        return windows, (starts / SAMPLE_RATE).tolist()
    if N_FFT <= len(y) < ONE_PICTURE[0] * SAMPLE_RATE:
        y = np.resize(y, length)  # which repeats it
    return [y], [0.0]
