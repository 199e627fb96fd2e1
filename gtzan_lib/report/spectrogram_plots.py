"""Figures of spectrograms: pictures, what codes keep of them, and what they are called.

Each returns a matplotlib figure whose title names the data that it shows.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from gtzan_lib.data.audio import SAMPLE_RATE
from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.gtzan import Dataset
from gtzan_lib.data.mel import N_MELS
from gtzan_lib.data.pictures import PLOT
from gtzan_lib.report.plots import BLUE, GREEN, ORANGE

HERTZ = (500, 2000, 8000)  # marked beside a spectrogram
EXTENT = (0, 30, 0, N_MELS)  # of one: seconds, mel bands
HATCHES = ("", "//", "xx")  # to tell colours apart without seeing them


def gallery(
    dataset: Dataset, images: np.ndarray, shown: list[int], title: str
) -> Figure:
    """Show plots of pictures, two a row, in s and Hz (the paper's figures 1 and 6).

    ``images`` are all of the data set, uint8 (N, 288, 432, 3), ``shown`` positions.
    """
    from librosa import hz_to_mel  # loads slowly

    rows = -(-len(shown) // 2)
    kind = {"sharex": True, "sharey": True, "squeeze": False, "layout": "constrained"}
    fig, axes = plt.subplots(rows, 2, figsize=(5.6, 1.2 + 1.2 * rows), **kind)
    for ax, track in zip(axes.flat, shown, strict=False):
        ax.imshow(images[track][PLOT], extent=EXTENT, aspect="auto")
        ax.set_title(dataset.tracks[track], fontsize=9)
    bands = (N_MELS + 1) * hz_to_mel(HERTZ) / hz_to_mel(SAMPLE_RATE / 2) - 0.5
    axes[0, 0].set_yticks(bands, [f"{hertz:,}" for hertz in HERTZ])
    fig.supxlabel("time (s)", fontsize=9)
    fig.supylabel("frequency (Hz)", fontsize=9)
    fig.suptitle(f"{title}: {dataset.name}", fontsize=11)
    return fig


def original_and_encoded(
    original: np.ndarray, encoded: np.ndarray, again: dict[str, np.ndarray], title: str
) -> Figure:
    """Show a picture, its code, and what upsampling makes of it (figure 2).

    From uint8 (288, 432, 3), float32 (h, w, 3) and, by name, float32 (288, 432, 3); the
    latter two from 0 to 1.
    """
    size = {"figsize": (10, 4.4), "squeeze": False, "layout": "constrained"}
    fig, axes = plt.subplots(2, 1 + len(again), **size)
    height, width = encoded.shape[:2]
    _show(axes[0, 0], original, "original, 432 x 288")
    _show(axes[1, 0], encoded, f"encoded, {width} x {height}")
    back = {f"upsampled, {name}": picture for name, picture in again.items()}
    shown = _show_errors(axes[:, 1:], original, back)
    fig.colorbar(shown, ax=axes[1], shrink=0.8, label="squared error")
    fig.suptitle(title)
    return fig


def reconstructions(
    dataset: Dataset, images: np.ndarray, again: dict[str, np.ndarray], shown: list[int]
) -> Figure:
    """Show pictures, what encoders make of them, and where each is wrong.

    ``images`` are all of the data set, uint8 (N, 288, 432, 3), ``shown`` the positions
    of n of them, and ``again`` what each encoder makes of these: float32
    (n, 288, 432, 3), 0 to 1.
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
        _show(axes[1, column], None, f"MSE {error.mean():.5f}")
        shown = axes[1, column].imshow(error, cmap="viridis", vmin=0, vmax=0.1)
    return shown
