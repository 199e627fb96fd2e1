"""How fast the project is, as ratios of two ways to do the same work: ``make bench``.

Both ways are timed in turn, several times over, so that a machine that is busy slows
both; a ratio's median and range are those of the pairs.
"""

import argparse
import os
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from gtzan_lib.data import audio, packing, splits
from gtzan_lib.data import pictures as spectrogram
from gtzan_lib.data.gtzan import HEIGHT, WIDTH, Dataset
from gtzan_lib.data.sources import open_dataset
from gtzan_lib.encoders import pooling
from gtzan_lib.models import build as models
from gtzan_lib.registry import RECIPES
from gtzan_lib.training import loop as training

SHAPE = (3, 72, 108)
N_TRAIN = 800


def compare(ours: Callable, other: Callable, repeats: int) -> np.ndarray:
    """Time two functions in turn, after one call of each: an array (repeats, 2)."""
    ours(), other()
    seconds = np.empty((repeats, 2))
    for i in range(repeats):
        for j, function in enumerate((ours, other)):
            started = time.perf_counter()
            function()
            seconds[i, j] = time.perf_counter() - started
    return seconds


def row(what: str, seconds: np.ndarray, target: str = "") -> None:
    """Print the medians of a comparison, and the median and range of its ratios."""
    ratios = seconds[:, 1] / seconds[:, 0]
    ours, other = np.median(seconds, axis=0)
    print(
        f"{what:52s} {ours:9.3f} s {other:9.3f} s   x {np.median(ratios):6.2f} "
        f"[{ratios.min():.2f}, {ratios.max():.2f}]  {target}",
        flush=True,
    )


def packed(dataset: Dataset, folder: Path, repeats: int) -> None:
    """Pack all pictures, against a loop over ``Image.open``."""
    paths = [dataset.image_path(track) for track in dataset.tracks]

    def loop() -> None:
        images = np.empty((len(paths), HEIGHT, WIDTH, 3), np.uint8)
        for i, path in enumerate(paths):
            images[i] = np.asarray(Image.open(path).convert("RGB"))
        np.save(folder / "loop.npy", images)

    def ours() -> None:
        packing.write(folder / "ours.npy", dataset)

    row("packing, against a Pillow loop", compare(ours, loop, repeats), "at least 1.8")


def textbook(x: torch.Tensor, y: torch.Tensor) -> Callable:
    """Return an epoch of the paper's network as tutorials write it."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 6, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 15 * 24, 120),
        nn.ReLU(),
        nn.Linear(120, 10),
    )
    loader = DataLoader(TensorDataset(x.contiguous(), y), batch_size=100, shuffle=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

    def epoch() -> None:
        for pictures, labels in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(pictures), labels).backward()
            optimizer.step()

    return epoch


def network(subset: training.Subset) -> Callable:
    """Return an epoch of the paper's network as this project trains it."""
    model, recipe = models.build("lenet", SHAPE, seed=0), RECIPES["corrected"].make()
    optimizer = recipe.optimizer(model)
    optimizer.param_groups[0]["lr"] = recipe.learning_rate(0, 1)
    rng = np.random.default_rng(0)
    return lambda: training.train_epoch(model, subset, recipe, optimizer, rng)


def epochs(dataset: Dataset, repeats: int) -> None:
    """An epoch of 800 pictures, against the loop of tutorials."""
    codes, labels = pooling.pool(dataset), dataset.labels
    shown = np.resize(splits.split(dataset, "random", 0)["train"], N_TRAIN)
    subset = training.Subset.of(codes[shown], labels[shown], "cpu")
    seconds = compare(network(subset), textbook(subset.x, subset.y), repeats)
    row("an epoch of 800, against the textbook loop", seconds, "at least 1.5")


def rendered(y: np.ndarray, folder: Path, repeats: int) -> None:
    """Draw a track's picture, against librosa and matplotlib."""
    import librosa
    import librosa.display
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    def figure() -> None:
        mel = librosa.feature.melspectrogram(y=y, sr=audio.SAMPLE_RATE)
        plt.figure(figsize=(4.32, 2.88))
        librosa.display.specshow(librosa.power_to_db(mel, ref=np.max))
        plt.savefig(folder / "figure.png")
        plt.close()

    def ours() -> None:
        Image.fromarray(spectrogram.render(y)).save(folder / "ours.png")

    seconds = compare(ours, figure, repeats)
    row("rendering 30 s of audio, against specshow + savefig", seconds, "at least 5")


def main() -> None:
    """Run every comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", default="sample")
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["GTZAN_RUNS"] = str(folder / "runs")
        dataset = open_dataset(arguments.data)
        y = audio.read_audio(dataset.audio_path(dataset.tracks[0])).y
        print(
            f"{dataset.name}, {len(dataset.tracks)} pictures, torch "
            f"{torch.__version__}, {torch.get_num_threads()} threads\n"
        )
        print(f"{'':52s} {'ours':>11s} {'other':>11s}   ratio [range]")
        packed(dataset, folder, arguments.repeats)
        rendered(y, folder, arguments.repeats)
        epochs(dataset, arguments.repeats)


if __name__ == "__main__":
    main()
