"""Compares what is shown with what follows: which numbers are right, wrong, unknown."""

import html
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import expected
import numpy as np
import public_code
from expected import model
from ledger import beside_claim, claims, ours, reason, would_decide
from record import BEST, BOTH, FACTS, GENRES, MEMBERS, MODELS
from shown import NUMBER, Place, numbers, plain, value
from statistics_again import FLOOR, clipped, student
from templates import TEMPLATES, facts, flexible, of_run, pattern, told

ROOT = Path(__file__).parents[2]
TYPED = (  # what stands in a source was not measured; a measured number is put in
    "gtzan_lib/report/page/*.j2",
    "gtzan_lib/report/figures.toml",
    "gtzan_lib/registry.toml",
    "report/*.t[oy][mp]*",
    "report/references.bib",
    "notebooks/*.ipynb",
)


@dataclass
class Verdict:
    """Numbers of some places: how many ``shown`` and ``known``, and what is wrong."""

    shown: int = 0
    known: int = 0
    faults: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def add(self, other):
        """Add another's."""
        for name, more in vars(other).items():
            setattr(self, name, getattr(self, name) + more)


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
    known_facts = facts(r) | (of_run(r, run) if run in r.runs.index else {})
    text = re.sub(NUM_BREAK, r"\1", p.text)
    for template in TEMPLATES:
        regex, names = pattern(template)
        for match in regex.finditer(text):
            for k, name in enumerate(names):
                parts = range(3 * k + 1, 3 * k + 4)
                for part, x in zip(parts, told(known_facts, name), strict=False):
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


def claim_words(p: Place) -> str:
    """Return what the ledger's source says of a claim: numbers in it are typed."""
    return str(list((beside_claim(p) or {}).values()))


def in_ledger(r, p: Place) -> dict:
    """Return what follows for numbers of a reason or a rule, by their starts."""
    if not (claim := beside_claim(p)):
        return {}
    known, (_, seeds, _) = {}, ours(r, claim["id"]) or (None, None, None)
    singles = r"Of single seeds, (\d+) of (\d+) .*?between (\S+) and (\S+?)\.(?!\d)"
    fields = {singles: reason(r, claim), r"Only (\d+) seeds": [seeds] if seeds else []}
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
        "drawn at random": model(r, BEST, "random"),
        "its training list": model(r, BEST, "artist"),
        "training and validation lists": model(r, BEST, "artist-trainval"),
    }
    if "never heard" in p.row:
        unheard = expected.leakage(r, BEST, "all")["unheard"]
        return {"seeds": (3,), "test accuracy": unheard}.get(p.column)
    names = next((g for words, g in groups.items() if words in p.row), [])
    return (
        pick(expected.measured(r, names), [p.column])[0] if names and p.text else None
    )


def pick(found: dict, columns=None) -> list:
    """Return some values of a table's row."""
    some = [found.get(column) for column in columns or found]
    return [each() if callable(each) else each for each in some]


def rows(r, text: str):
    """Yield where each number of the PDF's tables stands, and what follows for it."""
    code = ((caption, flexible(row), x) for caption, row, x in public_code.rows())
    for caption, label, values in [*pdf_rows(r), *pdf_ledger(r), *code]:
        start = re.search(flexible(caption), text)
        found = start and re.compile(label).search(text, start.end())
        flat = []
        for each in values:
            words = isinstance(each, str)
            flat += map(float, re.findall(r"\d+", each)) if words else each
        tokens = NUMBER.finditer(text, found.end()) if found else ()
        for x, token in zip(filter(np.isfinite, flat), tokens, strict=False):
            yield token.start(), x


def is_answered(r, name, split):
    """Tell whether a model, or each member of an ensemble, has runs on a split."""
    return all(model(r, member, split) for member in MEMBERS.get(name, (name,)))


