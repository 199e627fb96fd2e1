import subprocess
import sys

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gtzan_lib.audio import SAMPLE_RATE, read_audio, resample
from gtzan_lib.errors import DataError


def tone(frequency=440.0, seconds=1.0, sample_rate=SAMPLE_RATE):
    t = np.arange(round(seconds * sample_rate)) / sample_rate
    return (0.5 * np.sin(2 * np.pi * frequency * t)).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [
        ("a.wav", 1e-4),
        ("a.flac", 1e-4),
        ("a.au", 1e-4),
        ("a.ogg", 0.05),
        ("a.mp3", 0.05),
    ],
)
@pytest.mark.parametrize("sample_rate", [22_050, 44_100])
def test_formats(tmp_path, name, tolerance, sample_rate):
    y = tone(sample_rate=sample_rate)
    soundfile.write(tmp_path / name, y, sample_rate)
    decoded, rate = read_audio(tmp_path / name)
    assert rate == sample_rate
    assert decoded.dtype == np.float32
    assert decoded.ndim == 1
    assert abs(len(decoded) - len(y)) <= 2 * 1152
    middle = slice(4000, 12_000)
    np.testing.assert_allclose(decoded[middle], y[middle], atol=tolerance)


def test_content_decides_the_format(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(), SAMPLE_RATE)
    (tmp_path / "a.wav").rename(tmp_path / "a.mp3")
    assert len(read_audio(str(tmp_path / "a.mp3"))[0]) == SAMPLE_RATE


@given(
    channels=hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 50), st.integers(1, 6)),
        elements=st.floats(-1, 1, width=32),
    )
)
def test_mono_is_the_mean_of_the_channels(tmp_path_factory, channels):
    path = tmp_path_factory.mktemp("audio") / "a.wav"
    soundfile.write(path, channels, 8000, subtype="FLOAT")
    y, sample_rate = read_audio(path)
    assert sample_rate == 8000
    np.testing.assert_array_equal(y, channels.mean(axis=1))


def write_bytes(path, content):
    path.write_bytes(content)


def write_samples(path, y):
    soundfile.write(path, y, SAMPLE_RATE, format="WAV", subtype="FLOAT")


@pytest.mark.parametrize(
    ("write", "content", "reason"),
    [
        (write_bytes, b"", "empty"),
        (write_bytes, b"a text, not a sound\n" * 100, "cannot be decoded"),
        (write_bytes, b"RIFF\x00\x00\x00\x00WAVE", "cannot be decoded"),
        (write_samples, np.zeros(0, np.float32), "no samples"),
        (write_samples, np.array([0, np.nan], np.float32), "not finite"),
        (write_samples, np.array([0, np.inf], np.float32), "not finite"),
    ],
)
@pytest.mark.parametrize("name", ["odd.wav", "odd.mp3", "odd"])
def test_unusable_file(tmp_path, name, write, content, reason):
    path = tmp_path / name
    write(path, content)
    with pytest.raises(DataError, match=reason) as error:
        read_audio(path)
    assert str(path) in str(error.value)
    assert str(error.value).count("\n") == 0


def test_headerless_file(tmp_path):
    (tmp_path / "a.raw").write_bytes(bytes(1000))
    with pytest.raises(DataError, match=r"a\.raw cannot be decoded"):
        read_audio(tmp_path / "a.raw")


def test_missing_file_and_folder(tmp_path):
    for path in (tmp_path / "absent.wav", tmp_path):
        with pytest.raises(DataError, match="There is no audio file") as error:
            read_audio(path)
        assert str(path) in str(error.value)


def test_resample_keeps_the_tone():
    y = resample(tone(sample_rate=44_100), 44_100)
    assert y.dtype == np.float32
    assert y.shape == (SAMPLE_RATE,)
    middle = slice(2000, -2000)
    np.testing.assert_allclose(y[middle], tone()[middle], atol=1e-3)


@pytest.mark.parametrize("sample_rate", [8000, 16_000, 32_000, 48_000, 96_000])
def test_resampled_length(sample_rate):
    y = resample(np.zeros(sample_rate, np.float32), sample_rate)
    assert abs(len(y) - SAMPLE_RATE) <= 1


def test_resample_does_nothing_at_the_same_rate():
    y = tone()
    assert resample(y, SAMPLE_RATE) is y


def test_import_is_light():
    program = (
        "import gtzan_lib.audio, gtzan_lib.spectrogram, sys; "
        "print({'librosa', 'scipy', 'matplotlib', 'soundfile', 'soxr'} "
        "& set(sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "set()"
