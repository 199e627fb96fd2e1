"""Models beyond the paper's on every split: their runs, and tables of them.

Paper, sections 4.3 and 5 (future work). Used by notebook 06_beyond,
the pipeline and the report.
"""

from collections.abc import Callable

import numpy as np

from gtzan_lib.data import splits
from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.gtzan import SYNTHETIC, Dataset
from gtzan_lib.encoders import features
from gtzan_lib.errors import DataError
from gtzan_lib.evaluation import calibration
from gtzan_lib.evaluation import seeds as comparison
from gtzan_lib.evaluation.seeds import ACCURACY, TOP2, with_interval
from gtzan_lib.experiments import ensembles as fusion
from gtzan_lib.experiments import runs
from gtzan_lib.experiments.runs import Run
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
BEST = "CRNN and texture SVM"
FUSED = {BEST: (CRNN, TEXTURE), "CRNN and both SVMs": (CRNN, TEXTURE, FEATURES)}
# The models of the three-way split, of the comparison, and of the ladder.
WITH_PAPER = (PAPER, LENET, FEATURES, TEXTURE, CRNN)
COMPARED = (LENET, FEATURES, TEXTURE, CNN, CRNN)
CLIMBING = (LENET, FEATURES, TEXTURE, CRNN)
# Names by recipe, model and encoder; those of fusions as ``fusion.fuse`` calls them.
NAMES = {facts: name for name, facts in MODELS.items()} | {
    (
        "fusion",
        "+".join(MODELS[part][1] for part in parts),
        "+".join(MODELS[part][2] for part in parts),
    ): name
    for name, parts in FUSED.items()
}
TRUSTED = (PAPER, CRNN, BEST)  # whose calibration is drawn
SPLITS = ("random", "random-unique", "artist", "artist-trainval")  # of the ladder

CALIBRATION_SEEDS = 3  # of split three-way at most; their test tracks are put together


def seeds_of(split: str, seeds: int) -> int:
    """Return how many of ``seeds`` seeds notebook 06_beyond trains on a split."""
    return min(seeds, CALIBRATION_SEEDS) if split == "three-way" else seeds


def needed(dataset: Dataset) -> dict[str, tuple[str, ...]]:
    """Return the models that notebook 06_beyond needs, by split."""
    names = dict.fromkeys(SPLITS, CLIMBING)
    names |= {"random": COMPARED, "three-way": WITH_PAPER}
    reasons = why_not(dataset, tuple(names))
    return {split: names[split] for split in names if not reasons[split]}


def why_not(dataset: Dataset, names: tuple[str, ...]) -> dict[str, str]:
    """Tell which splits cannot be had, and why.

    Returns
    -------
    dict of str
        The reason by split, empty where there is none.
    """
    reasons = {}
    for name in names:
        if name.startswith("artist") and dataset.name == SYNTHETIC:
            reasons[name] = f"is one of GTZAN, not of the {SYNTHETIC}"
            continue
        try:
            splits.split(dataset, name, seed=0)
            reasons[name] = ""
        except DataError as error:
            reasons[name] = str(error)
    return reasons


def name_of(run: Run) -> str:
    """Return the name of a run's model, or its facts where it is none of ours."""
    facts = tuple(run.provenance[name] for name in ("recipe", "model", "encoder"))
    return NAMES.get(facts, ", ".join(facts))


def by_split(found: list[Run]) -> dict[str, dict[str, list[Run]]]:
    """Return runs by split and model, one a seed, in the order of ``NAMES``.

    Of runs that differ in their epochs, those with most seeds, and then the longest.
    """
    groups = comparison.group_runs(found).values()
    table: dict[str, dict[str, list[Run]]] = {}
    for group in sorted(groups, key=comparison.preference):
        if name_of(group[0]) in NAMES.values():
            by_name = table.setdefault(group[0].provenance["split"], {})
            by_name[name_of(group[0])] = sorted(
                group, key=lambda run: run.provenance["seed"]
            )
    return {
        split: {name: by_name[name] for name in NAMES.values() if name in by_name}
        for split, by_name in sorted(table.items())
    }


def climbing(found: list[Run]) -> dict[str, dict[str, list[Run]]]:
    """Return the rungs of the ladder that have runs: by split and model."""
    table = by_split(found)
    return {
        split: {k: v for k, v in table[split].items() if k in (*CLIMBING, BEST)}
        for split in SPLITS
        if split in table and "random" in table
    }


