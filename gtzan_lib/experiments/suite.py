"""Which models the report compares, on which splits (paper, sections 4.3 and 5)."""

import numpy as np

from gtzan_lib.data import protocols, splits
from gtzan_lib.data.gtzan import Dataset
from gtzan_lib.errors import DataError
from gtzan_lib.evaluation import calibration, seeds
from gtzan_lib.experiments import ensembles, folds, runs
from gtzan_lib.experiments.folds import Answers
from gtzan_lib.experiments.groups import group_runs, preference
from gtzan_lib.experiments.run import ENSEMBLE, Run
from gtzan_lib.parameters import Parameters

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
FITTED = (FEATURES, TEXTURE)  # in closed form, without chance
BEST = "CRNN and texture SVM"
ENSEMBLES = {BEST: (CRNN, TEXTURE), "CRNN and both SVMs": (CRNN, TEXTURE, FEATURES)}
# The models of the three-way split, of the comparison, and of the ladder.
WITH_PAPER = (PAPER, LENET, FEATURES, TEXTURE, CRNN)
COMPARED = (LENET, FEATURES, TEXTURE, CNN, CRNN)
CLIMBING = (LENET, FEATURES, TEXTURE, CRNN)
NAMES = {facts: name for name, facts in MODELS.items()} | {
    (ENSEMBLE, *map("+".join, zip(*(MODELS[m][1:] for m in of), strict=True))): name
    for name, of in ENSEMBLES.items()
}
TRUSTED = (LENET, CRNN, BEST)  # whose calibration is drawn
SPLITS = ("random", "random-unique", "artist", "artist-trainval")  # of the ladder
FOLDED = (LENET, TEXTURE, CRNN)  # whose leakage is measured by folds


def few(n_seeds: int) -> int:
    """Return how many of ``n_seeds`` what only supports the rest is trained with."""
    return min(n_seeds, 3)


def seeds_of(name: str, split: str, n_seeds: int) -> int:
    """Return how many seeds notebook 06_beyond trains of a model, asked for some.

    Splits other than random get few, as does the ``CNN``; a repetition of
    folds counts as one; three-way, which gives temperatures, and all, the upload
    page's, need one. What has no chance in it, a model in closed form on a split that
    seeds do not redraw, is trained once.
    """
    n = n_seeds if split == "random" and name != CNN else few(n_seeds)
    is_fixed = split not in folds.SPLITS and seeds.overlap(split) is None
    if split in ("three-way", "all") or (name in FITTED and is_fixed):
        n = 1
    return n * protocols.FOLDS[split] if split in folds.SPLITS else n


def needed(dataset: Dataset) -> dict[str, tuple[str, ...]]:
    """Return the models that notebook 06_beyond needs, by split."""
    names = dict.fromkeys(SPLITS, CLIMBING)
    names |= dict.fromkeys(folds.SPLITS, FOLDED)
    names |= {"random": COMPARED, "three-way": WITH_PAPER}
    names["all"] = ENSEMBLES[BEST]
    reasons = why_not(dataset, tuple(names))
    reasons["all"] = reasons[folds.UNHEARD]  # which gives its temperatures
    return {split: names[split] for split in names if not reasons[split]}


def why_not(dataset: Dataset, names: tuple[str, ...]) -> dict[str, str]:
    """Tell by split why it cannot be had; the reason is empty where it can.

    Where no two pictures are the same, random-unique is random, and adds nothing.
    """
    reasons = dict.fromkeys(names, "")
    for name in names:
        try:
            if name != "random-unique":
                splits.split(dataset, name, seed=0)
            elif len(splits.every_track(dataset)) == len(dataset.tracks):
                reasons[name] = "no two pictures are the same: it is random"
        except DataError as error:
            reasons[name] = str(error)
    return reasons


def name_of(run: Run) -> str:
    """Return the name of a run's model, or its facts where it is none of ours."""
    facts = tuple(run.provenance[name] for name in ("recipe", "model", "encoder"))
    return NAMES.get(facts, ", ".join(facts))


