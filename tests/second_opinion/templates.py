"""Sentences with numbers: where each number must be, and what it must be."""

import re
from functools import cache

import numpy as np
from expected import (
    GENRES,
    HIPHOP,
    VERDICTS,
    claims,
    confused,
    fates,
    goes_to,
    hiphop_means,
    leakage,
    model,
    ours,
    trust,
    verdicts,
)
from record import BY_GENRE, MODELS
from statistics_again import FLOOR, student

NETWORK, BEST = "LeNet corrected, pooled picture", "CRNN and texture SVM"
NUM = r"-?\d[\d,]*(?:\.\d+)?"
ESTIMATE = rf"({NUM})(?: ?%)?(?: \[({NUM}), ({NUM})\])?"
# A field is {fact}, {fact%} is 100 times it; «...» is a regular expression.
TEMPLATES = """
edition), {pictures} pictures
has {pictures} pictures; the
edition): {pictures} pictures of
the genre with the fewest has {fewest}
collection of {paper.pictures} «clips|excerpts»
GTZAN has {paper.pictures} excerpts of 30 seconds, which we call tracks, {paper.genre} of each
each of ten genres has {paper.genre}
on {paper.train_n} of «the pictures|them»
the other {paper.test_n}, the test
Its {paper.test_n} test pictures can
a small network and {paper.train_n} training pictures
Of {paper.test_n} pictures, an accuracy
it is {paper.test%} in one place of the paper, and {paper.test42%} and {paper.test_abs%} in
test accuracies of {paper.test_abs}, {paper.test} and {paper.test42} in three
loss of {paper.loss}, when {paper.train%} of
loss of {paper.loss} at a training accuracy of {paper.train}
a loss of {paper.loss} with {paper.train%} of the
certain of its answers has a loss of 1.461 + (1 - {paper.train}) = {predicted}
first has {paper.train%} right, its loss is {two.at62} in the {two.n62} of {two.n} seeds
with two softmaxes and {one.at62} with one
After {two.epochs} epochs with two it ends at {two.loss}, with {two.train%} right ({two.n} seeds), for which the sum is {two.predicted}
after {one.epochs} with one ({one.n} seeds) it ends at {one.loss}
wrong answers alone, {paper.wrong%} of all, bring the loss to {once} or more
With {paper.train%} right and {paper.wrong%} wrong, the loss is 1.461 + {paper.wrong} = {predicted}
paper prints {paper.loss}«(?!\\d|\\.\\d| and| are)»
certain, softmax twice {predicted}
certain, softmax once at least {once}
guessing {guess}
The loss when {paper.train%} of
for {two.epochs} epochs, in {two.n} training runs
a loss of {two.at62} in the {two.n62} of {two.n} seeds
the loss is {one.at62} then
below the {once} of above
At the end, the loss is {two.loss} and {two.train%} of
gives 1.461 + {two.wrong} = {two.predicted}
after {dead.when} epochs, some genre is dead in {dead.two} of {dead.of}
softmax applied once«, networks learn sooner:?|:|,» after {one.when} epochs, «(?:some genre is dead )?»in {dead.one} of {one.n}
dead at some time in {hiphop.seeds} of «(?:the )?»{dead.of} «runs|seeds»
While it is dead, {hiphop.dead%} of it is called reggae, and {hiphop.lives%} while it lives
In {pair.n} runs, loss and training accuracy
({paper.loss} and {paper.train%}). At that time {pair.test%} of
paper prints {paper.test%} %
pictures by heart: {one.train%} of them are right after {one.epochs} epochs, and the loss is {one.loss}
Of the test pictures, {one.test%} are right at the end, and {two.test%} with softmax applied twice, after {two.epochs} epochs
likeliest, called top-2, is {one.top2%} with one softmax, {two.top2%} with two, and {paper.top2%} in
abstract speaks of {paper.epochs_abs} epochs and a test accuracy of {paper.test_abs%}. After {paper.epochs_abs} epochs we have {one.test30%} with one softmax
{two.test30%} with two (
error of ours is {encoder.times} times smaller than that of averages
become better for certain: {conv.test%} of
the same {leak.tracks} songs twice
of these songs to {leak.unheard%}; our best model reaches {best.unheard%}
falls from {leak.known%} of
The difference is {leak.difference%} of all songs for the paper's network, and {best.difference%} for our best model
difference of our best model is {best.control%}
test list has {best.listed} of these songs. Our best model is right for {best.listed_unheard%} of them
for {best.artist%} when it is trained on the published training list alone, and for {best.lists%} when
reported to name {others.low%} to {others.high%} correctly
paper's network, artists heard {leak.known%}
paper's network, never heard {leak.unheard%}
best model, artists heard {best.known%}
best model, never heard {best.unheard%}
published lists {others.low%} to {others.high%}
all {claims} claims
list {claims} claims of the paper
{verdicts.reproduced} are reproduced, {verdicts.not reproduced} are not reproduced, {verdicts.undecided} are undecided, {verdicts.contradicted by the paper itself} are contradicted by the paper itself, and {verdicts.cannot be tested} cannot be tested
certain of every answer has a loss of {predicted} at that accuracy if softmax is applied twice, and of at least {once} if
a share of {one.test} is right, and {two.test} with softmax applied twice
falls from {leak.known} to {leak.unheard}; our best model reaches {best.unheard}
its loss is {one.at62}«[.;](?!\\d)»
the loss goes from {two.first} (cannot be tested) to {two.loss} (
the training accuracy to {two.train} (
the test accuracy to {two.test} (
the top-2 to {two.top2} (
another training accuracy, {paper.train42}, for which the prediction is {predicted42}
with such an output is {claim.saturated-output}
loss of the same network ends at {one.loss}
claims 50 % after {paper.epochs_abs} epochs. One softmax gives {one.test30} by then
two give {two.test30}

higher by {slope} after {slope.when} epochs
{pair.n} of {dead.of} seeds reach the paper's training loss and accuracy ({paper.loss}, {paper.train}) together, after {pair.first} to {pair.last} epochs; their test accuracy is {pair.test} then
after {dead.when} epochs in {hiphop.at}. While
(for {hiphop.shortest} to {hiphop.longest} epochs), {hiphop.dead} of its
While it lives, {hiphop.lives} are
After 300 epochs, {called.300} are, and in a share of {most.300} of
After 1800 epochs, {called.1800} are, and in a share of {most.1800} of
loss and training accuracy, {called.pair} of hip-hop is called reggae, and in a share of {most.pair} of
learning begins in epochs {one.begin} to {one.begun}, and with two softmaxes in epochs {two.begin} to {two.begun}
genres have died in {died.one} of {one.n} seeds, and some are dead after {one.when} epochs in {dead.one}; with two, some are dead after {dead.when} epochs in {dead.two} of {dead.of}
metal is number {claim.metal} of 10 (
classical number {claim.classical} of 10 (
share of hip-hop that is called reggae is {claim.hiphop-always}
reggae is number {claim.hiphop-mostly} of 9
it is {claim.pooling-mse} over the four channels
and {claim.pooling-mse-colours} over the three
needs {claim.autoencoder-literal} GB for
error of the encoder conv is {claim.autoencoder-loses-less} of
the difference in test accuracy is {claim.information-loss}
ours differs by {claim.rnn} from
changes this share by {claim.other-inputs}
mel bands by {claim.other-inputs-bands}
texture change it by {claim.other-inputs-same-model}
training tracks adds {claim.more-data} to
has a loss of {two.at62} in the {two.n62} of {two.n} seeds that get so far at the paper's training accuracy, and with one softmax
{one.at62}; this comparison
with two softmaxes, {two.test}, is not for certain
that with one, {one.test}«[.](?!\\d)»
two softmaxes call {claim.hiphop-always} of hip-hop reggae, and {hiphop.dead} while
above 1.461 they make {death.share}
accuracy (ours has {one.at62})
Learned codes change that accuracy by {claim.information-loss}
Our loss ends at {two.loss} with softmax twice and at {one.loss} with softmax once; the paper's at {paper.loss}
Dead genres in {dead.two} of {dead.of} seeds with softmax twice, after {dead.when} epochs
While dead, {hiphop.dead} of hip-hop is called reggae; while it lives, {hiphop.lives}
Metal is number {claim.metal} of 10 by recall, classical number {claim.classical} of 10
recipe paper: {claim.hiphop-always} of hip-hop called reggae recipe corrected: {one.called} of
metal: number {claim.metal} of 10 classical: number {claim.classical} of 10
1.461 + 1 - {paper.train} = {predicted} the paper's last loss: {paper.loss}
within {bounds.low} to {bounds.high}? Ours is {two.loss}: undecided ({two.n} seeds
Of {claims05} claims, {v05.reproduced} reproduced, {v05.not reproduced} not reproduced, {v05.undecided} undecided, {v05.contradicted by the paper itself} contradicted by the paper itself, {v05.cannot be tested} cannot be tested
{claims05} claims {v05.contradicted by the paper itself} of them
Of {claims06} claims about what comes next, {v06.not reproduced} not reproduced, {v06.cannot be tested} cannot be tested, {v06.reproduced} reproduced, {v06.undecided} undecided
a difference of {claim.rnn}, undecided
The CRNN recognises {crnn.unheard%} of tracks by unheard artists, {crnn.known%} if
conv loses least, with an MSE of {conv.mse}
average pooling, nearest: {times.nearest} times
average pooling, bilinear: {times.bilinear} times
average pooling, bicubic: {times.bicubic} times
pca-bands, without training: {times.pca-bands} times
accuracy from conv minus that from pooling: {claim.information-loss}
`?conv`? loses {conv.mse}, average pooling {bicubic.mse}
the error falls to {conv.share%}; accuracy
Pooling loses {pool.bicubic} to {pool.nearest}, or {pool4.bicubic} to {pool4.nearest} with
nearest RGB {pool.nearest},
nearest RGBA {pool4.nearest},
bilinear RGB {pool.bilinear},
bilinear RGBA {pool4.bilinear},
bicubic RGB {pool.bicubic},
bicubic RGBA {pool4.bicubic},
{weights} weights, {weights.gb} GB in
{weights.gb4} GB with gradients
{runs} runs of {configurations} configurations
{run.train_n} train, {run.test_n} test
learns {run.train%} of its training pictures
{run.test%} of the test pictures are right, {run.top2%} in two guesses
accuracy {run.test} top-2 {run.top2}
): {run.test_n} test pictures accuracy
learning begins in epoch {run.begins}
most frequent mistake: «\\w+ called \\w+», {run.mistakes} of {run.mistaken} pictures
loss of a network that knows nothing: {guess}
once loss if right 0.000, if wrong {certain} softmax twice loss if right {floor}, if wrong {floor1}
ends at {of.once} with softmax once
and at {of.twice} with softmax twice
crnn at temperature {crnn.t}: «\\S+» right svm at temperature {svm.t}: «\\S+» right
highest accuracy is {top}, the paper's network has {net}
calibration error falls from {ece.before} to {ece.after}
mean confidence {sure.before}, right {right.before} expected calibration error {ece.before}
tracks raises accuracy: {half} without, {whole} with it
6 x 68 x 104 {layer.1} weights
16 x 30 x 48 {layer.2} weights
Linear 120 {layer.3} weights
Linear 10 {layer.4} weights
""".strip().splitlines()


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
    paper = dict(pictures=1000, genre=100, train_n=800, test_n=200, test=0.45)
    paper |= dict(test42=0.40, test_abs=0.50, loss=1.83, train=0.62, train42=0.5)
    paper |= dict(wrong=0.38, top2=0.70, epochs_abs=30)
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
            "at62": student(at62),
            "loss": r.curve(group, "loss"),
            "train": train,
            "first": r.curve(group, "loss", 1),
            "wrong": 1 - train[0],
            "predicted": FLOOR + 1 - train[0],
            "test": r.share(group),
            "top2": r.share(group, k=2),
            "when": after,
            "test30": r.test_at(r.partitions(r.longest(recipe, 30)), 30),
            "called": r.counted(
                group, lambda m: (m[HIPHOP, 8] / m[HIPHOP].sum(), *_wilson(m))
            ),
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
    found |= {"hiphop.at": fates(r, "paper")["hiphop"]["dead"]}
    found |= {"pair.n": len(pairs), "pair.first": min(pairs), "pair.last": max(pairs)}
    found["pair.test"] = ours(r, "test-accuracy-at-the-pair")[0]
    for at in (compared, int(found["two.epochs"]), "pair"):
        _, found[f"called.{at}"], found[f"most.{at}"] = confused(r, at)
    last = [r.moment(*m) for m in r.moments("paper", int(found["two.epochs"]))]
    found["slope"], found["slope.when"] = line(last), found["two.epochs"]
    moments = [r.moment(*m) for m in r.moments("paper", compared)]
    shares = [m["of dead"] / (m["loss"] - FLOOR) for m in moments]
    found["death.share"] = student(shares)
    found["conv.test"] = r.share(r.group("corrected", encoder="conv"))
    for key, name in (("leak", NETWORK), ("best", BEST), ("crnn", "CRNN, mel bands")):
        all_ = leakage(r, name, "all")
        found |= {f"{key}.{k}": v for k, v in all_.items()}
        listed = leakage(r, name, "test list")
        found[f"{key}.listed"] = listed["tracks"]
        found[f"{key}.listed_unheard"] = listed["unheard"]
        found[f"{key}.lists"] = listed["lists"]
        found[f"{key}.control"] = leakage(r, name, "control")["difference"]
    found["best.artist"] = r.share(model(r, BEST, "artist"))
    for prefix, only in (("verdicts", None), ("v05", False), ("v06", True)):
        counts = verdicts(r, only)
        found |= {f"{prefix}.{v}": counts[v] for v in VERDICTS}
        found[f"claims{prefix[1:]}"] = sum(counts.values())
    found |= {
        f"claim.{claim}": ours(r, claim)[0] for claim in claims() if ours(r, claim)
    }
    mse = {k: row["mse"] for k, row in r.encoders.items()}
    found |= {f"{k}.mse": v for k, v in mse.items()}
    found |= {f"times.{k}": v / mse["conv"] for k, v in mse.items()}
    found |= {"encoder.times": mse["bicubic"] / mse["conv"]}
    found |= {"conv.share": mse["conv"] / mse["bicubic"]}
    for mode, row in r.pooling.items():
        found |= {f"pool.{mode}": row["mse"], f"pool4.{mode}": row["mse"] * 3 / 4}
    weights = 4 * (2 * 373248 * 23328 + 373248 + 23328)
    found |= {"weights": weights / 4, "weights.gb": weights / 1e9}
    found["weights.gb4"] = 4 * weights / 1e9
    found |= beyond(r)
    found |= {"certain": 20, "floor": FLOOR, "floor1": FLOOR + 1}
    sizes = (25 * 3 + 1) * 6, (25 * 6 + 1) * 16, (16 * 15 * 24 + 1) * 120, 121 * 10
    found |= {f"layer.{k}": n for k, n in enumerate(sizes, 1)}
    return {k: v if isinstance(v, tuple) else (float(v),) for k, v in found.items()}


