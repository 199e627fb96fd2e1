"""Compares what is shown with what follows: which numbers are right, wrong, unknown."""

import html
import re
from functools import cache
from pathlib import Path

import expected
import numpy as np
from expected import GENRES, claims, model, ours, reason, would_decide
from record import MODELS
from shown import NUMBER, Place, numbers, plain, value
from statistics_again import FLOOR, clipped, student, wilson
from templates import TEMPLATES, facts, flexible, of_run, pattern

ROOT = Path(__file__).parents[2]
TYPED = (  # what stands in a source was not measured; a measured number is put in
    "gtzan_lib/report/page/*.j2",
    "gtzan_lib/report/figures.toml",
    "gtzan_lib/registry.toml",
    "report/*.t[oy][mp]*",
    "report/references.bib",
    "notebooks/*.ipynb",
)


class Verdict:
    """Numbers of some places: how many ``shown`` and ``known``, and what is wrong."""

    def __init__(self):
        self.shown, self.known = 0, 0
        self.faults, self.unknown = [], []

    def add(self, other):
        """Add another's."""
        self.shown, self.known = self.shown + other.shown, self.known + other.known
        self.faults += other.faults
        self.unknown += other.unknown


def is_right(shown: str, follows: float, percent: bool = False) -> bool:
    """Tell whether a number is what follows, rounded as it is shown."""
    number, decimals = value(shown)
    return abs(number - (100 if percent else 1) * follows) <= 0.5 * 10**-decimals + 1e-9


def judge(r, places) -> Verdict:
    """Judge all numbers of some places."""
    total = Verdict()
    for each in places:
        total.add(in_table(r, each) if each.table else in_text(r, each))
    return total


def in_table(r, p: Place) -> Verdict:
    """Judge a cell."""
    found, tokens = Verdict(), [m[0] for m in numbers(p.text)]
    if p.column in ("reason", "why", "rule", "claim", "paper", "the paper"):
        return weigh(p.text, in_ledger(r, p), str(p), claim_words(p))
    follows = expected.cell(r, p) if p.table != "README" else readme_cell(r, p)
    if follows is None:
        left = [m for m in numbers(p.text) if not is_typed(p.text, m)]
        found.shown = len(left)
        found.unknown = [f"{p}: {m[0]}" for m in left]
        return found
    found.shown = found.known = len(tokens)
    if isinstance(follows, str):
        right = p.text == follows
    else:
        follows = [x for x in follows if np.isfinite(x)]
        if len(tokens) == 1 and len(follows) == 3:
            follows = follows[:1]  # shown without its interval
        right = len(tokens) == len(follows) and all(map(is_right, tokens, follows))
    if not right:
        shown = follows if isinstance(follows, str) else np.round(follows, 4).tolist()
        found.faults = [f"{p}: shows {p.text!r}, and {shown} follows"]
    return found


def in_text(r, p: Place) -> Verdict:
    """Judge a paragraph, what a cell printed, or the text of the PDF."""
    known = {}
    run = expected.page_run(p)
    told = facts(r) | (of_run(r, run) if run in r.runs.index else {})
    text = re.sub(NUM_BREAK, r"\1", p.text)
    for template in TEMPLATES:
        regex, names = pattern(template)
        for match in regex.finditer(text):
            for k, name in enumerate(names):
                follows = told.get(name.rstrip("%"))
                if follows is None or not np.isfinite(follows[0]):
                    continue  # the tables do not say
                for part, x in zip(range(3 * k + 1, 3 * k + 4), follows, strict=False):
                    if match[part]:
                        known[match.start(part)] = x, name.endswith("%"), template
    for start, x in rows(r, text) if p.page.endswith(".pdf") else ():
        known[start] = x, False, text[max(0, start - 60) : start]
    ledger = text.find("A The ledger")
    if ledger < 0:
        return weigh(text, known, p.page, checked=p.checked)
    typed = str([list(claim.values()) for claim in claims().values()])
    parts = text[:ledger], " " * ledger + text[ledger:]  # "_" would be one long word
    found = weigh(parts[0], known, p.page)
    found.add(weigh(parts[1], known, p.page, typed))
    return found


def weigh(
    text: str, known: dict, where: str, typed: str = "", checked: bool = False
) -> Verdict:
    """Compare the numbers of a text with what is known to follow at their starts."""
    found = Verdict()
    for m in numbers(text):
        about = text[max(0, m.start() - 60) : m.end() + 20]
        if m.start() in known:
            x, percent, _ = known[m.start()]
            found.shown, found.known = found.shown + 1, found.known + 1
            if not is_right(m[0], x, percent):
                follows = x * 100 if percent else x
                found.faults.append(
                    f"{where}: {about!r} shows {m[0]}, and {follows:.4f} follows"
                )
        elif not (
            checked  # nbval compares it, on the sample
            or is_typed(text, m)
            or m[0] in ("1.461", "2.461")  # log(e + 9) - 1, and 1 more: arithmetic
            or re.search(rf"(?<![\d.]){re.escape(m[0])}\b", typed)
        ):
            found.shown += 1
            found.unknown.append(f"{where}: {about!r}: {m[0]}")
    return found


