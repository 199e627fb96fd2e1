"""Figures of networks and runs: each returns a matplotlib figure with a title.

Colours are those of Okabe and Ito, told apart by colour-blind people too, and lines
differ in style as well.
"""

from itertools import cycle
from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gtzan_lib.data.genres import GENRES
from gtzan_lib.evaluation import silence

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
BLUE, ORANGE, GREEN = COLORS[:3]


def architecture(layers: list[dict], name: str) -> Figure:
    """Draw the rows of ``models.build.layer_table`` as boxes (the paper's figure 3)."""
    is_deep = len(layers) > 12  # then there is no room for words side by side
    style = {"ha": "center", "rotation": 90 if is_deep else 0}
    margin = 0.5 if is_deep else 0.2
    fig, ax = plt.subplots(figsize=(10, 4 if is_deep else 2.4), layout="constrained")
    for x, layer in enumerate(layers):
        size = np.log10(np.prod(layer["output"])) / 5
        ax.bar(x, size, 0.6, 0.5 - size / 2, color=BLUE, alpha=0.35)
        shape = " x ".join(str(side) for side in layer["output"])
        space = " " if is_deep else "\n"
        count = f"{layer['parameters']:,}{space}weights" if layer["parameters"] else ""
        ax.text(x, 0.5, count, va="center", fontsize=8, **style)
        ax.text(x, 1.02, layer["layer"], va="bottom", fontsize=9, **style)
        ax.text(x, -0.02, shape, va="top", fontsize=8, **style)
    ax.set(xlim=(-0.6, len(layers) - 0.4), ylim=(-margin, 1 + margin))
    ax.axis("off")
    ax.set_title(f"{name}: layers, weights, output shapes (box height: log of values)")
    return fig


def training_curves(
    histories: dict[str, dict], title: str, stars: tuple[float, ...] = ()
) -> Figure:
    """Show loss and accuracy by epoch (the paper's figures 4 and 5).

    ``histories`` are ``Run.history`` by the name that the legend gives each run, and
    ``stars`` what the paper prints: epochs, loss, training and test accuracy.
    """
    kind = {"sharex": True, "figsize": (5.6, 6.2), "layout": "constrained"}
    fig, (upper, lower) = plt.subplots(2, 1, **kind)
    looks = zip(histories.items(), cycle(COLORS), cycle("osD^v"))
    for (name, history), color, marker in looks:
        epochs = np.arange(1, len(history["loss"]) + 1)
        marked = np.unique(np.geomspace(1, len(epochs), 8).astype(int)) - 1
        other = "validation" if "validation_loss" in history else "test"
        for part, style in (("train", "-"), (other, "--")):
            loss = "loss" if part == "train" else f"{part}_loss"
            kind = {"color": color, "linestyle": style, "label": f"{name}, {part}"}
            kind |= {"marker": marker, "markevery": marked, "markersize": 5}
            upper.plot(epochs, history[loss], **kind)
            lower.plot(epochs, history[f"{part}_accuracy"], **kind)
    if stars:
        epochs, loss, *accuracies = stars
        losses = loss, np.nan  # of test pictures none is printed
        rows = zip(("train", "test"), losses, accuracies, "kw", strict=True)
        for part, loss, accuracy, color in rows:
            kind = {"marker": "*", "markersize": 13, "linestyle": "", "zorder": 3}
            kind |= {"color": color, "markeredgecolor": "k"}
            upper.plot(epochs, loss, **kind, label=f"the paper, {part}")
            lower.plot(epochs, accuracy, **kind)
    upper.set(ylabel="loss (nats)")
    lower.set(xscale="log", xlabel="epoch", ylabel="accuracy", ylim=(0, 1))
    for ax in (upper, lower):
        ax.grid(alpha=0.3)
    lines = upper.get_legend_handles_labels()
    look = {"ncols": len(histories) + bool(stars), "fontsize": 7, "columnspacing": 1}
    fig.legend(*lines, loc="outside lower center", **look)
    fig.suptitle(title)
    return fig


def loss_by_accuracy(
    histories: dict[str, dict], pair: tuple[float, float], title: str
) -> Figure:
    """Show the path of each training: its loss against its training accuracy.

    ``histories`` are ``Run.history`` by the legend's name, ``pair`` the loss and the
    training accuracy that the paper prints.
    """
    fig, ax = plt.subplots(figsize=(5.6, 5.2), layout="constrained")
    looks = zip(histories.items(), cycle([*COLORS, "0.4"]), cycle("osD^vPX"))
    for (name, history), color, marker in looks:
        style = {"color": color, "marker": marker, "markevery": 0.12, "markersize": 5}
        ax.plot(history["train_accuracy"], history["loss"], **style, label=name)
    ax.plot(pair[1], pair[0], "k*", markersize=16, label="the paper")
    ax.axhline(silence.FLOOR, color="0.5", linestyle=":", label="least behind two")
    ax.set(xlabel="training accuracy", ylabel="training loss (nats)", xlim=(0, 1.02))
    ax.set_ylim(bottom=0)
    ax.grid(alpha=0.3)
    fig.legend(loc="outside lower center", ncols=2, fontsize=8)
    fig.suptitle(title)
    return fig


