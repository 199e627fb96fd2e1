"""The ledger: every claim of the paper that can be checked, and its verdict.

The claims, and the numbers that the paper prints, are data, in ``report/claims.toml``.

- A claim with a ``value`` is *reproduced* when all of our 95 % interval is within its
  ``tolerance``, and *not reproduced* when all of it is outside. What has no interval,
  such as the size of a file, is its own.
- A claim with a bound (``above`` or ``below``) is *reproduced* when all of our interval
  is beyond it, and *not reproduced* when none of it is.
- In every other case that was measured it is *undecided*, and so is what only one seed
  measures, wherever that lies.
- A claim of which the paper ``says`` several things that cannot all be true is
  *contradicted by the paper itself*, whatever we measure.
- A claim without a rule, or that no finished run measures, *cannot be tested*.
"""

import math

import numpy as np

from gtzan_lib.data.splits import N_FOLDS
from gtzan_lib.evaluation.metrics import Estimate, with_interval
from gtzan_lib.report import measures
from gtzan_lib.report.evidence import Evidence
from gtzan_lib.report.evidence import number as number  # notebooks take all from here
from gtzan_lib.report.ledger import KINDS, Ledger
from gtzan_lib.report.ledger import LEDGER as LEDGER
from gtzan_lib.report.ledger import load as load

REPRODUCED, NOT_REPRODUCED, UNDECIDED = "reproduced", "not reproduced", "undecided"
CONTRADICTED, UNTESTED = "contradicted by the paper itself", "cannot be tested"
VERDICTS = (REPRODUCED, NOT_REPRODUCED, UNDECIDED, CONTRADICTED, UNTESTED)
FACTORS = {"verdict_half": 0.5, "verdict_wider": 1.5}  # of a tolerance
ROUNDING = 1e-9  # which must not decide


def answer(ledger: Ledger, known: Evidence) -> list[dict]:
    """Give each claim its verdict, by what is known.

    Of each claim ``id``, ``section``, ``claim`` and ``paper``; ``value``, ``low`` and
    ``high`` of ours, how many ``seeds`` measured it (None where none has a part in it)
    and the words for it, ``ours``; its ``kind``; the ``rule`` it is judged by;
    ``verdict`` and, where the rule has a tolerance, those of half of it and of one and
    a half (``FACTORS``), else None; ``reason``; and ``source``, the runs or notebook
    that measured it.
    """
    return [_answer(claim, known) for claim in ledger.claims]


def by_kind(answers: list[dict]) -> dict[str, dict[str, int]]:
    """Count the verdicts of each kind of claim, of those that have a rule."""
    pairs = [(row["kind"], row["verdict"]) for row in answers]
    return {k: {v: pairs.count((k, v)) for v in VERDICTS[:3]} for k in KINDS}


def verdict(claim: dict, ours: Estimate | None, seeds: int | None = None) -> str:
    """Judge one claim by the rules above.

    ``ours`` is None if nothing was measured, ``seeds`` where no seed has a part in it.
    """
    if "says" in claim:
        return CONTRADICTED
    has_rule = not {"value", "above", "below"}.isdisjoint(claim)
    if ours is None or math.isnan(ours["value"]) or not has_rule:
        return UNTESTED
    has_interval = not math.isnan(ours["low"])
    ends = ("low", "high") if has_interval else ("value", "value")
    low, high = (ours[end] for end in ends)
    if "above" in claim:
        is_in, is_out = low > claim["above"], high <= claim["above"]
    elif "below" in claim:
        is_in, is_out = high < claim["below"], low >= claim["below"]
    else:
        wide = claim["tolerance"] + ROUNDING
        first, last = claim["value"] - wide, claim["value"] + wide
        is_in, is_out = first <= low and high <= last, high < first or low > last
    if seeds == 1 or not (is_in or is_out):
        return UNDECIDED
    return REPRODUCED if is_in else NOT_REPRODUCED


def _answer(claim: dict, known: Evidence) -> dict:
    measure = measures.MEASURES.get(claim.get("measure"))
    found = measure and measure(known, **claim.get("with", {}))
    if found and not math.isnan(found.ours["value"]):
        ours, source, seeds = found.ours, found.source, found.seeds
        words = with_interval(ours, claim.get("digits", 2))
        words = f"{words} {claim.get('unit', '')}".strip()
    else:
        ours, source, seeds = dict.fromkeys(("value", "low", "high")), [], None
        words = ""
    given = verdict(claim, ours if words else None, seeds)
    others = dict.fromkeys(FACTORS)
    if claim.get("tolerance"):
        for name, factor in FACTORS.items():
            other = claim | {"tolerance": factor * claim["tolerance"]}
            others[name] = verdict(other, ours if words else None, seeds)
    why = {
        REPRODUCED: claim.get("if_reproduced"),
        NOT_REPRODUCED: claim.get("if_not"),
        UNDECIDED: "Our interval allows both answers.",
    }
    if seeds == 1:
        why[UNDECIDED] = "There is one seed only."
    if measure and not words:
        why[UNTESTED] = "No finished runs of this data measure it."
        why[UNTESTED] = (found and claim.get("if_never")) or why[UNTESTED]
    sentences = [claim.get("reason"), why.get(given)]
    if words and "tolerance" in claim and len(found.values) > 1:
        off = np.abs(np.subtract(found.values, claim["value"]))
        n, digits = np.sum(off <= claim["tolerance"] + ROUNDING), claim.get("digits", 2)
        first, last = (f"{f(found.values):.{digits}f}" for f in (min, max))
        each = f"Of single seeds, {n} of {len(off)} are within the tolerance"
        sentences.append(f"{each}; all lie between {first} and {last}.")
    if words and seeds is not None and 1 < seeds < N_FOLDS and not found.is_whole:
        sentences.append(f"Only {seeds} seeds, which do not test every picture.")
    return {
        **{name: claim[name] for name in ("id", "section", "claim", "paper")},
        **ours,
        "seeds": seeds,
        "ours": words,
        "kind": claim.get("kind"),
        "rule": _rule(claim),
        "verdict": given,
        **others,
        "reason": " ".join(filter(None, sentences)),
        "source": source,
    }


def _rule(claim: dict) -> str:
    if "says" in claim:
        return "cannot all be true: " + "; ".join(map(str, claim["says"]))
    if "tolerance" in claim:
        return f"{claim['value']:g} ± {claim['tolerance']:g}, {claim['because']}"
    for bound in ("above", "below"):
        if bound in claim:
            return f"{bound} {claim[bound]:g}"
    return ""