def claim_of(p: Place) -> dict:
    """Return the claim that a row of the ledger is about."""
    return next((c for c in claims().values() if c["claim"] == p.beside["claim"]), {})


def claim_words(p: Place) -> str:
    """Return what the ledger's source says of a claim: numbers in it are typed."""
    return str(list(claim_of(p).values())) if "claim" in (p.beside or {}) else ""


def in_ledger(r, p: Place) -> dict:
    """Return what follows for numbers of a reason or a rule, by their starts."""
    claim = claim_of(p) if "claim" in (p.beside or {}) else {}
    if not claim:
        return {}
    known, estimate = {}, ours(r, claim["id"])
    fields = {
        r"Of single seeds, (\d+) of (\d+) .*?between (\S+) and (\S+?)\.(?!\d)": reason(
            r, claim
        )
    }
    if estimate and estimate[1]:
        fields[r"Only (\d+) seeds"] = [estimate[1]]
    fields[r"differ as these do, (\d+) have"] = would_decide(r, claim)
    if "tolerance" in claim:
        fields[r"([\d.]+) ± ([\d.]+)"] = [claim["value"], claim["tolerance"]]
    for bound in {"above", "below"} & set(claim):
        fields[rf"\b{bound} ([\d.]+\d|\d)"] = [claim[bound]]
    for regex, follows in fields.items():
        if follows and (match := re.search(regex, p.text)):
            for k, x in enumerate(follows, 1):
                known[match.start(k)] = float(x), False, ""
    return known


NUM_BREAK = r"(\[[\d.-]+,) =====PAGE "


