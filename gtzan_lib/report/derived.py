"""What follows from what was measured: the content of ``derived.json``.

Computed when the record is written, and again when it is checked.
"""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd

from gtzan_lib import store
from gtzan_lib.data.genres import GENRES
from gtzan_lib.errors import DataError
from gtzan_lib.evaluation.metrics import with_interval
from gtzan_lib.evaluation.silence import FLOOR
from gtzan_lib.experiments import folds, groups, suite, tables
from gtzan_lib.experiments.groups import over_seeds
from gtzan_lib.experiments.run import Run
from gtzan_lib.experiments.tables import Tables
from gtzan_lib.parameters import FACTS
from gtzan_lib.report import alternatives, claims, comparisons
from gtzan_lib.report.claims import Ledger
from gtzan_lib.report.evidence import Evidence, number

FILE = "derived.json"
FITTED = 1e-6  # by how much processors differ in a fitted temperature
LEAST = 0.0005  # a probability that prints as 0.0 % is at most as large
MEANS = {  # of a configuration: the metric and its fields
    "first_loss": ("loss", {"epoch": 1}),
    "last_loss": ("loss", {}),
    "train_accuracy": ("train_accuracy", {}),
}
ROW = (*FACTS, "device", "threads", "seconds", "started", "commit")  # of a run


def derive(record: Tables, ledger: Ledger) -> dict:
    """Return what follows from the tables of a record and the claims, as JSON values.

    (Two claims rest on the package: ``literature.toml``, and the page's model.)
    ``trained``, ``configurations`` and ``beyond`` have a ``_row`` for runs that differ
    in nothing but their seed: of all, of the paper's network, and of notebook 06.
    """
    known, runs = Evidence(record, ledger.paper), record.measured
    data, answers = known.data, claims.answer(ledger, known)
    made, versions = (
        {k.removeprefix(prefix): v for k, v in data.items() if k.startswith(prefix)}
        for prefix in ("made.", "packages.")
    )
    verdicts = [row["verdict"] for row in answers]
    return plain(
        {
            "data": {k: data[k] for k in ("name", "sha256", "pictures")}
            | {"by_genre": record.by_genre},
            "made": made | {"packages": versions},
            "batch_size": data["batch_size"],
            "literal_bytes": data["literal_autoencoder.bytes"],  # of its weights
            "runs": [
                {"run": run.name}
                | {k: run.provenance.get(k) for k in ROW}
                | {"accuracy": over_seeds([run], "accuracy")}
                for run in runs
            ],
            "paper": ledger.paper,
            "trained": [_row(group) for group in groups.group_runs(runs).values()],
            "configurations": configurations(runs),
            "beyond": [
                {"name": name} | _row(group)
                for split, by_name in suite.by_split(runs).items()
                if split in suite.SPLITS
                for name, group in by_name.items()
            ],
            "encoders": _encoders(record.codes),
            **folded(runs),
            "central": central(runs, ledger.paper),
            "dead": known.dead,
            "mixtures": known.mixtures,
            "comparisons": comparisons.summary(known, answers),
            "ledger": answers,
            "verdicts": {name: verdicts.count(name) for name in claims.VERDICTS},
            "kinds": claims.by_kind(answers),
        }
    )


def folded(runs: list[Run]) -> dict[str, list[dict]]:
    """Return what folds tell: how far to trust percentages, and what is leakage."""
    by_split = suite.by_split(runs)
    said = {
        split: suite.answers(by_split[split])
        for split in ("three-way", *folds.SPLITS)
        if split in by_split
    }

    def about(name: str, *of: str, seeds: int | None = None) -> dict:
        members = suite.ENSEMBLES.get(name, (name,))
        groups = [by_split[s][m][:seeds] for s in of for m in members]
        return {"model": name, "runs": [run.name for group in groups for run in group]}

    unheard, known = (said.get(split, {}) for split in folds.SPLITS)
    lists = by_split.get(folds.LISTS, {})
    return {
        "calibration": [
            # with a validation part the first seed alone answers (``suite.answer``)
            about(name, split, seeds=None if split in folds.SPLITS else 1)
            | {"split": split, "tests": len(scaled.labels)}
            | {"artists": len(np.unique(scaled.artists))}
            | {"repetitions": len(scaled.logits)}
            | {"temperatures": scaled.mean_temperatures()}
            | {"before": folds.trust(before), "after": folds.trust(scaled)}
            for split in said
            if split != folds.KNOWN
            for name, (before, scaled) in said[split].items()
        ],
        "leakage": [
            about(name, *folds.SPLITS, folds.LISTS)
            | folds.leakage(known[name][1], unheard[name][1], folds.gather(lists[name]))
            for name in unheard
            if name in known and name in lists
        ],
    }


def _encoders(codes: pd.DataFrame) -> list[dict]:
    """Return a row an encoder, of the first seed, by falling error."""
    if codes.empty:  # notebook 6 alone trains none
        return []
    of_first = codes[codes["seed"] == 0].sort_values("mse", ascending=False)
    ratios = codes.sort_values("seed").groupby("encoder")["of_pooling"].apply(list)
    return [
        row
        | {"of_pooling": ratios[row["encoder"]]}
        | {f"{k}_text": f"{row[k]:.5f}" for k in ("mse", "mse_plot")}
        for row in of_first.drop(columns="seed").to_dict("records")
    ]


