"""Which models the report compares, on which splits (paper, sections 4.3 and 5)."""

from dataclasses import replace

import numpy as np

from gtzan_lib import registry
from gtzan_lib.data.gtzan import Dataset
from gtzan_lib.evaluation import calibration
from gtzan_lib.evaluation.metrics import rounded
from gtzan_lib.experiments import folds, grid, runs
from gtzan_lib.experiments.folds import Answers
from gtzan_lib.experiments.groups import group_runs, preference
from gtzan_lib.experiments.run import ENSEMBLE, Run, folder_name

PAPER = "LeNet of the paper, pooled picture"
LENET = "LeNet corrected, pooled picture"
FEATURES = "SVM, 57 audio features"
TEXTURE = "SVM, texture of mel bands"
CNN = "CNN, mel bands"
CRNN = "CRNN, mel bands"
# Recipe, model and encoder of each.
MODELS = {
    PAPER: ("paper", "lenet", "pool"),
    LENET: ("corrected", "lenet", "pool"),
    FEATURES: ("closed-form", "svm", "features"),
    TEXTURE: ("closed-form", "svm", "texture"),
    CNN: ("augmented", "cnn", "bands"),
    CRNN: ("augmented", "crnn", "bands"),
}
BEST = "CRNN and texture SVM"
ENSEMBLES = {BEST: (CRNN, TEXTURE), "CRNN and both SVMs": (CRNN, TEXTURE, FEATURES)}
# The models of the three-way split, of the comparison, and of the ladder.
WITH_PAPER = (PAPER, LENET, FEATURES, TEXTURE, CRNN)
COMPARED = (LENET, FEATURES, TEXTURE, CNN, CRNN)
CLIMBING = (LENET, FEATURES, TEXTURE, CRNN)
TRUSTED = (LENET, CRNN, BEST)  # whose calibration is drawn
SPLITS = ("random", "random-unique", "artist", "artist-trainval")  # of the ladder
FOLDED = (LENET, TEXTURE, CRNN)  # whose leakage is measured by folds
NAMES = {facts: name for name, facts in MODELS.items()} | {
    (ENSEMBLE, *("+".join(MODELS[m][i] for m in of) for i in (1, 2))): name
    for name, of in ENSEMBLES.items()
}
# What an ensemble has of its first member; the rest of it is of all.
OF_FIRST = ("data", "data_sha256", "split", "seed", "epochs", "commit", "started")
OF_FIRST += ("subsets", "device", "threads")
ByModel = dict[str, list[Run]]  # runs of one split, one a seed, by the model's name


def by_split(some: list[Run]) -> dict[str, ByModel]:
    """Return runs by split and model, one a seed, in the order of ``NAMES``.

    Of runs that differ in their epochs, those that ``preference`` has last.
    """
    table: dict[str, ByModel] = {}
    groups = sorted(group_runs(some).items(), key=lambda item: preference(item[1]))
    for (*facts, split, _), group in groups:
        if name := NAMES.get(tuple(facts)):
            by_seed = sorted(group, key=lambda run: run.provenance["seed"])
            table.setdefault(split, {})[name] = by_seed
    return {
        split: {name: by_name[name] for name in NAMES.values() if name in by_name}
        for split, by_name in sorted(table.items())
    }


def train_all(
    dataset: Dataset, names: tuple[str, ...], split: str, profile: str
) -> ByModel:
    """Return the runs of each model, one a seed, trained where there is none.

    ``names`` are keys of ``MODELS``; one whose files the data set lacks is left out.
    Seeds and epochs are the grid's; on a split that it lacks, those of ``random``.
    """
    trained: ByModel = {}
    for name in names:
        facts = dict(zip(("recipe", "model", "encoder"), MODELS[name], strict=True))
        asked = grid.row(dataset, profile, **facts, split=split)
        asked = asked or grid.row(dataset, profile, **facts, split="random")
        if asked:
            every = [replace(p, split=split) for p in asked]
            trained[name] = [runs.train(dataset, p) for p in every]
        else:
            print(f"{name}: left out, as the data has no table of features")
    return trained


def fitted(members: list[Run]) -> list[float]:
    """Return the temperatures that suit the validation tracks of runs together."""
    logits = [run.validation["logits"] for run in members]
    return calibration.fit_temperatures(logits, members[0].validation["labels"])


