"""The log-mel spectrogram that the Kaggle edition of GTZAN drew (paper, section 2.2).

``tables.npz`` holds what takes long to import: librosa's ``mel_filters``, float32
(128, 1025); SciPy's ``hann_window``, float32 (2048,); matplotlib's ``magma``, uint8
(256, 3). A test compares each with its library, and the decibels with librosa's.
"""

from functools import cache
from pathlib import Path

import numpy as np

from gtzan_lib.data.genres import SAMPLE_RATE
from gtzan_lib.errors import DataError

N_FFT, HOP_LENGTH, N_MELS = 2048, 512, 128
_LEAST, _RANGE = 1e-10, 80  # power and dB below which nothing is told apart
_BLOCK = 128  # frames transformed at once, which fit the processor's cache


@cache
def tables() -> dict[str, np.ndarray]:
    """Return the arrays of ``tables.npz`` by name."""
    with np.load(Path(__file__).with_name("tables.npz")) as arrays:
        return dict(arrays)


@cache
def _mel_filters():
    from scipy.sparse import csr_array  # 98 % of the weights are 0

    return csr_array(tables()["mel_filters"])


def _decibels(amplitude: np.ndarray) -> np.ndarray:
    """Return what librosa's ``amplitude_to_db(amplitude, ref=np.max)`` does."""
    power = np.square(amplitude)
    decibels = 10 * np.log10(np.maximum(_LEAST, power))
    decibels -= 10 * np.log10(np.maximum(_LEAST, amplitude.max() ** 2))
    return np.maximum(decibels, decibels.max() - _RANGE)


def log_mel(y: np.ndarray) -> np.ndarray:
    """Compute librosa's ``melspectrogram`` as of 2020 (mirrored at the ends), in dB.

    Of ``y``, mono audio at 22,050 Hz: float32, (samples,), 2,048 or more, full scale -1
    to 1. As in the Kaggle edition, ``amplitude_to_db`` is applied to power as if it
    were an amplitude: the floor of 80 dB is 40 dB of power. Returned is float32, (128,
    1 + samples // 512): dB relative to the loudest cell, -80 to 0, lowest band first.
    ``DataError`` if ``y`` is not mono, is too short, not finite or absurdly loud.
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
