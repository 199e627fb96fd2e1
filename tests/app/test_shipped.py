import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.special import softmax
from small import train

from gtzan_lib import registry, store
from gtzan_lib.app import answer, network, shipped, torch_network, unheard
from gtzan_lib.app import classifier as prediction
from gtzan_lib.data import splits
from gtzan_lib.data.audio import SAMPLE_RATE
from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.gtzan import PUBLISHED, published_sums
from gtzan_lib.data.sources import open_dataset
from gtzan_lib.errors import DataError
from gtzan_lib.experiments import runs
from gtzan_lib.models import build as models


@pytest.fixture
def run(tiny_source):
    return train(tiny_source)


@pytest.fixture(scope="module")
def ours():
    """The model that comes with the project."""
    return runs.open_run(shipped.FOLDER)


def test_the_shipped_model_is_a_whole_run_on_real_gtzan(ours):
    assert ours.provenance["data"] == PUBLISHED
    artists = store.read_json(shipped.FOLDER / shipped.ARTISTS)
    assert artists["tracks"] > 250
    assert 0.6 < artists["accuracy"]["low"] < artists["accuracy"]["high"] < 0.8
    assert sum(p.stat().st_size for p in shipped.FOLDER.rglob("*.*")) < 15e6


def test_the_shipped_model_names_no_folder_of_the_machine_that_made_it():
    for path in shipped.FOLDER.rglob("*.json"):
        assert not re.search(r'"(/|[A-Z]:)', path.read_text()), path
    assert b".py" not in (shipped.FOLDER / network.FILE).read_bytes()


def test_the_shipped_model_is_as_good_as_it_says(ours, gtzan):
    dataset = open_dataset(gtzan)
    classifier, known = prediction.Classifier(ours), ours.predictions
    expected = softmax(known["logits"].astype(float), axis=-1)
    for i in range(0, len(expected), 4):
        track = dataset.tracks[known["index"][i]]
        found = classifier.predict_file(dataset.image_path(track))
        np.testing.assert_allclose(found.probabilities, expected[i], atol=1e-3)
    learnt = [t for t in dataset.tracks[::20] if not len(expected)]
    for track in learnt:
        found = classifier.predict_file(dataset.image_path(track))
        assert found.genre == track.partition(".")[0]


def test_every_published_track_has_similar_ones_besides_itself(ours):
    with np.load(shipped.FOLDER / shipped.EMBEDDINGS) as arrays:
        tracks, values = arrays["tracks"].tolist(), arrays["values"]
    assert tracks == sorted(published_sums())
    assert np.isfinite(values).all()
    neighbours = shipped.Neighbours(ours)
    for i in (0, 500, 998):
        found = neighbours.nearest(values[i].astype(np.float32))
        assert len(found) == 5
        assert tracks[i] not in [t for t, _ in found]
        cosines = [cosine for _, cosine in found]
        assert cosines == sorted(cosines, reverse=True)


def test_every_model_s_embedding_is_what_its_last_layer_makes_logits_from():
    x = torch.rand(3, 3, 72, 108)
    for name in sorted(set(registry.MODELS) - {"svm"}):
        model = models.build(name, (3, 72, 108), seed=0).eval()
        with torch.no_grad():
            logits, embeddings = torch_network._embed(model, x)
            torch.testing.assert_close(logits, model(x))
            *_, last = (m for m in model.modules() if isinstance(m, torch.nn.Linear))
            torch.testing.assert_close(last(embeddings), logits)


def test_onnx_answers_as_torch_does(ours, gtzan):
    """To 1e-4, for 50 real tracks: their recordings, where they are there."""
    dataset, by_torch = open_dataset(gtzan), torch_network.Network(ours, np.float64)
    paths = [path for t in dataset.tracks if (path := dataset.audio_path(t)).is_file()]
    assert len(paths[:50]) == 50
    classifier = prediction.Classifier(ours)
    for path in paths[:50]:
        song = classifier.predict_file(path)
        codes = [member.encode(song.pictures) for member, _ in ours.members]
        logs, embeddings = by_torch.answer(codes)
        np.testing.assert_allclose(song.windows, softmax(logs, axis=1), atol=1e-4)
        np.testing.assert_allclose(song.embedding, embeddings.mean(axis=0), atol=1e-4)
        assert song.genre == GENRES[logs.mean(axis=0).argmax()]


