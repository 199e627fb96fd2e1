"""What the text compares beside the claims, and how; all of it follows from the record.

One softmax less two, seed by seed; how many seeds had the chance to reach the paper's
pair of numbers; other slips that could explain its loss; two bounds that need no
training; what was trained, and how long.
"""

import math
from collections import defaultdict
from dataclasses import asdict

import numpy as np
from scipy.optimize import brentq

from gtzan_lib import registry
from gtzan_lib.data import artists, splits
from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.gtzan import PUBLISHED
from gtzan_lib.evaluation import dead, seeds, softmax_twice
from gtzan_lib.evaluation.metrics import Estimate, bare, with_text
from gtzan_lib.experiments import groups
from gtzan_lib.experiments.run import ENSEMBLE, Measured
from gtzan_lib.report.evidence import Evidence, number

DONE = ("paper", "corrected")  # recipes with two softmaxes and with one
PRINTED = {  # what a training with one softmax may print in place of its loss
    "one softmax, the mean of the loss since training began": lambda history: (
        np.cumsum(history["loss"]) / np.arange(1, len(history["loss"]) + 1)
    ),
    "one softmax, the loss of test pictures": lambda history: history["test_loss"],
}


def highest_calibrated_loss(accuracy: float, classes: int = len(GENRES)) -> float:
    """Return the most that a calibrated network's cross entropy can be, in nats.

    Its loss is the mean entropy of its percentages, and the mean of the largest of them
    is its accuracy. The entropy is highest where all other classes share the rest, and
    that is concave in the largest: pictures of differing certainty have less together.
    """
    rest = 1 - accuracy
    return -accuracy * math.log(accuracy) - rest * math.log(rest / (classes - 1))


def equally_certain(loss: float, accuracy: float) -> dict[str, float]:
    """Return how certain answers are, all alike, behind one softmax, from 0 to 1.

    ``low`` is less certain than right, ``high`` more: both have this ``loss`` in nats
    at this ``accuracy``, where the other nine genres share the rest.
    """

    def above(certain: float) -> float:
        rest = math.log((1 - certain) / (len(GENRES) - 1))
        return -accuracy * math.log(certain) - (1 - accuracy) * rest - loss

    ends = {"low": (1 / len(GENRES), accuracy), "high": (accuracy, 1 - 1e-9)}
    return {name: brentq(above, *between) for name, between in ends.items()}


def probability_behind_two(loss: float, classes: int = len(GENRES)) -> dict[str, float]:
    """Return between what the true class's mean probability lies behind two softmaxes.

    The loss of probabilities *p* is logsumexp(*p*) - *p* of the true class. The first
    term lies between ``least``, of equal probabilities, and ``most``, of certain ones,
    and so the mean probability between ``low`` and ``high``.
    """
    least, most = math.log(classes) + 1 / classes, math.log(math.e + classes - 1)
    return {"least": least, "most": most, "low": least - loss, "high": most - loss}


def softmaxes(runs: list[Measured], right: float) -> list[dict]:
    """Return by how much one softmax exceeds two in test accuracy, paired by seed.

    A row each: ``short``, both at the end of the epochs that most of their seeds have;
    ``long``, two softmaxes for the longest; and ``same``, both after the first epoch in
    which a share ``right`` of the training pictures is right, of seeds that get so far.
    Each has ``once`` and ``twice``, the means of either; ``difference``, with the
    interval of ``seeds.paired_difference``; the number of ``seeds``, and of ``epochs``.
    """
    once, twice = (groups.select(runs, recipe=name) for name in ("corrected", "paper"))
    longest = groups.longest(runs, recipe="paper")
    if not once or not longest:
        return []
    shared = min(map(_last, longest))
    of_once = {_seed(run): run.history["test_accuracy"][-1] for run in once}
    of_all = {_seed(run): run.history["test_accuracy"][shared - 1] for run in longest}
    of_twice = {_seed(run): run.history["test_accuracy"][-1] for run in twice}
    compared = {"short": (of_all, shared), "long": (of_twice, None)}
    rows = []
    for name, (of_twice, epoch) in compared.items():
        lengths = {"once": _last(once[0]), "twice": epoch or _last(twice[0])}
        rows.append(_paired(name, of_once, of_twice) | {"epochs": lengths})
    reached = [
        {_seed(run): found for run in some if (found := _when_right(run, right))}
        for some in (groups.longest(runs, recipe="corrected"), longest)
    ]
    rows.append(_paired("same", *reached))
    return [row for row in rows if row["seeds"]]


