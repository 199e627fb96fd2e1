import contextlib
import shutil
import subprocess
import tracemalloc

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gtzan_lib.data import audio
from gtzan_lib.data.audio import SAMPLE_RATE, read_audio
from gtzan_lib.errors import DataError

needs_ffmpeg = pytest.mark.skipif(
    not (shutil.which("ffmpeg") and shutil.which("ffprobe")),
    reason="needs the program ffmpeg",
)


def tone(seconds=1.0, sample_rate=SAMPLE_RATE):
    t = np.arange(round(seconds * sample_rate)) / sample_rate
    return (0.5 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)


def written(path, y, sample_rate=SAMPLE_RATE, subtype=None):
    soundfile.write(path, y, sample_rate, subtype)
    return path


def noise(path, *options, amplitudes=(0.1,), seconds=5):
    """Write noise, some seconds of each amplitude; with ffmpeg if it has options."""
    rng = np.random.default_rng(0)
    y = np.concatenate([rng.normal(0, a, seconds * SAMPLE_RATE) for a in amplitudes])
    if not options:
        return written(path, y)
    wav = written(path.with_suffix(".noise.wav"), y)
    subprocess.run(["ffmpeg", "-v", "error", "-i", wav, *options, path], check=True)
    return path


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    return path


@pytest.mark.parametrize("sample_rate", [16_000, 22_050, 44_100])
@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.au", "a.ogg", "a.mp3"])
def test_formats(tmp_path, name, sample_rate):
    y = tone(sample_rate=sample_rate)
    track = read_audio(written(tmp_path / name, y, sample_rate))
    assert (track.sample_rate, track.channels) == (sample_rate, 1)
    assert track.format == name[2:].upper()
    assert track.seconds == pytest.approx(1, abs=2 * 1152 / sample_rate)
    assert track.y.dtype == np.float32
    assert abs(len(track.y) - SAMPLE_RATE) <= 2 * 1152
    off = np.abs(track.y[4000:12_000] - tone()[4000:12_000]).max()
    assert off < (0.05 if name[2:] in ("ogg", "mp3") else 1e-3)


def test_content_decides_the_format_and_nothing_is_resampled_at_the_same_rate(tmp_path):
    path = written(tmp_path / "a.wav", tone(), subtype="FLOAT")
    np.testing.assert_array_equal(
        read_audio(str(path.rename(tmp_path / "a.mp3"))).y, tone()
    )


@given(
    channels=hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 50), st.integers(1, 6)),
        elements=st.integers(0, 2**23).map(lambda n: n / 2**23),  # as 24 bits have it
    )
)
def test_mono_is_the_mean_of_the_channels(tmp_path_factory, channels):
    path = tmp_path_factory.mktemp("audio") / "a.wav"
    track = read_audio(written(path, channels, subtype="FLOAT"))
    assert track.channels == channels.shape[1]
    np.testing.assert_array_equal(track.y, channels.mean(axis=1))


