"""What a claim's ``measure`` in ``report/claims.toml`` may name.

Each takes what was measured (``results.json``), the runs, and what the claim's ``with``
says; it returns what ``Measured`` has, or None if no run measures it.
"""

import inspect
import math
from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.splits import N_FOLDS
from gtzan_lib.evaluation import clusters, seeds
from gtzan_lib.evaluation.metrics import Estimate, bare
from gtzan_lib.experiments import groups, suite
from gtzan_lib.experiments.run import METRICS, Run
from gtzan_lib.parameters import FACTS
from gtzan_lib.report import dead

LARGER = 36  # values of a picture of 432 x 648 for each of a code: windows of 6 x 6
# Of the data set, its number of pictures, values a picture and values a code, a byte
# each.
NUMBERS = {
    "pictures": lambda data, size, code: data["pictures"],
    "fewest of a genre": lambda data, size, code: min(data["by_genre"].values()),
    "KB a picture": lambda data, size, code: size / 1e3,
    "KB a picture of 432 x 648": lambda data, size, code: LARGER * code / 1e3,
    "KB a code": lambda data, size, code: code / 1e3,
    "times fewer values": lambda data, size, code: size / code,
    "GB of pictures of 432 x 648 as 32-bit numbers": lambda data, size, code: (
        4 * data["pictures"] * LARGER * code / 1e9
    ),
}
COUNTS = ("pictures", "fewest of a genre")
DEAD = ("accuracy", "most", "silent")  # of ``dead.tables``
DRAWS = 2000  # of runs, for the interval of a rank


class Measured(NamedTuple):
    """An estimate, the runs or the notebook that measured it, and how many seeds.

    ``seeds`` is None of what no seed has a part in, such as the size of a picture;
    ``values`` are what each seed measures, where ``ours`` is their mean; ``is_whole``
    is true where seeds are folds that test every track, however few they are.
    """

    ours: Estimate
    source: list[str]
    seeds: int | None = None
    values: tuple[float, ...] = ()
    is_whole: bool = False


def fact(measured: dict, runs: list[Run], name: str) -> Measured:
    """Return a number of the data set, such as how many pictures it has."""
    data = measured["data"]
    pixels, code = math.prod(data["picture"]), math.prod(data["code"])
    page = "01_pack" if name in COUNTS else "02_pool_mse"
    return Measured(bare(NUMBERS[name](data, pixels, code)), [page])


def literal_autoencoder(measured: dict, runs: list[Run]) -> Measured:
    """Return the memory that the proposal's weights take as it is written, in GB."""
    gigabytes = measured["literal_autoencoder"]["bytes"] / 1e9
    return Measured(bare(gigabytes), ["04_autoencoder"])


def subset(measured: dict, runs: list[Run], name: str) -> Measured | None:
    """Return how many pictures of the paper's split train or test."""
    for run, *_ in groups.headline(runs).values():
        return Measured(bare(run.provenance["subsets"][name]), [run.name])
    return None


def batches(measured: dict, runs: list[Run]) -> Measured | None:
    """Return how many batches an epoch has."""
    if (train := subset(measured, runs, "train")) is None:
        return None
    count = math.ceil(train.ours["value"] / measured["batch_size"])
    return Measured(bare(count), train.source)


def pooling_error(
    measured: dict, runs: list[Run], upsampling: str, channels: int
) -> Measured:
    """Return the mean squared error of average pooling over all pictures.

    Their files have four channels; the fourth is the same everywhere (which
    ``gtzan.read_picture`` sees to), so that pooling leaves no error in it.
    """
    mse = measured["pooling"][upsampling]["mse"] * 3 / channels
    return Measured(bare(mse), ["02_pool_mse"])


def encoder_ratio(measured: dict, runs: list[Run], encoder: str) -> Measured | None:
    """Return an encoder's error as a share of pooling's (bicubic), over seeds."""
    for row in measured["encoders"]:
        if row["encoder"] == encoder and (ratios := row.get("of_pooling")):
            ours = seeds.mean_over_seeds(ratios, groups.MAIN["split"])
            return Measured(ours, ["04_autoencoder"], len(ratios))
    return None