def by_split(some: list[Run]) -> dict[str, dict[str, list[Run]]]:
    """Return runs by split and model, one a seed, in the order of ``NAMES``.

    Of runs that differ in their epochs, those with most seeds, and then the longest.
    """
    table: dict[str, dict[str, list[Run]]] = {}
    for group in sorted(group_runs(some).values(), key=preference):
        if name_of(group[0]) in NAMES.values():
            by_name = table.setdefault(group[0].provenance["split"], {})
            by_seed = sorted(group, key=lambda run: run.provenance["seed"])
            by_name[name_of(group[0])] = by_seed
    return {
        split: {name: by_name[name] for name in NAMES.values() if name in by_name}
        for split, by_name in sorted(table.items())
    }


def train_all(
    dataset: Dataset,
    names: tuple[str, ...],
    split: str,
    n_seeds: int,
    epochs: dict[str, int],
) -> dict[str, list[Run]]:
    """Return the runs of each model, one a seed, trained where there is none.

    There are as many as ``seeds_of`` says. ``names`` are keys of ``MODELS``; one whose
    files the data set lacks is left out. ``epochs`` are by recipe; models in closed
    form need none.
    """
    trained: dict[str, list[Run]] = {}
    for name in names:
        if name == FEATURES and not dataset.features_path.is_file():
            print(f"{name}: left out, as the data has no table of features")
            continue
        recipe, model, encoder = MODELS[name]
        facts = {"model": model, "encoder": encoder, "split": split}
        if recipe in epochs:  # else it is fitted in closed form
            facts |= {"recipe": recipe, "epochs": epochs[recipe]}
        trained[name] = [
            runs.train(dataset, Parameters(**facts, seed=seed))
            for seed in range(seeds_of(name, split, n_seeds))
        ]
    return trained


def fitted(members: list[Run]) -> list[float]:
    """Return the temperatures that suit the validation tracks of runs together."""
    logits = [run.validation["logits"] for run in members]
    return calibration.fit_temperatures(logits, members[0].validation["labels"])


def temperatures(trained: dict[str, list[Run]]) -> dict[str, list[float]]:
    """Fit the temperatures of each ensemble's members on validation tracks.

    ``trained`` are runs by model, on a split with a validation part, one a seed.
    Returned are, by ensemble, one temperature a member: the geometric mean over seeds.
    """
    return {
        name: np.exp(np.mean([np.log(fitted(seed)) for seed in by_seed], 0)).tolist()
        for name, by_seed in _members(trained).items()
    }


def combine(
    dataset: Dataset, trained: dict[str, list[Run]], others: dict[str, list[float]]
) -> dict[str, list[Run]]:
    """Return the ensembles that can be made of runs by model on one split, one a seed.

    ``others`` are the temperatures of another split, taken where this one has no
    validation part.
    """
    combined: dict[str, list[Run]] = {name: [] for name in _members(trained)}
    for name, by_seed in _members(trained).items():
        for members in by_seed:
            own = fitted(members) if members[0].validation else others[name]
            combined[name].append(ensembles.combine(dataset, members, own))
    return combined


def _members(trained: dict[str, list[Run]]) -> dict[str, list[list[Run]]]:
    """Return the members of each ensemble that all are there: a list a seed.

    A model that was trained fewer times, as there is no chance in it, comes again.
    """
    return {
        name: [
            [trained[m][seed % len(trained[m])] for m in members]
            for seed in range(max(len(trained[m]) for m in members))
        ]
        for name, members in ENSEMBLES.items()
        if set(members) <= set(trained)
    }


def answers(trained: dict[str, list[Run]]) -> dict[str, tuple[Answers, Answers]]:
    """Return what models and ensembles say of the test tracks of one split, by name.

    Without temperatures and with them: those of the other folds or, of the first seed
    of a split with a validation part, its own. ``trained`` are runs by model.
    """
    found = {}
    for name, of in ({model: (model,) for model in MODELS} | ENSEMBLES).items():
        members = [trained.get(member, []) for member in of]
        if not all(members):
            continue
        own = None
        if members[0][0].validation:
            members = [group[:1] for group in members]
            own = fitted([run for (run,) in members])
        gathered = [folds.gather(group) for group in members]
        if None not in gathered:
            plain = folds.together(gathered, [1.0] * len(of))
            found[name] = plain, folds.together(gathered, own)
    return found
