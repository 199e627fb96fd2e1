"""Data sets in the layout of GTZAN's Kaggle edition, and reading their pictures."""

import csv
import hashlib
import re
import struct
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from gtzan_lib import store
from gtzan_lib.data.genres import GENRES
from gtzan_lib.errors import DataError
from gtzan_lib.fingerprint import fingerprint

HEIGHT, WIDTH = 288, 432
_DAMAGE = OSError, SyntaxError, ValueError, IndexError, struct.error  # in Pillow
_DAMAGE += (Image.DecompressionBombError,)
OPAQUE = b"\xff" * (HEIGHT * WIDTH)  # the fourth channel of such a picture
PUBLISHED = "GTZAN (Kaggle edition)"
SYNTHETIC = "synthetic sample"
MARKER = "SYNTHETIC.txt"  # a file of the sample alone
FEATURES = "features_30_sec.csv"  # a table beside the pictures


@dataclass(frozen=True)
class Dataset:
    """The pictures of a data set, in the order of their names."""

    name: str  # for figures and tables
    folder: Path  # which holds ``images_original``
    tracks: tuple[str, ...]  # such as "blues.00000"
    sha256: str  # of their names and pictures

    @property
    def labels(self) -> np.ndarray:
        """Genre of each track as an index into ``GENRES``: int64, shape (N,)."""
        return np.array([GENRES.index(t.split(".")[0]) for t in self.tracks], np.int64)

    @property
    def results(self) -> Path:
        """The folder for everything that is computed from these very files."""
        kind = {PUBLISHED: "gtzan", SYNTHETIC: "sample"}.get(self.name, "own")
        return store.runs_folder() / f"{kind}-{self.sha256[:8]}"

    def key(self, modules, packages, files=(), **facts) -> dict:
        """Return the key of a sealed folder (see ``store``) of results from it.

        They are made by ``modules`` and ``packages`` of pictures and other ``files``.
        """
        key = {"data": self.name, "data_sha256": self.sha256, **facts}
        if paths := {name: self.folder / name for name in files}:
            sums = (store.sha256(p) if p.is_file() else None for p in paths.values())
            key["files_sha256"] = dict(zip(paths, sums, strict=True))
        made = {"code_sha256": fingerprint(*modules)}
        return key | made | {"versions": store.versions(*packages)}

    def image_path(self, track: str) -> Path:
        """Return the PNG file of a track."""
        genre, number = track.split(".")
        return self.folder / "images_original" / genre / f"{genre}{number}.png"

    def audio_path(self, track: str) -> Path:
        """Return the WAV file of a track; it need not exist."""
        genre = track.split(".")[0]
        return self.folder / "genres_original" / genre / f"{track}.wav"

    @property
    def features_path(self) -> Path:
        """The table of audio features; it need not exist."""
        return self.folder / FEATURES


def open_folder(folder: Path) -> Dataset:
    """Open the data set whose pictures are in ``folder / "images_original"``.

    ``DataError`` if anything else is there, or a genre has none.
    """
    try:
        files = dict(picture_files(folder / "images_original"))
        sums = {track: store.sha256(path) for track, path in files.items()}
    except OSError as error:
        raise DataError(f"{error.filename} cannot be read: {error.strerror}") from error
    tracks = tuple(sorted(sums))
    if missing := set(GENRES) - {track.split(".")[0] for track in tracks}:
        raise DataError(f"no pictures of {', '.join(sorted(missing))} in {folder}")
    digest = hashlib.sha256("".join(f"{t} {sums[t]}\n" for t in tracks).encode())
    same = len(sums.items() & published_sums().items())
    name = f"own pictures ({same} of 999 as published, {len(sums)} in all)"
    if (folder / MARKER).exists():
        name = SYNTHETIC
    elif sums == published_sums():
        name = PUBLISHED
    return Dataset(name, folder, tracks, digest.hexdigest())


def find_layout(path: str | Path) -> Path:
    """Return the folder that holds ``images_original``, from that, its own or its root.

    ``DataError`` if there is none, or other programs cannot take the path.
    """
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in str(path)):
        raise DataError(
            f"the path {str(path)!r} has a line break, another control character or "
            "bytes that are not UTF-8: rename the folder"
        )
    try:
        path = Path(path).expanduser().resolve()
        inside = path.parent if path.name == "images_original" else path
        for folder in (path, path / "Data", inside):
            if (folder / "images_original").is_dir():
                return folder
    except (OSError, RuntimeError) as error:
        raise DataError(f"{path} cannot be opened: {error}") from error
    raise DataError(
        f"no folder images_original in {path}: give the folder of the Kaggle edition "
        "of GTZAN (its root, Data or images_original), or the words sample or kaggle"
    )


def picture_files(images: Path) -> Iterator[tuple[str, Path]]:
    """Yield the track name and path of every picture in ``images_original``.

    ``DataError`` at the first that does not belong there, or is no file.
    """
    for folder in visible(images):
        if folder.name not in GENRES or not folder.is_dir():
            raise DataError(
                f"{folder} is not the folder of a genre: images_original holds "
                + ", ".join(GENRES)
            )
        for path in visible(folder):
            match = re.fullmatch(rf"{folder.name}([0-9]{{5}})\.png", path.name)
            if match is None:
                raise DataError(
                    f"{path} is not a picture of this genre: the name should look "
                    f"like {folder.name}00000.png"
                )
            if not path.is_file():
                raise DataError(f"{path} is not a file, or a link to one: remove it")
            yield f"{folder.name}.{match[1]}", path


def visible(folder: Path) -> list[Path]:
    """Return what is in a folder, sorted, without hidden files that desktops leave."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def read_picture(path: Path) -> np.ndarray:
    """Read red, green and blue of a picture: uint8, (288, 432, 3), read-only.

    ``DataError`` if the file is no readable, opaque PNG of 432 x 288 pixels.
    """
    if not path.is_file():
        raise DataError(f"{path} is not a file")
    try:
        with Image.open(path, formats=["PNG"]) as image:
            if image.size != (WIDTH, HEIGHT) or image.mode not in ("RGB", "RGBA"):
                raise DataError(
                    f"{path} is {image.size[0]} x {image.size[1]} pixels of mode "
                    f"{image.mode}; expected {WIDTH} x {HEIGHT} of RGB or RGBA"
                )
            if image.mode == "RGBA" and image.tobytes("raw", "A") != OPAQUE:
                raise DataError(f"{path} is partly transparent; expected an opaque one")
            pixels = image.tobytes("raw", "RGB")  # a third of the time of convert
            return np.frombuffer(pixels, np.uint8).reshape(HEIGHT, WIDTH, 3)
    except _DAMAGE as error:
        raise DataError(f"{path} cannot be read as a PNG picture: {error}") from error


@cache
def published_sums() -> dict[str, str]:
    """Return the SHA-256 sum of each of the 999 published pictures, by track."""
    with (Path(__file__).parent / "kaggle_sha256.csv").open(encoding="utf-8") as file:
        return {row["track"]: row["sha256"] for row in csv.DictReader(file)}
