"""What others report on GTZAN: ``literature.toml``, whose head explains it."""

import tomllib
from pathlib import Path

LITERATURE = Path(__file__).with_name("literature.toml")


def works() -> int:
    """Return how many published works use GTZAN, at least."""
    return _read()["works"]


def load() -> list[dict[str, str]]:
    """Return its rows, by protocol and best last, and the words for their accuracy.

    A number that was not read in its source has a star.
    """
    rows = _read()["row"]
    for row in rows:
        ends = dict.fromkeys((f"{row['low']:.3f}", f"{row['high']:.3f}"))
        row["accuracy"] = " to ".join(ends) + "*" * (row["checked"] != "read")
        row["pretrained"] = row["pretrained"] or "nothing"
    return sorted(rows, key=lambda row: (row["protocol"], row["high"]))


def _read() -> dict:
    return tomllib.loads(LITERATURE.read_text("utf-8"))
