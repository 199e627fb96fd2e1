"""The record of a data set: its tables, and ``derived.json``, made of them."""

import hashlib
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import special

from gtzan_lib import registry, store
from gtzan_lib.data import gtzan, splits
from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.gtzan import Dataset
from gtzan_lib.encoders import pooling
from gtzan_lib.evaluation import likeness
from gtzan_lib.experiments import folds, groups, learning, mixtures, suite, tables
from gtzan_lib.experiments.run import Run
from gtzan_lib.experiments.tables import Tables, flat
from gtzan_lib.fingerprint import fingerprint
from gtzan_lib.report import derived

REPORT = store.PROJECT / "report"
PREDICTIONS = "predictions.csv"
CODES = ["encoder", "seed", "folder", "weights", "seconds", "of_pooling"]
CODES += ["mse", "mse_plot", "mse_8_bits"]


def collect(dataset: Dataset, runs: list[Run]) -> Tables:
    """Return all that was measured of a data set and its runs."""
    errors = pd.DataFrame(
        {"upsampling": mode, "mse": mse.mean(), "share_below_0.01": (mse < 0.01).mean()}
        for mode, mse in pooling.pooling_errors(dataset).items()
    )
    return Tables(
        data=pd.DataFrame([_about(dataset)]),
        pooling=errors,
        codes=_codes(dataset),
        learning=learning.table(dataset),
        mixtures=mixtures.table(dataset, runs),
        **tables.of_runs(runs, dataset.tracks),
    )


def _about(dataset: Dataset) -> dict:
    """Return the one row about the data, and where the record is made."""
    from gtzan_lib.encoders import literal
    from gtzan_lib.models import autoencoder

    made = store.provenance(time.time())
    counts = np.bincount(dataset.labels, minlength=len(GENRES)).tolist()
    sides = ("height", "width", "channels")
    channels, *code = autoencoder.CODE_SHAPE
    pictures = np.array(pooling.pool(dataset)), dataset.labels
    row = {
        "name": dataset.name,
        "sha256": dataset.sha256,
        "pictures": len(dataset.tracks),
        "batch_size": registry.RECIPES["paper"].make().batch_size,
        "hiphop_reggae_place": likeness.closeness(*pictures, "hiphop", "reggae"),
    }
    lost = {"of_pooling": literal.ratios(dataset)}
    ranks = likeness.template_ranks(*pictures).tolist()
    nested = {
        "pictures": dict(zip(GENRES, counts, strict=True)),
        "template_rank": dict(zip(GENRES, ranks, strict=True)),
        "picture": dict(zip(sides, (gtzan.HEIGHT, gtzan.WIDTH, 3), strict=True)),
        "code": dict(zip(sides, (*code, channels), strict=True)),
        "literal_autoencoder": literal.cost() | lost,
        "made": {k: v for k, v in made.items() if k not in ("packages", "seconds")},
        "packages": made["packages"],
    }
    return row | flat(nested)


def encoder_errors(folders: dict[str, Path], test_index: np.ndarray) -> list[dict]:
    """Return a row an encoder with what its codes lose on the same test pictures.

    ``folders`` are what ``encoders.learned.learn`` returned for one split, by encoder.
    Errors are on the scale of 0 to 1: ``mse_plot`` is without the picture's border,
    ``mse_8_bits`` what rounding codes to bytes adds.
    """
    from gtzan_lib.encoders import learned

    rows = []
    for encoder, folder in folders.items():
        with np.load(folder / "mse.npz") as mse:
            error = {kind: float(mse[kind][test_index].mean()) for kind in mse}
        row = {"encoder": encoder, "folder": folder.name}
        parameters = learned.build(encoder, 0).parameters()
        row["weights"] = sum(p.numel() for p in parameters)
        row["seconds"] = sum(store.read_json(folder / "history.json")["seconds"])
        row |= {"mse": error["picture"], "mse_plot": error["plot"]}
        rows.append(row | {"mse_8_bits": error["picture"] - error["unrounded"]})
    return rows


def _codes(dataset: Dataset) -> pd.DataFrame:
    """Return a row for each encoder and seed of notebook 04, on its test pictures.

    ``of_pooling`` is the error as a share of that of pooling (bicubic).
    """
    code = fingerprint("encoders.learned")
    pooled = pooling.pooling_errors(dataset)["bicubic"]
    found = []
    for path in sorted((dataset.results / "04_autoencoder").glob("*-seed*")):
        key = store.read_key(path) or {}
        if key.get("code_sha256") != code or not store.is_whole(path):
            continue
        split = splits.split(dataset, "random", key["seed"])
        train = hashlib.sha256(split["train"].tobytes()).hexdigest()
        if key["train_sha256"] == train:
            (row,) = encoder_errors({key["encoder"]: path}, split["test"])
            ratio = row["mse"] / pooled[split["test"]].mean()
            found.append({"seed": key["seed"], "of_pooling": ratio} | row)
    return pd.DataFrame(found, columns=CODES)


def predictions(record: Tables) -> pd.DataFrame:
    """Return the probabilities that the ensemble ``suite.BEST`` gives, of folds.

    Rows are all tracks of the first repetition, as the command ``evaluate`` takes them.
    """
    names = np.unique(record.answers["track"].astype(str))
    shown, by_split = [], suite.by_split(record.measured)
    for split in folds.SPLITS:
        if found := suite.answer(suite.BEST, by_split.get(split, {})):
            shares = special.softmax(found[1].logits[0], axis=1)
            for track, p in zip(names[found[1].index], shares, strict=True):
                shown.append((split, track, *p))
    return pd.DataFrame(shown, columns=["protocol", "track", *GENRES])


def write(dataset: Dataset, runs: list[Run]) -> dict:
    """Write the tables of runs and what follows from them; return ``derived.json``."""
    folder = dataset.results
    collect(dataset, runs).write(folder)
    table = predictions(derived.write(folder))
    table.to_csv(folder / PREDICTIONS, index=False, float_format="%.4f")
    return derived.read(folder)


def beside(dataset: Dataset, runs: list[Run]) -> str:
    """Return runs' mean test accuracies beside those of the committed report.

    A line a configuration; of the report's seeds the lowest and the highest.
    """
    kept = derived.read(REPORT)
    if kept["data"]["sha256"] != dataset.sha256:
        about = f"report/ is about {kept['data']['name']}"
        return f"{dataset.name}: nothing to compare, as {about}"
    runs_of = {
        tuple(row[fact] for fact in groups.CONFIGURATION): row["runs"]
        for row in kept["trained"]
    }
    by_name = {row["run"]: row["accuracy"]["value"] for row in kept["runs"]}
    lines = []
    for facts, group in groups.group_runs(runs).items():
        ours = groups.over_seeds(group, "accuracy")["value"]
        of = sorted(by_name[name] for name in runs_of.get(facts, ()))
        low, *_, high = 2 * (of or [np.nan])
        words = f"in report/ {low:.3f} to {high:.3f} of {len(of)} seeds"
        lines.append(f"{', '.join(map(str, facts))}: {ours:.3f} here; {words}")
    return "\n".join(lines)
