"""What the notebooks show to people: sizes, numbers of things, and folded tables."""

from collections.abc import Iterable

from IPython.display import HTML
from pandas.io.formats.style import Styler


def size(shape: Iterable[int]) -> str:
    """Return the shape of an array in words, such as ``"72 x 108 x 3"``."""
    return " x ".join(str(side) for side in shape)


def plural(n: int, word: str) -> str:
    """Return a number of things, such as ``"1 seed"`` or ``"5 seeds"``."""
    return f"{n:,} {word}{'' if n == 1 else 's'}"


def as_details(table: Styler, summary: str) -> HTML:
    """Return a table that opens on a click on its summary."""
    box = '<div class="table" tabindex="0" role="group" aria-label="Table">'
    head = f"<details><summary>{summary}</summary>"
    return HTML(f"{head}{box}{table.to_html()}</div></details>")