def reached(runs: list[Measured], pair: tuple[float, float]) -> list[dict]:
    """Return how many seeds ever were as good as the paper, by how long they trained.

    With softmax applied twice. Rows have ``epochs``, ``seeds`` and ``reached``.
    """
    by_epochs = defaultdict(list)
    for run in groups.longest(runs, recipe="paper"):
        curves = run.history["loss"], run.history["train_accuracy"]
        by_epochs[_last(run)].append(dead.first_pass(*curves, *pair) is not None)
    return [
        {"epochs": epochs, "seeds": len(found), "reached": sum(found)}
        for epochs, found in sorted(by_epochs.items(), reverse=True)
    ]


def alternatives(runs: list[Measured], right: float) -> list[dict]:
    """Return a row a slip or habit that could explain the loss, not two softmaxes.

    Each has ``name``; whether only what is ``printed`` differs; the number of ``seeds``
    and of ``epochs``; ``at_right``, the loss when a share ``right`` of the training
    pictures is right for the first time, of the seeds ``reached``; and at the end
    ``loss``, ``train_accuracy`` and ``accuracy``.
    """
    main = groups.MAIN
    own = [n for n in registry.MODELS[main["model"]].recipes if n not in DONE]
    kinds = [*((main["model"], name) for name in own), ("lenet-dropout", "corrected")]
    once = groups.select(runs, recipe="corrected")
    rows = [_printed(name, once, right) for name in PRINTED if once]
    for model, recipe in kinds:
        group = groups.select(runs, recipe=recipe, model=model)
        if not group:
            continue
        at = {run.name: run.metric("loss_when", right=right) for run in group}
        has = [run for run in group if not math.isnan(at[run.name]["value"])]
        about = registry.MODELS[model].help
        row = {
            "printed": False,
            "name": about if model != main["model"] else registry.RECIPES[recipe].help,
            "seeds": len(group),
            "epochs": _last(group[0]),
            "at_right": with_text(groups.over_seeds(has, "loss_when", right=right)),
            "reached": len(has),
        }
        for name in ("loss", "train_accuracy", "accuracy"):
            row[name] = with_text(groups.over_seeds(group, name))
        rows.append(row)
    return rows


def _printed(name: str, group: list[Measured], right: float) -> dict:
    """Return a row of ``alternatives`` for another loss of the same trainings."""
    split = groups.MAIN["split"]
    losses = [PRINTED[name](run.history) for run in group]
    epochs = [_first_right(run, right) for run in group]
    at = [loss[epoch - 1] for loss, epoch in zip(losses, epochs, strict=True) if epoch]
    return {
        "name": name,
        "printed": True,
        "seeds": len(group),
        "epochs": _last(group[0]),
        "at_right": with_text(_mean(at, split)),
        "reached": len(at),
        "loss": with_text(_mean([loss[-1] for loss in losses], split)),
        "train_accuracy": with_text(groups.over_seeds(group, "train_accuracy")),
        "accuracy": with_text(groups.over_seeds(group, "accuracy")),
    }


def control_artists() -> dict[str, int]:
    """Return of how many control tracks of GTZAN's folds the artist is not known.

    The control are ``tracks`` whose artist has no other. An ``unknown`` one counts as
    an artist with one track, and may share it with another.
    """
    tested = splits.tested("artist-folds")
    of = artists.artists_of(tested, PUBLISHED)
    _, whose, sizes = np.unique(of, return_inverse=True, return_counts=True)
    is_control = sizes[whose] == 1
    unknown = of == np.array(tested)  # whose artist is not known
    return {
        "tracks": int(is_control.sum()),
        "unknown": int((is_control & unknown).sum()),
    }


def public_code() -> dict:
    """Return how the rule of ``softmax_twice`` does on public code, and what is common.

    ``halves`` are rows of what was applied twice and once in each half that the rule
    was not made from; ``genre`` and ``all`` are shares of repositories; ``experiments``
    are pairs of loss and accuracy of one author's networks.
    """
    halves = [
        {k: row[k] for k in ("pairs", "sources", "answered", "right")}
        | {"half": half, "applied": applied, "by_source": with_text(row["by_source"])}
        for half in softmax_twice.HALVES
        for applied, row in softmax_twice.validation(half).items()
    ]
    columns = ["source", "softmaxes", "loss", "accuracy", "gap"]
    experiments = softmax_twice.natural_experiments()[columns].to_dict("records")
    frames = {"genre": softmax_twice.GENRE, "all": None}
    common = {name: softmax_twice.frequency(frame) for name, frame in frames.items()}
    return {"halves": halves, "experiments": experiments} | {
        name: row | {"share": with_text(row["share"])} for name, row in common.items()
    }


