"""Folds that test every track once, of runs that are made up."""

from types import SimpleNamespace

import numpy as np
import pytest

from gtzan_lib.experiments import folds

TRACKS = np.arange(600)
LABELS = TRACKS % 10


def run(seed, scale=1.0):
    """A run that is right for 0.6 of its test tracks."""
    rng = np.random.default_rng(seed)
    fold = np.random.default_rng(seed // 3).permutation(TRACKS % 3)
    index = np.flatnonzero(fold == seed % 3)
    answer = np.where(rng.random(len(index)) < 0.6, LABELS[index], 0)
    logits = scale * (np.eye(10)[answer] + 0.1 * rng.normal(size=(len(index), 10)))
    return SimpleNamespace(
        provenance={"split": folds.UNHEARD, "seed": seed},
        predictions={"index": index, "labels": LABELS[index], "logits": logits},
        artists=index // 2,
    )


def test_three_seeds_test_every_track_once_and_only_whole_repetitions_count():
    answers = folds.gather([run(seed) for seed in (*range(9), 10, 11)])
    assert answers.index.tolist() == TRACKS.tolist()
    assert answers.logits.shape == (3, 600, 10)
    assert (answers.labels == LABELS).all()
    assert (answers.artists == TRACKS // 2).all()
    mine = run(4).predictions["index"]
    assert (answers.logits[1][mine] == run(4).predictions["logits"]).all()
    assert (answers.folds[1][mine] == 1).all()
    assert folds.gather([run(0), run(1)]) is None
    few = folds.gather([run(seed) for seed in range(3, 6)])  # an ensemble's, shared
    assert folds.together([answers, few]).temperatures.shape == (1, 3, 2)


def test_temperatures_are_those_of_the_other_folds():
    answers = folds.gather([run(seed, scale=20) for seed in range(3)])
    scaled = folds.together([answers])
    assert (scaled.hits == answers.hits).all()
    harmless = answers.logits.copy()
    harmless[0][answers.folds[0] == 1] *= 100  # which only others' temperatures see
    other = folds.together([folds.replace(answers, logits=harmless)])
    assert other.temperatures[0, 1] == pytest.approx(scaled.temperatures[0, 1])
    assert other.temperatures[0, 0] > 2 * scaled.temperatures[0, 0]
    before, after = folds.trust(folds.together([answers], [1])), folds.trust(scaled)
    assert before["right"] == after["right"]
    assert before["too_sure"]["low"] > 0.2
    assert after["too_sure"]["low"] < 0 < after["too_sure"]["high"]
    assert after["error"] < before["error"] / 3
