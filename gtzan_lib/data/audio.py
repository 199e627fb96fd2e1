"""Audio files in, mono samples at one rate out, in bounded memory and time."""

import math
import shutil
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gtzan_lib.data.decoders import DecodeError, Ffmpeg, Soundfile
from gtzan_lib.data.genres import SAMPLE_RATE
from gtzan_lib.errors import DataError

RATES = (1_000, 768_000)  # Hz, lowest and highest, that a file may say it has
MAX_VALUES = 192_000  # a second, as of stereo at 96 kHz, in a file of the longest time


@dataclass(frozen=True)
class Audio:
    """A decoded audio file.

    ``y`` is the mean of the channels: float32, (samples,), full scale -1 to 1, finite.
    The file's own are ``sample_rate``, in Hz, ``channels`` and ``format``, such as
    ``"MP3"``. It ``is_damaged`` where a WAV, AIFF, AU or FLAC file is shorter than it
    says, or ffmpeg reports a fault; other files do not say how long they should be.
    """

    y: np.ndarray
    seconds: float
    sample_rate: int
    channels: int
    format: str
    is_damaged: bool = False


def read_audio(
    path: str | Path, max_seconds: float = math.inf, rate: int = SAMPLE_RATE
) -> Audio:
    """Decode an audio file to mono at a ``rate`` in Hz, to its end.

    WAV, FLAC, OGG, MP3, AU and what else libsndfile knows; M4A, AAC, several streams in
    a row and others where the program ``ffmpeg`` is installed. Its content, not its
    name, says what it is. Where channels of opposite phase cancel each other, the
    louder one is taken.

    ``DataError`` if the file is missing, empty, not audio, cannot be decoded, plays
    longer than ``max_seconds``, or holds no samples or some that are not finite.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"There is no audio file {path}.")
    try:
        if path.stat().st_size == 0:
            raise DataError(f"The audio file {path} is empty (0 bytes).")
        try:
            return _read(path, Soundfile, max_seconds, rate)
        except DecodeError as error:
            if not (shutil.which("ffmpeg") and shutil.which("ffprobe")):
                raise DataError(
                    f"The file {path} cannot be decoded to its end as WAV, FLAC, OGG, "
                    "MP3 or AU audio; others, such as M4A, MP3 that does not say how "
                    "long it is, and several streams in a row, need ffmpeg, which is "
                    "not installed."
                ) from error
        return _read(path, Ffmpeg, max_seconds, rate)
    except DecodeError as error:
        raise DataError(
            f"The file {path} cannot be decoded: it is damaged, or not audio."
        ) from error
    except OSError as error:
        raise DataError(
            f"The audio file {path} cannot be opened ({error.strerror})."
        ) from error


def _read(path, decoder, max_seconds, rate):
    """Return the ``Audio`` of a file, decoded block by block."""
    import soxr

    with closing(decoder(path, max_seconds)) as source:
        if not RATES[0] <= source.sample_rate <= RATES[1]:
            raise DataError(
                f"The audio file {path} says that it has {source.sample_rate:,} "
                f"samples a second; {RATES[0]:,} to {RATES[1]:,} can be used."
            )
        same_rate = source.sample_rate == rate
        resampler = soxr.ResampleStream(source.sample_rate, rate, 1, "float32")
        frames, parts = 0, []
        _refuse_longer(path, source, source.seconds, max_seconds)
        for block in source.blocks():
            frames += len(block)
            _refuse_longer(path, source, frames / source.sample_rate, max_seconds)
            y = _mono(block)
            if not np.isfinite(y).all():
                raise DataError(
                    f"The audio file {path} holds samples that are not finite."
                )
            parts.append(y if same_rate else resampler.resample_chunk(y))
        if frames == 0:
            raise DataError(f"The audio file {path} holds no samples.")
        if not same_rate:
            end = np.zeros(0, np.float32)
            parts.append(resampler.resample_chunk(end, last=True))
        y, seconds = np.concatenate(parts), frames / source.sample_rate
        facts = source.sample_rate, source.channels, source.format
        return Audio(y, seconds, *facts, source.is_damaged)


def _mono(block: np.ndarray) -> np.ndarray:
    """Return the mean of channels, (frames, channels), or the loudest if it is quiet.

    The mean of n unrelated channels has the power of all of them by n squared.
    """
    y = block.mean(axis=1)
    if block.shape[1] == 1:
        return y
    powers = np.einsum("ij,ij->j", block, block)
    cancels = 5 * block.shape[1] ** 2 * y.dot(y) < powers.sum()
    return block[:, powers.argmax()] if cancels else y


def _refuse_longer(path, source, seconds, max_seconds):
    """Refuse what plays longer than a limit, or takes as long to decode."""
    if seconds > max_seconds:
        raise DataError(
            f"The audio file {path} is longer than {max_seconds / 60:g} minutes, which "
            "is the limit: cut it first."
        )
    if seconds * source.sample_rate * source.channels > max_seconds * MAX_VALUES:
        raise DataError(
            f"The audio file {path} holds too much, {source.channels} channels of "
            f"{source.sample_rate:,} Hz: cut it, or make it stereo of 48,000 Hz."
        )
