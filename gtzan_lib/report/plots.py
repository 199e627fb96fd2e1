"""Figures: each returns a matplotlib figure whose title names the data it shows.

Colours are those of Okabe and Ito, told apart by colour-blind people too, and lines
differ in style as well. Used by every notebook.
"""

from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from gtzan_lib.evaluation import calibration
from gtzan_lib.evaluation import seeds as comparison
from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.gtzan import Dataset
from gtzan_lib.evaluation.metrics import softmax
from gtzan_lib.experiments.runs import Run

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
BLUE, ORANGE, GREEN = COLORS[:3]
HATCHES = ("", "//", "xx")  # to tell colours apart without seeing them


def genre_gallery(dataset: Dataset, images: np.ndarray) -> Figure:
    """Show the first picture of each genre (the paper's figure 1).

    Parameters
    ----------
    dataset : Dataset
    images : ndarray of uint8, shape (N, 288, 432, 3)
    """
    fig, axes = plt.subplots(2, 5, figsize=(10, 3.6), layout="constrained")
    for genre, ax in enumerate(axes.flat):
        first = int(np.argmax(dataset.labels == genre))
        _show(ax, images[first], dataset.tracks[first])
    fig.suptitle(f"Mel spectrograms, one a genre: {dataset.name}")
    return fig


def original_and_encoded(
    original: np.ndarray, encoded: np.ndarray, again: dict[str, np.ndarray], title: str
) -> Figure:
    """Show a picture, its code, and what upsampling makes of it (figure 2).

    Parameters
    ----------
    original : ndarray of uint8, shape (288, 432, 3)
    encoded : ndarray of float32, shape (h, w, 3)
        Pooled picture, 0 to 1.
    again : dict of ndarray of float32, shape (288, 432, 3)
        Reconstructions by name, 0 to 1.
    title : str
    """
    fig, axes = plt.subplots(
        2, 1 + len(again), figsize=(10, 4.4), layout="constrained", squeeze=False
    )
    height, width = encoded.shape[:2]
    _show(axes[0, 0], original, "original, 432 x 288")
    _show(axes[1, 0], encoded, f"encoded, {width} x {height}")
    for column, (name, picture) in enumerate(again.items(), start=1):
        error = np.square(original / 255 - picture).mean(axis=-1)
        _show(axes[0, column], picture, f"back by {name}")
        _show(axes[1, column], None, f"squared error, mean {error.mean():.4f}")
        shown = axes[1, column].imshow(error, cmap="viridis", vmin=0, vmax=0.1)
    fig.colorbar(shown, ax=axes[1], shrink=0.8, label="squared error")
    fig.suptitle(title)
    return fig


def errors_by_genre(dataset: Dataset, errors: dict[str, np.ndarray]) -> Figure:
    """Show each picture's reconstruction error by genre, with the paper's bound.

    Parameters
    ----------
    dataset : Dataset
    errors : dict of ndarray of float, shape (N,)
        Mean squared error of each picture, by way of upsampling.
    """
    fig, ax = plt.subplots(figsize=(10, 3.6), layout="constrained")
    sns.boxplot(
        x=np.tile([GENRES[label] for label in dataset.labels], len(errors)),
        y=np.concatenate(list(errors.values())),
        hue=np.repeat(list(errors), len(dataset.tracks)),
        palette=[BLUE, ORANGE, GREEN],
        fliersize=2,
        ax=ax,
    )
    ax.axhline(0.01, color="black", linestyle="--", label="the paper: below 0.01")
    ax.set(xlabel="", ylabel="mean squared error", ylim=(0, 1.15 * ax.get_ylim()[1]))
    legend = ax.legend(title="", ncols=4, loc="upper left").get_patches()
    for group, patch, hatch in zip(ax.containers, legend, HATCHES, strict=True):
        for box in (*group.boxes, patch):
            box.set_hatch(hatch)
    ax.set_title(f"Error of average pooling, by upsampling: {dataset.name}")
    return fig


