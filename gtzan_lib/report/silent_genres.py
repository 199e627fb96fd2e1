"""Silent genres over seeds: tables made of the record, and what changes them.

The paper's own network and split (``run.MAIN``), by both recipes; what counts as
silent, and which silent genres are dead, says ``evaluation.silence``.
"""

from collections.abc import Iterator, Sequence
from types import SimpleNamespace

import numpy as np
import pandas as pd
from scipy import stats

from gtzan_lib import registry
from gtzan_lib.data.genres import GENRES
from gtzan_lib.evaluation import seeds, silence
from gtzan_lib.evaluation.metrics import Estimate, around, bare, proportion
from gtzan_lib.experiments import groups
from gtzan_lib.experiments.run import MAIN, Run

EPOCHS = (30, 100, 300)  # that are compared, and the end
PAIR = "pair"  # the moment in which a seed first is as good as the paper
HIPHOP, REGGAE = map(GENRES.index, ("hiphop", "reggae"))  # which the paper mixes up


def moments(run: Run, pair: tuple[float, float]) -> list[SimpleNamespace]:
    """Return a run after ``EPOCHS``, the first epoch as good as ``pair``, and the last.

    ``pair`` is a training loss and accuracy. ``silent`` genres are ``dead``, or
    ``waiting``: not yet answered. ``share`` is that of their pictures among those that
    train; ``parts`` are those of the loss, none with softmax applied once.
    """
    loss, right = run.history["loss"], run.history["train_accuracy"]
    begins, silences = (
        f(*run.counted) for f in (silence.learning_begins, silence.silences)
    )
    passed, last = silence.first_pass(loss, right, *pair), len(loss)
    found = []
    for epoch in sorted({e for e in (*EPOCHS, passed) if e and e < last} | {last}):
        shown, counts = run.counted[0][epoch - 1], run.test_confusions[epoch - 1]
        silent = silence.silent_at(silences, epoch)
        share = shown[np.isin(GENRES, silent)].sum() / shown.sum()
        parts = silence.loss_parts(loss[epoch - 1], right[epoch - 1], share)
        moment = SimpleNamespace(run=run, epoch=epoch, counts=counts, share=share)
        moment.begins, moment.silences, moment.silent = begins, silences, silent
        moment.begun, moment.is_pair = epoch >= (begins or np.inf), epoch == passed
        moment.loss = loss[epoch - 1]
        moment.accuracy = proportion(counts.trace(), counts.sum())
        moment.dead = silence.dead_at(silences, epoch, begins)
        moment.waiting = [genre for genre in silent if genre not in moment.dead]
        moment.parts = parts if run.provenance["recipe"] == "paper" else {}
        found.append(moment)
    return found


def _called(tests: int, counts: np.ndarray) -> Estimate:
    """Return the share called reggae, with the interval of one epoch's ``tests``."""
    share = counts[REGGAE] / max(1, sum(counts))
    return proportion(round(share * tests), tests) | {"value": share}


def tables(runs: list[Run], pair: tuple[float, float]) -> dict:
    """Return by recipe a row for each of ``seeds`` and of ``moments`` of all seeds.

    ``compared`` is the moment of most seeds, of several the last of ``EPOCHS``;
    ``genres`` has in how many seeds each was ``late``, ``died``, or is ``dead`` or
    ``waiting`` (see ``_seed``); and ``mixed`` has hip-hop. ``pair`` is the paper's last
    training loss and accuracy.
    """
    found = {}
    for recipe in ("paper", "corrected"):
        group = [moments(run, pair) for run in groups.longest(runs, recipe=recipe)]
        begun = [moment for seed in group for moment in seed if moment.begun]
        epochs = sorted({seed[-1].epoch for seed in group}.union(EPOCHS))
        by_epoch = {str(e): [m for m in begun if m.epoch == e] for e in epochs}
        by_epoch = {when: some for when, some in by_epoch.items() if some}
        sizes = [(len(m), int(e) in EPOCHS, int(e)) for e, m in by_epoch.items()]
        compared = str(max(sizes)[-1]) if sizes else None
        if at_pair := [moment for moment in begun if moment.is_pair]:
            by_epoch[PAIR] = at_pair
        rows = [_seed(seed, compared) for seed in group]
        kinds = ("late", "died", "dead", "waiting")
        found[recipe] = {
            "seeds": rows,
            "moments": [together(when, some) for when, some in by_epoch.items()],
            "compared": compared,
            "genres": [
                {"genre": g} | {k: sum(g in str(row[k]) for row in rows) for k in kinds}
                for g in GENRES
            ],
            "mixed": mixed([seed[-1] for seed in group]),
        }
    return found


