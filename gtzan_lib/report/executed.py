"""An executed notebook, made ready for its page: without local paths, with captions."""

import ast
import re
from pathlib import Path

import nbformat
from latex2mathml.converter import convert
from nbconvert.preprocessors import CoalesceStreamsPreprocessor
from nbformat import NotebookNode

from gtzan_lib import store
from gtzan_lib.report import figures

CAPTION = re.compile(r"^# Figure: (.+(?:\n# .+)*)", re.MULTILINE)
FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$\n]+)\$", re.DOTALL)
EMPTY = re.compile(r"<th([^>]*)>(?:&nbsp;)?</th>")
CELL = re.compile(
    r' id="T_\w+_(?:row|level)\w+"'
)  # pandas names each; none has a style


def strip(notebook: NotebookNode) -> NotebookNode:
    """Return an executed notebook without papermill's notes and without local paths.

    Of a line that updates, as progress does, its end is kept, and of pictures 256
    colours.
    """
    notes = notebook.metadata.pop("papermill", {})
    source = notes.get("parameters", {}).get("data", "")
    names = {source: "/path/to/gtzan"} if "/" in source else {}
    names |= {str(store.runs_folder()): "runs", str(store.PROJECT): "."}
    if Path.home() != Path("/"):  # as it is for some users of containers
        names[str(Path.home())] = "~"
    text = nbformat.writes(notebook)
    for path, name in names.items():
        text = text.replace(path, name)
    notebook = nbformat.reads(text, as_version=4)
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            if png := output.get("data", {}).get("image/png"):
                output.data["image/png"] = figures.smaller(png)
    return CoalesceStreamsPreprocessor().preprocess(notebook, {})[0]


def draw_formulas(notebook: NotebookNode) -> None:
    """Make MathML of a notebook's formulas, which browsers draw without a script."""

    def draw(found: re.Match) -> str:
        return convert(found[1] or found[2], display="block" if found[1] else "inline")

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = FORMULA.sub(draw, cell.source)


def describe(notebook: NotebookNode) -> list[dict]:
    """Give pictures captions and alt texts, code a place, and return the parameters.

    A picture that is saved for the report has the caption and alt text of
    ``figures.toml``. Of another one a comment ``# Figure:`` in its code is the caption,
    or the sentence before it, and its section is the alt text. Of a parameter there are
    ``name``, ``value`` and ``help``, texts, and whether it ``is_given`` (else it is the
    default); the cell that assigns them first holds all.
    """
    heading, prose, parameters = "", "", {}
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            heading = _last_heading(cell.source) or heading
            prose = re.sub(r"^#+ .+$|[*`]", "", cell.source, flags=re.MULTILINE)
            prose = re.sub(r"\[(.+?)\]\(.+?\)", r"\1", " ".join(prose.split()))
            continue
        cell.metadata["place"] = f"code-{number}"
        if any(tag.endswith("parameters") for tag in cell.metadata.get("tags", [])):
            is_first = not parameters
            for each in _assigned(cell.source):
                known = parameters.setdefault(each["name"], each)
                known |= {"value": each["value"], "is_given": not is_first}
            if is_first:
                cell.metadata["parameters"] = list(parameters.values())
        named = iter(_saved(cell.source))
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            heading = _last_heading(data.get("text/markdown", "")) or heading
            if "text/html" in data:  # a corner of a table heads nothing
                table = CELL.sub("", data["text/html"])
                data["text/html"] = EMPTY.sub(r"<td\1></td>", table)
            if "image/png" in data:
                name = next(named, "")
                found = CAPTION.search(cell.source)
                last = re.split(r"(?<=[.?!]) ", prose)[-1] or heading
                said = (found[1].replace("\n#", "") if found else last).rstrip(".:")
                about = {"name": name, "alt": f"{heading}. {prose}".strip()}
                about["caption"] = f"{said}."
                with figures.open_png(data["image/png"]) as png:
                    about["wide"] = png.width > max(580, 1.25 * png.height)  # of phones
                output.metadata["image/png"] = about | figures.FIGURES.get(name, {})
    return list(parameters.values())


def _last_heading(markdown: str) -> str:
    return (re.findall(r"^#+ (.+)$", markdown, re.MULTILINE) or [""])[-1]


def _assigned(source: str) -> list[dict[str, str]]:
    """Return what a cell of parameters assigns: name, value and help, as texts."""
    found = []
    for node in ast.parse(source).body:
        target = getattr(node, "target", None) or node.targets[0]
        _, _, words = source.splitlines()[node.lineno - 1].partition("  # ")
        value = str(ast.literal_eval(node.value))
        found.append({"name": target.id, "value": value, "help": words})
    return found


def _saved(source: str) -> list[str]:
    """Return the names of the figures that a cell saves for the report, in order."""
    saved = re.search(r'figures\.save\(\w+, (f?)"([\w-]+)', source)
    is_start, name = saved.groups() if saved else ("", "")
    return [
        n for n in figures.FIGURES if n == name or (is_start and n.startswith(name))
    ]
