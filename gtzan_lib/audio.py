"""Audio files in, mono samples at one rate out.

Used by the predict command, before ``gtzan_lib.spectrogram.render``.
"""

from pathlib import Path

import numpy as np

from gtzan_lib.errors import DataError

SAMPLE_RATE = 22_050
"""Rate in Hz of every file in the Kaggle edition of GTZAN."""


def read_audio(path: str | Path) -> tuple[np.ndarray, int]:
    """Decode a WAV, FLAC, OGG, MP3 or AU file to mono.

    Used by the predict command and by the checks of the renderer against GTZAN.

    Parameters
    ----------
    path : str or pathlib.Path
        The audio file. Its content, not its name, says what format it is in.

    Returns
    -------
    y : np.ndarray [shape=(samples,), dtype=float32]
        Mean of the channels; full scale is -1 to 1 and every sample is finite.
    sample_rate : int
        The file's own rate, in Hz.

    Raises
    ------
    DataError
        If the file is missing, empty, not audio, cannot be decoded, or holds no
        samples or samples that are not finite.
    """
    import soundfile

    path = Path(path)
    if not path.is_file():
        raise DataError(f"There is no audio file {path}.")
    if path.stat().st_size == 0:
        raise DataError(f"The audio file {path} is empty (0 bytes).")
    try:
        with path.open("rb") as file:
            channels, sample_rate = soundfile.read(
                file, dtype="float32", always_2d=True
            )
    except OSError as error:
        raise DataError(
            f"The audio file {path} cannot be opened ({error.strerror})."
        ) from error
    # A TypeError is what soundfile raises for a headerless file (".raw").
    except (soundfile.SoundFileError, TypeError) as error:
        raise DataError(
            f"The file {path} cannot be decoded as WAV, FLAC, OGG, MP3 or AU audio."
        ) from error
    if len(channels) == 0:
        raise DataError(f"The audio file {path} holds no samples.")
    y = channels.mean(axis=1)
    if not np.isfinite(y).all():
        raise DataError(f"The audio file {path} holds samples that are not finite.")
    return y, sample_rate


def resample(y: np.ndarray, sample_rate: int) -> np.ndarray:
    """Resample mono audio to ``SAMPLE_RATE`` with soxr's high-quality setting.

    Used by the predict command; the files of GTZAN have that rate already.

    Parameters
    ----------
    y : np.ndarray [shape=(samples,), dtype=float32]
        Mono audio; full scale is -1 to 1.
    sample_rate : int
        Its rate, in Hz.

    Returns
    -------
    y : np.ndarray [shape=(samples * 22050 / sample_rate,), dtype=float32]
        The same audio at 22,050 Hz; the very same array if it had that rate.
    """
    if sample_rate == SAMPLE_RATE:
        return y
    import soxr

    return soxr.resample(y, sample_rate, SAMPLE_RATE, quality="HQ")
