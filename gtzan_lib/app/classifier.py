"""Naming the genre of a track, of any length, with the network of the project.

The network is one ONNX file, from samples to genres, which ``convert_musicnn`` makes;
``ship`` fits its last layer. A track is cut into windows of 30 s, whose probabilities
are averaged; one that is all but silent has no vote. Nothing here imports torch,
librosa or pandas, which takes seconds.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from gtzan_lib import store
from gtzan_lib.app import words
from gtzan_lib.data import audio
from gtzan_lib.data.genres import GENRES
from gtzan_lib.errors import DataError

# onnxruntime, left to itself, tells its makers of the models that it opens.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when it is imported
FOLDER = Path(__file__).with_name("model")
MODEL, TRACKS, FACTS = "model.onnx", "tracks.npz", "facts.json"  # in a model's folder
HEAD = "head.weights", "head.bias"
RATE = 16_000  # Hz of the samples that the network is given
SECONDS = 3  # the least that it can be given
WINDOW_SECONDS = 30
ONE_WINDOW = 31  # seconds up to which a track is one; GTZAN's clips: 29.9 to 30.65
LEAST_SECONDS, MAX_SECONDS = 0.1, 30 * 60
# Root mean square, of full scale and of the loudest window: what is below is silence.
SILENCE, QUIET = 1e-4, 1e-3
SILENT = "The audio holds only silence, which has no genre."
WHITE = 3.5  # of the spectrogram's log10(1 + 10,000 power), in its picture


@dataclass(frozen=True, repr=False)
class Prediction:
    """What the network says of one track."""

    windows: np.ndarray  # float64 (n, 10): probabilities in each, NaN where silent
    starts: np.ndarray  # float64 (n,): of windows, seconds
    mel: np.ndarray  # float32 (frames, 96): what it saw of the surest window
    embedding: np.ndarray  # float32 (200,): mean of its last hidden layer
    similar: list[tuple[str, float]]  # tracks that it learned, nearest first: cosines
    learned: str | None  # one that it learned, if the two sound the same
    is_familiar: bool  # not far from everything learned
    facts: dict  # the fields of ``audio.Audio``, but for the samples
    worth: str | None  # see ``words.worth``

    def __repr__(self) -> str:
        return f"<Prediction: {self.in_words()}; {self.described()}>"

    @property
    def probabilities(self) -> np.ndarray:
        """Mean over the windows that are heard: float64, shape (10,), summing to 1."""
        return np.nanmean(self.windows, axis=0)

    @property
    def percentages(self) -> dict[str, float]:
        """Percentages by genre, 0 to 100, in the order of ``GENRES``."""
        return _percentages(self.probabilities)

    @property
    def ranking(self) -> list[str]:
        """Genres, the likeliest first; none where it sounds like none."""
        shares = self.percentages
        return sorted(shares, key=shares.get, reverse=True) if self.is_familiar else []

    @property
    def genre(self) -> str | None:
        """The likeliest genre, such as ``"rock"``; None where it sounds like none."""
        return next(iter(self.ranking), None)

    def in_words(self) -> str:
        """Return ``"probably rock (61 %)"`` or ``"not sure: reggae or country"``."""
        return words.answer(self.percentages) if self.is_familiar else words.UNFAMILIAR

    def as_json(self) -> dict:
        """Return JSON values: percentages, 0 to 100, of the track and of each window.

        ``genre`` is null where the track sounds like none of the ten, and so are the
        ``percentages`` of a silent window.
        """
        rows = [None if np.isnan(p[0]) else _percentages(p) for p in self.windows]
        silent = sum(row is None for row in rows)
        return {
            "genre": self.genre,
            "answer": self.in_words(),
            "worth": self.worth,
            "warnings": words.warnings(self.facts, self.learned, silent, len(rows)),
            "facts": self.facts,
            "described": self.described(),
            "percentages": self.percentages,
            "top2": self.ranking[:2],
            "windows": [
                {"start": start, "percentages": row}
                for start, row in zip(self.starts.tolist(), rows, strict=True)
            ],
            "learned": self.learned,
            "similar": [
                {"track": track, "genre": track.partition(".")[0], "similarity": cosine}
                | {"in_words": words.similar(cosine)}
                for track, cosine in self.similar
            ],
        }

    def described(self) -> str:
        """Return the facts, such as ``"3:42 min, MP3, 44,100 Hz, 2 channels"``."""
        time, channels = clock(self.facts["seconds"]), self.facts["channels"]
        words = f"{time} min, {{format}}, {{sample_rate:,}} Hz, {{channels}} channel"
        return words.format(**self.facts) + "s" * (channels > 1)


def _percentages(p: np.ndarray) -> dict[str, float]:
    return dict(zip(GENRES, (100 * p).tolist(), strict=True))


def clock(seconds: float) -> str:
    """Return a time in seconds as minutes and seconds, such as ``"3:42"``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


