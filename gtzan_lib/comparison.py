"""The paper's printed numbers, and ours beside them.

Paper, sections 3.1.1, 3.3.2, 4.1 to 4.3. Used by notebooks 04_autoencoder and
05_results.
"""

from collections import defaultdict
from pathlib import Path

import numpy as np

from gtzan_lib import evaluation, store
from gtzan_lib.data import GENRES
from gtzan_lib.evaluation import Estimate
from gtzan_lib.runs import Run

CONFIGURATION = ("recipe", "model", "encoder", "split", "epochs")
# What the paper says, and where. Its accuracies contradict each other.
PAPER = {
    "first loss": ("2.3", "3.3.2"),
    "last loss": ("1.83", "3.3.2"),
    "train accuracy": ("0.62 (3.3.2), 0.50 (4.2)", "3.3.2, 4.2"),
    "test accuracy": ("0.45 (3.3.2), 0.40 (4.2), 0.50 (abstract)", "all over"),
    "top-2": ("0.70", "4.2"),
}


def group_runs(runs: list[Run]) -> dict[tuple, list[Run]]:
    """Put runs together that differ in nothing but their seed.

    Returns
    -------
    dict of list of Run
        By the values of ``CONFIGURATION``.
    """
    groups = defaultdict(list)
    for run in runs:
        groups[tuple(run.provenance[name] for name in CONFIGURATION)].append(run)
    return dict(groups)


def over_seeds(runs: list[Run], metric: str) -> Estimate:
    """Return ``accuracy`` or ``top2`` of runs with its 95 % interval.

    Several seeds: their mean, with an interval from how they vary. One seed: the
    interval from the number of its test pictures.
    """
    if len(runs) == 1:
        return runs[0].metrics[metric]
    return evaluation.mean([run.metrics[metric]["value"] for run in runs])


def summary(groups: dict[tuple, list[Run]]) -> list[dict]:
    """Return a row a configuration with what the paper prints numbers of.

    Returns
    -------
    list of dict
        ``name``, ``seeds``, ``runs``, ``first_loss``, ``last_loss`` and
        ``train_accuracy`` (means over seeds), ``accuracy`` and ``top2`` (estimates).
    """
    rows = []
    for configuration, runs in groups.items():
        history = {
            name: np.mean([[r.history[name][0], r.history[name][-1]] for r in runs], 0)
            for name in ("loss", "train_accuracy")
        }
        rows.append(
            {
                "name": configuration_name(configuration, groups),
                "seeds": len(runs),
                "runs": runs,
                "first_loss": history["loss"][0],
                "last_loss": history["loss"][1],
                "train_accuracy": history["train_accuracy"][1],
                "accuracy": over_seeds(runs, "accuracy"),
                "top2": over_seeds(runs, "top2"),
            }
        )
    return rows


def configuration_name(configuration: tuple, groups: dict[tuple, list[Run]]) -> str:
    """Name a configuration by its recipe, its epochs and what sets it apart."""
    facts = dict(zip(CONFIGURATION, configuration, strict=True))
    words = [facts["recipe"]]
    for position, name in enumerate(CONFIGURATION[1:-1], start=1):
        if len({other[position] for other in groups}) > 1:
            words.append(str(facts[name]))
    return ", ".join([*words, f"{facts['epochs']} epochs"])


def with_interval(estimate: Estimate, digits: int = 2) -> str:
    """Write an estimate as text, such as ``"0.48 [0.41, 0.55]"``; "-" for none."""
    if np.isnan(estimate["value"]):
        return "-"
    text = f"{estimate['value']:.{digits}f}"
    if np.isnan(estimate["low"]):
        return text
    return f"{text} [{estimate['low']:.{digits}f}, {estimate['high']:.{digits}f}]"


def side_by_side(rows: list[dict]) -> dict[str, list[str]]:
    """Set the paper's numbers beside ours.

    Returns
    -------
    dict of list of str
        Columns of a table with a row for each entry of ``PAPER``.
    """
    table = {"": list(PAPER), "the paper": [value for value, _ in PAPER.values()]}
    for row in rows:
        seeds = f"{row['seeds']} seed" + "s" * (row["seeds"] > 1)
        table[f"{row['name']} ({seeds})"] = [
            f"{row['first_loss']:.2f}",
            f"{row['last_loss']:.2f}",
            f"{row['train_accuracy']:.2f}",
            with_interval(row["accuracy"]),
            with_interval(row["top2"]),
        ]
    return table


def added_confusion(runs: list[Run]) -> np.ndarray:
    """Add up the confusion matrices of runs: int64, 10 x 10."""
    return np.sum([run.metrics["confusion"] for run in runs], axis=0)


def genres_by_recall(counts: np.ndarray) -> list[tuple[str, Estimate]]:
    """Return the genres from best to worst recognised, each with its recall."""
    recall = {
        genre: evaluation.proportion(counts[i, i], counts[i].sum())
        for i, genre in enumerate(GENRES)
    }
    return sorted(recall.items(), key=lambda item: -item[1]["value"])