def train_all(
    dataset: Dataset,
    names: tuple[str, ...],
    split: str,
    seeds: int,
    epochs: dict[str, int],
) -> dict[str, list[Run]]:
    """Return a run of each model for each seed, trained where there is none.

    Parameters
    ----------
    dataset : Dataset
    split : str
    names : tuple of str
        Keys of ``MODELS``; one whose files the data set lacks is left out.
    seeds : int
        How many runs of each.
    epochs : dict of int
        By recipe.

    Returns
    -------
    dict of list of Run
        By model, in the order of the seeds.
    """
    has_table = dataset.features_path.is_file()
    found: dict[str, list[Run]] = {}
    for name in names:
        if name == FEATURES and not has_table:
            print(f"{name}: left out, as the data has no table of features")
            continue
        recipe, model, encoder = MODELS[name]
        facts = {"model": model, "encoder": encoder, "split": split}
        if recipe in epochs:  # else it is fitted in closed form
            facts |= {"recipe": recipe, "epochs": epochs[recipe]}
        print(f"{name}, split {split}")
        found[name] = [
            runs.train(dataset, Parameters(**facts, seed=seed)) for seed in range(seeds)
        ]
    return found


def temperatures(found: dict[str, list[Run]]) -> dict[str, list[float]]:
    """Fit the temperatures of each fusion's members on validation tracks.

    Parameters
    ----------
    found : dict of list of Run
        By model, runs on a split with a validation part, one a seed.

    Returns
    -------
    dict of list of float
        By fusion, one a member: the geometric mean over seeds.
    """
    return {
        name: np.exp(np.mean([np.log(fitted(seed)) for seed in seeds], axis=0)).tolist()
        for name, seeds in _members(found).items()
    }


def fitted(members: list[Run]) -> list[float]:
    """Return the temperatures that suit the validation tracks of runs together."""
    logits = [run.validation["logits"] for run in members]
    return calibration.fit_temperatures(logits, members[0].validation["labels"])


def fuse(
    dataset: Dataset, found: dict[str, list[Run]], others: dict[str, list[float]]
) -> dict[str, list[Run]]:
    """Return the fusions that can be made of runs on the same splits, one a seed.

    Parameters
    ----------
    dataset : Dataset
    found : dict of list of Run
        By model.
    others : dict of list of float
        What ``temperatures`` returns for runs on another split: taken where this one
        has no validation part.
    """

    def suited(name: str, members: list[Run]) -> list[float]:
        has_own = (members[0].folder / "validation.npz").is_file()
        return fitted(members) if has_own else others[name]

    return {
        name: [fusion.fuse(dataset, seed, suited(name, seed)) for seed in seeds]
        for name, seeds in _members(found).items()
    }


def _members(found: dict[str, list[Run]]) -> dict[str, list[list[Run]]]:
    """Return the members of each fusion that ``found`` has all of: a list a seed."""
    return {
        name: [list(seed) for seed in zip(*(found[p] for p in parts), strict=True)]
        for name, parts in FUSED.items()
        if set(parts) <= set(found)
    }


def table(found: dict[str, list[Run]]) -> list[dict]:
    """Return a row a model: accuracy, top-2, and hip-hop and reggae taken for another.

    Returns
    -------
    list of dict
        Texts by column, with 95 % intervals.
    """
    return [
        {
            "model": name,
            "seeds": str(len(group)),
            "accuracy": with_interval(comparison.over_seeds(group, ACCURACY), 3),
            "top-2": with_interval(comparison.over_seeds(group, TOP2), 3),
            "hip-hop called reggae": with_interval(
                comparison.called(group, "hiphop", "reggae")
            ),
            "reggae called hip-hop": with_interval(
                comparison.called(group, "reggae", "hiphop")
            ),
        }
        for name, group in found.items()
    ]


def ladder(rungs: dict[str, dict[str, list[Run]]], first: str) -> list[dict]:
    """Return a row a model and split: accuracy, and its change from the first split.

    Parameters
    ----------
    rungs : dict of dict of list of Run
        By split and model, one a seed.
    first : str
        The split that the others are compared with (see ``comparison.change``).

    Returns
    -------
    list of dict
        ``model``, ``split``, ``accuracy`` and ``change`` (estimates).
    """
    return [
        {
            "model": name,
            "split": split,
            "accuracy": comparison.over_seeds(group, ACCURACY),
            "change": comparison.change(group, rungs[first][name], ACCURACY),
        }
        for split, found in rungs.items()
        for name, group in found.items()
        if name in rungs[first]
    ]


