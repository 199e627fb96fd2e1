"""Was softmax applied twice? What a printed loss and accuracy tell (paper, 3.3.2).

Percentages between 0 and 1 that go through softmax once more come out nearly equal, so
that no answer costs less than a floor. A network that is certain of every answer pays
that floor where it is right and 1 more where it is wrong: its loss is floor + 1 -
accuracy. The rule was fixed on half A of ``softmax_pairs.csv``, public code whose
source shows how often softmax is applied; halves B and C try it.
"""

import math
import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from gtzan_lib.errors import ParameterError
from gtzan_lib.evaluation import clusters
from gtzan_lib.evaluation.metrics import proportion

WITHIN = 0.03  # nats between the loss and that of certainty behind two softmaxes
ABOVE_CHANCE = 0.2  # accuracy above 1 / classes from which the gap tells something
PAIRS = Path(__file__).with_name("softmax_pairs.csv")
PREVALENCE = Path(__file__).with_name("softmax_prevalence.csv")
TIMES = {2: "twice", 1: "once"}
TESTED = "BC"  # halves of public code that the rule was not made from
GENRE = "genre"  # the frame of prevalence that holds classifiers of music genres
_WORDS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
ASSUMES, ANSWERS, WHY, LIES, REGIONS = (
    _WORDS[name] for name in ("assumes", "answers", "why", "lies", "regions")
)


class Diagnosis(NamedTuple):
    """How often softmax was applied, and why one thinks so; losses are in nats."""

    answer: str  # "twice", "once" or "cannot tell"
    reason: str  # a name of ``WHY``
    floor: float  # the least loss behind two softmaxes
    certain: float  # the loss of a network that is certain, behind two softmaxes
    gap: float  # the loss less that


def floor(classes: int) -> float:
    """Return the least loss behind two softmaxes, in nats: 1.461 of ten classes."""
    return math.log(math.e + classes - 1) - 1


def diagnose(classes: int, loss: float, accuracy: float) -> Diagnosis:
    """Tell from a loss in nats and an accuracy from 0 to 1 how often softmax came.

    ``ParameterError`` if there are fewer than 2 ``classes``, the loss is negative or
    not finite, or the accuracy is no share.
    """
    if classes < 2:
        raise ParameterError(f"{classes} classes are too few: give 2 or more")
    if not (math.isfinite(loss) and loss >= 0):
        raise ParameterError(f"a loss of {loss:g} is none: give one of 0 nats or more")
    if not 0 <= accuracy <= 1:
        hint = f": give {accuracy / 100:g} for {accuracy:g} %" * (accuracy > 1)
        raise ParameterError(f"an accuracy of {accuracy:g} is no share of 1{hint}")
    least = floor(classes)
    certain = least + 1 - accuracy
    if loss < least:
        reason = "below"
    elif accuracy < 1 / classes + ABOVE_CHANCE:
        reason = "chance"
    else:
        reason = "on" if abs(loss - certain) <= WITHIN else "off"
    return Diagnosis(ANSWERS[reason], reason, least, certain, loss - certain)


def as_json(found: Diagnosis) -> dict:
    """Return a diagnosis, its words, and how often the rule was right in its region."""
    region = LIES[found.reason]
    tally = {k: (v["right"], v["answered"]) for k, v in validation(region).items()}
    words = {"why": WHY[found.reason], "assumes": ASSUMES, "region": region}
    return found._asdict() | words | {"public_code": tally}


def as_text(found: Diagnosis) -> str:
    """Return the words for the same."""
    return (
        f"{found.answer}: {WHY[found.reason]}\n"
        f"floor {found.floor:.3f}; a certain network behind two softmaxes "
        f"{found.certain:.3f}, gap {found.gap:+.3f} (up to {WITHIN} counts as none)\n"
        f"assumed: {ASSUMES}\n{right_on_public_code(LIES[found.reason])}"
    )