def mistaken(counts: np.ndarray, genre: str, other: str) -> Estimate:
    """Return how often pictures of one genre are called another."""
    row = counts[GENRES.index(genre)]
    return evaluation.proportion(row[GENRES.index(other)], row.sum())


def encoder_errors(
    folders: dict[str, list[Path]], splits: list[dict[str, np.ndarray]]
) -> list[dict]:
    """Return a row an encoder with what its codes lose on test pictures.

    Parameters
    ----------
    folders : dict of list of Path
        By encoder, what ``autoencoder.learn`` returned for the first splits.
    splits : list of dict of ndarray
        The splits, in the same order.

    Returns
    -------
    list of dict
        ``encoder``, ``splits``, ``weights``, ``training s`` (mean over splits), ``bytes a code``,
        ``MSE`` and ``MSE of the plot`` (means over splits, scale of 0 to 1), ``8 bits
        cost`` (what rounding to bytes adds to ``MSE``).
    """
    from gtzan_lib import autoencoder

    rows = []
    for name, of_splits in folders.items():
        errors, seconds = defaultdict(list), []
        for folder, split in zip(of_splits, splits, strict=False):
            seconds.append(sum(store.read_json(folder / "history.json")["seconds"]))
            with np.load(folder / "mse.npz") as mse:
                for kind in mse:
                    errors[kind].append(mse[kind][split["test"]].mean())
        error = {kind: float(np.mean(values)) for kind, values in errors.items()}
        row = {
            "encoder": name,
            "splits": len(of_splits),
            "weights": autoencoder.count_weights(autoencoder.build(name, seed=0)),
            "training s": round(float(np.mean(seconds)), 1),
            "bytes a code": int(np.prod(autoencoder.CODE_SHAPE)),
            "MSE": error["picture"],
            "MSE of the plot": error["plot"],
            "8 bits cost": error["picture"] - error["unrounded"],
        }
        rows.append(row)
    return rows


def paired_difference(runs: list[Run], others: list[Run], metric: str) -> Estimate:
    """Return by how much ``runs`` are better than ``others`` of the same seeds.

    The mean over seeds with its 95 % interval, of ``accuracy`` or ``top2``.
    """
    pairs = zip(runs, others, strict=True)
    return evaluation.mean(
        [a.metrics[metric]["value"] - b.metrics[metric]["value"] for a, b in pairs]
    )


def encoder_accuracies(
    found: dict[str, list[Run]], paper: dict[str, Run]
) -> list[dict]:
    """Return a row an encoder with how well networks classify from its codes.

    Parameters
    ----------
    found : dict of list of Run
        By encoder, runs of recipe ``corrected``, one a seed.
    paper : dict of Run
        By encoder, a run of recipe ``paper``.
    """
    rows = []
    for name, runs in found.items():
        row = {"encoder": name}
        for metric, title in (("accuracy", "accuracy"), ("top2", "top-2")):
            row[title] = with_interval(over_seeds(runs, metric), 3)
            difference = paired_difference(runs, found["pool"], metric)
            row[f"{title}, against pool"] = (
                "" if name == "pool" else with_interval(difference, 3)
            )
        row["recipe paper"] = with_interval(paper[name].metrics["accuracy"])
        rows.append(row)
    return rows


def error_and_accuracy(errors: list[dict], found: dict[str, list[Run]]) -> list[dict]:
    """Return ``name``, ``mse`` and ``accuracy`` of each encoder of ``found``.

    Average pooling stands with its error by nearest upsampling.
    """
    mse = {row["encoder"]: row["MSE"] for row in errors}
    return [
        {
            "name": name,
            "mse": mse["nearest" if name == "pool" else name],
            "accuracy": over_seeds(runs, "accuracy"),
        }
        for name, runs in found.items()
    ]


def encoder_verdict(
    errors: list[dict], found: dict[str, list[Run]], data_name: str
) -> str:
    """Answer the abstract's claim in two sentences made from the numbers.

    The encoder that speaks for all is the one that loses least, so that none is chosen
    by the accuracy that it is judged by.
    """
    mse = {row["encoder"]: row["MSE"] for row in errors}
    best = min((name for name in found if name != "pool"), key=mse.get)
    gain = paired_difference(found[best], found["pool"], "accuracy")
    if np.isnan(gain["low"]):
        verdict = "One seed cannot tell whether a network classifies better from it"
    elif gain["low"] > 0:
        verdict = "The network classifies better from it"
    elif gain["high"] < 0:
        verdict = "Yet the network classifies worse from it"
    else:
        verdict = "Yet the network does not classify surely better or worse from it"
    return (
        f"On the {data_name}, the code of {best!r} loses "
        f"{mse['nearest'] / mse[best]:.0f} times less than average pooling (mean "
        f"squared error {mse[best]:.5f} against {mse['nearest']:.5f}). {verdict} "
        f"(difference in accuracy {with_interval(gain, 3)})."
    )
