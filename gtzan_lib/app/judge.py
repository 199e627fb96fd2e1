"""How good the model is on songs that are not GTZAN's: a folder of clips with labels.

``labels.csv`` has the columns ``file``, ``genre``, ``label`` (how sure the genre is,
such as clear or doubtful) and ``source`` (from where the clip is). Used by ``gtzan
judge``, and by ``ship`` for what README, card and page say.
"""

from pathlib import Path

import numpy as np

from gtzan_lib.app.classifier import Classifier
from gtzan_lib.app.words import interval
from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.tables import read_table
from gtzan_lib.errors import DataError
from gtzan_lib.evaluation import calibration, clusters, metrics

LABELS = "labels.csv"


def judge(classifier: Classifier, folder: Path) -> dict:
    """Name the clips of a folder and compare with ``labels.csv``; return JSON values.

    Estimates have intervals that take all clips of a source as one draw: ``accuracy``
    (an answer that is refused, as the clip sounds like no genre, is not right),
    ``top2``, ``overconfidence`` and, by genre and by label, shares right. Beside them
    the ``calibration_error`` of ten bins with what it is ``by_chance`` for percentages
    that are exactly right, ``confusion`` (true genre, then named one), numbers of
    ``clips``, ``sources`` and ``refused``, and the ``answers``. ``DataError`` if there
    is no such table, or a clip cannot be named.
    """
    folder = Path(folder)
    table = read_table(folder / LABELS, ("file", "genre", "label", "source"))
    if wrong := sorted(set(table["genre"]) - set(GENRES)):
        raise DataError(f"{folder / LABELS} has an unknown genre: {', '.join(wrong)}")
    if table.empty:
        raise DataError(f"{folder / LABELS} has no clips")
    labels = np.array([GENRES.index(genre) for genre in table["genre"]])
    sources = table["source"].to_numpy()
    songs = [classifier.predict_file(folder / name) for name in table["file"]]
    p = np.array([song.probabilities for song in songs])
    refused = np.array([not song.is_familiar for song in songs])
    logits = np.log(np.maximum(p, 1e-30))
    right = (p.argmax(axis=1) == labels) & ~refused
    second = metrics.top_k_hits(logits, labels, 2) & ~refused

    def share(chosen: np.ndarray) -> dict:
        hits = clusters.share(right[chosen], sources[chosen])
        return {"clips": int(chosen.sum()), "accuracy": hits}

    sure = table["label"].to_numpy()
    return {
        "clips": len(songs),
        "sources": len(set(sources)),
        "refused": int(refused.sum()),
        "accuracy": clusters.share(right, sources),
        "top2": clusters.share(second, sources),
        "labels": {kind: share(sure == kind) for kind in sorted(set(sure))},
        "genres": {
            genre: share(labels == k)
            for k, genre in enumerate(GENRES)
            if (labels == k).any()
        },
        "confusion": metrics.confusion_matrix(logits, labels).tolist(),
        "overconfidence": calibration.overconfidence(logits, labels, sources),
        "calibration_error": calibration.expected_calibration_error(logits, labels),
        "by_chance": calibration.error_by_chance(logits),
        "answers": [
            {"file": name, "true": genre, "genre": song.genre}
            | {"percentages": {g: round(x, 2) for g, x in song.percentages.items()}}
            for name, genre, song in zip(
                table["file"], table["genre"], songs, strict=True
            )
        ],
    }


def as_text(found: dict) -> str:
    """Return what ``judge`` found as text for a terminal."""
    lines = [
        f"{found['clips']} clips of {found['sources']} sources; intervals take a "
        "source as one draw",
        f"right: {interval(found['accuracy'])}",
        f"among the first two: {interval(found['top2'])}",
        f"sounds like none of the ten, and not right: {found['refused']}",
    ]
    for name, part in (found["labels"] | found["genres"]).items():
        lines.append(f"  {name}, {part['clips']} clips: {interval(part['accuracy'])}")
    over, error = found["overconfidence"], found["calibration_error"]
    lines += [
        f"surer than right by {100 * over['value']:.0f} points "
        f"({100 * over['low']:.0f} to {100 * over['high']:.0f})",
        f"calibration error {error:.2f}; of percentages that are exactly right it "
        f"would be {found['by_chance']:.2f}",
        "true genre (row) and likeliest (column):",
        " " * 10 + " ".join(f"{genre[:5]:>5}" for genre in GENRES),
    ]
    for genre, row in zip(GENRES, found["confusion"], strict=True):
        if any(row):
            lines.append(f"{genre:10}" + " ".join(f"{n or '.':>5}" for n in row))
    return "\n".join(lines)
