"""What follows from what was measured: the content of ``derived.json``.

Computed when the record is written, and again when it is checked.
"""

import math

import numpy as np

from gtzan_lib.data.genres import GENRES
from gtzan_lib.evaluation.dead import FLOOR
from gtzan_lib.evaluation.metrics import with_interval, with_text
from gtzan_lib.experiments import groups, suite
from gtzan_lib.experiments.groups import over_seeds
from gtzan_lib.experiments.run import Run
from gtzan_lib.report import claims, comparisons, dead
from gtzan_lib.report.claims import Ledger

LEAST = 0.0005  # a probability that prints as 0.0 % is at most as large
MEANS = {  # of a configuration, by the metric
    "first_loss": "loss@first",
    "last_loss": "loss@last",
    "train_accuracy": "train_accuracy@last",
}


def derive(measured: dict, ledger: Ledger) -> dict:
    """Return what follows from ``results.json`` and the claims, as JSON values.

    ``paper``, the numbers that the paper prints; ``run_metrics``, accuracy and top-2 by
    run; ``configurations`` and ``beyond``, a row for runs that differ in nothing but
    their seed, of the paper's network and of notebook 06; ``encoders``,
    ``calibration`` and ``leakage``, the measured rows with words; ``central``, the
    evidence for softmax applied twice; ``dead``, see ``dead.tables``;
    ``comparisons``, see ``comparisons.summary``; ``ledger``, the
    claims with their verdicts, how many of each, and how many by kind.
    """
    runs = [Run(kept=record) for record in measured["runs"]]
    answers = claims.answer(ledger, measured, runs)
    verdicts = [row["verdict"] for row in answers]
    printed = {
        "loss": ledger.paper["3.3.2"]["last_loss"],
        "right": ledger.paper["3.3.2"]["train_accuracy"],
        "right_else": ledger.paper["4.2"]["train_accuracy"],
    }
    printed = {name: claims.number(words) for name, words in printed.items()}
    return plain(
        {
            "paper": ledger.paper,
            "run_metrics": {run.name: _over_seeds([run]) for run in runs},
            "configurations": configurations(runs),
            "beyond": _beyond(runs),
            "encoders": [
                row | {f"{k}_text": f"{row[k]:.5f}" for k in ("mse", "mse_plot")}
                for row in measured["encoders"]
            ],
            "calibration": [_worded(row) for row in measured["calibration"]],
            "leakage": [_worded(row) for row in measured["leakage"]],
            "central": central(runs, ledger.paper),
            "dead": dead.tables(runs, measured["data"]["by_genre"]),
            "comparisons": comparisons.summary(runs, answers, printed),
            "ledger": answers,
            "verdicts": {name: verdicts.count(name) for name in claims.VERDICTS},
            "kinds": claims.by_kind(answers),
        }
    )


def configurations(runs: list[Run]) -> list[dict]:
    """Return a row a configuration of the paper's network, on the paper's split.

    Means over seeds, estimates of ``accuracy``, ``top2`` and ``recall``, and
    ``headline``: whether it is the paper's own, trained longest.
    """
    by_facts = groups.group_runs(groups.of_the_paper(runs))
    main = [group[0].name for group in groups.headline(runs).values()]
    rows = []
    for facts, group in by_facts.items():
        row = {"name": _name(facts, list(by_facts)), "seeds": len(group)}
        row |= {"runs": [run.name for run in group], "headline": group[0].name in main}
        for name, metric in MEANS.items():
            value = over_seeds(group, metric)["value"]
            row |= {name: value, f"{name}_text": f"{value:.2f}"}
        row |= _over_seeds(group)
        recall = {genre: over_seeds(group, f"recall:{genre}") for genre in GENRES}
        row["recall"] = _worded(recall)
        rows.append(row | dict(zip(groups.CONFIGURATION, facts, strict=True)))
    return rows


def _name(facts: tuple, others: list[tuple]) -> str:
    """Name a configuration by its recipe, its epochs and what sets it apart."""
    recipe, *differing, epochs = facts
    _, *columns, _ = zip(*others, strict=True)
    pairs = zip(differing, columns, strict=True)
    words = [fact for fact, column in pairs if len(set(column)) > 1]
    return ", ".join([recipe, *words, f"{epochs} epochs"])


