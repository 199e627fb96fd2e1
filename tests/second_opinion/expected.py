"""What each place of a page must show, from the record's tables alone.

``cell`` and ``TEMPLATES`` give numbers as floats, which are compared at the decimals
that are shown; a text is compared as it is.
"""

import re
import tomllib
from functools import cache
from pathlib import Path

import numpy as np
from record import BY_GENRE, GENRES, HIPHOP, MEMBERS, MODELS, REGGAE, mixed, recall
from scipy import stats
from shown import Place
from statistics_again import (
    FLOOR,
    NAN,
    best_temperatures,
    bootstrapped_place,
    calibration_error,
    calibration_error_by_chance,
    clipped,
    jackknife,
    mean_by_artist,
    mean_over_pairs,
    mixture,
    over_seeds,
    paired_by_artist,
    place,
    prediction_set,
    share_by_artist,
    student,
    wilson,
)

REPORT = Path(__file__).parents[2] / "report"
FACTS = r"(paper|corrected|augmented|closed-form|ensemble)"
CELLS = []  # a caption's pattern, and what such a table's cells must show


def shows(caption):
    """Register what the cells of tables with such a caption must show."""
    return lambda function: CELLS.append((caption, function)) or function


def cell(r, p: Place):
    """Return what a cell must show: floats, a text, or None where nobody knows."""
    for caption, function in CELLS:
        if re.search(caption, p.table):
            found = function(r, p)
            if found is not None:
                return found
    return None


def called(counts, row=HIPHOP, column=REGGAE):
    """Return the share of a genre that is called another."""
    return wilson(counts[row, column], counts[row].sum())


@shows(r"^This run")
def one_run(r, p):
    """Return numbers of the run that a page is about."""
    name = page_run(p)
    if name and p.row == "seconds":
        return (float(r.runs.seconds[name]),)
    if name and p.row in ("subsets, train", "subsets, test"):
        return (float(r.runs["n_" + p.row.split(", ")[1]][name]),)
    return None


def page_run(p):
    """Return the run that a page is about."""
    found = re.match(r"03_train_cnn-(.+)\.", p.page)
    return found and found[1]


@shows(r"^Test pictures, with 95 % intervals")
def by_genre_of_run(r, p):
    """Precision and recall of one run, by genre."""
    counts = r.confusion(page_run(p))
    k = GENRES.index(p.row)
    hits, of = counts[k, k], {"recall": counts[k], "precision": counts[:, k]}
    return wilson(hits, of[p.column].sum())


@shows(r"^Mean squared errors?[: ]")
def pooling(r, p):
    """Mean squared errors of pooling."""
    of = {"mean": "mse", "share of pictures below 0.01": "share_below_0.01"}.get(p.row)
    return (r.pooling[p.column][of],) if of and p.column in r.pooling else None


@shows(r"^Mean over test pictures")
def encoders(r, p):
    """Weights, seconds and errors of encoders on the first seed's test pictures."""
    names = {"weights": "weights", "seconds": "seconds", "MSE": "mse"}
    names |= {"MSE of the plot": "mse_plot", "added by 8 bits": "mse_8_bits"}
    row = r.encoders.get(p.row)
    return (row[names[p.column]],) if row and p.column in names else None


@shows(r"^GTZAN \(Kaggle edition\), [\w ]+, \d+ epochs")
def codes(r, p):
    """Accuracies from codes, and paired differences from pooling."""
    if p.column == "seeds" or p.row == "pool":
        return None  # pooling has more seeds than learned codes have
    n, epochs = len(r.of_pooling["conv"]), int(re.search(r"(\d+) epochs", p.table)[1])
    names, pool = (
        r.group("corrected", encoder=e, epochs=epochs)[:n] for e in (p.row, "pool")
    )
    k = 2 if p.column.startswith("top-2") else 1
    if "minus" in p.column:
        return r.gain(names, pool, lambda name: r.accuracy(name, k)[0])
    return r.share(names, k=k)


def measured(r, names, column):
    """Return what some runs have in a column that many tables have, or None."""
    of = {
        "epochs": lambda: (float(r.runs.epochs[names[0]]),),
        "seeds": lambda: (len(names),),
        "first loss": lambda: r.curve(names, "loss", 1),
        "last loss": lambda: r.curve(names, "loss"),
        "train accuracy": lambda: r.curve(names, "train_accuracy"),
        "accuracy": lambda: r.share(names),
        "test accuracy": lambda: r.share(names),
        "top-2": lambda: r.share(names, k=2),
    }
    return of[column]() if column in of else None


