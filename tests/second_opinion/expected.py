"""What each place of a page must show, from the record's tables alone.

``cell`` and ``TEMPLATES`` give numbers as floats, which are compared at the decimals
that are shown; a text is compared as it is.
"""

import re
from functools import cache

import numpy as np
from ledger import (
    beside_claim,
    claims,
    confused,
    hiphop_means,
    judged,
    mixtures,
    ours,
    verdicts,
)
from record import FEATURES, GENRES, MEMBERS, MODELS, TEXTURE
from statistics_again import (
    FLOOR,
    NAN,
    best_temperatures,
    calibration_error,
    calibration_error_by_chance,
    clipped,
    mean_by_artist,
    mixture,
    over_seeds,
    paired_by_artist,
    prediction_set,
    share_by_artist,
    student,
    wilson,
)

CELLS = []  # a caption's pattern, and what such a table's cells must show


def shows(caption):
    """Register what the cells of tables with such a caption must show.

    The function returns that, or all of a row by column; each may be a function yet.
    """
    return lambda function: CELLS.append((caption, function)) or function


def cell(r, p):
    """Return what a cell must show: floats, a text, or None where nobody knows."""
    for caption, function in CELLS:
        if re.search(caption, p.table):
            found = function(r, p)
            if isinstance(found, dict):
                found = found.get(p.column)
            if found is not None:
                return found() if callable(found) else found
    return None


def page_run(p):
    """Return the run that a page is about."""
    found = re.match(r"03_train_cnn-(.+)\.", p.page)
    return found and found[1]


@shows(r"^This run")
def one_run(r, p):
    if name := page_run(p):
        row = r.runs.loc[name]
        of = {"subsets, train": row.n_train, "subsets, test": row.n_test}
        of |= {"seconds": row.seconds}
        return (float(of[p.row]),) if p.row in of else None
    return None


@shows(r"^Test pictures, with 95 % intervals")
def by_genre_of_run(r, p):
    counts, k = r.confusion(page_run(p)), GENRES.index(p.row)
    of = {"recall": counts[k], "precision": counts[:, k]}
    return {column: wilson(counts[k, k], row.sum()) for column, row in of.items()}


@shows(r"^Mean squared errors?[: ]")
def pooling(r, p):
    of = {"mean": "mse", "share of pictures below 0.01": "share_below_0.01"}.get(p.row)
    return (r.pooling[p.column][of],) if of and p.column in r.pooling else None


@shows(r"^Mean over test pictures")
def encoders(r, p):
    names = {"weights": "weights", "seconds": "seconds", "MSE": "mse"}
    names |= {"MSE of the plot": "mse_plot", "added by 8 bits": "mse_8_bits"}
    row = r.encoders.get(p.row)
    return row and {column: (row[name],) for column, name in names.items()}


@shows(r"^GTZAN \(Kaggle edition\), [\w ]+, \d+ epochs")
def codes(r, p):
    if p.column == "seeds" or p.row == "pool":
        return None  # pooling has more seeds than learned codes have
    n, epochs = (
        r.of_pooling["conv"].count(),
        int(re.search(r"(\d+) epochs", p.table)[1]),
    )
    names, pool = (
        r.group("corrected", encoder=e, epochs=epochs)[:n] for e in (p.row, "pool")
    )
    of = "top2" if p.column.startswith("top-2") else "accuracy"
    if "minus" in p.column:
        return r.gain(names, pool, lambda name: r.one(name, of)[0], of)
    return r.share(names, of)


def measured(r, names):
    """Return what some runs have in the columns that many tables have."""
    if not names:
        return None
    return {
        "epochs": (float(r.runs.epochs[names[0]]),),
        "seeds": (len(names),),
        "first loss": lambda: r.curve(names, "loss", 1),
        "last loss": lambda: r.curve(names, "loss"),
        "train accuracy": lambda: r.curve(names, "train_accuracy"),
        "accuracy": lambda: r.share(names),
        "test accuracy": lambda: r.share(names),
        "top-2": lambda: r.share(names, "top2"),
        "hip-hop called reggae": lambda: r.share(names, "hip-hop called reggae"),
        "reggae called hip-hop": lambda: r.share(names, "reggae called hip-hop"),
    }


