"""Sentences with numbers: where each number must be, and what it must be."""

import re
from functools import cache
from pathlib import Path

import numpy as np
import public_code
from expected import folds, leakage, model
from ledger import (
    VERDICTS,
    WEIGHTS,
    claims,
    confused,
    hiphop_means,
    judged,
    mixtures,
    ours,
    verdicts,
)
from record import BEST, FACTS
from scipy import stats
from statistics_again import FLOOR, student

NETWORK = "LeNet corrected, pooled picture"
NUM = r"-?\d[\d,]*(?:\.\d+)?"
ESTIMATE = rf"({NUM})(?: ?%)?(?:(?: points)? \[({NUM}), ({NUM})\])?"
# A field is {fact}, {fact%} is 100 times it, and {=sum} is arithmetic; «...» is a
# regular expression.
TEMPLATES = Path(__file__).with_name("sentences.txt").read_text("utf-8").splitlines()
ARITHMETIC = {"FLOOR": FLOOR, "WEIGHTS": WEIGHTS, "log": np.log}


def told(facts: dict, field: str) -> tuple:
    """Return what a field of a sentence must be, or nothing where nobody knows."""
    if field.startswith("="):
        return (float(eval(field[1:], ARITHMETIC)),)
    found = facts.get(field.rstrip("%"), ())
    found = found if isinstance(found, tuple) else (float(found),)
    return found if found and np.isfinite(found[0]) else ()


@cache
def facts(r):
    """Return what the sentences tell, by name; estimates have three numbers."""
    found = {"claims": len(claims()), "runs": len(r.runs)}
    found["configurations"] = r.runs.groupby([*FACTS, "epochs"]).ngroups
    for key, recipe in (("one", "corrected"), ("two", "paper")):
        of = of_recipe(r, recipe)
        found |= {f"{key}.{k}": v for k, v in of.items()}
        for what in ("dead", "died"):
            found[f"{what}.{key}"] = of[what]
    for key, name in (("leak", NETWORK), ("best", BEST)):
        found |= {f"{key}.{k}": v for k, v in leakage(r, name, "all").items()}
        listed = leakage(r, name, "test list")
        found |= {f"{key}.listed": listed["tracks"], f"{key}.lists": listed["lists"]}
        found[f"{key}.listed_unheard"] = listed["unheard"]
        for part in ("control", "rest"):
            found[f"{key}.{part}"] = leakage(r, name, part)["difference"]
    found["best.artist"] = r.share(model(r, BEST, "artist"))
    rows, by_share, found["mix.pairs"] = mixtures(r)
    for key, mix in (("", "50 : 50"), ("_alone", "alone")):
        for what, column in (("either", "likeliest is"), ("both", "two likeliest are")):
            found[f"mix.{what}{key}"] = rows[mix, f"{column} {what}"]
    found |= {"mix.alone": found["mix.either_alone"]}
    found |= {f"mix.{100 * share:.0f}": x[:1] for share, x in by_share.items()}
    found |= silent_genres(r) | of_claims(r) | paired(r)
    found |= public_code.facts()
    mse = {name: row["mse"] for name, row in r.encoders.items()}
    best = min(("patch", "factorised", "conv", "conv-tanh"), key=mse.get)
    found |= {f"times.{name}": x / mse[best] for name, x in mse.items()}
    found |= {"code.mse": mse[best], "encoder.times": mse["bicubic"] / mse["conv"]}
    found["code.share"] = 1 / found["times.bicubic"]
    pool, codes = r.group("corrected"), r.group("corrected", encoder=best)
    found["code.gain"] = r.gain(codes, pool, lambda n: r.one(n)[0], "accuracy")
    linear = r.group("corrected", encoder="conv")
    found |= {"code.seeds": len(codes), "conv.seeds": len(linear)}
    for mode, row in r.pooling.items():
        found |= {f"pool.{mode}": row["mse"], f"pool4.{mode}": row["mse"] * 3 / 4}
    return found


def of_recipe(r, recipe):
    """Return what is told of the main runs of a recipe."""
    group, seeds, after = r.group(recipe), r.longest(recipe), r.compared(recipe)
    at62 = [x for x in map(r.loss_at, group) if np.isfinite(x)]
    train, lives = r.curve(group, "train_accuracy"), [r.life(n) for n in seeds]
    ends = [min(after, int(r.runs.epochs[n])) for n in seeds]
    return {
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
        "top2": r.share(group, "top2"),
        "when": after,
        "test30": r.test_at(r.partitions(r.longest(recipe, 30)), 30),
        "called": r.share(group, "hip-hop called reggae"),
        "begin": min(begins for begins, _ in lives),
        "begun": max(begins for begins, _ in lives),
        "dead": sum(bool(r.dead(*each)) for each in zip(seeds, ends, strict=True)),
        "died": sum(any(a != begins for _, a, _ in found) for begins, found in lives),
    }


