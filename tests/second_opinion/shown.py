"""Every number that a reader sees, with its place: pages, notebooks, README and PDF.

A place is a cell of a table, a line that a notebook prints, or a paragraph. Its numbers
are all digits in it but for those in ``NO_MEASUREMENT``.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bs4 import BeautifulSoup, Tag

NUMBER = re.compile(
    r"(?<![\w.,/])[-\u2212]?\d{1,3}(?:(?:,\d{3})+|\d*)(?:\.\d+)?(?![\w/])"
)
NO_MEASUREMENT = [
    r"\d{4}-\d\d-\d\d(T[\d:+]+)?",  # dates
    r"\b(ad601fae\w*|[0-9a-f]{10,})",  # hashes and commits
    r"\d+(\.\d+){2,}(\+cpu)?",  # versions, addresses, sections such as 3.3.2
    r"\w+[.\d]*://\S+|\w+\.(ipynb|html|png|mp3|csv)\b|doi: \S+|arXiv:\S+",
    r"\[\d+\](?!\d)",  # sources of the PDF
    r"\b\d+ x \d+( x \d+)*\b",  # sizes of pictures, codes and windows
    r"\b(Version|[Vv]ersion) [\d.]+|\b\d+ / \d+\b(?= =====PAGE|$)",
    r"\b(sections?|figures?|Figures?|Sections?|Tables?|notebooks?|Notebooks?) "
    r"\d[\d.]*( (and|to) \d[\d.]*)*",
    r"\b95 % intervals?|\b(GTZAN|Python|PyTorch|LeNet-)\s?\d[\d.]*(\+cpu)?",
    r"\b[A-Z]\w+( and \w+| et al\.)? \(\d{4}\)|\(\d{4}\)",  # years
    r"\b(seeds? \d+( to \d+)?)",
    r"\b(blues|classical|country|disco|hiphop|jazz|metal|pop|reggae|rock)[./]?\w*\d{5}",
    r"\b\d[\d,]* epochs?\b|\btop-2\b|SHA-256",  # names, parameters
    r"57 audio features|128 mel bands",
    r"(?<= )\d\.\d(\.\d)? (?=[A-Z])",  # headings of the PDF
    r"batch size: 100, outputs: softmax.*batch size: \d+",  # the PDF's parameters
    r"\b(32|64|8)[- ]bits?( numbers?)?|\b8-bit\b",
]
_NO_MEASUREMENT = re.compile("|".join(f"(?:{p})" for p in NO_MEASUREMENT))
BLOCKS = ("p", "h1", "h2", "h3", "h4", "li", "figcaption", "summary", "legend", "label")
BLOCKS += ("dd", "dt", "caption")


class Place(NamedTuple):
    """Where something is read: ``row`` and ``column`` are empty of text."""

    page: str
    table: str
    row: str
    column: str
    text: str
    beside: dict[str, str] | None = None  # the row's texts by column
    checked: bool = False  # printed by a cell whose output nbval compares

    def __str__(self) -> str:
        of = " | ".join(filter(None, (self.table, self.row, self.column)))
        return f"{self.page}: {of or self.text[:90]}"


def plain(text: str) -> str:
    """Return text on one line, with the signs that a keyboard has."""
    usual = str.maketrans("\u2212\u2019“”", '-\'""', "¶")
    text = text.translate(usual)
    return re.sub(r"\s+", " ", text).strip()


def numbers(text: str) -> list[re.Match]:
    """Find the numbers of a text that could be measured."""
    hidden = _NO_MEASUREMENT.sub(lambda found: "_" * len(found[0]), text)
    return list(NUMBER.finditer(hidden))


def value(token: str) -> tuple[float, int]:
    """Return a number, and how many decimals it is shown with."""
    token = token.replace("\u2212", "-").replace(",", "")
    return float(token), len(token.partition(".")[2])


def page(path: Path) -> Iterator[Place]:
    """Read the places of a page: all of the start page, a notebook's outputs."""
    main = BeautifulSoup(path.read_text("utf-8"), "html.parser").main
    for each in main(["script", "style", "svg"]):
        each.decompose()
    outputs = main.select(".output_area")
    for part in outputs if "notebook" in main.get("class", ()) else [main]:
        cell = part.find_parent(class_="cell")
        checked = cell is not None and "# NBVAL_CHECK_OUTPUT" in cell.get_text()
        yield from (p._replace(checked=checked) for p in _of(part, path.name))