@shows(r"^The paper is about GTZAN; our rows")
def configuration(r, p):
    """Our rows beside the paper's, and the central evidence."""
    printed = {
        "section 3.3.2": (1800, 2.3, 1.83, 0.62, 0.45, NAN),
        "section 4.2": (NAN, NAN, NAN, 0.50, 0.40, 0.70),
        "abstract": (30, NAN, NAN, NAN, 0.50, NAN),
        "the paper": (NAN, NAN, 1.83, 0.62, NAN, NAN),
    }
    columns = ("epochs", "first loss", "last loss", "train accuracy", "test accuracy")
    for name, row in printed.items():
        if p.row.endswith(name) and p.column in (*columns, "top-2"):
            return (row[(*columns, "top-2").index(p.column)],)
        if p.row == "the paper":
            return {
                "loss predicted from it": (FLOOR + 0.38,),
                "loss while 0.62 are right": (1.83,),
                "test accuracy after 30 epochs": (0.50,),
            }.get(p.column)
    names = configured(r, p.row)
    if not names:
        return None
    at62 = [r.loss_at(name, 0.62) for name in names]
    at62 = [loss for loss in at62 if np.isfinite(loss)]
    of = {
        "loss predicted from it": lambda: (
            "no such bound"
            if r.runs.recipe[names[0]] == "corrected"
            else (FLOOR + 1 - r.curve(names, "train_accuracy")[0],)
        ),
        "loss while 0.62 are right": lambda: (
            *student(at62, 1 / 4),
            *([len(at62), len(names)] if len(at62) < len(names) else []),
        ),
        "test accuracy after 30 epochs": lambda: r.test_at(names, 30),
    }
    return of[p.column]() if p.column in of else measured(r, names, p.column)


def configured(r, words):
    """Return the runs of a row such as "corrected, lenet, pool, 100 epochs"."""
    words = words.removeprefix("ours | ").removeprefix("recipe ")
    found = re.match(rf"{FACTS}(?:, (lenet\S*), (\w+))?, ([\d,]+) epochs", words)
    if not found:
        return []
    recipe, model, encoder, epochs = found.groups()
    where = (model or "lenet", encoder or "pool", "random")
    return r.group(recipe, *where, int(epochs.replace(",", "")))


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
    """The life of genres, seed by seed."""
    recipe = p.beside.get("recipe", "paper")
    name = r.seeds(r.longest(recipe))[int(p.beside["seed"])]
    last, begins = int(r.runs.epochs[name]), r.life(name)[0]
    after = min(r.compared(recipe), last)
    moment, pair = r.moment(name, after), r.pair(name)
    late, died = words_of_life(r, name)
    n = len(r.hits(name))
    test = round(r.at(name, "test_accuracy", after) * n)
    parts = {k: (moment[k],) if recipe == "paper" else "-" for k in ("wrong", "unsure")}
    of = {
        "epochs": (last,),
        "begins": (begins,),
        "not yet answered": late,
        "died": died,
        "after": (after,),
        "dead": ", ".join(GENRES[k] for k in r.fate(name, after)[0]),
        "loss": (moment["loss"],),
        "of dead": (moment["of dead"],) if recipe == "paper" else "-",
        "test accuracy": wilson(test, n),
        "as the paper": (pair,) if pair else "-",
    }
    return (of | parts).get(p.column)


@cache
def fates(r, recipe):
    """Count seeds in which each genre was late, died or is dead."""
    counts = {
        genre: dict.fromkeys(("late", "died", "dead", "waiting"), 0) for genre in GENRES
    }
    for name in r.longest(recipe):
        begins, found = r.life(name)
        after = min(r.compared(recipe), int(r.runs.epochs[name]))
        for k, genre in enumerate(GENRES):
            firsts = {first for k_, first, _ in found if k_ == k}
            counts[genre]["late"] += begins in firsts
            counts[genre]["died"] += bool(firsts - {begins})
            dead, waiting = r.fate(name, after)
            counts[genre]["dead"] += k in dead
            counts[genre]["waiting"] += k in waiting
    return counts


@shows(r"^Number of seeds, by genre")
def fate(r, p):
    """In how many seeds a genre was late, died, is dead."""
    found = re.search(r"(late|died|dead|waiting).*(corrected|paper)", p.column)
    return (fates(r, found[2])[p.row][found[1]],) if found else None


def when(words):
    """Return the moment that a row is about."""
    return "pair" if words.startswith("as the paper") else int(words.replace(",", ""))


