"""How fast the project is, as ratios of two ways to do the same work: ``make bench``.

Both ways are timed in turn, several times over, so that a machine that is busy slows
both; a ratio's median and range are those of the pairs.
"""

import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

import librosa.display
import matplotlib as mpl
import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from gtzan_lib.data import audio, packing, pictures, splits
from gtzan_lib.data.gtzan import HEIGHT, WIDTH
from gtzan_lib.data.sources import open_dataset
from gtzan_lib.encoders import pooling
from gtzan_lib.models import build as models
from gtzan_lib.registry import RECIPES
from gtzan_lib.training import loop as training

SHAPE, N_TRAIN, REPEATS = (3, 72, 108), 800, 7


def compare(what, ours, other, target):
    """Time two functions in turn, after one call of each, and print their ratio."""
    seconds = np.empty((REPEATS + 1, 2))
    for i, j in np.ndindex(seconds.shape):
        started = time.perf_counter()
        (ours, other)[j]()
        seconds[i, j] = time.perf_counter() - started
    ratios = seconds[1:, 1] / seconds[1:, 0]
    print(
        "{:52s} {:9.3f} s {:9.3f} s".format(what, *np.median(seconds[1:], axis=0)),
        f"x {np.median(ratios):6.2f} [{ratios.min():.2f}, {ratios.max():.2f}]",
        f" at least {target}",
        flush=True,
    )


def packed(dataset, folder):
    """Pack all pictures, against a loop over ``Image.open``."""

    def loop():
        images = np.empty((len(dataset.tracks), HEIGHT, WIDTH, 3), np.uint8)
        for i, track in enumerate(dataset.tracks):
            images[i] = np.asarray(Image.open(dataset.image_path(track)).convert("RGB"))
        np.save(folder / "loop.npy", images)

    return lambda: packing.write(folder / "ours.npy", dataset), loop


def rendered(dataset, folder):
    """Draw a track's picture, against librosa and matplotlib."""
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    y = audio.read_audio(dataset.audio_path(dataset.tracks[0])).y

    def figure():
        mel = librosa.feature.melspectrogram(y=y, sr=audio.SAMPLE_RATE)
        plt.figure(figsize=(4.32, 2.88))
        librosa.display.specshow(librosa.power_to_db(mel, ref=np.max))
        plt.savefig(folder / "figure.png")
        plt.close()

    return lambda: Image.fromarray(pictures.render(y)).save(folder / "a.png"), figure


def epochs(dataset):
    """An epoch of the paper's network, against the loop of tutorials."""
    codes, labels = pooling.pool(dataset), dataset.labels
    shown = np.resize(splits.split(dataset, "random", 0)["train"], N_TRAIN)
    subset = training.Subset.of(codes[shown], labels[shown], "cpu")
    model, recipe = models.build("lenet", SHAPE, seed=0), RECIPES["corrected"].make()
    ours, rng = recipe.optimizer(model), np.random.default_rng(0)
    ours.param_groups[0]["lr"] = recipe.learning_rate(0, 1)
    first = (nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2))
    second = (nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
    dense = (nn.Linear(16 * 15 * 24, 120), nn.ReLU(), nn.Linear(120, 10))
    textbook = nn.Sequential(*first, *second, *dense)
    pairs = TensorDataset(subset.x.contiguous(), subset.y)
    loader = DataLoader(pairs, batch_size=100, shuffle=True)
    optimizer = torch.optim.SGD(textbook.parameters(), lr=0.01, momentum=0.9)

    def epoch():
        for x, y in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(textbook(x), y).backward()
            optimizer.step()

    return lambda: training.train_epoch(model, subset, recipe, ours, rng), epoch


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["GTZAN_RUNS"] = str(folder / "runs")
        dataset = open_dataset(*sys.argv[1:] or ["sample"])
        print(
            f"{dataset.name}, {len(dataset.tracks)} pictures, torch", torch.__version__
        )
        compare("packing, against a Pillow loop", *packed(dataset, folder), 1.8)
        compare("30 s of audio, against specshow", *rendered(dataset, folder), 5)
        compare("an epoch of 800, against the textbook's", *epochs(dataset), 1.5)
