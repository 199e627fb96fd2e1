"""Audio files in, mono samples at one rate out, in bounded memory and time.

Used by ``gtzan_lib.prediction``, before ``gtzan_lib.spectrogram.render``.
"""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gtzan_lib.errors import DataError

SAMPLE_RATE = 22_050
"""Rate in Hz of every file in the Kaggle edition of GTZAN."""

RATES = (1_000, 768_000)
"""Lowest and highest rate in Hz that a file may say it has."""

_BLOCK = 1 << 19  # values decoded at once: 2 MiB

# ffmpeg may take one local file, in a container of this list: playlists, which name
# other files and addresses, are not in it.
_CONTAINERS = "aac,ac3,aiff,ape,asf,caf,flac,matroska,mov,mp3,mpegts,ogg,tta,wav,wv"
_SAFELY = ("-v", "error", "-protocol_whitelist", "file", "-format_whitelist")
_FFMPEG_SECONDS = 60  # after which it is stopped


@dataclass(frozen=True)
class Audio:
    """A decoded audio file.

    Attributes
    ----------
    y : np.ndarray [shape=(samples,), dtype=float32]
        Mean of the channels at 22,050 Hz; full scale is -1 to 1, every sample finite.
    seconds : float
        How long the file plays.
    sample_rate : int
        The file's own rate, in Hz.
    channels : int
        The file's own channels.
    format : str
        What its content is, such as ``"WAV"`` or ``"MP3"``.
    """

    y: np.ndarray
    seconds: float
    sample_rate: int
    channels: int
    format: str


