import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from small import train

from gtzan_lib.data import packing
from gtzan_lib.encoders import learned
from gtzan_lib.evaluation.metrics import rounded
from gtzan_lib.experiments import runs
from gtzan_lib.models import build as models
from gtzan_lib.registry import RECIPES
from gtzan_lib.training import checkpoints, loop, recipe

RECIPE = RECIPES["corrected"].make()


def subset(n, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, n)
    codes = rng.random((n, 72, 108, 3), np.float32) * (labels / 10)[:, None, None, None]
    return loop.Subset.of(codes.astype(np.float32), labels, "cpu")


def fit(checkpoint, epochs, progress=False, name="lenet", recipe=RECIPE):
    """Return the history, but for how long it took, and the model."""
    model = models.build(name, (3, 72, 108), seed=0)
    data = subset(30), {"test": subset(10, seed=1)}
    history = loop.fit(model, *data, recipe, epochs, 0, checkpoint, progress=progress)
    return {k: v for k, v in history.items() if k != "seconds"}, model


def test_one_batch_starts_at_chance_and_falls(tmp_path):
    history, _ = fit(tmp_path / "c", epochs=8)
    assert history["loss"][0] == pytest.approx(math.log(10), abs=0.02)
    assert history["loss"][-1] < history["loss"][0]


def test_certain_is_what_prints_as_100_percent(tmp_path):
    history, model = fit(tmp_path / "c", epochs=2)
    assert history["train_certain"] == [0, 0]
    with torch.no_grad():
        model[-1].weight.mul_(1e6)
    data, optimizer = subset(30), RECIPE.optimizer(model)
    optimizer.param_groups[0]["lr"] = 0.0
    rng = np.random.default_rng(0)
    _, _, certain = loop.train_epoch(model, data, RECIPE, optimizer, rng)
    p = loop.predict(model, data.x).softmax(1).amax(1)
    assert certain == pytest.approx(float((p >= 0.9995).float().mean()))
    assert certain > 0.5


def test_learning_rates_are_the_papers():
    rates = {0: 0.01, 99: 0.01, 100: 0.006, 199: 0.005, 300: 0.0045, 1299: 0.0045}
    rates[1799] = 0.003
    assert rates == {epoch: RECIPE.learning_rate(epoch, 1800) for epoch in rates}


def test_the_learning_rate_of_augmented_rises_and_falls_to_nothing():
    augmented = RECIPES["augmented"].make()
    rates = [augmented.learning_rate(epoch, 60) for epoch in range(60)]
    top = int(np.argmax(rates))
    assert max(rates) == pytest.approx(2e-3, rel=0.01)
    assert top == 12
    assert (np.diff(rates[:top]) > 0).all()
    assert (np.diff(rates[top:]) < 0).all()
    assert rates[-1] < 1e-5


def test_a_crop_is_a_part_of_the_picture_shifted_over_the_bands():
    rows, columns = torch.meshgrid(torch.arange(64), torch.arange(50), indexing="ij")
    x = (1000 * rows + columns).float().expand(8, 1, 64, 50)
    part = recipe.crop(x, 20, np.random.default_rng(0))
    assert part.shape == (8, 1, 64, 20)
    down, right = part[:, 0] // 1000, part[:, 0] % 1000
    assert (right.diff(dim=2) == 1).all()
    assert set(down.diff(dim=1).unique().tolist()) <= {0, 1}
    assert (down - torch.arange(64)[:, None]).abs().max() <= 64 * recipe.SHIFT
    assert len(right[:, 0, 0].unique()) > 1
    assert len(down[:, 30, 0].unique()) > 1


def test_masks_hide_some_but_not_most():
    x = torch.rand(16, 1, 64, 128)
    masked = recipe.mask(x, np.random.default_rng(0))
    hidden = (masked.std(dim=3) < 0.05).float().mean()  # bands
    assert 0.01 < hidden < recipe.MASK * recipe.MASKS
    assert abs(float(masked.mean() - x.mean())) < 0.1


