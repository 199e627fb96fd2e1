"""Fitting the network's last layer on GTZAN's audio, and measuring it: ``gtzan ship``.

The layer is a logistic regression on the embedding. How good it is is measured on
artists that it did not hear, by ``splits.artist_folds``; nothing of it needs pictures.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from gtzan_lib import store
from gtzan_lib.app import judge, words
from gtzan_lib.app.classifier import (
    FACTS,
    FOLDER,
    HEAD,
    MAX_SECONDS,
    MODEL,
    RATE,
    TRACKS,
    Classifier,
    distance,
    open_network,
    windows_of,
)
from gtzan_lib.data import artists, splits
from gtzan_lib.data.audio import read_audio
from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.gtzan import PUBLISHED, Dataset, published_sums
from gtzan_lib.errors import DataError
from gtzan_lib.evaluation import calibration, clusters, metrics

CARD, LICENCE = "README.md", "musicnn-LICENSE.md"
REPETITIONS = 3  # of the three folds by artist, each drawn anew
STRENGTH = 0.03  # the inverse of the penalty (scikit-learn's C), of standard embeddings
# Times the temperature of unheard artists: songs from elsewhere need a higher one.
CALM = 1.2
LOST = 0.05  # of unheard artists' songs that may be called unlike everything
SAME = 0.995  # cosine: GTZAN's repeated recordings have 0.998, its other pairs 0.991
AXES = 80  # principal components, of equal variance, in which distances are measured


def hear(paths: Iterable[Path]) -> tuple[list[str], np.ndarray]:
    """Run the network on files whose names are GTZAN's, such as ``blues.00000.wav``.

    Returned are the tracks and embeddings, float32 (N, 2, 200), of all of each and of
    its first 5 s. ``DataError`` if a name is not that of a published track, or is there
    twice.
    """
    network, found = open_network(FOLDER / MODEL), {}
    for path in paths:
        if path.stem not in published_sums() or path.stem in found:
            raise DataError(f"{path} is no track of GTZAN, or is there twice")
        y = read_audio(path, MAX_SECONDS, RATE).y
        first = y[: words.SHORT_SECONDS // 2 * RATE]
        found[path.stem] = [network(windows_of(x)[0][0])[1] for x in (y, first)]
    if {track.split(".")[0] for track in found} != set(GENRES):
        raise DataError("the audio of GTZAN is needed: WAV files of all ten genres")
    tracks = sorted(found)
    return tracks, np.array([found[track] for track in tracks])


def fit(embeddings: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return weights (200, 10) and biases (10,) of the logistic regression."""
    from sklearn.linear_model import LogisticRegression

    mean, spread = embeddings.mean(axis=0), embeddings.std(axis=0) + 1e-6
    model = LogisticRegression(C=STRENGTH, max_iter=2000)
    model.fit((embeddings - mean) / spread, labels)
    weights = model.coef_.T / spread[:, None]
    return weights, model.intercept_ - mean @ weights


def axes_of(embeddings: np.ndarray) -> dict[str, np.ndarray]:
    """Return ``mean`` (200,) and ``axes`` (200, 80), which whiten embeddings."""
    mean = embeddings.mean(axis=0)
    _, spread, directions = np.linalg.svd(embeddings - mean, full_matrices=False)
    scale = spread[:AXES] / len(embeddings) ** 0.5
    return {"mean": mean, "axes": (directions[:AXES] / scale[:, None]).T}


