"""The ledger: every claim of the paper that can be checked, and its verdict.

The claims are data, in ``report/claims.toml``; this module reads them, measures, and
judges. The rules:

- A claim with a ``value`` and a ``tolerance`` is *reproduced* when ours is within the
  tolerance, or when our 95 % interval, where there is one, holds the paper's value.
- A claim with a bound (``above`` or ``below``) is *reproduced* when our value is beyond
  it and, where there is an interval, all of the interval is.
- In every other case that was measured it is *not reproduced*.
- A claim of which the paper ``says`` several things that cannot all be true is
  *contradicted by the paper itself*, whatever we measure.
- A claim that states nothing measurable, or that no finished run measures, *cannot be
  tested*.

They were written down when first runs on GTZAN had been seen, so that they are no
preregistration; the history of ``claims.toml`` shows every change.

Used by notebook 05_results, through ``results``.
"""

import inspect
import math
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gtzan_lib.evaluation import seeds as comparison
from gtzan_lib import store
from gtzan_lib.data.genres import GENRES
from gtzan_lib.errors import DataError
from gtzan_lib.evaluation.metrics import Estimate
from gtzan_lib.parameters import FACTS

LEDGER = store.PROJECT / "report" / "claims.toml"
VERDICTS = (
    "reproduced",
    "not reproduced",
    "contradicted by the paper itself",
    "cannot be tested",
)
REPRODUCED, NOT_REPRODUCED, CONTRADICTED, UNTESTED = VERDICTS
NEEDED = {"id", "section", "claim", "paper"}
OPTIONAL = {
    *("measure", "with", "value", "tolerance", "above", "below", "says", "digits"),
    *("unit", "reason", "if_reproduced", "if_not"),
}
EPOCHS = (1, 10, 30, 50, 100, 300, 1000)  # of which the curves' values are kept
CURVES = ("loss", "train_accuracy", "test_accuracy")
# What measurements know, by name.
NUMBERS = {
    "pictures": lambda data, size, code: data["pictures"],
    "fewest of a genre": lambda data, size, code: min(data["by_genre"].values()),
    "KB a picture": lambda data, size, code: size / 1024,
    "KB a code": lambda data, size, code: code / 1024,
    "times fewer values": lambda data, size, code: size / code,
    "GB of 64-bit numbers": lambda data, size, code: 8 * data["pictures"] * size / 1e9,
}
METRICS = {
    *("accuracy", "top2", "certainty"),
    *(f"{name}@{epoch}" for name in CURVES for epoch in (*EPOCHS, "first", "last")),
    *(f"recall:{genre}" for genre in GENRES),
    *(f"called:{genre}:{other}" for genre in GENRES for other in GENRES),
}
# What a measurement takes unless the claim says otherwise.
MAIN = {"model": "lenet", "encoder": "pool", "split": "random"}


def load(path: Path = LEDGER) -> list[dict]:
    """Read the claims.

    Raises
    ------
    DataError
        If the file cannot be read, or a claim lacks a part, has one that nobody knows,
        or is of no kind that can be judged.
    """
    try:
        claims = tomllib.loads(Path(path).read_text(encoding="utf-8"))["claim"]
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path} is not a ledger of claims: {error!r}") from error
    for i, claim in enumerate(claims):
        problem = _problem(claim)
        if problem:
            name = claim.get("id", f"number {i + 1}")
            raise DataError(f"claim {name} in {path}: {problem}")
    names = [claim["id"] for claim in claims]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise DataError(f"claim {twice.pop()} is in {path} twice")
    return claims


def answer(ledger: list[dict], measured: dict, runs: list) -> list[dict]:
    """Give each claim its verdict.

    Parameters
    ----------
    ledger : list of dict
        What ``load`` returns.
    measured : dict
        What ``results.json`` holds of the data, pooling and encoders.
    runs : list of results.CountedRun
        The finished runs.

    Returns
    -------
    list of dict
        Of each claim ``id``, ``section``, ``claim`` and ``paper``; ``value``, ``low``
        and ``high`` of ours and the words for it, ``ours``; the ``rule`` it is judged
        by; ``verdict`` and ``reason``; and ``source``, the runs or the notebook that
        measured it.
    """
    return [_answer(claim, measured, runs) for claim in ledger]