PRINTED = {  # by the paper's section: epochs, losses, accuracies, top-2
    "section 3.3.2": (1800, 2.3, 1.83, 0.62, 0.45, NAN),
    "section 4.2": (NAN, NAN, NAN, 0.50, 0.40, 0.70),
    "abstract": (30, NAN, NAN, NAN, 0.50, NAN),
    "the paper": (NAN, NAN, 1.83, 0.62, NAN, NAN),
}
COLUMNS = ("epochs", "first loss", "last loss", "train accuracy", "test accuracy")


@shows(r"^The paper is about GTZAN; our rows")
def configuration(r, p):
    of = {
        "loss predicted from it": (FLOOR + 0.38,),
        "loss while 0.62 are right": (1.83,),
        "test accuracy after 30 epochs": (0.50,),
    }
    for name, row in PRINTED.items():
        if p.row.endswith(name):
            each = zip((*COLUMNS, "top-2"), row, strict=True)
            return {k: (x,) for k, x in each} | (of if name == "the paper" else {})
    words = p.row.removeprefix("ours | ").removeprefix("recipe ")
    recipes = "(paper|corrected|augmented|closed-form|ensemble)"
    found = re.match(rf"{recipes}(?:, (lenet\S*), (\w+))?, ([\d,]+) epochs", words)
    if not found:
        return None
    recipe, model, encoder, epochs = found.groups()
    facts = (recipe, model or "lenet", encoder or "pool", "random")
    names = r.group(*facts, int(epochs.replace(",", "")))
    return measured(r, names) | central(r, names) if names else None


def central(r, names):
    """Return the central evidence of a group of runs."""
    at62 = [x for x in map(r.loss_at, names) if np.isfinite(x)]
    of = [len(at62), len(names)] if len(at62) < len(names) else []
    predicted = (FLOOR + 1 - r.curve(names, "train_accuracy")[0],)
    is_once = r.runs.recipe[names[0]] == "corrected"
    return {
        "loss predicted from it": "no such bound" if is_once else predicted,
        "loss while 0.62 are right": lambda: (*student(at62, 1 / 4), *of),
        "test accuracy after 30 epochs": lambda: r.test_at(names, 30),
    }


# ---- Dead genres ----


def words_of_life(r, name):
    """Return in words which genres were late, and which died, as two texts."""
    begins, found = r.life(name)
    last, late, died = int(r.runs.epochs[name]), [], []
    for k, first, end in found:
        if first == begins:
            late.append(f"{GENRES[k]} {'never' if end == last else f'until {end}'}")
        else:
            when = f"from {first}" if end == last else f"{first} to {end}"
            died.append(f"{GENRES[k]} {when}")
    return ", ".join(late), ", ".join(died)


@shows(r"^The life of genres")
def life(r, p):
    recipe = p.beside.get("recipe", "paper")
    name = r.seeds(r.longest(recipe))[int(p.beside["seed"])]
    found, is_paper = life_of(r, name), recipe == "paper"
    found["as the paper"] = found["as the paper"] or "-"
    parts = ("wrong", "unsure", "of dead")
    return found if is_paper else found | dict.fromkeys(parts, "-")


def life_of(r, name):
    """Return the row of a run in that table."""
    after = min(r.compared(r.runs.recipe[name]), int(r.runs.epochs[name]))
    late, died = words_of_life(r, name)
    parts = {k: (x,) for k, x in r.moment(name, after).items() if k != "dead"}
    return parts | {
        "epochs": (int(r.runs.epochs[name]),),
        "begins": (r.life(name)[0],),
        "not yet answered": late,
        "died": died,
        "after": (after,),
        "dead": ", ".join(GENRES[k] for k in r.fate(name, after)[0]),
        "test accuracy": r.tests_at([name], after)[0],
        "as the paper": (r.pair(name),) if r.pair(name) else (),
    }


@cache
def fates(r, recipe):
    """Count seeds in which each genre was late, died or is dead: a set of each."""
    found = {(genre, what): 0 for genre in GENRES for what in FATES}
    for name in r.longest(recipe):
        begins, silences = r.life(name)
        after = min(r.compared(recipe), int(r.runs.epochs[name]))
        late = {k for k, first, _ in silences if first == begins}
        died = {k for k, first, _ in silences if first != begins}
        for what, some in zip(FATES, (late, died, *r.fate(name, after)), strict=True):
            for k in some:
                found[GENRES[k], what] += 1
    return found


