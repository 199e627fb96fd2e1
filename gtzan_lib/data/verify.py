"""Checking a copy of GTZAN against the published Kaggle edition, file by file."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gtzan_lib import store
from gtzan_lib.data import gtzan
from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.gtzan import MARKER, find_layout, published_sums, read_picture
from gtzan_lib.errors import DataError, printable

SHOWN = 20  # files that the text lists of each kind


@dataclass
class Verification:
    """What was found in ``images_original``; file names are relative to it.

    Pictures by genre (``counts``); published ones that are ``missing`` or ``modified``;
    why one is ``unreadable``, no opaque 432 x 288 PNG; what is ``unexpected``, as the
    published edition does not have it; and groups of identical files, ``duplicates``,
    of which that has 14.
    """

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(GENRES, 0))
    missing: list[str] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    modified: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    duplicates: list[list[str]] = field(default_factory=list)
    is_sample: bool = False

    @property
    def is_published(self) -> bool:
        """Whether this is the complete, unmodified Kaggle edition."""
        faults = (self.missing, self.unreadable, self.modified, self.unexpected)
        return not any(faults)

    def as_text(self) -> str:
        """What was found, for people: one thing a line."""
        if self.is_sample:
            return "this is the project's synthetic sample: no music, and NOT GTZAN"
        lines = ["pictures: " + ", ".join(f"{g} {n}" for g, n in self.counts.items())]
        for what in ("missing", "unreadable", "modified", "unexpected"):
            files = getattr(self, what)
            title = what.replace("unreadable", "unreadable or wrongly sized")
            lines.append(f"{title}: {len(files) or 'none'}")
            reasons = files if isinstance(files, dict) else dict.fromkeys(files, "")
            rows = [f"  {printable(n)}  {why}".rstrip() for n, why in reasons.items()]
            lines += rows[:SHOWN]
            if len(rows) > SHOWN:
                lines.append(f"  and {len(rows) - SHOWN} more (all of them: --json)")
        lines.append(f"identical files: {len(self.duplicates)} groups")
        lines += ["  " + " = ".join(group) for group in self.duplicates]
        verdict = "those of the complete, unmodified Kaggle edition of GTZAN"
        lines.append(
            f"these pictures are {'' if self.is_published else 'NOT '}{verdict}"
        )
        lines.append("only pictures were checked, no audio and no tables of features")
        return "\n".join(lines)


def verify(path: str | Path) -> Verification:
    """Compare a copy with the published Kaggle edition of GTZAN.

    ``path`` is its root, its ``Data`` or its ``images_original``; ``DataError`` if
    there is none.
    """
    images = find_layout(path) / "images_original"
    result, same = Verification(), defaultdict(list)
    result.is_sample = (images.parent / MARKER).is_file()
    expected = {
        re.sub(r"(\w+)\.(\d+)", r"\1/\1\2.png", track): digest
        for track, digest in published_sums().items()
    }
    for file in _entries(images):
        name = file.relative_to(images).as_posix()
        if name not in expected:
            result.unexpected.append(name)
            continue
        result.counts[file.parent.name] += 1
        try:
            digest = store.sha256(file) if file.is_file() else None
            same[digest].append(name)
            if digest != expected[name]:
                read_picture(file)
                result.modified.append(name)
        except OSError as error:
            result.unreadable[name] = str(error.strerror)
        except DataError as error:
            result.unreadable[name] = str(error).removeprefix(str(file)).strip()
    same.pop(None, None)  # what is not a file
    groups = sorted(same.values())
    result.missing = sorted(set(expected).difference(*groups, result.unreadable))
    result.duplicates = [group for group in groups if len(group) > 1]
    return result


def _entries(images: Path) -> Iterator[Path]:
    """Yield the files of genre folders, and whatever else is in ``images_original``."""
    for path in gtzan.visible(images):
        yield from (path.is_dir() and gtzan.visible(path)) or [path]
