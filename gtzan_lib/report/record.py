"""All results of a data set in one file, and the check that its numbers hold.

``results.json`` holds what was measured (each run's counts, losses and provenance, the
errors of pooling and of encoders), and what follows from it (accuracies with intervals,
means over seeds, the ledger of the paper's claims). ``derive`` computes the second from
the first, once when the file is written and again when it is checked. Written by
notebook 05_results; read by the pages and the PDF.
"""

import hashlib
import json
import math
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from gtzan_lib.experiments import suite as beyond
from gtzan_lib.report import claims
from gtzan_lib.evaluation import seeds as comparison
from gtzan_lib.data import gtzan as data
from gtzan_lib.evaluation import metrics as evaluation
from gtzan_lib.encoders import pooling
from gtzan_lib.data import splits
from gtzan_lib import registry, store
from gtzan_lib.report.claims import CURVES, EPOCHS
from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.gtzan import Dataset
from gtzan_lib.errors import DataError
from gtzan_lib.fingerprint import fingerprint
from gtzan_lib.evaluation.metrics import Estimate, proportion
from gtzan_lib.experiments.runs import Run

FILE = "results.json"
FLOOR = math.log(math.e + 9) - 1  # loss of a perfect network behind two softmaxes
METRICS = {"accuracy": comparison.ACCURACY, "top2": comparison.TOP2}
DERIVED = ("configurations", "beyond", "central", "ledger", "verdicts")


@dataclass(frozen=True)
class CountedRun:
    """A run as ``results.json`` has it: what ``comparison`` asks of a ``Run``."""

    record: dict

    @property
    def name(self) -> str:
        """The name of the run's folder."""
        return self.record["run"]

    @property
    def provenance(self) -> dict:
        """Parameters, data name and hash, commit, versions, device and duration."""
        return self.record["provenance"]

    @property
    def history(self) -> dict[str, list[float]]:
        """Loss and accuracies at the epochs that are kept, the last one included."""
        curve = self.record["curve"]
        names = [name for name in CURVES if curve and name in curve[0]]
        return {name: [point[name] for point in curve] for name in names}

    @cached_property
    def metrics(self) -> dict[str, Estimate]:
        """Everything measured, by name, each with its interval (NaN for none).

        ``accuracy``, ``top2``, ``certainty``, ``loss@30``, ``train_accuracy@last``,
        ``test_accuracy@1``, ``recall:jazz``, ``called:hiphop:reggae`` and the like.
        """
        record, counts = self.record, np.array(self.record["confusion"])
        n = int(counts.sum())
        found = {
            "accuracy": proportion(int(counts.diagonal().sum()), n),
            "top2": proportion(record["top2_hits"], n),
            "certainty": comparison.bare(record["certainty"]),
        }
        for point in record["curve"]:
            for name in ("loss", "train_accuracy"):
                found[f"{name}@{point['epoch']}"] = comparison.bare(point[name])
            if "test_accuracy" in point:  # not where validation tracks were watched
                hits = round(point["test_accuracy"] * n)
                found[f"test_accuracy@{point['epoch']}"] = proportion(hits, n)
        for name in self.history:
            found[f"{name}@first"] = found[f"{name}@1"]
            found[f"{name}@last"] = found[f"{name}@{self.provenance['epochs']}"]
        for genre, row in zip(GENRES, counts, strict=True):
            for other, k in zip(GENRES, row, strict=True):
                found[f"called:{genre}:{other}"] = proportion(int(k), int(row.sum()))
            found[f"recall:{genre}"] = found[f"called:{genre}:{genre}"]
        return found


