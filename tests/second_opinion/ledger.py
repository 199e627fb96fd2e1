"""The ledger's claims, measured and judged again from the record's tables."""

import json
import re
import tomllib
from functools import cache
from pathlib import Path

import numpy as np
from record import (
    BY_GENRE,
    CRNN,
    FEATURES,
    GENRES,
    HIPHOP,
    MODELS,
    REGGAE,
    TEXTURE,
)
from scipy import stats
from statistics_again import (
    NAN,
    bootstrapped_place,
    jackknife,
    mean_over_pairs,
    over_seeds,
    place,
    student,
    wilson,
)

LEDGER = Path(__file__).parents[2] / "report" / "claims.toml"
FACTS = "gtzan_lib/app/model/facts.json"  # measured when the page's model was made
VERDICTS = ("reproduced", "not reproduced", "undecided")
VERDICTS += ("contradicted by the paper itself", "cannot be tested")
PICTURE, CODE = 288 * 432 * 3, 72 * 108 * 3
WEIGHTS = 2 * PICTURE * CODE + PICTURE + CODE  # there and back, with biases


@cache
def claims():
    """Return the claims of the ledger with their rules, by id."""
    ledger = tomllib.loads(LEDGER.read_text("utf-8"))
    for claim in ledger["claim"]:
        if "prints" in claim:
            claim["paper"] = ledger["paper"][claim["section"]][claim["prints"]]
        printed = re.search(r"\d[\d,.]*", claim["paper"])
        number = float(printed[0].replace(",", "")) if printed else NAN
        if "tolerance" in claim:
            claim.setdefault("value", number)
            claim["because"] = ledger["tolerance"][claim["tolerance"]]["reason"]
            claim["tolerance"] = ledger["tolerance"][claim["tolerance"]]["size"]
        if claim.get("below") is True:
            claim["below"] = number
    return {claim["id"]: claim for claim in ledger["claim"]}


def beside_claim(p):
    """Return the claim that a place's row is about, if any."""
    said = (p.beside or {}).get("claim")
    return next((c for c in claims().values() if c["claim"] == said), None)


# ---- What claims are measured by: estimate, number of seeds, and single values ----


def chosen(r, recipe, epoch=1, **facts):
    """Return runs of whole partitions: all that were trained so far after epoch 1."""
    if epoch in (None, 1):
        return r.partitions(r.group(recipe, **facts))
    return r.partitions(r.longest(recipe, epoch, **facts))


def value_of(r, metric, epoch):
    """Return what a single run has of a metric, as a function of its name."""
    if metric in ("loss", "train_accuracy", "test_accuracy", "test_top2"):
        return lambda name: r.at(name, metric, epoch or -1)
    return lambda name: r.one(name, metric)[0]


def metric(r, metric, epoch=None, genre=None, other=None, **facts):
    if not (names := chosen(r, epoch=epoch, **facts)):
        return None
    metric = "hip-hop called reggae" if metric == "called" else metric
    each = [value_of(r, metric, epoch)(name) for name in names]
    if metric in ("loss", "train_accuracy"):
        return r.curve(names, metric, epoch or -1), len(names), each
    if metric.startswith("test_"):
        each = [share[0] for share in r.tests_at(names, epoch, metric)]
        return r.test_at(names, epoch, metric), len(names), each
    return r.share(names, metric), len(names), each


def gain(r, metric, of, against, epoch=None, genre=None, other=None):
    """Return a paired difference over whole partitions of shared seeds."""
    groups = [r.seeds(chosen(r, epoch=epoch, **facts)) for facts in (of, against)]
    both = sorted(set.intersection(*map(set, groups)))
    ours, theirs = (r.partitions([group[s] for s in both]) for group in groups)
    if not both:
        return None
    return r.gain(ours, theirs, value_of(r, metric, epoch), metric), len(ours), ()


def stopped(r, recipe, split):
    """Return test accuracy where validation is best, minus that at the end."""
    names = r.partitions(r.group(recipe, split=split))
    tables = [r.epochs[name].reset_index() for name in names]
    if not tables:
        return None
    best = [t.test_accuracy[t.validation_right.idxmax()] for t in tables]
    gains = [b - t.test_accuracy.iloc[-1] for b, t in zip(best, tables, strict=True)]
    return student(gains, 1 / 3), len(names), gains


def literal(r):
    values = json.loads(r.data["literal_autoencoder.of_pooling"])
    return student(values, 1 / 4), len(values), ()


def page(r):
    facts = json.loads((LEDGER.parents[1] / FACTS).read_text("utf-8"))["elsewhere"]
    facts = facts["accuracy"]
    return (facts["value"], facts["low"], facts["high"]), None, ()


def beside_others(r, metric, recipe):
    """Return the paper's network minus the mean of the models of notebook 06."""
    others = [*list(MODELS)[1:2], FEATURES, TEXTURE, CRNN]
    others = [r.group(*MODELS[name], "random") for name in others]
    groups = [r.seeds(g) for g in (r.group(recipe), *others)]
    both = sorted(set.intersection(*map(set, groups)))
    rows = np.array([[r.one(g[s])[0] for s in both] for g in groups])
    values = rows[0] - rows[1:].mean(0)
    return student(values, 1 / 4), len(both), list(values)


