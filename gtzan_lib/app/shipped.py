"""The model that comes with the project, and the tracks that a model finds similar.

``gtzan_lib/app/model/`` is the folder of a training run (see ``runs``) on real GTZAN
with four files more: the run's network as ONNX, ``embeddings.npz``, ``artists.json``
and its model card. ``gtzan ship`` makes it from any run. Used by ``gtzan predict`` and
by the page.
"""

import shutil
from pathlib import Path

import numpy as np

from gtzan_lib import registry, store
from gtzan_lib.app import network, words
from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.gtzan import Dataset, read_picture
from gtzan_lib.errors import DataError
from gtzan_lib.experiments.run import Run

FOLDER = Path(__file__).parent / "model"
EMBEDDINGS, ARTISTS, CARD = "embeddings.npz", "artists.json", "README.md"
TOLERANCE = 1e-4  # by which probabilities may differ from torch's in float64
SAME = 0.999  # cosine of the embeddings of one recording, however it was encoded
_BATCH = 50  # pictures held at once


def ship(
    run: Run, dataset: Dataset, folder: Path = FOLDER, artists: dict | None = None
) -> Path:
    """Make a run the model that comes with the project, in the place of the old one.

    Its files are copied into ``folder``, which is returned, a sealed one; ``artists``
    are what ``unheard.measure`` tells of it. ``DataError``, before anything is changed,
    if it was not trained on ``dataset`` or needs audio features, or if it tests on no
    track and there are no ``artists``.
    """
    _check(run, dataset)
    if artists is None and not run.provenance["subsets"]["test"]:
        raise DataError(
            f"{run.folder} has no test tracks to say how good it is: train the same on "
            "split artist-folds, seeds 0 to 2"
        )
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    store.copy_files(run.folder, partial)
    embeddings = _export(run, dataset, partial / network.FILE)
    np.savez_compressed(partial / EMBEDDINGS, tracks=dataset.tracks, values=embeddings)
    if artists is not None:
        store.write_json(partial / ARTISTS, artists)
    (partial / CARD).write_text(card(Run(partial)), encoding="utf-8")
    manifest = store.read_json(partial / store.MANIFEST)
    for name in (network.FILE, EMBEDDINGS, ARTISTS, CARD):
        if (partial / name).is_file():
            manifest["files"][name] = store.sha256(partial / name)
    store.write_json(partial / store.MANIFEST, manifest)
    shutil.rmtree(folder, ignore_errors=True)
    return partial.replace(folder)


def _check(run: Run, dataset: Dataset) -> None:
    if "features" in run.provenance["encoder"]:
        raise DataError(
            f"{run.folder} needs audio features, which cannot be had from a picture: "
            "ship a run with another encoder"
        )
    if run.provenance["data_sha256"] != dataset.sha256:
        raise DataError(
            f"{run.folder} was trained on {run.provenance['data']}, whose pictures are "
            f"not those in {dataset.folder}: give the data that it was trained on"
        )


def _export(run: Run, dataset: Dataset, path: Path) -> np.ndarray:
    """Write the ONNX file; return the embeddings of all pictures: float16, (N, d).

    ``DataError`` if onnxruntime does not answer as torch does, for any picture.
    """
    from gtzan_lib.app import torch_network

    by_torch, by_onnx = torch_network.Network(run, np.float64), None
    embeddings = []
    members = [member for member, _ in run.members]
    for start in range(0, len(dataset.tracks), _BATCH):
        tracks = dataset.tracks[start : start + _BATCH]
        pictures = np.stack([read_picture(dataset.image_path(t)) for t in tracks])
        codes = [member.encode(pictures) for member in members]
        if by_onnx is None:
            names = [member.provenance["encoder"] for member in members]
            given = dict(zip(names, codes, strict=True))
            torch_network.export(torch_network.Network(run), given, path)
            by_onnx = network.open_onnx(path)
        ours, theirs = by_onnx(codes), by_torch.answer(codes)
        if np.abs(np.exp(ours[0]) - np.exp(theirs[0])).max() > TOLERANCE:
            raise DataError(
                f"{run.folder} cannot be shipped: as ONNX it answers otherwise"
            )
        embeddings.append(ours[1].astype(np.float16))
    return np.concatenate(embeddings)


def card(run: Run) -> str:
    """Return the model card of a run that is being shipped, as Markdown."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    templates = Environment(
        loader=PackageLoader("gtzan_lib.app"),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    return templates.get_template("card.md").render(
        facts=run.provenance,
        measured={name: run.metric(name) for name in ("accuracy", "top2")},
        n=int(run.confusion.sum()),
        words=words,
        artists=store.read_json(run.folder / ARTISTS),
        genres=GENRES,
        tolerance=TOLERANCE,
        models=registry.MODELS,
        encoders=registry.ENCODERS,
        members=[(member.provenance, t) for member, t in run.members],
    )


class Neighbours:
    """The tracks of the data set that a run was shipped with; none of another run."""

    def __init__(self, run: Run):
        self.tracks: list[str] = []
        if (run.folder / EMBEDDINGS).is_file():
            with np.load(run.folder / EMBEDDINGS) as arrays:
                self.tracks = arrays["tracks"].tolist()
                self._directions = _unit(arrays["values"].astype(np.float32))

    def nearest(self, embedding: np.ndarray) -> list[tuple[str, float]]:
        """Return the five tracks most similar to an embedding, float32 (d,), by cosine.

        The most similar comes first; those that are the very recording are left out.
        """
        if not self.tracks:
            return []
        cosine = self._directions @ _unit(embedding)
        others = [i for i in np.argsort(-cosine) if cosine[i] < SAME]
        return [(self.tracks[i], float(cosine[i])) for i in others[:5]]


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Return vectors scaled to length 1; zero vectors stay zero."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
