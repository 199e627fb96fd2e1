"""What decodes audio files: libsndfile, and for all else the program ffmpeg.

Each has the facts of a file and its samples in blocks, after which it knows whether the
file ``is_damaged``; it is to be closed.
"""

import contextlib
import json
import math
import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np

_BLOCK = 1 << 19  # values decoded at once: 2 MiB

# ffmpeg may take one local file, in a container of this list: playlists, which name
# other files and addresses, are not in it.
_CONTAINERS = "aac,ac3,aiff,ape,asf,caf,flac,matroska,mov,mp3,mpegts,ogg,tta,wav,wv"
_SAFELY = ("-v", "error", "-protocol_whitelist", "file")
_SAFELY += ("-format_whitelist", _CONTAINERS)
_FFMPEG_SECONDS = 60  # after which it is stopped

_UNKNOWN = 2**31 - 2**16  # a size from here on says "unknown", as programs write it
_TAGS = 2**14  # bytes that a file may have behind its audio
_STREAMS = ("MP3", "OGG", "FLAC")  # of which one file may hold several, in a row


class DecodeError(Exception):
    """A decoder does not know the content, or finds it damaged."""


class Soundfile:
    """What libsndfile decodes."""

    def __init__(self, path, max_seconds):
        import soundfile

        self._path, self._file = path, path.open("rb")
        # A TypeError is what soundfile raises for a headerless file (".raw").
        self._errors = (soundfile.SoundFileError, TypeError)
        try:
            with _silenced():
                self._sound = soundfile.SoundFile(self._file)
        except self._errors as error:
            self._file.close()
            raise DecodeError from error
        self.sample_rate = self._sound.samplerate
        self.channels = self._sound.channels
        frames = self._sound.frames % (2**63 - 1)  # which stands for unknown
        self.seconds = frames / max(1, self.sample_rate)
        subtype = self._sound.subtype
        self.format = "MP3" if subtype == "MPEG_LAYER_III" else self._sound.format
        self.is_damaged = False  # known once all blocks are read

    def close(self) -> None:
        """Close the file."""
        self._sound.close()
        self._file.close()

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield the samples: float32, shape (frames, channels)."""
        length, frames = max(1, _BLOCK // self.channels), 0
        try:
            while True:
                with _silenced():
                    block = self._sound.read(length, "float32", always_2d=True)
                if not len(block):
                    break
                frames += len(block)
                yield block
        except self._errors as error:
            raise DecodeError from error
        # libsndfile stops where the first stream ends, or where it guesses that.
        rest = self._path.stat().st_size - self._file.tell()
        if self.format in _STREAMS and rest > _TAGS:
            raise DecodeError
        is_short = self.format == "FLAC" and frames < self.seconds * self.sample_rate
        self.is_damaged = is_short or _is_cut(self._path)


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
    """Say whether a WAV, AIFF or AU file is shorter than its first bytes say."""
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


class Ffmpeg:
    """What the program ffmpeg decodes."""

    def __init__(self, path, max_seconds):
        # "file:" and a whole path: no name is taken for an option or an address.
        source = ["-i", f"file:{path.resolve()}"]
        probe = ["ffprobe", *_SAFELY, *source, "-select_streams", "a:0", "-of", "json"]
        probe += ["-show_entries", "stream=codec_name,sample_rate,channels,duration"]
        probe[-1] += ":format=duration"
        try:
            done = subprocess.run(
                probe, capture_output=True, timeout=_FFMPEG_SECONDS, check=True
            )
            facts = json.loads(done.stdout)
            stream = facts["streams"][0]
            self.sample_rate = int(stream["sample_rate"])
            self.channels = int(stream["channels"])
            self.format = stream["codec_name"].upper()
            self.seconds = float((facts["format"] | stream).get("duration", 0))
        except (subprocess.SubprocessError, LookupError, ValueError) as error:
            raise DecodeError from error
        if self.channels < 1:
            raise DecodeError
        command = ["ffmpeg", "-nostdin", *_SAFELY, *source, "-map", "0:a:0"]
        command += ["-ac", str(self.channels), "-ar", str(self.sample_rate)]
        if math.isfinite(max_seconds):
            command += ["-t", str(max_seconds + 1)]
        command += ["-f", "f32le", "-c:a", "pcm_f32le", "pipe:1"]
        self._faults = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self._faults
        )
        self.is_damaged = False  # known once all blocks are read
        self._timer = threading.Timer(_FFMPEG_SECONDS, self._process.kill)
        self._timer.start()

    def close(self) -> None:
        """Stop the program."""
        self._timer.cancel()
        self._process.kill()
        self._process.stdout.close()
        self._process.wait()
        self._faults.close()

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield the samples: float32, shape (frames, channels)."""
        frame = 4 * self.channels
        length = max(1, _BLOCK // self.channels) * frame
        while content := self._process.stdout.read(length):
            whole = content[: len(content) // frame * frame]
            yield np.frombuffer(whole, "<f4").reshape(-1, self.channels)
        if self._process.wait() != 0:
            raise DecodeError
        self.is_damaged = self._faults.tell() > 0
