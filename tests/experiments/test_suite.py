import numpy as np
import pytest
from scipy.special import log_softmax
from small import train

from gtzan_lib.experiments import suite, tables

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pair(five_source, tmp_path_factory):
    """A run each of an ensemble's two models, on a split with validation."""

    def one(name):
        facts = zip(("recipe", "model", "encoder"), suite.MODELS[name], strict=True)
        return [train(five_source, **dict(facts), split="three-way")]

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GTZAN_RUNS", str(tmp_path_factory.mktemp("pair")))
        return {name: one(name) for name in (suite.CRNN, suite.TEXTURE)}


def test_an_ensemble_answers_with_the_mean_of_its_members(pair):
    runs = [run for group in pair.values() for run in group]
    (ensemble,) = suite.ensembles(runs)
    assert suite.by_split([ensemble]) == {"three-way": {suite.BEST: [ensemble]}}
    assert [run for run, _ in ensemble.members] == runs
    tracks = [str(i) for i in range(50)]
    row = tables.of_runs([ensemble], tracks)["runs"].iloc[0]
    assert row["member.1"] == runs[1].name
    each = [
        log_softmax(run.predictions["logits"] / row[f"temperature.{i}"], axis=1)
        for i, run in enumerate(runs)
    ]
    said = ensemble.predictions["logits"]
    np.testing.assert_allclose(said, np.mean(each, axis=0), atol=6e-4)


def test_an_ensemble_of_other_tracks_is_refused(pair, five_source):
    other = train(five_source, seed=1)
    with pytest.raises(ValueError, match="different splits"):
        suite.ensemble([pair[suite.CRNN][0], other], [1, 1])


def test_every_part_that_is_held_out_is_measured_by_epoch(pair):
    run = pair[suite.CRNN][0]
    for part, said in (("validation", run.validation), ("test", run.predictions)):
        right = np.mean(said["logits"].argmax(axis=1) == said["labels"])
        assert run.history[f"{part}_accuracy"][-1] == right
        assert len(run.history[f"{part}_loss"]) == len(run.history["loss"])
    assert not set(run.validation["index"]) & set(run.predictions["index"])


def test_an_ensemble_takes_the_one_run_of_a_machine_again(pair):
    (crnn,), (svm,) = pair[suite.CRNN], pair[suite.TEXTURE]
    for networks, machines, n in ((3, 1, 3), (3, 5, 3), (1, 5, 1)):
        trained = {suite.CRNN: [crnn] * networks, suite.TEXTURE: [svm] * machines}
        assert suite._members(trained)[suite.BEST] == [[crnn, svm]] * n
