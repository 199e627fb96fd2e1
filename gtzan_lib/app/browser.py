"""The page that names songs, in a browser: files for any web server.

The network is run there by onnxruntime-web, which npm fetches and nobody commits. Used
by ``gtzan song-page`` and ``gtzan_lib.app.server``.
"""

import base64
import gzip
import hashlib
import io
import json
import shutil
import subprocess
import tarfile
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
from jinja2 import Environment, PackageLoader

from gtzan_lib import store
from gtzan_lib.app import classifier, limits, words
from gtzan_lib.app.classifier import FOLDER, RATE, SECONDS
from gtzan_lib.data import synthetic
from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.mel import tables
from gtzan_lib.errors import UserError

PACKAGE = "onnxruntime-web@1.30.0"
INTEGRITY = (  # as in npm's lock files
    "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1Sig"
    "qR4CXAfKYQ=="
)
RUNTIME = {  # the page's names, and the package's; what is packed no server unpacks
    "ort.mjs": "ort.wasm.bundle.min.mjs",
    "ort.bin": "ort-wasm-simd-threaded.wasm",
}
SCRIPTS = ("page.css", "page.js", "decode.js", "worker.js")
EXAMPLES = ("classical", "disco", "metal", "reggae")
START, FURTHER = "song.html", (*RUNTIME, *(f"{genre}.ogg" for genre in EXAMPLES))
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
    "connect-src 'self'; img-src data:; media-src blob:; base-uri 'none'; "
    "form-action 'none'"
)
ERRORS = {
    "longer": "The audio file {file} is longer than "
    f"{classifier.MAX_SECONDS // 60} minutes, which is the limit: cut it first.",
    "infinite": "The audio file {file} holds samples that are not finite.",
    "empty": "The audio file {file} holds no samples.",
    "short": "{file}: The audio is too short: it lasts {seconds:.3f} s, under "
    f"{classifier.LEAST_SECONDS}.",
    "silent": "{file}: " + classifier.SILENT,
}


def files(api: str = "") -> dict[str, bytes]:
    """Return the page's files by name, but for ``FURTHER``.

    ``api`` is the address that names what the browser cannot, if there is one.
    """
    here = Path(__file__).parent
    content = {name: here.joinpath(name).read_bytes() for name in SCRIPTS}
    facts = classifier.Classifier().facts  # which refuses a damaged model
    content[START] = _html(api, facts).encode()
    content["known.json"] = json.dumps(_known(facts)).encode()
    content["model.onnx"] = (FOLDER / classifier.MODEL).read_bytes()
    return content


def further(name: str) -> bytes:
    """Return one of ``FURTHER``: an example, or a file of onnxruntime-web.

    ``UserError`` if npm does not have that.
    """
    if name in RUNTIME:
        return runtime()[name]
    ogg, y = io.BytesIO(), synthetic.synthesise(name.removesuffix(".ogg"), 0)
    soundfile.write(ogg, y, synthetic.RATE, format="OGG", subtype="VORBIS")
    return ogg.getvalue()


def write(folder: Path) -> Path:
    """Write the page into a folder, with all that it needs; return its path."""
    content = files() | {name: further(name) for name in FURTHER}
    folder.mkdir(parents=True, exist_ok=True)
    for name, file in content.items():
        (folder / name).write_bytes(file)
    return folder / START


@cache
def runtime() -> dict[str, bytes]:
    """Return onnxruntime-web's files by name; ``UserError`` if npm has them not.

    Its package is kept with the results, and fetched if it is not there or damaged.
    """
    kept = store.runs_folder() / f"{PACKAGE.replace('@', '-')}.tgz"
    if not kept.is_file() or _integrity(kept) != INTEGRITY:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            _fetch(Path(folder)).replace(kept)
    with tarfile.open(kept) as package:
        module, binary = (
            package.extractfile(f"package/dist/{name}").read()
            for name in RUNTIME.values()
        )
    return dict(zip(RUNTIME, (module, gzip.compress(binary, 6, mtime=0)), strict=True))


def _fetch(folder: Path) -> Path:
    """Have npm put the package into a folder; return it, checked."""
    npm = shutil.which("npm")
    if npm is None:
        raise UserError(f"{PACKAGE} is needed: install npm, which fetches it")
    command = [npm, "pack", PACKAGE, "--fetch-retries=1", "--loglevel=error"]
    take = {"capture_output": True, "text": True, "check": True, "timeout": 300}
    try:
        subprocess.run(command, cwd=folder, **take)
    except (OSError, subprocess.SubprocessError) as error:
        why = getattr(error, "stderr", "") or str(error)
        raise UserError(f"npm cannot fetch {PACKAGE}: {why.strip()}") from None
    (package,) = folder.glob("*.tgz")
    if _integrity(package) != INTEGRITY:
        raise UserError(f"what npm fetched as {PACKAGE} has another sum: do not use it")
    return package


def _integrity(package: Path) -> str:
    with package.open("rb") as file:
        digest = hashlib.file_digest(file, "sha512").digest()
    return f"sha512-{base64.b64encode(digest).decode()}"


def _known(model: dict) -> dict:
    """Return all that worker.js knows and says, as JSON values; arrays in base64."""
    with np.load(FOLDER / classifier.TRACKS) as arrays:
        tracks = arrays["tracks"].tolist()
        floats = {name: arrays[name] for name in ("embeddings", "mean", "axes")}

    def text(array, dtype) -> str:
        return base64.b64encode(array.astype(dtype).tobytes()).decode()

    own = "WINDOW_SECONDS", "ONE_WINDOW", "LEAST_SECONDS", "MAX_SECONDS", "SILENCE"
    said = "SHORT_SECONDS", "UNFAMILIAR", "SURE", "NOT_SURE", "WARNINGS"
    constants = {name.lower(): getattr(classifier, name) for name in (*own, "QUIET")}
    constants |= {name.lower(): getattr(words, name) for name in said}
    return constants | {
        "genres": GENRES,
        "rate": RATE,
        "least": SECONDS,
        "same": model["same"],
        "farthest": model["farthest"],
        "similar": list(words.SIMILAR.items()),
        "dissimilar": words.similar(0),
        "worth": [words.worth(model, (tenth + 0.5) / 10) for tenth in range(10)],
        "worth_short": words.worth(model, 0, {"seconds": 0}),
        "errors": ERRORS,
        "tracks": tracks,
        "colours": text(tables()["magma"], np.uint8),
        "white": classifier.WHITE,
        **{name: text(array, "<f4") for name, array in floats.items()},
    }


def _html(api: str, facts: dict) -> str:
    templates = Environment(
        loader=PackageLoader("gtzan_lib.app"), autoescape=True, trim_blocks=True
    )
    templates.filters["spaced"] = lambda words: words.replace(
        " %", "\N{NO-BREAK SPACE}%"
    )
    templates.filters["percent"] = lambda p: f"{p:.1f}\N{NO-BREAK SPACE}%"
    recall = {genre: share["value"] for genre, share in facts["recall"].items()}
    return templates.get_template("page.html").render(
        api=api,
        policy=POLICY,
        examples=EXAMPLES,
        limits=limits,
        classifier=classifier,
        words=words,
        facts=facts,
        recall=recall,
        best=max(recall, key=recall.get),
        worst=min(recall, key=recall.get),
    )
