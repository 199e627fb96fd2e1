"""How good the model is on songs that are not GTZAN's: a folder of clips with labels.

``labels.csv`` has the columns ``file``, ``genre``, ``label`` (how sure the genre is,
such as clear or doubtful) and ``source`` (from where the clip is). Used by ``gtzan
judge``, and by ``ship`` for what README, card and page say.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from gtzan_lib.app.classifier import Classifier
from gtzan_lib.app.words import interval
from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.tables import read_table
from gtzan_lib.errors import DataError, printable
from gtzan_lib.evaluation import calibration, clusters, metrics

LABELS = "labels.csv"


def judge(classifier: Classifier, folder: Path) -> dict:
    """Name the clips of a folder and compare with ``labels.csv``.

    Intervals take all clips of a source as one draw. An answer that is refused, as the
    clip sounds like no genre, is not right. ``DataError`` if there is no such table, or
    a clip cannot be named.
    """
    table = read_table(folder / LABELS, ("file", "genre", "label", "source"))
    if wrong := sorted(set(table["genre"]) - set(GENRES)):
        raise DataError(f"{folder / LABELS} has an unknown genre: {', '.join(wrong)}")
    if table.empty:
        raise DataError(f"{folder / LABELS} has no clips")
    labels, sources = table["genre"].map(GENRES.index).to_numpy(), table["source"]
    songs = [classifier.predict_file(folder / name) for name in table["file"]]
    logits = np.log(np.maximum([song.probabilities for song in songs], 1e-30))
    refused = np.array([not song.is_familiar for song in songs])
    right = (logits.argmax(axis=1) == labels) & ~refused
    second = metrics.top_k_hits(logits, labels, 2) & ~refused

    def by(column: str) -> dict:
        parts = table.groupby(column).indices.items()
        return {
            k: {"clips": len(i), "accuracy": clusters.share(right[i], sources.iloc[i])}
            for k, i in parts
        }

    return {
        "clips": len(songs),
        "sources": len(set(sources)),
        "refused": int(refused.sum()),
        "accuracy": clusters.share(right, sources),
        "top2": clusters.share(second, sources),
        "labels": by("label"),
        "genres": by("genre"),
        "confusion": metrics.confusion_matrix(logits, labels).tolist(),
        "overconfidence": calibration.overconfidence(logits, labels, sources),
        "calibration_error": calibration.expected_calibration_error(logits, labels),
        "by_chance": calibration.error_by_chance(logits),
        "answers": [
            {"file": row.file, "true": row.genre, "genre": song.genre}
            | {"percentages": {g: round(x, 2) for g, x in song.percentages.items()}}
            for row, song in zip(table.itertuples(), songs, strict=True)
        ],
    }


def as_text(found: dict) -> str:
    """Return what ``judge`` found as text for a terminal."""
    over = {name: f"{100 * x:.0f}" for name, x in found["overconfidence"].items()}
    ends = f" ({over['low']} to {over['high']})" if found["sources"] > 1 else ""
    confusion = pd.DataFrame(found["confusion"], GENRES, [g[:5] for g in GENRES])
    confusion = confusion[confusion.any(axis=1)].astype(str).replace("0", ".")
    parts = [
        f"  {printable(name)}, {part['clips']} clips: {interval(part['accuracy'])}\n"
        for name, part in (found["labels"] | found["genres"]).items()
    ]
    return (
        f"{found['clips']} clips of {found['sources']} sources; intervals take a "
        f"source as one draw\nright: {interval(found['accuracy'])}\n"
        f"among the first two: {interval(found['top2'])}\n"
        f"sounds like none of the ten, and not right: {found['refused']}\n"
        f"{''.join(parts)}surer than right by {over['value']} points{ends}\n"
        f"calibration error {found['calibration_error']:.2f}; of "
        f"percentages that are exactly right it would be {found['by_chance']:.2f}\n"
        f"true genre (row) and likeliest (column):\n{confusion.to_string()}"
    )
