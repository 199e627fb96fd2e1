"""Runs that differ in nothing but their seed, and what they measure together."""

from collections import defaultdict

import numpy as np

from gtzan_lib.data import splits
from gtzan_lib.evaluation import seeds
from gtzan_lib.evaluation.metrics import Estimate, bare, proportion, top_k_hits
from gtzan_lib.experiments import folds, scores
from gtzan_lib.experiments.run import MAIN, Run, by_seed
from gtzan_lib.registry import CODES, MODELS

CONFIGURATION = ("recipe", "model", "encoder", "split", "epochs")  # all but the seed
OF_TRAINING = ("loss", "train_accuracy", "loss_when")
Runs = list[Run]


def group_runs(some: Runs) -> dict[tuple, Runs]:
    """Put runs together that differ in nothing but their seed, by ``CONFIGURATION``."""
    groups = defaultdict(list)
    for run in some:
        groups[tuple(run.provenance[name] for name in CONFIGURATION)].append(run)
    return dict(groups)


def preference(group: Runs) -> tuple[bool, int, int]:
    """Order groups of runs that differ in their epochs: most seeds, then longest.

    But first those that have the whole first partition, as later seeds may be trained
    for less.
    """
    has = {run.provenance["seed"] for run in group}
    has_first = has.issuperset(range(splits.N_FOLDS))
    return has_first, len(has), group[0].provenance["epochs"]


def select(some: Runs, **facts) -> Runs:
    """Return runs with these parameters, one a seed: see ``preference``.

    Of parameters that are not given, the paper's count (``MAIN``).
    """
    return max(group_runs(_fitting(some, facts)).values(), key=preference, default=[])


def longest(some: Runs, **facts) -> Runs:
    """Return the same, but of each seed the longest run, in the order of seeds."""
    fitting = sorted(_fitting(some, facts), key=lambda run: run.provenance["epochs"])
    return [run for _, run in sorted(by_seed(fitting).items())]


def _fitting(some: Runs, facts: dict) -> Runs:
    facts = MAIN | facts
    return [run for run in some if facts.items() <= run.provenance.items()]


def headline(some: Runs) -> dict[str, Runs]:
    """Return the runs with the paper's own network, by recipe: paper and corrected."""
    chosen = {name: select(some, recipe=name) for name in ("paper", "corrected")}
    return {name: group for name, group in chosen.items() if group}


def of_the_paper(some: Runs) -> Runs:
    """Return the runs of readings of the paper, on codes of its size and its split."""
    readings = [n for n, entry in MODELS.items() if "lenet" in n and not entry.asks]
    return [
        run
        for run in some
        if run.provenance["model"] in readings
        and run.provenance["recipe"] in ("paper", "corrected")
        and run.provenance["encoder"] in CODES
        and run.provenance["split"] == MAIN["split"]
    ]


def same_seeds(*some: Runs) -> list[Runs]:
    """Return of each group the runs of the seeds that all have, in their order."""
    every = [by_seed(group) for group in some]
    shared = sorted(set.intersection(*map(set, every)))
    return [[group[seed] for seed in shared] for group in every]


def partitions(group: Runs) -> Runs:
    """Return the runs of whole partitions, or all where no partition is whole.

    Five seeds, as 5 to 9, are the folds of one: they test every picture once. (Of folds
    of artists, three.)
    """
    if not group:
        return group
    n = splits.PROTOCOLS.get(group[0].provenance["split"], splits.N_FOLDS)
    parts = defaultdict(list)
    for run in group:
        parts[run.provenance["seed"] // n].append(run)
    return [run for part in parts.values() if len(part) == n for run in part] or group


def over_seeds(some: Runs, metric: str, **fields) -> Estimate:
    """Return one of ``scores`` of runs that differ in nothing but their seed.

    Of training pictures, losses and accuracies have the interval of
    ``seeds.mean_over_seeds``; the rest has that of ``seeds.over_seeds``. NaN where a
    run has no such number. What is counted after the last epoch is counted over all
    seeds' test pictures together, as folds of one partition are not quite of one size.
    Of folds of artists, shares right are those of whole repetitions (``folds.right``).
    """
    if not some:
        return bare(np.nan)
    split, first = some[0].provenance["split"], scores.FIRST.get(metric)
    if first and split in folds.SPLITS and (whole := folds.gather(some)):
        hits = [top_k_hits(logits, whole.labels, first) for logits in whole.logits]
        return folds.right(np.array(hits, float), whole.artists)
    estimates = [run.metric(metric, **fields) for run in some]
    if metric in OF_TRAINING:  # which test pictures say nothing of
        own = seeds.mean_over_seeds([each["value"] for each in estimates], split)
        return seeds.clipped(own) if metric == "train_accuracy" else own
    mean = seeds.over_seeds(estimates, split)
    if metric not in scores.COUNTED:
        return mean
    counts = [scores.COUNTED[metric](run, **fields) for run in some]
    moved = proportion(*np.sum(counts, axis=0))["value"] - mean["value"]
    return seeds.clipped({end: value + moved for end, value in mean.items()})


def difference(some: Runs, others: Runs, metric: str, **fields) -> Estimate:
    """Return by how much ``some`` exceed ``others`` in a metric, paired by seed."""
    both = same_seeds(some, others)
    ours, theirs = ([r.metric(metric, **fields)["value"] for r in g] for g in both)
    pictures, first = [], scores.FIRST.get(metric)
    if first:
        hits = ([scores.hits(run, first).astype(int) for run in g] for g in both)
        pictures = [a - b for a, b in zip(*hits, strict=True)]
    return seeds.paired_difference(ours, theirs, some[0].provenance["split"], pictures)


def change(some: Runs, others: Runs, metric: str) -> Estimate:
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
