"""The report as HTML: executed notebooks as linked pages, and a page to start from.

Pages load nothing from the network. Their looks are in the folder ``page``, a template
of nbconvert. Used by the pipeline: ``python -m gtzan_lib.pages FOLDER``.
"""

import base64
import io
import re
import sys
from pathlib import Path

import nbformat
from jinja2 import Environment, FileSystemLoader
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from PIL import Image
from pygments.formatters import HtmlFormatter

from gtzan_lib.report import claims
from gtzan_lib.evaluation import seeds as comparison
from gtzan_lib.report import pdf as paper
from gtzan_lib.report import record as results
from gtzan_lib import store
from gtzan_lib.data.gtzan import SYNTHETIC

TEMPLATE = Path(__file__).parent / "page"
TRAIN = "03_train_cnn"
START = "index.html"
MATTER = ("estimates", "curves", "confusion-corrected", "encoders", "ladder")
TITLES = {
    "01_pack": "1 Pictures",
    "02_pool_mse": "2 Pooling",
    TRAIN: "3 Network",
    "04_autoencoder": "4 Autoencoder",
    "05_results": "5 Results",
    "06_beyond": "6 Beyond",
}


def build(folder: Path) -> Path:
    """Make the pages of a folder of results; return the start page.

    A page that is newer than its notebook and its template stays as it is.

    Parameters
    ----------
    folder : Path
        Holds ``results.json``, ``figures`` and the executed ``notebooks``.
    """
    target = folder / "pages"
    target.mkdir(parents=True, exist_ok=True)
    css = (TEMPLATE / "style.css").read_text(encoding="utf-8")
    colours = HtmlFormatter(style="default").get_style_defs(".highlight")
    (target / "style.css").write_text(f"{css}\n{colours}\n", encoding="utf-8")
    found = results.read(folder)
    exporter = HTMLExporter(
        template_name=TEMPLATE.name,
        extra_template_basedirs=[str(TEMPLATE.parent)],
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    notebooks = sorted((folder / "notebooks").glob("*.ipynb"))
    has = {path.stem for path in notebooks}
    for old in target.glob("*.html"):
        if old.stem not in has:
            old.unlink()
    for path in notebooks:
        page = f"{path.stem}.html"
        if _is_newer(target / page, path, Path(__file__), *TEMPLATE.iterdir()):
            continue
        notebook = strip(nbformat.read(path, as_version=4))
        describe(notebook)
        report = _about(found, page, has)
        html, _ = exporter.from_notebook_node(notebook, {"report": report})
        linked = link_pages(html, main_run(found, has))
        (target / page).write_text(linked, encoding="utf-8")
    start = target / START
    start.write_text(start_page(folder, has), encoding="utf-8")
    return start


def start_page(folder: Path, has: set[str]) -> str:
    """Return the start page of a folder of results.

    Parameters
    ----------
    folder : Path
        Holds ``results.json`` and ``figures``.
    has : set of str
        The pages that there are, without ``.html``; no other is linked to.
    """
    found = results.read(folder)
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE), autoescape=True, keep_trailing_newline=True
    )
    environment.filters["slug"] = lambda text: text.replace(" ", "-")
    environment.filters["short"] = lambda commit: (
        commit[:10] + "+" * commit.endswith("-dirty")
    )
    figures = {figure["name"]: figure for figure in paper.figures_of(folder)}
    records = [results.CountedRun(record) for record in found["runs"]]
    return environment.get_template("start.html.j2").render(
        r=found,
        report=_about(found, START, has),
        figures=[figures[name] for name in MATTER if name in figures],
        pages={name: f"{name}.html" for name in has}
        | {
            run.name: run.record["page"]
            for run in records
            if run.record["page"].removesuffix(".html") in has
        },
        runs={
            run.name: {
                **run.record,
                "accuracy": comparison.with_interval(run.metrics["accuracy"]),
                "top2": comparison.with_interval(run.metrics["top2"]),
            }
            for run in records
        },
    )


def strip(notebook: NotebookNode) -> NotebookNode:
    """Return an executed notebook without papermill's notes and without local paths."""
    notes = notebook.metadata.pop("papermill", {})
    source = notes.get("parameters", {}).get("data", "")
    names = {
        str(store.runs_folder()): "runs",
        str(store.PROJECT): ".",
    }
    if Path.home().parent != Path.home():  # it is / for some users of containers
        names[str(Path.home())] = "~"
    if "/" in source:
        names = {source: "/path/to/gtzan"} | names
    text = nbformat.writes(notebook)
    for path, name in names.items():
        text = text.replace(path, name)
    notebook = nbformat.reads(text, as_version=4)
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
    return notebook


def describe(notebook: NotebookNode) -> None:
    """Give each picture its section's heading as a caption and its prose as alt text.

    Pictures are brought to 256 colours too, a third of their size.
    """
    heading, prose = "", ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            found = re.findall(r"^#+ (.+)$", cell.source, flags=re.MULTILINE)
            heading = found[-1] if found else heading
            prose = re.sub(r"^#+ .+$|[*`]", "", cell.source, flags=re.MULTILINE)
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                png, wide = _smaller(base64.b64decode(output.data["image/png"]))
                output.data["image/png"] = base64.b64encode(png).decode()
                alt = f"{heading}. {' '.join(prose.split())}".strip()
                about = {"alt": alt, "caption": heading, "wide": wide}
                output.metadata["image/png"] = about


def link_pages(page: str, main_run: str) -> str:
    """Return a page whose links to notebooks lead to the pages made of them.

    Parameters
    ----------
    page : str
        HTML as nbconvert writes it.
    main_run : str
        The run whose page stands for notebook 3, which has a page for every run.
    """
    page = page.replace(f'href="{TRAIN}.ipynb"', f'href="{TRAIN}-{main_run}.html"')
    return re.sub(r'href="(\d\d_\w+)\.ipynb"', r'href="\1.html"', page)


def main_run(found: dict, has: set[str]) -> str:
    """Return the run whose page stands for notebook 3, the paper's own if it is there.

    Parameters
    ----------
    found : dict
        What ``results.json`` holds.
    has : set of str
        The pages that there are.
    """
    runs = [results.CountedRun(record) for record in found["runs"]]
    runs = [run for run in runs if f"{TRAIN}-{run.name}" in has]
    chosen = claims.select(runs, recipe="paper")
    return next((run.name for run in chosen + runs), "")


def _about(found: dict, page: str, has: set[str]) -> dict:
    """Return what every page says: its title, its data, and the bar of links."""
    links = [{"text": "Start", "href": START}]
    for name in TITLES:
        stem = f"{name}-{main_run(found, has)}" if name == TRAIN else name
        if stem in has:
            links.append({"text": TITLES[name], "href": f"{stem}.html"})
    links.append({"text": "PDF", "href": f"../{paper.PDF}"})
    return {
        "title": "[Re] From Liszt to Justin Bieber",
        "data": found["data"]["name"],
        "synthetic": found["data"]["name"] == SYNTHETIC,
        "page": page,
        "links": links,
    }


def _is_newer(path: Path, *others: Path) -> bool:
    return path.is_file() and path.stat().st_mtime > max(
        other.stat().st_mtime for other in others
    )


def _smaller(png: bytes) -> tuple[bytes, bool]:
    """Return a picture in 256 colours, and whether it is too wide for a phone."""
    with Image.open(io.BytesIO(png)) as image:
        reduced = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    file = io.BytesIO()
    reduced.save(file, "PNG", optimize=True)
    return file.getvalue(), reduced.width > 1.5 * reduced.height


if __name__ == "__main__":
    build(Path(sys.argv[1]))
