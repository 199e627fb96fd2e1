"""Figures of spectrograms: pictures, what codes keep of them, and what they are called.

Each returns a matplotlib figure whose title names the data that it shows. Colours are
those of Okabe and Ito, told apart by colour-blind people too. Used by notebooks 01_pack
to 06_beyond.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from scipy.special import softmax

from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.gtzan import Dataset
from gtzan_lib.report.plots import BLUE, GREEN, ORANGE

HATCHES = ("", "//", "xx")  # to tell colours apart without seeing them


def genre_gallery(dataset: Dataset, images: np.ndarray) -> Figure:
    """Show the first picture of each genre (the paper's figure 1)."""
    fig, axes = plt.subplots(2, 5, figsize=(10, 3.6), layout="constrained")
    for genre, ax in enumerate(axes.flat):
        first = int(np.argmax(dataset.labels == genre))
        _show(ax, images[first], dataset.tracks[first])
    fig.suptitle(f"Mel spectrograms, one a genre: {dataset.name}")
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
    """
    size = {"figsize": (10, 4.4), "squeeze": False, "layout": "constrained"}
    fig, axes = plt.subplots(2, 1 + len(again), **size)
    height, width = encoded.shape[:2]
    _show(axes[0, 0], original, "original, 432 x 288")
    _show(axes[1, 0], encoded, f"encoded, {width} x {height}")
    back = {f"back by {name}": picture for name, picture in again.items()}
    shown = _show_errors(axes[:, 1:], original, back)
    fig.colorbar(shown, ax=axes[1], shrink=0.8, label="squared error")
    fig.suptitle(title)
    return fig


def reconstructions(
    dataset: Dataset, images: np.ndarray, again: dict[str, np.ndarray], shown: list[int]
) -> Figure:
    """Show pictures, what encoders make of them, and where each is wrong.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, 288, 432, 3)
    again : dict of ndarray of float32, shape (len(shown), 288, 432, 3)
        Reconstructions by encoder, 0 to 1.
    shown : list of int
        Positions of the pictures in ``dataset.tracks``.
    """
    size = {"figsize": (10, 2.6 * len(shown)), "layout": "constrained"}
    fig, axes = plt.subplots(2 * len(shown), 1 + len(again), **size)
    for i, track in enumerate(shown):
        pair = axes[2 * i : 2 * i + 2]
        _show(pair[0, 0], images[track], dataset.tracks[track])
        _show(pair[1, 0], None, "squared error:")
        back = {name: pictures[i] for name, pictures in again.items()}
        bar = _show_errors(pair[:, 1:], images[track], back)
    fig.colorbar(bar, ax=axes, shrink=0.4, label="squared error")
    fig.suptitle(f"Test pictures and what encoders keep of them: {dataset.name}")
    return fig


def errors_by_genre(
    dataset: Dataset, errors: dict[str, np.ndarray], bound: float
) -> Figure:
    """Show each picture's reconstruction error by genre, with the paper's bound.

    ``errors`` are mean squared errors of each picture, (N,), by way of upsampling.
    """
    fig, ax = plt.subplots(figsize=(10, 3.6), layout="constrained")
    genres = [GENRES[label] for label in dataset.labels]
    table = pd.DataFrame(errors).assign(genre=genres).melt("genre", var_name="by")
    kind = {"palette": [BLUE, ORANGE, GREEN], "fliersize": 2, "ax": ax}
    sns.boxplot(table, x="genre", y="value", hue="by", **kind)
    label = f"the paper: below {bound:g}"
    ax.axhline(bound, color="black", linestyle="--", label=label)
    ax.set(xlabel="", ylabel="mean squared error", ylim=(0, 1.15 * ax.get_ylim()[1]))
    legend = ax.legend(title="", ncols=4, loc="upper left").get_patches()
    for group, patch, hatch in zip(ax.containers, legend, HATCHES, strict=True):
        for box in (*group.boxes, patch):
            box.set_hatch(hatch)
    ax.set_title(f"Error of average pooling, by upsampling: {dataset.name}")
    return fig


def bands_and_picture(picture: np.ndarray, bands: np.ndarray, title: str) -> Figure:
    """Show a picture beside the mel bands that are read back from it.

    From uint8 (288, 432, 3) and uint8 (128, 335), the lowest band first.
    """
    size = {"figsize": (10, 3.4), "width_ratios": (1, 1.2), "layout": "constrained"}
    fig, (left, right) = plt.subplots(1, 2, **size)
    _show(left, picture, "the picture, 288 x 432 x 3")
    shown = right.imshow(bands, origin="lower", aspect="auto", cmap="magma")
    right.set(title="mel bands, 128 x 335", xlabel="column", ylabel="band")
    fig.colorbar(shown, label="8-bit value")
    fig.suptitle(title)
    return fig


def genre_percentages(picture: np.ndarray, logits: np.ndarray, title: str) -> Figure:
    """Show one picture and the percentages that a network gives its genres.

    From uint8 (288, 432, 3) and logits (10,).
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3), layout="constrained")
    _show(left, picture, "what the network sees, before pooling")
    bars = right.barh(GENRES, 100 * softmax(np.asarray(logits, float)), color=BLUE)
    right.bar_label(bars, fmt="%.1f %%", padding=2, fontsize=8)
    right.set(xlabel="percentage", xlim=(0, 112))
    right.invert_yaxis()
    fig.suptitle(title)
    return fig


def _show(ax, picture: np.ndarray | None, title: str) -> None:
    if picture is not None:
        ax.imshow(picture)
    ax.set_title(title, fontsize=9)
    ax.set_axis_off()


def _show_errors(axes, original: np.ndarray, again: dict[str, np.ndarray]):
    """Show reconstructions in the upper row of axes, and their errors below."""
    for column, (name, picture) in enumerate(again.items()):
        error = np.square(original / np.float32(255) - picture).mean(axis=-1)
        _show(axes[0, column], picture, name)
        _show(axes[1, column], None, f"squared error, mean {error.mean():.5f}")
        shown = axes[1, column].imshow(error, cmap="viridis", vmin=0, vmax=0.1)
    return shown
