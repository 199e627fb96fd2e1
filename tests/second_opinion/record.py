"""What the record's tables hold, and plain questions to it. Nothing of gtzan_lib."""
# ruff: noqa: B019 (there is one record)

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import special, stats
from statistics_again import (
    FLOOR,
    NAN,
    clipped,
    learning_begins,
    over_seeds,
    share_by_artist,
    silences,
    student,
    wilson,
)

GENRES = ["blues", "classical", "country", "disco", "hiphop"]
GENRES += ["jazz", "metal", "pop", "reggae", "rock"]
BY_GENRE = {genre: 99 if genre == "jazz" else 100 for genre in GENRES}
HIPHOP, REGGAE = GENRES.index("hiphop"), GENRES.index("reggae")
CALLED = {genre: (k, k) for k, genre in enumerate(GENRES)}  # recall
CALLED |= {"hip-hop called reggae": (HIPHOP, REGGAE)}
CALLED |= {"reggae called hip-hop": (REGGAE, HIPHOP)}
BY_ARTIST = ("artist", "artist-trainval", "artist-folds", "random-folds")
FACTS = ["recipe", "model", "encoder", "split"]
MODELS = {  # recipe, model, encoder
    "LeNet of the paper, pooled picture": ("paper", "lenet", "pool"),
    "LeNet corrected, pooled picture": ("corrected", "lenet", "pool"),
    "SVM, 57 audio features": ("closed-form", "svm", "features"),
    "SVM, texture of mel bands": ("closed-form", "svm", "texture"),
    "CNN, mel bands": ("augmented", "cnn", "bands"),
    "CRNN, mel bands": ("augmented", "crnn", "bands"),
    "CRNN and texture SVM": ("ensemble", "crnn+svm", "bands+texture"),
    "CRNN and both SVMs": ("ensemble", "crnn+svm+svm", "bands+texture+features"),
}
_, _, FEATURES, TEXTURE, CNN, CRNN, BEST, BOTH = MODELS
MEMBERS = {BEST: (CRNN, TEXTURE), BOTH: (CRNN, TEXTURE, FEATURES)}


