from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.kernel_ridge import KernelRidge
from small import train

from gtzan_lib.experiments import ensembles, runs, suite
from gtzan_lib.models import build as models
from gtzan_lib.parameters import Parameters
from gtzan_lib.registry import RECIPES
from gtzan_lib.training import checkpoints
from gtzan_lib.training import loop as training
from gtzan_lib.training import recipe as augmentation


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


def facts(name):
    return dict(zip(("recipe", "model", "encoder"), suite.MODELS[name], strict=True))


@pytest.fixture(scope="module")
def pair(five_source, tmp_path_factory):
    """A run each of an ensemble's two models, on a split with validation."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GTZAN_RUNS", str(tmp_path_factory.mktemp("pair")))
        return {
            name: [train(five_source, **facts(name), split="three-way")]
            for name in (suite.CRNN, suite.TEXTURE)
        }


def test_an_ensemble_answers_as_its_members_do_together(pair, five):
    temperatures = suite.temperatures(pair)
    ensemble = suite.combine(five, pair, temperatures)[suite.BEST][0]
    there = ensembles.find(five, [group[0] for group in pair.values()])
    assert [run.folder for run in there] == [ensemble.folder]
    assert suite.by_split([ensemble]) == {"three-way": {suite.BEST: [ensemble]}}


def test_an_ensemble_of_other_tracks_is_refused(pair, five, five_source):
    other = train(five_source, seed=1)
    with pytest.raises(ValueError, match="different splits"):
        ensembles.combine(five, [pair[suite.CRNN][0], other], [1, 1])
    with pytest.raises(ValueError, match="two runs of one model"):
        ensembles.combine(five, [other, other], [1, 1])


def test_validation_tracks_are_watched_where_there_are_any(pair):
    run = pair[suite.CRNN][0]
    assert {"validation_loss", "validation_accuracy"} <= set(run.history)
    assert not {"test_loss", "test_accuracy"} & set(run.history)
    assert not set(run.validation["index"]) & set(run.predictions["index"])


def test_a_data_set_without_features_goes_without(tiny):
    assert suite.train_all(tiny, (suite.FEATURES,), "random", "quick") == {}


def test_an_ensemble_takes_the_one_run_of_a_machine_again(pair):
    (crnn,), (svm,) = pair[suite.CRNN], pair[suite.TEXTURE]
    trained = {suite.CRNN: [crnn] * 3, suite.TEXTURE: [svm]}
    assert suite._members(trained)[suite.BEST] == [[crnn, svm]] * 3


def test_every_model_and_ensemble_has_one_name():
    assert len(set(suite.NAMES.values())) == len(suite.NAMES)
    assert set(suite.NAMES.values()) == {*suite.MODELS, *suite.ENSEMBLES}


def test_the_first_epochs_of_a_long_run_are_those_of_a_short_one(tiny):
    facts = {"recipe": "corrected", "model": "lenet-one-dense"}
    long, short = (
        runs.train(tiny, Parameters(epochs=epochs, **facts), progress=False)
        for epochs in (31, 30)
    )
    logits = np.load(long.folder / "test-30.npy")
    np.testing.assert_array_equal(logits, short.predictions["logits"])
    for subset, counts in short.confusions.items():
        np.testing.assert_array_equal(long.confusions[subset][:30], counts)