def ship(
    tracks: list[str],
    embeddings: np.ndarray,
    outside: Path | None,
    folder: Path = FOLDER,
) -> Path:
    """Fit and measure the network; put it in the place of the one in ``folder``.

    The tracks and embeddings are those of ``hear``. ``outside`` is a folder of clips
    that are not GTZAN's (see ``judge``), without which nothing is said of such songs.
    """
    import onnx

    data = Dataset(PUBLISHED, Path(), tuple(published_sums()), "")
    usable = {data.tracks[i] for i in splits.every_track(data)}
    chosen = np.array([track in usable for track in tracks])
    labels = np.array([GENRES.index(t.split(".")[0]) for t in tracks])
    head = fit(embeddings[chosen, 0], labels[chosen])
    facts = measure(tracks, embeddings, labels, data)
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    shutil.copyfile(FOLDER / LICENCE, partial / LICENCE)
    model = onnx.load(FOLDER / MODEL)
    for constant in model.graph.initializer:
        if constant.name in HEAD:
            values = head[HEAD.index(constant.name)] / facts["temperature"]
            new = onnx.numpy_helper.from_array(values.astype(np.float32), constant.name)
            constant.CopyFrom(new)
    onnx.save(model, partial / MODEL)
    np.savez_compressed(
        partial / TRACKS,
        tracks=tracks,
        embeddings=embeddings[:, 0].astype(np.float16),
        **axes_of(embeddings[:, 0]),
    )
    sums = {name: store.sha256(partial / name) for name in (MODEL, TRACKS)}
    facts |= {"learned": int(chosen.sum()), "same": SAME, "sha256": sums}
    store.write_json(partial / FACTS, facts | {"elsewhere": None})
    found = judge.judge(Classifier(partial), outside) if outside else None
    store.write_json(partial / FACTS, facts | {"elsewhere": found})
    text = card(facts | {"elsewhere": found})
    (partial / CARD).write_text(text, encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    return partial.replace(folder)


def measure(
    tracks: list[str], embeddings: np.ndarray, labels: np.ndarray, data: Dataset
) -> dict:
    """Return what is known of unheard artists, as JSON values.

    Each track is answered once a repetition, by layers that did not learn its fold.
    """
    place = {track: n for n, track in enumerate(tracks)}
    logits, far = np.full((REPETITIONS, len(tracks), 2, len(GENRES)), np.nan), []
    for repetition in range(REPETITIONS):
        folds = [
            np.array([place[data.tracks[i]] for i in fold if data.tracks[i] in place])
            for fold in splits.artist_folds(data, repetition)
        ]
        for k, test in enumerate(folds):
            train = np.concatenate([fold for n, fold in enumerate(folds) if n != k])
            weights, biases = fit(embeddings[train, 0], labels[train])
            logits[repetition, test] = embeddings[test] @ weights + biases
            found = axes_of(embeddings[train, 0])
            places = (embeddings[:, 0] - found["mean"]) @ found["axes"]
            far += [distance(places[one], places[train]) for one in test]
    tested = np.flatnonzero(~np.isnan(logits[0, :, 0, 0]))
    labels, (whole, short) = labels[tested], np.moveaxis(logits[:, tested], 2, 0)
    artist = artists.artists_of((tracks[i] for i in tested), PUBLISHED)
    flat, every = whole.reshape(-1, len(GENRES)), np.tile(labels, REPETITIONS)
    temperature = CALM * calibration.fit_temperatures([flat], every)[0]

    def share(hits, some=slice(None)):
        return clusters.share(hits.mean(axis=0)[some], artist[some])

    right = whole.argmax(axis=2) == labels
    top2 = metrics.top_k_hits(flat, every, 2).reshape(right.shape)
    return {
        "tracks": len(tested),
        "artists": len(set(artist)),
        "repetitions": REPETITIONS,
        "accuracy": share(right),
        "top2": share(top2),
        "recall": {genre: share(right, labels == k) for k, genre in enumerate(GENRES)},
        "reliability": calibration.reliability(
            flat / temperature, every, np.tile(artist, REPETITIONS)
        ),
        "short": share(short.argmax(axis=2) == labels),
        "temperature": temperature,
        "farthest": float(np.quantile(far, 1 - LOST)),
    }


def card(facts: dict) -> str:
    """Return the model card of what ``ship`` found, as Markdown."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    templates = Environment(
        loader=PackageLoader("gtzan_lib.app"),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    return templates.get_template("card.md").render(
        facts=facts, words=words, genres=GENRES, calm=CALM, axes=AXES, lost=LOST
    )
