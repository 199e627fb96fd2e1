"""Runs that differ in nothing but their seed, and what they measure together."""

from collections import defaultdict

import numpy as np

from gtzan_lib.data import splits
from gtzan_lib.evaluation import seeds
from gtzan_lib.evaluation.metrics import Estimate, bare
from gtzan_lib.experiments.run import Run
from gtzan_lib.registry import CODES

CONFIGURATION = ("recipe", "model", "encoder", "split", "epochs")  # all but the seed
MAIN = {"model": "lenet", "encoder": "pool", "split": "random"}  # the paper's


def group_runs(some: list[Run]) -> dict[tuple, list[Run]]:
    """Put runs together that differ in nothing but their seed, by ``CONFIGURATION``."""
    groups = defaultdict(list)
    for run in some:
        groups[tuple(run.provenance[name] for name in CONFIGURATION)].append(run)
    return dict(groups)


def preference(group: list[Run]) -> tuple[bool, int, int]:
    """Order groups of runs that differ in their epochs: most seeds, then longest.

    But first those that have the whole first partition, as later seeds may be trained
    for less.
    """
    seeds = {run.provenance["seed"] for run in group}
    has_first = seeds.issuperset(range(splits.N_FOLDS))
    return has_first, len(seeds), group[0].provenance["epochs"]


def select(some: list[Run], **facts) -> list[Run]:
    """Return runs with these parameters, one a seed: most seeds, then longest.

    Of parameters that are not given, the paper's count (``MAIN``).
    """
    return max(group_runs(_fitting(some, facts)).values(), key=preference, default=[])


def longest(some: list[Run], **facts) -> list[Run]:
    """Return runs with these parameters, of each seed the longest, in their order.

    Of parameters that are not given, the paper's count (``MAIN``).
    """
    fitting = sorted(_fitting(some, facts), key=lambda run: run.provenance["epochs"])
    by_seed = {run.provenance["seed"]: run for run in fitting}
    return [by_seed[seed] for seed in sorted(by_seed)]


def _fitting(some: list[Run], facts: dict) -> list[Run]:
    facts = MAIN | facts
    return [run for run in some if facts.items() <= run.provenance.items()]


def headline(some: list[Run]) -> dict[str, list[Run]]:
    """Return the runs with the paper's own network, by recipe: paper and corrected."""
    chosen = {name: select(some, recipe=name) for name in ("paper", "corrected")}
    return {name: group for name, group in chosen.items() if group}


def of_the_paper(some: list[Run]) -> list[Run]:
    """Return the runs of the paper's network, on codes of its size and its split."""
    return [
        run
        for run in some
        if run.provenance["model"].startswith("lenet")
        and run.provenance["encoder"] in CODES
        and run.provenance["split"] == MAIN["split"]
    ]


def same_seeds(some: list[Run], others: list[Run]) -> tuple[list[Run], list[Run]]:
    """Return the runs of the seeds that both have, in the order of the seeds."""
    ours, theirs = ({run.provenance["seed"]: run for run in g} for g in (some, others))
    shared = sorted(ours.keys() & theirs.keys())
    return [ours[seed] for seed in shared], [theirs[seed] for seed in shared]


def over_seeds(some: list[Run], metric: str) -> Estimate:
    """Return a ``Run.metric`` of runs that differ in nothing but their seed.

    Of training pictures, losses and accuracies have the interval of
    ``seeds.mean_over_seeds``; the rest has that of ``seeds.over_seeds``. NaN where a
    run has no such number. What
    is counted after the last epoch is counted over all seeds' test pictures together,
    as folds of one partition are not quite of one size.
    """
    if not some:
        return bare(np.nan)
    estimates, split = [run.metric(metric) for run in some], some[0].provenance["split"]
    if metric.startswith(("loss", "train")):  # which test pictures say nothing of
        own = seeds.mean_over_seeds([each["value"] for each in estimates], split)
        return own if metric.startswith("loss") else seeds.clipped(own)
    mean = seeds.over_seeds(estimates, split)
    if "@" in metric:
        return mean
    moved = together(some).metric(metric)["value"] - mean["value"]
    return seeds.clipped({end: value + moved for end, value in mean.items()})


def together(some: list[Run]) -> Run:
    """Return one run with the counts of several on the same split, as of one test."""
    counts = ("confusion", "top2_hits", "saturated")
    records = [run.record for run in some]
    summed = {
        name: np.sum([record[name] for record in records], axis=0)
        for name in counts
        if all(name in record for record in records)
    }
    return Run(kept=records[0] | summed | {"by_artist": None})


def difference(some: list[Run], others: list[Run], metric: str) -> Estimate:
    """Return by how much ``some`` exceed ``others`` in a metric, paired by seed."""
    ours, theirs = (
        [run.metric(metric)["value"] for run in group]
        for group in same_seeds(some, others)
    )
    return seeds.paired_difference(ours, theirs, some[0].provenance["split"])


def change(some: list[Run], others: list[Run], metric: str) -> Estimate:
    """Return by how much ``some`` exceed the same model's ``others`` on another split.

    Of splits drawn by the same seeds, runs are compared seed by seed; of others the two
    intervals are added in squares.
    """
    ours, theirs = some[0].provenance["split"], others[0].provenance["split"]
    same = ours.removesuffix(splits.UNIQUE) == theirs.removesuffix(splits.UNIQUE)
    if same and seeds.overlap(ours) is not None:
        return difference(some, others, metric)
    of_ours, of_theirs = ([r.metric(metric) for r in group] for group in (some, others))
    return seeds.difference(of_ours, ours, of_theirs, theirs)
