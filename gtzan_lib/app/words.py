"""The words of an answer, the same on the command line, on the page and on the card."""

from gtzan_lib.evaluation.metrics import Estimate

SHORT_SECONDS = 10  # below which a clip says little
FEW = 10  # tracks, of which a share means little
SIMILAR = {0.9: "very similar", 0.8: "similar", 0.6: "somewhat similar"}
"""Words from each cosine of two embeddings on."""
UNFAMILIAR = "this does not sound like any of the ten genres"
SURE, NOT_SURE = "probably {genre} ({percent})", "not sure: {genres}"
WARNINGS = {
    "learned": "It sounds the same as a recording that the model learned ({learned}): "
    "if it is that one, the answer proves nothing.",
    "short": "It lasts {seconds:.1f} s, and clips under "
    f"{SHORT_SECONDS} s are named rightly less often.",
    "silent": "{silent} of its {windows} windows of 30 s are silent, or all but: they "
    "have no vote.",
    "damaged": "It ends early, or a part of it cannot be decoded: what is there was "
    "named.",
}
"""What makes an answer doubtful. The page in a browser fills these in, too."""


def percent(p: float) -> str:
    """Return a probability as a whole percentage, such as ``"76 %"``."""
    if 0.995 <= p < 1:
        return "> 99 %"
    return "< 1 %" if 0 < p < 0.005 else f"{100 * p:.0f} %"


def interval(estimate: Estimate) -> str:
    """Return a share as text, such as ``"63 % (95 % interval 49 to 75 %)"``."""
    low, high = (f"{100 * estimate[name]:.0f}" for name in ("low", "high"))
    return f"{percent(estimate['value'])} (95 % interval {low} to {high} %)"


def answer(percentages: dict[str, float]) -> str:
    """Name the genre, or those that are at least half as likely as the likeliest.

    ``"probably classical (76 %)"`` where one has half of all and no rival, otherwise
    ``"not sure: reggae or country"``.
    """
    ranking = sorted(percentages, key=percentages.get, reverse=True)
    highest = percentages[ranking[0]]
    named = [genre for genre in ranking if percentages[genre] >= highest / 2]
    if len(named) == 1 and highest >= 50:
        return SURE.format(genre=named[0], percent=percent(highest / 100))
    *others, last = named
    genres = f"{', '.join(others)} or {last}" if others else f"perhaps {last}"
    return NOT_SURE.format(genres=genres)


def worth(facts: dict, p: float | None = None, track: dict | None = None) -> str:
    """Say how often the model was right: on GTZAN's unheard artists, and elsewhere.

    ``facts`` are what ``ship`` measured. Of a probability ``p``, say how often it was
    right when it was as sure, within the same tenth. A ``track`` below 10 s has the
    share of the first 5 s of GTZAN's.
    """
    right, whose = facts["accuracy"]["value"], "GTZAN's songs by artists it never heard"
    if track and track["seconds"] < SHORT_SECONDS:
        share, whose = facts["short"]["value"], f"the first 5 s of {whose}"
        return f"The model names {percent(share)} of {whose} rightly."
    sentence = f"The model names {percent(right)} of {whose} rightly"
    if elsewhere := facts.get("elsewhere"):
        share = percent(elsewhere["accuracy"]["value"])
        sentence += f", and {share} of {elsewhere['clips']} clips from elsewhere"
    for row in facts["reliability"] if p is not None else []:
        if _tenth(row["confidence"]) == _tenth(p) and row["n"] >= FEW:
            share = percent(row["accuracy"]["value"])
            return f"{sentence}; of GTZAN's {share} when it is as sure as here."
    return f"{sentence}."


def _tenth(p: float) -> int:
    return min(int(10 * p), 9)


def warnings(facts: dict, learned: str | None, silent: int, windows: int) -> list[str]:
    """Return what makes an answer doubtful, by a ``Prediction`` and its windows."""
    seconds = facts.get("seconds", SHORT_SECONDS)
    holds = {
        "learned": learned,
        "short": seconds < SHORT_SECONDS,
        "silent": silent,
        "damaged": facts.get("is_damaged"),
    }
    values = {"learned": learned, "seconds": seconds}
    values |= {"silent": silent, "windows": windows}
    return [WARNINGS[kind].format(**values) for kind in WARNINGS if holds[kind]]


def similar(cosine: float) -> str:
    """Return how similar two tracks are by the cosine of their embeddings, in words."""
    return next((word for c, word in SIMILAR.items() if cosine >= c), "hardly similar")
