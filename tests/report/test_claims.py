import math
from types import SimpleNamespace

import pytest

from gtzan_lib.report import claims
from gtzan_lib.errors import DataError

CLAIM = """
[[claim]]
id = "loss"
section = "3"
claim = "The loss ends at 1.83."
paper = "1.83"
measure = "metric"
with = { name = "loss@last", recipe = "paper" }
value = 1.83
tolerance = 0.1
"""


def ours(value, low=math.nan, high=math.nan):
    return {"value": value, "low": low, "high": high}


@pytest.mark.parametrize(
    ("claim", "measured", "verdict"),
    [
        ({"value": 0.5, "tolerance": 0.05}, ours(0.55), "reproduced"),
        ({"value": 0.5, "tolerance": 0.05}, ours(0.56), "not reproduced"),
        ({"value": 0.5, "tolerance": 0.05}, ours(0.56, 0.49, 0.63), "reproduced"),
        ({"value": 0.5, "tolerance": 0.05}, ours(0.6, 0.53, 0.67), "not reproduced"),
        ({"above": 0}, ours(0.1, 0.01, 0.2), "reproduced"),
        ({"above": 0}, ours(0.1, -0.01, 0.2), "not reproduced"),
        ({"below": 0.01}, ours(0.0101), "not reproduced"),
        ({"below": 0.01}, ours(0.0099), "reproduced"),
        ({"below": 0.01}, None, "cannot be tested"),
        ({"below": 0.01}, ours(math.nan), "cannot be tested"),
        ({}, None, "cannot be tested"),
        ({"says": ["a", "b"]}, ours(0.5), "contradicted by the paper itself"),
    ],
)
def test_verdicts_follow_the_rules(claim, measured, verdict):
    assert claims.verdict(claim, measured) == verdict


def test_a_gain_is_that_of_the_first_over_the_second():
    def run(encoder, seed, value):
        facts = {"recipe": "corrected", "model": "lenet", "split": "random"}
        facts |= {"encoder": encoder, "seed": seed, "epochs": 1}
        metrics = {"accuracy": ours(value)}
        return SimpleNamespace(name=encoder, provenance=facts, metrics=metrics)

    found = [run("conv", 1, 0.9), run("conv", 0, 0.6), run("conv", 2, 0.1)]
    found += [run("pool", 0, 0.5), run("pool", 1, 0.7)]
    conv, pool = {"encoder": "conv"}, {"encoder": "pool"}
    estimate, _ = claims.gain({}, found, "accuracy", of=conv, against=pool)
    assert estimate["value"] == pytest.approx(0.15)
    estimate, _ = claims.gain({}, found, "accuracy", of=pool, against=conv)
    assert estimate["value"] == pytest.approx(-0.15)


def test_the_ledger_answers_what_it_has_to():
    ledger = claims.load()
    assert len(ledger) >= 25
    names = {claim["id"] for claim in ledger}
    assert names >= {
        *("abstract-epochs", "last-loss", "test-accuracy", "limitations-test", "top-2"),
        *("hiphop-always", "metal", "classical", "pooling-mse", "learning-rate"),
        *("loss-formula", "references", "compression-kb", "dense-layers", "rnn"),
        *("three-way-split", "other-inputs", "web-page", "autoencoder-loses-less"),
    }
    untestable = [claim for claim in ledger if "reason" not in claim]
    assert not [claim for claim in untestable if "measure" not in claim]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (('section = "3"', ""), "claim loss in .*: section is missing"),
        (("tolerance = 0.1", "tolerence = 0.1"), "there is no tolerence"),
        (("tolerance = 0.1", ""), "value and tolerance come together"),
        (("tolerance = 0.1", "tolerance = 0.1\nabove = 2"), "both value and above"),
        (('"metric"', '"metrics"'), "there is no measure metrics: they are fact"),
        (("recipe =", "recip ="), "runs have no parameter recip"),
        (("loss@last", "loss@latest"), "metric knows no loss@latest"),
        (("name =", "nam ="), "missing a required argument: 'name'"),
        (("[[claim]]", "[[claim"), "is not a ledger of claims"),
        (("\n[[claim]]", CLAIM + "\n[[claim]]"), "claim loss is in .* twice"),
    ],
)
def test_a_malformed_ledger_is_refused_with_a_sentence(tmp_path, change, sentence):
    path = tmp_path / "claims.toml"
    path.write_text(CLAIM.replace(*change, 1))
    with pytest.raises(DataError, match=sentence):
        claims.load(path)


def test_what_no_run_measures_cannot_be_tested(tmp_path):
    path = tmp_path / "claims.toml"
    path.write_text(CLAIM)
    (answer,) = claims.answer(claims.load(path), {}, [])
    assert answer["verdict"] == "cannot be tested"
    assert answer["reason"] == "No finished runs of this data measure it."
    assert (answer["ours"], answer["source"]) == ("", [])
