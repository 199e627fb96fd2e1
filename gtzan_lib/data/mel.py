"""The log-mel spectrogram that the Kaggle edition of GTZAN drew its pictures of.

Paper, section 2.2. Used by ``pictures`` and, for the same windows, by the encoders.

``tables.npz`` holds what librosa, SciPy and matplotlib would compute anew each time:
``mel_filters``, librosa's, float32 (128, 1025); ``hann_window``, SciPy's, float32
(2048,); and ``magma``, matplotlib's colours as ``pictures`` has them, uint8 (256, 3).
Importing them takes five times as long as naming a song. This is the one place where
tables of ours replace libraries at run time; a test compares each with its library, and
the decibels with librosa's.
"""

from functools import cache
from pathlib import Path

import numpy as np

from gtzan_lib.data.genres import SAMPLE_RATE
from gtzan_lib.errors import DataError

N_FFT = 2048
HOP_LENGTH = 512
N_MELS = 128

_LEAST, _RANGE = 1e-10, 80  # power and dB below which nothing is told apart
_BLOCK = 128  # frames transformed at once, which fit the processor's cache


@cache
def tables() -> dict[str, np.ndarray]:
    """Return the arrays of ``tables.npz`` by name."""
    with np.load(Path(__file__).with_name("tables.npz")) as arrays:
        return dict(arrays)


@cache
def _mel_filters():
    """Return the mel filters as a sparse matrix: 98 % of the weights are 0."""
    from scipy.sparse import csr_array

    return csr_array(tables()["mel_filters"])


def _decibels(amplitude: np.ndarray) -> np.ndarray:
    """Return what librosa's ``amplitude_to_db(amplitude, ref=np.max)`` does."""
    power = np.square(amplitude)
    decibels = 10 * np.log10(np.maximum(_LEAST, power))
    decibels -= 10 * np.log10(np.maximum(_LEAST, amplitude.max() ** 2))
    return np.maximum(decibels, decibels.max() - _RANGE)


def log_mel(y: np.ndarray) -> np.ndarray:
    """Compute the log-mel spectrogram of the Kaggle edition (paper, section 2.2).

    Of ``y``, mono audio at 22,050 Hz: float32, (samples,), 2,048 or more, full scale -1
    to 1. It is librosa's ``melspectrogram`` with the defaults of 2020 (the audio is
    mirrored at both ends), and ``amplitude_to_db`` applied to that power as if it were
    an amplitude: the floor of 80 dB is 40 dB of power.

    Returned is float32, (128, 1 + samples // 512): dB relative to the loudest cell, -80
    to 0, lowest band first; 0 everywhere for silence. ``DataError`` if ``y`` is not
    mono, is too short, or is not finite or absurdly loud.
    """
    import scipy.fft

    if y.ndim != 1:
        raise DataError(f"The audio must be mono, but has the shape {y.shape}.")
    if len(y) < N_FFT:
        raise DataError(
            f"The audio is too short for a spectrogram: it has {len(y)} samples at "
            f"{SAMPLE_RATE} Hz and needs {N_FFT} or more ({N_FFT / SAMPLE_RATE:.2f} s)."
        )
    padded = np.pad(y.astype(np.float32, copy=False), N_FFT // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP_LENGTH]
    mel_power = np.empty((N_MELS, len(frames)), np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(frames), _BLOCK):
            block = np.s_[start : start + _BLOCK]
            spectrum = scipy.fft.rfft(frames[block] * tables()["hann_window"])
            power = spectrum.real**2 + spectrum.imag**2
            mel_power[:, block] = _mel_filters() @ power.T
        spectrogram = _decibels(mel_power)
    if not np.isfinite(spectrogram).all():
        raise DataError(
            "The audio holds samples that are not finite or far beyond full scale."
        )
    return spectrogram