def collect(dataset: Dataset, runs: list[Run]) -> dict:
    """Return everything that is known of a data set, as JSON values.

    Parameters
    ----------
    dataset : Dataset
    runs : list of Run
        Its finished runs, as ``runs.find_runs`` returns them.
    """
    from gtzan_lib.models import autoencoder

    made = store.provenance(time.time())
    del made["seconds"]
    counts = np.bincount(dataset.labels, minlength=len(GENRES)).tolist()
    errors = pooling.pooling_errors(dataset)
    measured = {
        "data": {
            "name": dataset.name,
            "sha256": dataset.sha256,
            "pictures": len(dataset.tracks),
            "by_genre": dict(zip(GENRES, counts, strict=True)),
            "picture": [data.HEIGHT, data.WIDTH, 3],
            "code": list(autoencoder.CODE_SHAPE),
        },
        "made": made,
        "batch_size": registry.RECIPES["paper"].make().batch_size,
        "literal_autoencoder": autoencoder.literal_cost(),
        "runs": [record(run) for run in runs],
        "pooling": {
            mode: {
                "mse": float(mse.mean()),
                "share_below_0.01": float((mse < 0.01).mean()),
            }
            for mode, mse in errors.items()
        },
        "encoders": encoders(dataset),
        "calibration": calibration_rows(runs),
    }
    return plain(measured | derive(plain(measured), claims.load()))


def record(run: Run) -> dict:
    """Return what ``results.json`` keeps of a run: counts, not shares of them."""
    is_fusion = run.provenance["recipe"] == "fusion"
    history, predictions = {} if is_fusion else run.history, run.predictions
    logits, labels = predictions["logits"], predictions["labels"]
    last = run.provenance["epochs"]
    kept = [] if is_fusion else sorted({e for e in EPOCHS if e < last} | {last})
    certainty = evaluation.softmax(logits.astype(float)).max(axis=1).mean()
    return {
        "run": run.folder.name,
        "page": "06_beyond.html"
        if run.provenance["recipe"] in ("closed-form", "fusion")
        else f"03_train_cnn-{run.folder.name}.html",
        "provenance": run.provenance,
        "seconds_an_epoch": float(np.mean(history.get("seconds", [math.nan]))),
        "curve": [
            {"epoch": epoch}
            | {name: history[name][epoch - 1] for name in CURVES if name in history}
            for epoch in kept
        ],
        "certainty": float(certainty),
        "top2_hits": int(evaluation.top_k_hits(logits, labels, 2).sum()),
        "confusion": evaluation.confusion_matrix(logits, labels).tolist(),
    }


def encoders(dataset: Dataset) -> list[dict]:
    """Return what notebook 04's encoders lose on the first seed's test pictures.

    Only what is there is read; nothing is trained.
    """
    from gtzan_lib.encoders import learned as encoding

    split = splits.random_split(len(dataset.tracks), seed=0)
    train = hashlib.sha256(split["train"].tobytes()).hexdigest()
    code = fingerprint("encoders.learned")
    folders = {}
    for path in sorted((dataset.results / "04_autoencoder").glob("*-seed0")):
        key = (store.read_json(path / store.MANIFEST) or {}).get("key", {})
        right = (key.get("train_sha256"), key.get("code_sha256")) == (train, code)
        if right and store.is_whole(path):
            folders[key["encoder"]] = path
    rows = comparison.encoder_errors(folders, split["test"])
    return [
        {
            "encoder": row["encoder"],
            "folder": folders[row["encoder"]].name,
            "weights": row["weights"],
            "seconds": row["training s"],
            "mse": row["MSE"],
            "mse_plot": row["MSE of the plot"],
            "mse_text": f"{row['MSE']:.5f}",
            "mse_plot_text": f"{row['MSE of the plot']:.5f}",
        }
        for row in sorted(rows, key=lambda row: -row["MSE"])
    ]


