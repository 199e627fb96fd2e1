"""An answer of the page: made in a worker process, shown by templates.

An answer is a dict of JSON values, the very one that ``/api/predict`` gives. The page's
words are in ``templates/``. Used by ``gtzan_lib.app.server`` and ``.workers``.
"""

import base64
import io
import os
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader

from gtzan_lib import store
from gtzan_lib.app import classifier, limits, shipped
from gtzan_lib.data import synthetic
from gtzan_lib.data.audio import SAMPLE_RATE
from gtzan_lib.data.genres import GENRES
from gtzan_lib.experiments.run import Run
from gtzan_lib.experiments.runs import open_run

EXAMPLES = ("classical", "disco", "metal", "reggae")
_model: list[classifier.Classifier] = []  # the one of a worker process


def load(folder: Path, processes: int) -> None:
    """Load a run's model: what each of some worker processes begins with."""
    threads = max(1, (os.cpu_count() or 1) // processes)
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))  # torch, if it is needed
    _model.append(classifier.Classifier(open_run(folder)))
    noise = np.random.default_rng(0).normal(0, 0.1, 30 * SAMPLE_RATE)
    _model[0].predict_audio(noise, {})  # loads what the first visitor would wait for


def analyse(path: str) -> dict:
    """Return the answer for an audio file or a PNG picture, in a worker process.

    It is ``Prediction.as_json`` with the ``picture`` that the network saw: its
    ``start`` in seconds, and a ``png`` in base64. A ``DataError`` names the file.
    """
    return _answer(_model[0].predict_file(Path(path)))


def example(genre: str) -> dict:
    """Return the answer for a clip of the synthetic sample, with its ``sound``."""
    import soundfile

    y, ogg = synthetic.synthesise(genre, 0), io.BytesIO()
    soundfile.write(ogg, y, SAMPLE_RATE, format="OGG", subtype="VORBIS")
    facts = {"seconds": len(y) / SAMPLE_RATE, "sample_rate": SAMPLE_RATE}
    facts |= {"channels": 1, "format": "synthetic"}
    answer = _answer(_model[0].predict_audio(y, facts))
    sound = base64.b64encode(ogg.getvalue()).decode()
    return answer | {"file": f"synthetic {genre}", "sound": sound}


def _answer(prediction: classifier.Prediction) -> dict:
    from PIL import Image

    likeliest = GENRES.index(prediction.genre)
    window = int(prediction.windows[:, likeliest].argmax())
    png = io.BytesIO()
    Image.fromarray(prediction.pictures[window]).save(png, "PNG", compress_level=3)
    picture = {"start": prediction.starts[window]}
    picture["png"] = base64.b64encode(png.getvalue()).decode()
    return prediction.as_json() | {"picture": picture}


def html(template: str, **values) -> str:
    """Return a template of ``templates/`` with its values filled in."""
    return _TEMPLATES.get_template(template).render(values)


def model_html(run: Run) -> str:
    """Say which model answers, how good it was found to be, and what it cannot do."""
    artists = store.read_json(run.folder / shipped.ARTISTS)
    known = (artists or {}).get("recall") or {
        genre: run.metric(f"recall:{genre}") for genre in GENRES
    }
    recall = {genre: np.nan_to_num(known[genre]["value"]) for genre in GENRES}
    best, worst = (pick(recall, key=recall.get) for pick in (max, min))
    values = {"recall": recall, "best": best, "worst": worst}
    return html("model.html", run=run, artists=artists, **values)


_TEMPLATES = Environment(
    loader=PackageLoader("gtzan_lib.app"), autoescape=True, trim_blocks=True
)
_TEMPLATES.filters["spaced"] = lambda words: words.replace(" %", "\N{NO-BREAK SPACE}%")
_TEMPLATES.filters["clock"] = classifier.clock
_TEMPLATES.filters["percent"] = lambda p: f"{100 * p:.1f}\N{NO-BREAK SPACE}%"
_TEMPLATES.globals |= {"examples": EXAMPLES, "limits": limits, "classifier": classifier}
