import errno
import os
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.kernel_ridge import KernelRidge
from small import train
from torch import nn

from gtzan_lib.app.classifier import Classifier
from gtzan_lib.data.sources import open_dataset
from gtzan_lib.errors import UserError
from gtzan_lib.evaluation import calibration
from gtzan_lib.evaluation import metrics as evaluation
from gtzan_lib.experiments import ensembles as fusion
from gtzan_lib.experiments import runs
from gtzan_lib.experiments import suite as beyond
from gtzan_lib.models import build as models
from gtzan_lib.registry import RECIPES
from gtzan_lib.training import checkpoints
from gtzan_lib.training import loop as training
from gtzan_lib.training import recipe as augmentation


def quiet(line):
    """Report nothing."""


def vectors(n, rng, windows=2, values=9):
    labels = np.arange(n) % 10
    x = rng.normal(size=(n, windows, values)) + labels[:, None, None] * np.linspace(
        -1, 1, values
    )
    return torch.from_numpy(x).float(), torch.from_numpy(labels)


def test_the_svm_is_scikit_learns_kernel_ridge_regression():
    rng = np.random.default_rng(0)
    x, labels = vectors(40, rng)
    model = models.build("svm", (2, 9), seed=0)
    model.solve(x, labels)
    other, _ = vectors(10, rng)
    z = model.project(x).flatten(0, 1).numpy()
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-5)
    z = z.astype(np.float16).astype(np.float32)  # as the machine keeps them
    targets = (2 * np.eye(10)[labels] - 1).repeat(2, axis=0)
    theirs = KernelRidge(alpha=0.1, kernel="rbf", gamma=float(model.gamma))
    expected = theirs.fit(z, targets).predict(model.project(other).flatten(0, 1))
    expected = expected.reshape(10, 2, 10).mean(axis=1)
    np.testing.assert_allclose(training.predict(model, other), expected, atol=1e-4)
    assert (training.predict(model, x).argmax(1) == labels).float().mean() > 0.9


def test_a_constant_value_does_not_disturb_the_svm():
    x, labels = vectors(40, np.random.default_rng(0))
    x[..., 0] = 3
    model = models.build("svm", (2, 9), seed=0)
    model.solve(x, labels)
    assert torch.isfinite(training.predict(model, x)).all()


def test_a_crop_is_a_part_of_the_picture_shifted_over_the_bands():
    rows, columns = torch.meshgrid(torch.arange(64), torch.arange(50), indexing="ij")
    x = (1000 * rows + columns).float().expand(8, 1, 64, 50)
    part = augmentation.crop(x, 20, np.random.default_rng(0))
    assert part.shape == (8, 1, 64, 20)
    down, right = part[:, 0] // 1000, part[:, 0] % 1000
    assert (right.diff(dim=2) == 1).all()
    assert set(down.diff(dim=1).unique().tolist()) <= {0, 1}
    assert (down - torch.arange(64)[:, None]).abs().max() <= 64 * augmentation.SHIFT
    assert len(right[:, 0, 0].unique()) > 1
    assert len(down[:, 30, 0].unique()) > 1


def test_masks_hide_some_but_not_most():
    x = torch.rand(16, 1, 64, 128)
    masked = augmentation.mask(x, np.random.default_rng(0))
    flat = masked.std(dim=3)  # of a hidden band
    hidden = (flat < 0.05).float().mean()
    assert 0.01 < hidden < 2 * augmentation.MASK * augmentation.MASKS / 2
    assert abs(float(masked.mean() - x.mean())) < 0.1


def test_the_learning_rate_rises_and_falls_to_nothing():
    rates = [
        RECIPES["augmented"].make().learning_rate(epoch, 60) for epoch in range(60)
    ]
    top = int(np.argmax(rates))
    assert max(rates) == pytest.approx(2e-3, rel=0.01)
    assert top == 12
    assert (np.diff(rates[:top]) > 0).all()
    assert (np.diff(rates[top:]) < 0).all()
    assert rates[-1] < 1e-5


def test_an_interrupted_augmented_training_ends_the_same(tmp_path, monkeypatch, capsys):
    rng = np.random.default_rng(0)
    codes = rng.random((20, 64, 160, 1), np.float32)
    subset = training.Subset.of(codes, np.arange(20) % 10, "cpu")

    def fit(name):
        model = models.build("crnn", (1, 64, 160), seed=0)
        recipe = RECIPES["augmented"].make()
        shown = (subset, subset, recipe, 3, 0, tmp_path / name)
        return training.fit(model, *shown), model

    whole, model = fit("whole")

    def stop(*args):
        checkpoints.save(*args)
        if len(args[-1]["loss"]) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(training, "SAVE_SECONDS", -1)
    with monkeypatch.context() as patch:
        stopping = SimpleNamespace(**vars(checkpoints) | {"save": stop})
        patch.setattr(training, "checkpoints", stopping)
        with pytest.raises(KeyboardInterrupt):
            fit("parts")
    again, same = fit("parts")
    assert "going on after epoch 2" in capsys.readouterr().out
    assert again["loss"] == whole["loss"]
    for name, weights in model.state_dict().items():
        assert torch.equal(weights, same.state_dict()[name]), name


