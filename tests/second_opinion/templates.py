"""Sentences with numbers: where each number must be, and what it must be."""

import re
from functools import cache
from pathlib import Path

import numpy as np
from expected import (
    VERDICTS,
    called,
    claims,
    confused,
    folds,
    hiphop_means,
    leakage,
    mixtures,
    model,
    ours,
    verdict,
    verdicts,
)
from record import BY_GENRE
from scipy import stats
from statistics_again import FLOOR, student

NETWORK, BEST = "LeNet corrected, pooled picture", "CRNN and texture SVM"
NUM = r"-?\d[\d,]*(?:\.\d+)?"
ESTIMATE = rf"({NUM})(?: ?%)?(?:(?: points)? \[({NUM}), ({NUM})\])?"
# A field is {fact}, and {fact%} is 100 times it; «...» is a regular expression.
TEMPLATES = Path(__file__).with_name("sentences.txt").read_text("utf-8").splitlines()


@cache
def facts(r):
    """Return what the sentences tell, by name; estimates have three numbers."""
    names = {"one": r.group("corrected"), "two": r.group("paper")}
    long = {"one": r.longest("corrected"), "two": r.longest("paper")}
    compared = r.compared("paper")
    found = {
        "pictures": sum(BY_GENRE.values()),
        "fewest": min(BY_GENRE.values()),
        "predicted": FLOOR + 0.38,
        "predicted42": FLOOR + 0.5,
        "once": -0.38 * np.log(0.0005),
        "guess": np.log(10),
        "dead.when": compared,
        "dead.of": len(long["two"]),
        "others.low": 0.772,
        "others.high": 0.793,
        "claims": len(claims()),
        "bounds.low": 1.83 - 0.12,
        "bounds.high": 1.83 + 0.12,
        "runs": len(r.runs),
        "configurations": r.runs.groupby(
            ["recipe", "model", "encoder", "split", "epochs"]
        ).ngroups,
    }
    paper = {"pictures": 1000, "genre": 100, "train_n": 800, "test_n": 200}
    paper |= {"test": 0.45, "test42": 0.40, "test_abs": 0.50, "loss": 1.83}
    paper |= {"train": 0.62, "train42": 0.5, "wrong": 0.38, "top2": 0.70}
    paper["epochs_abs"] = 30
    found |= {f"paper.{k}": v for k, v in paper.items()}
    for key, group in names.items():
        at62 = [x for x in (r.loss_at(n, 0.62) for n in group) if np.isfinite(x)]
        train = r.curve(group, "train_accuracy")
        recipe = r.runs.recipe[group[0]]
        after = r.compared(recipe)
        begins = [r.life(n)[0] for n in long[key]]
        own = {
            "epochs": r.runs.epochs[group[0]],
            "n": len(group),
            "n62": len(at62),
            "at62": student(at62, 1 / 4),
            "loss": r.curve(group, "loss"),
            "train": train,
            "first": r.curve(group, "loss", 1),
            "wrong": 1 - train[0],
            "predicted": FLOOR + 1 - train[0],
            "test": r.share(group),
            "top2": r.share(group, k=2),
            "when": after,
            "test30": r.test_at(r.partitions(r.longest(recipe, 30)), 30),
            "called": r.counted(group, called),
            "begin": min(begins),
            "begun": max(begins),
        }
        found |= {f"{key}.{k}": v for k, v in own.items()}
        seeds = long[key]
        found[f"dead.{key}"] = sum(
            bool(r.dead(n, min(after, int(r.runs.epochs[n])))) for n in seeds
        )
        found[f"died.{key}"] = sum(
            any(first != r.life(n)[0] for _, first, _ in r.life(n)[1]) for n in seeds
        )
    dead, lives, seeds, _ = hiphop_means(r, "paper")
    lengths = [n for n in (r.hiphop(name)[0] for name in long["two"]) if n]
    pairs = [e for _, e in r.moments("paper", "pair")]
    found |= {"hiphop.dead": dead, "hiphop.lives": lives, "hiphop.seeds": seeds}
    found |= {"hiphop.shortest": min(lengths), "hiphop.longest": max(lengths)}
    found |= {"pair.first": min(pairs), "pair.last": max(pairs)}
    found["pair.test"] = ours(r, "test-accuracy-at-the-pair")[0]
    for at in (compared, "pair"):
        _, found[f"called.{at}"], found[f"most.{at}"] = confused(r, at)
    moments = [r.moment(*m) for m in r.moments("paper", compared)]
    found["slope"], found["slope.when"] = line(moments), compared
    for key, name in (("leak", NETWORK), ("best", BEST)):
        found |= {f"{key}.{k}": v for k, v in leakage(r, name, "all").items()}
        listed = leakage(r, name, "test list")
        found[f"{key}.listed"] = listed["tracks"]
        found[f"{key}.listed_unheard"] = listed["unheard"]
        found[f"{key}.lists"] = listed["lists"]
        found[f"{key}.control"] = leakage(r, name, "control")["difference"]
    rows, by_share, found["mix.pairs"] = mixtures(r)
    found["mix.either"], found["mix.both"] = (
        rows["50 : 50", name]
        for name in ("likeliest is either", "two likeliest are both")
    )
    found["mix.alone"], found["mix.both_alone"] = (
        rows["alone", name]
        for name in ("likeliest is either", "two likeliest are both")
    )
    found |= {f"mix.{100 * share:.0f}": x[:1] for share, x in by_share.items()}
    found["best.artist"] = r.share(model(r, BEST, "artist"))
    for prefix, only in (("verdicts", None), ("v05", False)):
        counts = verdicts(r, only)
        found |= {f"{prefix}.{v}": counts[v] for v in VERDICTS}
        found[f"claims{prefix[1:]}"] = sum(counts.values())
    found |= {
        f"claim.{claim}": ours(r, claim)[0] for claim in claims() if ours(r, claim)
    }
    conv = r.encoders["conv"]["mse"]
    times = {f"times.{k}": row["mse"] / conv for k, row in r.encoders.items()}
    found |= {"conv.mse": conv, "encoder.times": times["times.bicubic"]} | times
    found["conv.share"] = 1 / times["times.bicubic"]
    for mode, row in r.pooling.items():
        found |= {f"pool.{mode}": row["mse"], f"pool4.{mode}": row["mse"] * 3 / 4}
    weights = 4 * (2 * 373248 * 23328 + 373248 + 23328)
    found |= {"weights": weights / 4, "weights.gb": weights / 1e9}
    found["weights.gb4"] = 4 * weights / 1e9
    found |= paired(r)
    found |= {"certain": 20, "floor": FLOOR, "floor1": FLOOR + 1}
    sizes = (25 * 3 + 1) * 6, (25 * 6 + 1) * 16, (16 * 15 * 24 + 1) * 120, 121 * 10
    found |= {f"layer.{k}": n for k, n in enumerate(sizes, 1)}
    return {k: v if isinstance(v, tuple) else (float(v),) for k, v in found.items()}