def _seed(seed: list[SimpleNamespace], compared: str | None) -> dict:
    """Return a seed's row: genres that were ``late`` when learning began, or ``died``.

    ``dead`` and ``waiting`` are those ``after`` the epoch compared, or a run's last.
    """
    end, late, died = seed[-1], [], []
    then = next((moment for moment in seed if str(moment.epoch) == compared), end)
    for genre, first, last in end.silences:
        lasts = last == end.epoch
        if first == end.begins:
            late.append(f"{genre} never" if lasts else f"{genre} until {last}")
        else:
            died.append(
                f"{genre} from {first}" if lasts else f"{genre} {first} to {last}"
            )
    return {
        "run": end.run.name,
        "seed": end.run.provenance["seed"],
        "epochs": end.epoch,
        "begins": end.begins,
        "late": ", ".join(late),
        "died": ", ".join(died),
        "after": then.epoch,
        "dead": then.dead,
        "waiting": then.waiting,
        "loss": bare(then.loss),
        "accuracy": then.accuracy,
        "parts": {name: bare(value) for name, value in then.parts.items()},
        PAIR: next((moment.epoch for moment in seed if moment.is_pair), None),
    }


def together(when: str, group: list[SimpleNamespace]) -> dict:
    """Return what seeds measure together at one moment.

    ``by_silent``, the loss by the number of silent genres, and the least that it can be
    behind two softmaxes; ``per_genre``, by how much one silent genre more raises it (a
    straight line through the seeds); ``by_silence``, how much of what is above
    ``silence.FLOOR`` silent genres make; how much of hip-hop is ``called`` reggae, and
    in which share of seeds ``most``: more often than anything else, itself included.
    """
    silent, loss = np.array([(len(moment.silent), moment.loss) for moment in group]).T
    least = np.array([silence.FLOOR + moment.share for moment in group])
    rows = []
    for k in np.unique(silent):
        of = silent == k
        row = {"silent": int(k), "seeds": int(of.sum()), "least": least[of].mean()}
        rows.append(row | {"loss": mean(loss[of])})
    answers = [moment.counts[HIPHOP] for moment in group]
    called = [_called(n.sum(), n) for n in answers]
    most = sum(n[REGGAE] > np.delete(n, REGGAE).max() for n in answers)
    slope = bare(np.nan)
    if len(group) > 2 and len(rows) > 1:
        line = stats.linregress(silent, loss)
        half = stats.t.ppf(0.975, len(group) - 2) * line.stderr
        slope = around(line.slope, half)
    by_silence = [m.share / max(m.loss - silence.FLOOR, 1e-9) for m in group]
    highest = {"silent": 1, "wrong": 1}  # the parts that are shares of pictures
    return {
        "when": when,
        "seeds": len(group),
        "runs": [moment.run.name for moment in group],
        "by_silent": rows,
        "per_genre": slope,
        "parts": {
            name: mean([m.parts[name] for m in group], highest.get(name))
            for name in group[0].parts
        },
        "by_silence": mean(by_silence, 1),
        "accuracy": _share([moment.accuracy for moment in group]),
        "accuracies": [moment.accuracy["value"] for moment in group],
        "goes_to": _goes_to(group),
        "called": _share(called),
        "most": proportion(most, len(group)),
    }


def _goes_to(group: list[SimpleNamespace]) -> list[dict]:
    """Return a row a silent genre: in how many seeds, and what it is called there."""
    rows = []
    for k, genre in enumerate(GENRES):
        lost = [moment.counts[k] for moment in group if genre in moment.silent]
        if lost:
            called = pd.Series(np.sum(lost, axis=0), GENRES)
            most = called[called > 0].sort_values(ascending=False, kind="stable")[:3]
            shares = [f"{name} {n / called.sum():.2f}" for name, n in most.items()]
            row = {"genre": genre, "seeds": len(lost), "pictures": int(called.sum())}
            rows.append(row | {"called": ", ".join(shares)})
    return sorted(rows, key=lambda row: -row["seeds"])


