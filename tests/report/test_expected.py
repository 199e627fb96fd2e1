"""The numbers at the notebooks' ends: what agrees, what does not, what is not kept."""

import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
from made import right_for
from scipy import stats
from small import train

from gtzan_lib import store
from gtzan_lib.data.sources import open_dataset
from gtzan_lib.encoders import pooling
from gtzan_lib.report import expected, record

ABOUT = "recipe corrected, lenet from pool, split random"
LOSS = f"{ABOUT}, 2 epochs: last training loss"


@pytest.fixture(scope="module")
def measured(tiny_source, tmp_path_factory):
    """The record of a tiny data set: three seeds, and another run alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GTZAN_RUNS", str(tmp_path_factory.mktemp("expected")))
        runs = [train(tiny_source, epochs=2, seed=seed) for seed in range(3)]
        runs.append(train(tiny_source))
        return record.collect(open_dataset(tiny_source), runs)


@pytest.fixture
def keep(tmp_path, monkeypatch, measured):
    """Keep the record in the place of the committed one, with changes."""
    monkeypatch.setattr(expected, "REPORT", tmp_path)

    def keep(**changes):
        replace(measured, **changes).write(tmp_path)

    keep()
    return keep


def agrees(dataset, numbers):
    """Return the last column of a comparison, and its sentence."""
    table, sentence = expected.compare(dataset, numbers)
    return table["agrees"].tolist(), sentence


def test_a_training_agrees_within_what_other_seeds_predict(tiny, keep, measured):
    kept = list(expected.of_record(measured)[LOSS].values())
    mean, spread = np.mean(kept), np.std(kept, ddof=1)
    low, high = stats.t(2, mean, spread * math.sqrt(1 + 1 / 3)).interval(0.99)
    for value, answer in (
        (low - 1e-4, "no"),
        (low + 1e-4, "yes"),
        (high - 1e-4, "yes"),
        (high + 1e-4, "no"),
    ):
        assert agrees(tiny, {LOSS: {7: value}})[0] == [answer]
    table, sentence = expected.compare(tiny, {LOSS: dict(enumerate(kept))})
    assert sentence == "1 of 1 numbers agree with report/record"
    assert table["here"].item() == table["kept"].item() == pytest.approx(mean)
    of_three = (high - mean) / math.sqrt(1 + 1 / 3) * math.sqrt(2 / 3)
    assert table["tolerance"].item() == pytest.approx(of_three, abs=1e-5)


def test_what_draws_nothing_agrees_to_six_digits(tiny, keep):
    name = "MSE of pooling 4 x 4, nearest"
    error = pooling.pooling_errors(tiny)["nearest"].mean()
    for times, answer in ((1, "yes"), (1 + 1e-7, "yes"), (1.00001, "no")):
        assert agrees(tiny, {name: times * error})[0] == [answer]


def test_tables_show_names_in_words(measured):
    names = set(expected.of_record(measured))
    assert {"pictures", "MSE of pooling 4 x 4, nearest", LOSS} < names
    assert f"{ABOUT}, 1 epoch: top-2" in names
    made = right_for(5, recipe="ensemble", model="crnn+svm", encoder="bands+texture")
    words = "recipe ensemble, crnn+svm from bands+texture, split random, 30 epochs"
    assert list(expected.of_runs([made], ["accuracy"])) == [f"{words}: test accuracy"]


def test_where_nothing_is_kept_nothing_is_compared(tiny, keep, measured, monkeypatch):
    others = (LOSS.replace("2 epochs", words) for words in ("1 epoch", "7 epochs"))
    answers, sentence = agrees(tiny, {k: {0: 2.3} for k in others} | {"pictures": 30})
    assert answers == ["-", "-", "yes"]
    assert sentence.startswith("1 of 1 numbers agree")
    assert "; of 2 with these parameters none" in sentence
    keep(data=measured.data.assign(sha256="0" * 64))
    words = f"not compared: no values are kept of {tiny.name}"
    assert agrees(tiny, {"pictures": 31}) == (["-"], words)
    monkeypatch.setenv(expected.MAKES, "1")
    words = "not compared: this run makes the values that are kept"
    assert agrees(tiny, {"pictures": 31}) == (["-"], words)


def test_the_sample_is_kept_of_seed_0_over_processors(tiny, keep, measured, tmp_path):
    losses = [2.2, 2.21, 2.26]
    of_epochs = measured.epochs
    last = (of_epochs["run"] == measured.runs["run"][0]) & (of_epochs["epoch"] == 2)
    for i, loss in enumerate(losses):
        epochs = of_epochs.assign(loss=of_epochs["loss"].mask(last, loss))
        replace(measured, epochs=epochs).write(tmp_path / f"{i}")
    expected.main(*(str(tmp_path / f"{i}") for i in range(3)))
    shutil.rmtree(tmp_path / "record")
    kept = store.read_json(tmp_path / expected.SAMPLE)["numbers"]
    assert kept["pictures"] == {"value": 30, "spread": 0, "n": 1}
    assert kept[LOSS]["value"] == pytest.approx(np.mean(losses))
    assert kept[LOSS]["spread"] == pytest.approx(np.std(losses, ddof=1))
    numbers = {LOSS: {0: 2.23}, "pictures": 30}
    words = f"2 of 2 numbers agree with report/{expected.SAMPLE}"
    assert agrees(tiny, numbers) == (["yes", "yes"], words)
    assert agrees(tiny, {LOSS: {1: 2.23}})[0] == ["-"]
    assert agrees(tiny, {LOSS: {0: 2.23, 1: 2.23}})[0] == ["-"]


def test_a_network_that_guesses_agrees_with_no_value_of_the_sample(tiny):
    content = store.read_json(expected.REPORT / expected.SAMPLE)
    sample = replace(tiny, sha256=content["data_sha256"])
    guessed = {"loss": math.log(10), "train_accuracy": 0.1}
    for recipe, epochs in (("paper", 100), ("corrected", 40)):
        name = f"recipe {recipe}, lenet from pool, split random, {epochs} epochs"
        numbers = {f"{name}: {expected.METRICS[k]}": {0: v} for k, v in guessed.items()}
        assert agrees(sample, numbers)[0] == ["no", "no"]