def _row(group: list[Run]) -> dict:
    """Return what a table has of runs that differ in nothing but their seed."""
    row = {fact: group[0].provenance[fact] for fact in groups.CONFIGURATION}
    row |= {"seeds": len(group), "runs": [run.name for run in group]}
    return row | {metric: over_seeds(group, metric) for metric in ("accuracy", "top2")}


def configurations(runs: list[Run]) -> list[dict]:
    """Return a row a configuration of the paper's network, on the paper's split.

    With means over seeds, a ``name`` of what sets it apart, and ``headline``: whether
    it is the paper's own, trained longest.
    """
    by_facts = groups.group_runs(groups.of_the_paper(runs))
    varied = [len({*column}) > 1 for column in zip(*by_facts, strict=True)]
    rows = []
    for (recipe, *others, epochs), group in by_facts.items():
        words = [w for w, differs in zip(others, varied[1:-1], strict=True) if differs]
        row = {"name": ", ".join([recipe, *words, f"{epochs} epochs"])} | _row(group)
        row["headline"] = group in groups.headline(runs).values()
        for name, (metric, fields) in MEANS.items():
            value = over_seeds(group, metric, **fields)["value"]
            row |= {name: value, f"{name}_text": f"{value:.2f}"}
        recall = {genre: over_seeds(group, "recall", genre=genre) for genre in GENRES}
        rows.append(row | {"recall": recall})
    return rows


def central(runs: list[Run], paper: dict[str, dict[str, str]]) -> list[dict]:
    """Return the evidence that the paper's losses are those of softmax applied twice.

    A certain network that is right in a share *a* of cases has, behind two softmaxes, a
    loss of ``FLOOR + 1 - a``; behind one, wrong answers alone cost what the paper's row
    has as ``once``. Rows of texts: the paper, then our main run of each recipe; the
    loss ``predicted`` from the last training accuracy (``predicted_else`` from the
    paper's other one), and the loss ``at_same``, when as many training pictures are
    right as the paper prints, of the seeds that get so far.
    """
    printed = paper["3.3.2"]
    share = number(printed["train_accuracy"])
    rows = [
        {
            "name": "the paper",
            "recipe": None,
            "loss": printed["last_loss"],
            "train_accuracy": printed["train_accuracy"],
            "predicted": _predicted(share),
            "predicted_else": _predicted(number(paper["4.2"]["train_accuracy"])),
            "at_same": printed["last_loss"],
            "at_same_brief": printed["last_loss"],
            "once": f"{(share - 1) * math.log(LEAST):.2f}",
            "at_30": paper["abstract"]["test_accuracy"],
            "runs": [],
        }
    ]
    for recipe, group in groups.headline(runs).items():
        train = over_seeds(group, "train_accuracy")
        epochs, is_twice = group[0].provenance["epochs"], recipe == "paper"
        losses = alternatives.losses_at(group, share)
        loss, n = with_interval(alternatives.mean(losses)), len(losses)
        few = f"{n} of {len(group)}" if 0 < n < len(group) else ""
        row = {
            "name": f"recipe {recipe}, {epochs} epochs",
            "recipe": recipe,
            "loss": with_interval(over_seeds(group, "loss")),
            "train_accuracy": with_interval(train),
            "predicted": _predicted(train["value"]) if is_twice else "no such bound",
            "at_same": loss + f" in the {few} seeds that get so far" * bool(few),
            "at_same_brief": loss + f" ({few})" * bool(few),
            "at_30": with_interval(over_seeds(group, "test_accuracy", epoch=30)),
            "runs": [run.name for run in group],
            "seeds": len(group),
            "epochs": epochs,
        }
        rows.append(row)
    return rows


def _predicted(accuracy: float) -> str:
    return f"{FLOOR + 1 - accuracy:.2f}"


def plain(value: object) -> object:
    """Return ``value`` as strict JSON has it, and with words for each estimate.

    NaN becomes None, numpy's numbers ours; the words are an estimate's ``text``.
    """
    if isinstance(value, dict):
        items = {str(name): plain(item) for name, item in value.items()}
        is_estimate = list(value) == ["value", "low", "high"]
        return items | ({"text": with_interval(value)} if is_estimate else {})
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):  # numpy's float64 too
        return None if math.isnan(value) else float(value)
    return value.item() if isinstance(value, np.generic) else value


def write(folder: Path, ledger: Path = claims.LEDGER) -> Tables:
    """Write ``derived.json`` anew from the tables beside it, which are returned."""
    record = tables.read(folder)
    store.write_json(folder / FILE, derive(record, claims.load(ledger)))
    return record


def read(folder: Path) -> dict:
    """Read what follows from a folder's tables."""
    derived = store.read_json(folder / FILE)
    if derived is None:
        raise DataError(f"{folder / FILE} is not a file of results")
    return derived


def differences(where: str, kept: object, again: object) -> list[str]:
    """Return a sentence for each part of ``kept`` that is not as it is made again."""
    items = []
    if isinstance(kept, dict) and isinstance(again, dict):
        items = [(f".{n}", kept.get(n), again.get(n)) for n in sorted(kept | again)]
    elif isinstance(kept, list) and isinstance(again, list) and len(kept) == len(again):
        items = [(f"[{i}]", k, again[i]) for i, k in enumerate(kept)]
    elif kept != again and not (
        {type(kept), type(again)} <= {int, float}
        and math.isclose(kept, again, rel_tol=FITTED, abs_tol=FITTED)
    ):
        is_, follows = (json.dumps(value)[:200] for value in (kept, again))
        return [f"{where} is {is_}, and {follows} follows from the tables"]
    return [line for at, *both in items for line in differences(where + at, *both)]
