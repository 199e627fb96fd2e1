"""What the text compares beside the claims; all of it follows from the record."""

import math
from collections import defaultdict
from dataclasses import asdict

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from gtzan_lib import registry
from gtzan_lib.data import artists, splits
from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.gtzan import PUBLISHED
from gtzan_lib.evaluation import seeds, softmax_twice
from gtzan_lib.experiments import groups
from gtzan_lib.experiments.run import ENSEMBLE, MAIN, Run
from gtzan_lib.report.alternatives import alternatives, first_epoch, last_epoch
from gtzan_lib.report.evidence import Evidence, number
from gtzan_lib.report.silent_genres import mean, silenced


def highest_calibrated_loss(accuracy: float) -> float:
    """Return the most that a calibrated network's cross entropy can be, in nats.

    Its loss is the mean entropy of its percentages, and the mean of the largest of them
    is its accuracy. The entropy is highest where all other classes share the rest, and
    that is concave in the largest: pictures of differing certainty have less together.
    """
    rest = 1 - accuracy
    share = rest / (len(GENRES) - 1)
    return -accuracy * math.log(accuracy) - rest * math.log(share)


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


def probability_behind_two(loss: float) -> dict[str, float]:
    """Return between what the true class's mean probability lies behind two softmaxes.

    The loss of probabilities *p* is logsumexp(*p*) - *p* of the true class. The first
    term lies between ``least``, of equal probabilities, and ``most``, of certain ones,
    and so the mean probability between ``low`` and ``high``.
    """
    n = len(GENRES)
    least, most = math.log(n) + 1 / n, math.log(math.e + n - 1)
    return {"least": least, "most": most, "low": least - loss, "high": most - loss}


def softmaxes(runs: list[Run], right: float) -> list[dict]:
    """Return by how much one softmax exceeds two in test accuracy, paired by seed.

    A row each: ``short``, both at the end of the epochs that most of their seeds have;
    ``long``, two softmaxes for the longest; and ``same``, both after the first epoch in
    which a share ``right`` of the training pictures is right, of seeds that get so far.
    ``each`` has the difference of each seed.
    """
    pair = ("corrected", "paper")
    once, twice = (groups.select(runs, recipe=name) for name in pair)
    longest = [groups.longest(runs, recipe=name) for name in pair]
    if not once or not twice:
        return []
    shared, rows = min(map(last_epoch, longest[1])), []
    for when, compared, epochs_of in (
        ("short", (once, longest[1]), (last_epoch, lambda run: shared)),
        ("long", (once, twice), (last_epoch, last_epoch)),
        ("same", longest, 2 * [lambda run: first_epoch(run, right)]),
    ):
        by_seed = [
            {
                run.provenance["seed"]: run.history["test_accuracy"][epoch - 1]
                for run in group
                if (epoch := of(run))
            }
            for group, of in zip(compared, epochs_of, strict=True)
        ]
        both = sorted(by_seed[0].keys() & by_seed[1].keys())
        values = [[each[seed] for seed in both] for each in by_seed]
        row = {"when": when, "once": mean(values[0]), "twice": mean(values[1])}
        row["difference"] = seeds.paired_difference(*values, MAIN["split"])
        row["seeds"] = len(both)
        row["each"] = np.subtract(*values).tolist()
        if when != "same":
            ends = (of(group[0]) for group, of in zip(compared, epochs_of, strict=True))
            row["epochs"] = dict(zip(("once", "twice"), ends, strict=True))
        rows += [row] * bool(both)
    return rows


def reached(by_seed: list[dict]) -> list[dict]:
    """Return how many seeds were as good as the paper, by epochs."""
    table = pd.DataFrame(by_seed, columns=["epochs", "pair"]).groupby("epochs")["pair"]
    table = table.agg(seeds="size", reached="count").sort_index(ascending=False)
    return table.reset_index().to_dict("records")