@shows(r"^Recipe paper, means over seeds")
def by_dead(r, p):
    """Least loss and loss by the number of dead genres."""
    moments = [r.moment(*m) for m in r.moments("paper", when(p.beside["epoch"]))]
    some = [m for m in moments if len(m["dead"]) == int(p.beside["silent genres"])]
    return {
        "silent genres": (int(p.beside["silent genres"]),) if some else None,
        "seeds": (len(some),),
        "at least": (FLOOR + np.mean([m["of dead"] for m in some]),),
        "loss": student([m["loss"] for m in some], 1 / 4),
    }.get(p.column)


def goes_to(r, at, genre):
    """Return seeds, pictures, and three answers for a dead genre, in words."""
    k = GENRES.index(genre)
    rows = [
        r.test_counts(name, epoch)[k]
        for name, epoch in r.moments("paper", at)
        if k in r.dead(name, epoch)
    ]
    if not rows:
        return 0, 0, ""
    total = np.sum(rows, axis=0)
    best = [i for i in np.argsort(-total, kind="stable")[:3] if total[i]]
    words = ", ".join(f"{GENRES[i]} {total[i] / total.sum():.2f}" for i in best)
    return len(rows), int(total.sum()), words


@shows(r"^Answers as shares")
def answers_of_dead(r, p):
    """What test pictures of dead genres are called."""
    n, pictures, words = goes_to(r, when(p.beside["epoch"]), p.beside["genre"])
    return {"seeds": (n,), "pictures": (pictures,), "called": words}.get(p.column)


@cache
def hiphop_means(r, recipe):
    """Return hip-hop called reggae while dead and while it lives, and how many."""
    seeds = [r.hiphop(name) for name in r.longest(recipe)]
    dead, lives = ([s[k] for s in seeds if np.isfinite(s[k][0])] for k in (1, 2))
    means = [over_seeds(part, "random") if part else (NAN,) for part in (dead, lives)]
    both = [s[1][0] - s[2][0] for s in seeds if np.isfinite(s[1][0] + s[2][0])]
    return *means, len(dead), student(both, 1 / 4) if len(both) > 1 else (NAN,)


@shows(r"^Share of hip-hop's test")
def hiphop(r, p):
    """Share of hip-hop called reggae while it is dead, by seed."""
    recipe, seed = p.beside["recipe"], p.beside["seed"]
    if seed == "all":
        at = {"while silent": 0, "while it is not": 1}.get(p.column)
        found = hiphop_means(r, recipe)[at] if at is not None else None
    else:
        epochs, *shares = r.hiphop(r.seeds(r.longest(recipe))[int(seed)])
        of = {"epochs silent": (epochs,)}
        of |= dict(zip(("while silent", "while it is not"), shares, strict=True))
        found = of.get(p.column)
    return "-" if found and np.isnan(found[0]) else found


@cache
def confused(r, at):
    """Return hip-hop called reggae at a moment, and seeds with mostly reggae."""
    moments = r.moments("paper", at)
    rows = [r.test_counts(*m)[HIPHOP] for m in moments]
    most = sum(row[REGGAE] > np.delete(row, REGGAE).max() for row in rows)
    shares = over_seeds([r.called(*m) for m in moments], "random")
    return len(moments), shares, wilson(most, len(moments))


@shows(r"^Recipe paper, all seeds")
def all_seeds(r, p):
    """Hip-hop called reggae, all seeds after the same epoch."""
    n, share, most = confused(r, when(p.beside["epoch"]))
    of = {"seeds": (n,), "hip-hop called reggae": share}
    return (of | {"seeds with mostly reggae": most}).get(p.column)


@shows(r"^Recall on test pictures")
def recalls(r, p):
    """Recall over the seeds of the main runs."""
    found = re.search(r"recipe (\w+)", p.column)
    names = r.group(found[1])
    return r.counted(names, lambda m: recall(m, GENRES.index(p.row)))


# ---- Other models ----


def model(r, name, split):
    """Return the runs of a model on a split."""
    recipe, model, encoder = MODELS[name]
    return r.group(recipe, model, encoder, split)


@shows(r"SHA-256 ")
def runs_table(r, p):
    """Seconds of every run (seeds, epochs and threads are parameters)."""
    if p.column != "seconds":
        return None
    form = "{recipe}-{model}-{encoder}-{split}-{epochs}-epochs-seed-{seed}"
    name = form.format(**p.beside)
    return (float(r.runs.seconds[name]),) if name in r.runs.index else None


@shows(r"^GTZAN \(Kaggle edition\), split ")
def compared(r, p):
    """Models on one split."""
    found = re.search(r"split (\S+),", p.table)
    names = model(r, p.row, found[1])
    few = re.search(r", (\d+) seeds", p.table)
    names = names[: int(few[1])] if few else names
    if p.column == "hip-hop called reggae":
        return r.counted(names, called)
    if p.column == "reggae called hip-hop":
        return r.counted(names, lambda m: called(m, REGGAE, HIPHOP))
    return measured(r, names, p.column)