@pytest.mark.parametrize(
    ("model", "name"), [("lenet", "corrected"), ("crnn", "augmented")]
)
def test_an_interrupted_training_ends_with_the_same_numbers(
    model, name, tmp_path, monkeypatch, capsys
):
    given = {"epochs": 3, "name": model, "recipe": RECIPES[name].make()}
    whole, weights = fit(tmp_path / "whole", **given)

    def stop(*args):
        checkpoints.save(*args)
        if len(args[-1]["loss"]) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(loop, "SAVE_SECONDS", -1)
    with monkeypatch.context() as patch:
        stopping = SimpleNamespace(**vars(checkpoints) | {"save": stop})
        patch.setattr(loop, "checkpoints", stopping)
        with pytest.raises(KeyboardInterrupt):
            fit(tmp_path / "parts", **given)
    again, same = fit(tmp_path / "parts", progress=True, **given)
    assert "going on after epoch 2" in capsys.readouterr().out
    assert again == whole
    for key, value in weights.state_dict().items():
        assert torch.equal(value, same.state_dict()[key]), key


def test_a_run_is_read_again_and_repeated_bit_for_bit(
    tiny_source, tmp_path, monkeypatch
):
    first = train(tiny_source, epochs=2)
    written = (first.folder / "model.safetensors").stat().st_mtime_ns
    assert train(tiny_source, epochs=2).provenance == first.provenance
    assert (first.folder / "model.safetensors").stat().st_mtime_ns == written
    monkeypatch.setenv("GTZAN_RUNS", str(tmp_path / "elsewhere"))
    again = train(tiny_source, epochs=2)
    assert again.folder != first.folder
    assert again.history["loss"] == first.history["loss"]
    logits = (run.predictions["logits"] for run in (first, again))
    np.testing.assert_array_equal(*logits)


def test_a_run_knows_its_data_parameters_and_model(tiny):
    run = train(tiny, seed=7)
    facts = {"data": tiny.name, "data_sha256": tiny.sha256, "seed": 7, "epochs": 1}
    assert facts.items() <= run.provenance.items()
    assert run.provenance["settings"]["batch_size"] == 100
    assert run.confusion.sum() == 6
    assert run.model()(torch.zeros(1, 3, 72, 108)).shape == (1, 10)
    found, left_out = runs.find_runs(tiny)
    assert [r.folder for r in found] == [run.folder]
    assert left_out == []
    (run.folder / "history.json").write_text('{"loss": [1.0]}')
    assert runs.find_runs(tiny) == ([], [run.folder.name])


def test_a_learned_encoder_stays_with_its_run(tiny):
    run = train(tiny, encoder="conv")
    shown = run.predictions["index"][:3]
    encoder = learned.load(run.folder / "encoder.safetensors", "conv")
    x = torch.from_numpy(encoder.prepare(packing.pack(tiny)[shown]))
    with torch.no_grad():
        codes = (encoder.encode(x) * 255).round() / 255
    logits = loop.predict(run.model(), codes).numpy()
    np.testing.assert_allclose(logits, run.predictions["logits"][:3], atol=6e-4)


@pytest.mark.slow
def test_the_first_epochs_of_a_long_run_are_those_of_a_short_one(tiny):
    long, short = (train(tiny, model="lenet-one-dense", epochs=e) for e in (31, 30))
    logits = np.load(long.folder / "test-30.npy")
    np.testing.assert_array_equal(rounded(logits), short.predictions["logits"])
    for part, counts in short.confusions.items():
        np.testing.assert_array_equal(long.confusions[part][:30], counts)


@pytest.mark.parametrize("row", [{}, {"recipe": "polka"}, {"model": ["lenet"]}])
def test_a_run_of_a_stranger_s_key_is_not_of_this_code(row):
    assert not runs.is_current(row)
