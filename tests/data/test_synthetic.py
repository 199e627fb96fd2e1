import numpy as np
import pytest
import soundfile
from PIL import Image

from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.pictures import render
from gtzan_lib.data.synthetic import SAMPLES, make_sample


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    make_sample(folder, clips=1, workers=1, progress=False)
    return folder


def files_of(folder):
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.mark.slow
def test_layout_is_that_of_the_kaggle_edition_and_is_marked(sample, tmp_path):
    files = files_of(sample)
    assert set(files) == {
        "SYNTHETIC.txt",
        *(f"genres_original/{genre}/{genre}.00000.wav" for genre in GENRES),
        *(f"images_original/{genre}/{genre}00000.png" for genre in GENRES),
    }
    assert b"not GTZAN" in files["SYNTHETIC.txt"]
    make_sample(tmp_path, clips=1, workers=2, progress=False)
    assert files_of(tmp_path) == files


@pytest.mark.parametrize("genre", GENRES)
def test_a_clip_is_audible_unclipped_and_drawn(sample, genre):
    wav = sample / "genres_original" / genre / f"{genre}.00000.wav"
    info = soundfile.info(wav)
    assert (info.format, info.subtype) == ("WAV", "PCM_16")
    assert (info.channels, info.samplerate, info.frames) == (1, 22_050, SAMPLES)
    y, _ = soundfile.read(wav, dtype="float32")
    assert 0.4 < np.abs(y).max() < 0.96
    assert np.sqrt(np.mean(y**2)) > 0.01
    picture = Image.open(sample / "images_original" / genre / f"{genre}00000.png")
    assert (picture.mode, picture.size) == ("RGBA", (432, 288))
    pixels = np.asarray(picture)
    np.testing.assert_array_equal(pixels[..., :3], render(y))
    assert (pixels[..., 3] == 255).all()
