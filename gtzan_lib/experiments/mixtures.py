"""Mixtures: what percentages say of music of two genres (paper, section 4.2).

Each track of GTZAN has one genre. But powers of independent recordings add, so that the
pictures of two tracks tell nearly what that of both together would be. Assumed is that
what is too quiet for a colour is silent, that no cell between a picture's columns is
louder than each track's loudest or all that the mixture shows, and that loudness is the
mean power of the mel bands. Notebook 07_trust mixes two by hand.
"""

from itertools import combinations, product
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import special

from gtzan_lib import store
from gtzan_lib.data import pictures
from gtzan_lib.data.artists import artists_of
from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.gtzan import Dataset
from gtzan_lib.encoders.bands import read_bands
from gtzan_lib.encoders.pooling import average_pool
from gtzan_lib.evaluation import clusters, seeds
from gtzan_lib.evaluation.metrics import Estimate, around, rounded
from gtzan_lib.experiments import runs, scores
from gtzan_lib.experiments.run import ENSEMBLE, Run
from gtzan_lib.models.layout import to_tensor
from gtzan_lib.parameters import FACTS, Parameters
from gtzan_lib.training import loop

FOLDER, FILE = "07_mixtures", "mixtures.csv"
SHARES = 0.0, 0.3, 0.5, 1.0  # of the loudness that is the first track's
PAIRS = 12  # of two genres, at most; each genre is first in half of them
COLUMNS = ["run", "share", "first", "second", *GENRES]
# Of each level of the mel bands, as a share of the track's loudest cell: 256 levels are
# 40 dB of power (see ``mel.log_mel``), and the lowest is silent.
POWER = 10 ** (4 * (np.arange(256) + 0.5) / 256 - 4)
POWER[0] = 0


