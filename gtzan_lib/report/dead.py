"""Silent genres over seeds: what the record keeps of them, and the tables made of it.

The paper's own network and split (``groups.MAIN``), by both recipes; what counts as
silent, and which silent genres are dead, says ``evaluation.dead``.
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
SHARES = ("silent", "wrong")  # of pictures, among the parts of a loss
TINY = 1e-9  # above the least loss that there is


def kept(run: Run, loss: float, accuracy: float) -> dict:
    """Return what the record keeps of a run with a folder; nothing of another network.

    In ``dead``: ``begins``, the epoch in which learning begins, or None; ``silences``
    (``genre``, ``first``, ``last``); ``hiphop``, how often its test pictures got each
    answer, summed over the epochs of its silences (``dead``) and over all others since
    learning began (``lives``); and ``moments``, of some epochs, of the last, of the
    first one whose training accuracy is as good as that given, and of the first one
    whose training loss is, too (its ``pair`` is true). Each has ``epoch``, ``loss``,
    ``train_accuracy`` and the test's ``confusion``.
    """
    if not groups.MAIN.items() <= run.provenance.items():
        return {}
    history, counts = run.history, run.confusions
    losses, accuracies = history["loss"], history["train_accuracy"]
    passed = dead.first_pass(losses, accuracies, loss, accuracy)
    last = len(losses)
    right = dead.first_pass(losses, accuracies, np.inf, accuracy)
    chosen = (*EPOCHS, passed, right)
    epochs = {epoch for epoch in chosen if epoch and epoch < last} | {last}
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
    begins, silent = dead.learning_begins(counts["train"]), np.zeros(last, bool)
    silences = dead.silences(counts["train"])
    for genre, first, end in silences:
        silent[first - 1 : end] |= genre == MIXED[0]
    lives = (np.arange(last) + 1 >= (begins or np.inf)) & ~silent
    row = counts["test"][:, GENRES.index(MIXED[0])]
    hiphop = {"dead": row[silent], "lives": row[lives]}
    about = {
        "begins": begins,
        "silences": [each._asdict() for each in silences],
        "hiphop": {name: some.sum(axis=0).tolist() for name, some in hiphop.items()},
        "moments": moments,
    }
    return {"dead": about}


class Moment:
    """A run after one of its epochs, from the record.

    ``silent`` are the genres that are: those that are ``dead`` and those ``waiting``,
    which were not yet answered. ``share`` is that of their pictures among those that
    train, and ``parts`` are those of the loss, none with softmax applied once.
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
        self.silent = dead.silent_at(self.silences, self.epoch)
        self.dead = dead.dead_at(self.silences, self.epoch, self.begins)
        self.waiting = [genre for genre in self.silent if genre not in self.dead]
        shown = np.array([by_genre[g] for g in GENRES]) - self.counts.sum(axis=1)
        self.share = shown[np.isin(GENRES, self.silent)].sum() / shown.sum()
        parts = dead.loss_parts(self.loss, moment["train_accuracy"], self.share)
        self.parts = parts if run.provenance["recipe"] == RECIPES[0] else {}

    def called(self, counts: list[int]) -> Estimate:
        """Return the share of hip-hop that is called reggae, of counts of answers.

        These may be of several epochs; its interval is that of one epoch's pictures.
        """
        tests = self.counts[GENRES.index(MIXED[0])].sum()
        share = counts[GENRES.index(MIXED[1])] / max(1, sum(counts))
        return proportion(round(share * tests), tests) | {"value": share}


def by_seed(
    runs: list[Run], recipe: str, by_genre: dict[str, int]
) -> list[list[Moment]]:
    """Return the moments of each seed of the paper's network, of its longest run.

    ``by_genre`` counts the data set's pictures.
    """
    with_dead = [run for run in runs if "dead" in run.record]
    return [
        [Moment(run, each, by_genre) for each in run.record["dead"]["moments"]]
        for run in groups.longest(with_dead, recipe=recipe)
    ]


def tables(runs: list[Run], by_genre: dict[str, int]) -> dict:
    """Return by recipe a row for each of ``seeds`` and of ``moments`` of all seeds.

    ``compared`` is the moment of most seeds, of several the last of ``EPOCHS``;
    ``genres`` has in how many seeds each was ``late``, ``died``, or is ``dead`` or
    ``waiting``, as follows; and ``mixed`` has hip-hop, see there. Of a seed, in words:
    genres that were ``late``, not yet answered when learning began, and those that
    ``died`` after; the genres that are ``dead`` ``after`` the epoch compared (or the
    last, of a run that is shorter), and those ``waiting``, not answered even then; its
    loss and the ``parts`` of it; and when it was as good as the paper (``pair``, an
    epoch). Of a moment: see ``together``.
    """
    found = {}
    for recipe in RECIPES:
        group = by_seed(runs, recipe, by_genre)
        epochs = sorted({seed[-1].epoch for seed in group}.union(EPOCHS))
        begun = [moment for seed in group for moment in seed if moment.begun]
        moments = {str(k): [m for m in begun if m.epoch == k] for k in epochs}
        moments[PAIR] = [moment for moment in begun if moment.is_pair]
        moments = {when: some for when, some in moments.items() if some}
        common = [
            (len(some), int(when) in EPOCHS, int(when), when)
            for when, some in moments.items()
            if when != PAIR
        ]
        compared = max(common)[-1] if common else None
        rows = [_seed(seed, compared) for seed in group]
        kinds = ("late", "died", "dead", "waiting")
        found[recipe] = {
            "seeds": rows,
            "moments": [together(when, some) for when, some in moments.items()],
            "compared": compared,
            "genres": [
                {"genre": g} | {k: sum(g in str(row[k]) for row in rows) for k in kinds}
                for g in GENRES
            ],
            "mixed": mixed(group),
        }
    return found


