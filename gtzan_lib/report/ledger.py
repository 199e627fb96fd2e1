"""Reading the ledger of claims, ``report/claims.toml``, whose head explains it."""

import math
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

from gtzan_lib import store
from gtzan_lib.errors import DataError
from gtzan_lib.report import measures
from gtzan_lib.report.evidence import number

LEDGER = store.PROJECT / "report" / "claims.toml"
KINDS = ("measured", "arithmetic", "setting", "proposal", "exploratory")
NUMBER = (int, float)
FIELDS = {  # of a claim, and their types; the first three it always has
    **dict.fromkeys(("id", "section", "claim", "paper", "prints", "measure"), str),
    **dict.fromkeys(("tolerance", "unit", "reason", "kind"), str),
    **dict.fromkeys(("if_reproduced", "if_not", "if_never"), str),
    **dict.fromkeys(("value", "above", "below"), NUMBER),
    **{"with": dict, "says": list, "digits": int, "proposed": bool},
}


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

    A ``DataError`` says what in the file is of another type than it should be, or which
    claim is of no kind that can be judged.
    """
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is not a ledger of claims: {error!r}") from error
    if wrong := _shape(content):
        raise DataError(f"{path} is no ledger of claims: {wrong}")
    paper, claims = content["paper"], content["claim"]
    names = [claim.get("id") for claim in claims]
    for claim in claims:
        wrong = _types(claim) or _fill_in(claim, paper, content["tolerance"])
        wrong = wrong or _problem(claim)
        if names.count(claim.get("id")) > 1:
            wrong = "it is there twice"
        if wrong:
            raise DataError(f"claim {claim.get('id')} in {path}: {wrong}")
    return Ledger(paper, claims)


def _shape(content: dict) -> str | None:
    """Return what is wrong with the parts of the file but the claims' own fields."""
    kinds = {"paper": dict, "tolerance": dict, "claim": list}
    for name, kind in kinds.items():
        if not isinstance(content.get(name), kind):
            return f"{name} is missing, or of another type"
    for section, numbers in content["paper"].items():
        is_text = isinstance(numbers, dict) and all(
            isinstance(printed, str) for printed in numbers.values()
        )
        if not is_text:
            return f"paper.{section} holds something else than text"
    for name, tolerance in content["tolerance"].items():
        if not isinstance(tolerance, dict) or set(tolerance) != {"size", "reason"}:
            return f"tolerance.{name} needs a size and a reason"
        if not _is(tolerance["size"], NUMBER) or tolerance["size"] < 0:
            return f"the size of tolerance.{name} is no number from 0"
        if not _is(tolerance["reason"], str) or not tolerance["reason"]:
            return f"the reason of tolerance.{name} is no text"
    if not all(isinstance(claim, dict) for claim in content["claim"]):
        return "a claim has no fields"
    return None


def _types(claim: dict) -> str | None:
    """Return which field of a claim is missing, unknown or of another type."""
    for name in ("id", "section", "claim"):
        if name not in claim:
            return f"it has no {name}"
    for name, value in claim.items():
        if name not in FIELDS:
            return f"it has an unknown field {name}"
        if not (_is(value, FIELDS[name]) or (name == "below" and value is True)):
            return f"{name} is of another type: {value!r}"
    if ("paper" in claim) == ("prints" in claim):
        return "it needs either paper or prints"
    if claim.get("kind", KINDS[0]) not in KINDS:
        return f"its kind is none of {', '.join(KINDS)}"
    if claim.get("digits", 0) < 0:
        return "digits is below 0"
    says = claim.get("says", [1, 2])
    if len(set(map(str, says))) < max(2, len(says)):
        return "says needs two different things"
    if "value" in claim and "tolerance" not in claim:
        return "value needs a tolerance"
    return None


def _is(value: object, kind: type | tuple) -> bool:
    """Tell whether a value is of a type; neither truth nor nan is a number."""
    if isinstance(value, bool) and kind is not bool:
        return False
    return isinstance(value, kind) and not (kind is NUMBER and not math.isfinite(value))


def _fill_in(
    claim: dict, paper: dict[str, dict[str, str]], tolerances: dict[str, dict]
) -> str | None:
    """Put in what a claim ``prints`` and the size of its tolerance, with its reason.

    Return what is wrong with the claim, if anything.
    """
    if "tolerance" in claim:
        tolerance = tolerances.get(claim["tolerance"])
        if tolerance is None:
            return f"there is no tolerance {claim['tolerance']}"
        claim["tolerance"], claim["because"] = tolerance["size"], tolerance["reason"]
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
    if not rules and "reason" not in claim:
        return "it needs value, above, below or says, or else a reason"
    if rules and rules != ["says"] and not {"measure", "kind"} <= claim.keys():
        return "it needs a measure and a kind"
    if "kind" in claim and rules in ([], ["says"]):
        return "only what a rule decides has a kind"
    if "measure" in claim:
        return measures.problem(claim["measure"], claim.get("with", {}))
    return None