FATES = ("late", "died", "dead", "waiting")


@shows(r"^Number of seeds, by genre")
def fate(r, p):
    found = re.search(r"(late|died|dead|waiting).*(corrected|paper)", p.column)
    return (fates(r, found[2])[p.row, found[1]],) if found else None


def when(p):
    """Return the moment that a row is about."""
    words = p.beside["epoch"]
    return "pair" if words.startswith("as the paper") else int(words.replace(",", ""))


@shows(r"^Recipe paper, means over seeds")
def by_dead(r, p):
    moments = [r.moment(*m) for m in r.moments("paper", when(p))]
    some = [m for m in moments if len(m["dead"]) == int(p.beside["silent genres"])]
    return {
        "silent genres": (int(p.beside["silent genres"]),),
        "seeds": (len(some),),
        "at least": (FLOOR + np.mean([m["of dead"] for m in some]),),
        "loss": student([m["loss"] for m in some], 1 / 4),
    }


def goes_to(r, at, genre):
    """Return seeds, pictures, and three answers for a dead genre, in words."""
    k = GENRES.index(genre)
    rows = [
        r.confusions[name][epoch - 1][k]
        for name, epoch in r.moments("paper", at)
        if k in r.dead(name, epoch)
    ]
    total = np.sum([np.zeros(10, int), *rows], axis=0)
    best = [i for i in np.argsort(-total, kind="stable")[:3] if total[i]]
    words = ", ".join(f"{GENRES[i]} {total[i] / total.sum():.2f}" for i in best)
    return len(rows), int(total.sum()), words


@shows(r"^Answers as shares")
def answers_of_dead(r, p):
    n, pictures, words = goes_to(r, when(p), p.beside["genre"])
    return {"seeds": (n,), "pictures": (pictures,), "called": words}


@shows(r"^Share of hip-hop's test")
def hiphop(r, p):
    recipe, seed = p.beside["recipe"], p.beside["seed"]
    if seed == "all":
        epochs, shares = None, hiphop_means(r, recipe)[:2]
    else:
        epochs, *shares = r.hiphop(r.seeds(r.longest(recipe))[int(seed)])
    shares = ["-" if np.isnan(x[0]) else x for x in shares]
    of = dict(zip(("while silent", "while it is not"), shares, strict=True))
    return of | ({} if epochs is None else {"epochs silent": (epochs,)})


@shows(r"^Recipe paper, seeds that have begun to learn")
def all_seeds(r, p):
    columns = ("seeds", "hip-hop called reggae", "seeds with mostly reggae")
    n, *shares = confused(r, when(p))
    return dict(zip(columns, [(n,), *shares], strict=True))


@shows(r"^Recall on test pictures")
def recalls(r, p):
    return r.share(r.group(re.search(r"recipe (\w+)", p.column)[1]), p.row)


# ---- Other models ----


def model(r, name, split):
    """Return the runs of a model on a split."""
    return r.group(*MODELS[name], split)


@shows(r"SHA-256 ")
def runs_table(r, p):
    form = "{recipe}-{model}-{encoder}-{split}-{epochs}-epochs-seed-{seed}"
    name = form.format(**p.beside)
    known = p.column == "seconds" and name in r.runs.index
    return (float(r.runs.seconds[name]),) if known else None


@shows(r"^GTZAN \(Kaggle edition\), split ")
def compared(r, p):
    names = model(r, p.row, re.search(r"split (\S+)", p.table)[1])
    return measured(r, names[: int(p.beside["seeds"])])


@shows(r"^Test accuracy by split")
def ladder(r, p):
    few = re.search(r", (\d+) seeds", p.table)
    own = 10 if p.row in (FEATURES, TEXTURE) else 5  # of the networks' 20 seeds
    n = int(few[1]) if few else own
    what, *_, split = p.column.split()
    names, base = (model(r, p.row, s)[:n] for s in (split, "random"))
    return r.share(names) if what == "accuracy" else change(r, names, base)