def mix(first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
    """Return the mel bands of two tracks together: uint8, (128, 335), as they are.

    A ``share``, 0 to 1, of the mean power of all bands is the ``first``'s.
    """
    powers = POWER[first], POWER[second]
    weights = share / powers[0].mean(), (1 - share) / powers[1].mean()
    both = weights[0] * powers[0] + weights[1] * powers[1]
    loudest = max(both.max(), *weights)  # a track's may be between two columns
    with np.errstate(divide="ignore"):
        levels = 256 * (1 + np.log10(both / loudest) / 4)
    return np.clip(levels, 0, 255).astype(np.uint8)


def draw(bands: np.ndarray) -> np.ndarray:
    """Return the picture of mel bands: the inverse of ``pictures.recover_bands``."""
    return pictures.draw(bands[pictures.band_of_row()])


def pairs(labels: np.ndarray, artists: np.ndarray) -> np.ndarray:
    """Draw pairs of tracks of two genres and artists, the same each time: (N, 2).

    They are positions in ``labels`` and ``artists``, (tracks,); no pair is there twice.
    """
    rng, found = np.random.default_rng(0), []
    for genres in combinations(np.unique(labels), 2):
        every = np.array([*product(*(np.flatnonzero(labels == g) for g in genres))])
        every = every[artists[every[:, 0]] != artists[every[:, 1]]]
        some = rng.permutation(every)[:PAIRS]
        some[::2] = some[::2, ::-1].copy()
        found.append(some)
    return np.concatenate(found)


def answer(dataset: Dataset, run: Run) -> pd.DataFrame:
    """Return what a network on pooled pictures says of mixtures of its test tracks.

    A row for each ``share`` and pair of tracks, ``first`` and ``second``, with a logit
    a genre; made the first time, by the run's weights.
    """

    def make(folder: Path) -> None:
        p = Parameters(**{name: run.provenance[name] for name in FACTS})
        model = runs.train(dataset, p, progress=False, weights=True).model()
        index, bands = run.predictions["index"], read_bands(dataset)[..., 0]
        of = index[pairs(run.predictions["labels"], run.artists)]
        parts = []
        for share in SHARES:
            # A track alone is mixed with itself, so that each is made once.
            asked = np.where([share > 0, share < 1], of, of[:, ::-1])
            asked, which = np.unique(asked, axis=0, return_inverse=True)
            mixed = (mix(bands[a], bands[b], share) for a, b in asked)
            codes = np.concatenate([average_pool(draw(each)[None]) for each in mixed])
            logits = rounded(loop.predict(model, to_tensor(codes)).numpy())[which]
            parts.append(pd.DataFrame(logits, columns=GENRES))
            for name, tracks in zip(("second", "first"), of.T[::-1], strict=True):
                parts[-1].insert(0, name, np.array(dataset.tracks)[tracks])
            parts[-1].insert(0, "share", share)
        told = pd.concat(parts)
        told.insert(0, "run", run.name)
        told.to_csv(folder / FILE, index=False)

    return _read(store.seal(*_place(dataset, run), make))


def table(dataset: Dataset, some: list[Run]) -> pd.DataFrame:
    """Return what ``answer`` did of those runs of which it is whole and up to date."""
    trained = [run for run in some if run.provenance["recipe"] != ENSEMBLE]
    places = [_place(dataset, run) for run in trained]
    found = [_read(place[0]) for place in places if store.is_whole(*place)]
    return pd.concat(found) if found else pd.DataFrame(columns=COLUMNS)


def _place(dataset: Dataset, run: Run) -> tuple[Path, dict]:
    made_of = {"run": store.read_key(run.folder)}
    key = dataset.key(["experiments.mixtures"], runs.PACKAGES, **made_of)
    return dataset.results / FOLDER / run.name, key


def _read(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / FILE, dtype=dict.fromkeys(GENRES, np.float32))


def summary(table: pd.DataFrame, data: str) -> dict:
    """Return what a table of ``answer`` tells; empty of an empty one.

    ``mixtures`` has a row for tracks alone and for each mixture: how often the
    likeliest genre is ``either`` of the two and the two likeliest are ``both``, and by
    how much that exceeds (``more_``) the same two tracks alone. ``percentages`` are a
    genre's, by its ``share`` of the loudness. All are estimates of ``over_pairs``.
    """
    if table.empty:
        return {}
    table = table.sort_values(COLUMNS[:4])
    names = table["run"].unique().tolist()
    shape = len(names), len(SHARES), -1, len(GENRES)
    logits = table[[*GENRES]].to_numpy(float).reshape(shape)
    n = logits.shape[2]
    tracks = table[["first", "second"]].to_numpy(str)[:n]
    kinds = np.array([[GENRES.index(t.split(".")[0]) for t in two] for two in tracks])
    artists = artists_of(tracks.flat, data) if data in scores.KNOWN else tracks.flat
    artists = np.reshape(artists, (n, 2))
    best = np.argsort(-logits, axis=3, kind="stable")[..., :2]
    named = (best[..., None] == kinds[:, None]).any(axis=4)  # (runs, shares, n, 2)
    hits = {"either": named[..., 0], "both": named.all(axis=3)}
    percent = special.softmax(logits, axis=3)[..., np.arange(n)[:, None], kinds]

    def at(values: np.ndarray, *shares: float) -> np.ndarray:
        return values[:, [SHARES.index(share) for share in shares]].mean(axis=1)

    alone = {k: at(each, 0, 1) for k, each in hits.items()}
    rows = [
        {"mixture": "alone"} | {k: over_pairs(v, artists) for k, v in alone.items()}
    ]
    for share in (0.5, 0.3):
        row = {"mixture": f"{100 * share:.0f} : {100 * (1 - share):.0f}"}
        for k, each in hits.items():
            row[k] = over_pairs(at(each, share), artists)
            row[f"more_{k}"] = over_pairs(at(each, share) - alone[k], artists)
        rows.append(row)
    first, second = percent[..., 0], percent[..., 1]
    by_share = {
        0.0: (at(first, 0) + at(second, 1)) / 2,
        0.3: at(first, 0.3),
        0.5: (at(first, 0.5) + at(second, 0.5)) / 2,
        0.7: at(second, 0.3),
        1.0: (at(first, 1) + at(second, 0)) / 2,
    }
    return {
        "runs": names,
        "pairs": n,
        "tracks": len(np.unique(tracks)),
        "artists": len(np.unique(artists)),
        "mixtures": rows,
        "percentages": [
            {"share": share, "percentage": over_pairs(values, artists)}
            for share, values in by_share.items()
        ],
    }


def over_pairs(values: np.ndarray, artists: np.ndarray) -> Estimate:
    """Return the mean of ``values``, (runs, pairs), with its 95 % interval.

    A pair counts for both of its ``artists``, (pairs, 2). As that makes each count
    twice, the interval by artist is that of ``clusters.mean`` twice as wide. How much
    the means of runs vary is added in squares, as neither holds the other.
    """
    by_artist = clusters.mean(np.repeat(values.mean(axis=0), 2), artists.ravel())
    by_run = seeds.corrected(values.mean(axis=1).tolist(), 0)
    halves = [each["high"] - each["value"] for each in (by_artist, by_run)]
    half = np.hypot(2 * halves[0], np.nan_to_num(halves[1]))  # one run has none
    return around(by_artist["value"], float(half))
