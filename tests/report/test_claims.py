import math
from types import SimpleNamespace

import pytest
from made import right_for

from gtzan_lib.errors import DataError
from gtzan_lib.report import claims
from gtzan_lib.report.evidence import Evidence

CLAIM = """
[paper."3"]
last_loss = "1.83"

[tolerance.loss]
size = 0.1
reason = "as losses vary"

[[claim]]
id = "loss"
kind = "measured"
section = "3"
claim = "The loss ends at 1.83."
prints = "last_loss"
measure = "metric"
with = { metric = "loss", recipe = "paper" }
tolerance = "loss"
"""


def ours(value, low=math.nan, high=math.nan):
    return {"value": value, "low": low, "high": high}


@pytest.mark.parametrize(
    ("claim", "measured", "verdict"),
    [
        ({"value": 0.5, "tolerance": 0.05}, ours(0.55), "reproduced"),
        ({"value": 0.5, "tolerance": 0.05}, ours(0.5, 0.45, 0.55), "reproduced"),
        ({"value": 0.5, "tolerance": 0.05}, ours(0.5, 0.44, 0.54), "undecided"),
        ({"value": 0.5, "tolerance": 0.05}, ours(0.63, 0.56, 0.7), "not reproduced"),
        ({"above": 0}, ours(0.1, -0.01, 0.2), "undecided"),
        ({"above": 0}, ours(-0.1, -0.2, 0), "not reproduced"),
        ({"below": 3.5}, ours(1, 1, 4), "undecided"),
        ({"below": 0.01}, ours(0.0101), "not reproduced"),
        ({"below": 0.01}, ours(math.nan), "cannot be tested"),
        ({}, ours(0.1), "cannot be tested"),
        ({"says": ["a", "b"]}, ours(0.5), "contradicted by the paper itself"),
    ],
)
def test_verdicts_follow_the_rules_and_none_rests_on_one_seed(claim, measured, verdict):
    assert claims.verdict(claim, measured, seeds=2) == verdict
    alone = "undecided" if "reproduced" in verdict else verdict
    assert claims.verdict(claim, measured, seeds=1) == alone


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (('kind = "measured"', ""), "it needs a kind"),
        (('"measured"', '"guessed"'), "a kind .measured"),
        (('section = "3"', ""), "'section'"),
        (('tolerance = "loss"', 'tolerence = "loss"'), "no field tolerence"),
        (('tolerance = "loss"', 'tolerance = "los"'), "'los'"),
        (('tolerance = "loss"', "value = 1.83"), "value and tolerance need each other"),
        (('prints = "last_loss"', ""), "it needs paper or prints"),
        (('prints = "last_loss"', 'prints = "loss"'), "'loss'"),
        (('"loss"\n', '"loss"\nabove = 2\n'), "one of value, above"),
        (('"metric"', '"metrics"'), "it needs a measure .fact, "),
        (("[[claim]]", "[[claim"), "cannot be read"),
        (
            ('e = "loss"\n', 'e = "loss"' + CLAIM[CLAIM.index("\n[[claim]]") :]),
            "two claims have one id",
        ),
    ],
)
def test_a_malformed_ledger_is_refused_with_a_sentence(tmp_path, change, sentence):
    path = tmp_path / "claims.toml"
    path.write_text(CLAIM.replace(*change, 1))
    with pytest.raises(DataError, match=sentence):
        claims.load(path)


def test_a_claim_that_asks_for_what_there_is_not_is_named(tmp_path):
    path = tmp_path / "claims.toml"
    path.write_text(CLAIM.replace("recipe =", "recip ="))
    known = Evidence(SimpleNamespace(measured=[right_for(5, recipe="paper")]), {})
    with pytest.raises(DataError, match=r"claim loss cannot be measured: .*recip"):
        claims.answer(claims.load(path), known)


def test_what_no_run_measures_cannot_be_tested(tmp_path):
    path = tmp_path / "claims.toml"
    path.write_text(CLAIM)
    (answer,) = claims.answer(
        claims.load(path), Evidence(SimpleNamespace(measured=[]), {})
    )
    assert answer["verdict"] == "cannot be tested"
    assert answer["reason"] == "No finished runs of this data measure it."
    assert (answer["ours"], answer["source"]) == ("", [])


def test_what_is_only_proposed_and_the_rest_are_all_claims():
    ledger = claims.load()
    parts = [ledger.only(proposed=proposed).claims for proposed in (True, False)]
    assert {claim["id"] for claim in parts[0]} >= {"rnn", "more-data", "average"}
    assert sum(map(len, parts)) == len(ledger.claims)
    needed = {"cnn", "crnn", "svm", "bands", "texture", "features"}
    for claim in parts[1]:  # which notebook 05 answers before 06 has run
        words = str(claim.get("with", {}))
        assert not [word for word in needed if f"'{word}'" in words], claim["id"]
