"""The page's words and pictures: an answer, an error, and the model that answers.

Everything is inline HTML, pictures and sound included, so that nothing has to be kept
in a file. Used by the page (``gtzan_lib.app``); its looks are in ``app.css``.
"""

import base64
import html
import io

import numpy as np

from gtzan_lib import store
from gtzan_lib.app import shipped
from gtzan_lib.app.classifier import WINDOW_SECONDS, Prediction, clock
from gtzan_lib.data.audio import SAMPLE_RATE
from gtzan_lib.data.genres import GENRES
from gtzan_lib.experiments.runs import Run


def answer_html(name: str, found: Prediction, similar: list, note: str = "") -> str:
    """Return what a network says of one track.

    Parameters
    ----------
    name : str
        What the track is called; anything, as visitors choose it.
    found : Prediction
    similar : list of (str, float)
        Track names with their cosine similarity, as ``Neighbours.nearest`` gives them.
    note : str
        HTML to stand under the headline.
    """
    (first, p), (second, q) = found.ranking[:2]
    return f"""
<h2>{_percent(p)} {first}, {_percent(q)} {second}</h2>
<p class="facts"><b>{_text(name)}</b>, {found.described()}</p>{note}
<ol class="bars">{"".join(_bar(*share) for share in found.ranking)}</ol>
{_over_time(found)}{_picture(found)}{_similar(similar)}"""


def error_html(sentence: str) -> str:
    """Return the one sentence that says why there is no answer."""
    stop = "" if sentence.endswith(".") else "."
    return f'<p class="error" role="alert">{_text(sentence)}{stop}</p>'


def sound_html(y: np.ndarray) -> str:
    """Return a player for mono audio at 22,050 Hz: float32, shape (samples,)."""
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, y, SAMPLE_RATE, format="OGG", subtype="VORBIS")
    return f'<audio controls src="{_inline(file, "audio/ogg")}"></audio>'


def model_html(run: Run) -> str:
    """Say which model answers, how good it was found to be, and what it cannot do."""
    facts, metrics = run.provenance, run.metrics
    accuracy, top2 = (_interval(metrics[name]) for name in ("accuracy", "top2"))
    recall = [genre["value"] for genre in metrics["recall"]]
    easy, hard = (GENRES[int(pick(recall))] for pick in (np.nanargmax, np.nanargmin))
    artists = store.read_json(run.folder / shipped.ARTISTS)
    unheard = ""
    if artists:
        right, among = (_interval(artists[name]) for name in ("accuracy", "top2"))
        unheard = f"""
Trained anew without the artists of {artists["n"]} other tracks, such a model was
right for {right} of those, and one of its first two guesses for {among}: that is
what to expect of music that it does not know."""
    return f"""
<h2>The model that answers</h2>
<p>Model <b>{facts["model"]}</b>, recipe {facts["recipe"]}, {facts["epochs"]} epochs
on {facts["subsets"]["train"]:,} spectrogram pictures of {_text(facts["data"])}. On
{metrics["n"]} pictures that it had not learnt from, its first guess was right for
{accuracy} of them, and one of its first two for {top2}; it recognised {easy} best
({_percent(max(recall))}) and {hard} worst ({_percent(min(recall))}).{unheard}</p>
<h2>What it is not good for</h2>
<ul>
<li>It knows ten genres, as they were recorded before 2002, and no others. Speech, noise
and birdsong get ten percentages too, and they mean nothing.</li>
<li>Its percentages say how the model leans. On music unlike what it learnt from it is
right less often than they say.</li>
<li>Where the split is random, the same artists are on both sides, so that it is less
often right about artists that it never heard.</li>
<li>It is a reproduction of a paper, for learning about such networks, and no judge of
anybody's music.</li>
</ul>"""


def _bar(genre: str, p: float) -> str:
    return (
        f'<li><span class="genre">{genre}</span><span class="rail"><span class="bar" '
        f'style="width:{100 * p:.2f}%"></span></span>'
        f'<data value="{p:.6f}">{_percent(p)}</data></li>'
    )


def _over_time(found: Prediction) -> str:
    """Return a table of genres by windows, darker where likelier; the top in words."""
    if len(found.starts) < 2:
        return ""
    rows = []
    for genre in np.argsort(-found.probabilities, kind="stable"):
        cells = (
            f'<td style="--p:{p:.2f}" title="{clock(start)} {GENRES[genre]} '
            f'{_percent(p)}"></td>'
            for start, p in zip(found.starts, found.windows[:, genre], strict=True)
        )
        rows.append(f"<tr><th>{GENRES[genre]}</th>{''.join(cells)}</tr>")
    tops = found.windows.argmax(axis=1)
    changes = np.flatnonzero(np.diff(tops, prepend=-1))
    words = ", ".join(f"{clock(found.starts[i])} {GENRES[tops[i]]}" for i in changes)
    end = clock(found.starts[-1] + WINDOW_SECONDS)
    return f"""
<h3>Genre over time</h3>
<table class="time" aria-hidden="true">{"".join(rows)}</table>
<p class="axis" aria-hidden="true"><span>0:00</span><span>{end}</span></p>
<p>Likeliest from each time on, in {len(found.starts)} windows of {WINDOW_SECONDS} s:
{words}.</p>"""


def _picture(found: Prediction) -> str:
    """Return the picture of the window that has most of the likeliest genre."""
    from PIL import Image

    genre = found.ranking[0][0]
    window = int(found.windows[:, GENRES.index(genre)].argmax())
    file = io.BytesIO()
    Image.fromarray(found.pictures[window]).save(file, "PNG", compress_level=3)
    which = "The very picture"
    if len(found.starts) > 1:
        which = f"The picture of the 30 s from {clock(found.starts[window])}, the one"
    return f"""
<h3>What the network saw</h3>
<figure><img alt="Mel spectrogram of the track" src="{_inline(file, "image/png")}">
<figcaption>{which} that was classified: time from left to right, pitch from
low to high, brighter where it is louder.</figcaption></figure>"""


def _similar(similar: list) -> str:
    if not similar:
        return ""
    items = "".join(f"<li>{_text(track)} <i>{c:.2f}</i></li>" for track, c in similar)
    return f"""
<h3>Most similar tracks of GTZAN</h3>
<ol class="similar">{items}</ol>
<p class="axis">By the cosine of the angle between the network's embeddings, 1 at most.
</p>"""


def _interval(estimate: dict) -> str:
    low, high = (f"{100 * estimate[end]:.0f}" for end in ("low", "high"))
    return f"{_percent(estimate['value'])} (95 % interval {low} to {high} %)"


def _percent(p: float) -> str:
    return f"{100 * p:.1f} %"


def _text(words: str) -> str:
    """Return words that stay words inside HTML, and inside Gradio's templates."""
    escaped = html.escape(words)
    return escaped.translate({ord(c): f"&#{ord(c)};" for c in "${}`\\"})


def _inline(file: io.BytesIO, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(file.getvalue()).decode()}"