def test_opposite_phase_is_not_silence(tmp_path):
    for balance in (-1, -0.9):
        y = np.outer(tone(), [1, balance])
        track = read_audio(written(tmp_path / "a.wav", y, subtype="FLOAT"))
        np.testing.assert_array_equal(track.y, tone())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"a text, not a sound\n" * 100, "cannot be decoded"),
        (b"RIFF\x00\x00\x00\x00WAVE", "cannot be decoded"),
        (np.zeros(0, np.float32), "no samples"),
        (np.array([0, np.nan], np.float32), "not finite"),
        (np.array([0, np.inf], np.float32), "not finite"),
    ],
)
@pytest.mark.parametrize("name", ["odd.wav", "odd.mp3", "odd.raw"])
def test_unusable_file(tmp_path, name, content, reason):
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        wav = {"format": "WAV", "subtype": "FLOAT"}
        soundfile.write(tmp_path / "wav", content, SAMPLE_RATE, **wav)
        (tmp_path / "wav").rename(path)
        if name == "odd.raw":  # which libsndfile opens by its name alone
            reason = "cannot be decoded|" + reason
    with pytest.raises(DataError, match=reason) as error:
        read_audio(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    for none in (tmp_path / "absent.wav", tmp_path):
        with pytest.raises(DataError, match=f"There is no audio file {none}"):
            read_audio(none)


def test_blocks_make_no_difference(tmp_path, monkeypatch):
    y = np.random.default_rng(0).uniform(-1, 1, (44_100, 2)).astype(np.float32)
    path = written(tmp_path / "a.wav", y, 44_100, "FLOAT")
    monkeypatch.setattr(audio, "_BLOCK", 2_000)
    whole = soxr.resample(y.mean(axis=1), 44_100, SAMPLE_RATE, quality="HQ")
    np.testing.assert_allclose(read_audio(path).y, whole, atol=1e-5)


@pytest.mark.slow
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
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    with pytest.raises(DataError, match=r"longer than 2 minutes.*cut it first"):
        read_audio(path, max_seconds=120)  # before it is decoded
    assert tracemalloc.get_traced_memory()[1] < before + 5e6
    tracemalloc.stop()
    assert track.seconds == 300
    assert peak < 2 * track.y.nbytes + 20e6 < 44_100 * 300 * 2 * 4


def test_a_file_that_hides_its_length_is_refused(tmp_path):
    path = written(tmp_path / "a.wav", tone(3))
    content = path.read_bytes()
    at, unknown = content.index(b"data") + 4, b"\xff" * 4
    hidden = content[:4] + unknown + content[8:at] + unknown + content[at + 4 :]
    path.write_bytes(hidden)
    track = read_audio(path)
    assert (track.seconds, track.is_damaged) == (3, False)
    with pytest.raises(DataError, match="longer than"):
        read_audio(path, max_seconds=2)


def test_an_impossible_rate_is_refused(tmp_path):
    for sample_rate in (1, 999, 1_000_000):
        path = written(tmp_path / "a.wav", np.zeros(100), sample_rate)
        with pytest.raises(DataError, match=f"{sample_rate:,} samples a second"):
            read_audio(path)


def test_without_ffmpeg_the_sentence_names_it(tmp_path, monkeypatch):
    (tmp_path / "a.m4a").write_bytes(b"\0\0\0\x20ftypM4A " * 100)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(DataError, match=r"M4A, .* need ffmpeg, which is not installed"):
        read_audio(tmp_path / "a.m4a")


@pytest.mark.parametrize("name", ["a.wav", "a.aiff", "a.au", "a.flac"])
def test_a_file_that_is_cut_short_says_so(tmp_path, name):
    path = noise(tmp_path / name)
    assert not read_audio(path).is_damaged
    if name == "a.flac" and not shutil.which("ffmpeg"):
        pytest.skip("libsndfile refuses it: needs the program ffmpeg")
    track = read_audio(cut(path))
    assert track.is_damaged
    assert 2 < track.seconds < 3.5


@needs_ffmpeg
@pytest.mark.parametrize("name", ["a.mka", "a.m4a"])
def test_what_ffmpeg_finds_cut_short_says_so(tmp_path, name):
    path = noise(tmp_path / name, "-movflags", "+faststart")
    assert not read_audio(path).is_damaged
    assert read_audio(cut(path)).is_damaged


def test_a_coded_wav_is_not_called_damaged(tmp_path):
    for subtype in ("IMA_ADPCM", "MS_ADPCM", "ULAW"):
        path = written(tmp_path / "a.wav", tone(), subtype=subtype)
        assert not read_audio(path).is_damaged


@pytest.fixture
def m4a(tmp_path):
    """Three seconds of a tone at 48 kHz, two channels."""
    y = np.stack([tone(3, 48_000)] * 2, axis=1)
    wav = written(tmp_path / "tone.wav", y, 48_000)
    subprocess.run(["ffmpeg", "-v", "error", "-i", wav, tmp_path / "a.m4a"], check=True)
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
@pytest.mark.parametrize(
    "playlist", ["#EXTM3U\n#EXTINF:3,\nfile://{}\n", "ffconcat version 1.0\nfile {}\n"]
)
def test_a_playlist_opens_no_other_file(m4a, tmp_path, playlist):
    path = tmp_path / "list.m4a"
    path.write_text(playlist.format(m4a))
    with pytest.raises(DataError, match="cannot be decoded"):
        read_audio(path)


def no_header(folder):  # the second part takes more bits: libsndfile is misled
    tag = ("-metadata", "title=Info Xing LAME")  # which looks like the header
    loud = {"amplitudes": (0.001, 0.1), "seconds": 10}
    return noise(folder / "a.mp3", "-write_xing", "0", "-q:a", "4", *tag, **loud)


def in_a_row(suffix):
    def write(folder):
        path = noise(folder / f"a.{suffix}", "-vn", seconds=10)
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
    assert not (track.is_damaged and path.suffix == ".ogg")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(DataError, match="cannot be decoded to its end"):
        read_audio(path)
    assert capfd.readouterr().err == ""


@needs_ffmpeg
def test_a_flac_of_unknown_length_is_read_whole(tmp_path):
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=duration=6"]
    streamed = subprocess.check_output([*command, "-f", "flac", "pipe:1"])
    (tmp_path / "a.flac").write_bytes(streamed)
    assert len(read_audio(tmp_path / "a.flac", 60).y) == 6 * SAMPLE_RATE


def test_what_a_decoder_complains_of_stays_its_own(tmp_path, capfd):
    path = written(tmp_path / "a.mp3", tone(5))
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :: 50] = b"\xff" * len(content[len(content) // 2 :: 50])
    path.write_bytes(content)
    with contextlib.suppress(DataError):
        read_audio(path)
    assert capfd.readouterr().err == ""