def change(r, names, base):
    """Return the change of accuracy between splits: paired, or added in squares."""
    if r.runs.split[names[0]] == "random-unique":
        return r.gain(names, base, lambda name: r.one(name)[0], "accuracy")
    (value, half), (other, its) = (unclipped(r, some) for some in (names, base))
    half = np.hypot(half, its)
    return value - other, value - other - half, value - other + half


def unclipped(r, names):
    """Return accuracy over seeds, and the half of its interval, which may leave 1."""
    shares, split = [r.one(n) for n in names], r.runs.split[names[0]]
    if len(shares) == 1:
        return shares[0][0], (shares[0][2] - shares[0][1]) / 2
    tests = np.mean([s[2] - s[1] for s in shares]) / 2
    mean, _, high = student([s[0] for s in shares], 1 / 4 if "random" in split else 0)
    if "random" in split:
        return mean, max(high - mean, tests / np.sqrt(min(5, len(shares))))
    return mean, np.hypot(high - mean, tests)


@cache
def folds(r, name, split, temperature="plain"):
    """Return tracks, labels and logits (repetitions, N, 10) of a model's folds.

    At temperatures of the other folds where these are ``fitted``; those come last.
    """
    runs = [r.seeds(model(r, member, split)) for member in MEMBERS.get(name, (name,))]
    n = 3 if split.endswith("folds") else 1
    repetitions, fitted_all = [], []
    for first in range(0, 1 + min(max(part) for part in runs) if n > 1 else 1, n):
        parts = [[r.answer(m[first + k]) for m in runs] for k in range(n)]
        tracks, labels = (
            np.concatenate([part[0][i] for part in parts]) for i in (0, 1)
        )
        fold = np.repeat(np.arange(n), [len(part[0][0]) for part in parts])
        each = [np.concatenate([p[m][2] for p in parts]) for m in range(len(runs))]
        logits = np.empty(each[0].shape)
        for k in range(n):
            own, which = fold == k, np.ones(len(each))
            if temperature == "fitted" and n > 1:
                which = best_temperatures([z[~own] for z in each], labels[~own])
            elif temperature == "fitted":
                known = [r.validation[m[first]] for m in runs]
                given = [table[GENRES].to_numpy() for table in known]
                which = best_temperatures(given, known[0].label.to_numpy())
            logits[own] = mixture([z[own] for z in each], which)
            fitted_all.append(which)
        order = np.argsort(tracks)
        repetitions.append(logits[order])
    temperatures = np.exp(np.mean(np.log(fitted_all), axis=0))
    return tracks[order], labels[order], np.stack(repetitions), temperatures


def right(hits, artists):
    """Return the share right over repetitions, by artist."""
    return over_seeds([share_by_artist(row, artists) for row in hits], "")


def single(artists):
    """Tell of each track whether its artist has no other."""
    _, whose, sizes = np.unique(artists, return_inverse=True, return_counts=True)
    return sizes[whose] == 1


@cache
def leakage(r, name, part):
    """Return tracks, artists, known, unheard, difference, lists and shift."""
    how = "fitted" if name in MEMBERS else "plain"
    tracks, labels, known, _ = folds(r, name, "random-folds", how)
    _, _, unheard, _ = folds(r, name, "artist-folds", how)
    artists = r.whose(tracks)
    hits = [(z.argmax(2) == labels).astype(float) for z in (known, unheard)]
    lists = model(r, name, "artist-trainval")
    listed = r.answer(lists[0])[0]
    chosen = {"all": np.full(len(tracks), True), "control": single(artists)}
    chosen |= {"test list": np.isin(tracks, listed)}
    chosen |= {genre: labels == k for k, genre in enumerate(GENRES)}
    if part == "rest":
        chosen[part] = ~np.any([chosen[genre] for genre in most(r, name)], axis=0)
    some = chosen[part]
    ours, theirs = (each[:, some] for each in hits)
    found = {
        "tracks": (some.sum(),),
        "artists": (len(np.unique(artists[some])),),
        "known": right(ours, artists[some]),
        "unheard": right(theirs, artists[some]),
        "difference": paired_by_artist(ours, theirs, artists[some]),
    }
    if part == "test list":
        order = np.argsort(listed)
        rows = np.stack([r.hits(n)[order] for n in lists]).astype(float)
        found["lists"] = right(rows, artists[some])
        found["shift"] = paired_by_artist(theirs, rows, artists[some])
    return found