def ladder_table(rows: list[dict]) -> list[dict]:
    """Return the rows of ``ladder`` as texts, one a model, two columns a split."""
    table = {}
    for row in rows:
        cells = table.setdefault(row["model"], {"model": row["model"]})
        cells[row["split"]] = with_interval(row["accuracy"], 3)
        if row["split"] != rows[0]["split"]:
            cells[f"{row['split']}, change"] = with_interval(row["change"], 3)
    return list(table.values())


def calibrated(found: dict[str, list[Run]]) -> list[dict]:
    """Return a row a model: how far its percentages can be trusted.

    Each run's temperature is fitted on its own validation tracks.

    Parameters
    ----------
    found : dict of list of Run
        By model, runs on a split with a validation part, one a seed.

    Returns
    -------
    list of dict
        ``model``, ``temperature`` (mean), ``labels`` of the test tracks of all seeds
        and, before and after, their ``logits``, and estimates over seeds: ``error``
        (expected calibration error), ``hits`` (how often the true genre is among the
        fewest that sum to 90 %) and ``size`` (how many those are); and ``together``,
        the calibration error of all of them. ``by_chance`` has what ``error`` and
        ``together`` would be if the percentages after were exactly right.
    """
    rows = []
    for name, group in found.items():
        own = [fitted([run])[0] for run in group]
        split = group[0].provenance["split"]
        row = {"model": name, "temperature": float(np.mean(own))}
        row["labels"] = np.concatenate([run.predictions["labels"] for run in group])
        for when, divisors in (("before", np.ones(len(group))), ("after", own)):
            tests = [
                (run.predictions["logits"] / t, run.predictions["labels"])
                for run, t in zip(group, divisors, strict=True)
            ]
            named = [calibration.fewest_genres(*test) for test in tests]
            measured = {
                "error": (
                    [calibration.expected_calibration_error(*t) for t in tests],
                    1,
                ),
                "hits": ([hits["value"] for hits, _ in named], 1),
                "size": ([size for _, size in named], len(GENRES)),
            }
            row[when] = {
                name: comparison.clipped(
                    comparison.mean_over_seeds(values, split), highest
                )
                for name, (values, highest) in measured.items()
            }
            row[when]["logits"] = np.concatenate([logits for logits, _ in tests])
            row[when]["together"] = calibration.expected_calibration_error(
                row[when]["logits"], row["labels"]
            )
        row["by_chance"] = {
            "error": float(np.mean([calibration.error_by_chance(z) for z, _ in tests])),
            "together": calibration.error_by_chance(row["after"]["logits"]),
        }
        rows.append(row)
    return rows


def calibration_table(rows: list[dict]) -> list[dict]:
    """Return the rows of ``calibrated`` as texts by column, before and after."""

    def both(row: dict, text: Callable[[dict], str]) -> str:
        return f"{text(row['before'])}, {text(row['after'])}"

    return [
        {
            "model": row["model"],
            "tests": str(len(row["labels"])),
            "temperature": f"{row['temperature']:.2f}",
            "calibration error": f"{row['before']['error']['value']:.3f}, "
            + with_interval(row["after"]["error"], 3),
            "by chance": f"{row['by_chance']['error']:.3f}",
            "of all together": both(row, lambda r: f"{r['together']:.3f}"),
            "by chance, together": f"{row['by_chance']['together']:.3f}",
            "the fewest": both(row, lambda r: f"{r['size']['value']:.1f}"),
            "true genre among them": both(row, lambda r: f"{r['hits']['value']:.2f}"),
        }
        for row in rows
    ]


def feature_agreement(dataset: Dataset, n_tracks: int) -> list[dict]:
    """Compare features computed from audio with the data set's table of them.

    Parameters
    ----------
    dataset : Dataset
    n_tracks : int
        How many tracks to compare at most, evenly spread over those with audio.

    Returns
    -------
    list of dict
        By column: ``feature``, ``tracks`` compared, ``correlation`` and ``largest
        difference`` in the column's standard deviations; empty where the data set has
        no table or no audio.
    """
    tracks = [t for t in dataset.tracks if dataset.audio_path(t).is_file()]
    if not tracks or not dataset.features_path.is_file():
        return []
    table = features.read_table(dataset)
    tracks = tracks[:: max(1, len(tracks) // n_tracks)][:n_tracks]
    computed = np.array([features.of_track(dataset, track) for track in tracks])
    expected = table[[dataset.tracks.index(track) for track in tracks]]
    largest = np.abs(computed - expected).max(axis=0) / table.std(axis=0)
    return [
        {
            "feature": name,
            "tracks": len(tracks),
            "correlation": float(np.corrcoef(computed[:, i], expected[:, i])[0, 1]),
            "largest difference": float(largest[i]),
        }
        for i, name in enumerate(features.COLUMNS)
    ]