class Record:
    """The tables of a data set: ``runs``, ``epochs``, ``answers`` and small ones.

    ``runs`` is indexed by name; ``epochs`` and ``answers`` are dicts of tables by run;
    ``artist`` maps tracks to artists.
    """

    def __init__(self, folder: Path, artists: Path):
        runs = pd.read_csv(folder / "runs.csv", index_col="run")
        self.runs = runs.rename(columns=lambda name: name.replace("subsets.", "n_"))
        epochs = pd.read_csv(folder / "epochs.csv.bz2").merge(
            self.runs[["n_train", "n_test"]], left_on="run", right_index=True
        )
        epochs["test_top2"] = epochs.test_top2 / epochs.n_test
        for part in ("train", "test"):
            epochs[f"{part}_accuracy"] = epochs[f"{part}_right"] / epochs[f"n_{part}"]
        self.epochs = dict(list(epochs.groupby("run")))
        types = dict.fromkeys(GENRES, np.float32)
        answers = pd.read_csv(folder / "answers.csv.bz2", dtype=types)
        answers["label"] = answers.truth.map(GENRES.index)
        answers[GENRES] = answers[GENRES].astype(float)
        self.answers, self.validation = (
            dict(list(answers[answers.part == part].groupby("run")))
            for part in ("test", "validation")
        )
        columns = [f"{a}_as_{b}" for a in GENRES for b in GENRES]
        self.confusions = {
            name: table[columns].to_numpy(int).reshape(-1, 10, 10)
            for name, table in pd.read_csv(folder / "confusions.csv.bz2").groupby("run")
        }
        self.data = pd.read_csv(folder / "data.csv").iloc[0]
        pooling = pd.read_csv(folder / "pooling.csv", index_col="upsampling")
        self.pooling = pooling.to_dict("index")
        codes = pd.read_csv(folder / "codes.csv")
        self.encoders = codes[codes.seed == 0].set_index("encoder").to_dict("index")
        self.of_pooling = codes.pivot(
            index="seed", columns="encoder", values="of_pooling"
        )
        self.learning = pd.read_csv(folder / "learning.csv.bz2")
        self.mixtures = pd.read_csv(folder / "mixtures.csv.bz2", dtype=types)
        self.artist = dict(pd.read_csv(artists, dtype=str)[["track", "artist"]].values)

    # Which runs, by name.
    def fitting(self, *facts):
        """Return the rows of runs with such facts, by seed."""
        fit = (self.runs[FACTS] == list(facts)).all(axis=1)
        return self.runs[fit].sort_values("seed")

    @cache
    def group(self, recipe, model="lenet", encoder="pool", split="random", epochs=None):
        """Return names of runs, one a seed: first whole partitions, most, longest."""
        fit = self.fitting(recipe, model, encoder, split)
        groups = [g for e, g in fit.groupby("epochs") if epochs in (None, e)]

        def order(part):
            return set(range(5)) <= set(part.seed), len(part), part.epochs.iloc[0]

        return list(max(groups, key=order).index) if groups else []

    @cache
    def longest(self, recipe, at_least=0, model="lenet", encoder="pool"):
        """Return of each seed the longest run of the paper's network."""
        fit = self.fitting(recipe, model, encoder, "random").sort_values("epochs")
        fit = fit[fit.epochs >= at_least].groupby("seed").tail(1)
        return list(fit.sort_values("seed").index)

    def partitions(self, names):
        """Return the runs of whole partitions of five seeds, or all without any."""
        by = self.runs.loc[names].seed // 5
        whole = by.groupby(by).transform("size") == 5
        return list(whole.index[whole]) or list(names)

    def seeds(self, names):
        """Return runs by their seed."""
        return {int(self.runs.seed[name]): name for name in names}

    # Of one run.
    @cache
    def answer(self, name):
        """Return tracks, labels and logits of a run's test tracks."""
        table = self.answers[name]
        return table.track.to_numpy(), table.label.to_numpy(), table[GENRES].to_numpy()

    @cache
    def confusion(self, name):
        """Count test pictures by true genre (row) and answer."""
        _, labels, logits = self.answer(name)
        counts = np.zeros((10, 10), int)
        np.add.at(counts, (labels, logits.argmax(1)), 1)
        return counts

    @cache
    def hits(self, name, of="accuracy"):
        """Tell of each test track of a run, or of a genre's, whether it counts."""
        _, labels, z = self.answer(name)
        said = z.argmax(1)
        if of in CALLED:
            return said[labels == CALLED[of][0]] == CALLED[of][1]
        if of == "mixed":
            wrong = np.where(labels == HIPHOP, said == REGGAE, said == HIPHOP)
            return wrong[np.isin(labels, (HIPHOP, REGGAE))]
        if of == "top2":
            best = np.argsort(-z, axis=1, kind="stable")[:, :2]
            return (best == labels[:, None]).any(1)
        if of == "saturated":  # printed as 100.0 %
            return special.softmax(z, axis=1).max(1) >= 0.9995
        return {"accuracy": said == labels}[of]

    def whose(self, tracks):
        """Return the artist of each track; an unknown one is of the track alone."""
        return np.array([self.artist.get(track, track) for track in tracks])

    @cache
    def one(self, name, of="accuracy"):
        """Return the share of ``hits``, by artist where the split is."""
        hits = self.hits(name, of)
        if self.runs.split[name] in BY_ARTIST and of in ("accuracy", "top2"):
            return share_by_artist(hits, self.whose(self.answer(name)[0]))
        return wilson(hits.sum(), len(hits))

    def at(self, name, curve, epoch=-1):
        """Return a curve's value in an epoch; -1 is the last."""
        values = self.epochs[name][curve].to_numpy()
        return values[epoch - 1 if epoch > 0 else -1]

    def reached(self, name, share=0.62):
        """Return the first epoch with a training accuracy (NaN if it is never)."""
        found = np.flatnonzero(self.epochs[name].train_accuracy >= share)
        return int(found[0]) + 1 if len(found) else NAN

    def loss_at(self, name, share=0.62):
        """Return the loss when a training accuracy is first reached (NaN if never)."""
        if not (epoch := self.reached(name, share)) > 1:
            return NAN
        two = self.epochs[name].iloc[epoch - 2 : epoch]
        return np.interp(share, two.train_accuracy, two.loss)

    def pair(self, name, loss=1.83, accuracy=0.62):
        """Return the first epoch whose loss and accuracy are as good as the paper's."""
        table = self.epochs[name]
        good = (table.loss <= loss) & (table.train_accuracy >= accuracy)
        return int(np.flatnonzero(good)[0]) + 1 if good.any() else None

    # Over seeds.
    def share(self, names, of="accuracy"):
        """Return a share over seeds, all pictures counted together.

        Of folds of artists, over repetitions of three, by artist.
        """
        split = self.runs.split[names[0]]
        if split.endswith("-folds") and of in ("accuracy", "top2"):
            return self.over_folds(names, of)
        pooled = np.concatenate([self.hits(name, of) for name in names]).mean()
        each = [self.one(name, of) for name in names]
        return over_seeds(each, split, pooled)

    def over_folds(self, names, of):
        """Return a share of folds of artists: each three seeds test every track."""
        by_seed, shares = self.seeds(names), []
        for first in range(0, max(by_seed) + 1, 3):
            some = [by_seed[first + fold] for fold in range(3)]
            artists = [self.whose(self.answer(name)[0]) for name in some]
            hits = np.concatenate([self.hits(name, of) for name in some])
            shares.append(share_by_artist(hits, np.concatenate(artists)))
        return over_seeds(shares, "")

    def curve(self, names, curve, epoch=-1):
        """Return a loss or accuracy of training over seeds."""
        mean = student([self.at(name, curve, epoch) for name in names], 1 / 4)
        return mean if curve == "loss" else clipped(mean)

    def tests_at(self, names, epoch, curve="test_accuracy"):
        """Return the test accuracy in an epoch, of each run."""
        sizes = [len(self.hits(name)) for name in names]
        values = [self.at(name, curve, epoch) for name in names]
        return [wilson(round(v * n), n) for v, n in zip(values, sizes, strict=True)]

    def test_at(self, names, epoch, curve="test_accuracy"):
        """Return the test accuracy in an epoch, over seeds."""
        return over_seeds(self.tests_at(names, epoch, curve), "random")

    def gain(self, ours, theirs, value, of=None):
        """Return by how much a value of runs exceeds that of others, by seed.

        ``of`` accuracy or top2 no surer than the pictures allow on which runs differ.
        """
        ours, theirs = self.seeds(ours), self.seeds(theirs)
        both = [(ours[s], theirs[s]) for s in sorted(set(ours) & set(theirs))]
        mean, *ends = student([value(a) - value(b) for a, b in both], 1 / 4)
        if of not in ("accuracy", "top2") or not ends:
            return mean, *ends
        pairs = [self.hits(a, of) * 1.0 - self.hits(b, of) for a, b in both]
        number = np.mean([len(each) for each in pairs]) * min(len(pairs), 5)
        half = stats.norm.ppf(0.975) * np.concatenate(pairs).std() / number**0.5
        return mean, min(ends[0], mean - half), max(ends[1], mean + half)

    # Dead genres.
    def shown(self, name):
        """Return how many training pictures of each genre a run has."""
        tests = np.bincount(self.answer(name)[1], minlength=10)
        return np.array(list(BY_GENRE.values())) - tests

    @cache
    def life(self, name):
        """Return when learning begins, and the silences since then."""
        answered, hits = (
            self.epochs[name][[f"{word}_{g}" for g in GENRES]].to_numpy()
            for word in ("answered", "right")
        )
        begins = learning_begins(hits, self.shown(name).max())
        return begins, silences(answered, begins)

    def fate(self, name, epoch):
        """Return of the silent genres those that died, and those not yet answered."""
        begins, found = self.life(name)
        silent = sorted({k for k, a, b in found if a + 9 <= epoch <= b})
        late = {k for k, a, b in found if a == begins and epoch <= b}
        return [k for k in silent if k not in late], [k for k in silent if k in late]

    def dead(self, name, epoch):
        """Return the genres that are silent in an epoch."""
        died, late = self.fate(name, epoch)
        return sorted(died + late)

    def moment(self, name, epoch):
        """Return loss, dead genres and the parts of the loss in an epoch."""
        dead, loss = self.dead(name, epoch), self.at(name, "loss", epoch)
        share = self.shown(name)[dead].sum() / self.shown(name).sum()
        wrong = 1 - self.at(name, "train_accuracy", epoch)
        found = {"dead": dead, "loss": loss, "of dead": share}
        return found | {"wrong": wrong - share, "unsure": loss - FLOOR - wrong}

    @cache
    def moments(self, recipe, epoch):
        """Return runs of the paper's network, with their epoch, that have begun.

        ``epoch`` is a number, or "pair", when a run first is as good as the paper.
        """
        found = []
        for name in self.longest(recipe):
            last, begins = int(self.runs.epochs[name]), self.life(name)[0]
            when = self.pair(name) if epoch == "pair" else epoch
            known = when in (30, 100, 300, last) or epoch == "pair"
            if when and when <= last and known and begins and begins <= when:
                found.append((name, when))
        return found

    @cache
    def hiphop(self, name):
        """Return (epochs, share) while hip-hop is dead, and the share while it lives.

        Shares of hip-hop's test pictures called reggae; each epoch counts. The
        intervals are those of one epoch's pictures.
        """
        begins, found = self.life(name)
        rows = self.confusions[name][:, HIPHOP]
        epochs = np.arange(len(rows)) + 1
        dead = np.zeros(len(rows), bool)
        for k, first, last in found:
            dead |= (k == HIPHOP) & (first <= epochs) & (epochs <= last)
        n, shares = rows[0].sum(), []
        for some in (dead, ~dead & (epochs >= (begins or np.inf))):
            share = rows[some, REGGAE].sum() / rows[some].sum() if some.any() else NAN
            ends = wilson(round(share * n), n)[1:] if some.any() else (NAN, NAN)
            shares.append((share, *ends))
        return int(dead.sum()), *shares

    @cache
    def compared(self, recipe):
        """Return the epoch that most seeds have, of several the last."""
        ends = {int(self.runs.epochs[name]) for name in self.longest(recipe)}
        counts = {e: len(self.moments(recipe, e)) for e in {30, 100, 300} | ends}
        return max(counts, key=lambda e: (counts[e], e in (30, 100, 300), e))
