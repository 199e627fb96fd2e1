"""Audio files in, mono samples at one rate out, in bounded memory and time.

libsndfile decodes; where it cannot, to a file's end, the program ffmpeg does. Either
yields an ``Audio`` without samples, then those in blocks, float32, (frames, channels).
"""

import contextlib
import json
import math
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gtzan_lib.data.genres import SAMPLE_RATE
from gtzan_lib.errors import DataError

RATES = (1_000, 768_000)  # Hz, lowest and highest, that a file may say it has
MAX_VALUES = 192_000  # a second, as of stereo at 96 kHz, in a file of the longest time
_BLOCK = 1 << 19  # values decoded at once: 2 MiB

# ffmpeg may take one local file, in a container of this list: playlists, which name
# other files and addresses, are not in it.
_CONTAINERS = "aac,ac3,aiff,ape,asf,caf,flac,matroska,mov,mp3,mpegts,ogg,tta,wav,wv"
_SAFELY = ("-v", "error", "-protocol_whitelist", "file")
_SAFELY += ("-format_whitelist", _CONTAINERS)
_SECONDS = 60  # after which it is stopped
_QUIETLY = {"stderr": subprocess.DEVNULL, "timeout": _SECONDS}

_UNKNOWN = 2**31 - 2**16  # a size from here on says "unknown", as programs write it
_TAGS = 2**14  # bytes that a file may have behind its audio
_STREAMS = ("MP3", "OGG", "FLAC")  # of which one file may hold several, in a row


class DecodeError(Exception):
    """A decoder does not know the content, or finds it damaged."""


@dataclass
class Audio:
    """A decoded audio file.

    It ``is_damaged`` where a WAV, AIFF, AU or FLAC file is shorter than it says, or
    ffmpeg reports a fault; other files do not say how long they should be.
    """

    seconds: float
    sample_rate: int  # Hz, of the file, as are its channels and format
    channels: int
    format: str  # such as "MP3"
    is_damaged: bool = False
    y: np.ndarray | None = None  # mono: float32, (samples,), within -1 to 1, finite