@shows(r"^Test accuracy by split")
def ladder(r, p):
    """Accuracy by split, and the change from the paper's split."""
    what, split = p.column.split()[0], p.column.split()[-1]
    few = re.search(r", (\d+) seeds", p.table)
    n = int(few[1]) if few else 5  # a random split has up to 20 seeds elsewhere
    names, base = (model(r, p.row, s)[:n] for s in (split, "random"))
    if what == "accuracy":
        return r.share(names)
    return change(r, names, base)


def change(r, names, base):
    """Return the change of accuracy between splits: paired, or added in squares."""
    if r.runs.split[names[0]] == "random-unique":
        return r.gain(names, base, lambda n: r.accuracy(n)[0])
    halves, values = [], []
    for some in (names, base):
        mean, low, high = unclipped(r, some)
        values.append(mean)
        halves.append((high - low) / 2)
    value, half = values[0] - values[1], np.hypot(*halves)
    return value, value - half, value + half


def unclipped(r, names):
    """Return accuracy over seeds; ends may leave 0 to 1."""
    shares, split = [r.accuracy(n) for n in names], r.runs.split[names[0]]
    if len(shares) == 1:
        return shares[0]
    tests = np.mean([s[2] - s[1] for s in shares]) / 2
    mean, _, high = student([s[0] for s in shares], 1 / 4 if "random" in split else 0)
    fold = max(high - mean, tests / np.sqrt(min(5, len(shares))))
    half = fold if "random" in split else np.hypot(high - mean, tests)
    return mean, mean - half, mean + half


@cache
def folds(r, name, split, temperature="plain"):
    """Return tracks, labels and logits (repetitions, N, 10) of a model's folds.

    At temperatures of the other folds where these are ``fitted``; those come last.
    """
    members = MEMBERS.get(name, (name,))
    runs = [r.seeds(model(r, member, split)) for member in members]
    n = 3 if split.endswith("folds") else 1
    repetitions, fitted_all = [], []
    for first in range(0, 1 + min(max(part) for part in runs), n):
        parts, which = [[r.answer(m[first + k]) for m in runs] for k in range(n)], []
        tracks = np.concatenate([part[0][0] for part in parts])
        labels = np.concatenate([part[0][1] for part in parts])
        fold = np.repeat(np.arange(n), [len(part[0][0]) for part in parts])
        each = [
            np.concatenate([part[m][2] for part in parts]) for m in range(len(runs))
        ]
        logits = np.empty(each[0].shape)
        for k in range(n):
            own = fold == k
            if temperature == "plain":
                which = np.ones(len(each))
            elif n > 1:
                which = best_temperatures([z[~own] for z in each], labels[~own])
            else:
                known = [r.validation[m[first]] for m in runs]
                given = [table[GENRES].to_numpy() for table in known]
                which = best_temperatures(given, known[0].label.to_numpy())
            logits[own] = mixture([z[own] for z in each], which)
            fitted_all.append(which)
        order = np.argsort(tracks)
        repetitions.append(logits[order])
        if n == 1:
            break
    temperatures = np.exp(np.mean(np.log(fitted_all), axis=0))
    return tracks[order], labels[order], np.stack(repetitions), temperatures


def right(hits, artists):
    """Return the share right over repetitions, by artist."""
    return over_seeds([share_by_artist(row, artists) for row in hits], "")


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
    _, whose, sizes = np.unique(artists, return_inverse=True, return_counts=True)
    chosen = {"all": np.full(len(tracks), True), "control": sizes[whose] == 1}
    chosen |= {"test list": np.isin(tracks, listed)}
    chosen |= {genre: labels == k for k, genre in enumerate(GENRES)}
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
    """Known and unheard artists on the same tracks."""
    name, part = p.row.split(" | ")[:2]
    return leakage(r, name, part).get(p.column)


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
    """Trust in percentages before and after temperatures."""
    split, name, how = p.row.split(" | ")
    return trust(r, split, name, {"before": "plain", "after": "fitted"}[how]).get(
        p.column
    )


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
    for name, share in (("alone", None), ("50 : 50", 0.5), ("30 : 70", 0.3)):
        hits = alone if share is None else of[share]
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


@shows(r"^(Mixtures of two tracks|A genre's percentage by)")
def mixed_tracks(r, p):
    """Mixtures of two tracks, and percentages by share."""
    found, by_share, _ = mixtures(r)
    if p.column == "mean percentage":
        return tuple(100 * x for x in by_share[float(p.row.split()[0]) / 100])
    if p.row == "alone" and p.column.startswith("more"):
        return ""
    return found.get((p.row, p.column))