def pdf_rows(r):
    """Yield caption, label and values of the rows of tables."""
    for (*of, epochs), _ in r.runs.groupby([*FACTS, "epochs"]):
        if of[1].startswith("lenet") and of[3] == "random":
            columns = ["first loss", "last loss", "train accuracy", "test accuracy"]
            found = expected.measured(r, r.group(*of, epochs))
            seeds, *one, test, top2 = pick(found, ["seeds", *columns, "top-2"])
            label = flexible(f"{', '.join(of[:3])}, {epochs} epochs")
            yield "Table 2:", label, [seeds, *(x[:1] for x in one), test, top2]
    for recipe in ("paper", "corrected"):
        names = r.group(recipe)
        columns = ["last loss", "train accuracy"]
        values = pick(expected.measured(r, names), columns)
        values += pick(expected.central(r, names))
        label = rf"recipe {recipe}, {r.runs.epochs[names[0]]} epochs"
        yield "Table 3:", label, values
    for words in expected.SLIPS:
        if found := expected.slip(r, words):
            yield "What could explain", flexible(words), pick(found)
    for at in (30, 100, 300, 1800):
        if moments := [r.moment(*m) for m in r.moments("paper", at)]:
            n = len(moments)
            shares = [m["of dead"] / max(m["loss"] - FLOOR, 1e-9) for m in moments]
            dead, wrong, unsure = (
                student([m[k] for m in moments], 1 / 4)
                for k in ("of dead", "wrong", "unsure")
            )
            parts = (
                clipped(dead),
                clipped(wrong),
                unsure,
                clipped(student(shares, 1 / 4)),
            )
            yield "Table 4:", rf"(?= {at} {n} 1\.461)", [(at, n, FLOOR), *parts]
    for seed, name in r.seeds(r.longest("paper")).items():
        found = expected.life_of(r, name)
        columns = ["begins", "not yet answered", "died", "loss", "of dead", "wrong"]
        columns += ["test accuracy", "as the paper"]
        label = rf"(?= {seed} {found['begins'][0]} ({'|'.join(GENRES)}))"
        yield "Table 5:", label, [(seed,), *pick(found, columns)]
    for name, row in r.encoders.items():
        values = [row["weights"], round(row["seconds"]), row["mse"], row["mse_plot"]]
        yield "Table 6:", rf"(?<= ){name} (?=\d+ \d+ s)", [values]
    for name in MODELS:
        values = []
        for split in ("artist", "artist-trainval", "random", "random-unique"):
            if names := model(r, name, split):
                values += [r.share(names), (2,), r.share(names, "top2")]
        yield "Table 7:", flexible(name), values
        for split in ("artist", "random"):
            if names := model(r, name, split):
                label = rf"(?<= ){split} {flexible(name)} nothing"
                yield "Table 10:", label, [r.share(names)]
        if is_answered(r, name, "artist-folds") and name != BOTH:
            for part in ("all", "control", "test list"):
                label = flexible(name) + (
                    rf" all.*?{part}" if part != "all" else " all"
                )
                yield "Table 8:", label, pick(expected.leakage(r, name, part))
        for split in ("three-way", "artist-folds"):
            if is_answered(r, name, split) and (split == "three-way" or name != BOTH):
                of = [
                    expected.trust(r, split, name, how) for how in ("plain", "fitted")
                ]
                (error, sure), after = pick(of[0], TRUST[1:4:2]), pick(of[1], TRUST)
                values = [after[0], error, *after[1:3], sure, *after[3:]]
                yield "Table 9:", f"{flexible(name)} {split}", values
    for genre in GENRES:
        n, _, words = expected.goes_to(r, r.compared("paper"), genre)
        if n and genre != "hiphop":
            values = [(n,), tuple(map(float, re.findall(r"0\.\d+", words)))]
            yield "of other", rf"genres are called.*?\b{genre} \(", values


TRUST = ["temperatures", "calibration error", "by chance", "surer than right"]
TRUST += ["prediction set", "true genre in it"]


def pdf_ledger(r):
    """Yield the same of the ledger."""
    for claim in claims().values():
        if not (measured := ours(r, claim["id"])):
            continue
        estimate, seeds, _ = measured
        of = {"metal": [10], "classical": [10], "hiphop-mostly": [9]}
        of |= {"hiphop-looks-like-reggae": [45]}
        label = flexible(claim["claim"]) + r"\s+" + flexible(claim["paper"])
        shown = [estimate, of.get(claim["id"], []), [seeds] if seeds else []]
        rule = [claim[k] for k in ("above", "below") if k in claim]
        rule += [claim["value"], claim["tolerance"]] if "tolerance" in claim else []
        for after, values in (
            ("", shown),
            (r".{0,900}?\(Rule: (?:above|below)?", [rule]),
            (r".{0,700}?differ as these do,", [would_decide(r, claim)]),
            (r".{0,700}?Of single seeds,", [reason(r, claim)]),
        ):
            yield "A The ledger", label + after, values
