"""Figures of estimates with their intervals: each returns a matplotlib figure."""

from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from gtzan_lib.data.genres import GENRES
from gtzan_lib.evaluation import calibration
from gtzan_lib.evaluation.metrics import Estimate
from gtzan_lib.experiments import folds
from gtzan_lib.experiments.folds import Answers
from gtzan_lib.report.evidence import number
from gtzan_lib.report.plots import BLUE, COLORS, ORANGE


def estimates(rows: list[dict], paper: dict[str, dict], title: str) -> Figure:
    """Show accuracy and top-2 with their intervals, the paper's values beside them.

    ``rows`` have a ``name``, ``accuracy`` and ``top2`` (estimates); ``paper`` is of
    ``claims.Ledger``.
    """
    size = (10, 1.4 + 0.4 * len(rows))
    fig, axes = plt.subplots(1, 2, figsize=size, layout="constrained", sharey=True)
    keys = {"accuracy": "test_accuracy", "top2": "top2"}
    for ax, (key, printed) in zip(axes, keys.items(), strict=True):
        value, error = _with_bars([row[key] for row in rows])
        names = [row["name"] for row in rows]
        ax.errorbar(value, names, xerr=error, fmt="o", color=BLUE, capsize=4)
        for section in paper.values():
            if printed in section:
                ax.axvline(number(section[printed]), color=ORANGE, linestyle="--")
        ax.set(xlim=(0, 1), xlabel=f"{key.replace('top2', 'top-2')} on test pictures")
        ax.grid(alpha=0.3, axis="x")
        ax.margins(y=0.3)
    axes[0].invert_yaxis()
    fig.suptitle(f"{title}\n(dashed: what the paper says; bars: 95 % intervals)")
    return fig


def _with_bars(estimates: list[Estimate]) -> tuple[np.ndarray, np.ndarray]:
    """Return values of estimates, and how far below and above their intervals go."""
    table = pd.DataFrame(estimates)[["value", "low", "high"]].astype(float)
    value, low, high = table.to_numpy().T
    return value, np.nan_to_num([value - low, high - value])


def _side_by_side(ax, rows: dict, places: list[str], apart: float, **look) -> None:
    """Draw the estimates of each row at their places, ``apart`` from other rows'."""
    looks = zip(rows.items(), cycle(COLORS), cycle("osD^vP"))
    for k, ((name, own), color, marker) in enumerate(looks):
        x = np.array([places.index(place) for place in own])
        x = x + apart * (k - (len(rows) - 1) / 2)
        y, error = _with_bars([*own.values()])
        style = {"color": color, "marker": marker, "capsize": 3, "linewidth": 1} | look
        ax.errorbar(x, y, error, label=name, **style)
    ax.set_xticks(range(len(places)), places)
    ax.grid(axis="y", alpha=0.3)


def ladder(rows: list[dict], title: str) -> Figure:
    """Show the ``accuracy`` (estimate) of each row's ``model`` and ``split``."""
    by_model: dict[str, dict] = {}
    for row in rows:
        by_model.setdefault(row["model"], {})[row["split"]] = row["accuracy"]
    splits = list(dict.fromkeys(row["split"] for row in rows))
    fig, ax = plt.subplots(figsize=(10, 4.4), layout="constrained")
    _side_by_side(ax, by_model, splits, 0.12)
    ax.set(xlabel="split", ylabel="test accuracy", ylim=(0, 1.05), title=title)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3)
    return fig


def reliability(rows: dict[str, tuple[Answers, Answers]], title: str) -> Figure:
    """Draw reliability diagrams: how often right, by how sure, before and after.

    ``rows`` are answers without temperatures and with them, as ``suite.answers`` has
    them, by model; bars are 95 % intervals by artist.
    """
    kind = {"sharey": True, "squeeze": False, "layout": "constrained"}
    fig, axes = plt.subplots(1, len(rows), figsize=(3.2 * len(rows), 3.6), **kind)
    for ax, (name, both) in zip(axes[0], rows.items(), strict=True):
        ax.plot([0, 1], [0, 1], color="0.6", linestyle=":", label="calibrated")
        looks = (("before", "s-", ORANGE), ("after", "o-", BLUE))
        for answers, (when, style, color) in zip(both, looks, strict=True):
            n, logits = len(answers.logits), np.concatenate(answers.logits)
            labels, artists = np.tile(answers.labels, n), np.tile(answers.artists, n)
            bins = calibration.reliability(logits, labels, artists)
            right, error = _with_bars([each["accuracy"] for each in bins])
            sure = [each["confidence"] for each in bins]
            label = f"{when}: error {folds.trust(answers)['error']:.3f}"
            ax.errorbar(sure, right, error, fmt=style, color=color, label=label)
        ax.set(xlabel="confidence", xlim=(0, 1.02), ylim=(0, 1.02))
        ax.set_title(name, fontsize=9)
        ax.grid(alpha=0.3)
        ax.legend(fontsize=9, loc="best")
    axes[0, 0].set_ylabel("share that is right")
    fig.suptitle(title)
    return fig


def leakage(rows: dict[str, dict], title: str) -> Figure:
    """Show by model and genre how much more often known artists are recognised.

    ``rows`` are of ``folds.leakage``, by model; its control stands beside all tracks.
    """
    differences = {}
    for name, row in rows.items():
        parts = {"all": row, "control": row["control"]} | row["by_genre"]
        differences[name] = {k: part["difference"] for k, part in parts.items()}
    fig, ax = plt.subplots(figsize=(10, 4.4), layout="constrained")
    _side_by_side(ax, differences, ["all", "control", *GENRES], 0.15, linestyle="none")
    ax.axhline(0, color="0.6", linestyle=":")
    ax.axvline(1.5, color="0.8", linewidth=1)
    ax.set(ylabel="right, known less unheard artists", ylim=(-0.4, 1), title=title)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=4)
    return fig
