"""Was softmax applied twice? What a printed loss and accuracy tell (paper, 3.3.2).

Percentages between 0 and 1 that go through softmax once more come out nearly equal, so
that no answer costs less than a floor. A network that is certain of every answer pays
that floor where it is right and 1 more where it is wrong: its loss is floor + 1 -
accuracy. The rule was fixed on half A of ``softmax_pairs.csv``, public code whose
source shows how often softmax is applied; halves B and C try it.
"""

import math
import tomllib
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
GENRE = "genre"  # the frame of prevalence that holds classifiers of music genres
_WORDS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
ASSUMES, ANSWERS, WHY, HALVES = (
    _WORDS[name] for name in ("assumes", "answers", "why", "halves")
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
    """Return a diagnosis, its words, and how often the rule was right, by half."""
    tally = {
        half: {k: (v["right"], v["answered"]) for k, v in validation(half).items()}
        for half in HALVES
    }
    words = {"why": WHY[found.reason], "assumes": ASSUMES}
    return found._asdict() | words | {"public_code": tally}


def as_text(found: Diagnosis) -> str:
    """Return the words for the same."""
    lines = [
        f"{found.answer}: {WHY[found.reason]}",
        f"floor {found.floor:.3f}; a certain network behind two softmaxes "
        f"{found.certain:.3f}, gap {found.gap:+.3f} (up to {WITHIN} counts as none)",
        f"assumed: {ASSUMES}",
    ]
    for half, tally in as_json(found)["public_code"].items():
        each = [f"{k} of {n} applied {name}" for name, (k, n) in tally.items()]
        lines.append(f"right on public code, {HALVES[half]}: {', '.join(each)}")
    return "\n".join(lines)


def public_pairs() -> pd.DataFrame:
    """Return losses and accuracies printed by public code, with the rule's answers.

    Columns: those of ``softmax_pairs.csv``, ``answer``, ``reason`` and ``gap``. A row
    that is ``unfit`` breaks an assumption: its loss and accuracy are of other examples
    ("mixed"), of one "batch", or the loss is not a mean ("scale").
    """
    table = pd.read_csv(PAIRS, keep_default_na=False)
    found = [diagnose(*row) for row in table[["classes", "loss", "accuracy"]].values]
    answers = pd.DataFrame(found, columns=Diagnosis._fields)
    return table.join(answers[["answer", "reason", "gap"]])


def validation(half: str) -> dict[str, dict]:
    """Return how often the rule is right on a half of public code, "A", "B" or "C".

    Of what was applied "twice" and "once": ``pairs``, ``sources``, ``answered``,
    ``right``, their ``share`` with Wilson's interval of pairs that were independent,
    ``by_source`` with that of sources (``clusters.share``), and ``failures``, rows of
    ``public_pairs``. Pairs that cannot be told are not answered.
    """
    table = public_pairs()
    table = table[table["unfit"] == ""].groupby("half").get_group(half)
    result = {}
    for softmaxes, name in ((2, "twice"), (1, "once")):
        rows = table[table["softmaxes"] == softmaxes]
        told = rows[rows["answer"] != "cannot tell"]
        right = told["answer"] == name
        result[name] = {
            "pairs": len(rows),
            "sources": rows["source"].nunique(),
            "answered": len(told),
            "right": int(right.sum()),
            "share": proportion(right.sum(), len(told)),
            "by_source": clusters.share(right, told["source"]),
            "failures": told[~right].to_dict("records"),
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


def natural_experiments() -> pd.DataFrame:
    """Return those of ``public_pairs`` that are of one author, softmax once and twice.

    They are of one notebook, or from before and after the mistake.
    """
    table = public_pairs()
    chosen = table[table["experiment"] != ""]
    return chosen.sort_values(["source", "softmaxes"], ignore_index=True)