def more_data(measured: dict, runs: list[Run], encoder: str) -> Measured | None:
    """Return what the second half of the training tracks adds to an accuracy.

    Of the support vector machine on an encoder's vectors (``experiments.learning``),
    by artist: no artist is in two folds. The interval is the wider of two: by artist,
    and over folds, as another division would have trained on other tracks.
    """
    curves = [row for row in measured.get("learning", ()) if row["encoder"] == encoder]
    if not curves:
        return None
    gains = [np.subtract(row["hits"][-1], row["hits"][-2]) for row in curves]
    tests = [np.asarray(row["tests"]) for row in curves]
    by_artist = clusters.mean_of(np.concatenate(gains), np.concatenate(tests))
    pairs = list(zip(gains, tests, strict=True))
    by_fold = tuple(float(gain.sum() / test.sum()) for gain, test in pairs)
    ratio = np.mean([sum(row["tests"]) / row["train"][-1] for row in curves])
    over_folds = seeds.corrected(by_fold, float(ratio))
    halves = [each["high"] - each["value"] for each in (by_artist, over_folds)]
    half, value = float(np.nanmax(halves)), by_artist["value"]
    ours = {"value": value, "low": value - half, "high": value + half}
    return Measured(ours, ["06_beyond"], len(curves), by_fold, is_whole=True)


def metric(measured: dict, runs: list[Run], name: str, **facts) -> Measured | None:
    """Return a metric of the longest runs with these parameters, over seeds."""
    group = partitions(_chosen(runs, name, facts))
    if not group:
        return None
    values = tuple(run.metric(name)["value"] for run in group)
    return _over(groups.over_seeds(group, name), group)._replace(values=values)


def gain(
    measured: dict, runs: list[Run], name: str, of: dict, against: dict
) -> Measured | None:
    """Return by how much a metric of some runs exceeds others', paired by seed."""
    chosen = _chosen(runs, name, of), _chosen(runs, name, against)
    ours, others = map(partitions, groups.same_seeds(*chosen))
    same_recipe = of.get("recipe") == against.get("recipe") and "@" not in name
    epochs = {run.provenance["epochs"] for run in ours + others}
    if not ours or (same_recipe and len(epochs) > 1):
        return None
    return _over(groups.difference(ours, others, name), ours, others)


def beside_others(measured: dict, runs: list[Run], name: str, **facts) -> Measured:
    """Return by how much a metric exceeds its mean over other models of 06."""
    group = groups.select(runs, **facts)
    by_model = suite.by_split(runs).get(groups.MAIN["split"], {})
    others = [by_model.get(model, []) for model in suite.CLIMBING]
    for other in others:
        group, _ = groups.same_seeds(group, other)
    group = partitions(group)
    if not group:
        return None
    others = [groups.same_seeds(group, other)[1] for other in others]
    values = [[run.metric(name)["value"] for run in each] for each in (group, *others)]
    mean = np.mean(values[1:], axis=0).tolist()
    ours = seeds.paired_difference(values[0], mean, groups.MAIN["split"])
    differences = tuple(np.subtract(values[0], mean).tolist())
    return _over(ours, group, *others)._replace(values=differences)


def rank(measured: dict, runs: list[Run], name: str, **facts) -> Measured | None:
    """Return a genre's place in a metric: ``recall:jazz`` or ``called:rock:metal``.

    Among all genres by how many are recognised, or (metal) among those that another one
    (rock) is mistaken for. Of genres with as many it is the last. Counts are those of
    all runs together.
    """
    group = partitions(groups.select(runs, **facts))
    if not group:
        return None
    what, *genres = name.split(":")
    row, column = GENRES.index(genres[0]), GENRES.index(genres[-1])

    def place(counts: np.ndarray) -> int:
        if what == "recall":
            recall = counts.diagonal() / counts.sum(axis=1).clip(1)
            return np.sum(recall >= recall[row])
        return np.sum(np.delete(counts[row], row) >= counts[row, column])

    return _over(ranked(np.stack([run.confusion for run in group]), place), group)