def computing(runs: list[Measured]) -> list[dict]:
    """Return a row a recipe: how many ``runs``, and their ``hours`` one after another.

    Ensembles train nothing and are left out.
    """
    by_recipe = defaultdict(list)
    for run in runs:
        by_recipe[run.provenance["recipe"]].append(run.provenance["seconds"])
    return [
        {"recipe": name, "runs": len(times), "hours": sum(times) / 3600}
        for name, times in by_recipe.items()
        if name != ENSEMBLE
    ]


def settings() -> list[dict]:
    """Return all settings of training, read from the code: a row for each thing.

    ``of`` is a recipe, an autoencoder or the support vector machine; ``settings`` are
    pairs of a name and its value.
    """
    from gtzan_lib.encoders import learned
    from gtzan_lib.models import convnet, svm
    from gtzan_lib.training import recipe

    changes = {
        "crop": recipe.CROP,
        "shift": recipe.SHIFT,
        "masks": recipe.MASKS,
        "mask": recipe.MASK,
        "gain": recipe.GAIN,
        "mixup": recipe.MIXUP,
    }
    rows = []
    for name, entry in registry.RECIPES.items():
        if name != "closed-form":
            own = asdict(entry.make()) | (changes if name == "augmented" else {})
            rows.append({"of": f"recipe {name}", "settings": own})
    rows.append({"of": "cnn and crnn", "settings": {"width": convnet.WIDTH}})
    machine = {"components": svm.COMPONENTS, "ridge": svm.RIDGE}
    rows.append({"of": "svm", "settings": machine})
    for name, model in learned.AUTOENCODERS.items():
        facts = {"epochs": model.epochs, "rate": model.rate}
        facts |= {"batch_size": learned.BATCH}
        rows.append({"of": f"encoder {name}", "settings": facts})
    return rows


def summary(known: Evidence, ledger: list[dict]) -> dict:
    """Return all of the above, for the numbers that the paper prints.

    Also ``intervals``: how many claims an interval of trained networks decides, none of
    them corrected for their number.
    """
    runs, (loss, right) = known.runs, known.pair
    right_else = number(known.paper["4.2"]["train_accuracy"])
    trained = ("measured", "proposal", "exploratory")
    return {
        "softmaxes": softmaxes(runs, right),
        "reached": reached(runs, known.pair),
        "alternatives": alternatives(runs, right),
        "equal": equally_certain(loss, right),
        "calibrated": highest_calibrated_loss(right),
        "calibrated_else": highest_calibrated_loss(right_else),
        "probability": probability_behind_two(loss),
        "control": control_artists(),
        "public": public_code(),
        "computing": computing(runs),
        "settings": settings(),
        "intervals": sum(
            row["kind"] in trained and bool(row["seeds"]) for row in ledger
        ),
    }


def _paired(name: str, ours: dict[int, float], others: dict[int, float]) -> dict:
    shared = sorted(ours.keys() & others.keys())
    pair = [[values[seed] for seed in shared] for values in (ours, others)]
    split = groups.MAIN["split"]
    means = [_mean(values, split) for values in pair]
    return {
        "when": name,
        "once": with_text(means[0]),
        "twice": with_text(means[1]),
        "difference": with_text(seeds.paired_difference(*pair, split)),
        "seeds": len(shared),
    }


def _mean(values: list[float], split: str) -> Estimate:
    return seeds.mean_over_seeds(values, split) if values else bare(np.nan)


def _when_right(run: Measured, share: float) -> float | None:
    """Return the test accuracy after the first epoch with ``share`` right."""
    epoch = _first_right(run, share)
    return run.history["test_accuracy"][epoch - 1] if epoch else None


def _first_right(run: Measured, share: float) -> int | None:
    curves = run.history["loss"], run.history["train_accuracy"]
    return dead.first_pass(*curves, np.inf, share)


def _last(run: Measured) -> int:
    return run.provenance["epochs"]


def _seed(run: Measured) -> int:
    return run.provenance["seed"]