def paired(r):
    """Return one softmax minus two in test accuracy, paired by seed."""
    once, twice, long = r.group("corrected"), r.group("paper"), r.longest("paper")

    def right(name):
        return int(np.argmax(r.epochs[name].train_accuracy.to_numpy() >= 0.62)) + 1

    def when_right(names):
        reached = [n for n in names if np.isfinite(r.loss_at(n, 0.62))]
        seeds = r.seeds(reached)
        return {s: r.at(n, "test_accuracy", right(n)) for s, n in seeds.items()}

    ends = {s: r.accuracy(n)[0] for s, n in r.seeds(once).items()}
    others = {
        "300": {s: r.at(n, "test_accuracy", 300) for s, n in r.seeds(long).items()},
        "1800": {s: r.accuracy(n)[0] for s, n in r.seeds(twice).items()},
        "same": when_right(long),
    }
    found = {}
    for key, theirs in others.items():
        ours_ = when_right(r.longest("corrected")) if key == "same" else ends
        both = sorted(set(ours_) & set(theirs))
        found[f"gain.{key}"] = student([ours_[s] - theirs[s] for s in both], 1 / 4)
        found[f"gain.{key}.n"] = len(both)
        for which, values in (("once", ours_), ("twice", theirs)):
            found[f"gain.{key}.{which}"] = student([values[s] for s in both], 1 / 4)
    silent = [r.fate(n, min(300, int(r.runs.epochs[n]))) for n in long]
    found["died.300"] = sum(bool(dead) for dead, _ in silent)
    found["waiting.300"] = sum(bool(late) for _, late in silent)
    found["two.300"] = r.test_at(long, 300)
    for k, names in (("two", twice), ("rest", [n for n in long if n not in twice])):
        found[f"{k}.pairs"] = sum(bool(r.pair(n)) for n in names)
        found[f"{k}.runs"] = len(names)
    for claim in claims().values():
        for k, name in enumerate(VERDICTS[:3]):
            key = f"kind.{claim.get('kind')}.{k}"
            found[key] = found.get(key, 0) + (verdict(r, claim) == name)
    tracks = folds(r, NETWORK, "artist-folds")[0]
    whose, sizes = np.unique(r.whose(tracks), return_counts=True)
    alone = set(whose[sizes == 1])
    found["control"], found["unknown"] = len(alone), len(alone & set(tracks))
    for key in ("mean", "test"):
        found[f"{key}.at62"], found[f"{key}.loss"] = (
            student([other_loss(r, n, key, k(n)) for n in once], 1 / 4)
            for k in (right, lambda n: int(r.runs.epochs[n]))
        )
    found["one.train30"] = r.curve(r.longest("corrected", 30), "train_accuracy", 30)
    return found


