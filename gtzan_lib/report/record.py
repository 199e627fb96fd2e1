"""The record: all that was measured of a data set in one file, ``results.json``.

What follows from it is in ``derived.json`` (see ``report.derived``).
"""

import hashlib
import json
import math
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import special

from gtzan_lib import registry, store
from gtzan_lib.data import gtzan, splits
from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.gtzan import Dataset
from gtzan_lib.data.sources import open_dataset
from gtzan_lib.encoders import pooling
from gtzan_lib.errors import DataError
from gtzan_lib.experiments import ensembles, folds, grid, learning, suite
from gtzan_lib.experiments.run import Run
from gtzan_lib.fingerprint import fingerprint
from gtzan_lib.report import claims, dead, schema
from gtzan_lib.report.derived import derive, plain

RESULTS, DERIVED = "results.json", "derived.json"
PREDICTIONS, SCHEMA = "predictions.csv", "results.schema.json"


def collect(dataset: Dataset, runs: list[Run]) -> dict:
    """Return all that was measured of a data set and its runs, as JSON values."""
    from gtzan_lib.models import autoencoder

    made = store.provenance(time.time())
    del made["seconds"]
    counts = np.bincount(dataset.labels, minlength=len(GENRES))
    printed = claims.load().paper["3.3.2"]
    pair = [claims.number(printed[name]) for name in ("last_loss", "train_accuracy")]
    measured = {
        "data": {
            "name": dataset.name,
            "sha256": dataset.sha256,
            "pictures": len(dataset.tracks),
            "by_genre": dict(zip(GENRES, counts, strict=True)),
            "picture": [gtzan.HEIGHT, gtzan.WIDTH, 3],
            "code": list(autoencoder.CODE_SHAPE),
        },
        "made": made,
        "batch_size": registry.RECIPES["paper"].make().batch_size,
        "literal_autoencoder": autoencoder.literal_cost(),
        "runs": [run.record | dead.kept(run, *pair) for run in runs],
        "pooling": {
            mode: {"mse": mse.mean(), "share_below_0.01": (mse < 0.01).mean()}
            for mode, mse in pooling.pooling_errors(dataset).items()
        },
        "encoders": _encoders(dataset),
        "learning": learning.finished(dataset),
    }
    return plain(measured | _folded(runs))


def encoder_errors(folders: dict[str, Path], test_index: np.ndarray) -> list[dict]:
    """Return a row an encoder with what its codes lose on the same test pictures.

    ``folders`` are what ``encoders.learned.learn`` returned for one split, by encoder.
    Rows have ``encoder``, ``folder``, ``weights``, ``seconds`` of training, and on the
    scale of 0 to 1 ``mse``, ``mse_plot`` (without the picture's border) and
    ``mse_8_bits`` (what rounding codes to bytes adds to ``mse``).
    """
    from gtzan_lib.encoders import learned

    rows = []
    for name, folder in folders.items():
        with np.load(folder / "mse.npz") as mse:
            error = {kind: float(mse[kind][test_index].mean()) for kind in mse}
        history = store.read_json(folder / "history.json")
        row = {
            "encoder": name,
            "folder": folder.name,
            "weights": sum(p.numel() for p in learned.build(name, 0).parameters()),
            "seconds": sum(history["seconds"]),
            "mse": error["picture"],
            "mse_plot": error["plot"],
            "mse_8_bits": error["picture"] - error["unrounded"],
        }
        rows.append(row)
    return rows


def _encoders(dataset: Dataset) -> list[dict]:
    """Return what notebook 04's encoders lose on the first seed's test pictures.

    ``of_pooling`` has, of each seed that an encoder was trained with, its error as a
    share of that of pooling (bicubic) on the same test pictures.
    """
    code = fingerprint("encoders.learned")
    pooled = pooling.pooling_errors(dataset)["bicubic"]
    folders, ratios = {}, defaultdict(list)
    for path in sorted((dataset.results / "04_autoencoder").glob("*-seed*")):
        key = store.read_key(path) or {}
        if key.get("code_sha256") != code or not store.is_whole(path):
            continue
        split = splits.split(dataset, "random", key["seed"])
        test, train = split["test"], split["train"].tobytes()
        if key["train_sha256"] != hashlib.sha256(train).hexdigest():
            continue
        with np.load(path / "mse.npz") as mse:
            ours = mse["picture"][test].mean()
        ratios[key["encoder"]].append(ours / pooled[test].mean())
        if key["seed"] == 0:
            folders[key["encoder"]] = path
    test = splits.split(dataset, "random", seed=0)["test"]
    rows = encoder_errors(folders, test)
    rows = [row | {"of_pooling": ratios[row["encoder"]]} for row in rows]
    return sorted(rows, key=lambda row: -row["mse"])