def _beyond(runs: list[Run]) -> list[dict]:
    """Return a row for each model and split of notebook 06, over seeds."""
    return [
        {
            "name": name,
            "split": split,
            "seeds": len(group),
            "epochs": group[0].provenance["epochs"],
            "runs": [run.name for run in group],
        }
        | _over_seeds(group)
        for split, by_name in suite.by_split(runs).items()
        if split in suite.SPLITS
        for name, group in by_name.items()
    ]


def central(runs: list[Run], paper: dict[str, dict[str, str]]) -> list[dict]:
    """Return the evidence that the paper's losses are those of softmax applied twice.

    A certain network that is right in a share *a* of cases has, behind two softmaxes, a
    loss of ``FLOOR + 1 - a``; behind one, wrong answers alone cost what the paper's row
    has as ``once``. Rows of texts: the paper, then our main run of each recipe;
    ``loss`` and ``train_accuracy`` at the end, the loss ``predicted`` from that
    accuracy (``predicted_else`` from the paper's other one), the loss ``at_same``,
    when as many training pictures are right as the paper prints (of the seeds that get
    so far; ``at_same_brief`` in fewer words), and test accuracy ``at_30`` epochs. Of
    ours, also how many ``seeds`` and ``epochs``.
    """
    printed = paper["3.3.2"]
    share = claims.number(printed["train_accuracy"])
    at_same = f"loss@{100 * share:.0f}%"
    rows = [
        {
            "name": "the paper",
            "recipe": None,
            "loss": printed["last_loss"],
            "train_accuracy": printed["train_accuracy"],
            "predicted": _predicted(share),
            "predicted_else": _predicted(claims.number(paper["4.2"]["train_accuracy"])),
            "at_same": printed["last_loss"],
            "at_same_brief": printed["last_loss"],
            "once": f"{(share - 1) * math.log(LEAST):.2f}",
            "at_30": paper["abstract"]["test_accuracy"],
            "runs": [],
        }
    ]
    for recipe, group in groups.headline(runs).items():
        train = over_seeds(group, "train_accuracy@last")
        is_twice = recipe == "paper"
        loss, few = _of_those_that_have(group, at_same)
        row = {
            "name": f"recipe {recipe}, {group[0].provenance['epochs']} epochs",
            "recipe": recipe,
            "loss": with_interval(over_seeds(group, "loss@last")),
            "train_accuracy": with_interval(train),
            "predicted": _predicted(train["value"]) if is_twice else "no such bound",
            "at_same": loss + f" in the {few} seeds that get so far" * bool(few),
            "at_same_brief": loss + f" ({few})" * bool(few),
            "at_30": with_interval(over_seeds(group, "test_accuracy@30")),
            "runs": [run.name for run in group],
            "seeds": len(group),
            "epochs": group[0].provenance["epochs"],
        }
        rows.append(row)
    return rows


def _of_those_that_have(group: list[Run], metric: str) -> tuple[str, str]:
    """Return the mean of a metric over the seeds that have it, and how many if few.

    Texts, such as ``"1.85 [1.84, 1.86]"`` and ``"4 of 5"``, which is empty for all.
    """
    has = [run for run in group if not math.isnan(run.metric(metric)["value"])]
    words = with_interval(over_seeds(has, metric)) if has else "-"
    is_few = 0 < len(has) < len(group)
    return words, f"{len(has)} of {len(group)}" * is_few


def _predicted(accuracy: float) -> str:
    return f"{FLOOR + 1 - accuracy:.2f}"


def _worded(row: dict) -> dict:
    """Return a row with the words for its estimates, whose ``value`` tells them."""
    parts = {k: part for k, part in row.items() if isinstance(part, dict)}
    return row | {
        k: with_text(part) if "value" in part else _worded(part)
        for k, part in parts.items()
    }


def _over_seeds(group: list[Run]) -> dict:
    return {k: with_text(over_seeds(group, k)) for k in ("accuracy", "top2")}


def plain(value: object) -> object:
    """Return ``value`` as strict JSON has it: NaN as None, numpy's numbers as ours."""
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):  # numpy's float64 too
        return None if math.isnan(value) else float(value)
    return value.item() if isinstance(value, np.generic) else value