def architecture(layers: list[dict], name: str) -> Figure:
    """Draw a network as boxes, one a layer (the paper's figure 3).

    Parameters
    ----------
    layers : list of dict
        What ``models.layer_table`` returns.
    name : str
    """
    is_deep = len(layers) > 12  # then there is no room for words side by side
    height, rotation = (4, 90) if is_deep else (2.4, 0)
    fig, ax = plt.subplots(figsize=(10, height), layout="constrained")
    for x, layer in enumerate(layers):
        size = np.log10(np.prod(layer["output"])) / 5
        ax.add_patch(
            Rectangle((x - 0.3, 0.5 - size / 2), 0.6, size, facecolor=BLUE, alpha=0.35)
        )
        shape = " x ".join(str(side) for side in layer["output"])
        count = f"{layer['parameters']:,}\nweights" if layer["parameters"] else ""
        style = {"ha": "center", "rotation": rotation}
        count = count.replace("\n", " ") if is_deep else count
        ax.text(x, 0.5, count, va="center", fontsize=8, **style)
        ax.text(x, 1.02, layer["layer"], va="bottom", fontsize=9, **style)
        ax.text(x, -0.02, shape, va="top", fontsize=8, **style)
    margin = 0.5 if is_deep else 0.2
    ax.set(xlim=(-0.6, len(layers) - 0.4), ylim=(-margin, 1 + margin))
    ax.axis("off")
    ax.set_title(f"{name}: layers, weights, output shapes (box height: log of values)")
    return fig


def training_curves(runs: dict[str, Run]) -> Figure:
    """Show loss and accuracy by epoch (the paper's figures 4 and 5).

    Parameters
    ----------
    runs : dict of Run
        By the name that the legend gives each.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    for (name, run), color, marker in zip(runs.items(), cycle(COLORS), cycle("osD^v")):
        epochs = np.arange(1, len(run.history["loss"]) + 1)
        marked = np.unique(np.geomspace(1, len(epochs), 8).astype(int)) - 1
        other = "validation" if "validation_loss" in run.history else "test"
        for part, style in (("train", "-"), (other, "--")):
            loss = "loss" if part == "train" else f"{part}_loss"
            kind = {"color": color, "linestyle": style, "label": f"{name}, {part}"}
            kind |= {"marker": marker, "markevery": marked, "markersize": 5}
            left.plot(epochs, run.history[loss], **kind)
            right.plot(epochs, run.history[f"{part}_accuracy"], **kind)
    left.set(xscale="log", xlabel="epoch", ylabel="loss (nats)")
    right.set(xscale="log", xlabel="epoch", ylabel="accuracy", ylim=(0, 1))
    for ax in (left, right):
        ax.grid(alpha=0.3)
    lines = left.get_legend_handles_labels()
    fig.legend(*lines, loc="outside lower center", ncols=len(runs), fontsize=8)
    fig.suptitle(f"Training: {_data_name(runs)}")
    return fig


def confusion(counts: np.ndarray, title: str) -> Figure:
    """Show a confusion matrix (the paper's figure 7).

    Parameters
    ----------
    counts : ndarray of int64, shape (10, 10)
        Pictures by true and predicted genre: the numbers. Their shares of the true
        genre are the colours.
    title : str
    """
    share = counts / counts.sum(axis=1, keepdims=True).clip(1)
    fig, ax = plt.subplots(figsize=(6.4, 5.4), layout="constrained")
    sns.heatmap(
        share,
        annot=counts,
        fmt="d",
        vmin=0,
        vmax=1,
        cmap="cividis",
        xticklabels=GENRES,
        yticklabels=GENRES,
        cbar_kws={"label": "share of the true genre"},
        ax=ax,
    )
    ax.set(xlabel="predicted genre", ylabel="true genre", title=title)
    return fig


def genre_percentages(picture: np.ndarray, logits: np.ndarray, title: str) -> Figure:
    """Show one picture and the percentages that a network gives its genres.

    Parameters
    ----------
    picture : ndarray of uint8, shape (288, 432, 3)
    logits : ndarray, shape (10,)
    title : str
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3), layout="constrained")
    _show(left, picture, "what the network sees, before pooling")
    bars = right.barh(GENRES, 100 * softmax(np.asarray(logits, float)), color=BLUE)
    right.bar_label(bars, fmt="%.1f %%", padding=2, fontsize=8)
    right.set(xlabel="percentage", xlim=(0, 112))
    right.invert_yaxis()
    fig.suptitle(title)
    return fig


def two_genres(
    dataset: Dataset, images: np.ndarray, genres: tuple[str, str], seed: int = 0
) -> Figure:
    """Show a randomly drawn picture of each of two genres (the paper's figure 6)."""
    rng = np.random.default_rng(seed)
    fig, axes = plt.subplots(1, 2, figsize=(10, 3.2), layout="constrained")
    for ax, genre in zip(axes, genres, strict=True):
        drawn = rng.choice(np.flatnonzero(dataset.labels == GENRES.index(genre)))
        _show(ax, images[drawn], dataset.tracks[drawn])
    fig.suptitle(f"{genres[0]} and {genres[1]}, drawn at random: {dataset.name}")
    return fig