@cache
def sources() -> str:
    """Return the words of all sources, without what is put into them."""
    texts = [
        each.read_text("utf-8") for name in TYPED for each in sorted(ROOT.glob(name))
    ]
    joined = re.sub(r"\\n", " ", " ".join(texts))
    joined = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|<[^>]+>|\[#|[*_`$\\#\"]", " ", joined)
    return "".join(
        re.findall(r"[\w.,%]+", plain(html.unescape(joined)).replace("~", " "))
    )


@cache
def literature() -> str:
    """Return what others report: typed, with its sources."""
    return (ROOT / "gtzan_lib" / "report" / "literature.toml").read_text("utf-8")


def is_typed(text: str, m: re.Match) -> bool:
    """Tell whether a number stands in a source, between the same words."""
    if re.search(rf"\D{re.escape(m[0])}\b", literature()) and len(m[0]) > 4:
        return True
    before = "".join(re.findall(r"[\w.,%]+", text[max(0, m.start() - 60) : m.start()]))
    after = "".join(re.findall(r"[\w.,%]+", text[m.end() : m.end() + 60]))
    return before[-9:] + m[0].lstrip("-") + after[:9] in sources()


# ---- Tables of README and PDF ----


def readme_cell(r, p: Place):
    """Return what a cell of README's results shows."""
    groups = {
        "softmax applied twice": r.group("paper"),
        "softmax applied once": r.group("corrected"),
        "drawn at random": model(r, "CRNN and texture SVM", "random"),
        "its training list": model(r, "CRNN and texture SVM", "artist"),
        "training and validation lists": model(
            r, "CRNN and texture SVM", "artist-trainval"
        ),
    }
    leak = expected.leakage(r, "CRNN and texture SVM", "all")
    if "never heard" in p.row:
        return {"seeds": (3,), "test accuracy": leak["unheard"]}.get(p.column)
    names = next((g for words, g in groups.items() if words in p.row), None)
    if names is None:
        return None
    return expected.measured(r, names, p.column) if p.text else None


def rows(r, text: str):
    """Yield where each number of the PDF's tables stands, and what follows for it."""
    for caption, label, values in [*pdf_rows(r), *pdf_ledger(r)]:
        start = re.search(flexible(caption), text)
        found = start and re.compile(label).search(text, start.end())
        if not found:
            continue
        flat = [x for v in values for x in v if np.isfinite(x)]
        tokens = NUMBER.finditer(text, found.end())
        for x, token in zip(flat, tokens, strict=False):
            yield token.start(), x


def pdf_rows(r):
    """Yield caption, label and values of the rows of tables."""
    for (recipe, net, encoder, split, epochs), _ in r.runs.groupby(
        ["recipe", "model", "encoder", "split", "epochs"]
    ):
        if net.startswith("lenet") and split == "random":
            names = r.group(recipe, net, encoder, split, epochs)
            label = flexible(f"{recipe}, {net}, {encoder}, {epochs} epochs")
            one = [r.curve(names, "loss", 1)[:1], r.curve(names, "loss")[:1]]
            one += [r.curve(names, "train_accuracy")[:1], r.share(names)]
            yield "Table 2:", label, [(len(names),), *one, r.share(names, k=2)]
    for recipe in ("paper", "corrected"):
        names = r.group(recipe)
        label = rf"recipe {recipe}, {r.runs.epochs[names[0]]} epochs"
        p = Place("", "", label, "", "")
        columns = ("last loss", "train accuracy", "loss predicted from it")
        columns += ("loss while 0.62 are right", "test accuracy after 30 epochs")
        cells = [expected.configuration(r, p._replace(column=c)) for c in columns]
        if recipe == "corrected":
            del cells[2]
        yield "Table 3:", label, cells
    for words in expected.SLIPS:
        if found := expected.slip(r, words):
            keys = ["seeds", "epochs", "loss at 0.62", "by seeds", "100.0 % then"]
            keys += ["last loss", "100.0 %, test", "test accuracy"]
            yield "What could explain", flexible(words), [found[k] for k in keys]
    for at in (30, 100, 300, 1800):
        moments = [r.moment(*m) for m in r.moments("paper", at)]
        if moments:
            parts = []
            for k in ("of dead", "wrong", "unsure"):
                mean = student([m[k] for m in moments], 1 / 4)
                parts.append(mean if k == "unsure" else clipped(mean))
            floor = FLOOR
            share = [m["of dead"] / max(m["loss"] - floor, 1e-9) for m in moments]
            parts.append(clipped(student(share, 1 / 4)))
            label = rf"(?= {at} {len(moments)} 1\.461)"
            yield "Table 4:", label, [(at,), (len(moments),), (floor,), *parts]
    for name in r.longest("paper"):
        seed, begins = int(r.runs.seed[name]), r.life(name)[0]
        late, died = expected.words_of_life(r, name)
        after = r.compared("paper")
        m, n = r.moment(name, after), len(r.hits(name))
        words = [tuple(map(float, re.findall(r"\d+", w))) for w in (late, died)]
        test = wilson(round(r.at(name, "test_accuracy", after) * n), n)
        pair = (r.pair(name),) if r.pair(name) else ()
        values = [(begins,), *words, (m["loss"],), (m["of dead"],), (m["wrong"],)]
        label = rf"(?= {seed} {begins} ({'|'.join(GENRES)}))"
        yield "Table 5:", label, [(seed,), *values, test, pair]
    for name, row in r.encoders.items():
        values = [row["weights"], round(row["seconds"]), row["mse"], row["mse_plot"]]
        yield "Table 6:", rf"(?<= ){name} (?=\d+ \d+ s)", [values]
    for name in MODELS:
        values = []
        for split in ("artist", "artist-trainval", "random", "random-unique"):
            if names := model(r, name, split):
                values += [r.share(names), (2,), r.share(names, k=2)]
        yield "Table 7:", flexible(name), values
        for split in ("artist", "random"):
            if names := model(r, name, split):
                label = rf"(?<= ){split} {flexible(name)} nothing"
                yield "Table 10:", label, [r.share(names)]
    for name in expected.MODELS:
        if not model(r, name, "artist-folds") or name.endswith("both SVMs"):
            continue
        for part in ("all", "control", "test list"):
            found = expected.leakage(r, name, part)
            keys = ["tracks", "artists", "known", "unheard", "difference"]
            keys += ["lists", "shift"] * (part == "test list")
            label = ("" if part != "all" else flexible(name) + " ") + part
            first = flexible(name) + r" all.*?" if part != "all" else ""
            yield "Table 8:", first + label, [found[k] for k in keys]
    for split in ("three-way", "artist-folds"):
        for name in expected.MODELS:
            if not model(r, name, split) or (split != "three-way" and "both" in name):
                continue
            before, after = (
                expected.trust(r, split, name, h) for h in ("plain", "fitted")
            )
            values = [after["temperatures"], before["calibration error"]]
            values += [after["calibration error"], after["by chance"]]
            values += [before["surer than right"], after["surer than right"]]
            values += [after["prediction set"], after["true genre in it"]]
            yield "Table 9:", flexible(name) + " " + split, values
    for genre in GENRES:
        n, _, words = expected.goes_to(r, r.compared("paper"), genre)
        if n and genre != "hiphop":
            values = [(n,), tuple(map(float, re.findall(r"0\.\d+", words)))]
            yield "of other", rf"genres are called.*?\b{genre} \(", values


def pdf_ledger(r):
    """Yield the same of the ledger."""
    for claim in claims().values():
        measured = ours(r, claim["id"])
        label = flexible(claim["claim"]) + r"\s+" + flexible(claim["paper"])
        if not measured:
            continue
        estimate, seeds, _ = measured
        of = {
            "metal": [10],
            "classical": [10],
            "hiphop-mostly": [9],
            "hiphop-looks-like-reggae": [45],
        }.get(claim["id"], [])
        yield "A The ledger", label, [estimate, of, [seeds] if seeds else []]
        rule = [claim[k] for k in ("above", "below") if k in claim]
        rule += [claim["value"], claim["tolerance"]] if "tolerance" in claim else []
        if rule:
            yield "A The ledger", label + r".{0,900}?\(Rule: (?:above|below)?", [rule]
        if n := would_decide(r, claim):
            yield "A The ledger", label + r".{0,700}?differ as these do,", [n]
        if numbers_ := reason(r, claim):
            yield "A The ledger", label + r".{0,700}?Of single seeds,", [numbers_]
