"""What a claim's ``measure`` in ``report/claims.toml`` may name.

Each takes the evidence and what the claim's ``with`` says; it returns what ``Found``
has, or None if no run measures it.
"""

import json
import math
from collections.abc import Callable

import numpy as np

from gtzan_lib import registry, store
from gtzan_lib.data.genres import GENRES
from gtzan_lib.evaluation import clusters, seeds
from gtzan_lib.evaluation.metrics import Estimate, around, bare
from gtzan_lib.experiments import groups, suite
from gtzan_lib.experiments.run import MAIN, Run
from gtzan_lib.parameters import FACTS
from gtzan_lib.report import literature
from gtzan_lib.report.evidence import Evidence, Found

PAGE = registry.PACKAGE / "app" / "model" / "facts.json"  # of the model that it has


def fact(known: Evidence, name: str) -> Found:
    """Return a number of the data set, such as how many pictures it has."""
    data, counts = known.data, known.tables.by_genre.values()
    size, code = (
        math.prod(data[f"{what}.{side}"] for side in ("height", "width", "channels"))
        for what in ("picture", "code")
    )
    large = 36 * code  # of a picture of 432 x 648: windows of 6 x 6
    numbers = {  # by the notebook that shows them
        "01_pack": {"pictures": sum(counts), "fewest of a genre": min(counts)},
        "02_pool_mse": {
            "KB a picture": size / 1e3,
            "KB a picture of 432 x 648": large / 1e3,
            "KB a code": code / 1e3,
            "times fewer values": size / code,
            "GB of large pictures as 32-bit numbers": 4 * sum(counts) * large / 1e9,
        },
        "05_results": {
            "works that use GTZAN": literature.works(),
            "place of the pair": data.get("hiphop_reggae_place", math.nan),
        },
    }
    (page,) = (page for page, shown in numbers.items() if name in shown)
    return Found(bare(numbers[page][name]), [page])


def literal(known: Evidence) -> Found:
    """Return the error of the proposed autoencoder, solved, as a share of pooling's."""
    ratios = json.loads(known.data["literal_autoencoder.of_pooling"])
    ours = seeds.mean_over_seeds(ratios, "random-unique")  # as ``encoders.literal``
    return Found(ours, ["04_autoencoder"], len(ratios))


def page(known: Evidence) -> Found | None:
    """Return how often the page names a clip from elsewhere, as ``app.judge`` found.

    Of the model that comes with the project, whatever data the record is of; None where
    it was made without such clips.
    """
    if (told := store.read_json(PAGE)["elsewhere"]) is None:
        return None
    ours = {end: told["accuracy"][end] for end in ("value", "low", "high")}
    return Found(ours, ["07_trust"])


def subset(known: Evidence, name: str, batched: bool = False) -> Found | None:
    """Return how many pictures of the paper's split train or test, or batches."""
    for run, *_ in groups.headline(known.runs).values():
        number, size = run.subsets[name], known.data["batch_size"] if batched else 1
        return Found(bare(math.ceil(number / size)), [run.name])
    return None


def pooling_error(known: Evidence, upsampling: str, channels: int) -> Found | None:
    """Return the mean squared error of average pooling over all pictures."""
    by_mode = known.tables.pooling.set_index("upsampling")["mse"]
    if (mse := by_mode.get(upsampling)) is None:
        return None
    return Found(bare(with_alpha(mse, channels)), ["02_pool_mse"])


def with_alpha(mse: float, channels: int) -> float:
    """Return an error of three channels as one of so many.

    The files have four; the fourth is the same everywhere (``gtzan.read_picture``).
    """
    return mse * 3 / channels


def encoder_ratio(known: Evidence, encoder: str, than: str = "") -> Found | None:
    """Return an encoder's error as a share of another's, paired, over seeds.

    Of pooling's (bicubic) where none is named.
    """
    by_seed = known.tables.codes.pivot(
        index="seed", columns="encoder", values="of_pooling"
    )
    if not {encoder, than or encoder} <= set(by_seed):
        return None
    ratios = by_seed[encoder] / (by_seed[than] if than else 1)
    if (ratios := ratios.dropna()).empty:
        return None
    ours = seeds.mean_over_seeds(ratios.tolist(), MAIN["split"])
    return Found(ours, ["04_autoencoder"], len(ratios))


def more_data(known: Evidence, encoder: str) -> Found | None:
    """Return what the second half of the training tracks adds to an SVM's accuracy.

    Of ``experiments.learning``; no artist is in two folds. The interval is the wider of
    two: by artist, and over folds, as another division had trained on other tracks.
    """
    curves = known.tables.learning
    curves = curves[curves["encoder"] == encoder]
    if curves.empty:
        return None
    gains, tests, ratios = [], [], []
    for _, curve in curves.groupby("seed"):
        by_size = curve.pivot(index="artist", columns="train", values="hits")
        half, whole = by_size.columns[-2:]
        gains.append(by_size[whole] - by_size[half])
        tests.append(curve.groupby("artist")["tests"].first())
        ratios.append(tests[-1].sum() / whole)
    by_fold = [g.sum() / n.sum() for g, n in zip(gains, tests, strict=True)]
    by_artist = clusters.mean_of(np.concatenate(gains), np.concatenate(tests))
    over_folds = seeds.corrected(by_fold, float(np.mean(ratios)))
    halves = [each["high"] - each["value"] for each in (by_artist, over_folds)]
    ours = around(by_artist["value"], float(np.nanmax(halves)))
    return Found(ours, ["06_beyond"], len(gains), tuple(map(float, by_fold)), True)


