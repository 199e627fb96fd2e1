import contextlib
import shutil
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gtzan_lib.data import audio, decoders
from gtzan_lib.data.audio import SAMPLE_RATE, read_audio
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
    soundfile.write(tmp_path / name, tone(sample_rate=sample_rate), sample_rate)
    track, y = read_audio(tmp_path / name), tone()
    assert (track.sample_rate, track.channels) == (sample_rate, 1)
    assert track.format == name[2:].upper()
    assert track.seconds == pytest.approx(1, abs=2 * 1152 / sample_rate)
    assert track.y.dtype == np.float32
    assert track.y.ndim == 1
    assert abs(len(track.y) - len(y)) <= 2 * 1152
    middle = slice(4000, 12_000)
    np.testing.assert_allclose(track.y[middle], y[middle], atol=tolerance)


def test_content_decides_the_format(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(), SAMPLE_RATE)
    (tmp_path / "a.wav").rename(tmp_path / "a.mp3")
    assert len(read_audio(str(tmp_path / "a.mp3")).y) == SAMPLE_RATE


@given(
    channels=hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 50), st.integers(1, 6)),
        elements=st.floats(0, 1, width=32),
    )
)
def test_mono_is_the_mean_of_the_channels(tmp_path_factory, channels):
    path = tmp_path_factory.mktemp("audio") / "a.wav"
    soundfile.write(path, channels, SAMPLE_RATE, subtype="FLOAT")
    track = read_audio(path)
    assert track.channels == channels.shape[1]
    np.testing.assert_array_equal(track.y, channels.mean(axis=1))


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


def write_float(path, y, sample_rate):
    soundfile.write(path, y, sample_rate, subtype="FLOAT")
    return path


def test_resample_keeps_the_tone(tmp_path):
    path = write_float(tmp_path / "a.wav", tone(sample_rate=44_100), 44_100)
    y = read_audio(path).y
    assert y.dtype == np.float32
    assert y.shape == (SAMPLE_RATE,)
    middle = slice(2000, -2000)
    np.testing.assert_allclose(y[middle], tone()[middle], atol=1e-3)


@pytest.mark.parametrize("sample_rate", [8000, 16_000, 32_000, 48_000, 96_000])
def test_resampled_length(tmp_path, sample_rate):
    path = write_float(tmp_path / "a.wav", np.zeros(sample_rate), sample_rate)
    assert abs(len(read_audio(path).y) - SAMPLE_RATE) <= 1


def test_nothing_is_resampled_at_the_same_rate(tmp_path):
    path = write_float(tmp_path / "a.wav", tone(), SAMPLE_RATE)
    np.testing.assert_array_equal(read_audio(path).y, tone())


def test_blocks_make_no_difference(tmp_path, monkeypatch):
    noise = np.random.default_rng(0).uniform(-1, 1, (44_100, 2)).astype(np.float32)
    path = write_float(tmp_path / "a.wav", noise, 44_100)
    monkeypatch.setattr(decoders, "_BLOCK", 2_000)
    whole = soxr.resample(noise.mean(axis=1), 44_100, SAMPLE_RATE, quality="HQ")
    np.testing.assert_allclose(read_audio(path).y, whole, atol=1e-5)


def test_memory_is_bounded_by_the_result(tmp_path):
    """Five minutes of two channels: the file's samples are never there all at once."""
    path, second = tmp_path / "a.flac", np.zeros((44_100, 2), np.float32)
    with soundfile.SoundFile(path, "w", 44_100, 2) as file:
        for _ in range(300):
            file.write(second)
    read_audio(path, max_seconds=300)  # what is loaded only once
    tracemalloc.start()
    track = read_audio(path, max_seconds=300)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert track.seconds == 300
    assert peak < 2 * track.y.nbytes + 20e6 < 44_100 * 300 * 2 * 4


@pytest.mark.parametrize("limit", [float("inf"), 3 * 3600])
def test_a_track_within_the_limit(tmp_path, limit):
    path = write_float(tmp_path / "a.wav", tone(), SAMPLE_RATE)
    assert read_audio(path, limit).seconds == 1


