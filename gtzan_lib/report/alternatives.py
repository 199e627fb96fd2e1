"""What else may explain the paper's loss: slips and habits, trained or printed.

``registry.toml`` says of each recipe and model whether it asks that.
"""

import math
from collections.abc import Callable

import numpy as np
from scipy import special

from gtzan_lib.data.genres import PRINTED
from gtzan_lib.evaluation import seeds, silence
from gtzan_lib.evaluation.metrics import Estimate, bare, proportion
from gtzan_lib.experiments import groups
from gtzan_lib.experiments.run import MAIN, Run
from gtzan_lib.experiments.tables import CERTAIN
from gtzan_lib.report.silent_genres import differing, mean

INSTEAD = {  # what a training with one softmax may print in place of its loss
    "one softmax, the mean of the loss since training began": lambda history: (
        np.cumsum(history["loss"]) / np.arange(1, len(history["loss"]) + 1)
    ),
    "one softmax, the loss of test pictures": lambda history: np.array(
        history["test_loss"]
    ),
}


def alternatives(runs: list[Run], loss: float, right: float) -> list[dict]:
    """Return a row a slip or habit that may explain the loss: first two softmaxes.

    Of some only what is ``printed`` differs from one softmax; ``passes`` says where
    that falls to ``loss``. ``at_right`` is the loss when a share ``right`` of the
    training pictures is right for the first time, of the seeds ``reached``;
    ``one_more`` has the ends between which one more training lies, and ``certain_then``
    the share of answers that print as 100.0 % in that epoch (NaN where a run's
    epochs have none); the rest is at the end.
    """
    rows = []
    for name, entry, group in differing(runs, "corrected"):
        if name in ("paper", "corrected") or entry.asks == "loss":
            about = {"of": name, "tried": entry.asks == "loss"}
            rows.append(_alternative(entry.help, group, right) | about)
        if name == "corrected":
            rows += [
                _alternative(name, group, right, of)
                | {"passes": _passes(group, of, loss)}
                for name, of in INSTEAD.items()
            ]
    return rows


def _alternative(
    name: str, group: list[Run], right: float, loss_of: Callable | None = None
) -> dict:
    row = {"name": name, "printed": bool(loss_of), "tried": False}
    row["seeds"] = len(group)
    row["runs"] = [run.name for run in group]
    values = {k: groups.over_seeds(group, k) for k in ("loss", "accuracy")}
    values["saturated"] = seeds.over_seeds([_alone(r) for r in group], MAIN["split"])
    passed = [(run.history, e) for run in group if (e := first_epoch(run, right))]
    losses = losses_at(group, right)
    if loss_of:
        values["loss"] = mean([loss_of(run.history)[-1] for run in group])
        losses = [float(loss_of(of)[e - 1]) for of, e in passed]
    values["at_right"], row["reached"] = mean(losses), len(losses)
    values["one_more"] = seeds.one_more(losses) if losses else bare(np.nan)
    is_counted = all(CERTAIN in of for of, _ in passed)
    then = [of[CERTAIN][e - 1] for of, e in passed] if is_counted else []
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


def _passes(group: list[Run], loss_of: Callable, loss: float) -> dict | None:
    """Return where what is printed falls to a loss: the ``first`` and ``last`` epoch.

    Of all seeds, and mean accuracies then; None where a seed never gets so far.
    """
    low = [np.flatnonzero(loss_of(run.history) <= loss) for run in group]
    if not all(map(len, low)):
        return None
    epochs = [int(found[0]) for found in low]
    where = {"first": min(epochs) + 1, "last": max(epochs) + 1}
    return where | {
        name: mean([r.history[name][e] for r, e in zip(group, epochs, strict=True)])
        for name in ("train_accuracy", "test_accuracy")
    }


def losses_at(group: list[Run], right: float) -> list[float]:
    """Return the loss when a share ``right`` of the training pictures is right first.

    Of those of a group's seeds that get so far.
    """
    losses = [run.metric("loss_when", right=right)["value"] for run in group]
    return [loss for loss in losses if not math.isnan(loss)]


def last_epoch(run: Run) -> int:
    """Return how many epochs a run has."""
    return run.provenance["epochs"]


def first_epoch(run: Run, right: float) -> int | None:
    """Return the first epoch with at least ``right`` of the training pictures right."""
    curves = run.history["loss"], run.history["train_accuracy"]
    return silence.first_pass(*curves, np.inf, right)
