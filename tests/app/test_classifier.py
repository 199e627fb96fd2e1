import json
import re
import shutil

import numpy as np
import pytest
import soundfile
import soxr

from gtzan_lib import store
from gtzan_lib.app import classifier as prediction
from gtzan_lib.app import judge, shipped, words
from gtzan_lib.app.classifier import FOLDER, RATE, Classifier, windows_of
from gtzan_lib.data import synthetic
from gtzan_lib.data.genres import GENRES
from gtzan_lib.errors import DataError
from gtzan_lib.report import derived

THIRTY = 30 * RATE


@pytest.fixture(scope="module")
def classifier():
    return Classifier()


@pytest.fixture(scope="module")
def music():
    """Four synthetic clips in a row: two minutes at 16 kHz."""
    clips = [synthetic.synthesise(genre, 0) for genre in GENRES[:4]]
    y = np.concatenate(clips).astype(np.float32)
    return soxr.resample(y, synthetic.RATE, RATE)


FACTS = {"seconds": 30.0, "sample_rate": RATE, "channels": 1, "format": "WAV"}


@pytest.mark.parametrize(
    ("seconds", "n"), [(3, 1), (31, 1), (31.1, 2), (60.9, 2), (61.5, 3), (120, 4)]
)
def test_a_longer_track_is_cut_into_windows(music, seconds, n):
    y = music[: round(seconds * RATE)]
    windows, starts = windows_of(y)
    assert len(starts) == n
    assert starts[0] == 0
    if n == 1:
        np.testing.assert_array_equal(windows[0], y)
        return
    assert starts[-1] == pytest.approx(seconds - 30, abs=1e-3)
    for window, start in zip(windows, starts, strict=True):
        np.testing.assert_array_equal(window, y[round(start * RATE) :][:THIRTY])


def test_a_clip_below_three_seconds_is_repeated(music):
    (window,), _ = windows_of(music[:RATE])
    np.testing.assert_array_equal(window, np.tile(music[:RATE], 3))


def test_silent_windows_have_no_vote(classifier, music):
    """Five minutes of zeros after the music change nothing, and are told."""
    alone = classifier.predict_audio(music[:THIRTY], FACTS)
    rng = np.random.default_rng(0)
    for rest in (np.zeros(4 * THIRTY), rng.integers(-1, 2, 4 * THIRTY) / 2**15):
        y = np.concatenate([music[:THIRTY], rest]).astype(np.float32)
        found = classifier.predict_audio(y, FACTS)
        np.testing.assert_allclose(found.probabilities, alone.probabilities, atol=1e-4)
        assert np.isnan(found.windows[1:]).all()
        answer = found.as_json()
        assert [each["percentages"] for each in answer["windows"][1:]] == 4 * [None]
        assert any("4 of its 5 windows" in each for each in answer["warnings"])
        json.dumps(answer, allow_nan=False)


@pytest.mark.parametrize("before", [3, 28.2, 60])
def test_sound_between_the_patches_that_are_heard_is_heard(classifier, music, before):
    """Two seconds of music after silence are answered as if they stood alone."""
    y = np.concatenate([np.zeros(round(before * RATE)), music[: 2 * RATE]])
    found = classifier.predict_audio(y.astype(np.float32), FACTS)
    assert np.isfinite(found.embedding).all()
    json.dumps(found.as_json(), allow_nan=False)
    alone = classifier.predict_audio(music[: 2 * RATE], FACTS)
    assert found.embedding @ alone.embedding > 0.8 * np.linalg.norm(
        found.embedding
    ) * np.linalg.norm(alone.embedding)


@pytest.mark.parametrize("level", [0, 1 / 2**15])
def test_silence_has_no_genre(classifier, level):
    y = level * (np.arange(THIRTY) == 1000)
    with pytest.raises(DataError, match="only silence"):
        classifier.predict_audio(y.astype(np.float32), FACTS)


@pytest.mark.parametrize("decibels", [-40, -55])
def test_a_quiet_song_has_the_same_genre(classifier, music, decibels):
    loud = music[:THIRTY]
    quiet = np.round(loud * 10 ** (decibels / 20) * 2**15) / 2**15  # 16 bits
    found = [classifier.predict_audio(y.astype("f"), {}) for y in (loud, quiet)]
    best = [max(each.percentages, key=each.percentages.get) for each in found]
    assert best[0] == best[1]


@pytest.mark.slow
def test_what_is_no_music_gets_no_genre(classifier):
    """These sounds are others than those that chose the number of components."""
    t, rng = np.arange(15 * RATE) / RATE, np.random.default_rng(1)
    sounds = [0.3 * np.sin(2 * np.pi * hertz * t) for hertz in (220, 523, 2500)]
    sounds += [0.2 * (150 * t % 1 - 0.5), 0.3 * (t * 2 % 1 < 0.1) * sounds[1]]
    spectrum = np.fft.rfft(rng.normal(size=len(t)))
    for power in (1, 0.5, -0.5):  # violet, blue and pink noise
        y = np.fft.irfft(spectrum * np.maximum(np.arange(len(spectrum)), 99) ** power)
        sounds.append(0.1 * y / y.std())
    found = [classifier.predict_audio(y.astype(np.float32), FACTS) for y in sounds]
    assert np.mean([song.genre is None for song in found]) >= 0.9
    refused = next(song for song in found if song.genre is None)
    assert refused.in_words() == words.UNFAMILIAR
    assert (refused.as_json()["genre"], refused.worth) == (None, None)