def test_three_hours_are_refused_before_they_are_decoded(tmp_path):
    path = tmp_path / "a.wav"
    with soundfile.SoundFile(path, "w", 8000, 1, subtype="PCM_U8") as file:
        for _ in range(3 * 60 + 1):
            file.write(np.zeros(60 * 8000))
    tracemalloc.start()
    with pytest.raises(DataError, match=r"longer than 30 minutes.*cut it first"):
        read_audio(path, max_seconds=1800)
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()


def test_a_file_that_hides_its_length_is_refused(tmp_path, monkeypatch):
    path = write_float(tmp_path / "a.wav", tone(seconds=3), SAMPLE_RATE)
    hide = property(lambda self: 0.0, lambda self, value: None)
    monkeypatch.setattr(audio.Soundfile, "seconds", hide, raising=False)
    with pytest.raises(DataError, match="longer than"):
        read_audio(path, max_seconds=2)


@pytest.mark.parametrize("sample_rate", [1, 999, 1_000_000])
def test_an_impossible_rate_is_refused(tmp_path, sample_rate):
    soundfile.write(tmp_path / "a.wav", np.zeros(100), sample_rate)
    with pytest.raises(DataError, match=f"{sample_rate:,} samples a second"):
        read_audio(tmp_path / "a.wav")


def test_without_ffmpeg_the_sentence_names_it(tmp_path, monkeypatch):
    (tmp_path / "a.m4a").write_bytes(b"\0\0\0\x20ftypM4A " * 100)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(DataError, match=r"M4A, .* need ffmpeg, which is not installed"):
        read_audio(tmp_path / "a.m4a")


@pytest.mark.parametrize("balance", [-1, -0.9])
def test_opposite_phase_is_not_silence(tmp_path, balance):
    path = write_float(tmp_path / "a.wav", np.outer(tone(), [1, balance]), SAMPLE_RATE)
    np.testing.assert_array_equal(read_audio(path).y, tone())


@pytest.mark.parametrize("name", ["a.wav", "a.aiff", "a.au", "a.flac"])
def test_a_file_that_is_cut_short_says_so(tmp_path, name):
    path = tmp_path / name
    noise = np.random.default_rng(0).normal(0, 0.1, 5 * SAMPLE_RATE)
    soundfile.write(path, noise, SAMPLE_RATE)
    assert not read_audio(path).is_damaged
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    if name == "a.flac" and not shutil.which("ffmpeg"):
        pytest.skip("libsndfile refuses it: needs the program ffmpeg")
    track = read_audio(path)
    assert track.is_damaged
    assert 2 < track.seconds < 3.5


@pytest.mark.parametrize("subtype", ["IMA_ADPCM", "MS_ADPCM", "ULAW"])
def test_a_coded_wav_is_not_called_damaged(tmp_path, subtype):
    soundfile.write(tmp_path / "a.wav", tone(), SAMPLE_RATE, subtype)
    assert not read_audio(tmp_path / "a.wav").is_damaged


def test_a_size_that_says_unknown_promises_nothing(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(), SAMPLE_RATE)
    content = path.read_bytes()
    at = content.index(b"data") + 4
    unknown = b"\xff" * 4
    path.write_bytes(
        content[:4] + unknown + content[8:at] + unknown + content[at + 4 :]
    )
    track = read_audio(path)
    assert (track.seconds, track.is_damaged) == (1, False)


needs_ffmpeg = pytest.mark.skipif(
    not (shutil.which("ffmpeg") and shutil.which("ffprobe")),
    reason="needs the program ffmpeg",
)


@pytest.fixture
def m4a(tmp_path):
    """Three seconds of a tone at 48 kHz, two channels."""
    y = tone(seconds=3, sample_rate=48_000)
    soundfile.write(tmp_path / "tone.wav", np.stack([y, y], axis=1), 48_000)
    command = ["ffmpeg", "-v", "error", "-i", tmp_path / "tone.wav"]
    subprocess.run([*command, tmp_path / "a.m4a"], check=True)
    return tmp_path / "a.m4a"


@needs_ffmpeg
@pytest.mark.parametrize(
    "name", ["a.m4a", "-i.m4a", "http:x.m4a", "a%03d.m4a", "a b;$(c) 'd'.m4a"]
)
def test_ffmpeg_decodes_whatever_the_name(m4a, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    m4a.rename(name)
    track = read_audio(name, max_seconds=4)
    assert (track.sample_rate, track.channels, track.format) == (48_000, 2, "AAC")
    assert track.seconds == pytest.approx(3, abs=0.1)
    middle = track.y[10_000:50_000]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.02)
    with pytest.raises(DataError, match="longer than"):
        read_audio(name, max_seconds=2)


