"""The log-mel spectrogram that the Kaggle edition of GTZAN drew its pictures of.

Paper, section 2.2. Used by ``pictures`` and, for the same windows, by the encoders.
"""

from functools import cache

import numpy as np

from gtzan_lib.data.audio import SAMPLE_RATE
from gtzan_lib.errors import DataError

N_FFT = 2048
HOP_LENGTH = 512
N_MELS = 128

_BLOCK = 128  # frames transformed at once, which fit the processor's cache


@cache
def _mel_filters():
    """Return librosa's mel filters as a sparse matrix: 98 % of the weights are 0."""
    from librosa.filters import mel
    from scipy.sparse import csr_array

    return csr_array(mel(sr=SAMPLE_RATE, n_fft=N_FFT, n_mels=N_MELS))


@cache
def _window():
    from scipy.signal import get_window

    return get_window("hann", N_FFT).astype(np.float32)


def log_mel(y: np.ndarray) -> np.ndarray:
    """Compute the log-mel spectrogram of the Kaggle edition (paper, section 2.2).

    It is librosa's ``melspectrogram`` with the defaults of 2020 (the audio is mirrored
    at both ends), and ``amplitude_to_db`` applied to that power as if it were an
    amplitude: the floor of 80 dB is 40 dB of power.

    Parameters
    ----------
    y : ndarray of float32, shape (samples,)
        Mono audio at 22,050 Hz, 2,048 samples or more; full scale is -1 to 1.

    Returns
    -------
    spectrogram : ndarray of float32, shape (128, 1 + samples // 512)
        In dB relative to the loudest cell, -80 to 0, lowest band first; 0 everywhere
        for silence.

    Raises
    ------
    DataError
        If ``y`` is not mono, is too short, or is not finite or absurdly loud.
    """
    import scipy.fft
    from librosa import amplitude_to_db

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
            spectrum = scipy.fft.rfft(frames[block] * _window())
            power = spectrum.real**2 + spectrum.imag**2
            mel_power[:, block] = _mel_filters() @ power.T
        spectrogram = amplitude_to_db(mel_power, ref=np.max)
    if not np.isfinite(spectrogram).all():
        raise DataError(
            "The audio holds samples that are not finite or far beyond full scale."
        )
    return spectrogram
