"""What a claim's ``measure`` in ``report/claims.toml`` may name.

Each takes what was measured (``results.json``), the runs, and what the claim's ``with``
says; it returns an estimate and where it comes from, or None if no run measures it.
"""

import inspect
import math
from collections.abc import Callable

import numpy as np

from gtzan_lib.data.genres import GENRES
from gtzan_lib.evaluation.metrics import Estimate, bare
from gtzan_lib.experiments import groups
from gtzan_lib.experiments.run import METRICS, Run
from gtzan_lib.parameters import FACTS

# Of the data set, its number of pictures, values a picture and values a code.
NUMBERS = {
    "pictures": lambda data, size, code: data["pictures"],
    "fewest of a genre": lambda data, size, code: min(data["by_genre"].values()),
    "KB a picture": lambda data, size, code: size / 1024,
    "KB a code": lambda data, size, code: code / 1024,
    "times fewer values": lambda data, size, code: size / code,
    "GB of 64-bit numbers": lambda data, size, code: 8 * data["pictures"] * size / 1e9,
}
DRAWS = 2000  # of test pictures, for the interval of a rank
Measured = tuple[Estimate, list[str]] | None


def fact(measured: dict, runs: list[Run], name: str) -> Measured:
    """Return a number of the data set, such as how many pictures it has."""
    data = measured["data"]
    pixels, code = math.prod(data["picture"]), math.prod(data["code"])
    return bare(NUMBERS[name](data, pixels, code)), ["01_pack"]


def literal_autoencoder(measured: dict, runs: list[Run]) -> Measured:
    """Return the memory that the proposal's weights take as it is written, in GB."""
    return bare(measured["literal_autoencoder"]["bytes"] / 1e9), ["04_autoencoder"]


def subset(measured: dict, runs: list[Run], name: str) -> Measured:
    """Return how many pictures of the paper's split train or test."""
    for run, *_ in groups.headline(runs).values():
        return bare(run.provenance["subsets"][name]), [run.name]
    return None


def batches(measured: dict, runs: list[Run]) -> Measured:
    """Return how many batches an epoch has."""
    train = subset(measured, runs, "train")
    if train is None:
        return None
    return bare(math.ceil(train[0]["value"] / measured["batch_size"])), train[1]


def pooling_error(measured: dict, runs: list[Run], upsampling: str) -> Measured:
    """Return the mean squared error of average pooling over all pictures."""
    return bare(measured["pooling"][upsampling]["mse"]), ["02_pool_mse"]


def encoder_ratio(measured: dict, runs: list[Run], encoder: str, to: str) -> Measured:
    """Return an encoder's error as a share of another's, on the same test pictures."""
    mse = {row["encoder"]: row["mse"] for row in measured["encoders"]}
    if not {encoder, to} <= set(mse):
        return None
    return bare(mse[encoder] / mse[to]), ["04_autoencoder"]


def metric(measured: dict, runs: list[Run], name: str, **facts) -> Measured:
    """Return a metric of the longest runs with these parameters, over seeds."""
    group = groups.select(runs, **facts)
    return (groups.over_seeds(group, name), _names(group)) if group else None


def gain(
    measured: dict, runs: list[Run], name: str, of: dict, against: dict
) -> Measured:
    """Return by how much a metric of some runs exceeds others', paired by seed.

    One seed has no interval, and is no comparison.
    """
    chosen = groups.select(runs, **of), groups.select(runs, **against)
    ours, others = groups.same_seeds(*chosen)
    same_recipe = of.get("recipe") == against.get("recipe")
    epochs = {run.provenance["epochs"] for run in ours + others}
    if len(ours) < 2 or (same_recipe and len(epochs) > 1):
        return None
    return groups.difference(ours, others, name), _names(ours + others)


def rank(measured: dict, runs: list[Run], name: str, **facts) -> Measured:
    """Return a genre's place in a metric: ``recall:jazz`` or ``called:rock:metal``.

    Among all genres by how many are recognised, or (metal) among those that another one
    (rock) is mistaken for. Of genres with as many it is the last.
    """
    group = groups.select(runs, **facts)
    if not group:
        return None
    what, *genres = name.split(":")
    row, column = GENRES.index(genres[0]), GENRES.index(genres[-1])

    def place(counts: np.ndarray) -> int:
        if what == "recall":
            recall = counts.diagonal() / counts.sum(axis=1).clip(1)
            return np.sum(recall >= recall[row])
        return np.sum(np.delete(counts[row], row) >= counts[row, column])

    return ranked(sum(run.confusion for run in group), place), _names(group)


def ranked(counts: np.ndarray, place: Callable[[np.ndarray], int]) -> Estimate:
    """Return a place with its 95 % interval, by drawing the test pictures again.

    ``place`` takes a confusion matrix, as ``counts`` is one: int64, (10, 10). Each
    genre's pictures are drawn from its own row.
    """
    rng, totals = np.random.default_rng(0), counts.sum(axis=1)
    shares = counts / totals[:, None].clip(1)
    shares[totals == 0] = 1 / len(GENRES)  # of which nothing is drawn
    drawn = [place(rng.multinomial(totals, shares)) for _ in range(DRAWS)]
    low, high = np.percentile(drawn, (2.5, 97.5), method="nearest")
    return {"value": float(place(counts)), "low": float(low), "high": float(high)}


def _names(runs: list[Run]) -> list[str]:
    return [run.name for run in runs]


_ALL = (fact, subset, batches, pooling_error, encoder_ratio, literal_autoencoder)
_ALL += (metric, gain, rank)
MEASURES: dict[str, Callable] = {measure.__name__: measure for measure in _ALL}


def problem(name: str, arguments: dict) -> str | None:
    """Return what is wrong with a measure and its arguments; None if nothing is."""
    if name not in MEASURES:
        return f"there is no measure {name}: they are {', '.join(MEASURES)}"
    try:
        bound = inspect.signature(MEASURES[name]).bind(None, None, **arguments)
    except TypeError as error:
        return f"measure {name}: {error}"
    ranks = [metric for metric in METRICS if metric.startswith(("recall:", "called:"))]
    known = {"fact": NUMBERS, "metric": METRICS, "gain": METRICS, "rank": ranks}
    known = known.get(name)
    if known and bound.arguments["name"] not in known:
        return f"{name} knows no {bound.arguments['name']}"
    chosen = [value for value in bound.arguments.values() if isinstance(value, dict)]
    unknown = {fact for facts in chosen for fact in facts} - set(FACTS)
    return f"runs have no parameter {unknown.pop()}" if unknown else None