def combine(trained: ByModel, others: ByModel) -> ByModel:
    """Return the ensembles that can be made of runs on one split, one a seed.

    Temperatures are fitted on validation tracks. Those of a split that has none are
    geometric means over the seeds of ``others``, on another split.
    """
    made, like = {}, _members(others)
    for name, by_seed in _members(trained).items():
        has_own = by_seed[0][0].validation is not None
        suited = [fitted(runs) for runs in (by_seed if has_own else like.get(name, []))]
        if suited and not has_own:
            mean = np.exp(np.mean(np.log(suited), axis=0)).tolist()
            suited = [mean] * len(by_seed)
        if suited:
            made[name] = list(map(ensemble, by_seed, suited))
    return made


def ensemble(members: list[Run], temperatures: list[float]) -> Run:
    """Return the run that answers with the mean of several runs' log probabilities.

    Their logits are first divided by ``temperatures``, one a member. ``ValueError`` if
    the members were not tested on the same tracks.
    """
    first, facts, said = members[0], {}, {}
    facts = {name: first.provenance[name] for name in OF_FIRST}
    for name in ("model", "encoder"):
        facts[name] = "+".join(run.provenance[name] for run in members)
    seconds = round(sum(run.provenance["seconds"] for run in members), 2)
    facts |= {"recipe": ENSEMBLE, "seconds": seconds}
    for i, (run, temperature) in enumerate(zip(members, temperatures, strict=True)):
        facts |= {f"member.{i}": run.name, f"temperature.{i}": temperature}
    for part in ("predictions", "validation"):
        each = [getattr(run, part) or {} for run in members]
        if any(not np.array_equal(p.get("index"), each[0].get("index")) for p in each):
            raise ValueError("an ensemble cannot have runs on different splits")
        said[part] = None
        if each[0]:
            logits = calibration.combine([p["logits"] for p in each], temperatures)
            said[part] = each[0] | {"logits": rounded(logits.astype(np.float32))}
    same = {"subsets": first.subsets, "artists": first.artists, "history": {}}
    pairs = tuple(zip(members, temperatures, strict=True))
    return Run(folder_name(facts), facts, **said, **same, members=pairs)


def ensembles(some: list[Run]) -> list[Run]:
    """Return all ensembles that runs make, by name, as notebook 7 does."""
    by_name, found = by_split(some), []
    for split in ("three-way", *SPLITS):
        of = {"artist-trainval": "artist"}.get(split, "three-way")
        made = combine(by_name.get(split, {}), by_name.get(of, {}))
        found += [run for group in made.values() for run in group]
    return sorted(found, key=lambda run: run.name)


def _members(trained: ByModel) -> dict[str, list[list[Run]]]:
    """Return the members of each ensemble that all are there: a list a seed.

    Only the seeds that all have; a machine that was solved once, as no chance is in it,
    comes again.
    """
    found = {}
    for name, members in ENSEMBLES.items():
        if set(members) <= set(trained):
            n = max(len(trained[member]) for member in members)
            groups = [
                trained[m] * (n if _is_alone(m, trained[m]) else 1) for m in members
            ]
            found[name] = [list(row) for row in zip(*groups, strict=False)]
    return found


def _is_alone(name: str, group: list[Run]) -> bool:
    """Tell whether a group is the one run of a model that is solved in closed form."""
    return len(group) == 1 and registry.is_closed_form(MODELS[name][1])


def answers(trained: ByModel) -> dict[str, tuple[Answers, Answers]]:
    """Return what ``answer`` does, of all models and ensembles that can."""
    found = {name: answer(name, trained) for name in (*MODELS, *ENSEMBLES)}
    return {name: both for name, both in found.items() if both}


def answer(name: str, trained: ByModel) -> tuple[Answers, Answers] | None:
    """Return what a model or ensemble says of one split, without temperatures and with.

    These are those of the other folds or, of the first seed of a split with a
    validation part, its own. None where a model was not trained, or not on all folds.
    """
    members = [trained.get(member, []) for member in ENSEMBLES.get(name, (name,))]
    if not all(members):
        return None
    own = None
    if members[0][0].validation:
        members = [group[:1] for group in members]
        own = fitted([run for (run,) in members])
    gathered = [folds.gather(group) for group in members]
    if None in gathered:
        return None
    plain = folds.together(gathered, [1.0] * len(members))
    return plain, folds.together(gathered, own)