@shows(r"^Runs on")
def start_runs(r, p):
    """Every configuration on the start page, and its seeds."""
    at = p.beside
    columns = {"recipe": "training", "model": "model", "encoder": "input"}
    columns["split"] = "split"
    facts = {
        k: "+".join(x.split(",")[0] for x in at[column].split("; "))
        for k, column in columns.items()
    }
    names = r.group(**facts, epochs=int(at["epochs"].replace(",", "")))
    if not names:
        return None
    if facts["split"] == "all" and p.column in ("accuracy", "top-2"):
        return "-"
    if p.column == "seeds":
        rows = [
            (*(r.accuracy(n) if facts["split"] != "all" else ()), r.runs.seconds[n])
            for n in names
        ]
        return (len(names), *(x for row in rows for x in row))
    return measured(r, names, p.column)


# ---- The ledger ----


def saturated(r, names):
    """Return how many of all answers of some runs are printed as 100.0 %."""
    shares = [r.saturated(name) for name in names]
    sizes = [len(r.hits(name)) for name in names]
    pooled = sum(s[0] * n for s, n in zip(shares, sizes, strict=True)) / sum(sizes)
    return over_seeds(shares, "random", pooled)


@cache
def claims():
    """Return the claims of the ledger with their rules, by id."""
    ledger = tomllib.loads((REPORT / "claims.toml").read_text("utf-8"))
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


def gained(r, ours, theirs, metric):
    """Return a paired difference over whole partitions of shared seeds."""
    both = set(r.seeds(ours)) & set(r.seeds(theirs))
    ours, theirs = (
        r.partitions([n for s, n in sorted(r.seeds(g).items()) if s in both])
        for g in (ours, theirs)
    )
    return r.gain(ours, theirs, metric), len(ours), ()


def over(r, names, estimate, one=None):
    """Return an estimate of whole partitions, and what each seed has."""
    names = r.partitions(names)
    each = [one(name) for name in names] if one else ()
    return estimate(names), len(names), each


def beside_others(r):
    """Return the paper's network minus the mean of the models of notebook 06."""
    others = [
        model(r, name, "random") for name in [*list(MODELS)[1:4], "CRNN, mel bands"]
    ]
    groups = [r.seeds(g) for g in (r.group("paper"), *others)]
    both = sorted(set.intersection(*map(set, groups)))
    rows = np.array([[r.accuracy(g[s])[0] for s in both] for g in groups])
    values = rows[0] - rows[1:].mean(0)
    return student(values, 1 / 4), len(both), list(values)


def more_data(r, encoder):
    """Return what the second half of the training tracks adds, by artist."""
    curves = [c for c in r.learning if c["encoder"] == encoder]
    gains = [np.subtract(c["hits"][-1], c["hits"][-2]) for c in curves]
    tests = [c["tests"] for c in curves]
    mean, variance, number = jackknife(np.concatenate(gains), np.concatenate(tests))
    by_fold = [g.sum() / t.sum() for g, t in zip(gains, tests, strict=True)]
    ratio = np.mean([c["tests"].sum() / max(c["train"]) for c in curves])
    over_folds = student(by_fold, ratio)
    half = stats.t.ppf(0.975, number - 1) * np.sqrt(variance)
    half = max(half, over_folds[2] - over_folds[0])
    return (mean, mean - half, mean + half), len(curves), ()


def ranked(r, place_in):
    """Return a rank of recipe paper's runs."""
    names = r.partitions(r.group("paper"))
    counts = np.stack([r.confusion(name) for name in names])
    return bootstrapped_place(counts, place_in), len(names), ()


def recall_place(k):
    """Return the rank of a genre by recall."""
    return lambda m: place(m.diagonal() / m.sum(1).clip(1), k)


def mistaken_place(m):
    """Return the rank of reggae among what hip-hop is mistaken for."""
    return int(np.sum(np.delete(m[HIPHOP], HIPHOP) >= m[HIPHOP, REGGAE]))