def beyond(r):
    """Return what notebooks on other models tell in their headings."""
    paper = "LeNet of the paper, pooled picture"
    before, after = (trust(r, "three-way", paper, how) for how in ("plain", "fitted"))
    both = trust(r, "three-way", BEST, "fitted")["temperatures"]
    accuracies = [r.share(model(r, name, "random")[:5])[0] for name in list(MODELS)[1:]]
    curves = [c for c in r.learning if c["encoder"] == "texture"]
    n = sum(c["tests"].sum() for c in curves)
    half, whole = (sum(c["hits"][k].sum() for c in curves) / n for k in (-2, -1))
    return {
        "crnn.t": both[0],
        "svm.t": both[1],
        "top": max(accuracies),
        "net": accuracies[0],
        "ece.before": before["calibration error"],
        "ece.after": after["calibration error"],
        "sure.before": before["sure"],
        "right.before": before["right"][:1],
        "half": half,
        "whole": whole,
    }


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
        other = {"paper": "corrected", "corrected": "paper"}[row.recipe]
        known = r.seeds(r.longest(other))[int(row.seed)]
        for each in (name, known):
            key = "of.twice" if r.runs.recipe[each] == "paper" else "of.once"
            found[key] = r.at(each, "loss", -1)
    return {k: v if isinstance(v, tuple) else (float(v),) for k, v in found.items()}


def _wilson(m):
    from statistics_again import wilson

    return wilson(m[HIPHOP, 8], m[HIPHOP].sum())[1:]


def line(moments):
    """Return the slope of the loss by dead genres, over seeds."""
    from scipy import stats

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
