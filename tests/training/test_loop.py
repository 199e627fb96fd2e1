import math

import numpy as np
import pytest
import torch
from small import train

from gtzan_lib.data import packing
from gtzan_lib.encoders import learned
from gtzan_lib.experiments import runs
from gtzan_lib.models import build as models
from gtzan_lib.registry import RECIPES
from gtzan_lib.training import loop as training

RECIPE = RECIPES["corrected"].make()


def subset(n, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, n)
    codes = rng.random((n, 72, 108, 3), np.float32) * (labels / 10)[:, None, None, None]
    return training.Subset.of(codes.astype(np.float32), labels, "cpu")


def numbers(history):
    """Return what has to be the same in a repetition: all but how long it took."""
    return {name: values for name, values in history.items() if name != "seconds"}


def fit(checkpoint, epochs, model=None, progress=False):
    model = model or models.build("lenet", (3, 72, 108), seed=0)
    data = subset(30), subset(10, seed=1)
    history = training.fit(
        model, *data, RECIPE, epochs, 0, checkpoint, "test", progress
    )
    return history, model


def test_one_batch_starts_at_chance_and_falls(tmp_path):
    history, _ = fit(tmp_path / "c", epochs=8)
    assert history["loss"][0] == pytest.approx(math.log(10), abs=0.02)
    assert history["loss"][-1] < history["loss"][0]


def test_softmax_twice_cannot_go_below_its_floor():
    certain = 1000 * torch.eye(10)
    labels = torch.arange(10)
    floor = RECIPES["paper"].make().loss(certain, labels)
    assert float(floor) == pytest.approx(math.log(math.e + 9) - 1)
    assert float(RECIPE.loss(certain, labels)) == 0


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("corrected", lambda z: z),
        ("paper", lambda z: torch.exp(z) / torch.exp(z).sum()),
        ("sigmoid", lambda z: 1 / (1 + torch.exp(-z))),
    ],
)
def test_cross_entropy_is_given_what_the_recipe_says(name, given):
    z = torch.tensor([2.0, -1.0, 0.5, 0.0, 3.0, 1.0, -2.0, 0.0, 1.5, -0.5])
    scores = given(z)
    by_hand = torch.log(torch.exp(scores).sum()) - scores[4]
    loss = RECIPES[name].make().loss(z[None], torch.tensor([4]))
    assert float(loss) == pytest.approx(float(by_hand), abs=1e-6)


def test_smoothed_labels_give_each_genre_a_share():
    z = torch.tensor([[2.0, *[0.0] * 9]])
    log_p = torch.log_softmax(z, dim=1)[0]
    by_hand = -(0.7 * log_p[0] + 0.3 * log_p.mean())
    loss = RECIPES["smoothed-more"].make().loss(z, torch.tensor([0]))
    assert float(loss) == pytest.approx(float(by_hand), abs=1e-6)


def test_certain_is_what_prints_as_100_percent(tmp_path):
    history, model = fit(tmp_path / "c", epochs=2)
    assert history["train_certain"] == [0, 0]
    with torch.no_grad():
        model[-1].weight.mul_(1e6)
    data, optimizer = subset(30), RECIPE.optimizer(model)
    optimizer.param_groups[0]["lr"] = 0.0
    rng = np.random.default_rng(0)
    _, _, certain = training.train_epoch(model, data, RECIPE, optimizer, rng)
    p = training.predict(model, data.x).softmax(1).amax(1)
    assert certain == pytest.approx(float((p >= 0.9995).float().mean()))
    assert certain > 0.5


def test_learning_rates_are_the_papers():
    rates = {
        e: RECIPE.learning_rate(e, 1800) for e in (0, 99, 100, 199, 300, 1299, 1799)
    }
    assert rates == {
        0: 0.01,
        99: 0.01,
        100: 0.006,
        199: 0.005,
        300: 0.0045,
        1299: 0.0045,
        1799: 0.003,
    }


def test_an_interrupted_training_ends_with_the_same_numbers(tmp_path, capsys):
    whole, model = fit(tmp_path / "whole", epochs=5)
    fit(tmp_path / "parts", epochs=2)
    parts, again = fit(tmp_path / "parts", epochs=5, progress=True)
    assert "going on after epoch 2" in capsys.readouterr().out
    assert numbers(parts) == numbers(whole)
    for name, weights in model.state_dict().items():
        assert torch.equal(weights, again.state_dict()[name])


@pytest.mark.parametrize("position", [3, 200, -5])
def test_a_damaged_checkpoint_is_a_new_start(tmp_path, position, capsys):
    whole, _ = fit(tmp_path / "c", epochs=2)
    content = bytearray((tmp_path / "c").read_bytes())
    content[position] ^= 1
    (tmp_path / "c").write_bytes(content)
    again, _ = fit(tmp_path / "c", epochs=2, progress=True)
    assert "going on" not in capsys.readouterr().out
    assert numbers(again) == numbers(whole)


def test_a_run_is_repeated_bit_for_bit_and_read_again(
    tiny_source, tmp_path, monkeypatch
):
    first = train(tiny_source, epochs=2)
    written = (first.folder / "model.safetensors").stat().st_mtime_ns
    assert train(tiny_source, epochs=2).provenance == first.provenance
    assert (first.folder / "model.safetensors").stat().st_mtime_ns == written
    monkeypatch.setenv("GTZAN_RUNS", str(tmp_path / "elsewhere"))
    again = train(tiny_source, epochs=2)
    assert again.folder != first.folder
    assert numbers(again.history) == numbers(first.history)
    np.testing.assert_array_equal(
        again.predictions["logits"], first.predictions["logits"]
    )


def test_a_run_knows_its_data_parameters_and_model(tiny):
    run = train(tiny, seed=7)
    facts = {"data": tiny.name, "data_sha256": tiny.sha256, "seed": 7, "epochs": 1}
    assert facts.items() <= run.provenance.items()
    assert run.provenance["settings"]["batch_size"] == 100
    assert run.confusion.sum() == 6
    x = torch.zeros(1, 3, 72, 108)
    assert run.model()(x).shape == (1, 10)
    found, left_out = runs.find_runs(tiny)
    assert [r.folder for r in found] == [run.folder]
    assert left_out == []


def test_a_learned_encoder_stays_with_its_run(tiny):
    run = train(tiny, encoder="conv")
    shown = run.predictions["index"][:3]
    encoder = learned.load(run.folder / "encoder.safetensors", "conv")
    x = torch.from_numpy(encoder.prepare(packing.pack(tiny)[shown]))
    with torch.no_grad():
        codes = (encoder.encode(x) * 255).round() / 255
    logits = training.predict(run.model(), codes).numpy()
    np.testing.assert_allclose(logits, run.predictions["logits"][:3], atol=1e-5)