def silenced(found: dict, title: str) -> Figure:
    """Show in how many seeds genres are silent (see ``silent_genres.silenced``)."""
    changes = found["changes"]
    heights = [4.2, 0.7 + 0.5 * len(changes)] if changes else [4.2]
    kind = {"layout": "constrained", "height_ratios": heights, "squeeze": False}
    fig, axes = plt.subplots(len(heights), 1, figsize=(5.6, sum(heights)), **kind)
    ax, ranks = axes[0, 0], pd.DataFrame(found["ranks"])
    ax.plot(ranks["rank"], ranks["silent"], "o", color=BLUE)
    ranks = ranks.sort_values("rank")
    every = ranks.assign(below=ranks.groupby("silent").cumcount() % 2)  # neighbours
    for genre, rank, silent, is_below in every.itertuples(index=False):
        look = {"textcoords": "offset points", "rotation": 35, "fontsize": 9}
        look |= {"ha": "right", "va": "top"} if is_below else {}
        ax.annotate(genre, (rank, silent), (3, -4) if is_below else (3, 5), **look)
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel="mean rank of its own template", xlim=(1, ranks["rank"].max() + 0.7))
    ax.set(ylabel=f"seeds of {found['seeds']} in which it is silent")
    ax.set_ylim(-0.15 * found["seeds"], 1.1 * found["seeds"])
    if changes:
        most = max(changes, key=lambda row: row["seeds"])
        rows = {f"as it is ({most['seeds']})": most["unchanged"]}
        for row in changes:
            rows[fill(f"{row['help']} ({row['seeds']})", 24)] = row["silent"]
        table = pd.DataFrame(rows, GENRES).T
        look = {"cmap": "cividis", "vmin": 0, "annot": True, "fmt": "d", "cbar": False}
        sns.heatmap(table, ax=axes[1, 0], **look)
        axes[1, 0].set_title("Seeds, of so many, in which a genre is silent")
        axes[1, 0].tick_params(axis="y", labelsize=8, labelrotation=0)
        axes[1, 0].tick_params(axis="x", labelrotation=45)
    fig.suptitle(title)
    return fig


def recall_by_epoch(runs: dict[str, np.ndarray], title: str) -> Figure:
    """Show the recall of each genre on training pictures by epoch, and its silences.

    ``runs`` are ``Run.confusions["train"]``, int (epochs, 10, 10), by the panel's
    title. A strip is a genre, filled as high as its recall; a bar in another colour
    lies where the genre is silent (see ``evaluation.silence``).
    """
    size = (5.2, 3.6 * len(runs) + 0.6)  # 400 pixels wide on a phone
    kind = {"squeeze": False, "sharex": True, "layout": "constrained"}
    fig, axes = plt.subplots(len(runs), 1, figsize=size, **kind)
    for ax, (name, counts) in zip(axes[:, 0], runs.items(), strict=True):
        last = len(counts)
        drawn = np.unique(np.geomspace(1, last, 400).astype(int))
        recall = counts.diagonal(axis1=1, axis2=2) / counts.sum(axis=2).clip(1)
        for y in range(len(GENRES)):
            strip = y + 0.4 - 0.85 * recall[drawn - 1, y]
            ax.fill_between(drawn, y + 0.4, strip, color=BLUE, alpha=0.75, linewidth=0)
            ax.plot((1, last), (y + 0.4, y + 0.4), color="0.7", linewidth=0.5)
        for each in silence.silences(*silence.counted(counts)):
            y = GENRES.index(each.genre) + 0.4
            style = {"color": ORANGE, "linewidth": 4, "solid_capstyle": "butt"}
            ax.plot((each.first, each.last), (y, y), **style)
            if each.last == last:
                ax.text(1.02 * last, y, "silent", color=ORANGE, va="center")
        ax.set(xscale="log", ylim=(9.6, -0.6), title=name)
        ax.set_yticks(range(len(GENRES)), GENRES)
        ax.tick_params(axis="y", length=0)
        ax.spines[["top", "right", "left"]].set_visible(False)
    axes[-1, 0].set_xlabel("epoch")
    fig.suptitle(title)
    return fig


def confusion(counts: np.ndarray, title: str) -> Figure:
    """Show a confusion matrix (the paper's figure 7).

    ``counts`` are pictures by true and predicted genre, int64 (10, 10): the numbers.
    Their shares of the true genre are the colours.
    """
    table = pd.DataFrame(counts, GENRES, GENRES)
    share = table.div(table.sum(axis=1).clip(1), axis=0)
    look = {"vmin": 0, "vmax": 1, "cmap": "cividis", "fmt": "d"}
    with plt.rc_context({"font.size": 13}):  # in the PDF two stand side by side
        fig, ax = plt.subplots(figsize=(6.4, 5.4), layout="constrained")
        label = {"label": "share of the true genre"}
        sns.heatmap(share, annot=counts, cbar_kws=label, ax=ax, **look)
        ax.set(xlabel="predicted genre", ylabel="true genre", title=title)
    return fig