def mixture(known: Evidence, name: str, at: str | float) -> Found | None:
    """Return a number of ``mixtures.summary``, of a mixture or a share of loudness."""
    told = known.mixtures
    for row in told.get("mixtures", []) + told.get("percentages", []):
        if at in (row.get("mixture"), row.get("share")):
            return Found(row[name], told["runs"], len(told["runs"]), is_whole=True)
    return None


def metric(known: Evidence, metric: str, **given) -> Found | None:
    """Return a metric over seeds, by its fields and the facts of the runs."""
    fields, facts = divided(given)
    group = groups.partitions(_chosen(known, fields, facts))
    if not group:
        return None
    values = tuple(run.metric(metric, **fields)["value"] for run in group)
    return _found(groups.over_seeds(group, metric, **fields), values, group)


def gain(
    known: Evidence, metric: str, of: dict, against: dict, **fields
) -> Found | None:
    """Return by how much a metric of some runs exceeds others', paired by seed."""
    chosen = (_chosen(known, fields, facts) for facts in (of, against))
    ours, others = map(groups.partitions, groups.same_seeds(*chosen))
    same_recipe = of.get("recipe") == against.get("recipe") and "epoch" not in fields
    same_recipe &= not {"epochs"} <= of.keys() & against.keys()  # which are meant
    epochs = {run.provenance["epochs"] for run in ours + others}
    if not ours or (same_recipe and len(epochs) > 1):
        return None
    return _found(groups.difference(ours, others, metric, **fields), (), ours, others)


def stopped(known: Evidence, **facts) -> Found | None:
    """Return what it adds to test accuracy to stop by validation, paired by seed.

    That is, after the first epoch with most validation pictures right, and not at the
    end.
    """
    group = groups.partitions(groups.select(known.runs, **facts))
    tests = [run.history.get("test_accuracy") for run in group]
    if not group or None in tests:
        return None
    best = [int(np.argmax(run.history["validation_accuracy"])) for run in group]
    early = [test[epoch] for test, epoch in zip(tests, best, strict=True)]
    gains = np.subtract(early, [test[-1] for test in tests]).tolist()
    ours = seeds.mean_over_seeds(gains, group[0].provenance["split"])
    return _found(ours, tuple(gains), group)


def beside_others(known: Evidence, metric: str, **facts) -> Found | None:
    """Return by how much a metric exceeds its mean over other models of 06."""
    by_model = suite.by_split(known.runs).get(MAIN["split"], {})
    others = [by_model.get(model, []) for model in suite.CLIMBING]
    every = groups.same_seeds(groups.select(known.runs, **facts), *others)
    every = [groups.partitions(group) for group in every]
    if not every[0]:
        return None
    ours, *theirs = ([r.metric(metric)["value"] for r in each] for each in every)
    gains = np.subtract(ours, np.mean(theirs, axis=0)).tolist()
    found = seeds.mean_over_seeds(gains, MAIN["split"])
    return _found(found, tuple(gains), *every)


def rank(
    known: Evidence, metric: str, genre: str, other: str = "", **facts
) -> Found | None:
    """Return a genre's place in ``recall`` or ``called``, counts of all runs together.

    Among all genres by how many are recognised, or (``other``) among those that the
    genre is mistaken for. Of genres with as many it is the last.
    """
    group = groups.partitions(groups.select(known.runs, **facts))
    if not group:
        return None
    row, column = GENRES.index(genre), GENRES.index(other or genre)

    def place(counts: np.ndarray) -> int:
        recall = counts.diagonal() / counts.sum(axis=1).clip(1)
        others = np.delete(counts[row], row), counts[row, column]
        shares, own = {"recall": (recall, recall[row]), "called": others}[metric]
        return np.sum(shares >= own)

    counts = np.stack([run.confusion for run in group])
    return _found(seeds.ranked(counts, place), (), group)


def by_dead_genres(known: Evidence, name: str, when: str | None = None) -> Found | None:
    """Return a number of ``silent_genres.tables``, of recipe paper, at a moment.

    Left out, that is the one of most seeds. ``silent`` is how much of hip-hop is called
    reggae while it is silent; NaN where it never is.
    """
    table = known.dead["paper"]
    when = when or table["compared"]
    row = next((row for row in table["moments"] if row["when"] == when), None)
    if row is None:
        return None
    of, names = row, row["runs"]
    if name == "silent":
        of, names = table["mixed"], [seed["run"] for seed in table["mixed"]["by_seed"]]
    values = tuple(row["accuracies"]) if name == "accuracy" else ()
    return Found(of[name], names, len(names), values)


def divided(given: dict) -> tuple[dict, dict]:
    """Return the fields of a metric and the facts of runs, which are given together."""
    facts = {name: value for name, value in given.items() if name in FACTS}
    return {k: v for k, v in given.items() if k not in facts}, facts


def _chosen(known: Evidence, fields: dict, facts: dict) -> list[Run]:
    if (epoch := fields.get("epoch", 1)) == 1:
        return groups.select(known.runs, **facts)
    reached = [run for run in known.runs if run.provenance["epochs"] >= epoch]
    return groups.longest(reached, **facts)  # all that were trained so far


def _found(ours: Estimate, values: tuple, group: list, *others: list) -> Found:
    names = [run.name for runs in (group, *others) for run in runs]
    return Found(ours, names, len(group), values)


_ALL = (fact, literal, page, subset, pooling_error, encoder_ratio, more_data)
_ALL += (mixture, metric, gain, stopped, beside_others, rank, by_dead_genres)
MEASURES: dict[str, Callable] = {measure.__name__: measure for measure in _ALL}
