"""Dead genres over seeds: what the record keeps of them, and the tables made of it.

The paper's own network and split (``groups.MAIN``), by both recipes; what counts as
dead says ``evaluation.dead``.
"""

import numpy as np
import pandas as pd
from scipy import stats

from gtzan_lib.data.genres import GENRES
from gtzan_lib.evaluation import dead, seeds
from gtzan_lib.evaluation.dead import Silence
from gtzan_lib.evaluation.metrics import Estimate, bare, proportion, with_text
from gtzan_lib.experiments import groups
from gtzan_lib.experiments.run import Run

EPOCHS = (30, 100, 300)  # of which, and of the end, a record keeps the test's confusion
PAIR = "pair"  # the moment in which a seed first is as good as the paper, see ``kept``
MIXED = ("hiphop", "reggae")  # "always mistakens hiphop as reggae"
RECIPES = ("paper", "corrected")
SHARES = ("dead", "wrong")  # of pictures, among the parts of a loss
TINY = 1e-9  # above the least loss that there is


def kept(run: Run, loss: float, accuracy: float) -> dict:
    """Return what the record keeps of a run with a folder; nothing of another network.

    In ``dead``: ``begins``, the epoch in which learning begins, or None; ``silences``
    (``genre``, ``first``, ``last``); and ``moments``, of some epochs, of the last, and
    of the first one whose training loss and accuracy are as good as those given (its
    ``pair`` is true). Each has ``epoch``, ``loss``, ``train_accuracy`` and the test's
    ``confusion``.
    """
    if not groups.MAIN.items() <= run.provenance.items():
        return {}
    history, counts = run.history, run.confusions
    losses, accuracies = history["loss"], history["train_accuracy"]
    passed = dead.first_pass(losses, accuracies, loss, accuracy)
    last = len(losses)
    epochs = {epoch for epoch in (*EPOCHS, passed) if epoch and epoch < last} | {last}
    moments = [
        {
            "epoch": epoch,
            PAIR: epoch == passed,
            "loss": losses[epoch - 1],
            "train_accuracy": accuracies[epoch - 1],
            "confusion": counts["test"][epoch - 1].tolist(),
        }
        for epoch in sorted(epochs)
    ]
    silences = [each._asdict() for each in dead.silences(counts["train"])]
    begins = dead.learning_begins(counts["train"])
    return {"dead": {"begins": begins, "silences": silences, "moments": moments}}


class Moment:
    """A run after one of its epochs, from the record.

    ``dead`` are the genres that are dead, ``share`` that of their pictures among those
    that train, and ``parts`` those of the loss, none with softmax applied once.
    """

    def __init__(self, run: Run, moment: dict, by_genre: dict[str, int]):
        self.run, self.epoch, self.is_pair = run, moment["epoch"], moment[PAIR]
        self.loss = np.nan if moment["loss"] is None else moment["loss"]  # JSON's NaN
        self.counts = np.array(moment["confusion"])
        self.accuracy = proportion(self.counts.trace(), self.counts.sum())
        about = run.record["dead"]
        self.begins = about["begins"]
        self.begun = self.epoch >= (self.begins or np.inf)
        self.silences = [Silence(**each) for each in about["silences"]]
        self.silent = {each.genre for each in self.silences}
        self.dead = dead.dead_at(self.silences, self.epoch)
        shown = np.array([by_genre[g] for g in GENRES]) - self.counts.sum(axis=1)
        self.share = shown[np.isin(GENRES, self.dead)].sum() / shown.sum()
        parts = dead.loss_parts(self.loss, moment["train_accuracy"], self.share)
        self.parts = parts if run.provenance["recipe"] == RECIPES[0] else {}


def by_seed(
    runs: list[Run], recipe: str, by_genre: dict[str, int]
) -> list[list[Moment]]:
    """Return the moments of each seed of the paper's network, of its longest run.

    ``by_genre`` counts the data set's pictures.
    """
    facts = groups.MAIN | {"recipe": recipe}
    fitting = [run for run in runs if facts.items() <= run.provenance.items()]
    fitting.sort(key=lambda run: run.provenance["epochs"])
    longest = {run.provenance["seed"]: run for run in fitting if "dead" in run.record}
    return [
        [Moment(run, each, by_genre) for each in run.record["dead"]["moments"]]
        for _, run in sorted(longest.items())
    ]


def tables(runs: list[Run], by_genre: dict[str, int]) -> dict:
    """Return by recipe a row for each of ``seeds`` and of ``moments`` of all seeds.

    ``compared`` is the moment of most seeds, of several the last one; ``genres`` has in
    how many seeds each was ``ever`` dead, and is at the ``end``. Of a seed: its
    ``silences`` in words, the genres that are ``dead`` at the end, the end's loss and
    its ``parts``, and when it was as good as the paper (``pair``, an epoch). Of a
    moment: see ``together``.
    """
    found = {}
    for recipe in RECIPES:
        group = by_seed(runs, recipe, by_genre)
        epochs = sorted({seed[-1].epoch for seed in group}.union(EPOCHS))
        begun = [moment for seed in group for moment in seed if moment.begun]
        moments = {str(k): [m for m in begun if m.epoch == k] for k in epochs}
        moments[PAIR] = [moment for moment in begun if moment.is_pair]
        moments = {when: some for when, some in moments.items() if some}
        common = [(len(moments[w]), int(w), w) for w in moments if w != PAIR]
        found[recipe] = {
            "seeds": [_seed(seed) for seed in group],
            "moments": [together(when, some) for when, some in moments.items()],
            "compared": max(common)[-1] if common else None,
            "genres": [
                {
                    "genre": genre,
                    "ever": sum(genre in seed[-1].silent for seed in group),
                    "end": sum(genre in seed[-1].dead for seed in group),
                }
                for genre in GENRES
            ],
        }
    return found