def estimates(rows: list[dict], title: str) -> Figure:
    """Show accuracy and top-2 with their intervals, the paper's values beside them.

    Parameters
    ----------
    rows : list of dict
        ``name``, ``accuracy`` and ``top2`` (each ``value``, ``low`` and ``high``).
    title : str
    """
    fig, axes = plt.subplots(
        1, 2, figsize=(10, 1.4 + 0.4 * len(rows)), layout="constrained", sharey=True
    )
    claims = {"accuracy": (0.40, 0.45, 0.50), "top2": (0.70,)}
    for ax, (key, paper) in zip(axes, claims.items(), strict=True):
        value, error = _with_bars([row[key] for row in rows])
        names = [row["name"] for row in rows]
        ax.errorbar(value, names, xerr=error, fmt="o", color=BLUE, capsize=4)
        for x in paper:
            ax.axvline(x, color=ORANGE, linestyle="--")
        ax.set(xlim=(0, 1), xlabel=f"{key.replace('top2', 'top-2')} on test pictures")
        ax.grid(alpha=0.3, axis="x")
        ax.margins(y=0.3)
    axes[0].invert_yaxis()
    fig.suptitle(f"{title}\n(dashed: what the paper says; bars: 95 % intervals)")
    return fig


def _with_bars(found: list[dict]) -> tuple[np.ndarray, np.ndarray]:
    """Return values of estimates, and how far below and above their intervals go."""
    parts = ("value", "low", "high")
    value, low, high = (np.array([each[part] for each in found]) for part in parts)
    return value, np.nan_to_num([value - low, high - value])


def reconstructions(
    dataset: Dataset, images: np.ndarray, again: dict[str, np.ndarray], shown: list[int]
) -> Figure:
    """Show pictures, what encoders make of them, and where each is wrong.

    Parameters
    ----------
    dataset : Dataset
    images : ndarray of uint8, shape (N, 288, 432, 3)
    again : dict of ndarray of float32, shape (len(shown), 288, 432, 3)
        Reconstructions by encoder, 0 to 1.
    shown : list of int
        Positions of the pictures in ``dataset.tracks``.
    """
    n_rows = 2 * len(shown)
    fig, axes = plt.subplots(
        n_rows, 1 + len(again), figsize=(10, 1.3 * n_rows), layout="constrained"
    )
    for i, track in enumerate(shown):
        upper, lower = axes[2 * i], axes[2 * i + 1]
        original = images[track] / np.float32(255)
        _show(upper[0], original, dataset.tracks[track])
        _show(lower[0], None, "squared error:")
        for column, (name, pictures) in enumerate(again.items(), start=1):
            error = np.square(original - pictures[i]).mean(axis=-1)
            _show(upper[column], pictures[i], name)
            _show(lower[column], None, f"mean {error.mean():.5f}")
            bar = lower[column].imshow(error, cmap="viridis", vmin=0, vmax=0.1)
    fig.colorbar(bar, ax=axes, shrink=0.4, label="squared error")
    fig.suptitle(f"Test pictures and what encoders keep of them: {dataset.name}")
    return fig


def error_against_accuracy(points: list[dict], title: str) -> Figure:
    """Show whether a lower reconstruction error goes with a higher accuracy.

    Parameters
    ----------
    points : list of dict
        ``name``, ``mse`` and ``accuracy`` (``value``, ``low`` and ``high``).
    title : str
    """
    fig, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
    for point, marker in zip(points, cycle("osD^v")):
        accuracy, error = _with_bars([point["accuracy"]])
        style = {"fmt": marker, "capsize": 4, "label": point["name"]}
        ax.errorbar([point["mse"]], accuracy, yerr=error, **style)
    ax.set(xscale="log", xlabel="mean squared error of the code, test pictures")
    ax.set(ylabel="test accuracy", ylim=(0, 1))
    ax.grid(alpha=0.3)
    ax.legend()
    ax.set_title(title)
    return fig


def bands_and_picture(picture: np.ndarray, bands: np.ndarray, title: str) -> Figure:
    """Show a picture beside the mel bands that are read back from it.

    Parameters
    ----------
    picture : ndarray of uint8, shape (288, 432, 3)
    bands : ndarray of uint8, shape (128, 335)
        Lowest band first.
    title : str
    """
    fig, (left, right) = plt.subplots(
        1, 2, figsize=(10, 3.4), width_ratios=(1, 1.2), layout="constrained"
    )
    _show(left, picture, "the picture, 288 x 432 x 3")
    shown = right.imshow(bands, origin="lower", aspect="auto", cmap="magma")
    right.set(title="mel bands, 128 x 335", xlabel="column", ylabel="band")
    fig.colorbar(shown, label="8-bit value")
    fig.suptitle(title)
    return fig


