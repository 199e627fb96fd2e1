"""What decodes audio files: libsndfile, and for all else the program ffmpeg.

Each has the facts of a file and its samples in blocks; it is to be closed.
"""

import json
import math
import re
import subprocess
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

_NO_PROMISE = 2**31 - 2**16  # a size from here on says "unknown", as programs write it
_PAGE = 2**16  # bytes; a page of an Ogg file has fewer
_TAGS = 2**14  # bytes that an MP3 file may have behind its audio


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

    def close(self) -> None:
        """Close the file."""
        self._sound.close()
        self._file.close()

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield the samples: float32, shape (frames, channels)."""
        length = max(1, _BLOCK // self.channels)
        try:
            while len(block := self._sound.read(length, "float32", always_2d=True)):
                yield block
        except self._errors as error:
            raise DecodeError from error
        # Where an MP3 file does not say how long it is, libsndfile guesses, and stops.
        rest = self._path.stat().st_size - self._file.tell()
        if self.format == "MP3" and rest > _TAGS and not _says_its_length(self._path):
            raise DecodeError

    def promises_more(self, seconds: float) -> bool:
        """Say whether the file should have lasted longer than it did."""
        promised = self.seconds
        if sizes := re.search(r": (\d+) \(should be (\d+)\)", self._sound.extra_info):
            said, real = map(int, sizes.groups())
            promised *= said / max(1, real) if said < _NO_PROMISE else 1
        if self.format == "MP3" and not _says_its_length(self._path):
            return False
        if self.format == "OGG" and not _has_last_page(self._path):
            return True
        return _is_longer(promised, seconds)


def _is_longer(promised: float, seconds: float) -> bool:
    """Compare seconds; encoders add or leave out some at both ends."""
    return promised - seconds > max(0.25, 0.02 * seconds)


def _says_its_length(path: Path) -> bool:
    """Say whether an MP3 file has the header that holds the number of its frames."""
    with path.open("rb") as file:
        head = file.read(2**20)
    return b"Xing" in head or b"Info" in head


def _has_last_page(path: Path) -> bool:
    """Say whether the last page of an Ogg file is marked as such."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _PAGE))
        tail = file.read()
    flags = tail.rfind(b"OggS") + 5
    return len(tail) > flags > 4 and bool(tail[flags] & 4)


class Ffmpeg:
    """What the program ffmpeg decodes."""

    def __init__(self, path, max_seconds):
        # "file:" and a whole path: no name is taken for an option or an address.
        source = ["-i", f"file:{path.resolve()}"]
        probe = ["ffprobe", *_SAFELY, *source, "-select_streams", "a:0", "-of", "json"]
        probe += ["-show_entries", "stream=codec_name,sample_rate,channels,duration"]
        probe[-1] += ":format=duration,format_name"
        try:
            done = subprocess.run(
                probe, capture_output=True, timeout=_FFMPEG_SECONDS, check=True
            )
            facts = json.loads(done.stdout)
            stream = facts["streams"][0]
            self.sample_rate = int(stream["sample_rate"])
            self.channels = int(stream["channels"])
            self.format = stream["codec_name"].upper()
            container = facts["format"]
            self.seconds = float((container | stream).get("duration", 0))
            self._container = container["format_name"]
        except (subprocess.SubprocessError, LookupError, ValueError) as error:
            raise DecodeError from error
        if self.channels < 1:
            raise DecodeError
        command = ["ffmpeg", "-nostdin", *_SAFELY, *source, "-map", "0:a:0"]
        command += ["-ac", str(self.channels), "-ar", str(self.sample_rate)]
        if math.isfinite(max_seconds):
            command += ["-t", str(max_seconds + 1)]
        command += ["-f", "f32le", "-c:a", "pcm_f32le", "pipe:1"]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._timer = threading.Timer(_FFMPEG_SECONDS, self._process.kill)
        self._timer.start()

    def close(self) -> None:
        """Stop the program."""
        self._timer.cancel()
        self._process.kill()
        self._process.stdout.close()
        self._process.wait()

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield the samples: float32, shape (frames, channels)."""
        frame = 4 * self.channels
        length = max(1, _BLOCK // self.channels) * frame
        while content := self._process.stdout.read(length):
            whole = content[: len(content) // frame * frame]
            yield np.frombuffer(whole, "<f4").reshape(-1, self.channels)
        if self._process.wait() != 0:
            raise DecodeError

    def promises_more(self, seconds: float) -> bool:
        """Say whether the file should have lasted longer than it did."""
        is_guess = self._container in ("aac", "mp3")  # from the rate of the first part
        return not is_guess and _is_longer(self.seconds, seconds)
