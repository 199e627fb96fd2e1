"""Encoder ``features``: the 57 audio features of the Kaggle edition's table.

The table ``features_30_sec.csv`` holds, of each track, means and variances of librosa's
features (defaults of 2020) and the tempo; here they are read, and computed from audio.
"""

import numpy as np
import pandas as pd

from gtzan_lib.data import tables
from gtzan_lib.data.audio import SAMPLE_RATE, read_audio
from gtzan_lib.data.gtzan import FEATURES, Dataset
from gtzan_lib.data.mel import HOP_LENGTH, N_FFT
from gtzan_lib.encoders.encoder import Encoder
from gtzan_lib.errors import DataError

N_MFCC = 20
PAIRS = (
    *("chroma_stft", "rms", "spectral_centroid", "spectral_bandwidth", "rolloff"),
    *("zero_crossing_rate", "harmony", "perceptr"),
)
COLUMNS = (
    *(f"{name}_{what}" for name in PAIRS for what in ("mean", "var")),
    "tempo",
    *(f"mfcc{i}_{what}" for i in range(1, N_MFCC + 1) for what in ("mean", "var")),
)


class Features(Encoder):
    """The features of a track, as the table has them."""

    shape = (1, len(COLUMNS))
    files = (FEATURES,)

    def codes(self, dataset, train_index=None, seed=0, progress=True):
        """Return the features of all tracks: (N, 1, 57)."""
        return read_table(dataset)[:, None].astype(np.float32), None


def read_table(dataset: Dataset) -> np.ndarray:
    """Read the features, float64 (N, 57), of a data set's tracks from its table.

    ``DataError`` if it lacks a column, a track or a finite number, or repeats a track.
    """
    path = dataset.features_path
    table = tables.read_table(path, ("filename", *COLUMNS)).set_index("filename")
    table.index = table.index.str.removesuffix(".wav")
    values = table.apply(pd.to_numeric, errors="coerce")  # digits as in English alone
    faults = {
        "has twice": table.index[table.index.duplicated()],
        "lacks": [track for track in dataset.tracks if track not in table.index],
        "has no finite number for": table.index[~np.isfinite(values).all(axis=1)],
    }
    for fault, tracks in faults.items():
        if len(tracks):
            raise DataError(f"the table {path} {fault} {tracks[0]}")
    return values.loc[list(dataset.tracks)].to_numpy()


def from_audio(y: np.ndarray) -> np.ndarray:
    """Compute the features, float64, (57,), as ``COLUMNS``, as the Kaggle edition did.

    Of ``y``, mono audio at 22,050 Hz: float32, 2,048 samples or more.
    """
    import librosa
    from librosa import feature

    # librosa mirrored the audio at both ends then; it pads with zeros today.
    spectrum = librosa.stft(y, n_fft=N_FFT, hop_length=HOP_LENGTH, pad_mode="reflect")
    magnitude = np.abs(spectrum)
    harmonic, percussive = (
        librosa.istft(part, hop_length=HOP_LENGTH, length=len(y))
        for part in librosa.decompose.hpss(spectrum)
    )
    power = {"S": magnitude**2, "sr": SAMPLE_RATE}
    mel = librosa.power_to_db(feature.melspectrogram(**power))
    pairs = [
        feature.chroma_stft(**power),
        feature.rms(y=y, pad_mode="reflect"),
        feature.spectral_centroid(S=magnitude, sr=SAMPLE_RATE),
        feature.spectral_bandwidth(S=magnitude, sr=SAMPLE_RATE),
        feature.spectral_rolloff(S=magnitude, sr=SAMPLE_RATE),
        feature.zero_crossing_rate(y),
        harmonic,
        percussive,
    ]
    tempo, _ = librosa.beat.beat_track(y=y, sr=SAMPLE_RATE)
    mfcc = feature.mfcc(S=mel, n_mfcc=N_MFCC)
    first, last = (
        [f(x) for x in xs for f in (np.mean, np.var)] for xs in (pairs, mfcc)
    )
    return np.array([*first, float(np.ravel(tempo)[0]), *last])


def of_track(dataset: Dataset, track: str) -> np.ndarray:
    """Compute the features of a track's WAV file (see ``audio.read_audio``)."""
    return from_audio(read_audio(dataset.audio_path(track)).y)