def read_audio(
    path: str | Path, max_seconds: float = math.inf, rate: int = SAMPLE_RATE
) -> Audio:
    """Decode an audio file to mono at a ``rate`` in Hz, to its end.

    What libsndfile knows; M4A, AAC, several streams in a row and others where
    ``ffmpeg`` is installed. Its content, not its name, says what it is. ``DataError``
    if the file is missing, empty, not audio, cannot be decoded, plays longer than
    ``max_seconds``, or holds no samples or some that are not finite.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"There is no audio file {path}.")
    try:
        if path.stat().st_size == 0:
            raise _refusal(path, "is empty (0 bytes).")
        try:
            return _read(path, _soundfile, max_seconds, rate)
        except DecodeError as error:
            if not (shutil.which("ffmpeg") and shutil.which("ffprobe")):
                raise DataError(
                    f"The file {path} cannot be decoded to its end as WAV, FLAC, OGG, "
                    "MP3 or AU audio; others, such as M4A, MP3 that does not say how "
                    "long it is, and several streams in a row, need ffmpeg, which is "
                    "not installed."
                ) from error
        return _read(path, _ffmpeg, max_seconds, rate)
    except DecodeError as error:
        raise DataError(
            f"The file {path} cannot be decoded: it is damaged, or not audio."
        ) from error
    except OSError as error:
        raise _refusal(path, f"cannot be opened ({error.strerror}).") from error


def _refusal(path: Path, why: str) -> DataError:
    return DataError(f"The audio file {path} {why}")


def _read(path: Path, decoder: Callable, max_seconds: float, rate: int) -> Audio:
    import soxr

    with contextlib.closing(decoder(path, max_seconds)) as blocks:
        track, frames, parts = next(blocks), 0, []
        if not RATES[0] <= track.sample_rate <= RATES[1]:
            why = f"says that it has {track.sample_rate:,} samples a second; "
            raise _refusal(path, f"{why}{RATES[0]:,} to {RATES[1]:,} can be used.")
        _refuse_longer(path, track, max_seconds)
        resampler = soxr.ResampleStream(track.sample_rate, rate, 1, "float32")
        is_same, resample = track.sample_rate == rate, resampler.resample_chunk
        for block in blocks:
            frames += len(block)
            track.seconds = frames / track.sample_rate
            _refuse_longer(path, track, max_seconds)
            y = _mono(block)
            if not np.isfinite(y).all():
                raise _refusal(path, "holds samples that are not finite.")
            parts.append(y if is_same else resample(y))
        if frames == 0:
            raise _refusal(path, "holds no samples.")
        if not is_same:
            parts.append(resample(np.zeros(0, np.float32), last=True))
        track.y = np.concatenate(parts)
        return track


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


def _refuse_longer(path: Path, track: Audio, max_seconds: float) -> None:
    rate, channels = track.sample_rate, track.channels
    if track.seconds > max_seconds:
        limit = f"{max_seconds / 60:g} minutes, which is the limit"
        raise _refusal(path, f"is longer than {limit}: cut it first.")
    if track.seconds * rate * channels > max_seconds * MAX_VALUES:
        why = f"holds too much, {channels} channels of {rate:,} Hz: cut it, or make it "
        raise _refusal(path, why + "stereo of 48,000 Hz.")


def _soundfile(path: Path, max_seconds: float) -> Iterator[Audio | np.ndarray]:
    import soundfile

    try:
        with path.open("rb") as file, _silenced(), soundfile.SoundFile(file) as sound:
            said, frames = sound.frames % (2**63 - 1), 0  # which stands for unknown
            form = "MP3" if sound.subtype == "MPEG_LAYER_III" else sound.format
            rate, channels = sound.samplerate, sound.channels
            track = Audio(said / max(1, rate), rate, channels, form)
            yield track
            length = max(1, _BLOCK // channels)
            while len(block := sound.read(length, "float32", always_2d=True)):
                frames += len(block)
                yield block
            # libsndfile stops where the first stream ends, or where it guesses that.
            if form in _STREAMS and path.stat().st_size - file.tell() > _TAGS:
                raise DecodeError
            track.is_damaged = (form == "FLAC" and frames < said) or _is_cut(path)
    # A TypeError is what soundfile raises for a headerless file (".raw").
    except (soundfile.SoundFileError, TypeError) as error:
        raise DecodeError from error


@contextlib.contextmanager
def _silenced() -> Iterator[None]:
    """Discard what a C library writes to standard error."""
    try:
        kept = os.dup(2)
    except OSError:  # there is none
        yield
        return
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _is_cut(path: Path) -> bool:
    """Tell whether a WAV, AIFF or AU file is shorter than its first bytes say."""
    with path.open("rb") as file:
        head = file.read(12)
    orders = {b"RIFF": "little", b"FORM": "big"}
    if order := orders.get(head[:4]):
        said = int.from_bytes(head[4:8], order) + 8
    elif head[:4] == b".snd":
        said = sum(int.from_bytes(head[k : k + 4], "big") for k in (4, 8))
    else:
        return False
    return path.stat().st_size + 1 < said < _UNKNOWN  # a last odd byte may lack its pad


def _ffmpeg(path: Path, max_seconds: float) -> Iterator[Audio | np.ndarray]:
    # "file:" and a whole path: no name is taken for an option or an address.
    source = [*_SAFELY, "-i", f"file:{path.resolve()}"]
    asked = "stream=codec_name,sample_rate,channels,duration:format=duration"
    probe = ["ffprobe", *source, "-select_streams", "a:0", "-show_entries", asked]
    try:
        probe += ["-of", "json"]
        found = json.loads(subprocess.check_output(probe, **_QUIETLY))
        stream = found["format"] | found["streams"][0]
        rate, channels = int(stream["sample_rate"]), int(stream["channels"])
        form, seconds = stream["codec_name"].upper(), float(stream.get("duration", 0))
    except (subprocess.SubprocessError, LookupError, ValueError) as error:
        raise DecodeError from error
    if channels < 1:
        raise DecodeError
    track = Audio(seconds, rate, channels, form)
    yield track
    command = ["ffmpeg", "-nostdin", "-timelimit", str(_SECONDS), *source]
    command += ["-map", "0:a:0", "-ac", str(channels), "-ar", str(rate)]
    command += ["-af", "asetpts=N/SR/TB"]  # streams in a row begin anew: no fault
    if math.isfinite(max_seconds):
        command += ["-t", str(max_seconds + 1)]
    command += ["-f", "f32le", "-c:a", "pcm_f32le", "pipe:1"]
    length = max(1, _BLOCK // channels) * 4 * channels
    with (
        tempfile.TemporaryFile() as faults,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=faults) as process,
    ):
        try:
            while content := process.stdout.read(length):
                n = len(content) // (4 * channels) * channels
                yield np.frombuffer(content, "<f4", n).reshape(-1, channels)
            if process.wait() != 0:
                raise DecodeError
            track.is_damaged = faults.tell() > 0
        finally:
            process.kill()