def test_what_sounds_the_same_is_a_repeated_recording(classifier):
    """GTZAN repeats 13 jazz tracks; no other two of its songs are as near."""
    with np.load(FOLDER / prediction.TRACKS) as arrays:
        tracks, directions = arrays["tracks"], arrays["embeddings"].astype("f")
    directions = prediction.unit(directions)
    pairs = np.argwhere(np.triu(directions @ directions.T >= shipped.SAME, 1))
    assert len(pairs) == 13
    assert all(track.startswith("jazz.") for track in tracks[pairs].ravel())
    assert classifier.facts["same"] == shipped.SAME


def test_a_learned_recording_is_recognised(classifier, monkeypatch):
    with np.load(FOLDER / prediction.TRACKS) as arrays:
        track, embedding = arrays["tracks"][7], arrays["embeddings"][7].astype("f")
    shares, mel = np.full(10, 0.1, np.float32), np.zeros((9, 96), np.float32)
    monkeypatch.setattr(classifier, "network", lambda y: (shares, embedding, mel))
    found = classifier.predict_audio(np.ones(THIRTY, np.float32), FACTS)
    assert found.is_familiar
    assert found.learned is not None
    assert track not in [name for name, _ in found.similar]
    assert "proves nothing" in found.as_json()["warnings"][0]


@pytest.mark.parametrize("name", [prediction.MODEL, prediction.TRACKS])
def test_a_damaged_model_is_refused(tmp_path, name):
    folder = shutil.copytree(FOLDER, tmp_path / "model")
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(DataError, match=f"{name} is missing or damaged"):
        Classifier(folder)


def test_the_card_is_the_model_s_and_its_numbers_follow_from_the_answers(classifier):
    text, found = (FOLDER / shipped.CARD).read_text(), classifier.facts["elsewhere"]
    assert text == shipped.card(classifier.facts)
    for estimate in (classifier.facts["accuracy"], found["accuracy"]):
        assert words.interval(estimate) in text
    for path in FOLDER.glob("*.json"):
        assert not re.search(r'"(/|[A-Z]:)', path.read_text()), path
    right = [each["true"] == each["genre"] for each in found["answers"]]
    assert found["accuracy"]["value"] == pytest.approx(np.mean(right))
    assert len(right) == found["clips"] == np.sum(found["confusion"])


def test_a_folder_of_clips_is_judged(classifier, tmp_path, music):
    rows = ["file,genre,label,source"]
    for k, genre in enumerate(("blues", "classical", "country")):
        y = music[k * THIRTY :][: 10 * RATE]
        soundfile.write(tmp_path / f"{genre}.wav", y, RATE)
        rows.append(f"{genre}.wav,{genre},clear,{k % 2}")
    (tmp_path / judge.LABELS).write_text("\n".join(rows))
    found = judge.judge(classifier, tmp_path)
    right = [
        classifier.predict_file(tmp_path / each["file"]).genre == each["true"]
        for each in found["answers"]
    ]
    assert found["accuracy"]["value"] == pytest.approx(np.mean(right))
    assert (found["clips"], found["sources"]) == (3, 2)
    (tmp_path / judge.LABELS).write_text(f"{rows[0]}\nblues.wav,blues,\x1b[2J,0")
    one = judge.judge(classifier, tmp_path)
    assert json.dumps(derived.plain(one), allow_nan=False)  # one source has no interval
    assert "nan" not in judge.as_text(one)
    assert "\x1b" not in judge.as_text(one)
    (tmp_path / judge.LABELS).write_text(f"{rows[0]}\nblues.wav,polka,clear,0")
    with pytest.raises(DataError, match="unknown genre: polka"):
        judge.judge(classifier, tmp_path)


def test_the_layer_is_fitted_and_measured_on_unheard_artists(tmp_path):
    """Embeddings of published names are made up: of each genre a direction."""
    from gtzan_lib.data.gtzan import published_sums

    rng = np.random.default_rng(0)
    tracks = sorted(published_sums())[::4]
    labels = np.array([GENRES.index(t.split(".")[0]) for t in tracks])
    embeddings = rng.normal(0, 1, (len(tracks), 2, 200))
    embeddings[:, 0] += 2 * np.eye(200)[labels]
    folder = shipped.ship(tracks, embeddings, None, tmp_path / "model")
    facts = store.read_json(folder / prediction.FACTS)
    assert facts["accuracy"]["value"] > 2 * facts["short"]["value"] > 0
    assert facts["elsewhere"] is None
    assert "| from elsewhere" not in (folder / shipped.CARD).read_text()
    assert Classifier(folder).facts == facts