def _folded(runs: list[Run]) -> dict:
    """Return what folds tell: how far to trust percentages, and what is leakage."""
    by_split = suite.by_split(runs)
    said = {
        split: suite.answers(by_split[split])
        for split in ("three-way", *folds.SPLITS)
        if split in by_split
    }

    def about(name: str, *of: str) -> dict:
        members = suite.ENSEMBLES.get(name, (name,))
        used = [run.name for s in of for m in members for run in by_split[s][m]]
        return {"model": name, "runs": used}

    unheard, known = (said.get(split, {}) for split in folds.SPLITS)
    lists = by_split.get(folds.LISTS, {})
    return {
        "calibration": [
            about(name, split)
            | {"split": split, "tests": len(scaled.labels)}
            | {"artists": len(np.unique(scaled.artists))}
            | {"repetitions": len(scaled.logits)}
            | {"temperatures": scaled.mean_temperatures()}
            | {"before": folds.trust(plain), "after": folds.trust(scaled)}
            for split in said
            if split != folds.KNOWN
            for name, (plain, scaled) in said[split].items()
        ],
        "leakage": [
            about(name, *folds.SPLITS, folds.LISTS)
            | folds.leakage(known[name][1], unheard[name][1], folds.gather(lists[name]))
            for name in unheard
            if name in known and name in lists
        ],
    }


def predictions(dataset: Dataset, runs: list[Run]) -> pd.DataFrame:
    """Return the probabilities that the ensemble ``suite.BEST`` gives, of folds.

    Columns are ``protocol`` (the split), ``track``, and the ten genres; rows are all
    tracks of the first repetition, as the command ``evaluate`` takes them.
    """
    rows, by_split = [], suite.by_split(runs)
    for split in folds.SPLITS:
        if found := suite.answers(by_split.get(split, {})).get(suite.BEST):
            shares = special.softmax(found[1].logits[0], axis=1)
            for i, p in zip(found[1].index, shares, strict=True):
                rows.append((split, dataset.tracks[i], *p))
    return pd.DataFrame(rows, columns=["protocol", "track", *GENRES])


def write(dataset: Dataset, runs: list[Run]) -> dict:
    """Write ``results.json`` and ``derived.json``; return what both hold.

    ``predictions.csv`` is written beside them, see ``predictions``.
    """
    folder = dataset.results
    folder.mkdir(parents=True, exist_ok=True)
    store.write_json(folder / RESULTS, collect(dataset, runs))
    table = predictions(dataset, runs)
    table.to_csv(folder / PREDICTIONS, index=False, float_format="%.4f")
    write_derived(folder)
    return read(folder)


def write_derived(folder: Path, ledger: Path = claims.LEDGER) -> None:
    """Write ``derived.json`` anew from ``results.json`` beside it."""
    derived = derive(read_measured(folder), claims.load(ledger))
    store.write_json(folder / DERIVED, derived)


def read_measured(folder: Path) -> dict:
    """Read ``results.json`` of a folder; ``DataError`` says where it is damaged."""
    path = folder / RESULTS
    measured = schema.read(path, SCHEMA)
    for run in measured["runs"]:
        if sum(map(sum, run["confusion"])) < run["top2_hits"]:
            raise DataError(f"{path} is wrong: {run['run']} has more hits than tests")
    return measured


def read(folder: Path) -> dict:
    """Read what was measured and what was derived from it, as one."""
    measured = read_measured(folder)
    derived = store.read_json(folder / DERIVED)
    if derived is None:
        raise DataError(f"{folder / DERIVED} is not a file of results")
    return measured | derived


def differences(where: str, kept: object, again: object) -> list[str]:
    """Return a sentence for each part of ``kept`` that is not as it is made again."""
    if isinstance(kept, dict) and isinstance(again, dict):
        names = sorted(kept | again)
        items = [(f"{where}.{n}", kept.get(n), again.get(n)) for n in names]
    elif isinstance(kept, list) and isinstance(again, list) and len(kept) == len(again):
        pairs = enumerate(zip(kept, again, strict=True))
        items = [(f"{where}[{i}]", *pair) for i, pair in pairs]
    else:
        numbers = all(type(value) in (int, float) for value in (kept, again))
        if kept == again or (numbers and math.isclose(kept, again, rel_tol=1e-9)):
            return []
        is_, follows = (json.dumps(value)[:200] for value in (kept, again))
        return [f"{where} is {is_}, and {follows} follows from the runs"]
    return [sentence for item in items for sentence in differences(*item)]


def main(data: str, profile: str) -> None:
    """Write the record of a profile's finished runs, and what follows from it."""
    dataset = open_dataset(data)
    runs = grid.finished(dataset, profile)
    write(dataset, [*runs, *ensembles.find(dataset, runs)])
    print(f"{dataset.name}: {len(runs)} runs of profile {profile}")


if __name__ == "__main__":
    main(*sys.argv[1:])
