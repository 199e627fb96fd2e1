"""The report as HTML: executed notebooks as linked pages, and a page to start from.

Pages load nothing from the network. Their looks are in the folder ``page``, a template
of nbconvert.
"""

import re
import shlex
import shutil
from pathlib import Path

import nbformat
from jinja2 import Environment, FileSystemLoader, Template
from nbconvert import HTMLExporter
from pygments.formatters import HtmlFormatter

from gtzan_lib import registry
from gtzan_lib.data.gtzan import SYNTHETIC
from gtzan_lib.evaluation import softmax_twice
from gtzan_lib.experiments import suite
from gtzan_lib.report import derived, executed, figures, literature
from gtzan_lib.report.pdf import PDF

TEMPLATE = Path(__file__).parent / "page"
TRAIN, BEYOND, TRUST = "03_train_cnn", "06_beyond", "07_trust"
WITHOUT_PAGE = ("closed-form", "ensemble")  # recipes, of runs of notebooks 06 and 07
START, SONG, STYLE = "index.html", "song.html", "style.css"
# Figures that the start page folds; those of its story are named there.
MORE = ("estimates", "confusion-paper", "confusion-corrected", "encoders", "leakage")
MORE += ("ladder", "reliability")
TITLES = {
    "01_pack": "1 Pictures",
    "02_pool_mse": "2 Pooling",
    TRAIN: "3 Network",
    "04_autoencoder": "4 Autoencoder",
    "05_results": "5 Results",
    BEYOND: "6 Beyond",
    TRUST: "7 Trust",
}


def build(folder: Path) -> None:
    """Make the pages of a folder of results."""
    target, content = folder / "pages", derived.read(folder)
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    exporter = HTMLExporter(
        template_name=TEMPLATE.name,
        template_file="notebook.html.j2",
        extra_template_basedirs=[str(TEMPLATE.parent)],
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    notebooks = {path.stem: path for path in (folder / "notebooks").glob("*.ipynb")}
    has = set(notebooks)
    for name, path in notebooks.items():
        notebook = executed.strip(nbformat.read(path, as_version=4))
        given = [each for each in executed.describe(notebook) if each["is_given"]]
        executed.draw_formulas(notebook)
        options = [word for p in given for word in ("-p", p["name"], p["value"])]
        source = f"notebooks/{name.partition('-')[0]}.ipynb"
        command = shlex.join(["papermill", source, "out.ipynb", *options])
        report = _about(content, f"{name}.html", has)
        report |= {"notebook": source, "command": command}
        html, _ = exporter.from_notebook_node(notebook, {"report": report})
        page = link_pages(html, main_run(content, has))
        (target / f"{name}.html").write_text(page, encoding="utf-8")
    for name, text in beside(content, folder).items():
        (target / name).write_text(text, encoding="utf-8")


def beside(content: dict, folder: Path) -> dict[str, str]:
    """Return by name what stands beside the pages of notebooks that a folder has."""
    has = {path.stem for path in (folder / "pages").glob("[0-9]*.html")}
    song = template("song.html.j2").render()
    return {START: start_page(content, folder, has), SONG: song, STYLE: style()}


def style() -> str:
    """Return the pages' style sheet, with colours for code, light and dark."""
    light, dark = (
        HtmlFormatter(style=name).get_style_defs(".highlight")
        for name in ("vs", "github-dark")
    )
    css = (TEMPLATE / STYLE).read_text("utf-8")
    dark = f"@media screen and (prefers-color-scheme: dark) {{\n{dark}\n}}"
    return "\n".join((css, light, dark, ""))


def start_page(content: dict, folder: Path, has: set[str]) -> str:
    """Return the start page of a record and the figures in a folder.

    ``has`` names the pages that there are, without ``.html``; no other is linked to.
    """
    shown, pages = _figures(folder, has), {name: name for name in has}
    for run in content["runs"]:
        is_beyond = run["recipe"] == "closed-form" and run["split"] == "random"
        pages[run["run"]] = BEYOND if is_beyond else TRUST
        if run["recipe"] not in WITHOUT_PAGE:
            pages[run["run"]] = f"{TRAIN}-{run['run']}"
    return template("start.html.j2").render(
        r=content,
        report=_about(content, START, has),
        shown=shown,
        more=[shown[name] for name in MORE if name in shown],
        pages={name: f"{page}.html" for name, page in pages.items() if page in has},
        literature=literature.load(),
        suite=suite,
        registry=registry,
        rule=softmax_twice,
    )


def _figures(folder: Path, has: set[str]) -> dict[str, dict]:
    """Return a folder's figures by name, each with the ``page`` of its notebook."""
    found = {figure["name"]: figure for figure in figures.of_folder(folder)}
    for name, figure in found.items():
        page, place = folder / "pages" / f"{figure['notebook']}.html", f"figure-{name}"
        text = page.read_text("utf-8") if page.stem in has else ""
        is_there = f'id="{place}"' in text
        figure["page"] = page.name + f"#{place}" * is_there if text else ""
    return found


def front_page(content: dict) -> dict[str, str]:
    """Return the parts of the README that tell of a record, as Markdown, by mark."""
    told = {"r": content, "ours": suite.BEST}
    return {m: template(f"{m}.md.j2").render(told) for m in ("finding", "results")}


def template(name: str) -> Template:
    """Return a template of the folder ``page``; in HTML, what it shows is escaped."""
    options = {"autoescape": ".html" in name, "keep_trailing_newline": True}
    environment = Environment(loader=FileSystemLoader(TEMPLATE), **options)
    environment.filters["by"] = lambda rows, key: {row[key]: row for row in rows}
    return environment.get_template(name)


def link_pages(page: str, main_run: str) -> str:
    """Let the links of a page lead to pages and not notebooks: 3's to ``main_run``."""
    page = page.replace(f'href="{TRAIN}.ipynb"', f'href="{TRAIN}-{main_run}.html"')
    return re.sub(r'href="(\d\d_\w+)\.ipynb"', r'href="\1.html"', page)


def main_run(content: dict, has: set[str]) -> str:
    """Return the run whose page stands for notebook 3, the paper's own if it can."""
    main = [row for row in content["configurations"] if row["headline"]]
    main.sort(key=lambda row: row["recipe"] != "paper")
    names = [row["runs"][0] for row in main] + [run["run"] for run in content["runs"]]
    return next((name for name in names if f"{TRAIN}-{name}" in has), "")


def _about(content: dict, page: str, has: set[str]) -> dict:
    """Return what every page says: its title, its data, and the bar of links."""
    links = [{"text": "Start", "href": START}]
    for name, title in TITLES.items():
        stem = f"{name}-{main_run(content, has)}" if name == TRAIN else name
        if stem in has:
            links.append({"text": title, "href": f"{stem}.html"})
    links.append({"text": "PDF", "href": f"../{PDF}"})
    return {
        "title": "[Re] From Liszt to Justin Bieber",
        "data": content["data"]["name"],
        "synthetic": content["data"]["name"] == SYNTHETIC,
        "page": page,
        "links": links,
    }