def test_what_answers_otherwise_as_onnx_is_not_shipped(
    run, tiny, tmp_path, monkeypatch
):
    def other(path):
        return lambda codes: [np.full((len(codes[0]), 10), -1.0), np.zeros((1, 1))]

    monkeypatch.setattr(network, "open_onnx", other)
    monkeypatch.setattr(torch_network, "export", lambda *_: None)
    with pytest.raises(DataError, match="as ONNX it answers otherwise"):
        shipped.ship(run, tiny, tmp_path / "shipped")
    assert not (tmp_path / "shipped").exists()


def test_the_model_card_is_the_shipped_model_s(ours):
    text = (shipped.FOLDER / shipped.CARD).read_text()
    assert text == shipped.card(ours)
    assert "What its percentages are worth on those unheard artists" in text


def test_a_run_takes_the_place_of_the_old_one(run, tiny, tiny_source, tmp_path):
    folder = tmp_path / "shipped"
    shipped.ship(run, tiny, folder)
    better = train(tiny_source, epochs=2)
    assert shipped.ship(better, tiny, folder) == folder
    opened = runs.open_run(folder)
    assert opened.provenance == better.provenance
    assert shipped.Neighbours(opened).tracks == list(tiny.tracks)
    assert not list(tmp_path.glob("*.partial"))


def test_a_run_on_other_data_is_not_shipped(run, tiny_source, tmp_path):
    shutil.copytree(tiny_source, tmp_path / "other")
    (tmp_path / "other/images_original/rock/rock00002.png").unlink()
    other = open_dataset(tmp_path / "other")
    with pytest.raises(DataError, match="give the data that it was trained on"):
        shipped.ship(run, other, tmp_path / "shipped")
    assert not (tmp_path / "shipped").exists()


@pytest.mark.parametrize("name", ["model.safetensors", shipped.EMBEDDINGS])
def test_a_damaged_shipped_model_is_refused(run, tiny, tmp_path, name):
    folder = shipped.ship(run, tiny, tmp_path / "shipped")
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(DataError, match="unharmed"):
        runs.open_run(folder)


def test_a_run_without_embeddings_knows_no_similar_tracks(run):
    assert shipped.Neighbours(run).nearest(np.ones(120, np.float32)) == []


def test_a_model_of_all_tracks_says_how_good_its_like_is_on_unheard_artists(
    five, five_source, tmp_path, monkeypatch
):
    """The sample's tracks have no artists: folds by number stand for them."""
    numbers = np.array([int(track[-1]) for track in five.tracks])
    parts = [np.flatnonzero(np.isin(numbers, fold)) for fold in ([0, 1], [2, 3], [4])]
    monkeypatch.setattr(splits, "artist_folds", lambda *_: [*parts])
    names = {"model": "svm", "encoder": "texture"}
    run = train(five_source, split="all", **names)
    assert unheard.measure(run, five) is None
    with pytest.raises(DataError, match="has no test tracks to say how good it is"):
        shipped.ship(run, five, tmp_path / "shipped")
    of_folds = [
        train(five_source, split="artist-folds", seed=k, **names) for k in (0, 1, 2)
    ]
    artists = unheard.measure(run, five)
    hits = [each.confusion.trace() for each in of_folds]
    assert artists["accuracy"]["value"] == pytest.approx(sum(hits) / 50)
    assert sum(row["n"] for row in artists["reliability"]) == artists["tracks"] == 50
    folder = shipped.ship(run, five, tmp_path / "shipped", artists)
    opened = runs.open_run(folder)
    text = (folder / shipped.CARD).read_text()
    assert "It learned from every track" in text
    assert "learned from 30 to 40 tracks, this one from 50" in text
    for words in (text, answer.model_html(opened)):
        assert "50 tracks by 50 artists" in " ".join(words.split())
    assert "nan" not in text + answer.model_html(opened)


def test_the_first_seconds_are_asked_for_on_their_own(five, five_source, monkeypatch):
    run = train(five_source, model="svm", encoder="texture")
    asked = []
    monkeypatch.setattr(type(five), "audio_path", lambda *_: Path(__file__))
    monkeypatch.setattr(
        unheard, "read_audio", lambda *_: SimpleNamespace(y=np.zeros(30 * SAMPLE_RATE))
    )

    class Asked:
        def __init__(self, run):
            pass

        def predict_audio(self, y, facts):
            asked.append(len(y) / SAMPLE_RATE)
            return SimpleNamespace(genre="whole" if len(asked) % 4 else "part")

    monkeypatch.setattr(unheard, "Classifier", Asked)
    found = unheard.first_seconds(five, [run])
    assert set(asked[::2]) == {30}
    assert set(asked[1::2]) == {10}
    assert (found["tracks"], found["same"]["value"]) == (10, 0.5)
