import re
import shutil

import numpy as np
import pytest
import torch
from scipy.special import softmax
from small import train

from gtzan_lib import registry
from gtzan_lib.app import answer, shipped
from gtzan_lib.app import classifier as prediction
from gtzan_lib.data.gtzan import PUBLISHED, published_sums
from gtzan_lib.data.sources import open_dataset
from gtzan_lib.errors import DataError
from gtzan_lib.experiments import runs
from gtzan_lib.models import build as models
from gtzan_lib.training import loop as training


@pytest.fixture
def run(tiny_source):
    return train(tiny_source)


@pytest.fixture(scope="module")
def ours():
    """The model that comes with the project."""
    return runs.open_run(shipped.FOLDER)


def test_the_shipped_model_is_a_whole_run_on_real_gtzan(ours):
    assert ours.provenance["data"] == PUBLISHED
    assert (ours.confusion.sum(), ours.confusion.diagonal().sum()) == (199, 168)
    assert sum(p.stat().st_size for p in shipped.FOLDER.rglob("*.*")) < 8e6


def test_the_shipped_model_names_no_folder_of_the_machine_that_made_it():
    for path in shipped.FOLDER.rglob("*.json"):
        assert not re.search(r'"(/|[A-Z]:)', path.read_text()), path


def test_the_shipped_model_is_as_good_as_it_says(ours, gtzan):
    dataset = open_dataset(gtzan)
    known = ours.predictions
    expected = softmax(known["logits"].astype(float), axis=-1)
    classifier = prediction.Classifier(ours)
    for i in range(0, len(expected), 4):
        track = dataset.tracks[known["index"][i]]
        found = classifier.predict_file(dataset.image_path(track))
        np.testing.assert_allclose(found.probabilities, expected[i], atol=1e-3)


def test_every_published_track_can_be_found_similar(ours):
    with np.load(shipped.FOLDER / shipped.EMBEDDINGS) as arrays:
        tracks, values = arrays["tracks"].tolist(), arrays["values"]
    assert tracks == sorted(published_sums())
    assert np.isfinite(values).all()
    neighbours = shipped.Neighbours(ours)
    for i in (0, 500, 998):
        found = neighbours.nearest(values[i].astype(np.float32))
        assert len(found) == 5
        assert tracks[i] in [t for t, cosine in found if cosine > 0.999]
        cosines = [cosine for _, cosine in found]
        assert cosines == sorted(cosines, reverse=True)


@pytest.mark.parametrize("name", sorted(set(registry.MODELS) - {"svm"}))
def test_the_embedding_is_what_the_last_layer_makes_logits_from(name):
    model = models.build(name, (3, 72, 108), seed=0).eval()
    codes = np.random.default_rng(0).random((30, 72, 108, 3), np.float32)
    logits, embeddings = shipped.embed(model, codes)
    x = torch.from_numpy(codes).permute(0, 3, 1, 2)
    np.testing.assert_array_equal(logits, training.predict(model, x).numpy())
    *_, last = (m for m in model.modules() if isinstance(m, torch.nn.Linear))
    with torch.no_grad():
        again = last(torch.from_numpy(embeddings)).numpy()
    np.testing.assert_allclose(again, logits, atol=1e-5)


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


def test_how_good_it_is_on_unheard_artists_is_said(five, five_source, tmp_path):
    names = {"model": "svm", "encoder": "texture"}
    run = train(five_source, **names)
    split = tmp_path / "artist.csv"
    rows = [f"{t},{'test' if t.endswith('4') else 'train'}" for t in five.tracks]
    split.write_text("\n".join(["track,subset", *rows]))
    other = train(five_source, split=str(split), **names)
    folder = shipped.ship(run, five, tmp_path / "shipped", artists=other)
    opened = runs.open_run(folder)
    assert "without the artists of 10 other tracks" in answer.model_html(opened)
    with pytest.raises(DataError, match="not a run of model svm on an artist split"):
        shipped.ship(run, five, tmp_path / "shipped", artists=run)
    assert runs.open_run(folder).provenance == opened.provenance
