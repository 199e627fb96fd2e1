"""The report as a PDF: ``report/paper.typ`` typeset with the numbers and figures.

Every number in the text comes from the record.
"""

import json
from pathlib import Path

from gtzan_lib import store
from gtzan_lib.errors import DataError
from gtzan_lib.report import figures, literature, record

SOURCE = store.PROJECT / "report" / "paper.typ"
BESIDE = (store.PROJECT / "CITATION.cff", SOURCE.with_name("references.bib"))
PDF = "paper.pdf"


def compile_pdf(content: dict, folder: Path, source: Path = SOURCE) -> bytes:
    """Typeset a record (``record.read``) with the figures of its folder.

    The same files give the same bytes. A ``DataError`` says where the text has an error
    or asks for a number that there is not.
    """
    import typst

    shown = figures.of_folder(folder)
    files = {
        "main.typ": source.read_bytes(),
        "record.json": json.dumps(content).encode(),
        "figures.json": json.dumps(shown).encode(),
        "literature.json": json.dumps(literature.load()).encode(),
    } | {path.name: path.read_bytes() for path in BESIDE}
    for figure in shown:
        path = f"figures/{figure['name']}.svg"
        files[path] = (folder / path).read_bytes()
    try:
        return typst.compile(files, ignore_system_fonts=True)
    except typst.TypstError as error:
        raise DataError(f"{source} cannot be typeset: {error.diagnostic}") from error


def main(folder: str) -> None:
    """Typeset the PDF of a folder of results."""
    pdf = compile_pdf(record.read(Path(folder)), Path(folder))
    (Path(folder) / PDF).write_bytes(pdf)
