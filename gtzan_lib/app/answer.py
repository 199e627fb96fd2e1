"""An answer of the page: made in a worker process, shown by templates.

An answer is a dict of JSON values, the very one that ``/api/predict`` gives. The page's
words are in ``templates/``. Used by ``gtzan_lib.app.server`` and ``.workers``.
"""

import base64
import io
import os

import numpy as np
from jinja2 import Environment, PackageLoader

from gtzan_lib.app import classifier, limits
from gtzan_lib.app.network import RATE
from gtzan_lib.data import synthetic
from gtzan_lib.data.mel import tables

EXAMPLES = ("classical", "disco", "metal", "reggae")
_HIGHEST = 3.5  # of the spectrogram's log10(1 + 10,000 power): white in the picture
_model: list[classifier.Classifier] = []  # the one of a worker process


def load(processes: int) -> None:
    """Load the model: what each of some worker processes begins with."""
    threads = max(1, (os.cpu_count() or 1) // processes)
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    _model.append(classifier.Classifier())
    noise = np.random.default_rng(0).normal(0, 0.1, 3 * RATE).astype(np.float32)
    _model[0].network(noise)  # loads what the first visitor would wait for


def analyse(path: str) -> dict:
    """Return the answer for an audio file, in a worker process.

    It is ``Prediction.as_json`` with the ``picture`` of what the network saw, a PNG in
    base64. A ``DataError`` names the file.
    """
    return _answer(_model[0].predict_file(path))


def example(genre: str) -> dict:
    """Return the answer for a clip of the synthetic sample, with its ``sound``."""
    import soundfile
    import soxr

    y, ogg = synthetic.synthesise(genre, 0), io.BytesIO()
    soundfile.write(ogg, y, synthetic.RATE, format="OGG", subtype="VORBIS")
    facts = {"seconds": len(y) / synthetic.RATE, "sample_rate": synthetic.RATE}
    facts |= {"channels": 1, "format": "synthetic"}
    y = soxr.resample(y.astype(np.float32), synthetic.RATE, RATE)
    answer = _answer(_model[0].predict_audio(y, facts))
    sound = base64.b64encode(ogg.getvalue()).decode()
    return answer | {"file": f"synthetic {genre}", "sound": sound}


def _answer(prediction: classifier.Prediction) -> dict:
    from PIL import Image

    levels = (255 * prediction.mel.T[::-1] / _HIGHEST).clip(0, 255).astype(np.uint8)
    picture = Image.fromarray(tables()["magma"][levels]).resize((432, 288))
    png = io.BytesIO()
    picture.save(png, "PNG", compress_level=3)
    picture = base64.b64encode(png.getvalue()).decode()
    return prediction.as_json() | {"picture": picture}


def html(template: str, **values) -> str:
    """Return a template of ``templates/`` with its values filled in."""
    return _TEMPLATES.get_template(template).render(values)


def model_html(facts: dict) -> str:
    """Say how good the model was found to be, on whose songs, and what it cannot do."""
    recall = {genre: share["value"] for genre, share in facts["recall"].items()}
    best, worst = (pick(recall, key=recall.get) for pick in (max, min))
    return html("model.html", facts=facts, recall=recall, best=best, worst=worst)


_TEMPLATES = Environment(
    loader=PackageLoader("gtzan_lib.app"), autoescape=True, trim_blocks=True
)
_TEMPLATES.filters["spaced"] = lambda words: words.replace(" %", "\N{NO-BREAK SPACE}%")
_TEMPLATES.filters["clock"] = classifier.clock
_TEMPLATES.filters["percent"] = lambda p: f"{p:.1f}\N{NO-BREAK SPACE}%"
_TEMPLATES.globals |= {"examples": EXAMPLES, "limits": limits, "classifier": classifier}
_TEMPLATES.globals |= {"words": classifier.words}
