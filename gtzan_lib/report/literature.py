"""What others report on GTZAN: ``report/literature.toml``, whose head explains it."""

import tomllib

from gtzan_lib import store

LITERATURE = store.PROJECT / "report" / "literature.toml"


def load() -> list[dict[str, str]]:
    """Return its rows, by protocol and best last, and the words for their accuracy.

    A number that was not read in its source has a star.
    """
    rows = tomllib.loads(LITERATURE.read_text("utf-8"))["row"]
    for row in rows:
        ends = dict.fromkeys((f"{row['low']:.3f}", f"{row['high']:.3f}"))
        row["accuracy"] = " to ".join(ends) + "*" * (row["checked"] != "read")
        row["pretrained"] = row["pretrained"] or "nothing"
    return sorted(rows, key=lambda row: (row["protocol"], row["high"]))
