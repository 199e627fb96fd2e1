"""Training runs on disk: from parameters to a folder of results, and back.

A run's folder holds ``model.safetensors``, ``history.json`` (one value an epoch),
``confusions.npz`` (the same of counts), ``predictions.npz`` (test positions, labels and
logits), ``provenance.json`` and, where there are any, ``validation.npz`` (as
predictions), ``test-30.npy`` (logits after so many epochs, and of ``validation``) and
``encoder.safetensors``.
"""

from pathlib import Path

from gtzan_lib import registry, store
from gtzan_lib.data import splits
from gtzan_lib.data.gtzan import Dataset
from gtzan_lib.errors import UserError
from gtzan_lib.experiments import run
from gtzan_lib.experiments.run import ENSEMBLE, WEIGHTS, Run, folder_name
from gtzan_lib.experiments.tables import flat
from gtzan_lib.fingerprint import fingerprint
from gtzan_lib.parameters import FACTS, Parameters

FOLDER = "03_train"
PREDICTIONS = "predictions.npz"
PACKAGES = ("numpy", "pillow", "scikit-learn", "scipy", "torch")


def train(
    dataset: Dataset, p: Parameters, progress: bool = True, weights: bool = False
) -> Run:
    """Train one model, or return the run that did so already.

    ``p.seed`` draws the split, the weights and the pictures' order. Where ``weights``
    are asked for, a run that was restored without them is trained again. ``DataError``
    if the data or the split cannot be used.
    """

    def make(folder: Path) -> dict:
        from gtzan_lib.experiments.train import train_into

        return train_into(folder, dataset, p, progress)

    holds = WEIGHTS if weights else PREDICTIONS
    return run.read(store.seal(*_place(dataset, p), make, holds))


def finished(dataset: Dataset, p: Parameters) -> Run | None:
    """Return the run that ``train`` would read; None where it would train."""
    folder, key = _place(dataset, p)
    return run.read(folder) if store.is_whole(folder, key) else None


def _place(dataset: Dataset, p: Parameters) -> tuple[Path, dict]:
    """Return the folder of a run and what it depends on."""
    facts = p.facts | {"split": splits.identify(p.split)}
    return dataset.results / FOLDER / folder_name(facts), _key(dataset, facts)


def find_runs(dataset: Dataset) -> tuple[list[Run], list[str]]:
    """Return a data set's runs, by name, and the names of folders that are left out.

    Those are damaged, or made by other code or package versions.
    """
    found, left_out = [], []
    for manifest in sorted((dataset.results / FOLDER).glob(f"*/{store.MANIFEST}")):
        folder = manifest.parent
        key = store.read_key(folder) or {}
        facts = {name: key.get(name) for name in FACTS}
        if store.is_whole(folder, _key(dataset, facts)):
            found.append(run.read(folder))
        else:
            left_out.append(folder.name)
    return found, left_out


def copy_finished(
    source: Path, target: Path, weights: bool = True
) -> tuple[list[str], list[str]]:
    """Copy the finished runs from one ``store.runs_folder()`` to another.

    Returned are the names of those, and of damaged ones. A run that ``target`` has,
    made for the same key, stays as it is. Without ``weights`` what is fitted in closed
    form, in seconds, stays behind, too. ``UserError`` if ``source`` holds no runs.
    """
    copied, damaged = [], []
    manifests = sorted(source.glob(f"*/{FOLDER}/*/{store.MANIFEST}"))
    if not manifests:
        raise UserError(f"{source} holds no finished runs (<data>-<hash>/{FOLDER}/...)")
    for folder in (manifest.parent for manifest in manifests):
        name, key = folder.relative_to(source).as_posix(), store.read_key(folder)
        if not store.is_whole(folder, holds=PREDICTIONS):
            damaged.append(name)
            continue
        is_wanted = weights or key.get("recipe") != "closed-form"
        if is_wanted and not _is_kept(target / name, folder, key, weights):
            store.copy(folder, target / name, "" if weights else "*.safetensors")
            copied.append(name)
    return copied, damaged


def _is_kept(there: Path, folder: Path, key: dict, weights: bool) -> bool:
    """Tell whether what is there stays: the same run, or one of the code of here."""
    if store.is_whole(there, key):
        return (
            not weights
            or (there / WEIGHTS).is_file()
            or not (folder / WEIGHTS).is_file()
        )
    return store.is_whole(there) and is_current(flat(store.read_key(there)))


def is_current(row: dict) -> bool:
    """Tell whether a row of ``tables`` was made by the code and packages of here."""
    if row.get("recipe") == ENSEMBLE:  # which its members make
        return True
    here = {"code_sha256": fingerprint(*modules_of(row)), "made_by": _made_by(row)}
    here["versions"] = store.versions(*PACKAGES)
    return flat(here).items() <= row.items()


def modules_of(facts: dict) -> list[str]:
    """Return the modules that make a run with these facts (see ``fingerprint``)."""
    return ["experiments.train", *(entry.module for entry in _entries(facts).values())]


def _entries(facts: dict) -> dict[str, registry.Entry]:
    """Return the registry's entries that a run's facts name, those that there are."""
    lists = {"recipe": registry.RECIPES, "model": registry.MODELS}
    lists["encoder"] = registry.ENCODERS
    named = {k: str(facts.get(k)) for k in lists}  # a stranger's manifest names any
    return {k: known[named[k]] for k, known in lists.items() if named[k] in known}


def _key(dataset: Dataset, facts: dict) -> dict:
    """Return what a run with these facts depends on (see ``store.seal``)."""
    encoder = _entries(facts).get("encoder")
    files = encoder.make().files if encoder else ()
    made_by = _made_by(facts)
    return dataset.key(modules_of(facts), PACKAGES, files, **facts, made_by=made_by)


def _made_by(facts: dict) -> dict[str, list]:
    """Return what the names of a run's recipe, model and encoder stand for."""
    entries = _entries(facts).items()
    return {what: [entry.target, dict(entry.options)] for what, entry in entries}