def silent_genres(r):
    """Return what is told of silent genres with two softmaxes."""
    long, compared = r.longest("paper"), r.compared("paper")
    found = {"dead.when": compared, "dead.of": len(long), "slope.when": compared}
    found["hiphop.dead"], found["hiphop.lives"], n = hiphop_means(r, "paper")
    lengths = [n for n in (r.hiphop(name)[0] for name in long) if n]
    found |= {"hiphop.shortest": min(lengths), "hiphop.longest": max(lengths)}
    pairs = [e for _, e in r.moments("paper", "pair")]
    found |= {"pair.first": min(pairs), "pair.last": max(pairs), "hiphop.seeds": n}
    found["pair.test"] = ours(r, "test-accuracy-at-the-pair")[0]
    for at in (compared, "pair"):
        _, found[f"called.{at}"], found[f"most.{at}"] = confused(r, at)
    moments = [r.moment(*m) for m in r.moments("paper", compared)]
    points = np.array([(len(m["dead"]), m["loss"]) for m in moments])
    fit = stats.linregress(*points.T)  # the loss by the number of silent genres
    half = stats.t.ppf(0.975, len(points) - 2) * fit.stderr
    found["slope"] = fit.slope, fit.slope - half, fit.slope + half
    silent = [r.fate(n, min(300, int(r.runs.epochs[n]))) for n in long]
    for k, what in enumerate(("died", "waiting")):
        found[f"{what}.300"] = sum(bool(each[k]) for each in silent)
    twice = r.group("paper")
    for k, names in (("two", twice), ("rest", [n for n in long if n not in twice])):
        found[f"{k}.pairs"] = sum(bool(r.pair(n)) for n in names)
        found[f"{k}.runs"] = len(names)
    return found


def of_claims(r):
    """Return the claims' numbers, and how many have each verdict."""
    found = {f"claim.{name}": ours(r, name)[0] for name in claims() if ours(r, name)}
    for key, proposed in (("verdicts", None), ("v05", False)):
        counts = verdicts(r, proposed)
        found |= {f"{key}.{verdict}": n for verdict, n in counts.items()}
    found["claims05"] = sum(counts.values())
    kinds = [(c.get("kind"), judged(r)[name]) for name, c in claims().items()]
    for kind in {kind for kind, _ in kinds}:
        for k, verdict in enumerate(VERDICTS[:3]):
            found[f"kind.{kind}.{k}"] = kinds.count((kind, verdict))
    return found


def paired(r):
    """Return one softmax minus two in test accuracy, paired by seed."""
    once, twice, long = r.group("corrected"), r.group("paper"), r.longest("paper")

    def when_right(names):
        seeds = r.seeds([n for n in names if np.isfinite(r.loss_at(n))])
        return {s: r.at(n, "test_accuracy", r.reached(n)) for s, n in seeds.items()}

    ends = {s: r.one(n)[0] for s, n in r.seeds(once).items()}
    after = {s: r.at(n, "test_accuracy", 300) for s, n in r.seeds(long).items()}
    others = {
        "300": (ends, after),
        "1800": (ends, {s: r.one(n)[0] for s, n in r.seeds(twice).items()}),
        "same": (when_right(r.longest("corrected")), when_right(long)),
    }
    found = {"two.300": r.test_at(long, 300)}
    for key, (first, second) in others.items():
        both = sorted(set(first) & set(second))
        values = np.array([(first[s], second[s]) for s in both])
        found[f"gain.{key}"] = student(values[:, 0] - values[:, 1], 1 / 4)
        found[f"gain.{key}.n"] = len(both)
        for k, which in enumerate(("once", "twice")):
            found[f"gain.{key}.{which}"] = student(values[:, k], 1 / 4)
    tracks = folds(r, NETWORK, "artist-folds")[0]
    whose, sizes = np.unique(r.whose(tracks), return_counts=True)
    alone = set(whose[sizes == 1])
    found |= {"control": len(alone), "unknown": len(alone & set(tracks))}
    printed = {
        "mean": lambda t: t.loss.expanding().mean(),
        "test": lambda t: t.test_loss,
    }
    for key, loss in printed.items():  # what a run might have printed as its loss
        for name, epoch in (("at62", r.reached), ("loss", lambda n: 0)):
            values = [loss(r.epochs[n]).iloc[epoch(n) - 1] for n in once]
            found[f"{key}.{name}"] = student(values, 1 / 4)
    found["one.train30"] = r.curve(r.longest("corrected", 30), "train_accuracy", 30)
    return found


@cache
def of_run(r, name):
    """Return what the page of one run tells."""
    counts, row = r.confusion(name), r.runs.loc[name]
    wrong = counts - np.diag(counts.diagonal())
    worst = np.unravel_index(wrong.argmax(), wrong.shape)
    return {
        "run.train_n": row.n_train,
        "run.test_n": row.n_test,
        "run.train": r.at(name, "train_accuracy"),
        "run.test": r.one(name),
        "run.top2": r.one(name, "top2"),
        "run.mistakes": wrong[worst],
        "run.mistaken": counts[worst[0]].sum(),
        "run.begins": r.life(name)[0] if row.encoder == "pool" else np.nan,
    }


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
            after = part[-1] == " " and part.strip()
            out += r"\s+" * (part[0] == " ") + flexible(part) + r"\s+" * bool(after)
    return re.compile(out), names
