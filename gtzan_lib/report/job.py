"""One job of the pipeline: done, and remembered by checksums in a *receipt*.

``Snakefile`` calls ``python -m gtzan_lib.report.job KIND RECEIPT ABOUT NEEDS...``.
A receipt is a JSON file in the folder of results with a ``key`` of all that a job was
told and made from, and the SHA-256 sums of the files that it ``made``. No time of a
file tells whether a result is current.
"""

import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from gtzan_lib import store
from gtzan_lib.errors import sentences

FOLDER = "receipts"


def key(about: object, needs: Iterable[str]) -> str:
    """Return a hash of what a job is told and of the files that it needs."""
    sums = sorted(store.sha256(Path(name)) for name in needs)
    return hashlib.sha256(json.dumps([about, sums]).encode()).hexdigest()


def changed(receipt: Path) -> list[Path]:
    """Return the files that a job made and that are not as it made them."""
    made = (store.read_json(receipt) or {}).get("made", {})
    paths = {receipt.parent.parent / name: digest for name, digest in made.items()}
    return [p for p, digest in paths.items() if not _is_as_made(p, digest)]


def _is_as_made(path: Path, digest: str) -> bool:
    if not path.is_file() or store.sha256(path) != digest:
        return False
    return path.name != store.MANIFEST or store.is_whole(path.parent)


def execute(folder: Path, about: list) -> list[Path]:
    """Execute notebooks in one kernel: of each its name, parameters and figures."""
    from gtzan_lib.report import execute

    (folder / "notebooks").mkdir(parents=True, exist_ok=True)
    with execute.open_kernel() as kernel:
        for name, parameters, _ in about:
            source = Path("notebooks", name.partition("-")[0]).with_suffix(".ipynb")
            execute.execute(source, _notebook(folder, name), parameters, kernel)
    figures = [folder / f"figures/{name}.svg" for job in about for name in job[2]]
    sealed = {job[0][:2] for job in about} - {"03"}
    return [
        *(_notebook(folder, name) for name, _, _ in about),
        *filter(Path.is_file, figures),
        *(p for start in sealed for p in folder.glob(f"{start}_*/*/{store.MANIFEST}")),
    ]


def _notebook(folder: Path, name: str) -> Path:
    return folder / "notebooks" / f"{name}.ipynb"


def train(folder: Path, about: list) -> list[Path]:
    """Train the runs that are missing, of some facts, in one process."""
    from gtzan_lib.data.sources import open_dataset
    from gtzan_lib.experiments import runs
    from gtzan_lib.parameters import Parameters

    data, every = about
    dataset, made = open_dataset(data), []
    for facts in every:
        run = runs.train(dataset, Parameters(**facts), progress=False)
        accuracy = run.metric("accuracy")["value"]
        print(f"[{run.name}] test accuracy {accuracy:.3f}", flush=True)
        made.append(run.folder / store.MANIFEST)
    return made


def record(folder: Path, about: list) -> list[Path]:
    """Write the record of a data set and a profile, and what follows from it."""
    from gtzan_lib.report import record

    record.main(*about)
    found = [*folder.glob("*"), *folder.glob("record/*")]
    return [path for path in found if path.suffix in (".csv", ".gz", ".json")]


def pdf(folder: Path, about: list) -> list[Path]:
    """Typeset the PDF."""
    from gtzan_lib.report import pdf

    pdf.main(str(folder))
    return [folder / pdf.PDF]


def pages(folder: Path, about: list) -> list[Path]:
    """Make the pages."""
    from gtzan_lib.report import pages

    pages.build(folder)
    return [path for path in (folder / "pages").rglob("*") if path.is_file()]


KINDS = (execute, train, record, pdf, pages)


def main(kind: str, receipt: str, about: str, *needs: str) -> int:
    """Do a job and write its receipt; return 0, or 2 after saying what is wrong."""
    do = {each.__name__: each for each in KINDS}[kind]
    with sentences(stopped="") as status:  # the pipeline says it once
        told, folder = json.loads(about), Path(receipt).resolve().parent.parent
        made_of = key(told, needs)  # as they are now, before anybody edits them
        sums = {
            path.relative_to(folder).as_posix(): store.sha256(path)
            for path in sorted(do(folder, told))
        }
        Path(receipt).parent.mkdir(parents=True, exist_ok=True)
        store.write_json(Path(receipt), {"key": made_of, "made": sums})
    return status.code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