def right_on_public_code(region: str) -> str:
    """Return how often the rule was right in a region, in a sentence."""
    each = (
        f"{row['right']} of {row['answered']} pairs that applied it {applied} "
        f"(sources: {row['sources']})"
        for applied, row in validation(region).items()
        if row["answered"]
    )
    return REGIONS[region].format(" and ".join(each))


@cache
def public_pairs() -> pd.DataFrame:
    """Return losses and accuracies printed by public code, with the rule's answers.

    Columns: those of ``softmax_pairs.csv``, what was ``applied``, the rule's
    ``answer``, ``reason`` and ``region``. Left out are rows that break an assumption:
    their loss and accuracy are of other examples ("mixed"), of one "batch", or the loss
    is not a mean ("scale").
    """
    table = pd.read_csv(PAIRS, keep_default_na=False)
    table = table[table.pop("unfit") == ""].reset_index(drop=True)
    found = [diagnose(*row) for row in table[["classes", "loss", "accuracy"]].values]
    answers = pd.DataFrame(found, columns=Diagnosis._fields)[["answer", "reason"]]
    answers["region"] = answers["reason"].map(LIES)
    return table.join(answers).assign(applied=table["softmaxes"].map(TIMES))


def validation(region: str | None = None, halves: str = TESTED) -> dict[str, dict]:
    """Return how often the rule is right on ``halves`` of public code, of "A" to "C".

    In one region or both, of what was applied "twice" and "once": ``pairs``;
    ``answered``, those that can be told, and their ``sources``; ``right``, and their
    ``share``, whose interval takes all pairs of a source as one draw.
    """
    table = public_pairs()
    table = table[table["half"].isin(list(halves))]
    table = table[table["region"] == region] if region else table
    result = {}
    for applied in TIMES.values():
        rows = table[table["applied"] == applied]
        told = rows[rows["answer"] != "cannot tell"]
        right = told["answer"] == applied
        result[applied] = {
            "pairs": len(rows),
            "sources": told["source"].nunique(),
            "answered": len(told),
            "right": int(right.sum()),
            "share": clusters.share(right, told["source"]),
        }
    return result


def frequency(frame: str | None = None) -> dict:
    """Return how many public repositories apply softmax twice in some network.

    Of one ``frame`` of ``softmax_prevalence.csv``, such as ``GENRE``, or of all: ``k``
    of ``n`` repositories, and their ``share`` with Wilson's interval. Those that were
    found because of the mistake do not count.
    """
    table = pd.read_csv(PREVALENCE, keep_default_na=False)
    table = table[table["excluded"] == ""].drop_duplicates("source")
    table = table.groupby("frame").get_group(frame) if frame else table
    k, n = int(table["twice"].sum()), len(table)
    return {"k": k, "n": n, "share": proportion(k, n)}


def posterior() -> dict:
    """Return how probable two softmaxes are where the rule says so, by Bayes' rule.

    Of answered pairs of the halves that are ``TESTED``, applied "twice" and "once":
    ``k`` of ``n`` are on the line, and the likelihood ``ratio``. The prior is the
    ``frequency`` among genre classifiers; the ``share`` has its interval alone, as if
    the ratio were exact.
    """
    once, twice = (validation()[applied] for applied in ("once", "twice"))
    on = {
        "once": {"k": once["answered"] - once["right"], "n": once["answered"]},
        "twice": {"k": twice["right"], "n": twice["answered"]},
    }
    likely = {applied: row["k"] / row["n"] for applied, row in on.items()}
    ratio = likely["twice"] / likely["once"]
    prior = frequency(GENRE)["share"].items()
    share = {name: ratio * p / (ratio * p + 1 - p) for name, p in prior}
    return on | {"ratio": ratio, "share": share}


def both_ways() -> pd.DataFrame:
    """Return those of ``public_pairs`` whose source applied softmax once and twice."""
    sources = public_pairs().groupby("source")
    chosen = sources.filter(lambda rows: rows["applied"].nunique() == 2)
    return chosen.sort_values(["source", "softmaxes"], ignore_index=True, kind="stable")
