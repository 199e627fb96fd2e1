"""The ledger: every claim of the paper that can be checked, and its verdict.

The claims, and the numbers that the paper prints, are data, in ``report/claims.toml``,
whose head explains the fields.

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
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gtzan_lib import store
from gtzan_lib.data.splits import N_FOLDS
from gtzan_lib.errors import DataError
from gtzan_lib.evaluation.metrics import Estimate, with_interval
from gtzan_lib.evaluation.seeds import needed, overlap
from gtzan_lib.experiments.run import MAIN
from gtzan_lib.report import measures
from gtzan_lib.report.evidence import Evidence, Found
from gtzan_lib.report.evidence import number as number  # notebooks take all from here

LEDGER = store.PROJECT / "report" / "claims.toml"
REPRODUCED, NOT_REPRODUCED, UNDECIDED = "reproduced", "not reproduced", "undecided"
CONTRADICTED, UNTESTED = "contradicted by the paper itself", "cannot be tested"
VERDICTS = (REPRODUCED, NOT_REPRODUCED, UNDECIDED, CONTRADICTED, UNTESTED)
KINDS = ("measured", "arithmetic", "setting", "proposal", "exploratory")
RULES = ("value", "above", "below", "says")
FIELDS = {"id", "section", "claim", "paper", "prints", "measure", "with", "tolerance"}
FIELDS |= {*RULES, "digits", "unit", "reason", "kind", "proposed"}
FIELDS |= {"if_reproduced", "if_not", "if_never"}
FACTORS = {"verdict_half": 0.5, "verdict_wider": 1.5}  # of a tolerance
ROUNDING = 1e-9  # which must not decide


@dataclass(frozen=True)
class Ledger:
    """What ``claims.toml`` holds: the numbers that the paper prints, and the claims.

    ``paper`` has them as printed, by section and name.
    """

    paper: dict[str, dict[str, str]]
    claims: list[dict]

    def only(self, proposed: bool) -> "Ledger":
        """Return the claims of what the paper only proposes, or those of the rest."""
        chosen = [c for c in self.claims if c.get("proposed", False) == proposed]
        return Ledger(self.paper, chosen)


def load(path: Path = LEDGER) -> Ledger:
    """Read the ledger; a ``DataError`` says which claim cannot be judged, and why."""
    where = path
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        paper, claims = content["paper"], content["claim"]
        for claim in claims:
            where = f"claim {claim.get('id')} in {path}"
            _fill_in(claim, paper, content["tolerance"])
        if len({claim["id"] for claim in claims}) < len(claims):
            raise ValueError("two claims have one id")
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise DataError(f"{where} cannot be read: {error!r}") from error
    return Ledger(paper, claims)


def _fill_in(claim: dict, paper: dict, tolerances: dict) -> None:
    """Put in what a claim ``prints``, and its tolerance with the reason for it."""
    if unknown := claim.keys() - FIELDS:
        raise ValueError(f"there is no field {unknown.pop()}")
    if "tolerance" in claim:
        tolerance = tolerances[claim["tolerance"]]
        claim |= {"tolerance": tolerance["size"], "because": tolerance["reason"]}
    if name := claim.pop("prints", None):
        claim["paper"] = paper[claim["section"]][name]
        if "tolerance" in claim:
            claim["value"] = number(claim["paper"])
        if claim.get("below") is True:
            claim["below"] = number(claim["paper"])
    if "paper" not in claim:
        raise ValueError("it needs paper or prints")
    rules = [name for name in RULES if name in claim]
    if len(rules) > 1 or not (rules or "reason" in claim):
        raise ValueError(f"it needs one of {', '.join(RULES)}, or a reason")
    if ("value" in claim) != ("tolerance" in claim):
        raise ValueError("value and tolerance need each other")
    if rules not in ([], ["says"]) and claim.get("kind") not in KINDS:
        raise ValueError(f"it needs a kind ({', '.join(KINDS)})")
    if rules not in ([], ["says"]) and claim.get("measure") not in measures.MEASURES:
        raise ValueError(f"it needs a measure ({', '.join(measures.MEASURES)})")


def answer(ledger: Ledger, known: Evidence) -> list[dict]:
    """Give each claim its verdict, by what is known: a row of ``derived.json`` each.

    ``value``, ``low`` and ``high`` are ours and ``ours`` the words for it; ``seeds``
    is None where none has a part in it; ``source`` are the runs or the notebook that
    measured it. Beside ``verdict`` stand those of half the tolerance and of one and a
    half (``FACTORS``), None where the rule has none.
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
    low, high = (ours[k if has_interval else "value"] for k in ("low", "high"))
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
    found = None
    if "measure" in claim:
        try:
            measure = measures.MEASURES[claim["measure"]]
            found = measure(known, **claim.get("with", {}))
        except (LookupError, TypeError, ValueError) as error:
            words = f"claim {claim['id']} cannot be measured: {error!r}"
            raise DataError(words) from error
    never = claim.get("if_never") if found else None
    if found and math.isnan(found.ours["value"]):
        found = None
    ours, source, n_seeds = found[:3] if found else (None, [], None)
    words = with_interval(ours, claim.get("digits", 2)) if ours else ""

    def judged(**changes) -> str:
        return verdict(claim | changes, ours, n_seeds)

    others = dict.fromkeys(FACTORS)
    if tolerance := claim.get("tolerance"):
        others = {k: judged(tolerance=f * tolerance) for k, f in FACTORS.items()}
    given = judged()
    return {
        **{name: claim[name] for name in ("id", "section", "claim", "paper")},
        **(ours or dict.fromkeys(("value", "low", "high"))),
        "seeds": n_seeds,
        "ours": words and f"{words} {claim.get('unit', '')}".strip(),
        "kind": claim.get("kind"),
        "rule": _rule(claim),
        "verdict": given,
        **others,
        "reason": _reason(claim, given, found, never),
        "source": source,
    }