def read_audio(path: str | Path, max_seconds: float | None = None) -> Audio:
    """Decode an audio file to mono at 22,050 Hz.

    WAV, FLAC, OGG, MP3, AU and what else libsndfile knows; M4A, AAC and others where
    the program ``ffmpeg`` is installed. Used by ``gtzan_lib.prediction`` and by the
    checks of the renderer against GTZAN.

    Parameters
    ----------
    path : str or pathlib.Path
        The audio file. Its content, not its name, says what format it is in.
    max_seconds : float or None
        Refuse a longer file, without decoding more of it than that.

    Raises
    ------
    DataError
        If the file is missing, empty, not audio, cannot be decoded, is too long, or
        holds no samples or samples that are not finite.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"There is no audio file {path}.")
    try:
        if path.stat().st_size == 0:
            raise DataError(f"The audio file {path} is empty (0 bytes).")
        return _read_with_either(path, max_seconds)
    except OSError as error:
        raise DataError(
            f"The audio file {path} cannot be opened ({error.strerror})."
        ) from error


def _read_with_either(path, max_seconds):
    """Return the ``Audio`` of a file by libsndfile, or else by ffmpeg."""
    try:
        return _read(path, _Soundfile, max_seconds)
    except _DecodeError as error:
        if not (shutil.which("ffmpeg") and shutil.which("ffprobe")):
            raise DataError(
                f"The file {path} cannot be decoded as WAV, FLAC, OGG, MP3 or AU "
                "audio; others, such as M4A, need ffmpeg, which is not installed."
            ) from error
    try:
        return _read(path, _Ffmpeg, max_seconds)
    except _DecodeError as error:
        raise DataError(
            f"The file {path} cannot be decoded: it is damaged, or not audio."
        ) from error


class _DecodeError(Exception):
    """A decoder does not know the content, or finds it damaged."""


def _read(path, decoder, max_seconds):
    """Return the ``Audio`` of a file, decoded block by block."""
    import soxr

    with decoder(path, max_seconds) as source:
        if not RATES[0] <= source.sample_rate <= RATES[1]:
            raise DataError(
                f"The audio file {path} says that it has {source.sample_rate:,} "
                f"samples a second; {RATES[0]:,} to {RATES[1]:,} can be used."
            )
        same_rate = source.sample_rate == SAMPLE_RATE
        resampler = soxr.ResampleStream(source.sample_rate, SAMPLE_RATE, 1, "float32")
        frames, parts = 0, []
        _refuse_longer(path, source.seconds, max_seconds)
        for block in source.blocks():
            frames += len(block)
            _refuse_longer(path, frames / source.sample_rate, max_seconds)
            y = block.mean(axis=1)
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
        return Audio(
            np.concatenate(parts),
            frames / source.sample_rate,
            source.sample_rate,
            source.channels,
            source.format,
        )


def _refuse_longer(path, seconds, max_seconds):
    if max_seconds is not None and seconds > max_seconds:
        raise DataError(
            f"The audio file {path} is longer than {max_seconds / 60:g} minutes, which "
            "is the limit: cut it first."
        )


class _Soundfile:
    """What libsndfile decodes, as blocks of float32 (frames, channels)."""

    def __init__(self, path, max_seconds):
        import soundfile

        self._file = path.open("rb")
        # A TypeError is what soundfile raises for a headerless file (".raw").
        self._errors = (soundfile.SoundFileError, TypeError)
        try:
            self._sound = soundfile.SoundFile(self._file)
        except self._errors as error:
            self._file.close()
            raise _DecodeError from error
        self.sample_rate = self._sound.samplerate
        self.channels = self._sound.channels
        self.seconds = self._sound.frames / max(1, self.sample_rate)
        subtype = self._sound.subtype
        self.format = "MP3" if subtype == "MPEG_LAYER_III" else self._sound.format

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._sound.close()
        self._file.close()

    def blocks(self) -> Iterator[np.ndarray]:
        length = max(1, _BLOCK // self.channels)
        try:
            while len(block := self._sound.read(length, "float32", always_2d=True)):
                yield block
        except self._errors as error:
            raise _DecodeError from error


class _Ffmpeg:
    """What the ffmpeg program decodes, as blocks of float32 (frames, channels)."""

    def __init__(self, path, max_seconds):
        # "file:" and a whole path: no name is taken for an option or an address.
        source = ["-i", f"file:{path.resolve()}"]
        facts = self._probe(source)
        try:
            stream = facts["streams"][0]
            self.sample_rate = int(stream["sample_rate"])
            self.channels = int(stream["channels"])
            self.format = stream["codec_name"].upper()
            self.seconds = float(facts["format"].get("duration", 0))
        except (KeyError, IndexError, ValueError) as error:
            raise _DecodeError from error
        if self.channels < 1:
            raise _DecodeError
        command = [
            "ffmpeg",
            "-nostdin",
            *_SAFELY,
            _CONTAINERS,
            *source,
            "-map",
            "0:a:0",
        ]
        command += ["-ac", str(self.channels), "-ar", str(self.sample_rate)]
        if max_seconds is not None:
            command += ["-t", str(max_seconds + 1)]
        command += ["-f", "f32le", "-c:a", "pcm_f32le", "pipe:1"]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._timer = threading.Timer(_FFMPEG_SECONDS, self._process.kill)
        self._timer.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._timer.cancel()
        self._process.kill()
        self._process.stdout.close()
        self._process.wait()

    def blocks(self) -> Iterator[np.ndarray]:
        frame = 4 * self.channels
        length = max(1, _BLOCK // self.channels) * frame
        while content := self._process.stdout.read(length):
            whole = content[: len(content) // frame * frame]
            yield np.frombuffer(whole, "<f4").reshape(-1, self.channels)
        if self._process.wait() != 0:
            raise _DecodeError

    @staticmethod
    def _probe(source) -> dict:
        """Return what ffprobe says of the first audio stream, as JSON values."""
        command = ["ffprobe", *_SAFELY, _CONTAINERS, *source, "-select_streams", "a:0"]
        command += ["-of", "json", "-show_entries"]
        command += ["stream=codec_name,sample_rate,channels:format=duration"]
        try:
            done = subprocess.run(
                command, capture_output=True, timeout=_FFMPEG_SECONDS, check=True
            )
            return json.loads(done.stdout)
        except (subprocess.SubprocessError, ValueError) as error:
            raise _DecodeError from error
