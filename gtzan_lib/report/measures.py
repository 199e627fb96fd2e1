"""What a claim's ``measure`` in ``report/claims.toml`` may name.

Each takes the evidence and what the claim's ``with`` says; it returns what ``Found``
has, or None if no run measures it.
"""

import inspect
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gtzan_lib.data.genres import GENRES
from gtzan_lib.evaluation import clusters, seeds
from gtzan_lib.evaluation.metrics import Estimate, around, bare
from gtzan_lib.experiments import groups, scores, suite
from gtzan_lib.experiments.run import MAIN, Measured
from gtzan_lib.parameters import FACTS
from gtzan_lib.report.evidence import Evidence

LARGER = 36  # values of a picture of 432 x 648 for each of a code: windows of 6 x 6
# Of the numbers of pictures by genre, of values a picture and of values a code.
NUMBERS = {
    "pictures": lambda genres, size, code: sum(genres),
    "fewest of a genre": lambda genres, size, code: min(genres),
    "KB a picture": lambda genres, size, code: size / 1e3,
    "KB a picture of 432 x 648": lambda genres, size, code: LARGER * code / 1e3,
    "KB a code": lambda genres, size, code: code / 1e3,
    "times fewer values": lambda genres, size, code: size / code,
    "GB of pictures of 432 x 648 as 32-bit numbers": lambda genres, size, code: (
        4 * sum(genres) * LARGER * code / 1e9
    ),
}
COUNTS = ("pictures", "fewest of a genre")
RANKED = ("recall", "called")  # metrics by which genres have a place
DEAD = ("accuracy", "most", "silent")  # of ``dead.tables``


class Found(NamedTuple):
    """An estimate, and what it rests on."""

    ours: Estimate
    source: list[str]  # the runs, or the notebook, that measured it
    seeds: int | None = None  # None: no seed has a part in it
    values: tuple[float, ...] = ()  # of each seed, where ``ours`` is their mean
    is_whole: bool = False  # seeds are folds that test every track, however few


def fact(known: Evidence, name: str) -> Found:
    """Return a number of the data set, such as how many pictures it has."""
    data = known.data
    pixels, code = (
        math.prod(data[f"{what}.{side}"] for side in ("height", "width", "channels"))
        for what in ("picture", "code")
    )
    page = "01_pack" if name in COUNTS else "02_pool_mse"
    value = NUMBERS[name](known.tables.by_genre.values(), pixels, code)
    return Found(bare(value), [page])


def literal_autoencoder(known: Evidence) -> Found:
    """Return the memory that the proposal's weights take as it is written, in GB."""
    gigabytes = known.data["literal_autoencoder.bytes"] / 1e9
    return Found(bare(gigabytes), ["04_autoencoder"])


def subset(known: Evidence, name: str) -> Found | None:
    """Return how many pictures of the paper's split train or test."""
    for run, *_ in groups.headline(known.runs).values():
        return Found(bare(run.subsets[name]), [run.name])
    return None


def batches(known: Evidence) -> Found | None:
    """Return how many batches an epoch has."""
    if (train := subset(known, "train")) is None:
        return None
    count = math.ceil(train.ours["value"] / known.data["batch_size"])
    return Found(bare(count), train.source)


def pooling_error(known: Evidence, upsampling: str, channels: int) -> Found | None:
    """Return the mean squared error of average pooling over all pictures."""
    by_mode = known.tables.pooling.set_index("upsampling")["mse"]
    if (mse := by_mode.get(upsampling)) is None:
        return None
    return Found(bare(with_alpha(mse, channels)), ["02_pool_mse"])


def with_alpha(mse: float, channels: int) -> float:
    """Return an error of three channels as one of so many.

    The files have four; the fourth is the same everywhere (which
    ``gtzan.read_picture`` sees to), so that pooling leaves no error in it.
    """
    return mse * 3 / channels


def encoder_ratio(known: Evidence, encoder: str) -> Found | None:
    """Return an encoder's error as a share of pooling's (bicubic), over seeds."""
    codes = known.tables.codes
    ratios = codes[codes["encoder"] == encoder].sort_values("seed")["of_pooling"]
    if ratios.empty:
        return None
    ours = seeds.mean_over_seeds(ratios.tolist(), MAIN["split"])
    return Found(ours, ["04_autoencoder"], len(ratios))


def more_data(known: Evidence, encoder: str) -> Found | None:
    """Return what the second half of the training tracks adds to an accuracy.

    Of the support vector machine on an encoder's vectors (``experiments.learning``),
    by artist: no artist is in two folds. The interval is the wider of two: by artist,
    and over folds, as another division would have trained on other tracks.
    """
    curves = known.tables.learning
    curves = curves[curves["encoder"] == encoder]
    if curves.empty:
        return None
    gains, tests, by_fold, ratios = [], [], [], []
    for _, curve in curves.groupby("seed"):
        by_size = curve.pivot(index="artist", columns="train", values="hits")
        half, whole = by_size.columns[-2:]
        gains.append(by_size[whole] - by_size[half])
        tests.append(curve.groupby("artist")["tests"].first())
        by_fold.append(float(gains[-1].sum() / tests[-1].sum()))
        ratios.append(tests[-1].sum() / whole)
    by_artist = clusters.mean_of(np.concatenate(gains), np.concatenate(tests))
    over_folds = seeds.corrected(tuple(by_fold), float(np.mean(ratios)))
    halves = [each["high"] - each["value"] for each in (by_artist, over_folds)]
    ours = around(by_artist["value"], float(np.nanmax(halves)))
    return Found(ours, ["06_beyond"], len(gains), tuple(by_fold), is_whole=True)