def _of(part: Tag, name: str) -> Iterator[Place]:
    for table in part("table"):
        yield from cells(table, name)
        table.extract()
    for pre in part("pre"):
        yield Place(name, "", "", "", plain(pre.get_text()))
        pre.extract()
    bars = part.select("ul.bars li")
    for block in part(BLOCKS):
        if block in bars:
            words = " ".join(each.get_text() for each in block(["span", "strong"]))
            yield Place(name, "", "", "", plain(words))
        elif not block.find(BLOCKS):
            yield Place(name, "", "", "", plain(block.get_text()))


def cells(table: Tag, name: str) -> Iterator[Place]:
    """Read the cells of a table, each with the words that head its row and column."""
    caption = plain(table.caption.get_text(" ")) if table.caption else ""
    heads: dict[int, list[str]] = {}
    spans: dict[int, tuple[str, int]] = {}
    for row in table("tr"):
        texts, labels, at = [], [], 0
        for cell in [*row(["th", "td"]), None]:
            while spans.get(at, ("", 0))[1]:  # a cell of a row above reaches down
                labels.append(spans[at][0])
                spans[at] = spans[at][0], spans[at][1] - 1
                at += 1
            if cell is None:
                break
            text = plain(cell.get_text(" "))
            width, height = (int(cell.get(k, 1)) for k in ("colspan", "rowspan"))
            if row.find_parent("thead"):
                for k in range(at, at + width):
                    heads.setdefault(k, []).append(text)
            elif cell.name == "th":
                labels.append(text)
                if height > 1:
                    spans[at] = text, height - 1
            else:
                texts.append((at, text))
            at += width
        if not labels and texts:
            labels = [text for _, text in texts]  # a row tells itself who it is
        head = {k: " ".join(filter(None, heads.get(k, []))) for k, _ in texts}
        beside = {head[k]: text for k, text in texts}
        for k, text in texts:
            row_ = " | ".join(filter(None, labels))
            yield Place(name, caption, row_, head[k], text, beside)


def readme(path: Path) -> Iterator[Place]:
    """Read what the report writes into README, between its marks."""
    text = path.read_text("utf-8")
    for mark in re.findall(r"<!-- (\w+) -->", text):
        part = text.partition(f"<!-- {mark} -->")[2].partition(f"<!-- /{mark} -->")[0]
        heads: list[str] = []
        for block in part.strip().split("\n\n"):
            rows = block.splitlines()
            if not rows[0].startswith("|"):
                yield Place(path.name, "", "", "", plain(re.sub(r"[*`]", "", block)))
                continue
            split = [[plain(c) for c in row.strip("|").split("|")] for row in rows]
            heads = split[0]
            for row in split[2:]:
                for head, text_ in zip(heads[1:], row[1:], strict=True):
                    yield Place(path.name, "README", row[0], head, text_)


def pdf(path: Path) -> list[Place]:
    """Read the PDF's text, one place a page."""
    from pypdf import PdfReader

    texts = [each.extract_text() for each in PdfReader(path).pages]
    joined = " =====PAGE ".join(plain(re.sub(r"-\n(?=[a-z])", "", t)) for t in texts)
    text, _, rest = joined.partition(" References [1]")
    ledger = rest.partition("A The ledger")
    return [Place(path.name, "", "", "", text + " " + "".join(ledger[1:]))]