def other_loss(r, name, key, epoch):
    """Return what a run might have printed as its loss after an epoch."""
    curves = r.epochs[name].iloc[:epoch]
    return curves["loss"].mean() if key == "mean" else curves["test_loss"].iloc[-1]


@cache
def of_run(r, name):
    """Return what the page of one run tells."""
    counts, row = r.confusion(name), r.runs.loc[name]
    wrong = counts - np.diag(counts.diagonal())
    worst = np.unravel_index(wrong.argmax(), wrong.shape)
    found = {
        "run.train_n": row.n_train,
        "run.test_n": row.n_test,
        "run.train": r.at(name, "train_accuracy", -1),
        "run.test": r.accuracy(name),
        "run.top2": r.accuracy(name, 2),
        "run.mistakes": wrong[worst],
        "run.mistaken": counts[worst[0]].sum(),
    }
    if row.encoder == "pool":
        found["run.begins"] = r.life(name)[0]
    return {k: v if isinstance(v, tuple) else (float(v),) for k, v in found.items()}


def line(moments):
    """Return the slope of the loss by dead genres, over seeds."""
    fit = stats.linregress(
        [len(m["dead"]) for m in moments], [m["loss"] for m in moments]
    )
    half = stats.t.ppf(0.975, len(moments) - 2) * fit.stderr
    return fit.slope, fit.slope - half, fit.slope + half


def flexible(text: str) -> str:
    """Return a pattern of text whose lines may be broken, and words hyphenated."""
    words = [re.escape(word).replace(r"\-", r"-?\s*") for word in text.split()]
    return r"\s+".join(words)


@cache
def pattern(template: str) -> tuple[re.Pattern, list[str]]:
    """Return the pattern of a sentence, and the names of its fields."""
    out, names = "", []
    for part in re.split(r"(\{[^}]+\}|«[^»]+»)", template):
        if part.startswith("{"):
            names.append(part[1:-1])
            out += ESTIMATE
        elif part.startswith("«"):
            out += f"(?:{part[1:-1]})"
        elif part:
            left = r"\s+" if part[0] == " " else ""
            out += (
                left
                + flexible(part)
                + (r"\s+" if part[-1] == " " and part.strip() else "")
            )
    return re.compile(out), names
