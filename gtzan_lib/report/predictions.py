"""Judging predictions of any model by protocol (``data.splits``): ``evaluate``."""

import contextlib
from pathlib import Path

import numpy as np
import pandas as pd

from gtzan_lib import registry, store
from gtzan_lib.data import splits
from gtzan_lib.data.artists import artists_of
from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.gtzan import PUBLISHED
from gtzan_lib.data.tables import read_table
from gtzan_lib.errors import DataError, UserError
from gtzan_lib.evaluation import calibration, clusters
from gtzan_lib.evaluation.metrics import confusion_matrix, top_k_hits, with_interval
from gtzan_lib.experiments import folds
from gtzan_lib.report import literature
from gtzan_lib.report.derived import plain

MAX_BYTES = 5_000_000  # five times what all protocols take
LINE = 10_000  # bytes
TOLERANCE = 0.01  # of a row's sum of probabilities
SHOWN = 10  # wrong rows of a table
TINY = 1e-12  # so that the log of a probability of 0 is a number
KEYS = ("protocol", "track")


def read(path: Path) -> dict[str, pd.DataFrame]:
    """Read a CSV file of predictions; return a table a protocol.

    Its columns are ``protocol``, ``track`` and either the ten genres or ``genre``. The
    tables are sorted by track and have a column a genre: probabilities, or 0 and 1
    where only genres were named. ``DataError`` if the file is no such table, if a row
    is wrong, or if a protocol lacks tracks.
    """
    if path.is_file():
        with contextlib.suppress(OSError), path.open("rb") as file:
            if path.stat().st_size > MAX_BYTES or len(file.readline(LINE)) == LINE:
                raise DataError(f"{path} is too large for a table of predictions")
    read_table(path, KEYS)  # says what is wrong with the file
    form = {"encoding": "utf-8-sig", "compression": None}
    header = pd.read_csv(path, nrows=0, **form).columns
    named = not set(GENRES) & set(header)
    table = read_table(path, (*KEYS, *(("genre",) if named else GENRES)))
    if named:
        p = pd.DataFrame({name: table.genre == name for name in GENRES}, dtype=float)
    else:
        p = table[[*GENRES]].apply(pd.to_numeric, errors="coerce").astype(float)
    tests = {name: splits.tested(name) for name in splits.PROTOCOLS}
    asked = pd.MultiIndex.from_tuples((n, t) for n, of in tests.items() for t in of)
    faults = {
        f"{{protocol}} is no protocol: they are {', '.join(tests)}": (
            ~table.protocol.isin([*tests])
        ),
        "{track} is no test track of {protocol}": (
            ~pd.MultiIndex.from_frame(table[[*KEYS]]).isin(asked)
        ),
        "{track} of {protocol} is there twice": table.duplicated([*KEYS]),
    }
    if named:
        faults["{genre} is none of the ten genres"] = ~table.genre.isin(GENRES)
    faults |= {
        "a probability is no number": ~np.isfinite(p).all(axis=1),
        "a probability is below 0": (p < 0).any(axis=1),
        "the probabilities do not sum to 1": (p.sum(axis=1) - 1).abs() > TOLERANCE,
    }
    which = np.select([np.asarray(mask) for mask in faults.values()], [*faults], "")
    if len(bad := np.flatnonzero(which != "")):
        said = []
        for i in bad[:SHOWN]:
            cells = {k: repr(cell[:40]) for k, cell in table.iloc[i].items()}
            said.append(f"row {i + 1}: {which[i].format(**cells)}")
        if left := len(bad) - len(said):
            said.append(f"{left} more rows are wrong")
        raise DataError("; ".join(said))
    table[[*GENRES]] = p.to_numpy()
    tables = dict(list(table.sort_values("track").groupby("protocol")))
    for name, own in tables.items():
        if missing := sorted({*tests[name]} - {*own.track}):
            raise DataError(
                f"{len(missing)} of the {len(tests[name])} test tracks of {name} have "
                f"no prediction: {missing[0]} is the first"
            )
    if not tables:
        raise DataError(f"{path} has no predictions")
    return tables


def judge(path: Path, tables: dict[str, pd.DataFrame]) -> dict:
    """Return what predictions are worth, from what ``read`` gave of a file.

    Intervals take the tracks of one artist as one draw. ``top2`` and ``calibration``
    are None without probabilities; ``leakage``, by how much accuracy is higher where
    artists are heard, on the same tracks, unless both kinds of folds are there.
    """
    found, hits = {}, {}
    for name in (name for name in splits.PROTOCOLS if name in tables):
        tracks, logits = tables[name].track, np.log(tables[name][[*GENRES]] + TINY)
        labels = tracks.map(lambda track: GENRES.index(track.split(".")[0])).to_numpy()
        artists, logits = artists_of(tracks, PUBLISHED), logits.to_numpy()
        hits[name] = logits.argmax(axis=1) == labels
        found[name] = {
            "help": registry.SPLITS[name],
            "tests": len(tracks),
            "artists": len(np.unique(artists)),
            "accuracy": clusters.share(hits[name], artists),
            "top2": None,
            "calibration": None,
            "confusion": confusion_matrix(logits, labels).tolist(),
        }
        if "genre" not in tables[name]:
            second = top_k_hits(logits, labels, 2)
            found[name]["top2"] = clusters.share(second, artists)
            bins = calibration.reliability(logits, labels)
            found[name]["calibration"] = {
                "error": calibration.expected_calibration_error(logits, labels),
                "by_chance": calibration.error_by_chance(logits),
                "bins": [b | {"accuracy": b["accuracy"]["value"]} for b in bins],
            }
    both = [hits[name][None] for name in (folds.KNOWN, folds.UNHEARD) if name in hits]
    artists = artists_of(splits.tested(folds.KNOWN), PUBLISHED)
    return {
        "predictions": {"name": repr(path.name)[1:-1], "sha256": store.sha256(path)},
        "protocols": found,
        "leakage": clusters.paired(*both, artists) if both[1:] else None,
        "literature": literature.load(),
    }


def as_text(found: dict) -> str:
    """Return what ``judge`` found, a line a protocol."""
    lines = []
    for name, row in found["protocols"].items():
        words = [f"accuracy {with_interval(row['accuracy'])}"]
        if row["calibration"]:
            error, by_chance = (row["calibration"][k] for k in ("error", "by_chance"))
            words.append(f"top-2 {with_interval(row['top2'])}")
            words.append(f"calibration error {error:.3f} ({by_chance:.3f} by chance)")
        words.append(f"{row['tests']} tracks by {row['artists']} artists")
        lines.append(f"{name}: {', '.join(words)}")
    if found["leakage"]:
        words = with_interval(found["leakage"])
        lines.append(f"leakage ({folds.KNOWN} less {folds.UNHEARD}): {words}")
    return "\n".join(lines)


def write(found: dict, folder: Path) -> None:
    """Write ``evaluation.json`` and ``evaluation.html``, which stands alone."""
    from gtzan_lib.report import pages  # which needs more than naming a song

    page = pages.template("evaluation.html.j2").render(
        **found,
        css=(pages.TEMPLATE / pages.STYLE).read_text("utf-8"),
        words=with_interval,
        heard=folds.KNOWN,
        unheard=folds.UNHEARD,
        genres=GENRES,
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        store.write_json(folder / "evaluation.json", plain(found))
        (folder / "evaluation.html").write_text(page, "utf-8")
    except OSError as error:
        raise UserError(f"cannot write {folder}: {error.strerror}") from error