def metric(known: Evidence, metric: str, **given) -> Found | None:
    """Return a metric of the longest runs with these parameters, over seeds.

    ``given`` are the fields of the metric and the facts of runs.
    """
    fields, facts = divided(given)
    group = groups.partitions(_chosen(known.runs, fields, facts))
    if not group:
        return None
    values = tuple(run.metric(metric, **fields)["value"] for run in group)
    ours = groups.over_seeds(group, metric, **fields)
    return _over(ours, group)._replace(values=values)


def gain(
    known: Evidence, metric: str, of: dict, against: dict, **fields
) -> Found | None:
    """Return by how much a metric of some runs exceeds others', paired by seed."""
    chosen = (_chosen(known.runs, fields, facts) for facts in (of, against))
    ours, others = map(groups.partitions, groups.same_seeds(*chosen))
    same_recipe = of.get("recipe") == against.get("recipe") and "epoch" not in fields
    epochs = {run.provenance["epochs"] for run in ours + others}
    if not ours or (same_recipe and len(epochs) > 1):
        return None
    return _over(groups.difference(ours, others, metric, **fields), ours, others)


def beside_others(known: Evidence, metric: str, **given) -> Found:
    """Return by how much a metric exceeds its mean over other models of 06."""
    fields, facts = divided(given)
    group = groups.select(known.runs, **facts)
    by_model = suite.by_split(known.runs).get(MAIN["split"], {})
    others = [by_model.get(model, []) for model in suite.CLIMBING]
    for other in others:
        group, _ = groups.same_seeds(group, other)
    group = groups.partitions(group)
    if not group:
        return None
    others = [groups.same_seeds(group, other)[1] for other in others]
    values = [
        [run.metric(metric, **fields)["value"] for run in each]
        for each in (group, *others)
    ]
    mean = np.mean(values[1:], axis=0).tolist()
    ours = seeds.paired_difference(values[0], mean, MAIN["split"])
    differences = tuple(np.subtract(values[0], mean).tolist())
    return _over(ours, group, *others)._replace(values=differences)


def rank(
    known: Evidence, metric: str, genre: str, other: str = "", **facts
) -> Found | None:
    """Return a genre's place in a metric, one of ``RANKED``.

    Among all genres by how many are recognised, or (``other``) among those that the
    genre is mistaken for. Of genres with as many it is the last. Counts are those of
    all runs together.
    """
    group = groups.partitions(groups.select(known.runs, **facts))
    if not group:
        return None
    row, column = GENRES.index(genre), GENRES.index(other or genre)

    def place(counts: np.ndarray) -> int:
        if metric == "recall":
            recall = counts.diagonal() / counts.sum(axis=1).clip(1)
            return np.sum(recall >= recall[row])
        return np.sum(np.delete(counts[row], row) >= counts[row, column])

    return _over(seeds.ranked(np.stack([run.confusion for run in group]), place), group)


def by_dead_genres(known: Evidence, name: str, when: str | None = None) -> Found | None:
    """Return one of ``DEAD`` at a moment of recipe paper, such as ``"pair"``.

    ``dead.tables`` has them. Left out, the moment is the one of most seeds. ``silent``
    is how much of hip-hop is called reggae while it is silent, of the seeds in which it
    ever is; NaN where it never is.
    """
    table = known.dead["paper"]
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
    return Found(ours, names, len(names), values)


def divided(given: dict) -> tuple[dict, dict]:
    """Return the fields of a metric and the facts of runs, which are given together."""
    facts = {name: value for name, value in given.items() if name in FACTS}
    return {k: v for k, v in given.items() if k not in facts}, facts


def _chosen(runs: list[Measured], fields: dict, facts: dict) -> list[Measured]:
    """Return the runs of a configuration, one a seed, that a metric is taken of.

    Of a metric at an epoch, these are all that were trained so far.
    """
    if (epoch := fields.get("epoch", 1)) == 1:
        return groups.select(runs, **facts)
    reached = [run for run in runs if run.provenance["epochs"] >= epoch]
    return groups.longest(reached, **facts)


def _over(ours: Estimate, group: list[Measured], *others: list[Measured]) -> Found:
    names = [run.name for runs in (group, *others) for run in runs]
    return Found(ours, names, len(group))


_ALL = (fact, subset, batches, pooling_error, encoder_ratio, literal_autoencoder)
_ALL += (more_data, metric, gain, beside_others, rank, by_dead_genres)
MEASURES: dict[str, Callable] = {measure.__name__: measure for measure in _ALL}


def problem(name: str, arguments: dict) -> str | None:
    """Return what is wrong with a measure and its arguments; None if nothing is."""
    if name not in MEASURES:
        return f"there is no measure {name}: they are {', '.join(MEASURES)}"
    try:
        inspect.signature(MEASURES[name]).bind(None, **arguments)
    except TypeError as error:
        return f"measure {name}: {error}"
    chosen = [value for value in arguments.values() if isinstance(value, dict)]
    unknown = {fact for facts in chosen for fact in facts} - set(FACTS)
    if unknown:
        return f"runs have no parameter {unknown.pop()}"
    names = {"fact": NUMBERS, "by_dead_genres": DEAD, "subset": ("train", "test")}
    if name in names and arguments["name"] not in names[name]:
        return f"{name} knows no {arguments['name']}"
    if name == "rank" and arguments["metric"] not in RANKED:
        return f"rank knows no {arguments['metric']}"
    if "metric" in arguments:
        known = {
            k: v for k, v in arguments.items() if k not in ("metric", "of", "against")
        }
        return scores.problem(arguments["metric"], divided(known)[0])
    return None
