"""A training run in one line, without progress."""

from pathlib import Path

from gtzan_lib.data.gtzan import Dataset
from gtzan_lib.data.sources import open_dataset
from gtzan_lib.experiments import runs
from gtzan_lib.parameters import Parameters


def train(data: Dataset | Path | str, progress=False, **facts) -> runs.Run:
    dataset = data if isinstance(data, Dataset) else open_dataset(data)
    p = Parameters(**{"recipe": "corrected", "epochs": 1} | facts)
    return runs.train(dataset, p, progress)
