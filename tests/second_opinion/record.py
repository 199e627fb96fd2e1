"""What the record's tables hold, and plain questions to it. Nothing of gtzan_lib."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import special
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
BY_ARTIST = ("artist", "artist-trainval", "artist-folds", "random-folds")
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
MEMBERS = {
    "CRNN and texture SVM": ("CRNN, mel bands", "SVM, texture of mel bands"),
    "CRNN and both SVMs": (
        "CRNN, mel bands",
        "SVM, texture of mel bands",
        "SVM, 57 audio features",
    ),
}


def recall(counts, k: int) -> tuple:
    """Return the share of a genre that is recognised, of a confusion matrix."""
    return wilson(counts[k, k], counts[k].sum())


def mixed(counts) -> tuple:
    """Return of hip-hop and reggae the share that is called the other."""
    both = [HIPHOP, REGGAE]
    wrong = counts[HIPHOP, REGGAE] + counts[REGGAE, HIPHOP]
    return wilson(wrong, counts[both].sum())


class Record:
    """The tables of a data set: ``runs``, ``epochs``, ``answers`` and small ones.

    ``runs`` is indexed by name; ``epochs`` and ``answers`` are dicts of tables by run;
    ``artist`` maps tracks to artists.
    """

    def __init__(self, folder: Path, artists: Path):
        runs = pd.read_csv(folder / "runs.csv", index_col="run")
        names = {f"subsets.{k}": f"n_{k}" for k in ("train", "test", "validation")}
        self.runs = runs.rename(columns=names)
        epochs = pd.read_csv(folder / "epochs.csv.gz").merge(
            self.runs[["n_train", "n_test"]], left_on="run", right_index=True
        )
        epochs["test_top2"] = epochs.test_top2 / epochs.n_test
        for part in ("train", "test"):
            epochs[f"{part}_accuracy"] = epochs[f"{part}_right"] / epochs[f"n_{part}"]
        self.epochs = dict(list(epochs.groupby("run")))
        types = dict.fromkeys(GENRES, np.float32)
        answers = pd.read_csv(folder / "answers.csv.gz", dtype=types)
        answers["label"] = answers.truth.map(GENRES.index)
        answers[GENRES] = answers[GENRES].astype(float)
        parts = {
            part: dict(list(t.groupby("run"))) for part, t in answers.groupby("part")
        }
        self.answers, self.validation = parts["test"], parts["validation"]
        counts = pd.read_csv(folder / "confusions.csv.gz")
        columns = [f"{a}_as_{b}" for a in GENRES for b in GENRES]
        self.confusions = {
            name: table[columns].to_numpy().reshape(-1, 10, 10)
            for name, table in counts.groupby("run")
        }
        self.data = pd.read_csv(folder / "data.csv").iloc[0]
        pooling = pd.read_csv(folder / "pooling.csv", index_col="upsampling")
        self.pooling = pooling.to_dict("index")
        codes = pd.read_csv(folder / "codes.csv")
        self.encoders = codes[codes.seed == 0].set_index("encoder").to_dict("index")
        self.of_pooling = codes.groupby("encoder").of_pooling.apply(list).to_dict()
        learning = pd.read_csv(folder / "learning.csv")
        self.learning = [
            {
                "encoder": encoder,
                "train": sorted(part.train.unique()),
                "tests": part[part.train == part.train.max()].tests.to_numpy(),
                "hits": [p.hits.to_numpy() for _, p in part.groupby("train")],
            }
            for (encoder, _), part in learning.groupby(["encoder", "seed"])
        ]
        self.mixtures = pd.read_csv(folder / "mixtures.csv.gz", dtype=types)
        self.artist = (
            pd.read_csv(artists, dtype=str).set_index("track").artist.to_dict()
        )

    @cache  # noqa: B019 (there is one record)
    def group(self, recipe, model="lenet", encoder="pool", split="random", epochs=None):
        """Return names of runs, one a seed: first whole partitions, most, longest."""
        runs = self.runs
        fit = runs[(runs.recipe == recipe) & (runs.model == model)]
        fit = fit[(fit.encoder == encoder) & (fit.split == split)]
        if epochs:
            return list(fit[fit.epochs == epochs].sort_values("seed").index)
        groups = [part.sort_values("seed") for _, part in fit.groupby("epochs")]

        def order(part):
            return set(range(5)) <= set(part.seed), len(part), part.epochs.iloc[0]

        return list(max(groups, key=order).index) if groups else []

    @cache  # noqa: B019 (there is one record)
    def longest(self, recipe, at_least=0, **facts):
        """Return of each seed the longest run of the paper's network."""
        wanted = {"model": "lenet", "encoder": "pool", "split": "random"} | facts
        fit = self.runs[(self.runs.recipe == recipe) & (self.runs.epochs >= at_least)]
        for name, fact in wanted.items():
            fit = fit[fit[name] == fact]
        return list(
            fit.sort_values("epochs").groupby("seed").tail(1).sort_values("seed").index
        )

    def partitions(self, names):
        """Return the runs of whole partitions of five seeds, or all without any."""
        by = self.runs.loc[names].seed // 5
        whole = by.groupby(by).transform("size") == 5
        return list(whole.index[whole]) or list(names)

    def seeds(self, names):
        """Return runs by their seed."""
        return {int(self.runs.seed[name]): name for name in names}

    def test_counts(self, name, epoch):
        """Count test pictures by genre and answer in an epoch."""
        return self.confusions[name][epoch - 1].astype(int)

    def answered_hiphop(self, name):
        """Return the answers for hip-hop's test pictures, (epochs, 10)."""
        return self.confusions[name][:, HIPHOP].astype(int)

    # Of one run.
    @cache  # noqa: B019 (there is one record)
    def answer(self, name):
        """Return tracks, labels and logits of a run's test tracks."""
        table = self.answers[name]
        return table.track.to_numpy(), table.label.to_numpy(), table[GENRES].to_numpy()

    @cache  # noqa: B019 (there is one record)
    def confusion(self, name):
        """Count test pictures by true genre (row) and answer."""
        _, labels, logits = self.answer(name)
        counts = np.zeros((10, 10), int)
        np.add.at(counts, (labels, logits.argmax(1)), 1)
        return counts

    @cache  # noqa: B019 (there is one record)
    def hits(self, name, k=1):
        """Tell for each test track whether its genre is among the ``k`` likeliest."""
        _, labels, logits = self.answer(name)
        best = np.argsort(-logits, axis=1, kind="stable")[:, :k]
        return (best == labels[:, None]).any(1)

    def whose(self, tracks):
        """Return the artist of each track; an unknown one is of the track alone."""
        return np.array([self.artist.get(track, track) for track in tracks])

    @cache  # noqa: B019 (there is one record)
    def accuracy(self, name, k=1):
        """Return the share right, by artist where the split is."""
        hits = self.hits(name, k)
        if self.runs.split[name] in BY_ARTIST:
            return share_by_artist(hits, self.whose(self.answer(name)[0]))
        return wilson(hits.sum(), len(hits))

    def saturated(self, name):
        """Return the share of test pictures with a percentage printed as 100.0."""
        sure = special.softmax(self.answer(name)[2], axis=1).max(1)
        return wilson((sure >= 0.9995).sum(), len(sure))

    def at(self, name, curve, epoch):
        """Return a curve's value in an epoch; -1 is the last."""
        values = self.epochs[name][curve].to_numpy()
        return values[epoch - 1 if epoch > 0 else -1]

    def loss_at(self, name, share):
        """Return the loss when a training accuracy is first reached (NaN if never)."""
        table = self.epochs[name]
        right, loss = table.train_accuracy.to_numpy(), table.loss.to_numpy()
        reached = np.flatnonzero(right >= share)
        if not len(reached) or reached[0] == 0:
            return NAN
        i = reached[0]
        part = (share - right[i - 1]) / (right[i] - right[i - 1])
        return loss[i - 1] + part * (loss[i] - loss[i - 1])

    def pair(self, name, loss=1.83, accuracy=0.62):
        """Return the first epoch whose loss and accuracy are as good as the paper's."""
        table = self.epochs[name]
        good = (table.loss <= loss) & (table.train_accuracy >= accuracy)
        return int(np.flatnonzero(good)[0]) + 1 if good.any() else None

    # Over seeds.
    def share(self, names, of="accuracy", k=1):
        """Return accuracy or top-2 over seeds, all pictures counted together."""
        split = self.runs.split[names[0]]
        pooled = np.concatenate([self.hits(name, k) for name in names]).mean()
        return over_seeds([self.accuracy(name, k) for name in names], split, pooled)

    def counted(self, names, count):
        """Return what is counted in confusion matrices, over seeds."""
        matrices = [self.confusion(name) for name in names]
        pooled = count(sum(matrices))[0]
        return over_seeds(
            [count(m) for m in matrices], self.runs.split[names[0]], pooled
        )

    def curve(self, names, curve, epoch=-1):
        """Return a loss or accuracy of training over seeds."""
        mean = student([self.at(name, curve, epoch) for name in names], 1 / 4)
        return mean if curve == "loss" else clipped(mean)

    def test_at(self, names, epoch, curve="test_accuracy"):
        """Return the test accuracy in an epoch, over seeds."""
        return over_seeds(self.tests_at(names, epoch, curve), "random")

    def tests_at(self, names, epoch, curve="test_accuracy"):
        """Return the test accuracy in an epoch, of each run."""
        shares = []
        for name in names:
            n = len(self.hits(name))
            shares.append(wilson(round(self.at(name, curve, epoch) * n), n))
        return shares

    def gain(self, ours, theirs, metric, ratio=1 / 4):
        """Return by how much runs exceed others of the same seeds."""
        ours, theirs = self.seeds(ours), self.seeds(theirs)
        both = sorted(set(ours) & set(theirs))
        return student([metric(ours[s]) - metric(theirs[s]) for s in both], ratio)

    # Dead genres.
    @cache  # noqa: B019 (there is one record)
    def life(self, name):
        """Return when learning begins, and the silences since then."""
        answered, hits = (
            self.epochs[name][[f"{word}_{g}" for g in GENRES]].to_numpy()
            for word in ("answered", "right")
        )
        tests = np.bincount(self.answer(name)[1], minlength=10)
        largest = (np.array(list(BY_GENRE.values())) - tests).max()
        begins = learning_begins(hits, largest)
        return begins, silences(answered, begins)

    def dead(self, name, epoch):
        """Return the genres that are dead in an epoch."""
        found = {
            k for k, first, last in self.life(name)[1] if first + 9 <= epoch <= last
        }
        return sorted(found)

    def fate(self, name, epoch):
        """Return of the silent genres those that died, and those not yet answered."""
        begins, found = self.life(name)
        late = {k for k, first, last in found if first == begins and epoch <= last}
        silent = self.dead(name, epoch)
        return [k for k in silent if k not in late], [k for k in silent if k in late]

    def moment(self, name, epoch):
        """Return loss, dead genres and the parts of the loss in an epoch."""
        dead, loss = self.dead(name, epoch), self.at(name, "loss", epoch)
        tests = np.bincount(self.answer(name)[1], minlength=10)
        shown = np.array(list(BY_GENRE.values())) - tests
        share = shown[dead].sum() / shown.sum()
        accuracy = self.at(name, "train_accuracy", epoch)
        return {
            "dead": dead,
            "loss": loss,
            "of dead": share,
            "wrong": 1 - accuracy - share,
            "unsure": loss - FLOOR - 1 + accuracy,
        }

    @cache  # noqa: B019 (there is one record)
    def moments(self, recipe, epoch):
        """Return runs of the paper's network, with their epoch, that have begun.

        ``epoch`` is a number, or "pair", when a run first is as good as the paper.
        """
        found = []
        for name in self.longest(recipe):
            last = int(self.runs.epochs[name])
            when = self.pair(name) if epoch == "pair" else epoch
            begins = self.life(name)[0]
            known = when in (30, 100, 300, last) or epoch == "pair"
            if when and when <= last and known and begins and begins <= when:
                found.append((name, when))
        return found

    def called(self, name, epoch):
        """Return how much of hip-hop's test pictures is called reggae in an epoch."""
        row = self.test_counts(name, epoch)[HIPHOP]
        return wilson(row[REGGAE], row.sum())

    @cache  # noqa: B019 (there is one record)
    def hiphop(self, name):
        """Return (epochs, share) while hip-hop is dead, and the share while it lives.

        Shares of hip-hop's test pictures called reggae; each epoch counts. The
        intervals are those of one epoch's pictures.
        """
        begins, found = self.life(name)
        rows = self.answered_hiphop(name)
        epochs = np.arange(len(rows)) + 1
        dead = np.zeros(len(rows), bool)
        for k, first, last in found:
            dead |= (k == HIPHOP) & (first <= epochs) & (epochs <= last)
        lives = ~dead & (epochs >= (begins or np.inf))
        n, shares = rows[0].sum(), []
        for some in (dead, lives):
            share = rows[some, REGGAE].sum() / rows[some].sum() if some.any() else NAN
            interval = wilson(round(share * n), n)[1:] if some.any() else (NAN, NAN)
            shares.append((share, *interval))
        return int(dead.sum()), *shares

    @cache  # noqa: B019 (there is one record)
    def compared(self, recipe):
        """Return the epoch that most seeds have, of several the last."""
        ends = {int(self.runs.epochs[name]) for name in self.longest(recipe)}
        counts = {e: len(self.moments(recipe, e)) for e in {30, 100, 300} | ends}
        return max(counts, key=lambda e: (counts[e], e in (30, 100, 300), e))
