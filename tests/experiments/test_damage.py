"""Damaged and hostile files, other versions, other data: no wrong number, no surprise.

``GTZAN_THOROUGH=1`` damages ten times as many files.
"""

import pickle
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
from papermill.translators import PythonTranslator
from small import train
from stages import LENET, SVM, contents

from gtzan_lib import store
from gtzan_lib.data import splits
from gtzan_lib.data.gtzan import read_picture
from gtzan_lib.data.packing import pack
from gtzan_lib.data.sources import open_dataset
from gtzan_lib.encoders import features
from gtzan_lib.errors import UserError
from gtzan_lib.experiments import run as one
from gtzan_lib.experiments import runs
from gtzan_lib.models import build as models
from gtzan_lib.parameters import Parameters
from gtzan_lib.registry import ENCODERS, RECIPES
from gtzan_lib.training import checkpoints

pytestmark = pytest.mark.slow


def everything(source: Path) -> None:
    """Read a file of every kind, or make it."""
    dataset = open_dataset(source)
    train_index = splits.split(dataset, "random", 0)["train"]
    pack(dataset)
    for encoder in ("pool", "bands", "texture", "conv"):
        ENCODERS[encoder].make().codes(dataset, train_index, 0, progress=False)
    for facts in ({"encoder": "conv"}, LENET, SVM):
        train(source, **facts)


def test_a_flipped_bit_in_any_file_changes_no_result(
    tiny_source, runs_folder, thorough
):
    everything(tiny_source)
    whole, rng = contents(runs_folder), random.Random(0)
    kinds = {}
    for path in sorted(p for p in runs_folder.rglob("*") if p.is_file()):
        if path.stat().st_size:
            kinds.setdefault(path if thorough else path.name, path)
    assert len(kinds) > 10
    for path in kinds.values():
        content = bytearray(path.read_bytes())
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(content)
        everything(tiny_source)
        assert contents(runs_folder) == whole, path


def test_another_version_of_a_package_makes_it_again(tiny_source, monkeypatch):
    first = train(tiny_source)
    monkeypatch.setattr(store, "versions", lambda *names: dict.fromkeys(names, "0"))
    assert runs.find_runs(open_dataset(tiny_source)) == ([], [first.folder.name])
    assert train(tiny_source).provenance["versions"]["torch"] == "0"


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Cut, flip, repeat, drop or put in some bytes."""
    content = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(content) + 1)
        upto = min(len(content), at + rng.choice((1, 1, 4, 50, 1000)))
        match rng.randrange(5):
            case 0:
                del content[at:]
            case 1 if at < len(content):
                content[at] ^= 1 << rng.randrange(8)
            case 2:
                content[at:at] = content[at:upto]
            case 3:
                del content[at:upto]
            case 4:
                content[at:at] = rng.choice((b"\0", b",", b"\n", b'"', b"nan", b"\xff"))
    return bytes(content)


@pytest.fixture
def readers(tiny_source, tmp_path):
    """How each kind of file that people bring is read, and a good one."""
    source = tmp_path / "data"
    shutil.copytree(tiny_source, source)
    dataset = open_dataset(source)
    rng = np.random.default_rng(0)
    header = ",".join(["filename", *features.COLUMNS])
    lines = [
        ",".join([f"{track}.wav", *(f"{v:.4f}" for v in rng.random(57))])
        for track in dataset.tracks
    ]
    subsets = [("train", "train", "test")[i % 3] for i in range(30)]
    split = [f"{t},{s}" for t, s in zip(dataset.tracks, subsets, strict=True)]
    model = models.build("lenet-one-dense", (3, 72, 108), seed=0)
    optimizer = RECIPES["corrected"].make().optimizer(model)
    checkpoints.save(tmp_path / "good", model, optimizer, {"loss": [1.0]})
    first = dataset.image_path(dataset.tracks[0])
    return {
        first: (first.read_bytes(), read_picture),
        dataset.features_path: (
            "\n".join([header, *lines]).encode(),
            lambda path: features.read_table(dataset),
        ),
        tmp_path / "split.csv": (
            "\n".join(["track,subset", *split]).encode(),
            lambda path: splits.split(dataset, str(path), 0),
        ),
        tmp_path / "checkpoint": (
            (tmp_path / "good").read_bytes(),
            lambda path: checkpoints.load(path, model, optimizer),
        ),
    }


def refused(do, *arguments) -> bool:
    """Tell whether a function refuses something with a sentence, or finds nothing."""
    try:
        found = do(*arguments)
    except UserError as error:
        return len(str(error)) > 0
    return isinstance(found, dict) and not found  # a damaged checkpoint: a new start


def test_damaged_files_are_refused_in_a_sentence(readers, thorough):
    rng, n_refused = random.Random(0), []
    for path, (good, read) in readers.items():
        path.write_bytes(good)
        assert not refused(read, path)
        n_refused.append(0)
        for _ in range(2200 if thorough else 220):
            path.write_bytes(damaged(good, rng))
            n_refused[-1] += refused(read, path)
    assert min(n_refused) > 100, n_refused


class Payload:
    """What a pickle that is loaded does to a machine."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_no_file_and_no_parameter_runs_code(tiny_source, tmp_path):
    touched = tmp_path / "touched"
    evil = pickle.dumps(Payload(touched))
    pickle.loads(evil)
    assert touched.exists()  # the payload works
    touched.unlink()
    run = train(tiny_source)
    for name in ("model.safetensors", "predictions.npz", "checkpoint.safetensors"):
        (run.folder / name).write_bytes(evil)
    np.save(tmp_path / "pickled.npy", np.array([Payload(touched)]), allow_pickle=True)
    shutil.copy(tmp_path / "pickled.npy", run.folder / "predictions.npz")
    with pytest.raises(ValueError, match="pickle"):
        one.read(run.folder)
    model = models.build("lenet", (3, 72, 108), seed=0)
    optimizer = RECIPES["corrected"].make().optimizer(model)
    path = run.folder / "checkpoint.safetensors"
    assert checkpoints.load(path, model, optimizer) == {}
    assert runs.find_runs(open_dataset(tiny_source))[0] == []
    train(tiny_source)  # and made again
    value = f'"; open({str(touched)!r}, "w") #'
    exec(PythonTranslator().codify({"data": value}), scope := {})
    assert scope["data"] == value
    with pytest.raises(UserError, match="data must be"):
        Parameters(data=scope["data"])
    assert not touched.exists()
