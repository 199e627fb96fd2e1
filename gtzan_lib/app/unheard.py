"""How good a run's model is on artists that it never heard, for its page and card.

Used by ``gtzan ship`` and by notebook 06.
"""

import numpy as np

from gtzan_lib.app import words
from gtzan_lib.app.classifier import MAX_SECONDS, Classifier
from gtzan_lib.data.audio import SAMPLE_RATE, read_audio
from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.gtzan import Dataset
from gtzan_lib.evaluation import calibration, clusters, metrics
from gtzan_lib.experiments import ensembles, folds, suite
from gtzan_lib.experiments.run import Run
from gtzan_lib.experiments.runs import find_runs


def measure(run: Run, dataset: Dataset) -> dict | None:
    """Measure a run's model on artists that it never heard; None if none is trained.

    Returned are JSON values, of the same models trained on split artist-folds:
    estimates, by artist, of ``accuracy``, ``top2`` and, by genre, ``recall``; the
    ``split`` and its numbers of ``tracks``, ``artists`` and ``repetitions``; ``train``,
    of how many tracks, at least and at most, they learned; ``reliability`` as
    ``evaluation.calibration`` has it; names of the ``runs``; and ``short``, what
    ``first_seconds`` says of the folds' ensembles.
    """
    same = ("recipe", "model", "encoder", "epochs")
    kinds = [[member.provenance[k] for k in same] for member, _ in run.members]
    found, _ = find_runs(dataset)
    found = [r for r in found if [r.provenance[k] for k in same] in kinds]
    trained = suite.by_split(found).get(folds.UNHEARD, {})
    both = suite.answers(trained).get(suite.name_of(run))
    if both is None:
        return None
    answers, n = both[1], len(both[1].logits)
    labels, artists = (np.tile(a, n) for a in (answers.labels, answers.artists))
    logits = np.concatenate(answers.logits)
    second = metrics.top_k_hits(logits, labels, 2)
    learnt = [
        r.provenance["subsets"]["train"] for group in trained.values() for r in group
    ]
    of_folds = [
        each
        for each in ensembles.find(dataset, found)
        if each.provenance["split"] == folds.UNHEARD
    ]
    of = {genre: answers.labels == label for label, genre in enumerate(GENRES)}
    recall = {
        genre: folds.right(answers.hits[:, chosen], answers.artists[chosen])
        for genre, chosen in of.items()
    }
    return {
        "accuracy": folds.right(answers.hits, answers.artists),
        "top2": folds.right(second.reshape(n, -1), answers.artists),
        "recall": recall,
        "split": folds.UNHEARD,
        "tracks": len(answers.labels),
        "train": [min(learnt), max(learnt)],
        "artists": len(np.unique(artists)),
        "repetitions": n,
        "reliability": calibration.reliability(logits, labels, artists),
        "short": first_seconds(dataset, of_folds),
        "runs": [member.name for group in trained.values() for member in group],
    }


def first_seconds(dataset: Dataset, some: list[Run]) -> dict | None:
    """Return how often the first 10 s of test tracks are named as the whole is.

    Of ``some`` runs, and of those of their test tracks whose audio is there: the number
    of ``tracks``, and ``same``, an estimate by artist. None if there is no audio.
    """
    same, artists = [], []
    for run in some:
        classifier = Classifier(run)
        for i, artist in zip(run.predictions["index"], run.artists, strict=True):
            path = dataset.audio_path(dataset.tracks[i])
            if path.is_file():
                y = read_audio(path, MAX_SECONDS).y
                parts = y, y[: words.SHORT_SECONDS * SAMPLE_RATE]
                whole, part = (classifier.predict_audio(x, {}).genre for x in parts)
                same.append(whole == part)
                artists.append(artist)
    share = clusters.share(np.array(same), np.array(artists))
    return {"tracks": len(same), "same": share} if same else None