def mixed(ends: list[SimpleNamespace]) -> dict:
    """Return how much of hip-hop is called reggae while it is silent, and else.

    Of each seed, from its last moment, a mean over such epochs since learning began:
    ``silent`` and ``lives`` are means over the seeds that have any, ``difference`` over
    those that have both, and ``by_seed`` a row for each of ``silent``, with its number
    of ``epochs``.
    """
    shares: dict[str, dict] = {"silent": {}, "lives": {}}
    by_seed = []
    for end in ends:
        name, epochs = end.run.name, np.arange(end.epoch) + 1
        silent = np.zeros(end.epoch, bool)
        for genre, first, last in end.silences:
            silent |= (genre == GENRES[HIPHOP]) & (first <= epochs) & (epochs <= last)
        when = {"silent": silent, "lives": (epochs >= (end.begins or np.inf)) & ~silent}
        for kind, chosen in when.items():
            counts = end.run.test_confusions[chosen, HIPHOP].sum(axis=0)
            if counts.sum():
                shares[kind][name] = _called(end.counts[HIPHOP].sum(), counts)
        if name in shares["silent"]:
            row = {"run": name, "seed": end.run.provenance["seed"]}
            row["epochs"] = int(silent.sum())
            called = {k: of.get(name, bare(np.nan)) for k, of in shares.items()}
            by_seed.append(row | called)
    both = sorted(shares["silent"].keys() & shares["lives"].keys())
    values = [[each[name]["value"] for name in both] for each in shares.values()]
    difference = seeds.paired_difference(*values, MAIN["split"])
    means = {name: _share(list(each.values())) for name, each in shares.items()}
    return means | {"difference": difference, "by_seed": by_seed}


def mean(values: Sequence[float], highest: float | None = None) -> Estimate:
    """Return a mean over seeds of the paper's split, at most as high; NaN of none."""
    if not len(values):
        return bare(np.nan)
    found = seeds.mean_over_seeds(list(values), MAIN["split"])
    return seeds.clipped(found, highest) if highest else found


def _share(shares: list[Estimate]) -> dict:
    return seeds.over_seeds(shares, MAIN["split"]) if shares else bare(np.nan)


def differing(runs: list[Run], recipe: str) -> Iterator[tuple]:
    """Yield recipes, encoders and models that have runs: name, entry and runs.

    Each differs in one thing at most from the paper's network by a recipe.
    """
    lists = {"recipe": registry.RECIPES, "encoder": registry.ENCODERS}
    lists["model"] = registry.MODELS
    for fact, entries in lists.items():
        for name, entry in entries.items():
            if group := groups.select(runs, **{"recipe": recipe, fact: name}):
                yield name, entry, group


def silenced(runs: list[Run], data: dict) -> dict:
    """Return why genres fall silent behind two softmaxes: what is seen, and changed.

    ``ranks`` has a row a genre: the mean rank of its template (``template_ranks``), and
    of how many ``seeds`` it is silent after ``epochs``; ``correlation`` is Spearman's.
    ``changes`` has a row a change to pictures or outputs: of how many of the same seeds
    each genre is ``silent``, and was ``unchanged``, after the epochs of the changed.
    """
    plain = groups.longest(runs, recipe="paper")
    changes = []
    for name, entry, group in differing(runs, "paper"):
        if entry.asks == "silence":
            ours, theirs = groups.same_seeds(group, plain)
            row = {"name": name, "help": entry.help, "seeds": len(ours)}
            row["runs"] = [run.name for run in ours]
            row["epochs"] = epochs = group[0].provenance["epochs"]
            row["silent"] = _silent(ours, epochs)
            changes.append(row | {"unchanged": _silent(theirs, epochs)})
    epochs = min((run.provenance["epochs"] for run in plain), default=0)
    counts = _silent(plain, epochs)
    ranks = [
        {"genre": g, "rank": data[f"template_rank.{g}"], "silent": counts[g]}
        for g in GENRES
        if f"template_rank.{g}" in data
    ]
    rho = np.nan
    if ranks and len({row["silent"] for row in ranks}) > 1:
        rho = stats.spearmanr(*([row[k] for row in ranks] for k in ("rank", "silent")))
        rho = float(rho.statistic)
    about = {"seeds": len(plain), "epochs": epochs, "correlation": rho}
    return about | {"ranks": ranks, "changes": changes}


def _silent(group: list[Run], epoch: int) -> dict[str, int]:
    """Return of how many runs each genre is silent after an epoch."""
    found = [silence.silent_at(silence.silences(*run.counted), epoch) for run in group]
    return {genre: sum(genre in silent for silent in found) for genre in GENRES}