def by_dead_genres(
    measured: dict, runs: list[Run], name: str, when: str | None = None
) -> Measured | None:
    """Return one of ``DEAD`` at a moment of recipe paper, such as ``"pair"``.

    ``dead.tables`` has them. Left out, the moment is the one of most seeds. ``silent``
    is how much of hip-hop is called reggae while it is silent, of the seeds in which it
    ever is; NaN where it never is.
    """
    table = dead.tables(runs, measured["data"]["by_genre"])["paper"]
    rows = {row["when"]: row for row in table["moments"]}
    row = rows.get(when or table["compared"])
    if row is None:
        return None
    names, values = row["runs"], ()
    if name == "silent":
        names = [seed["run"] for seed in table["mixed"]["by_seed"]]
        row = table["mixed"]
    elif name == "accuracy":
        values = tuple(row["accuracies"])
    ours = {k: row[name][k] for k in ("value", "low", "high")}
    return Measured(ours, names, len(names), values)


def ranked(counts: np.ndarray, place: Callable[[np.ndarray], int]) -> Estimate:
    """Return a place with its 95 % interval, by drawing runs again; one run has none.

    ``place`` takes a confusion matrix; ``counts`` has one a run: int64, (runs, 10, 10).
    Runs are drawn, with all their test pictures, one fewer than there are (Rao and Wu,
    1988: of few, as many would differ too little), or than one partition has, as the
    next one tests the same pictures again.
    """
    rng, n_runs = np.random.default_rng(0), len(counts)
    value = float(place(counts.sum(axis=0)))
    if n_runs == 1:
        return bare(value)
    drawn = rng.integers(n_runs, size=(DRAWS, min(n_runs, N_FOLDS) - 1))
    places = [place(counts[some].sum(axis=0)) for some in drawn]
    low, high = np.percentile(places, (2.5, 97.5), method="nearest")
    return {"value": value, "low": float(low), "high": float(high)}


def partitions(group: list[Run]) -> list[Run]:
    """Return the runs of whole partitions, or all where no partition is whole.

    Five seeds, as 5 to 9, are the folds of one: they test every picture once.
    """
    by_partition = defaultdict(list)
    for run in group:
        by_partition[run.provenance["seed"] // N_FOLDS].append(run)
    parts = by_partition.values()
    return [run for part in parts if len(part) == N_FOLDS for run in part] or group


def _chosen(runs: list[Run], name: str, facts: dict) -> list[Run]:
    """Return the runs of a configuration, one a seed, that a metric is taken of.

    Of a metric at an epoch, as ``loss@30``, these are all that were trained so far.
    """
    _, _, epoch = name.partition("@")
    if not epoch.isdigit():
        return groups.select(runs, **facts)
    reached = [run for run in runs if run.provenance["epochs"] >= int(epoch)]
    return groups.longest(reached, **facts)


def _over(ours: Estimate, group: list[Run], *others: list[Run]) -> Measured:
    names = [run.name for runs in (group, *others) for run in runs]
    return Measured(ours, names, len(group))


_ALL = (fact, subset, batches, pooling_error, encoder_ratio, literal_autoencoder)
_ALL += (more_data, metric, gain, beside_others, rank, by_dead_genres)
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
    by_runs = dict.fromkeys(("metric", "gain", "beside_others"), METRICS)
    by_name = {"fact": NUMBERS, "rank": ranks, "by_dead_genres": DEAD}
    known = (by_name | by_runs).get(name)
    if known and bound.arguments["name"] not in known:
        return f"{name} knows no {bound.arguments['name']}"
    chosen = [value for value in bound.arguments.values() if isinstance(value, dict)]
    unknown = {fact for facts in chosen for fact in facts} - set(FACTS)
    return f"runs have no parameter {unknown.pop()}" if unknown else None
