"""The figures that the report shows: saved by the notebooks that draw them.

Their captions and alt texts stand in ``figures.toml``.
"""

import base64
import io
import os
import re
import tomllib
from pathlib import Path

from PIL import Image

from gtzan_lib.data.gtzan import Dataset

FIGURES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))

PICTURE = re.compile('(?<=data:image/png;base64,)[^"]+')  # in an SVG


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
    text = partial.read_text("utf-8")
    partial.write_text(PICTURE.sub(lambda found: smaller(found[0]), text), "utf-8")
    partial.replace(path)


def open_png(png: str) -> Image.Image:
    """Return the picture of a PNG file as base64."""
    return Image.open(io.BytesIO(base64.b64decode(png)))


def smaller(png: str) -> str:
    """Return a picture in 256 colours, if that is smaller; both as base64."""
    file = io.BytesIO()
    with open_png(png) as image:
        reduced = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    reduced.save(file, "PNG", optimize=True)
    return min(png, base64.b64encode(file.getvalue()).decode(), key=len)


def of_folder(folder: Path) -> list[dict]:
    """Return the figures that a folder of results holds, in their order in the file."""
    return [
        {"name": name} | about
        for name, about in FIGURES.items()
        if (folder / "figures" / f"{name}.svg").is_file()
    ]