def _would_decide(claim: dict, found: Found) -> str | None:
    """Say how many seeds would decide, of a mean over seeds."""
    if claim["measure"] not in ("metric", "gain"):
        return None
    ours, size = found.ours, claim.get("tolerance", 0)
    edges = [claim[k] for k in ("value", "above", "below") if k in claim]
    away = min(abs(ours["value"] - each + k * size) for each in edges for k in (-1, 1))
    half = (ours["high"] - ours["low"]) / 2
    n = needed(half, found.seeds, overlap(MAIN["split"]), away)
    if not n:
        return "More seeds that differ as these do would not decide."
    return f"If more seeds differ as these do, {n} have an even chance to decide."


def _rule(claim: dict) -> str:
    if "says" in claim:
        return "cannot all be true: " + "; ".join(map(str, claim["says"]))
    if "tolerance" in claim:
        return f"{claim['value']:g} ± {claim['tolerance']:g}, {claim['because']}"
    bounds = [f"{name} {claim[name]:g}" for name in ("above", "below") if name in claim]
    return "".join(bounds)


def _reason(claim: dict, given: str, found: Found | None, never: str | None) -> str:
    said = [claim.get("reason")]
    if given == REPRODUCED:
        said.append(claim.get("if_reproduced"))
    elif given == NOT_REPRODUCED:
        said.append(claim.get("if_not"))
    elif given == UNDECIDED and found.seeds == 1:
        said.append("There is one seed only.")
    elif given == UNDECIDED:
        said += ["Our interval allows both answers.", _would_decide(claim, found)]
    elif given == UNTESTED and "measure" in claim and not found:
        said.append(never or "No finished runs of this data measure it.")
    if found and "tolerance" in claim and len(found.values) > 1:
        off = np.abs(np.subtract(found.values, claim["value"]))
        n, digits = np.sum(off <= claim["tolerance"] + ROUNDING), claim.get("digits", 2)
        first, last = (f"{f(found.values):.{digits}f}" for f in (min, max))
        each = f"Of single seeds, {n} of {len(off)} are within the tolerance"
        said.append(f"{each}; all lie between {first} and {last}.")
    if found and 1 < (found.seeds or 0) < N_FOLDS and not found.is_whole:
        said.append(f"Only {found.seeds} seeds, which do not test every picture.")
    return " ".join(filter(None, said))