def calibration_rows(runs: list[Run]) -> list[dict]:
    """Return how far percentages can be trusted on the test part of split three-way.

    Returns
    -------
    list of dict
        ``model``, ``epochs``, ``temperature``, ``tests``, ``runs``, ``by_chance``
        and, before and after, what ``beyond.calibrated`` estimates.
    """
    found = beyond.by_split(runs).get("three-way", {})
    return [
        {
            "model": row["model"],
            "epochs": found[row["model"]][0].provenance["epochs"],
            "temperature": row["temperature"],
            "tests": len(row["labels"]),
            "by_chance": row["by_chance"],
            "runs": [run.folder.name for run in found[row["model"]]],
        }
        | {
            when: {
                "error": with_text(row[when]["error"], 3),
                "together": row[when]["together"],
                "hits": with_text(row[when]["hits"]),
                "size": with_text(row[when]["size"], 1),
            }
            for when in ("before", "after")
        }
        for row in beyond.calibrated(found)
    ]


def derive(measured: dict, ledger: list[dict]) -> dict:
    """Return what follows from what was measured.

    Parameters
    ----------
    measured : dict
        ``results.json`` without the keys in ``DERIVED``.
    ledger : list of dict
        What ``claims.load`` returns.

    Returns
    -------
    dict
        ``configurations``, a row for runs of the paper's network that differ in nothing
        but their seed; ``beyond``, a row for each model and split of notebook 06;
        ``central``, the evidence for softmax applied twice; ``ledger``, the claims with
        their verdicts; and ``verdicts``, how many of each.
    """
    runs = [CountedRun(record) for record in measured["runs"]]
    groups = comparison.group_runs(comparison.of_the_paper(runs))
    rows = comparison.summary(groups)
    for row, configuration in zip(rows, groups, strict=True):
        row |= dict(zip(comparison.CONFIGURATION, configuration, strict=True))
        row["page"] = row["runs"][0].record["page"]
        row["accuracy"] = with_text(row["accuracy"])
        row["top2"] = with_text(row["top2"])
        picks = {g: (lambda metrics, g=g: metrics[f"recall:{g}"]) for g in GENRES}
        row["recall"] = {
            genre: with_text(comparison.over_seeds(row["runs"], pick))
            for genre, pick in picks.items()
        }
        for name in ("first_loss", "last_loss", "train_accuracy"):
            row[f"{name}_text"] = f"{row[name]:.2f}"
    main = [row["name"] for row in comparison.headline(rows)]
    for row in rows:
        row["headline"] = row["name"] in main
        row["runs"] = [run.name for run in row["runs"]]
    answered = claims.answer(ledger, measured, runs)
    verdicts = [claim["verdict"] for claim in answered]
    return plain(
        {
            "configurations": rows,
            "beyond": beyond_rows(runs),
            "central": central(runs),
            "ledger": answered,
            "verdicts": {name: verdicts.count(name) for name in claims.VERDICTS},
        }
    )


def beyond_rows(runs: list[CountedRun]) -> list[dict]:
    """Return a row for each model and split of notebook 06, over seeds.

    Returns
    -------
    list of dict
        ``name``, ``split``, ``epochs``, ``seeds``, ``runs``, ``accuracy`` and ``top2``.
    """
    rows = []
    for split, found in beyond.by_split(runs).items():
        for name, group in found.items():
            row = {"name": name, "split": split, "seeds": len(group)}
            row["epochs"] = group[0].provenance["epochs"]
            row["runs"] = [run.name for run in group]
            for metric, pick in METRICS.items():
                row[metric] = with_text(comparison.over_seeds(group, pick))
            rows.append(row)
    return rows