def verdict(claim: dict, ours: Estimate | None) -> str:
    """Judge one claim by the rules above.

    Parameters
    ----------
    claim : dict
    ours : dict or None
        What was measured; None if nothing was. ``low`` and ``high`` may be NaN.
    """
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


def select(runs: list, **facts) -> list:
    """Return runs with these parameters, one a seed: most seeds, then longest.

    Parameters
    ----------
    runs : list of results.CountedRun
    **facts
        Parameters of notebook 03; of what is not given, the paper's (``MAIN``).
    """
    facts = MAIN | facts
    found = [
        run
        for run in runs
        if all(run.provenance[name] == value for name, value in facts.items())
    ]
    groups = comparison.group_runs(found).values()
    return max(groups, key=comparison.preference, default=[])


def over_seeds(runs: list, name: str) -> Estimate:
    """Return one of ``results.CountedRun.metrics`` over seeds, with its interval.

    NaN where a run has no such number.
    """
    values = [run.metrics.get(name) for run in runs]
    if None in values or not values:
        return comparison.bare(np.nan)
    if name.startswith("loss"):  # which may be above 1
        split = runs[0].provenance["split"]
        return comparison.mean_over_seeds([value["value"] for value in values], split)
    return comparison.over_seeds(runs, lambda metrics: metrics[name])


# The measurements. Each takes what was measured, the runs, and what a claim's "with"
# says; it returns an estimate and where it comes from, or None if there is no such run.


def fact(measured, runs, name):
    """Return a number of the data set, such as how many pictures it has."""
    data = measured["data"]
    pixels, code = math.prod(data["picture"]), math.prod(data["code"])
    return comparison.bare(NUMBERS[name](data, pixels, code)), ["01_pack"]


def literal_autoencoder(measured, runs):
    """Return the memory that the proposal's weights take as it is written, in GB."""
    return comparison.bare(measured["literal_autoencoder"]["bytes"] / 1e9), [
        "04_autoencoder"
    ]


def subset(measured, runs, name):
    """Return how many pictures of the paper's split train or test."""
    found = select(runs, recipe="paper") or select(runs, recipe="corrected")
    if not found:
        return None
    return comparison.bare(found[0].provenance["subsets"][name]), [found[0].name]


def batches(measured, runs):
    """Return how many batches an epoch has."""
    found = subset(measured, runs, "train")
    if found is None:
        return None
    return comparison.bare(
        math.ceil(found[0]["value"] / measured["batch_size"])
    ), found[1]


def pooling_error(measured, runs, upsampling):
    """Return the mean squared error of average pooling over all pictures."""
    return comparison.bare(measured["pooling"][upsampling]["mse"]), ["02_pool_mse"]


def encoder_ratio(measured, runs, encoder, to):
    """Return an encoder's error as a share of another's, on the same test pictures."""
    mse = {row["encoder"]: row["mse"] for row in measured["encoders"]}
    if not {encoder, to} <= set(mse):
        return None
    return comparison.bare(mse[encoder] / mse[to]), ["04_autoencoder"]


def metric(measured, runs, name, **facts):
    """Return a metric of the longest runs with these parameters, over seeds."""
    found = select(runs, **facts)
    return (over_seeds(found, name), [run.name for run in found]) if found else None


def gain(measured, runs, name, of, against):
    """Return by how much a metric of some runs exceeds others', paired by seed.

    One seed has no interval, and is no comparison.
    """
    ours, others = comparison.same_seeds(select(runs, **of), select(runs, **against))
    same_recipe = of.get("recipe") == against.get("recipe")
    epochs = {run.provenance["epochs"] for run in ours + others}
    if len(ours) < 2 or (same_recipe and len(epochs) > 1):
        return None
    if any(name not in run.metrics for run in ours + others):
        return None
    difference = comparison.paired_difference(ours, others, lambda m: m[name])
    return difference, [run.name for run in ours + others]


def recall_rank(measured, runs, genre, **facts):
    """Return a genre's place when genres are ordered by how many are recognised.

    Of genres that are recognised as often, it is the last.
    """

    def rank(counts: np.ndarray) -> int:
        recall = counts.diagonal() / counts.sum(axis=1).clip(1)
        return np.sum(recall >= recall[GENRES.index(genre)])

    return _ranked_in(select(runs, **facts), rank)