def more_data(r, encoder):
    """Return what the second half of the training tracks adds, by artist."""
    gains, tests, ratios = [], [], []
    for _, curve in r.learning[r.learning.encoder == encoder].groupby("seed"):
        *_, (_, half), (n, whole) = curve.groupby("train")
        gains.append(whole.hits.to_numpy() - half.hits.to_numpy())
        tests.append(whole.tests.to_numpy())
        ratios.append(tests[-1].sum() / n)
    mean, variance, number = jackknife(np.concatenate(gains), np.concatenate(tests))
    by_fold = [g.sum() / t.sum() for g, t in zip(gains, tests, strict=True)]
    middle, _, high = student(by_fold, np.mean(ratios))
    half = stats.t.ppf(0.975, number - 1) * np.sqrt(variance)
    half = max(half, high - middle)
    return (mean, mean - half, mean + half), len(gains), ()


def rank(r, metric, genre, recipe, other=None):
    """Return a genre's rank by recall, or reggae's among what hip-hop is taken for."""
    names, k = chosen(r, recipe), GENRES.index(genre)

    def place_in(m):
        if metric == "called":
            return int(np.sum(np.delete(m[HIPHOP], HIPHOP) >= m[HIPHOP, REGGAE]))
        return place(m.diagonal() / m.sum(1).clip(1), k)

    counts = np.stack([r.confusion(name) for name in names])
    return bootstrapped_place(counts, place_in), len(names), ()


@cache
def hiphop_means(r, recipe):
    """Return hip-hop called reggae while dead and while it lives, and how many."""
    seeds = [r.hiphop(name) for name in r.longest(recipe)]
    dead, lives = ([s[k] for s in seeds if np.isfinite(s[k][0])] for k in (1, 2))
    means = [over_seeds(part, "random") if part else (NAN,) for part in (dead, lives)]
    return *means, len(dead)


@cache
def confused(r, at):
    """Return hip-hop called reggae at a moment, and seeds with mostly reggae."""
    moments = r.moments("paper", at)
    rows = [r.confusions[name][epoch - 1][HIPHOP] for name, epoch in moments]
    most = sum(row[REGGAE] > np.delete(row, REGGAE).max() for row in rows)
    shares = over_seeds([wilson(row[REGGAE], row.sum()) for row in rows], "random")
    return len(moments), shares, wilson(most, len(moments))


def by_dead_genres(r, name, when=None):
    if name == "silent":
        share, _, n = hiphop_means(r, "paper")
        return share, n, ()
    if name == "most":
        n, _, share = confused(r, r.compared("paper"))
        return share, n, ()
    found = [r.tests_at([n], epoch)[0] for n, epoch in r.moments("paper", when)]
    return over_seeds(found, "random"), len(found), [f[0] for f in found]


@cache
def mixtures(r):
    """Return what is counted of mixtures: by row and column, and by share."""
    found, by_share, rows = {}, {}, r.mixtures
    pairs = rows[(rows.run == rows.run.iloc[0]) & (rows.share == 1)]
    pairs = pairs[["first", "second"]].reset_index(drop=True)
    kinds = pairs.apply(lambda column: column.str.split(".").str[0].map(GENRES.index))
    artists = np.stack([r.whose(pairs[c]) for c in pairs], axis=1)

    def counted(share):
        """Return either, both and the two percentages: (runs, pairs) each."""
        each = []
        for _, part in rows[rows.share == share].groupby("run"):
            part = pairs.merge(part, how="left", on=["first", "second"])
            z, i = part[GENRES].to_numpy(float), np.arange(len(pairs))
            p = np.exp(z - np.logaddexp.reduce(z, axis=1)[:, None])
            own, percent = ([x[i, kinds[c]] for c in kinds] for x in (z, p))
            above = (z[:, None, :] > np.stack(own, 1)[:, :, None]).sum(2)
            each.append([above.min(1) == 0, above.max(1) < 2, *percent])
        return np.swapaxes(np.array(each, float), 0, 1)

    of = {share: counted(share) for share in (0.0, 0.3, 0.5, 1.0)}
    alone = (of[0.0] + of[1.0]) / 2
    for name, hits in (("alone", alone), ("50 : 50", of[0.5]), ("30 : 70", of[0.3])):
        for k, column in enumerate(("likeliest is either", "two likeliest are both")):
            found[name, column] = mean_over_pairs(hits[k], artists)
            more = ("more than alone", "more so than alone")[k]
            found[name, more] = mean_over_pairs(hits[k] - alone[k], artists)
    for share, values in (
        (0.0, (of[0.0][2] + of[1.0][3]) / 2),
        (0.3, of[0.3][2]),
        (0.5, (of[0.5][2] + of[0.5][3]) / 2),
        (0.7, of[0.3][3]),
        (1.0, (of[1.0][2] + of[0.0][3]) / 2),
    ):
        by_share[share] = mean_over_pairs(values, artists)
    return found, by_share, len(pairs)


