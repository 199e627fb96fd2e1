"""The words of an answer, the same on the command line and on the page."""

SHORT_SECONDS = 10  # below which a clip says little
FEW = 10  # tracks, of which a share means little
SIMILAR = {0.9: "very similar", 0.8: "similar", 0.5: "somewhat similar"}
"""Words from each cosine of two embeddings on. Of pairs of GTZAN's tracks that alike,
9, 7 and 2 in 10 are of one genre."""


def percent(p: float) -> str:
    """Return a probability as a whole percentage, such as ``"76 %"``."""
    if 0.995 <= p < 1:
        return "> 99 %"
    return "< 1 %" if 0 < p < 0.005 else f"{100 * p:.0f} %"


def answer(percentages: dict[str, float]) -> str:
    """Name the genre of a track, or those that it may be, of probabilities by genre.

    A genre is named that is at least half as likely as the likeliest: ``"probably
    classical (76 %)"`` where it is the only one and has half of the probability,
    otherwise ``"not sure: reggae or country"``.
    """
    ranking = sorted(percentages, key=percentages.get, reverse=True)
    highest = percentages[ranking[0]]
    named = [genre for genre in ranking if percentages[genre] >= highest / 2]
    if len(named) == 1 and highest >= 0.5:
        return f"probably {named[0]} ({percent(highest)})"
    *others, last = named
    return f"not sure: {', '.join(others)}{' or ' if others else 'perhaps '}{last}"


def worth(artists: dict | None, p: float | None = None) -> str | None:
    """Say how often such a model was right about artists that it never heard.

    ``artists`` are what ``ship`` keeps of it, None where there is nothing. Of the
    likeliest genre's probability ``p``, say how often it was right when it was as sure:
    within the same tenth, where that has ten tracks or more.
    """
    if artists is None:
        return None
    sentence = (
        f"Such a model is right {percent(artists['accuracy']['value'])} of the time on "
        "artists it never heard"
    )
    for row in artists.get("reliability", []) if p is not None else []:
        is_as_sure = _tenth(row["confidence"]) == _tenth(p)
        if is_as_sure and row["n"] >= FEW:
            is_less = row["accuracy"]["value"] < artists["accuracy"]["value"]
            right = f"{'but' if is_less else 'and'} {percent(row['accuracy']['value'])}"
            return f"{sentence}, {right} when it is as sure as here."
    return f"{sentence}."


def _tenth(p: float) -> int:
    return min(int(10 * p), 9)


def warnings(facts: dict) -> list[str]:
    """Return what makes an answer doubtful, by ``Prediction.facts``."""
    sentences = []
    if facts.get("seconds", SHORT_SECONDS) < SHORT_SECONDS:
        sentences.append(
            f"It lasts {facts['seconds']:.1f} s, and clips under {SHORT_SECONDS} s "
            "are named rightly less often."
        )
    if facts.get("ends_early"):
        words = "It ends early, before the time that the file says"
        sentences.append(f"{words}: what is there was named.")
    return sentences


def similar(cosine: float) -> str:
    """Return how similar two tracks are by the cosine of their embeddings, in words."""
    return next((word for c, word in SIMILAR.items() if cosine >= c), "hardly similar")