def two_genres_confused(
    models: dict[str, list[Run]], genres: tuple[str, str], title: str
) -> Figure:
    """Show what tracks of two genres are called: one, the other, or something else.

    Parameters
    ----------
    models : dict of list of Run
        By name, runs that differ in their seed alone.
    genres : tuple of str
        The two genres.
    title : str
    """
    fig, ax = plt.subplots(figsize=(10, 0.6 * 2 * len(models) + 1.4))
    names, shares = [], []
    for name, runs in models.items():
        counts = comparison.added_confusion(runs)
        for genre in genres:
            row = counts[GENRES.index(genre)]
            pair = [row[GENRES.index(other)] for other in genres]
            names.append(f"{genre}\n{name}")
            shares.append(np.array([*pair, row.sum() - sum(pair)]) / max(row.sum(), 1))
    left = np.zeros(len(names))
    looks = ((BLUE, ""), (ORANGE, "//"), ("0.8", ""))
    kinds = zip(np.transpose(shares), (*genres, "another"), looks, strict=True)
    for share, kind, (color, hatch) in kinds:
        style = {"color": color, "hatch": hatch, "edgecolor": "white"}
        bars = ax.barh(names, share, left=left, label=f"called {kind}", **style)
        texts = [f"{value:.2f}" if value > 0.03 else "" for value in share]
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
        texts = ax.bar_label(bars, texts, label_type="center", fontsize=8)
        for text in texts:
            if text.get_text():
                text.set_bbox(box)
        left += share
    ax.invert_yaxis()
    ax.set(xlabel="share of test tracks", xlim=(0, 1))
    ax.set_title(title, pad=26)
    ax.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1), fontsize=8)
    fig.set_layout_engine("constrained")
    return fig


def ladder(rows: list[dict], title: str) -> Figure:
    """Show each model's accuracy on every split.

    Parameters
    ----------
    rows : list of dict
        What ``beyond.ladder`` returns.
    title : str
    """
    models = list(dict.fromkeys(row["model"] for row in rows))
    splits = list(dict.fromkeys(row["split"] for row in rows))
    fig, ax = plt.subplots(figsize=(10, 4.4), layout="constrained")
    for k, (name, color, marker) in enumerate(
        zip(models, cycle(COLORS), cycle("osD^vP"))
    ):
        found = [row for row in rows if row["model"] == name]
        x = [
            splits.index(row["split"]) + 0.12 * (k - (len(models) - 1) / 2)
            for row in found
        ]
        y, error = _with_bars([row["accuracy"] for row in found])
        style = {"color": color, "marker": marker, "capsize": 3, "linewidth": 1}
        ax.errorbar(x, y, error, label=name, **style)
    ax.set_xticks(range(len(splits)), splits)
    ax.set(xlabel="split", ylabel="test accuracy", ylim=(0, 1.05), title=title)
    ax.grid(axis="y", alpha=0.3)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3)
    return fig


def reliability(rows: list[dict], title: str) -> Figure:
    """Draw reliability diagrams: how often right, by how sure, before and after.

    Parameters
    ----------
    rows : list of dict
        What ``beyond.calibrated`` returns.
    title : str
    """
    fig, axes = plt.subplots(
        1,
        len(rows),
        figsize=(3.2 * len(rows), 3.6),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for ax, row in zip(axes[0], rows, strict=True):
        ax.plot([0, 1], [0, 1], color="0.6", linestyle=":", label="calibrated")
        for when, color, marker in (("before", ORANGE, "s"), ("after", BLUE, "o")):
            bins = calibration.reliability(row[when]["logits"], row["labels"])
            label = f"{when}: error {row[when]['error']['value']:.3f}"
            ax.plot(
                [b["confidence"] for b in bins],
                [b["accuracy"]["value"] for b in bins],
                color=color,
                marker=marker,
                label=label,
            )
        ax.set(xlabel="confidence", xlim=(0, 1.02), ylim=(0, 1.02))
        ax.set_title(row["model"], fontsize=9)
        ax.grid(alpha=0.3)
        ax.legend(fontsize=9, loc="upper left")
    axes[0, 0].set_ylabel("share that is right")
    fig.suptitle(title)
    return fig


def _show(ax, picture: np.ndarray | None, title: str) -> None:
    if picture is not None:
        ax.imshow(picture)
    ax.set_title(title, fontsize=9)
    ax.set_axis_off()


def _data_name(runs: dict[str, Run]) -> str:
    return ", ".join(sorted({run.provenance["data"] for run in runs.values()}))