def test_the_temperature_is_what_logits_were_multiplied_by():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20_000, 10))
    p = evaluation.softmax(logits)
    labels = (p.cumsum(axis=1) > rng.random((len(p), 1))).argmax(axis=1)
    (found,) = calibration.fit_temperatures([3 * logits], labels)
    assert found == pytest.approx(3, rel=0.05)
    guesses = rng.normal(size=logits.shape)  # of a model that knows nothing
    knows, does_not = calibration.fit_temperatures([logits, guesses], labels)
    assert knows == pytest.approx(1 / 2, rel=0.05)  # half of a sum is its mean
    assert does_not > 20
    assert calibration.expected_calibration_error(logits, labels) < 0.01
    assert calibration.expected_calibration_error(3 * logits, labels) > 0.2
    few = [calibration.error_by_chance(logits[:n]) for n in (100, 400)]
    assert 0.1 > few[0] > 1.5 * few[1] > 0.03
    assert calibration.error_by_chance(50 * np.eye(10)) < 1e-6
    hits, size = calibration.fewest_genres(logits, labels)
    assert hits["value"] >= 0.9
    assert 1 < size < 10


def test_bins_count_every_prediction_and_a_sure_hit_has_no_error():
    logits = 50 * np.eye(10)
    rows = calibration.reliability(logits, np.arange(10))
    assert [row["n"] for row in rows] == [10]
    assert calibration.expected_calibration_error(logits, np.arange(10)) < 1e-6
    assert (
        calibration.expected_calibration_error(logits, (np.arange(10) + 1) % 10) > 0.99
    )
    assert calibration.fewest_genres(logits, np.arange(10))[1] == 1


def test_fusing_averages_log_probabilities():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 5, 10))
    fused = calibration.fuse([a, b], [1, 2])
    expected = (nn.functional.log_softmax(torch.from_numpy(a), 1)) / 2
    expected = expected + nn.functional.log_softmax(torch.from_numpy(b) / 2, 1) / 2
    np.testing.assert_allclose(fused, expected)


@pytest.fixture(scope="module")
def pair(five_source, tmp_path_factory):
    """A run each of the two models that are fused, on a split with validation."""
    epochs = {"augmented": 1}
    names = (beyond.CRNN, beyond.TEXTURE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GTZAN_RUNS", str(tmp_path_factory.mktemp("pair")))
        return beyond.train_all(
            open_dataset(five_source), names, "three-way", 1, epochs
        )


def test_a_fusion_answers_as_its_members_do_together(pair, five):
    temperatures = beyond.temperatures(pair)
    fused = beyond.fuse(five, pair, temperatures)[beyond.BEST][0]
    found = fusion.find(five, [group[0] for group in pair.values()])
    assert [run.folder for run in found] == [fused.folder]
    assert beyond.name_of(fused) == beyond.BEST
    opened = runs.open_run(fused.folder)
    index = opened.predictions["index"][0]
    answer = Classifier(opened).predict_file(five.image_path(five.tracks[index]))
    expected = evaluation.softmax(opened.predictions["logits"][0].astype(float))
    np.testing.assert_allclose(answer.probabilities, expected, atol=1e-5)
    alone = Classifier(pair[beyond.TEXTURE][0])
    assert alone.predict_file(five.image_path(five.tracks[0])).embedding.size > 1


def test_a_fusion_of_other_tracks_is_refused(pair, five, five_source):
    other = train(five_source, seed=1)
    with pytest.raises(ValueError, match="different splits"):
        fusion.fuse(five, [pair[beyond.CRNN][0], other], [1, 1])
    with pytest.raises(ValueError, match="another of its model and encoder"):
        fusion.fuse(five, [other, other], [1, 1])


def test_a_fusion_that_was_interrupted_is_made_again(pair, five, monkeypatch):
    members = [group[0] for group in pair.values()]

    def stop(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(fusion.evaluation, "evaluate", stop)
        with pytest.raises(KeyboardInterrupt):
            fusion.fuse(five, members, [1, 1])
    assert fusion.find(five, members) == []
    fused = fusion.fuse(five, members, [1, 1])
    assert [run.folder for run in fusion.find(five, members)] == [fused.folder]


def test_a_full_disk_during_a_fusion_is_one_sentence(pair, five, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(fusion.shutil, "copy", full)
    with pytest.raises(UserError, match="cannot write"):
        fusion.fuse(five, [group[0] for group in pair.values()], [1, 1])


def test_validation_tracks_are_watched_where_there_are_any(pair):
    run = pair[beyond.CRNN][0]
    assert {"validation_loss", "validation_accuracy"} <= set(run.history)
    assert not {"test_loss", "test_accuracy"} & set(run.history)
    assert not set(run.validation["index"]) & set(run.predictions["index"])


def test_a_closed_form_model_has_no_recipe_and_no_epochs(pair):
    facts = pair[beyond.TEXTURE][0].provenance
    assert (facts["recipe"], facts["epochs"]) == ("closed-form", 1)


def test_the_ladder_pairs_models_and_seeds(pair):
    rows = beyond.ladder({"a": pair, "b": pair}, "a")
    assert [row["split"] for row in rows] == ["a", "a", "b", "b"]
    assert {row["change"]["value"] for row in rows} == {0}
    assert "b, change" in beyond.ladder_table(rows)[0]


def test_a_data_set_without_features_goes_without(tiny, capsys):
    assert beyond.train_all(tiny, (beyond.FEATURES,), "random", 1, {}) == {}
    assert "no table of features" in capsys.readouterr().out
    assert beyond.feature_agreement(tiny, 3) == []


def test_every_model_and_fusion_has_one_name():
    assert len(set(beyond.NAMES.values())) == len(beyond.NAMES)
    assert set(beyond.NAMES.values()) == {*beyond.MODELS, *beyond.FUSED}
