import json

import numpy as np
import pytest
import soundfile
from PIL import Image

from gtzan_lib import runs, sample, spectrogram
from gtzan_lib.__main__ import main
from gtzan_lib.data import GENRES, open_dataset
from gtzan_lib.prediction import predict_file


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Ten seconds of synthetic audio in a WAV file."""
    path = tmp_path_factory.mktemp("audio") / "clip.wav"
    soundfile.write(path, sample.synthesise("disco", 0)[:220_500], 22_050)
    return path


@pytest.fixture
def run(tiny_source):
    return runs.train(str(tiny_source), epochs=1, report=lambda line: None)


def test_render_draws_the_picture_of_a_file(clip, tmp_path, capsys):
    target = tmp_path / "clip.png"
    assert main(["render", str(clip), "-o", str(target)]) == 0
    picture = np.asarray(Image.open(target))
    y, _ = soundfile.read(clip, dtype="float32")
    np.testing.assert_array_equal(picture, spectrogram.render(y))
    assert main(["render", str(clip), "-o", str(target)]) == 2
    assert "exists" in capsys.readouterr().err
    assert main(["render", str(clip), "-o", str(target), "--force"]) == 0


def test_audio_and_its_picture_get_the_same_percentages(run, clip, tmp_path, capsys):
    main(["render", str(clip), "-o", str(tmp_path / "clip.png")])
    capsys.readouterr()
    files = [str(clip), str(tmp_path / "clip.png")]
    assert main(["predict", *files, "--run", str(run.folder), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    audio, picture = (entry["percentages"] for entry in answer["files"])
    assert audio == picture
    assert list(audio) == list(GENRES)
    assert sum(audio.values()) == pytest.approx(1)
    assert answer["run"]["epochs"] == 1


def test_a_bad_file_does_not_stop_the_others(run, clip, tmp_path, capsys):
    bad = tmp_path / "notes.mp3"
    bad.write_text("no music")
    assert main(["predict", str(bad), str(clip), "--run", str(run.folder)]) == 2
    printed = capsys.readouterr()
    assert "notes.mp3 cannot be decoded" in printed.err
    assert str(clip) in printed.out


def test_a_folder_that_is_no_run_is_refused(clip, tmp_path, capsys):
    assert main(["predict", str(clip), "--run", str(tmp_path)]) == 2
    assert "not the folder of a finished" in capsys.readouterr().err


def test_real_picture_and_recording_get_the_same_genre(gtzan):
    """At least 98 % of the tracks that have both, by a network trained on them."""
    run = runs.train(str(gtzan), epochs=20, report=lambda line: None)
    dataset = open_dataset(gtzan)
    both = [t for t in dataset.tracks if dataset.audio_path(t).is_file()][:50]
    same = [
        predict_file(run, dataset.image_path(t)).argmax()
        == predict_file(run, dataset.audio_path(t)).argmax()
        for t in both
    ]
    assert len(same) >= 50
    assert np.mean(same) >= 0.98