@needs_ffmpeg
@pytest.mark.parametrize("name", ["a.mka", "a.m4a"])
def test_what_ffmpeg_finds_cut_short_says_so(tmp_path, name):
    noise = np.random.default_rng(0).normal(0, 0.1, 5 * SAMPLE_RATE)
    soundfile.write(tmp_path / "noise.wav", noise, SAMPLE_RATE)
    path = tmp_path / name
    command = ["ffmpeg", "-v", "error", "-i", tmp_path / "noise.wav"]
    subprocess.run([*command, "-movflags", "+faststart", path], check=True)
    assert not read_audio(path).is_damaged
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    assert read_audio(path).is_damaged


def noisy(path, amplitudes=(0.1,), *options):
    """Write 10 s of noise for each amplitude with ffmpeg; return the path."""
    rng = np.random.default_rng(0)
    parts = [rng.normal(0, each, 10 * SAMPLE_RATE) for each in amplitudes]
    soundfile.write(path.with_suffix(".noise.wav"), np.concatenate(parts), SAMPLE_RATE)
    command = ["ffmpeg", "-v", "error", "-i", path.with_suffix(".noise.wav")]
    subprocess.run([*command, *options, path], check=True)
    return path


def no_header(folder):  # the second part takes more bits: libsndfile is misled
    tag = ("-metadata", "title=Info Xing LAME")  # which looks like the header
    return noisy(folder / "a.mp3", (0.001, 0.1), "-write_xing", "0", "-q:a", "4", *tag)


def in_a_row(suffix):
    def write(folder):
        path = noisy(folder / f"a.{suffix}")
        path.write_bytes(2 * path.read_bytes())
        return path

    return write


@needs_ffmpeg
@pytest.mark.parametrize("write", [no_header, in_a_row("mp3"), in_a_row("ogg")])
def test_all_of_a_file_is_read_or_it_is_refused(tmp_path, monkeypatch, write, capfd):
    path = write(tmp_path)
    track = read_audio(path)
    assert track.seconds == pytest.approx(20, abs=0.2)
    assert np.abs(track.y[-SAMPLE_RATE:]).mean() > 0.05
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(DataError, match="cannot be decoded to its end"):
        read_audio(path)
    assert capfd.readouterr().err == ""


def test_what_a_decoder_complains_of_stays_its_own(tmp_path, capfd):
    soundfile.write(tmp_path / "a.mp3", tone(seconds=5), SAMPLE_RATE)
    content = bytearray((tmp_path / "a.mp3").read_bytes())
    content[len(content) // 2 :: 50] = b"\xff" * len(content[len(content) // 2 :: 50])
    (tmp_path / "a.mp3").write_bytes(content)
    with contextlib.suppress(DataError):
        read_audio(tmp_path / "a.mp3")
    assert capfd.readouterr().err == ""


@needs_ffmpeg
@pytest.mark.parametrize(
    "playlist", ["#EXTM3U\n#EXTINF:3,\nfile://{}\n", "ffconcat version 1.0\nfile {}\n"]
)
def test_a_playlist_opens_no_other_file(m4a, tmp_path, playlist):
    path = tmp_path / "list.m4a"
    path.write_text(playlist.format(m4a))
    with pytest.raises(DataError, match="cannot be decoded"):
        read_audio(path)


def test_import_is_light():
    program = (
        "import gtzan_lib.data.audio, gtzan_lib.data.pictures, sys; "
        "print({'librosa', 'scipy', 'matplotlib', 'soundfile', 'soxr'} "
        "& set(sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "set()"


@needs_ffmpeg
def test_a_flac_of_unknown_length_is_read_whole(tmp_path):
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=duration=6"]
    streamed = subprocess.check_output([*command, "-f", "flac", "pipe:1"])
    (tmp_path / "a.flac").write_bytes(streamed)
    assert len(read_audio(tmp_path / "a.flac", 60).y) == 6 * SAMPLE_RATE
