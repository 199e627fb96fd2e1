import numpy as np
import pytest
import soundfile
from PIL import Image

from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.pictures import render
from gtzan_lib.data.synthetic import SAMPLES, make_sample, synthesise


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    make_sample(folder, clips=1, workers=1, progress=False)
    return folder


def files_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_layout_is_that_of_the_kaggle_edition(sample):
    assert set(files_of(sample)) == {
        "SYNTHETIC.txt",
        *(f"genres_original/{genre}/{genre}.00000.wav" for genre in GENRES),
        *(f"images_original/{genre}/{genre}00000.png" for genre in GENRES),
    }


def test_marker_says_that_the_clips_are_synthetic(sample):
    text = (sample / "SYNTHETIC.txt").read_text()
    assert "synthetic" in text
    assert "not GTZAN" in text


def test_two_processes_write_the_same_bytes(sample, tmp_path):
    make_sample(tmp_path, clips=1, workers=2, progress=False)
    assert files_of(tmp_path) == files_of(sample)


@pytest.mark.parametrize("genre", GENRES)
def test_audio_is_whole_audible_and_unclipped(sample, genre):
    wav = sample / "genres_original" / genre / f"{genre}.00000.wav"
    info = soundfile.info(wav)
    assert (info.format, info.subtype) == ("WAV", "PCM_16")
    assert (info.channels, info.samplerate, info.frames) == (1, 22_050, SAMPLES)
    y, _ = soundfile.read(wav, dtype="float32")
    assert 0.4 < np.abs(y).max() < 0.96
    assert np.sqrt(np.mean(y**2)) > 0.01


@pytest.mark.parametrize("genre", GENRES)
def test_picture_is_the_rendering_of_the_wav_file(sample, genre):
    wav = sample / "genres_original" / genre / f"{genre}.00000.wav"
    picture = Image.open(sample / "images_original" / genre / f"{genre}00000.png")
    assert (picture.mode, picture.size) == ("RGBA", (432, 288))
    y, _ = soundfile.read(wav, dtype="float32")
    pixels = np.asarray(picture)
    np.testing.assert_array_equal(pixels[..., :3], render(y))
    assert (pixels[..., 3] == 255).all()


def test_synthesise_repeats_itself_and_nothing_else():
    clips = [synthesise("jazz", 3), synthesise("jazz", 4), synthesise("jazz", 5)]
    clips.append(synthesise("blues", 3))
    assert all(clip.shape == (SAMPLES,) for clip in clips)
    assert all(clip.dtype == np.float32 for clip in clips)
    assert all(np.isfinite(clip).all() for clip in clips)
    np.testing.assert_array_equal(clips[0], synthesise("jazz", 3))
    assert not any(np.array_equal(clips[0], clip) for clip in clips[1:])