def _seed(seed: list[Moment], compared: str | None) -> dict:
    end, late, died = seed[-1], [], []
    then = next((moment for moment in seed if str(moment.epoch) == compared), end)
    for genre, first, last in end.silences:
        lasts = last == end.epoch
        if first == end.begins:
            late.append(f"{genre} {'never' if lasts else f'until {last}'}")
        else:
            when = f"from {first}" if lasts else f"{first} to {last}"
            died.append(f"{genre} {when}")
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
        "loss": with_text(bare(then.loss)),
        "accuracy": with_text(then.accuracy),
        "parts": {name: with_text(bare(value)) for name, value in then.parts.items()},
        PAIR: next((moment.epoch for moment in seed if moment.is_pair), None),
    }


def together(when: str, group: list[Moment]) -> dict:
    """Return what seeds measure together at one moment.

    ``by_silent``, the loss by the number of silent genres, and the least that it can be
    behind two softmaxes; ``per_genre``, by how much one silent genre more raises it (a
    straight line through the seeds: a sum against one of its parts); ``parts`` of the
    loss; ``by_silence``, how much of what is above ``dead.FLOOR`` silent genres make;
    ``accuracy``, and ``accuracies`` by seed; ``goes_to``, what test pictures of silent
    genres are called; how much of hip-hop is ``called`` reggae, and in which share of
    seeds ``most``: more often than anything else, itself included.
    """
    number = np.array([len(moment.silent) for moment in group])
    loss = np.array([moment.loss for moment in group])
    least = dead.FLOOR + np.array([moment.share for moment in group])
    rows = []
    for k, n in zip(*np.unique(number, return_counts=True), strict=True):
        of = number == k
        row = {"silent": int(k), "seeds": int(n), "least": least[of].mean()}
        rows.append(row | {"loss": _mean(loss[of])})
    hiphop, reggae = map(GENRES.index, MIXED)
    answers = [moment.counts[hiphop] for moment in group]
    most = sum(n[reggae] > np.delete(n, reggae).max() for n in answers)
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
        "by_silent": rows,
        "per_genre": with_text(slope),
        "parts": {
            name: _mean([m.parts[name] for m in group], 1 if name in SHARES else None)
            for name in group[0].parts
        },
        "by_silence": _mean(
            [m.share / max(m.loss - dead.FLOOR, TINY) for m in group], 1
        ),
        "accuracy": _share([moment.accuracy for moment in group]),
        "accuracies": [moment.accuracy["value"] for moment in group],
        "goes_to": _goes_to(group),
        "called": _share([m.called(n) for m, n in zip(group, answers, strict=True)]),
        "most": with_text(proportion(most, len(group))),
    }


def _goes_to(group: list[Moment]) -> list[dict]:
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


def mixed(group: list[list[Moment]]) -> dict:
    """Return how much of hip-hop is called reggae while it is silent, and else.

    Of each seed a mean over such epochs (see ``kept``): ``silent`` and ``lives`` are
    means over the seeds that have any, ``difference`` over those that have both, and
    ``by_seed`` a row for each of ``silent``, with its ``run`` and number of ``epochs``.
    """
    shares: dict[str, dict] = {"silent": {}, "lives": {}}
    by_seed = []
    for end in (seed[-1] for seed in group):
        tests = end.counts[GENRES.index(MIXED[0])].sum()
        for name, counts in end.run.record["dead"]["hiphop"].items():
            if sum(counts):
                kind = "silent" if name == "dead" else name
                shares[kind][end.run.name] = end.called(counts)
        if end.run.name in shares["silent"]:
            epochs = sum(end.run.record["dead"]["hiphop"]["dead"]) // tests
            row = {"run": end.run.name, "seed": end.run.provenance["seed"]}
            called = {
                k: with_text(each.get(end.run.name, bare(np.nan)))
                for k, each in shares.items()
            }
            by_seed.append(row | {"epochs": int(epochs)} | called)
    both = sorted(shares["silent"].keys() & shares["lives"].keys())
    values = [[each[name]["value"] for name in both] for each in shares.values()]
    difference = seeds.paired_difference(*values, groups.MAIN["split"])
    means = {name: _share(list(each.values())) for name, each in shares.items()}
    return means | {"difference": with_text(difference), "by_seed": by_seed}


def _mean(values: list[float], highest: float | None = None) -> dict:
    mean = seeds.mean_over_seeds(list(values), groups.MAIN["split"])
    return with_text(seeds.clipped(mean, highest) if highest else mean)


def _share(shares: list[Estimate]) -> dict:
    split = groups.MAIN["split"]
    return with_text(seeds.over_seeds(shares, split) if shares else bare(np.nan))