def control_artists() -> dict[str, int]:
    """Return of how many control tracks of GTZAN's folds the artist is not known.

    The control are ``tracks`` whose artist has no other. An ``unknown`` one counts as
    an artist with one track, and may share it with another.
    """
    tested = splits.tested("artist-folds")
    of = pd.Series(artists.artists_of(tested, PUBLISHED), tested)
    control = of[~of.duplicated(keep=False)]
    unknown = control == control.index  # whose artist is not known
    return {"tracks": len(control), "unknown": int(unknown.sum())}


def public_code() -> dict:
    """Return how the rule of ``softmax_twice`` does on public code, and what is common.

    ``halves`` are rows of what was applied twice and once in each half that the rule
    was not made from, ``regions`` both halves below and above the floor; ``genre`` and
    ``all`` are shares of repositories; ``both_ways`` are pairs of loss and accuracy.
    """
    check = softmax_twice.validation
    halves = [
        row | {"half": half, "applied": applied, "above": check("above", half)[applied]}
        for half in softmax_twice.TESTED
        for applied, row in check(halves=half).items()
    ]
    columns = ["source", "run", "task", "half", "subset", "applied", "loss", "accuracy"]
    return {
        "halves": halves,
        "regions": {name: check(name) for name in softmax_twice.REGIONS},
        "both_ways": softmax_twice.both_ways()[columns].to_dict("records"),
        "posterior": softmax_twice.posterior(),
        "genre": softmax_twice.frequency(softmax_twice.GENRE),
        "all": softmax_twice.frequency(),
    }


def computing(known: Evidence) -> list[dict]:
    """Return a row a recipe that trains: how many ``runs``, and their ``hours``."""
    seconds = defaultdict(list)
    for run in known.runs:
        seconds[run.provenance["recipe"]].append(run.provenance["seconds"])
    return [
        {"recipe": name, "runs": len(times), "hours": sum(times) / 3600}
        for name, times in seconds.items()
        if name != ENSEMBLE
    ]


def settings() -> list[dict]:
    """Return all settings of training, read from the code: a row for each thing."""
    from gtzan_lib.encoders import learned
    from gtzan_lib.models import convnet, svm
    from gtzan_lib.training import recipe

    found = {
        f"recipe {name}": asdict(entry.make())
        for name, entry in registry.RECIPES.items()
        if name != "closed-form"
    }
    changes = ("CROP", "SHIFT", "MASKS", "MASK", "GAIN", "MIXUP")
    found["recipe augmented"] |= {k.lower(): getattr(recipe, k) for k in changes}
    found["cnn and crnn"] = {"width": convnet.WIDTH}
    found["svm"] = {"components": svm.COMPONENTS, "ridge": svm.RIDGE}
    for name, model in learned.AUTOENCODERS.items():
        facts = {"epochs": model.epochs, "rate": model.rate}
        found[f"encoder {name}"] = facts | {"batch_size": learned.BATCH}
    return [{"of": name, "settings": own} for name, own in found.items()]


def summary(known: Evidence, ledger: list[dict]) -> dict:
    """Return all of the above, for the numbers that the paper prints.

    Also ``intervals``: how many claims an interval of trained networks decides, none of
    them corrected for their number.
    """
    runs, (loss, right) = known.runs, known.pair
    right_else = number(known.paper["4.2"]["train_accuracy"])
    trained = ("measured", "proposal", "exploratory")
    decided = [row for row in ledger if row["kind"] in trained and row["seeds"]]
    return {
        "softmaxes": softmaxes(runs, right),
        "reached": reached(known.dead["paper"]["seeds"]),
        "alternatives": alternatives(runs, loss, right),
        "silenced": silenced(runs, known.data),
        "equal": equally_certain(loss, right),
        "calibrated": highest_calibrated_loss(right),
        "calibrated_else": highest_calibrated_loss(right_else),
        "probability": probability_behind_two(loss),
        "control": control_artists(),
        "public": public_code(),
        "computing": computing(known),
        "settings": settings(),
        "intervals": len(decided),
    }
