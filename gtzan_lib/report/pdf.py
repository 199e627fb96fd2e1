"""The report as a PDF: ``report/paper.typ`` typeset with the numbers and figures."""

import json
from pathlib import Path

from gtzan_lib import store
from gtzan_lib.errors import DataError
from gtzan_lib.report import derived, figures, literature

SOURCE = store.PROJECT / "report" / "paper.typ"
BESIDE = (store.PROJECT / "CITATION.cff", SOURCE.with_name("references.bib"))
PDF = "paper.pdf"


def compile_pdf(content: dict, folder: Path, source: Path = SOURCE) -> bytes:
    """Typeset a record (``derived.read``) with the figures of its folder.

    The same files give the same bytes. A ``DataError`` says where the text has an error
    or asks for a number that there is not.
    """
    import typst

    shown = figures.of_folder(folder)
    texts = {"derived": content, "figures": shown, "literature": literature.load()}
    files = {f"{name}.json": json.dumps(text).encode() for name, text in texts.items()}
    files |= {path.name: path.read_bytes() for path in BESIDE}
    for path in (f"figures/{figure['name']}.svg" for figure in shown):
        files[path] = (folder / path).read_bytes()
    try:
        files["main.typ"] = source.read_bytes()
        return typst.compile(files, ignore_system_fonts=True)
    except typst.TypstError as error:
        raise DataError(f"{source} cannot be typeset: {error.diagnostic}") from error


def write(folder: Path) -> Path:
    """Typeset the PDF of a folder of results; return it."""
    (folder / PDF).write_bytes(compile_pdf(derived.read(folder), folder))
    return folder / PDF
