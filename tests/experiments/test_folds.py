"""Folds that test every track once, of runs that are made up."""

from types import SimpleNamespace

import numpy as np
import pytest

from gtzan_lib.experiments import folds

RIGHT = {folds.KNOWN: 0.9, folds.UNHEARD: 0.6}
TRACKS = np.arange(600)
LABELS = TRACKS % 10
ARTISTS = TRACKS // 20 * 10 + LABELS  # two tracks of each
ARTISTS[-100:] = TRACKS[-100:]  # but for the last, whose have one


def run(split, seed, scale=1.0):
    """A run that is right for a share of its test tracks, told by the split."""
    rng = np.random.default_rng(seed)
    fold = np.random.default_rng(seed // 3).permutation(TRACKS % 3)
    if split == folds.UNHEARD:
        fold = (
            np.random.default_rng(seed // 3).permutation(ARTISTS.max() + 1)[ARTISTS] % 3
        )
    index = np.flatnonzero(fold == seed % 3)
    answer = np.where(rng.random(len(index)) < RIGHT[split], LABELS[index], 0)
    logits = scale * (np.eye(10)[answer] + 0.1 * rng.normal(size=(len(index), 10)))
    return SimpleNamespace(
        provenance={"split": split, "seed": seed},
        predictions={"index": index, "labels": LABELS[index], "logits": logits},
        artists=ARTISTS[index],
    )


def runs(split, seeds, **kind):
    return [run(split, seed, **kind) for seed in seeds]


def test_three_seeds_test_every_track_once():
    for split in RIGHT:
        answers = folds.gather(runs(split, range(9)))
        assert answers.index.tolist() == TRACKS.tolist()
        assert answers.logits.shape == (3, 600, 10)
        assert (answers.labels == LABELS).all()
        assert (answers.artists == ARTISTS).all()
        one = run(split, 4)
        mine = one.predictions["index"]
        assert (answers.logits[1][mine] == one.predictions["logits"]).all()
        assert (answers.folds[1][mine] == 1).all()


def test_only_whole_repetitions_count():
    assert folds.gather(runs(folds.KNOWN, [0, 1, 3, 4, 5])).logits.shape[0] == 1
    assert folds.gather(runs(folds.KNOWN, [0, 1])) is None


def test_temperatures_are_those_of_the_other_folds():
    answers = folds.gather(runs(folds.UNHEARD, range(3), scale=20))
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
    assert before["sure"] > after["sure"]


def test_an_ensemble_has_the_repetitions_that_its_models_share():
    for split in RIGHT:
        few = folds.gather(runs(split, range(3, 6)))
        others = folds.gather(runs(split, range(9)))
        assert folds.together([others, few]).temperatures.shape == (1, 3, 2)
