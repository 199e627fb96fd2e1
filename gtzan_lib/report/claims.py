"""The ledger: every claim of the paper that can be checked, and its verdict.

The claims, and the numbers that the paper prints, are data, in ``report/claims.toml``.

- A claim with a ``value`` is *reproduced* when ours is within its ``tolerance``, or our
  95 % interval, where there is one, holds the paper's value.
- A claim with a bound (``above`` or ``below``) is *reproduced* when ours, with all of
  its interval, is beyond it.
- In every other case that was measured it is *not reproduced*.
- A claim of which the paper ``says`` several things that cannot all be true is
  *contradicted by the paper itself*, whatever we measure.
- A claim that states nothing measurable, or that no finished run measures, *cannot be
  tested*.
"""

import math
import re
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

from gtzan_lib import store
from gtzan_lib.errors import DataError
from gtzan_lib.evaluation.metrics import Estimate, with_interval
from gtzan_lib.experiments.run import Run
from gtzan_lib.report import measures, schema

LEDGER = store.PROJECT / "report" / "claims.toml"
REPRODUCED, NOT_REPRODUCED = "reproduced", "not reproduced"
CONTRADICTED, UNTESTED = "contradicted by the paper itself", "cannot be tested"
VERDICTS = (REPRODUCED, NOT_REPRODUCED, CONTRADICTED, UNTESTED)


@dataclass(frozen=True)
class Ledger:
    """What ``claims.toml`` holds.

    ``paper`` has the numbers that the paper prints, as it prints them, by section and
    name; a claim is ``proposed`` where the paper only proposes what is claimed.
    """

    paper: dict[str, dict[str, str]]
    claims: list[dict]

    def only(self, proposed: bool) -> "Ledger":
        """Return the claims of what the paper only proposes, or those of the rest."""
        chosen = [c for c in self.claims if c.get("proposed", False) == proposed]
        return replace(self, claims=chosen)


def load(path: Path = LEDGER) -> Ledger:
    """Read the ledger; its head says what the fields of a claim mean.

    A ``DataError`` says where the file is not as ``claims.schema.json`` has it, or
    which claim is of no kind that can be judged.
    """
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is not a ledger of claims: {error!r}") from error
    schema.check(content, path, "claims.schema.json")
    paper, claims = content["paper"], content["claim"]
    names = [claim["id"] for claim in claims]
    for claim in claims:
        wrong = _fill_in(claim, paper) or _problem(claim)
        if names.count(claim["id"]) > 1:
            wrong = "it is there twice"
        if wrong:
            raise DataError(f"claim {claim['id']} in {path}: {wrong}")
    return Ledger(paper, claims)


def number(printed: str) -> float:
    """Return the number in what the paper prints, such as 0.01 of "below 0.01"."""
    return float(re.search(r"[\d.,]+", printed)[0].replace(",", ""))


def answer(ledger: Ledger, measured: dict, runs: list[Run]) -> list[dict]:
    """Give each claim its verdict, from ``results.json`` and its runs.

    Of each claim ``id``, ``section``, ``claim`` and ``paper``; ``value``, ``low`` and
    ``high`` of ours and the words for it, ``ours``; the ``rule`` it is judged by;
    ``verdict`` and ``reason``; and ``source``, the runs or notebook that measured it.
    """
    return [_answer(claim, measured, runs) for claim in ledger.claims]


def verdict(claim: dict, ours: Estimate | None) -> str:
    """Judge one claim by the rules above; ``ours`` is None if nothing was measured."""
    if "says" in claim:
        return CONTRADICTED
    if ours is None or math.isnan(ours["value"]):
        return UNTESTED
    value = ours["value"]
    has_interval = not math.isnan(ours["low"])
    low, high = (ours["low"], ours["high"]) if has_interval else (value, value)
    if "above" in claim:
        good = low > claim["above"]
    elif "below" in claim:
        good = high < claim["below"]
    else:  # rounding must not decide
        near = abs(value - claim["value"]) <= claim["tolerance"] + 1e-9
        good = near or low <= claim["value"] <= high
    return REPRODUCED if good else NOT_REPRODUCED


def _answer(claim: dict, measured: dict, runs: list[Run]) -> dict:
    ours, source, words = None, [], ""
    if "measure" in claim:
        measure = measures.MEASURES[claim["measure"]]
        ours, source = measure(measured, runs, **claim.get("with", {})) or (None, [])
    given = verdict(claim, ours)
    if ours is None or math.isnan(ours["value"]):
        ours, source = {"value": None, "low": None, "high": None}, []
    else:
        words = with_interval(ours, claim.get("digits", 2))
        words = f"{words} {claim.get('unit', '')}".strip()
    sentences = [claim.get("reason", "")]
    if given == REPRODUCED:
        sentences.append(claim.get("if_reproduced", ""))
    elif given == NOT_REPRODUCED:
        sentences.append(claim.get("if_not", ""))
        bound = claim.get("above", claim.get("below"))
        if bound is not None and ours["low"] <= bound <= ours["high"]:
            sentences.append("The interval does not decide it.")
    elif given == UNTESTED and "measure" in claim:
        sentences.append("No finished runs of this data measure it.")
    return {
        **{name: claim[name] for name in ("id", "section", "claim", "paper")},
        **ours,
        "ours": words,
        "rule": _rule(claim),
        "verdict": given,
        "reason": " ".join(filter(None, sentences)),
        "source": source,
    }


def _rule(claim: dict) -> str:
    if "says" in claim:
        return "cannot all be true: " + "; ".join(map(str, claim["says"]))
    if "tolerance" in claim:
        return f"{claim['value']:g} ± {claim['tolerance']:g}"
    for bound in ("above", "below"):
        if bound in claim:
            return f"{bound} {claim[bound]:g}"
    return ""


def _fill_in(claim: dict, paper: dict[str, dict[str, str]]) -> str | None:
    """Put in what a claim ``prints``; return what is wrong with it, if anything."""
    if "prints" not in claim:
        return None
    name = claim.pop("prints")
    claim["paper"] = printed = paper.get(claim["section"], {}).get(name)
    if printed is None:
        return f"the paper prints no {name} in its section"
    if "tolerance" in claim:
        claim["value"] = number(printed)
    if claim.get("below") is True:
        claim["below"] = number(printed)
    return None


def _problem(claim: dict) -> str | None:
    """Return what is wrong with a claim, in a few words; None if nothing is."""
    rules = [r for r in ("value", "above", "below", "says") if r in claim]
    if len(rules) > 1:
        return f"it cannot have both {rules[0]} and {rules[1]}"
    if "tolerance" in claim and "value" not in claim:
        return "tolerance needs a value"
    if not rules and ("measure" in claim or "reason" not in claim):
        return "it needs value, above, below or says, or else only a reason"
    if rules and rules != ["says"] and "measure" not in claim:
        return "it needs a measure"
    if "measure" in claim:
        return measures.problem(claim["measure"], claim.get("with", {}))
    return None