def mixture(r, name, at):
    found, by_share, _ = mixtures(r)
    share = by_share[at] if name == "percentage" else found[at, "more so than alone"]
    return share, r.mixtures.run.nunique(), ()


def encoder_ratio(r, encoder, than=None):
    if not {encoder, than or encoder} <= set(r.of_pooling):
        return None
    values = r.of_pooling[encoder] / (r.of_pooling[than] if than else 1)
    return student(values.dropna(), 1 / 4), values.count(), ()


N = sum(BY_GENRE.values())
NUMBERS = {  # of what no seed has a part in
    "pictures": lambda r: N,
    "fewest of a genre": lambda r: min(BY_GENRE.values()),
    "GB of large pictures as 32-bit numbers": lambda r: 4 * 36 * CODE * N / 1e9,
    "KB a picture of 432 x 648": lambda r: 36 * CODE / 1e3,
    "KB a picture": lambda r: PICTURE / 1e3,
    "KB a code": lambda r: CODE / 1e3,
    "times fewer values": lambda r: PICTURE / CODE,
    "works that use GTZAN": lambda r: 100 + 2,  # Sturm (2013) lists 100
    "place of the pair": lambda r: r.data["hiphop_reggae_place"],
}


def fact(r, name):
    return (NUMBERS[name](r),), None, ()


def subset(r, name, batched=False):
    n = r.runs[f"n_{name}"][r.group("paper")[0]]
    return (np.ceil(n / 100) if batched else n,), None, ()


def pooling_error(r, upsampling, channels):
    return (r.pooling[upsampling]["mse"] * 3 / channels,), None, ()


MEASURES = (metric, gain, beside_others, more_data, rank, by_dead_genres, mixture)
MEASURES += (encoder_ratio, fact, stopped, literal, page, subset, pooling_error)
MEASURES = {measure.__name__: measure for measure in MEASURES}


@cache
def ours(r, claim):
    """Return estimate, number of seeds, and single values; None if not measured."""
    claim = claims()[claim]
    if "measure" not in claim:
        return None
    return MEASURES[claim["measure"]](r, **claim.get("with", {}))


# ---- What is judged ----


def verdict(claim: dict, measured: tuple | None) -> str:
    """Judge a claim by its rule in the ledger."""
    if "says" in claim:
        return "contradicted by the paper itself"
    estimate, seeds, _ = measured or ((NAN,), None, ())
    if not {"value", "above", "below"} & set(claim) or np.isnan(estimate[0]):
        return "cannot be tested"
    low, high = estimate[1:] if len(estimate) > 1 else estimate * 2
    if "above" in claim:
        inside, outside = low > claim["above"], high <= claim["above"]
    elif "below" in claim:
        inside, outside = high < claim["below"], low >= claim["below"]
    else:
        off = [x - claim["value"] for x in (low, high)]
        wide = claim["tolerance"] + 1e-9
        inside = max(map(abs, off)) <= wide
        outside = off[1] < -wide or off[0] > wide
    if seeds == 1 or not (inside or outside):
        return "undecided"
    return "reproduced" if inside else "not reproduced"


@cache
def judged(r):
    """Return the verdict of each claim."""
    return {name: verdict(claim, ours(r, name)) for name, claim in claims().items()}


def verdicts(r, proposed=None):
    """Count claims by verdict: of all, or of those that are (not) only proposed."""
    some = [
        judged(r)[name]
        for name, claim in claims().items()
        if proposed in (None, claim.get("proposed", False))
    ]
    return {verdict: some.count(verdict) for verdict in VERDICTS}


def reason(r, claim: dict) -> list[float]:
    """Return the numbers that a reason adds to what the ledger says."""
    _, _, values = ours(r, claim["id"]) or (None, None, ())
    if "tolerance" not in claim or len(values) < 2:
        return []
    off = np.abs(np.subtract(values, claim["value"]))
    within = (off <= claim["tolerance"] + 1e-9).sum()
    return [within, len(values), min(values), max(values)]


def would_decide(r, claim: dict) -> list[int]:
    """Return how many seeds would decide a mean over seeds, where some number would."""
    of_seeds = claim.get("measure") in ("metric", "gain")
    if judged(r)[claim["id"]] != "undecided" or not of_seeds:
        return []
    (mean, low, high), k, _ = ours(r, claim["id"])
    bounds = [claim[side] for side in ("above", "below") if side in claim]
    if "tolerance" in claim:
        bounds = [claim["value"] + sign * claim["tolerance"] for sign in (-1, 1)]
    away = min(abs(mean - bound) for bound in bounds)

    def half(n):
        return stats.t.ppf(0.975, n - 1) * (1 / n + 1 / 4) ** 0.5

    enough = (n for n in range(2, 1000) if (high - low) / 2 * half(n) < away * half(k))
    return [n for n in [next(enough, 0)] if n]
