"""Checking a copy of GTZAN against the published Kaggle edition, file by file."""

import re
from collections import defaultdict
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
    """What was found in ``images_original``; file names are relative to it."""

    counts: dict[str, int]  # published pictures by genre
    missing: list[str] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)  # and why
    modified: list[str] = field(default_factory=list)
    unexpected: list[str] = field(
        default_factory=list
    )  # the published edition lacks it
    duplicates: list[list[str]] = field(default_factory=list)  # identical files
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
            if len(rows) > SHOWN:
                more = f"  and {len(rows) - SHOWN} more (all of them: --json)"
                rows[SHOWN:] = [more]
            lines += rows
        lines.append(f"identical files: {len(self.duplicates)} groups")
        lines += ["  " + " = ".join(group) for group in self.duplicates]
        verdict = "those of the complete, unmodified Kaggle edition of GTZAN"
        is_not = "" if self.is_published else "NOT "
        lines.append(f"these pictures are {is_not}{verdict}")
        lines.append("only pictures were checked, no audio and no tables of features")
        return "\n".join(lines)


def verify(path: str | Path) -> Verification:
    """Compare a copy with the published edition; ``DataError`` if there is none."""
    images = find_layout(path) / "images_original"
    is_sample = (images.parent / MARKER).is_file()
    result = Verification(dict.fromkeys(GENRES, 0), is_sample=is_sample)
    same = defaultdict(list)
    expected = {
        re.sub(r"(\w+)\.(\d+)", r"\1/\1\2.png", track): digest
        for track, digest in published_sums().items()
    }
    for place in gtzan.visible(images):  # a folder of a genre, or something else
        for file in (place.is_dir() and gtzan.visible(place)) or [place]:
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
    result.missing = sorted(set(expected).difference(*same.values(), result.unreadable))
    result.duplicates = sorted(group for group in same.values() if len(group) > 1)
    return result