def central(runs: list[CountedRun]) -> list[dict]:
    """Return the evidence that the paper's losses are those of softmax applied twice.

    A certain network that is right in a share *a* of cases has, behind two softmaxes,
    a loss of ``FLOOR + 1 - a``.

    Returns
    -------
    list of dict
        The paper, then our main run of each recipe: ``loss`` and ``train_accuracy`` at
        the end, the loss ``predicted`` from that accuracy, and test accuracy ``at_30``
        epochs. Texts, with ``runs`` to say where they come from.
    """
    _, last, accuracy, _, _ = comparison.PAPER["the paper, 3.3.2 (1,800 epochs)"]
    at_30 = comparison.PAPER["the paper, abstract (30 epochs)"][3]
    rows = [{"name": "the paper", "loss": last, "train_accuracy": accuracy}]
    rows[0] |= {"predicted": _predicted(float(accuracy)), "at_30": at_30, "runs": []}
    for recipe in ("paper", "corrected"):
        chosen = claims.select(runs, recipe=recipe)
        if not chosen:
            continue
        found = {
            name: claims.over_seeds(chosen, name)
            for name in ("loss@last", "train_accuracy@last", "test_accuracy@30")
        }
        train = found["train_accuracy@last"]["value"]
        twice = recipe == "paper"
        rows.append(
            {
                "name": f"recipe {recipe}, {chosen[0].provenance['epochs']} epochs",
                "loss": comparison.with_interval(found["loss@last"]),
                "train_accuracy": comparison.with_interval(
                    found["train_accuracy@last"]
                ),
                "predicted": _predicted(train) if twice else "no such bound",
                "at_30": comparison.with_interval(found["test_accuracy@30"]),
                "runs": [run.name for run in chosen],
            }
        )
    return rows


def with_text(estimate: Estimate, digits: int = 2) -> dict:
    """Return an estimate with the words for it, such as ``"0.48 [0.41, 0.55]"``."""
    return estimate | {"text": comparison.with_interval(estimate, digits)}


def plain(value: object) -> object:
    """Return ``value`` as strict JSON has it: NaN as None, numpy's numbers as ours."""
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):  # numpy's float64 too
        return None if math.isnan(value) else float(value)
    return value.item() if isinstance(value, np.generic) else value


def write(dataset: Dataset, runs: list[Run]) -> dict:
    """Write ``results.json`` into the data set's folder of results; return its content.

    Used by notebook 05_results.
    """
    found = collect(dataset, runs)
    dataset.results.mkdir(parents=True, exist_ok=True)
    store.write_json(dataset.results / FILE, found)
    return found


def read(folder: Path) -> dict:
    """Read ``results.json`` of a folder.

    Raises
    ------
    DataError
        If there is none, or it is not one.
    """
    found = store.read_json(Path(folder) / FILE)
    if found is None or not {"data", "runs", *DERIVED} <= set(found):
        raise DataError(f"{Path(folder) / FILE} is not a file of results")
    return found


def mismatches(folder: Path, ledger: Path) -> list[str]:
    """Return a sentence for each number of ``results.json`` that does not follow.

    Accuracies, intervals, means and the ledger are computed again from the counts and
    from the claims.

    Parameters
    ----------
    folder : Path
        Holds ``results.json``.
    ledger : Path
        The file of claims.
    """
    found = read(folder)
    try:
        again = derive(found, claims.load(ledger))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DataError(f"{Path(folder) / FILE} is damaged: {error!r}") from error
    return [
        sentence
        for name in DERIVED
        for sentence in _differences(name, found[name], again[name])
    ]


def _differences(where: str, found: object, again: object) -> list[str]:
    if isinstance(found, dict) and isinstance(again, dict):
        return [
            sentence
            for name in sorted(found.keys() | again.keys())
            for sentence in _differences(
                f"{where}.{name}", found.get(name), again.get(name)
            )
        ]
    if isinstance(found, list) and isinstance(again, list) and len(found) == len(again):
        return [
            sentence
            for i, pair in enumerate(zip(found, again, strict=True))
            for sentence in _differences(f"{where}[{i}]", *pair)
        ]
    numbers = all(type(value) in (int, float) for value in (found, again))
    if found == again or (numbers and math.isclose(found, again, rel_tol=1e-9)):
        return []
    return [
        f"{where} is {json.dumps(found)}, and {json.dumps(again)} follows from the runs"
    ]


def _predicted(accuracy: float) -> str:
    return f"{FLOOR + 1 - accuracy:.2f}"