@shows(r"^Share of right answers")
def leaks(r, p):
    return leakage(r, *p.row.split(" | ")[:2])


def part_of(r, name, genre):
    """Return a genre's part of the difference of a model."""
    whole, own = (leakage(r, name, part) for part in ("all", genre))
    share = own["tracks"][0] / whole["tracks"][0]
    return share * own["difference"][0] / whole["difference"][0]


def most(r, name):
    """Return the two genres with the largest parts."""
    return sorted(GENRES, key=lambda genre: -part_of(r, name, genre))[:2]


@shows(r"^Each genre's part of the difference")
def parts_of_leak(r, p):
    name = "SVM, texture of mel bands"
    tracks, labels, *_ = folds(r, name, "artist-folds")
    control = np.sum(single(r.whose(tracks)) & (labels == GENRES.index(p.row)))
    parts = {"part": (part_of(r, name, p.row),), "control tracks": (control,)}
    return leakage(r, name, p.row) | parts


@shows(r"^The difference without two genres")
def rest_of_leak(r, p):
    both = most(r, p.row)
    part = sum(part_of(r, p.row, genre) for genre in both)
    rest, whole = (leakage(r, p.row, k)["difference"] for k in ("rest", "all"))
    found = {"genres": " and ".join(both), "their part": (part,)}
    return found | {"difference": whole, "without them": rest}


@cache
def trust(r, split, name, how):
    """Return how far percentages mean what they say."""
    tracks, labels, logits, fitted = folds(r, name, split, how)
    artists, n = r.whose(tracks), len(logits)
    every, truth = np.concatenate(logits), np.tile(labels, n)
    p = np.exp(every - np.logaddexp.reduce(every, axis=1)[:, None])
    sure, whose = p.max(1), np.tile(artists, n)
    hits, sizes = prediction_set(every, truth)
    return {
        "sure": (sure.mean(),),
        "right": right((logits.argmax(2) == labels).astype(float), artists),
        "surer than right": mean_by_artist(sure - (p.argmax(1) == truth), whose),
        "calibration error": (np.mean([calibration_error(z, labels) for z in logits]),),
        "by chance": (np.mean([calibration_error_by_chance(z) for z in logits]),),
        "prediction set": (sizes.mean(),),
        "true genre in it": share_by_artist(hits, whose),
        "temperatures": tuple(fitted),
    }


@shows(r"^Trust in percentages")
def trusted(r, p):
    *of, how = p.row.split(" | ")
    return trust(r, *of, {"before": "plain", "after": "fitted"}[how])


@shows(r"^(Mixtures of two tracks|A genre's percentage by)")
def mixed_tracks(r, p):
    found, by_share, _ = mixtures(r)
    if p.column == "mean percentage":
        return tuple(100 * x for x in by_share[float(p.row.split()[0]) / 100])
    if p.row == "alone" and p.column.startswith("more"):
        return ""
    return found.get((p.row, p.column))


@shows(r"^Runs on")
def start_runs(r, p):
    facts = [
        "+".join(x.split(",")[0] for x in p.beside[column].split("; "))
        for column in ("training", "model", "input", "split")
    ]
    names = r.group(*facts, epochs=int(p.beside["epochs"].replace(",", "")))
    if not names:
        return None
    is_tested, numbers = facts[-1] != "all", [len(names)]
    for name in names:
        numbers += [*(r.one(name) if is_tested else ()), r.runs.seconds[name]]
    none = {} if is_tested else {"accuracy": "-", "top-2": "-"}
    return measured(r, names) | none | {"seeds": tuple(numbers)}


# ---- What else might explain the loss ----

SLIPS = {  # a row's words: recipe and model, and what is printed for the loss
    "softmax twice": ("paper", "lenet"),
    "since training began": ("corrected", "lenet", lambda t: t.loss.expanding().mean()),
    "the loss of test pictures": ("corrected", "lenet", lambda t: t.test_loss),
    "a sigmoid, then": ("sigmoid", "lenet"),
    "smoothed by 0.1": ("smoothed", "lenet"),
    "smoothed by 0.3": ("smoothed-more", "lenet"),
    "weight decay": ("decayed", "lenet"),
    "dropout": ("corrected", "lenet-dropout"),
    "softmax once": ("corrected", "lenet"),
}
CHANGES = {
    "none": ("lenet", "pool"),
    "pooled, blues moved away from the mean of all": ("lenet", "blues-away"),
    "pooled, classical moved onto the mean of all": ("lenet", "classical-onto"),
    "the paper's network, outputs one genre on": ("lenet-rotated", "pool"),
}