def _seed(seed: list[Moment]) -> dict:
    end = seed[-1]
    words = [_words(each, end.begins, end.epoch) for each in end.silences]
    return {
        "run": end.run.name,
        "seed": end.run.provenance["seed"],
        "epochs": end.epoch,
        "begins": end.begins,
        "silences": "; ".join(words),
        "dead": end.dead,
        "loss": with_text(bare(end.loss)),
        "accuracy": with_text(end.accuracy),
        "parts": {name: with_text(bare(value)) for name, value in end.parts.items()},
        PAIR: next((moment.epoch for moment in seed if moment.is_pair), None),
    }


def _words(silence: Silence, begins: int, last: int) -> str:
    """Tell of a silence, such as ``"jazz 120 to 260"`` or ``"rock from 80"``."""
    genre, first, end = silence
    if first == begins:
        return f"{genre} never" if end == last else f"{genre} until {end}"
    return f"{genre} from {first}" if end == last else f"{genre} {first} to {end}"


def together(when: str, group: list[Moment]) -> dict:
    """Return what seeds measure together at one moment.

    ``by_dead``, the loss by the number of dead genres, and the least that it can be
    behind two softmaxes; ``per_genre``, by how much one dead genre more raises it (a
    straight line through the seeds); ``parts`` of the loss; ``by_death``, how much of
    what is above ``dead.FLOOR`` dead genres make; ``accuracy``; ``goes_to``, what test
    pictures of dead genres are called; and ``mixed``, see there.
    """
    number = np.array([len(moment.dead) for moment in group])
    loss = np.array([moment.loss for moment in group])
    least = dead.FLOOR + np.array([moment.share for moment in group])
    rows = []
    for k, n in zip(*np.unique(number, return_counts=True), strict=True):
        of = number == k
        row = {"dead": int(k), "seeds": int(n), "least": least[of].mean()}
        rows.append(row | {"loss": _mean(loss[of])})
    slope = bare(np.nan)
    if len(group) > 2 and len(rows) > 1:
        line = stats.linregress(number, loss)
        half = stats.t.ppf(0.975, len(group) - 2) * line.stderr
        low, high = line.slope - half, line.slope + half
        slope = {"value": line.slope, "low": low, "high": high}
    return {
        "when": when,
        "seeds": len(group),
        "runs": [moment.run.name for moment in group],
        "dead_in": [m.run.name for m in group if MIXED[0] in m.dead],
        "by_dead": rows,
        "per_genre": with_text(slope),
        "parts": {
            name: _mean([m.parts[name] for m in group], 1 if name in SHARES else None)
            for name in group[0].parts
        },
        "by_death": _mean([m.share / max(m.loss - dead.FLOOR, TINY) for m in group], 1),
        "accuracy": _share([moment.accuracy for moment in group]),
        "goes_to": _goes_to(group),
        "mixed": mixed(group),
    }


def _goes_to(group: list[Moment]) -> list[dict]:
    """Return a row a dead genre: in how many seeds, and what it is called there."""
    rows = []
    for k, genre in enumerate(GENRES):
        dying = [moment.counts[k] for moment in group if genre in moment.dead]
        if dying:
            called = pd.Series(np.sum(dying, axis=0), GENRES)
            most = called[called > 0].sort_values(ascending=False, kind="stable")[:3]
            shares = [f"{name} {n / called.sum():.2f}" for name, n in most.items()]
            row = {"genre": genre, "seeds": len(dying), "pictures": int(called.sum())}
            rows.append(row | {"called": ", ".join(shares)})
    return sorted(rows, key=lambda row: -row["seeds"])


def mixed(group: list[Moment]) -> dict:
    """Return how often hip-hop is called reggae, by whether it is dead or lives.

    ``dies``, in which share of seeds it is dead; shares called reggae where it is
    ``dead``, where it ``lives`` and in ``all`` seeds, and their ``difference``;
    ``most``, in which share of all seeds no other genre is given as often, itself
    included.
    """
    row, column = map(GENRES.index, MIXED)
    dies, lives = [], []
    for moment in group:
        counts = moment.counts[row]
        called = proportion(counts[column], counts.sum())
        (dies if MIXED[0] in moment.dead else lives).append(called)
    split, difference = groups.MAIN["split"], bare(np.nan)
    if len(dies) > 1 and len(lives) > 1:
        difference = seeds.difference(dies, split, lives, split)
    most = sum(m.counts[row].argmax() == column for m in group)
    return {
        "dies": with_text(proportion(len(dies), len(group))),
        "dead": _share(dies),
        "lives": _share(lives),
        "all": _share(dies + lives),
        "difference": with_text(difference),
        "most": with_text(proportion(most, len(group))),
    }


def _mean(values: list[float], highest: float | None = None) -> dict:
    mean = seeds.mean_over_seeds(list(values), groups.MAIN["split"])
    return with_text(seeds.clipped(mean, highest) if highest else mean)


def _share(shares: list[Estimate]) -> dict:
    split = groups.MAIN["split"]
    return with_text(seeds.over_seeds(shares, split) if shares else bare(np.nan))
