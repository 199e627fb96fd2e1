"""Silent genres over seeds: tables made of the record.

The paper's own network and split (``groups.MAIN``), by both recipes; what counts as
silent, and which silent genres are dead, says ``evaluation.dead``.
"""

import numpy as np
import pandas as pd
from scipy import stats

from gtzan_lib.data.genres import GENRES
from gtzan_lib.evaluation import dead, seeds
from gtzan_lib.evaluation.metrics import Estimate, bare, proportion, with_text
from gtzan_lib.experiments import groups
from gtzan_lib.experiments.run import Measured

EPOCHS = (30, 100, 300)  # that are compared, and the end
PAIR = "pair"  # the moment in which a seed first is as good as the paper
MIXED = ("hiphop", "reggae")  # "always mistakens hiphop as reggae"
RECIPES = ("paper", "corrected")
SHARES = ("silent", "wrong")  # of pictures, among the parts of a loss
TINY = 1e-9  # above the least loss that there is


class Life:
    """The epochs of a run: when learning begins, which genres are silent, and when.

    ``hiphop`` counts how often its test pictures got each answer, summed over the
    epochs of its silences (``silent``) and all others since learning began (``lives``).
    """

    def __init__(self, run: Measured):
        self.run, self.last = run, len(run.history["loss"])
        counted = run.counted
        self.begins = dead.learning_begins(*counted)
        self.silences = dead.silences(*counted)
        epochs = np.arange(self.last) + 1
        silent = np.zeros(self.last, bool)
        for genre, first, end in self.silences:
            silent[first - 1 : end] |= genre == MIXED[0]
        lives = (epochs >= (self.begins or np.inf)) & ~silent
        row = run.test_confusions[:, GENRES.index(MIXED[0])]
        self.hiphop = {"silent": row[silent].sum(axis=0)}
        self.hiphop["lives"] = row[lives].sum(axis=0)

    def moments(self, pair: tuple[float, float]) -> list["Moment"]:
        """Return those of ``EPOCHS``, of the first epoch as good as ``pair``, the last.

        ``pair`` is a training loss and accuracy.
        """
        history = self.run.history
        passed = dead.first_pass(history["loss"], history["train_accuracy"], *pair)
        epochs = {e for e in (*EPOCHS, passed) if e and e < self.last} | {self.last}
        return [Moment(self, epoch, epoch == passed) for epoch in sorted(epochs)]


class Moment:
    """A run after one of its epochs.

    ``silent`` are the genres that are: those that are ``dead`` and those ``waiting``,
    which were not yet answered. ``share`` is that of their pictures among those that
    train, and ``parts`` are those of the loss, none with softmax applied once.
    """

    def __init__(self, life: Life, epoch: int, is_pair: bool):
        self.life, self.run, self.epoch, self.is_pair = life, life.run, epoch, is_pair
        self.loss = self.run.history["loss"][epoch - 1]
        self.counts = self.run.test_confusions[epoch - 1]
        self.accuracy = proportion(self.counts.trace(), self.counts.sum())
        self.begun = epoch >= (life.begins or np.inf)
        self.silent = dead.silent_at(life.silences, epoch)
        self.dead = dead.dead_at(life.silences, epoch, life.begins)
        self.waiting = [genre for genre in self.silent if genre not in self.dead]
        shown = self.run.counted[0][epoch - 1]
        self.share = shown[np.isin(GENRES, self.silent)].sum() / shown.sum()
        right = self.run.history["train_accuracy"][epoch - 1]
        is_twice = self.run.provenance["recipe"] == RECIPES[0]
        self.parts = dead.loss_parts(self.loss, right, self.share) if is_twice else {}

    def called(self, counts: np.ndarray) -> Estimate:
        """Return the share of hip-hop that is called reggae, of counts of answers.

        These may be of several epochs; its interval is that of one epoch's pictures.
        """
        tests = self.counts[GENRES.index(MIXED[0])].sum()
        share = counts[GENRES.index(MIXED[1])] / max(1, sum(counts))
        return proportion(round(share * tests), tests) | {"value": share}


def by_seed(
    runs: list[Measured], recipe: str, pair: tuple[float, float]
) -> list[list[Moment]]:
    """Return the moments of each seed of the paper's network, of its longest run."""
    lives = map(Life, groups.longest(runs, recipe=recipe))
    return [life.moments(pair) for life in lives]


def tables(runs: list[Measured], pair: tuple[float, float]) -> dict:
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
        group = by_seed(runs, recipe, pair)
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
    for genre, first, last in end.life.silences:
        lasts = last == end.epoch
        if first == end.life.begins:
            late.append(f"{genre} {'never' if lasts else f'until {last}'}")
        else:
            when = f"from {first}" if lasts else f"{first} to {last}"
            died.append(f"{genre} {when}")
    return {
        "run": end.run.name,
        "seed": end.run.provenance["seed"],
        "epochs": end.epoch,
        "begins": end.life.begins,
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

    Of each seed a mean over such epochs (see ``Life``): ``silent`` and ``lives`` are
    means over the seeds that have any, ``difference`` over those that have both, and
    ``by_seed`` a row for each of ``silent``, with its ``run`` and number of ``epochs``.
    """
    shares: dict[str, dict] = {"silent": {}, "lives": {}}
    by_seed = []
    for end in (seed[-1] for seed in group):
        tests = end.counts[GENRES.index(MIXED[0])].sum()
        for name, counts in end.life.hiphop.items():
            if counts.sum():
                shares[name][end.run.name] = end.called(counts)
        if end.run.name in shares["silent"]:
            epochs = end.life.hiphop["silent"].sum() // tests
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