def slip(r, words):
    """Return what a slip or habit gives: estimates by column."""
    recipe, net, *printed = next(v for k, v in SLIPS.items() if k in words)
    names, at, then, last = r.group(recipe, net), [], [], []
    for name in names:
        table = r.epochs[name]
        epoch = r.reached(name)
        losses = printed[0](table) if printed else table.loss
        last.append(losses.iloc[-1])
        if epoch > (0 if printed else 1):
            at.append(losses.iloc[epoch - 1] if printed else r.loss_at(name))
        if epoch > 0:  # NaN where a run's epochs have none
            then.append(table.train_certain.iloc[epoch - 1] / table.n_train.iloc[0])
    if not names:
        return None
    return {
        "seeds": (len(names),),
        "epochs": (int(r.runs.epochs[names[0]]),),
        "loss at 0.62": student(at, 1) if at else (NAN,),
        "by seeds": (len(at),),
        "100.0 % then": clipped(student(then, 1 / 4)) if then else (NAN,),
        "last loss": student(last, 1 / 4),
        "100.0 %, test": over_seeds([alone(r, name) for name in names], "random"),
        "test accuracy": r.share(names),
    }


def alone(r, name):
    """Return the share of answers with one 100.0 % and nine 0.0 %."""
    z = r.answer(name)[2]
    odds = np.exp(z - z.max(1, keepdims=True))
    shares = odds / odds.sum(1, keepdims=True)
    if r.runs.recipe[name] == "sigmoid":
        shares = 1 / (1 + np.exp(-z))
    lone = ((shares >= 0.9995).sum(1) == 1) & ((shares >= 0.0005).sum(1) == 1)
    return wilson(lone.sum(), len(z))


@shows(r"^What might explain the paper's loss")
def slips(r, p):
    return slip(r, p.beside["slip or habit"])


def silent_in(r, names, epoch):
    """Return by genre the number of runs in which it is silent after an epoch."""
    found = [genre for name in names for genre in r.dead(name, epoch)]
    counts = np.bincount(found, minlength=10)
    return {genre: (n,) for genre, n in zip(GENRES, counts, strict=True)}


@shows(r"^Templates and silent genres")
def fitted(r, p):
    names, genre = r.longest("paper"), p.beside["genre"]
    if p.column.startswith("silent"):
        return silent_in(r, names, int(r.runs.epochs[names].min()))[genre]
    return {"mean rank": (r.data[f"template_rank.{genre}"],)}


@shows(r"^Seeds in which each genre is silent")
def silenced(r, p):
    change, epochs = p.beside["change"], int(p.beside["epochs"])
    names = r.group("paper", *CHANGES[change])
    if change == "none":
        names = r.longest("paper", epochs)[: int(p.beside["seeds"])]
    return silent_in(r, names, epochs)


# ---- The ledger ----


@shows(r"^(The ledger|What the paper proposes|Ours is measured on)")
def ledger(r, p):
    claim = beside_claim(p)
    measured = claim and ours(r, claim["id"])
    if not claim or ("measure" in claim and not measured):
        return None
    if p.column == "ours":
        if not measured:
            return ()
        estimate, seeds, _ = measured
        of = map(float, re.findall(r"of (9|10|45)\b", p.text))
        return (*estimate, *of, *([seeds] if seeds and "seed" in p.text else []))
    said, kind = judged(r)[claim["id"]], claim.get("kind", "-")
    told = p.text.endswith(kind) and "cannot" not in said
    return {"verdict": f"{said} {kind}" if told else said}


@shows(r"^Number of claims by verdict")
def by_verdict(r, p):
    if p.column == "claims":
        return (verdicts(r, False)[p.row],)
    some = [c for c in claims().values() if not c.get("proposed", False)]
    of = [judged(r)[c["id"]] for c in some if c.get("kind") == p.column]
    return (of.count(p.row),) if of else None
