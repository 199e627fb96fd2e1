"""The paper's printed numbers, and ours beside them.

Paper, sections 3.1.1, 3.3.2, 4.1 to 4.3. Used by notebooks 03_train_cnn to
05_results.
"""

from collections import defaultdict
from collections.abc import Callable
from operator import itemgetter
from pathlib import Path

import numpy as np
from scipy import special

from gtzan_lib import store
from gtzan_lib.data import splits
from gtzan_lib.data.genres import GENRES
from gtzan_lib.encoders.pooling import UPSAMPLING
from gtzan_lib.evaluation.metrics import Estimate
from gtzan_lib.experiments.runs import Run
from gtzan_lib.registry import CODES

CONFIGURATION = ("recipe", "model", "encoder", "split", "epochs")
ACCURACY, TOP2 = itemgetter("accuracy"), itemgetter("top2")
# What the paper prints, by section. Its accuracies contradict each other.
PAPER = {
    "the paper, 3.3.2 (1,800 epochs)": ("2.3", "1.83", "0.62", "0.45", ""),
    "the paper, 4.2": ("", "", "0.50", "0.40", "0.70"),
    "the paper, abstract (30 epochs)": ("", "", "", "0.50", ""),
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


def of_the_paper(runs: list[Run]) -> list[Run]:
    """Return the runs of the paper's network, on codes of its size and its split."""
    return [
        run
        for run in runs
        if run.provenance["model"].startswith("lenet")
        and run.provenance["encoder"] in CODES
        and run.provenance["split"] == "random"
    ]


def preference(group: list[Run]) -> tuple[int, int]:
    """Order groups of runs that differ in their epochs: most seeds, then longest."""
    return len(group), group[0].provenance["epochs"]


def same_seeds(runs: list[Run], others: list[Run]) -> tuple[list[Run], list[Run]]:
    """Return the runs of the seeds that both have, in the order of the seeds."""
    ours, theirs = ({run.provenance["seed"]: run for run in g} for g in (runs, others))
    shared = sorted(ours.keys() & theirs.keys())
    return [ours[seed] for seed in shared], [theirs[seed] for seed in shared]


def bare(value: float) -> Estimate:
    """Return an estimate without an interval."""
    return {"value": float(value), "low": np.nan, "high": np.nan}


def clipped(estimate: Estimate, highest: float = 1) -> Estimate:
    """Return an estimate whose parts are at least 0 and at most ``highest``."""
    return {name: float(np.clip(value, 0, highest)) for name, value in estimate.items()}


def mean_over_seeds(values: list[float], split: str) -> Estimate:
    """Return the mean over seeds with its 95 % interval; one seed has none (NaN).

    Each seed of a random split draws its test pictures from the same data set, so
    that the values are not independent. The interval is Student's with the corrected
    variance of Nadeau and Bengio (2003), 1 / k + n_test / n_train times that of the
    values. With a split that seeds do not redraw, it tells how much training varies.

    Parameters
    ----------
    values : list of float
        One a seed.
    split : str
        The runs' split, as ``splits.identify`` names it.
    """
    k, value = len(values), float(np.mean(values))
    if k < 2:
        return bare(value)
    overlap = splits.TEST_TO_TRAIN.get(split.removesuffix(splits.UNIQUE), 0)
    student = special.stdtrit(k - 1, 0.975)
    half = student * np.std(values, ddof=1) * (1 / k + overlap) ** 0.5
    return {"value": value, "low": float(value - half), "high": float(value + half)}


def over_seeds(runs: list[Run], pick: Callable[[dict], Estimate]) -> Estimate:
    """Return a metric of runs that differ in nothing but their seed, with its interval.

    Several seeds: ``mean_over_seeds``, but no narrower than the number of all test
    pictures allows. One: the interval that the metric itself has, from the number of
    test pictures. Where seeds do not redraw the split, both are added in squares, as
    neither holds the other's uncertainty.

    Parameters
    ----------
    runs : list of Run
    pick : callable
        Picks an estimate out of ``Run.metrics``.
    """
    return clipped(_over_seeds(runs, pick))


def _over_seeds(runs: list[Run], pick: Callable[[dict], Estimate]) -> Estimate:
    if len(runs) == 1:
        return pick(runs[0].metrics)
    found, split = [pick(run.metrics) for run in runs], runs[0].provenance["split"]
    estimate = mean_over_seeds([each["value"] for each in found], split)
    of_tests = float(np.mean([each["high"] - each["low"] for each in found])) / 2
    half = estimate["high"] - estimate["value"]
    if split.removesuffix(splits.UNIQUE) not in splits.TEST_TO_TRAIN:
        half = float(np.hypot(half, of_tests))
    elif not np.isnan(of_tests):
        half = max(half, of_tests / len(runs) ** 0.5)
    value = estimate["value"]
    return {"value": value, "low": value - half, "high": value + half}


def change(
    runs: list[Run], others: list[Run], pick: Callable[[dict], Estimate]
) -> Estimate:
    """Return by how much ``runs`` exceed the same model's ``others`` on another split.

    Of splits drawn by the same seeds, runs are compared seed by seed, see
    ``paired_difference``; of others the two intervals are added in squares.
    """
    names = {run.provenance["split"] for run in [*runs, *others]}
    kinds = {name.removesuffix(splits.UNIQUE) for name in names}
    if len(kinds) == 1 and kinds <= set(splits.TEST_TO_TRAIN):
        return paired_difference(*same_seeds(runs, others), pick)
    ours, theirs = _over_seeds(runs, pick), _over_seeds(others, pick)
    value = ours["value"] - theirs["value"]
    halves = [(each["high"] - each["low"]) / 2 for each in (ours, theirs)]
    half = float(np.hypot(*halves))
    return {"value": value, "low": value - half, "high": value + half}


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
                "accuracy": over_seeds(runs, ACCURACY),
                "top2": over_seeds(runs, TOP2),
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
    value, low, high = (
        f"{round(estimate[name], digits) + 0.0:.{digits}f}"  # no -0.00
        for name in ("value", "low", "high")
    )
    return value if np.isnan(estimate["low"]) else f"{value} [{low}, {high}]"


def side_by_side(rows: list[dict]) -> list[dict]:
    """Set the paper's numbers above ours, one row a source.

    Parameters
    ----------
    rows : list of dict
        What ``summary`` returns.

    Returns
    -------
    list of dict
        Texts by column.
    """
    columns = ("first loss", "last loss", "train accuracy", "test accuracy", "top-2")
    table = [
        {"": name, "seeds": "", **dict(zip(columns, values, strict=True))}
        for name, values in PAPER.items()
    ]
    for row in rows:
        values = (
            f"{row['first_loss']:.2f}",
            f"{row['last_loss']:.2f}",
            f"{row['train_accuracy']:.2f}",
            with_interval(row["accuracy"]),
            with_interval(row["top2"]),
        )
        cells = dict(zip(columns, values, strict=True))
        table.append({"": row["name"], "seeds": str(row["seeds"]), **cells})
    return table


def headline(rows: list[dict]) -> list[dict]:
    """Return each recipe's runs with the paper's own network: most seeds, longest."""
    longest = {}
    for row in sorted(rows, key=lambda row: preference(row["runs"])):
        facts = row["runs"][0].provenance
        own = (facts["encoder"], facts["model"], facts["split"])
        if own == ("pool", "lenet", "random"):
            longest[facts["recipe"]] = row
    return [longest[recipe] for recipe in ("paper", "corrected") if recipe in longest]


def recall(runs: list[Run], genre: str) -> Estimate:
    """Return how many pictures of a genre are recognised."""
    return called(runs, genre, genre)


def called(runs: list[Run], genre: str, other: str) -> Estimate:
    """Return how many pictures of one genre are called another."""
    row, column = GENRES.index(genre), GENRES.index(other)
    return over_seeds(runs, lambda metrics: metrics["confusion_share"][row][column])


def added_confusion(runs: list[Run]) -> np.ndarray:
    """Add up the confusion matrices of runs: int64, 10 x 10."""
    return np.sum([run.metrics["confusion"] for run in runs], axis=0)


def encoder_errors(folders: dict[str, Path], test_index: np.ndarray) -> list[dict]:
    """Return a row an encoder with what its codes lose on the same test pictures.

    Parameters
    ----------
    folders : dict of Path
        What ``encoding.learn`` returned for one split, by encoder.
    test_index : ndarray of int64
        Positions of that split's test pictures.

    Returns
    -------
    list of dict
        ``encoder``, ``weights``, ``training s``, ``bytes a code``, ``MSE`` and ``MSE of
        the plot`` (scale of 0 to 1), ``8 bits cost`` (what rounding codes to bytes adds
        to ``MSE``).
    """
    from gtzan_lib.encoders import learned
    from gtzan_lib.models.autoencoder import CODE_SHAPE, count_weights

    rows = []
    for name, folder in folders.items():
        with np.load(folder / "mse.npz") as mse:
            error = {kind: float(mse[kind][test_index].mean()) for kind in mse}
        row = {
            "encoder": name,
            "weights": count_weights(learned.build(name, seed=0)),
            "training s": sum(store.read_json(folder / "history.json")["seconds"]),
            "bytes a code": int(np.prod(CODE_SHAPE)),
            "MSE": error["picture"],
            "MSE of the plot": error["plot"],
            "8 bits cost": error["picture"] - error["unrounded"],
        }
        rows.append(row)
    return rows


def paired_difference(
    runs: list[Run], others: list[Run], pick: Callable[[dict], Estimate]
) -> Estimate:
    """Return by how much ``runs`` exceed ``others`` of the same seeds, see above.

    It is NaN where there are none.
    """
    if not runs:
        return bare(np.nan)
    pairs = zip(runs, others, strict=True)
    values = [pick(a.metrics)["value"] - pick(b.metrics)["value"] for a, b in pairs]
    return mean_over_seeds(values, runs[0].provenance["split"])


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
        for title, pick in (("accuracy", ACCURACY), ("top-2", TOP2)):
            row[title] = with_interval(over_seeds(runs, pick), 3)
            difference = paired_difference(runs, found["pool"], pick)
            row[f"{title}, against pool"] = (
                "" if name == "pool" else with_interval(difference, 3)
            )
        row["recipe paper"] = with_interval(paper[name].metrics["accuracy"])
        row["recipe paper, top-2"] = with_interval(paper[name].metrics["top2"])
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
            "accuracy": over_seeds(runs, ACCURACY),
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
    gain = paired_difference(found[best], found["pool"], ACCURACY)
    if np.isnan(gain["low"]):
        verdict = "One seed cannot tell whether a network classifies better from it"
    elif gain["low"] > 0:
        verdict = "The network classifies better from it"
    elif gain["high"] < 0:
        verdict = "Yet the network classifies worse from it"
    else:
        verdict = "Yet the network does not classify surely better or worse from it"
    times = ", ".join(f"{mse[name] / mse[best]:.1f} ({name})" for name in UPSAMPLING)
    return (
        f"On the {data_name}, encoder and decoder {best!r} leave a mean squared error "
        f"of {mse[best]:.5f}; that of average pooling is so many times as large, by "
        f"way of upsampling: {times}. {verdict} (difference in accuracy "
        f"{with_interval(gain, 3)})."
    )
