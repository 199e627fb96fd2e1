"""What else may explain the paper's loss, and why genres fall silent: trained runs.

``registry.toml`` says of each recipe, model and encoder which of the two it asks.
"""

import math
from collections.abc import Callable, Iterator

import numpy as np
from scipy import special, stats

from gtzan_lib import registry
from gtzan_lib.data.genres import GENRES, PRINTED
from gtzan_lib.evaluation import dead, seeds
from gtzan_lib.evaluation.metrics import Estimate, bare, proportion
from gtzan_lib.experiments import groups
from gtzan_lib.experiments.run import MAIN, Run
from gtzan_lib.experiments.tables import CERTAIN

INSTEAD = {  # what a training with one softmax may print in place of its loss
    "one softmax, the mean of the loss since training began": lambda history: (
        np.cumsum(history["loss"]) / np.arange(1, len(history["loss"]) + 1)
    ),
    "one softmax, the loss of test pictures": lambda history: history["test_loss"],
}


def alternatives(runs: list[Run], right: float) -> list[dict]:
    """Return a row a slip or habit that may explain the loss: first two softmaxes.

    Of some only what is ``printed`` differs from one softmax. ``at_right`` is the loss
    when a share ``right`` of the training pictures is right for the first time, of the
    seeds ``reached``, and ``certain_then`` the share of answers that print as 100.0 %
    in that epoch (NaN of runs whose epochs have none); the rest is at the end.
    """
    rows = []
    for name, entry, group in _differing(runs, "corrected"):
        if name in ("paper", "corrected") or entry.asks == "loss":
            about = {"of": name, "tried": entry.asks == "loss"}
            rows.append(_alternative(entry.help, group, right) | about)
        if name == "corrected":
            rows += [_alternative(k, group, right, of) for k, of in INSTEAD.items()]
    return rows


def _differing(runs: list[Run], recipe: str) -> Iterator[tuple]:
    """Yield what differs from the paper's network by a recipe in one thing at most.

    Of each recipe, encoder and model that has runs: name, entry and runs.
    """
    lists = {"recipe": registry.RECIPES, "encoder": registry.ENCODERS}
    lists["model"] = registry.MODELS
    for fact, entries in lists.items():
        for name, entry in entries.items():
            if group := groups.select(runs, **{"recipe": recipe, fact: name}):
                yield name, entry, group


def _alternative(
    name: str, group: list[Run], right: float, loss_of: Callable | None = None
) -> dict:
    row = {"name": name, "printed": bool(loss_of), "tried": False}
    row["seeds"] = len(group)
    row["runs"] = [run.name for run in group]
    metrics = ("loss", "train_accuracy", "accuracy")
    values = {k: groups.over_seeds(group, k) for k in metrics}
    values["saturated"] = seeds.over_seeds([_alone(r) for r in group], MAIN["split"])
    values["at_right"], row["reached"] = at_right(group, right)
    passed = [(run.history, e) for run in group if (e := first_epoch(run, right))]
    if loss_of:
        values["loss"] = mean([loss_of(run.history)[-1] for run in group])
        values["at_right"] = mean([loss_of(of)[e - 1] for of, e in passed])
        row["reached"] = len(passed)
    then = [of[CERTAIN][e - 1] for of, e in passed if CERTAIN in of]
    values["certain_then"] = seeds.clipped(mean(then)) if then else bare(np.nan)
    return row | {"epochs": last_epoch(group[0])} | values


def _alone(run: Run) -> Estimate:
    """Return the share of answers that print as 100.0 % and nine times 0.0 %."""
    logits = run.predictions["logits"].astype(float)
    is_sigmoid = run.provenance["recipe"] == "sigmoid"
    shares = special.expit(logits) if is_sigmoid else special.softmax(logits, axis=1)
    *_, second, first = np.sort(shares, axis=1).T
    is_alone = (first >= PRINTED) & (second < 1 - PRINTED)
    return proportion(is_alone.sum(), len(logits))


def at_right(group: list[Run], right: float) -> tuple[Estimate, int]:
    """Return the loss when a share ``right`` of the training pictures is right first.

    Over those of a group's seeds that get so far, and how many do.
    """
    losses = [run.metric("loss_when", right=right)["value"] for run in group]
    has = [loss for loss in losses if not math.isnan(loss)]
    return mean(has), len(has)


def silenced(runs: list[Run], data: dict) -> dict:
    """Return why genres fall silent behind two softmaxes: what is seen, and changed.

    ``ranks`` has a row a genre: the mean rank of its template (``template_ranks``), and
    of how many ``seeds`` it is silent after ``epochs``; ``correlation`` is Spearman's.
    ``changes`` has a row a change to pictures or outputs, of the same seeds with and
    without it: of how many each genre is ``silent``, and was ``unchanged``, after the
    epochs of the changed ones.
    """
    plain = groups.longest(runs, recipe="paper")
    changes = []
    for name, entry, group in _differing(runs, "paper"):
        if entry.asks == "silence":
            ours, theirs = groups.same_seeds(group, plain)
            epochs, both = last_epoch(group[0]), {"silent": ours, "unchanged": theirs}
            row = {"name": name, "help": entry.help, "seeds": len(ours)}
            row |= {"runs": [run.name for run in ours], "epochs": epochs}
            changes.append(row | {k: _silent(v, epochs) for k, v in both.items()})
    epochs = min(map(last_epoch, plain), default=0)
    counts = _silent(plain, epochs)
    ranks = [
        {"genre": g, "rank": data[f"template_rank.{g}"], "silent": counts[g]}
        for g in GENRES
        if f"template_rank.{g}" in data
    ]
    rho = math.nan
    if ranks and len({row["silent"] for row in ranks}) > 1:
        rho = stats.spearmanr(*([row[k] for row in ranks] for k in ("rank", "silent")))
        rho = float(rho.statistic)
    about = {"seeds": len(plain), "epochs": epochs, "correlation": rho}
    return about | {"ranks": ranks, "changes": changes}


def _silent(group: list[Run], epoch: int) -> dict[str, int]:
    """Return of how many runs each genre is silent after an epoch."""
    found = [dead.silent_at(dead.silences(*run.counted), epoch) for run in group]
    return {genre: sum(genre in silent for silent in found) for genre in GENRES}


def last_epoch(run: Run) -> int:
    """Return how many epochs a run has."""
    return run.provenance["epochs"]


def first_epoch(run: Run, right: float, loss: float = np.inf) -> int | None:
    """Return the first epoch with at least ``right``, and with at most a loss."""
    curves = run.history["loss"], run.history["train_accuracy"]
    return dead.first_pass(*curves, loss, right)


def mean(values: list[float]) -> Estimate:
    """Return a mean over seeds of the paper's split; NaN of none."""
    return seeds.mean_over_seeds(values, MAIN["split"]) if values else bare(np.nan)
