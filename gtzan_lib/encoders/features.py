"""The 57 audio features of the Kaggle edition's table, read and computed.

Encoder ``features`` (see ``inputs``). The table ``features_30_sec.csv`` holds, of each
track, means and variances of librosa's features (defaults of 2020) and the tempo.
Used by notebooks 03_train_cnn and 06_beyond.
"""

import csv

import numpy as np

from gtzan_lib.data.audio import SAMPLE_RATE, read_audio
from gtzan_lib.data.gtzan import Dataset
from gtzan_lib.data.pictures import HOP_LENGTH, N_FFT
from gtzan_lib.errors import DataError

N_MFCC = 20
PAIRS = (
    "chroma_stft",
    "rms",
    "spectral_centroid",
    "spectral_bandwidth",
    "rolloff",
    "zero_crossing_rate",
    "harmony",
    "perceptr",
)
COLUMNS = (
    *(f"{name}_{what}" for name in PAIRS for what in ("mean", "var")),
    "tempo",
    *(f"mfcc{i}_{what}" for i in range(1, N_MFCC + 1) for what in ("mean", "var")),
)


def read_table(dataset: Dataset) -> np.ndarray:
    """Read the features of a data set's tracks from its ``features_30_sec.csv``.

    Returns
    -------
    ndarray of float64, shape (N, 57)
        In the order of ``dataset.tracks`` and ``COLUMNS``.

    Raises
    ------
    DataError
        If the table cannot be read, lacks a column or a track, repeats one, or holds
        something else than finite numbers.
    """
    path = dataset.features_path
    rows: dict[str, np.ndarray] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                track = row["filename"].removesuffix(".wav")
                if track in rows:
                    raise DataError(f"{path} has {track} twice")
                rows[track] = np.array([float(row[name]) for name in COLUMNS])
                if not np.isfinite(rows[track]).all():
                    raise DataError(f"{path} holds no finite number for {track}")
        return np.stack([rows[track] for track in dataset.tracks])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"the features {path} cannot be read: {error}") from error
    except KeyError as error:
        raise DataError(f"the features {path} lack {error}") from error
    except (TypeError, ValueError) as error:
        raise DataError(f"the features {path} are no numbers: {error}") from error


def from_audio(y: np.ndarray) -> np.ndarray:
    """Compute the features of mono audio as the Kaggle edition did.

    Parameters
    ----------
    y : np.ndarray [shape=(samples,), dtype=float32]
        Mono audio at 22,050 Hz, 2,048 samples or more.

    Returns
    -------
    ndarray of float64, shape (57,)
        In the order of ``COLUMNS``.
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
    return np.array(
        [statistic for x in pairs for statistic in (x.mean(), x.var())]
        + [float(np.ravel(tempo)[0])]
        + [statistic for x in mfcc for statistic in (x.mean(), x.var())]
    )


def of_track(dataset: Dataset, track: str) -> np.ndarray:
    """Compute the features of a track's WAV file: float64, shape (57,).

    Raises
    ------
    DataError
        If the audio cannot be read.
    """
    return from_audio(read_audio(dataset.audio_path(track)).y)
