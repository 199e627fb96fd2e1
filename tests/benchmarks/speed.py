"""How fast the project is, as ratios of two ways to do the same work: ``make bench``.

Both ways are timed in turn, several times over, so that a machine that is busy slows
both; a ratio's median and range are those of the pairs. It takes about 20 minutes.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import nbformat
import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from gtzan_lib.app import classifier as prediction
from gtzan_lib.data import audio, packing, splits
from gtzan_lib.data import pictures as spectrogram
from gtzan_lib.data.gtzan import HEIGHT, WIDTH, Dataset
from gtzan_lib.data.sources import open_dataset
from gtzan_lib.encoders import learned as encoding
from gtzan_lib.encoders import pooling
from gtzan_lib.errors import DataError
from gtzan_lib.experiments import runs
from gtzan_lib.models import build as models
from gtzan_lib.parameters import Parameters
from gtzan_lib.registry import RECIPES
from gtzan_lib.training import loop as training

ACCURACY = 0.45  # the paper's, on test pictures
SHAPE = (3, 72, 108)
N_TRAIN = 800
REACHING = (  # recipe, model, encoder and epochs
    ("paper", "lenet", "pool", 200),
    ("corrected", "lenet", "pool", 60),
    ("augmented", "cnn", "bands", 20),
    ("corrected", "svm", "texture", 1),  # whose recipe is the closed form
    ("corrected", "svm", "features", 1),
)


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


def network(
    subset: training.Subset, recipe_name: str = "corrected"
) -> tuple[nn.Module, Callable]:
    """Return the paper's network and an epoch of it as this project trains it."""
    model, recipe = models.build("lenet", SHAPE, seed=0), RECIPES[recipe_name].make()
    optimizer = recipe.optimizer(model)
    optimizer.param_groups[0]["lr"] = recipe.learning_rate(0, 1)
    rng = np.random.default_rng(0)

    def epoch() -> None:
        training.train_epoch(model, subset, recipe, optimizer, rng)

    return model, epoch


def epochs(dataset: Dataset, repeats: int) -> float:
    """An epoch of 800 pictures, in three ways; return its seconds."""
    codes, labels = pooling.pool(dataset), dataset.labels
    shown = np.resize(splits.split(dataset, "random", 0)["train"], N_TRAIN)
    subset = training.Subset.of(codes[shown], labels[shown], "cpu")
    _, ours = network(subset)
    plain = textbook(subset.x, subset.y)
    seconds = compare(ours, plain, repeats)
    row("an epoch of 800, against the textbook loop", seconds, "at least 1.5")
    n, size = 20, 2048
    a = torch.rand(size, size)
    product = compare(lambda: [a @ a for _ in range(n)], lambda: None, 3)[:, 0].min()
    rate = 2 * n * size**3 / product / 1e9
    flops = N_TRAIN * 3 * 2 * sum(_products(SHAPE)) / 1e9
    share = flops / np.median(seconds[:, 0]) / rate
    print(
        f"  matrix products run at {rate:.0f} GFLOP/s; the epoch's {flops:.0f} GFLOP "
        f"make {100 * share:.0f} % of that"
    )
    return float(np.median(seconds[:, 0]))


def _products(shape: tuple[int, int, int]) -> list[int]:
    """Return the multiplications of one picture in each layer of the network."""
    x, found = torch.zeros(1, *shape), []
    for layer in models.build("lenet", shape, seed=0):
        size = x.numel()
        x = layer(x)
        if isinstance(layer, nn.Conv2d):
            found.append(4 * x.numel() * layer.weight[0].numel())  # before pooling
        elif isinstance(layer, nn.Linear):
            found.append(size * x.numel())
    return found


def accuracy_reached(source: str) -> None:
    """How soon models reach the paper's accuracy: to make their codes, and to train."""
    print(f"until a test accuracy of {ACCURACY}, split random, seed 0:")
    for recipe, model, encoder, epochs in REACHING:
        started = time.perf_counter()
        try:
            p = Parameters(recipe=recipe, model=model, encoder=encoder, epochs=epochs)
            run = runs.train(open_dataset(source), p, progress=False)
        except DataError as error:  # no table of features
            print(f"  {model}, {encoder}: {error}")
            continue
        seconds = np.cumsum(run.history["seconds"])
        codes = time.perf_counter() - started - seconds[-1]
        reached = np.flatnonzero(np.array(run.history["test_accuracy"]) >= ACCURACY)
        when = f"not in {seconds[-1]:.1f} s"
        if len(reached):
            when = f"{seconds[reached[0]]:.1f} s of training, epoch {reached[0] + 1}"
        name = f"{run.provenance['recipe']}, {model}, {encoder}, {epochs} epochs"
        print(f"  {name:40s} {codes:5.1f} s before, {when}", flush=True)


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
    classifier, heard = prediction.Classifier(), y[: 20 * audio.SAMPLE_RATE]
    answer = compare(lambda: classifier.predict_audio(heard, {}), ours, repeats)
    one, drawn = np.median(answer, axis=0)
    print(f"one prediction: {one:.3f} s; one picture drawn: {drawn:.3f} s")


def learned(dataset: Dataset, folder: Path, one_epoch: float) -> None:
    """One epoch of the autoencoder ``conv``, in epochs of the network."""
    model = encoding.build("conv", seed=0)
    x = model.prepare(packing.pack(dataset))
    train = splits.split(dataset, "random", 0)["train"]
    model.epochs = 1
    history = encoding.fit(model, x, train, 0, folder / "checkpoint", progress=False)
    seconds = history["seconds"][-1] * N_TRAIN / len(train)
    print(
        f"an epoch of autoencoder conv takes {seconds:.2f} s for 800 pictures, "
        f"{seconds / one_epoch:.1f} epochs of the network"
    )


def imported(repeats: int) -> None:
    """Import the library, against starting Python."""

    def start(statement: str) -> Callable:
        return lambda: subprocess.run([sys.executable, "-c", statement], check=True)

    for module in ("gtzan_lib", "gtzan_lib.experiments.runs"):
        seconds = compare(start("pass"), start(f"import {module}"), repeats)
        took = np.median(seconds[:, 1] - seconds[:, 0])
        print(f"import {module}: {took:.3f} s (gtzan_lib: less than 0.3)")


def pipeline(folder: Path) -> None:
    """How much papermill and Snakemake add to the notebooks' cells, on one core."""
    command = "snakemake record --cores 1 --nolock --quiet all"
    make_sample = (
        "from gtzan_lib.data.sources import open_dataset; open_dataset('sample')"
    )
    how = {
        "env": os.environ | {"GTZAN_RUNS": str(folder), "DATA": "sample"},
        "check": True,
    }
    subprocess.run([sys.executable, "-c", make_sample], **how)
    started = time.perf_counter()
    subprocess.run(command.split(), stdout=subprocess.DEVNULL, **how)
    seconds, work = time.perf_counter() - started, 0.0
    for path in folder.glob("*/notebooks/*.ipynb"):
        for cell in nbformat.read(path, 4).cells:
            work += cell.metadata.get("papermill", {}).get("duration") or 0
    print(
        f"pipeline on the sample: {seconds:.0f} s, of which the notebooks' cells take "
        f"{work:.0f} s; the rest adds {100 * (seconds / work - 1):.0f} % (at most 20)"
    )


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
        one_epoch = epochs(dataset, arguments.repeats)
        learned(dataset, folder, one_epoch)
        imported(arguments.repeats)
        accuracy_reached(arguments.data)
        pipeline(folder / "pipeline")


if __name__ == "__main__":
    main()