@cache
def ours(r, claim):
    """Return estimate, number of seeds, and single values; None if not measured."""
    two, one = r.group("paper"), r.group("corrected")
    conv = r.group("corrected", encoder="conv")
    features, texture, cnn, crnn = (
        model(r, name, "random") for name in list(MODELS)[2:6]
    )
    early = {recipe: r.longest(recipe, 30) for recipe in ("paper", "corrected")}
    early["dense"] = r.longest("corrected", 30, model="lenet-one-dense")
    early["conv"] = r.longest("corrected", 30, encoder="conv")

    def accuracy(name):
        return r.accuracy(name)[0]

    def confusion(name):
        return mixed(r.confusion(name))[0]

    def at(curve, epoch=-1):
        return lambda name: r.at(name, curve, epoch)

    def curve(names, what, epoch=-1):
        return over(r, names, lambda n: r.curve(n, what, epoch), at(what, epoch))

    def first(what):
        return over(r, two, lambda n: r.curve(n, what, 1))

    def top2(names):
        return over(r, names, lambda n: r.share(n, k=2), lambda n: r.accuracy(n, 2)[0])

    def ratio(encoder):
        values = r.of_pooling[encoder]
        return student(values, 1 / 4), len(values), ()

    def test_30(which, curve="test_accuracy"):
        names = r.partitions(early[which])
        each = [t[0] for t in r.tests_at(names, 30, curve)]
        return r.test_at(names, 30, curve), len(names), each

    def gained_30(which, what):
        return gained(r, early[which], early["corrected"], at(what, 30))

    def pair():
        found = []
        for name, epoch in r.moments("paper", "pair"):
            found += r.tests_at([name], epoch)
        return over_seeds(found, "random"), len(found), [f[0] for f in found]

    repeated = confused(r, r.compared("paper"))
    silent = hiphop_means(r, "paper")
    n_train, n_test = r.runs.n_train[two[0]], r.runs.n_test[two[0]]
    nearest, n = r.pooling["nearest"]["mse"], sum(BY_GENRE.values())
    counted = {
        "pictures": n,
        "pictures-a-genre": min(BY_GENRE.values()),
        "several-gigabytes": 4 * 36 * CODE * n / 1e9,
        "kb-before": 36 * CODE / 1e3,
        "kb-before-as-written": PICTURE / 1e3,
        "kb-after": CODE / 1e3,
        "compression": PICTURE / CODE,
        "pooling-mse": nearest * 3 / 4,
        "pooling-mse-colours": nearest,
        "train-pictures": n_train,
        "test-pictures": n_test,
        "batches": np.ceil(n_train / 100),
        "autoencoder-literal": 4 * WEIGHTS / 1e9,
    }
    if claim in counted:
        return (counted[claim],), None, ()
    measured = {
        "abstract-30-epochs-one-softmax": lambda: test_30("corrected"),
        "abstract-30-epochs-two-softmaxes": lambda: test_30("paper"),
        "abstract-30-epochs-one-dense": lambda: test_30("dense"),
        "top-2-one-softmax-30": lambda: test_30("corrected", "test_top2"),
        "top-2-one-dense-30": lambda: test_30("dense", "test_top2"),
        "limitations-test-one-softmax": lambda: test_30("corrected"),
        "limitations-train-one-softmax": lambda: curve(
            early["corrected"], "train_accuracy", 30
        ),
        "one-dense-results-30": lambda: gained_30("dense", "test_accuracy"),
        "one-dense-converges": lambda: gained_30("dense", "train_accuracy"),
        "one-dense-results": lambda: gained(
            r, r.group("corrected", "lenet-one-dense"), one, accuracy
        ),
        "first-loss": lambda: first("loss"),
        "last-loss": lambda: curve(two, "loss"),
        "last-loss-one-softmax": lambda: curve(one, "loss"),
        "first-train-accuracy": lambda: first("train_accuracy"),
        "last-train-accuracy": lambda: curve(two, "train_accuracy"),
        "test-accuracy": lambda: over(r, two, r.share, accuracy),
        "test-accuracy-at-the-pair": pair,
        "saturated-output": lambda: over(r, two, lambda n: saturated(r, n)),
        "saturated-output-one-softmax": lambda: over(r, one, lambda n: saturated(r, n)),
        "metal": lambda: ranked(r, recall_place(GENRES.index("metal"))),
        "classical": lambda: ranked(r, recall_place(GENRES.index("classical"))),
        "hiphop-always": lambda: over(r, two, lambda n: r.counted(n, called)),
        "hiphop-mostly": lambda: ranked(r, mistaken_place),
        "hiphop-looks-like-reggae": lambda: (
            (r.data["hiphop_reggae_place"],),
            None,
            (),
        ),
        "hiphop-repeated": lambda: (repeated[2], repeated[0], ()),
        "hiphop-silent": lambda: (silent[0], silent[2], ()),
        "information-loss": lambda: gained(r, conv, one, accuracy),
        "average": lambda: beside_others(r),
        "top-2": lambda: top2(two),
        "top-2-one-softmax": lambda: top2(one),
        "autoencoder-loses-less": lambda: ratio("conv"),
        "autoencoder-patch-loses-less": lambda: ratio("patch"),
        "autoencoder-train-accuracy": lambda: gained_30("conv", "train_accuracy"),
        "more-data": lambda: more_data(r, "texture"),
        "more-data-features": lambda: more_data(r, "features"),
        "other-inputs": lambda: gained(r, features, one, confusion),
        "other-inputs-same-model": lambda: gained(r, features, texture, confusion),
        "other-inputs-bands": lambda: gained(r, crnn, one, confusion),
        "rnn": lambda: gained(r, crnn, cnn, accuracy),
        "autoencoder-literal": lambda: ((4 * WEIGHTS / 1e9,), None, ()),
        "multi-label": lambda: (
            mixtures(r)[0]["50 : 50", "more so than alone"],
            r.mixtures.run.nunique(),
            (),
        ),
        "abstract-percentages": lambda: (
            mixtures(r)[1][0.3],
            r.mixtures.run.nunique(),
            (),
        ),
        "abstract-percentages-louder": lambda: (
            mixtures(r)[1][0.7],
            r.mixtures.run.nunique(),
            (),
        ),
        "limitations-train": lambda: over(
            r, two, lambda n: r.curve(n, "train_accuracy")
        ),
        "limitations-test": lambda: over(r, two, r.share),
    }
    return measured[claim]() if claim in measured else None


