"""Three folds that test every track once: leakage, and percentages without it.

Three seeds of split ``artist-folds`` are a *repetition*: they test each track once, by
a model that never heard its artist. Those of ``random-folds`` test the same tracks by
models that know the artists of most, trained on as many tracks (see ``data.splits``).
Where an artist has one track, nothing can leak: such tracks are the control. Paper,
sections 4.2 and 4.3.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import softmax

from gtzan_lib.data import splits
from gtzan_lib.data.genres import GENRES
from gtzan_lib.evaluation import calibration, clusters, seeds
from gtzan_lib.evaluation.metrics import Estimate
from gtzan_lib.experiments.run import Run, by_seed

SPLITS = UNHEARD, KNOWN = "artist-folds", "random-folds"
LISTS = "artist-trainval"


@dataclass(frozen=True)
class Answers:
    """What a model, or an ensemble, says of test tracks, once a repetition."""

    index: np.ndarray  # int64 (N,): positions of the tracks in the data, sorted
    labels: np.ndarray  # int64 (N,)
    artists: np.ndarray  # (N,)
    folds: np.ndarray  # int64 (repetitions, N): in which fold a track was tested
    logits: np.ndarray  # (repetitions, N, 10)
    temperatures: np.ndarray  # (repetitions, folds, models): that divided their logits

    @property
    def hits(self) -> np.ndarray:
        """Whether each answer is right: float64, (repetitions, N), 0 or 1."""
        return (self.logits.argmax(axis=2) == self.labels).astype(float)

    def mean_temperatures(self) -> list[float]:
        """Return the geometric mean of each model's temperatures."""
        return np.exp(np.log(self.temperatures).mean(axis=(0, 1))).tolist()


def gather(group: list[Run]) -> Answers | None:
    """Put the test tracks of a model's runs together; None of no whole repetition."""
    split = group[0].provenance["split"]
    n = splits.PROTOCOLS[split] if split in SPLITS else 1
    seeded, rows = by_seed(group), []
    for first in range(0, max(seeded) + 1, n):
        if set(range(first, first + n)) <= set(seeded):
            some = [seeded[first + fold] for fold in range(n)]
            row = {
                name: np.concatenate([run.predictions[name] for run in some])
                for name in ("index", "labels", "logits")
            }
            row["artists"] = np.concatenate([run.artists for run in some])
            row["folds"] = np.repeat(range(n), [len(run.artists) for run in some])
            order = np.argsort(row["index"])
            rows.append({k: values[order] for k, values in row.items()})
    if not rows:
        return None
    same = {k: rows[0][k] for k in ("index", "labels", "artists")}
    each = {k: np.stack([row[k] for row in rows]) for k in ("folds", "logits")}
    return Answers(**same, **each, temperatures=np.ones((len(rows), n, 1)))


def together(members: list[Answers], fitted: list[float] | None = None) -> Answers:
    """Return what models answer together, by ``fitted`` temperatures, one a model.

    Without them every fold gets those of the other folds. Left out are repetitions that
    some model lacks.
    """
    first, rows = members[0], []
    for folds in first.folds:
        same = [np.flatnonzero((m.folds == folds).all(axis=1)) for m in members]
        if all(map(len, same)):
            each = [m.logits[r[0]] for m, r in zip(members, same, strict=True)]
            if fitted is None:
                made = calibration.cross_fitted(each, first.labels, folds)
            else:
                made = calibration.combine(each, fitted), np.array([fitted])
            rows.append((folds, *made))
    folds, logits, temperatures = map(np.stack, zip(*rows, strict=True))
    return replace(first, folds=folds, logits=logits, temperatures=temperatures)


def leakage(known: Answers, unheard: Answers, lists: Answers | None) -> dict:
    """Return how much more often tracks are right whose artists are known.

    Estimates by artist: shares right, ``known`` and ``unheard``, and their paired
    ``difference``; the same ``by_genre``, of the ``control`` (artists with one track),
    of the ``rest`` without the two genres that make ``most`` of the difference (their
    ``share`` of it, with numbers of artists and of control tracks), and, where there
    are ``lists``, of the published test list, ``listed``, with the share of models that
    these train, and ``shift``: how much ``unheard`` exceeds it.
    """

    def compare(chosen: np.ndarray) -> dict:
        artists = known.artists[chosen]
        ours, theirs = known.hits[:, chosen], unheard.hits[:, chosen]
        return {
            "tracks": int(chosen.sum()),
            "artists": len(np.unique(artists)),
            "known": right(ours, artists),
            "unheard": right(theirs, artists),
            "difference": clusters.paired(ours, theirs, artists),
        }

    of = {genre: known.labels == label for label, genre in enumerate(GENRES)}
    _, whose, sizes = np.unique(known.artists, return_inverse=True, return_counts=True)
    control = sizes[whose] == 1
    found = compare(known.labels >= 0) | {
        "by_genre": {genre: compare(chosen) for genre, chosen in of.items()},
        "control": compare(control),
        "repetitions": len(unheard.logits),
    }
    points = {  # of each genre, tracks that are right only where artists are known
        genre: each["tracks"] * each["difference"]["value"]
        for genre, each in found["by_genre"].items()
    }
    most = sorted(points, key=points.get, reverse=True)[:2]
    found["most"] = [
        {"genre": genre, "share": points[genre] / sum(points.values())}
        | {"artists": found["by_genre"][genre]["artists"]}
        | {"control": int(np.sum(of[genre] & control))}
        for genre in most
    ]
    found["rest"] = compare(~np.any([of[genre] for genre in most], axis=0))
    if lists is not None:
        listed = np.isin(known.index, lists.index)
        shift = clusters.paired(unheard.hits[:, listed], lists.hits, lists.artists)
        of_lists = {"lists": right(lists.hits, lists.artists), "shift": shift}
        found["listed"] = compare(listed) | of_lists
    return found


def right(hits: np.ndarray, artists: np.ndarray) -> Estimate:
    """Return the share of ``hits``, (repetitions, N), over ``artists``, (N,).

    Its interval, by artist, holds how much repetitions differ.
    """
    shares = [clusters.share(row, artists) for row in hits]
    return seeds.over_seeds(shares, split="")


def trust(answers: Answers) -> dict:
    """Measure how far percentages mean what they say; estimates are by artist.

    ``error`` is the expected calibration error, ``by_chance`` what it would be if all
    percentages were exactly right; ``sure`` the mean of the likeliest genre's
    probability, ``right`` how often it is the true one, ``too_sure`` the difference;
    ``hits`` and ``size`` are of the prediction set of 90 %.
    """
    n, labels = len(answers.logits), answers.labels
    every = np.concatenate(answers.logits), np.tile(labels, n)
    artists = np.tile(answers.artists, n)
    hits, size = calibration.prediction_set(*every, artists)
    errors = [calibration.expected_calibration_error(z, labels) for z in answers.logits]
    by_chance = [calibration.error_by_chance(z) for z in answers.logits]
    return {
        "error": float(np.mean(errors)),
        "by_chance": float(np.mean(by_chance)),
        "sure": float(softmax(every[0], axis=1).max(axis=1).mean()),
        "right": right(answers.hits, answers.artists),
        "too_sure": calibration.overconfidence(*every, artists),
        "hits": hits,
        "size": size,
    }
