import math
from types import SimpleNamespace

import pandas as pd
import pytest
from made import right_for

from gtzan_lib.errors import DataError
from gtzan_lib.report import claims, measures
from gtzan_lib.report.measures import Evidence

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


def known(**data):
    """Return the evidence of a record without runs."""
    tables = SimpleNamespace(
        measured=[],
        data=pd.DataFrame([data]),
        by_genre={"rock": 900, "jazz": 99},
        pooling=pd.DataFrame({"upsampling": ["nearest"], "mse": [0.0129]}),
    )
    return Evidence(tables, {})


def ours(value, low=math.nan, high=math.nan):
    return {"value": value, "low": low, "high": high}


@pytest.mark.parametrize(
    ("claim", "measured", "verdict"),
    [
        ({"value": 0.5, "tolerance": 0.05}, ours(0.55), "reproduced"),
        ({"value": 0.5, "tolerance": 0.05}, ours(0.56), "not reproduced"),
        ({"value": 0.5, "tolerance": 0.05}, ours(0.5, 0.45, 0.55), "reproduced"),
        ({"value": 0.5, "tolerance": 0.05}, ours(0.5, 0.44, 0.54), "undecided"),
        ({"value": 0.5, "tolerance": 0.05}, ours(0.6, 0.54, 0.66), "undecided"),
        ({"value": 0.5, "tolerance": 0.05}, ours(0.63, 0.56, 0.7), "not reproduced"),
        ({"above": 0}, ours(0.1, 0.01, 0.2), "reproduced"),
        ({"above": 0}, ours(0.1, -0.01, 0.2), "undecided"),
        ({"above": 0}, ours(-0.1, -0.2, 0), "not reproduced"),
        ({"below": 3.5}, ours(1, 1, 4), "undecided"),
        ({"below": 3.5}, ours(5, 4, 6), "not reproduced"),
        ({"below": 0.01}, ours(0.0101), "not reproduced"),
        ({"below": 0.01}, ours(0.0099), "reproduced"),
        ({"below": 0.01}, ours(math.nan), "cannot be tested"),
        ({}, None, "cannot be tested"),
        ({}, ours(0.1), "cannot be tested"),
        ({"says": ["a", "b"]}, ours(0.5), "contradicted by the paper itself"),
    ],
)
def test_verdicts_follow_the_rules(claim, measured, verdict):
    assert claims.verdict(claim, measured) == verdict


@pytest.mark.parametrize("measured", [ours(0.5), ours(0.5, 0.49, 0.51), ours(0.9)])
def test_no_verdict_rests_on_one_seed(measured):
    claim = {"value": 0.5, "tolerance": 0.05}
    assert claims.verdict(claim, measured, seeds=1) == "undecided"
    assert claims.verdict(claim, measured, seeds=2) != "undecided"
    says = {"says": ["a", "b"]}
    assert claims.verdict(says, measured, seeds=1) == "contradicted by the paper itself"
    assert claims.verdict({}, measured, seeds=1) == "cannot be tested"


@pytest.fixture
def answered(tmp_path, monkeypatch):
    """Answer ``CLAIM`` by an estimate, a number of seeds, and what ``Found`` has."""

    def answer(estimate, seeds, more="", **about):
        path = tmp_path / "claims.toml"
        path.write_text(CLAIM + more)
        found = measures.Found(estimate, ["run"], seeds, **about)
        monkeypatch.setitem(measures.MEASURES, "metric", lambda *a, **k: found)
        (answer,) = claims.answer(claims.load(path), known())
        monkeypatch.undo()
        return answer

    return answer