def verdict(r, claim: dict) -> str:
    """Judge a claim by its rule in the ledger."""
    if "says" in claim:
        return "contradicted by the paper itself"
    measured = ours(r, claim["id"])
    if not {"value", "above", "below"} & set(claim) or not measured:
        return "cannot be tested"
    estimate, seeds, _ = measured
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
def verdicts(r, only=None):
    """Count claims by verdict: of all, or of notebooks 05 or 06 (what is proposed)."""
    unknown = [c for c in claims().values() if "measure" in c and not ours(r, c["id"])]
    if unknown and only is not True:
        return dict.fromkeys(VERDICTS, NAN)
    some = [c for c in claims().values() if only in (None, c.get("proposed", False))]
    counts = dict.fromkeys(VERDICTS, 0)
    for claim in some:
        counts[verdict(r, claim)] += 1
    return counts


def reason(r, claim: dict) -> list[float]:
    """Return the numbers that a reason adds to what the ledger says."""
    measured, found = ours(r, claim["id"]), []
    if measured and "tolerance" in claim and len(measured[2]) > 1:
        within = (
            np.abs(np.subtract(measured[2], claim["value"]))
            <= claim["tolerance"] + 1e-9
        )
        found += [within.sum(), len(within), min(measured[2]), max(measured[2])]
    return found


def would_decide(r, claim: dict) -> list[int]:
    """Return how many seeds would decide a mean over seeds, where some number would."""
    measured = ours(r, claim["id"])
    if verdict(r, claim) != "undecided" or claim["measure"] not in ("metric", "gain"):
        return []
    (mean, low, high), k, _ = measured
    bounds = [claim[side] for side in ("above", "below") if side in claim]
    if "tolerance" in claim:
        bounds = [claim["value"] + sign * claim["tolerance"] for sign in (-1, 1)]
    away = min(abs(mean - bound) for bound in bounds)

    def half(n):
        return stats.t.ppf(0.975, n - 1) * (1 / n + 1 / 4) ** 0.5

    n = next(
        (n for n in range(2, 1000) if (high - low) / 2 * half(n) < away * half(k)), 0
    )
    return [n] * bool(n)


@shows(r"^(The ledger|What the paper proposes|Ours is measured on)")
def ledger(r, p):
    """Number, verdict and reason of each claim; claims and rules are typed."""
    claim = next(
        (c for c in claims().values() if c["claim"] == p.beside["claim"]), None
    )
    if claim is None:
        return None
    measured = ours(r, claim["id"])
    if p.column == "ours":
        if not measured:
            return None if "measure" in claim else ()
        estimate, seeds, _ = measured
        of = re.findall(r"of (9|10|45)\b", p.text)
        seeds = [seeds] if seeds and "seed" in p.text else []
        return (*estimate, *map(float, of), *seeds)
    if p.column == "verdict":
        if "measure" in claim and not measured:
            return None
        judged = verdict(r, claim)
        if p.text.endswith(claim.get("kind", "-")) and judged != VERDICTS[-1]:
            return f"{judged} {claim['kind']}"  # where the page tells the kind
        return judged
    return None


@shows(r"^Number of claims by verdict")
def by_verdict(r, p):
    """Number of claims by verdict, of those that notebook 05 answers."""
    if p.column == "claims":
        return (verdicts(r, False)[p.row],)
    some = [c for c in claims().values() if not c.get("proposed", False)]
    of = [c for c in some if c.get("kind") == p.column]
    return (sum(verdict(r, c) == p.row for c in of),) if of else None