class Classifier:
    """A network in a folder that ``ship`` made, loaded once.

    ``DataError`` if a file of the folder is missing or damaged.
    """

    def __init__(self, folder: Path = FOLDER):
        self.facts = store.read_json(folder / FACTS) or {}
        for name in (MODEL, TRACKS):
            path, known = folder / name, self.facts.get("sha256", {}).get(name)
            if not path.is_file() or store.sha256(path) != known:
                raise DataError(f"{path} is missing or damaged: get the project anew")
        self.network = open_network(folder / MODEL)
        with np.load(folder / TRACKS) as arrays:
            self._tracks = arrays["tracks"].tolist()
            embeddings = arrays["embeddings"].astype(np.float32)
            self._mean, self._axes = arrays["mean"], arrays["axes"]
        self._directions = unit(embeddings)
        self._learned = (embeddings - self._mean) @ self._axes

    def predict_file(self, path: str | Path) -> Prediction:
        """Name the genre of an audio file.

        A ``DataError`` names the file if it is not audio, is shorter than 0.1 s or
        longer than 30 minutes, or holds only silence.
        """
        facts = vars(audio.read_audio(path, MAX_SECONDS, RATE)).copy()
        y = facts.pop("y")
        try:
            return self.predict_audio(y, facts)
        except DataError as error:
            raise DataError(f"{path}: {error}") from None

    def predict_audio(self, y: np.ndarray, facts: dict) -> Prediction:
        """Name the genre of mono audio at 16 kHz: float32, shape (samples,).

        ``DataError`` if it is too short or holds only silence.
        """
        windows, starts = windows_of(y)
        embeddings, best = [], (-1.0, None)
        shares = np.full((len(windows), len(GENRES)), np.nan)
        loudness = [float(np.sqrt(np.mean(np.square(w)))) for w in windows]
        for k, window in enumerate(windows):
            if loudness[k] < max(SILENCE, QUIET * max(loudness)):
                continue
            shares[k], embedding, mel = self.network(window)
            if np.isnan(embedding).any():  # all sound is where it does not listen
                shares[k], embedding, _ = self.network(loudest(window))
                if np.isnan(embedding).any():
                    continue
            embeddings.append(embedding)
            best = max(best, (shares[k].max(), mel), key=lambda pair: pair[0])
        if not embeddings:
            raise DataError(SILENT)
        shares /= shares.sum(axis=1, keepdims=True)
        embedding = np.mean(embeddings, axis=0)
        cosines = self._directions @ unit(embedding)
        nearest = [int(i) for i in np.argsort(-cosines)[:6]]
        similar = [(self._tracks[i], float(cosines[i])) for i in nearest]
        learned = similar[0][0] if similar[0][1] >= self.facts["same"] else None
        place = (embedding - self._mean) @ self._axes
        is_familiar = distance(place, self._learned) <= self.facts["farthest"]
        worth = words.worth(self.facts, np.nanmean(shares, axis=0).max(), facts)
        return Prediction(
            windows=shares,
            starts=np.array(starts),
            mel=best[1],
            embedding=embedding,
            similar=[pair for pair in similar if pair[1] < self.facts["same"]][:5],
            learned=learned,
            is_familiar=is_familiar,
            facts=facts,
            worth=worth if is_familiar else None,
        )


def open_network(path: Path) -> Callable[[np.ndarray], list[np.ndarray]]:
    """Return the network as a function, which threads may share.

    Of mono audio at 16 kHz, float32, (samples,), 3 s or more, it makes float32
    ``probabilities`` (10,), ``embedding`` (200,) and the log-mel spectrogram, ``mel``
    (frames, 96), lowest band first, of ten frames in 0.16 s.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    threads = os.environ.get("OMP_NUM_THREADS") or min(4, os.cpu_count() or 1)
    options.intra_op_num_threads = int(threads)
    session = onnxruntime.InferenceSession(path, options)
    return lambda samples: session.run(None, {"samples": samples})


@cache
def shipped_classifier() -> Classifier:
    """Return the model that comes with the project."""
    return Classifier()


def windows_of(y: np.ndarray) -> tuple[list[np.ndarray], list[float]]:
    """Cut mono audio at 16 kHz, float32 (samples,), into what the network is given.

    Returned are windows and where each starts, in seconds. A track of up to 31 s has
    one, repeated to 3 s; a longer one has windows of 30 s, evenly spaced, which leave
    out at most 1 s in all. ``DataError`` if the track is shorter than 0.1 s.
    """
    seconds, length = len(y) / RATE, WINDOW_SECONDS * RATE
    if seconds < LEAST_SECONDS:
        raise DataError(f"The audio is too short: it lasts {seconds:.3f} s, under 0.1.")
    if seconds > ONE_WINDOW:
        n = int(np.ceil((seconds - 1) / WINDOW_SECONDS))
        starts = np.linspace(0, len(y) - length, n).astype(int)
        windows = [y[start : start + length] for start in starts]
        return windows, (starts / RATE).tolist()
    return [y if seconds >= SECONDS else np.resize(y, SECONDS * RATE)], [0.0]


def loudest(window: np.ndarray) -> np.ndarray:
    """Return the 3 s of a window, float32 (samples,), about its highest sample.

    The network hears every second patch of 3 s; where these are silent beside the rest,
    it has no answer.
    """
    length = SECONDS * RATE
    start = int(np.abs(window).argmax()) - length // 2
    start = min(max(start, 0), len(window) - length)
    return window[start : start + length]


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return vectors scaled to length 1; zero vectors stay zero."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(lengths, np.finfo(np.float32).tiny)


def distance(vector: np.ndarray, others: np.ndarray) -> float:
    """Return how far a vector (d,) is from the nearest of others (N, d)."""
    return float(np.linalg.norm(others - vector, axis=1).min())
