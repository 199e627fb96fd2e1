"""The model that comes with the project, and the tracks that a model finds similar.

``gtzan_lib/app/model/`` is the folder of a training run (see ``runs``) on real GTZAN
with two files more, ``embeddings.npz`` and ``artists.json``. ``python -m gtzan_lib
ship`` makes it from any run. Used by ``gtzan_lib.prediction`` and by the page
(``gtzan_lib.app``).
"""

import shutil
from pathlib import Path

import numpy as np

from gtzan_lib import store
from gtzan_lib.data.gtzan import Dataset, read_picture
from gtzan_lib.errors import DataError
from gtzan_lib.experiments.runs import Run
from gtzan_lib.models.layout import to_tensor

FOLDER = Path(__file__).parent / "model"
EMBEDDINGS, ARTISTS = "embeddings.npz", "artists.json"
_BATCH = 50  # pictures held at once


def embed(model, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the logits of tracks, and what the last layer computes them from.

    The embedding of a track is the input of a network's last fully connected layer, and
    the mean of the principal components that a support vector machine is given.

    Parameters
    ----------
    model : torch.nn.Module
        Of ``models.MODELS``.
    codes : np.ndarray [shape=(N, ...), dtype=float32]
        Pictures as ``Run.encode`` gives them, 0 to 1.

    Returns
    -------
    logits : np.ndarray [shape=(N, 10), dtype=float32]
    embeddings : np.ndarray [shape=(N, d), dtype=float32]
    """
    import torch

    from gtzan_lib.models.svm import SVM
    from gtzan_lib.training import loop as training

    x = to_tensor(codes)
    if isinstance(model, SVM):
        return training.predict(model, x).numpy(), model.project(x).mean(dim=1).numpy()
    inputs = []
    *_, last = (m for m in model.modules() if isinstance(m, torch.nn.Linear))
    hook = last.register_forward_pre_hook(
        lambda _, given: inputs.append(given[0].flatten(1))
    )
    try:
        logits = training.predict(model, x)
    finally:
        hook.remove()
    return logits.numpy(), torch.cat(inputs).numpy()


def ship(
    run: Run, dataset: Dataset, folder: Path = FOLDER, artists: Run | None = None
) -> Path:
    """Make a run the model that comes with the project, in the place of the old one.

    Its files are copied, and the embeddings of all pictures of the data set are added
    as float16. Used by ``python -m gtzan_lib ship``.

    Parameters
    ----------
    run : Run
    dataset : Dataset
        What it was trained on.
    folder : Path
    artists : Run or None
        A run of the same model on an artist-aware split, to say how good such a model
        is on artists that it never heard.

    Returns
    -------
    Path
        ``folder``, a sealed folder (see ``store``).

    Raises
    ------
    DataError
        If the run was trained on other data or needs audio features, or
        ``artists`` differs in more than an artist split; nothing is changed then.
    """
    if "features" in run.provenance["encoder"]:
        raise DataError(
            f"{run.folder} needs audio features, which cannot be had from a picture: "
            "ship a run with another encoder"
        )
    if artists is not None:
        same = ("recipe", "model", "encoder", "epochs", "data_sha256")
        is_same = all(artists.provenance[k] == run.provenance[k] for k in same)
        if not is_same or not artists.provenance["split"].startswith("artist"):
            raise DataError(
                f"{artists.folder} is not a run of model {run.provenance['model']} on "
                "an artist split, alike in all else"
            )
    if run.provenance["data_sha256"] != dataset.sha256:
        raise DataError(
            f"{run.folder} was trained on {run.provenance['data']}, whose pictures are "
            f"not those in {dataset.folder}: give the data that it was trained on"
        )
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    manifest = store.read_json(run.folder / store.MANIFEST)
    partial.mkdir(parents=True)
    for name in manifest["files"]:
        (partial / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(run.folder / name, partial / name)
    embeddings = _embeddings(run, dataset)
    np.savez_compressed(partial / EMBEDDINGS, tracks=dataset.tracks, values=embeddings)
    if artists is not None:
        measured = {name: artists.metric(name) for name in ("accuracy", "top2")}
        measured["n"] = int(artists.confusion.sum())
        store.write_json(partial / ARTISTS, measured | artists.provenance)
    for name in (EMBEDDINGS, *([ARTISTS] if artists else [])):
        manifest["files"][name] = store.sha256(partial / name)
    store.write_json(partial / store.MANIFEST, manifest)
    shutil.rmtree(folder, ignore_errors=True)
    return partial.replace(folder)


def _embeddings(run: Run, dataset: Dataset) -> np.ndarray:
    """Return the embeddings of all pictures of a data set: float16, shape (N, d)."""
    (run, _), *_ = run.members
    model, parts = run.model(), []
    for start in range(0, len(dataset.tracks), _BATCH):
        tracks = dataset.tracks[start : start + _BATCH]
        pictures = np.stack([read_picture(dataset.image_path(t)) for t in tracks])
        parts.append(embed(model, run.encode(pictures))[1].astype(np.float16))
    return np.concatenate(parts)


class Neighbours:
    """The tracks of the data set that a run was shipped with, by similarity.

    Parameters
    ----------
    run : Run
        With ``embeddings.npz`` in its folder, as ``ship`` writes it; a run without it
        knows no tracks.
    """

    def __init__(self, run: Run):
        self.tracks: list[str] = []
        if (run.folder / EMBEDDINGS).is_file():
            with np.load(run.folder / EMBEDDINGS) as arrays:
                self.tracks = arrays["tracks"].tolist()
                self._directions = _unit(arrays["values"].astype(np.float32))

    def nearest(self, embedding: np.ndarray, n: int = 5) -> list[tuple[str, float]]:
        """Return the most similar tracks and their cosine similarity, highest first.

        Parameters
        ----------
        embedding : np.ndarray [shape=(d,), dtype=float32]
        n : int
        """
        if not self.tracks:
            return []
        cosine = self._directions @ _unit(embedding)
        return [(self.tracks[i], float(cosine[i])) for i in np.argsort(-cosine)[:n]]


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Return vectors scaled to length 1; zero vectors stay zero."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