SLIPS = {  # a row's words: recipe and model, and what is printed for the loss
    "softmax applied twice": ("paper", "lenet"),
    "softmax applied once": ("corrected", "lenet"),
    "since training began": ("corrected", "lenet", lambda t: t.loss.expanding().mean()),
    "the loss of test pictures": ("corrected", "lenet", lambda t: t.test_loss),
    "a sigmoid before": ("sigmoid", "lenet"),
    "labels smoothed": ("smoothed", "lenet"),
    "smoothed by 0.3": ("smoothed-more", "lenet"),
    "weights decay": ("decayed", "lenet"),
    "with dropout": ("corrected", "lenet-dropout"),
}
CHANGES = {
    "none": ("lenet", "pool"),
    "pooled, blues moved away from the mean of all": ("lenet", "blues-away"),
    "pooled, classical moved onto the mean of all": ("lenet", "classical-onto"),
    "the same, outputs one genre on": ("lenet-rotated", "pool"),
}


def slip(r, words):
    """Return what a slip or habit gives: estimates by column."""
    recipe, net, *printed = next(v for k, v in SLIPS.items() if k in words)
    names = r.group(recipe, net)
    if not names:
        return None
    loss_of = printed[0] if printed else None
    at, then, last = [], [], []
    for name in names:
        table = r.epochs[name]
        enough = np.flatnonzero(table.train_accuracy >= 0.62)
        losses = loss_of(table) if loss_of else table.loss
        last.append(losses.iloc[-1])
        if len(enough) and loss_of:
            at.append(losses.iloc[enough[0]])
        elif len(enough) and enough[0]:
            at.append(r.loss_at(name, 0.62))
        certain = table.get("train_certain")
        if len(enough) and certain is not None and certain.notna().all():
            then.append(certain.iloc[enough[0]] / table.n_train.iloc[0])
    return {
        "seeds": (len(names),),
        "epochs": (int(r.runs.epochs[names[0]]),),
        "loss at 0.62": student(at, 1 / 4) if at else (NAN,),
        "by seeds": (len(at),),
        "100.0 % then": clipped(student(then, 1 / 4)) if then else (NAN,),
        "last loss": student(last, 1 / 4),
        "100.0 %, test": alone(r, names),
        "test accuracy": r.share(names),
    }


def alone(r, names):
    """Return the share of answers with one 100.0 % and nine 0.0 %, over seeds."""
    each = []
    for name in names:
        z = r.answer(name)[2]
        odds = np.exp(z - z.max(1, keepdims=True))
        shares = odds / odds.sum(1, keepdims=True)
        if r.runs.recipe[name] == "sigmoid":
            shares = 1 / (1 + np.exp(-z))
        lone = (shares >= 0.9995).sum(1) == 1
        lone &= (shares >= 0.0005).sum(1) == 1
        each.append(wilson(lone.sum(), len(z)))
    return over_seeds(each, "random")


@shows(r"^What might explain the paper's loss")
def slips(r, p):
    """What other slips and habits give."""
    return (slip(r, p.beside["slip or habit"]) or {}).get(p.column)


def silent_in(r, names, epoch):
    """Count by genre the runs in which it is silent after an epoch."""
    found = [genre for name in names for genre in r.dead(name, epoch)]
    return np.bincount(found, minlength=10)


@shows(r"^Templates and silent genres")
def fitted(r, p):
    """Templates' ranks, and in how many seeds a genre is silent."""
    if p.column == "mean rank":
        return (r.data[f"template_rank.{p.beside['genre']}"],)
    if not p.column.startswith("silent"):
        return None
    names = r.longest("paper")
    shortest = int(min(r.runs.epochs[n] for n in names))
    return (silent_in(r, names, shortest)[GENRES.index(p.beside["genre"])],)


@shows(r"^Seeds in which each genre is silent")
def silenced(r, p):
    """Of how many seeds a genre is silent, as changed and as the same seeds were."""
    net, encoder = CHANGES[p.beside["change"]]
    names = r.group("paper", net, encoder)
    epochs = int(p.beside["epochs"])
    if p.beside["change"] == "none":
        names = r.longest("paper", epochs)[: int(p.beside["seeds"])]
    if p.column not in GENRES:
        return None
    return (silent_in(r, names, epochs)[GENRES.index(p.column)],)


VERDICTS = ("reproduced", "not reproduced", "undecided")
VERDICTS += ("contradicted by the paper itself", "cannot be tested")
PICTURE, CODE = 288 * 432 * 3, 72 * 108 * 3
WEIGHTS = 2 * PICTURE * CODE + PICTURE + CODE  # there and back, with biases