def confusion_rank(measured, runs, genre, other, **facts):
    """Return the place of a genre among those that another one is mistaken for.

    Of genres that it is mistaken for as often, it is the last.
    """
    row, column = GENRES.index(genre), GENRES.index(other)

    def rank(counts: np.ndarray) -> int:
        return np.sum(np.delete(counts[row], row) >= counts[row, column])

    return _ranked_in(select(runs, **facts), rank)


def _ranked_in(found, rank):
    if not found:
        return None
    counts = np.sum([run.record["confusion"] for run in found], axis=0)
    return ranked(counts, rank), [run.name for run in found]


def ranked(counts: np.ndarray, rank: Callable[[np.ndarray], int]) -> Estimate:
    """Return a rank with its 95 % interval, by drawing the test pictures again.

    Parameters
    ----------
    counts : ndarray of int64, shape (10, 10)
        A confusion matrix; each genre's pictures are drawn anew from its own row.
    rank : callable
        Takes such a matrix.
    """
    rng, totals = np.random.default_rng(0), counts.sum(axis=1)
    shares = counts / totals[:, None].clip(1)
    shares[totals == 0] = 1 / len(GENRES)  # of which nothing is drawn
    drawn = [rank(rng.multinomial(totals, shares)) for _ in range(2000)]
    low, high = np.percentile(drawn, (2.5, 97.5), method="nearest")
    return {"value": float(rank(counts)), "low": float(low), "high": float(high)}


MEASURES: dict[str, Callable] = {
    measure.__name__: measure
    for measure in (
        *(fact, subset, batches, pooling_error, encoder_ratio, literal_autoencoder),
        *(metric, gain, recall_rank, confusion_rank),
    )
}


def _answer(claim: dict, measured: dict, runs: list) -> dict:
    found = None
    if "measure" in claim:
        measure = MEASURES[claim["measure"]]
        found = measure(measured, runs, **claim.get("with", {}))
    ours, source = found or (None, [])
    given = verdict(claim, ours)
    words = ""
    if ours is not None and not math.isnan(ours["value"]):
        words = comparison.with_interval(ours, claim.get("digits", 2))
        words = f"{words} {claim.get('unit', '')}".strip()
    else:
        ours, source = {"value": None, "low": None, "high": None}, []
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


def _problem(claim: dict) -> str | None:
    """Return what is wrong with a claim, in a few words; None if nothing is."""
    missing, unknown = NEEDED - claim.keys(), claim.keys() - NEEDED - OPTIONAL
    if missing:
        return f"{sorted(missing)[0]} is missing"
    if unknown:
        return f"there is no {sorted(unknown)[0]}"
    rules = [r for r in ("value", "above", "below", "says") if r in claim]
    if len(rules) > 1:
        return f"it cannot have both {rules[0]} and {rules[1]}"
    if ("value" in claim) != ("tolerance" in claim):
        return "value and tolerance come together"
    if not rules and ("measure" in claim or "reason" not in claim):
        return "it needs value, above, below or says, or else only a reason"
    if rules and rules != ["says"] and "measure" not in claim:
        return "it needs a measure"
    if "says" in claim and len(set(map(str, claim["says"]))) < 2:
        return "says needs two different things"
    if "measure" in claim:
        return _problem_of_measure(claim["measure"], claim.get("with", {}))
    return None


def _problem_of_measure(name: str, arguments: dict) -> str | None:
    if name not in MEASURES:
        return f"there is no measure {name}: they are {', '.join(MEASURES)}"
    signature = inspect.signature(MEASURES[name])
    try:
        bound = signature.bind(None, None, **arguments)
    except TypeError as error:
        return f"measure {name}: {error}"
    known = {"fact": NUMBERS, "metric": METRICS, "gain": METRICS}.get(name)
    if known and bound.arguments["name"] not in known:
        return f"{name} knows no {bound.arguments['name']}"
    chosen = [value for value in bound.arguments.values() if isinstance(value, dict)]
    unknown = {fact for facts in chosen for fact in facts} - set(FACTS)
    return f"runs have no parameter {unknown.pop()}" if unknown else None
