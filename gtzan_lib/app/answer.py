"""An answer of the page: made of a track in a worker process, shown by the page.

An answer is a dict of JSON values, the very one that ``/api/predict`` gives. The page's
words and looks are in ``templates/``, ``page.css`` and ``page.js``. Used by
``gtzan_lib.app.server`` and ``gtzan_lib.app.workers``.
"""

import base64
import io
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader

from gtzan_lib import store
from gtzan_lib.app import shipped
from gtzan_lib.app.classifier import WINDOW_SECONDS, Classifier, Prediction, clock
from gtzan_lib.data import synthetic
from gtzan_lib.data.audio import SAMPLE_RATE
from gtzan_lib.data.genres import GENRES
from gtzan_lib.experiments.runs import Run, open_run

SPACE = "\N{NO-BREAK SPACE}"


class Analyst:
    """A model that answers for tracks.

    Parameters
    ----------
    folder : Path
        Of the training run that it comes from.
    """

    def __init__(self, folder: Path):
        run = open_run(folder)
        self._classifier, self._neighbours = Classifier(run), shipped.Neighbours(run)

    def file(self, path: Path) -> dict:
        """Return the answer for an audio file or a PNG picture.

        Returns
        -------
        dict
            As ``Prediction.as_json``, and ``described``, the track's facts in words;
            ``similar``, a list of ``track`` and ``similarity``, the cosine of the
            embeddings; and ``picture``, what the network saw: its ``start`` in seconds
            and the ``png`` in base64.

        Raises
        ------
        DataError
            If the file cannot be used; it is named.
        """
        return self._answer(self._classifier.predict_file(path))

    def example(self, genre: str) -> dict:
        """Return the answer for a clip of the synthetic sample, with its ``sound``."""
        import soundfile

        y, ogg = synthetic.synthesise(genre, 0), io.BytesIO()
        soundfile.write(ogg, y, SAMPLE_RATE, format="OGG", subtype="VORBIS")
        facts = {"seconds": len(y) / SAMPLE_RATE, "sample_rate": SAMPLE_RATE}
        facts |= {"channels": 1, "format": "synthetic"}
        answer = self._answer(self._classifier.predict_audio(y, facts))
        return answer | {"file": f"synthetic {genre}", "sound": _base64(ogg)}

    def _answer(self, prediction: Prediction) -> dict:
        from PIL import Image

        likeliest = GENRES.index(prediction.ranking[0][0])
        window = int(prediction.windows[:, likeliest].argmax())
        png = io.BytesIO()
        picture = Image.fromarray(prediction.pictures[window])
        picture.save(png, "PNG", compress_level=3)
        similar = self._neighbours.nearest(prediction.embedding)
        return prediction.as_json() | {
            "described": prediction.described(),
            "similar": [{"track": t, "similarity": cosine} for t, cosine in similar],
            "picture": {"start": prediction.starts[window], "png": _base64(png)},
        }


def page_html(model: str, **shown) -> str:
    """Return the page.

    Parameters
    ----------
    model : str
        HTML of the model that answers, as ``model_html`` gives it.
    shown
        Values of ``page.html``: of the form and, where there are any, ``answer`` (as
        ``Analyst`` gives it, with ``file``) or ``error``, a sentence.
    """
    return _TEMPLATES.get_template("page.html").render(model=model, **shown)


def model_html(run: Run) -> str:
    """Say which model answers, how good it was found to be, and what it cannot do."""
    metrics = {name: run.metric(name) for name in ("accuracy", "top2")}
    recall = [run.metric(f"recall:{genre}")["value"] for genre in GENRES]
    easy, hard = (GENRES[int(pick(recall))] for pick in (np.nanargmax, np.nanargmin))
    return _TEMPLATES.get_template("model.html").render(
        facts=run.provenance,
        metrics=metrics | {"n": int(run.confusion.sum())},
        recall={"best": max(recall), "worst": min(recall)},
        genre={"best": easy, "worst": hard},
        artists=store.read_json(run.folder / shipped.ARTISTS),
    )


def _changes(windows: list[dict]) -> list[str]:
    """Return where the likeliest genre changes, such as ``"1:00 rock"``."""
    tops = [max(w["percentages"], key=w["percentages"].get) for w in windows]
    pairs = zip(windows, tops, [None, *tops], strict=False)
    return [f"{clock(w['start'])} {top}" for w, top, last in pairs if top != last]


def _percent(p: float) -> str:
    return f"{100 * p:.1f}{SPACE}%"


def _interval(estimate: dict) -> str:
    low, high = (f"{100 * estimate[end]:.0f}" for end in ("low", "high"))
    value = _percent(estimate["value"])
    return f"{value} (95{SPACE}% interval {low} to {high}{SPACE}%)"


def _base64(file: io.BytesIO) -> str:
    return base64.b64encode(file.getvalue()).decode()


_TEMPLATES = Environment(
    loader=PackageLoader("gtzan_lib.app"), autoescape=True, trim_blocks=True
)
_TEMPLATES.filters |= {
    "changes": _changes,
    "clock": clock,
    "interval": _interval,
    "percent": _percent,
}
_TEMPLATES.globals["window_seconds"] = WINDOW_SECONDS
