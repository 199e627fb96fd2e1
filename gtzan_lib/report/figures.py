"""The figures that the report shows: saved by the notebooks that draw them.

Their captions and alt texts stand in ``figures.toml``.
"""

import os
import tomllib
from pathlib import Path

from gtzan_lib.data.gtzan import Dataset

FIGURES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))


def save(figure, name: str, dataset: Dataset) -> None:
    """Save a matplotlib figure; the same code and data give the same bytes.

    It goes to ``figures/`` of the data set's results, and is not closed, so that a
    notebook shows it, too. ``KeyError`` if ``figures.toml`` has no such name.
    """
    from matplotlib import rc_context  # loads slowly

    if name not in FIGURES:
        raise KeyError(f"{name} is not in figures.toml")
    path = dataset.results / "figures" / f"{name}.svg"
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.partial")
    with rc_context({"svg.hashsalt": "gtzan", "savefig.dpi": 110}):
        metadata = {"Date": None, "Creator": None}
        figure.savefig(partial, format="svg", metadata=metadata)
    partial.replace(path)


def of_folder(folder: Path) -> list[dict]:
    """Return the figures that a folder of results holds, in their order in the file."""
    return [
        {"name": name} | about
        for name, about in FIGURES.items()
        if (folder / "figures" / f"{name}.svg").is_file()
    ]