def test_an_answer_says_what_it_rests_on(answered):
    wide, between = ours(1.8, 1.55, 2.05), "Our interval allows both answers."
    few = (
        f"{between} If more seeds differ as these do, 4 have an even chance to decide. "
    )
    few += "Only 2 seeds, which do not test every picture."
    many = f"{between} More seeds that differ as these do would not decide."
    for seeds, reason in {1: "There is one seed only.", 2: few, 5: many}.items():
        answer = answered(wide, seeds)
        assert (answer["verdict"], answer["reason"]) == ("undecided", reason)
        assert answer["rule"] == "1.83 ± 0.1, as losses vary"
    folds = answered(wide, 5, is_whole=True)  # they test all
    assert folds["reason"] == many
    answer = answered(ours(1.83, 1.8, 1.86), 5, values=(1.6, 1.93, 1.73, 2))
    assert answer["reason"] == (
        "Of single seeds, 2 of 4 are within the tolerance; all lie between 1.60 and "
        "2.00."
    )
    answer = answered(ours(math.nan), 0, 'if_never = "Never."\n')
    assert (answer["verdict"], answer["reason"]) == ("cannot be tested", "Never.")


def test_beside_a_verdict_stand_those_of_other_tolerances_and_its_kind(answered):
    answer = answered(ours(1.8, 1.75, 1.85), 5)
    assert answer["verdict"] == answer["verdict_wider"] == "reproduced"
    assert answer["verdict_half"] == "undecided"
    counted = claims.by_kind([answer])
    assert counted["measured"]["reproduced"] == 1
    assert sum(n for kind in counted.values() for n in kind.values()) == 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (('kind = "measured"', ""), "it needs a measure"),
        (('"measured"', '"guessed"'), "a kind .measured"),
        (('section = "3"', ""), "'section'"),
        (('tolerance = "loss"', 'tolerence = "loss"'), "no field tolerence"),
        (('tolerance = "loss"', 'tolerance = "los"'), "'los'"),
        (('tolerance = "loss"', "value = 1.83"), "value and tolerance need each other"),
        (('prints = "last_loss"', ""), "it needs paper or prints"),
        (('prints = "last_loss"', 'prints = "loss"'), "'loss'"),
        (('"loss"\n', '"loss"\nabove = 2\n'), "one of value, above"),
        (('"metric"', '"metrics"'), "it needs a measure .fact, subset"),
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
    (answer,) = claims.answer(claims.load(path), known())
    assert answer["verdict"] == "cannot be tested"
    assert answer["reason"] == "No finished runs of this data measure it."
    assert (answer["ours"], answer["source"]) == ("", [])


def test_sizes_and_errors_are_read_as_kindly_as_the_papers_numbers_allow():
    ids = {
        "kb-before": "reproduced",  # of a picture of 432 x 648, pooled by 6 x 6
        "kb-before-as-written": "not reproduced",
        "kb-after": "reproduced",
        "several-gigabytes": "reproduced",
        "compression": "reproduced",
        "pooling-mse": "reproduced",  # over the four channels of the files
        "pooling-mse-colours": "not reproduced",
    }
    sides = {"height": 288, "width": 432, "channels": 3}
    codes = {"height": 72, "width": 108, "channels": 3}
    data = {f"picture.{k}": v for k, v in sides.items()}
    data |= {f"code.{k}": v for k, v in codes.items()}
    ledger = claims.load()
    ledger = claims.Ledger({}, [c for c in ledger.claims if c["id"] in ids])
    found = {a["id"]: a for a in claims.answer(ledger, known(**data))}
    assert {name: found[name]["verdict"] for name in found} == ids
    assert found["kb-before"]["value"] * 1000 == 432 * 648 * 3
    assert found["kb-after"]["value"] * 1000 == 432 // 6 * (648 // 6) * 3
    assert all(answer["seeds"] is None for answer in found.values())


def test_what_is_only_proposed_and_the_rest_are_all_claims():
    ledger = claims.load()
    parts = [ledger.only(proposed=proposed).claims for proposed in (True, False)]
    assert {claim["id"] for claim in parts[0]} >= {"rnn", "more-data", "average"}
    assert sum(map(len, parts)) == len(ledger.claims)
    needed = {"cnn", "crnn", "svm", "bands", "texture", "features"}
    for claim in parts[1]:  # which notebook 05 answers before 06 has run
        words = str(claim.get("with", {}))
        assert not [word for word in needed if f"'{word}'" in words], claim["id"]
