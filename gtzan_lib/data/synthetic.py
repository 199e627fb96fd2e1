"""A synthetic stand-in for GTZAN, made from code, for people who have no GTZAN.

Each of ten invented "genres" is a table in ``synthetic.toml``. An invented artist takes
some ingredients from a related genre, and has a tempo, a tuning and a sound of their
own. A clip draws its key, kit, balance and noise; the rest is its artist's.
"""

import io
import sys
import tomllib
from functools import cache
from pathlib import Path

import numpy as np

from gtzan_lib.data.artists import CLIPS, invented
from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.genres import SAMPLE_RATE as RATE
from gtzan_lib.data.gtzan import MARKER, SYNTHETIC, Dataset

SAMPLES = 661_500
TABLES = Path(__file__).with_name("synthetic.toml")
_BORROWED = 0.22  # chance that an artist has an ingredient of a related genre
_COLOURS = 150, 450, 1300, 3800  # Hz, about where an artist's sound is louder or softer
_COLOUR = 5  # dB, standard deviation of how much louder between artists
_SPREAD = 2.5  # dB, standard deviation of a layer's loudness between clips


@cache
def _tables() -> dict:
    return tomllib.loads(TABLES.read_text("utf-8"))


def synthesise(genre: str, clip: int) -> np.ndarray:
    """Make the sound of one clip, of a number from 0: 30 s, mono, 22,050 Hz.

    Float32, (661500,), within (-1, 1), in whole numbers of 1/32768, which a 16-bit WAV
    file holds exactly.
    """
    from scipy.signal import butter, iirpeak, lfilter

    rng = np.random.default_rng([0, GENRES.index(genre), clip])
    own = np.random.default_rng([1, GENRES.index(genre), invented(clip)])
    recipe = _recipe(genre, own)
    tilt, lowpass, noise, drive, swell = recipe["finish"]
    y = np.zeros(SAMPLES, np.float32)
    for layer, level in zip(_layers(recipe, rng), recipe["mix"], strict=True):
        if layer.any():
            y += _loudness(layer, rng.normal(level, _SPREAD))
    drive *= 2 ** rng.normal(0, 0.4)
    y = np.tanh(_loudness(y, 20 * np.log10(drive)))
    cutoff = np.clip(lowpass * 2 ** own.normal(0, 0.3), 1000, 10_500)
    y = lfilter(*np.float32(butter(2, cutoff, fs=RATE)), y)
    for colour in _COLOURS * 2 ** own.normal(0, 0.3, len(_COLOURS)):
        more = 10 ** (own.normal(0, _COLOUR) / 20) - 1
        y += np.float32(more) * lfilter(*np.float32(iirpeak(colour, 1, RATE)), y)
    tilt = np.clip(own.normal(tilt, 0.05), 0, 1)
    y[1:] -= tilt * y[:-1]
    turns = rng.uniform(0.5, 3) * np.linspace(0, 1, SAMPLES, dtype=np.float32)
    turns += rng.random()
    y *= 10 ** (rng.uniform(0, swell) / 20 * np.sin(2 * np.pi * turns))
    hiss = rng.standard_normal(SAMPLES, np.float32)
    y = _loudness(y, 0) + _loudness(hiss, -rng.normal(noise, _SPREAD))
    y *= rng.uniform(0.5, 0.95) / np.abs(y).max()
    return np.round(y * 32_768) / np.float32(32_768)


def _recipe(genre, own):
    """Return what an artist of a genre plays: an entry of the tables' genres."""
    genres = _tables()["genres"]
    recipe = {
        name: genres[own.choice(genres[genre]["kin"])][name]
        if own.random() < _BORROWED
        else ingredient
        for name, ingredient in genres[genre].items()
        if name != "kin"
    }
    slow, fast, swing = recipe["tempo"]
    habit = own.uniform(slow, fast)
    recipe["tempo"] = 0.96 * habit, 1.04 * habit, swing
    return recipe | {"tuning": own.normal(0, 0.2)}  # semitones


def _loudness(y, level):
    return y * np.float32(10 ** (level / 20) / np.sqrt(np.mean(y * y)))


def _layers(recipe, rng):
    """Return the drums, bass, comp and lead of a clip as float32 (4, 661500)."""
    slow, fast, swing = recipe["tempo"]
    step = 60 / rng.uniform(slow, fast) / 4 * RATE  # samples in a sixteenth
    layers, note = np.zeros((4, SAMPLES), np.float32), cache(_note)

    def play(layer, pattern, time, sound):
        at = time % 16
        if pattern[at : at + 1] == "x":
            late = swing * (at % 4 == 2) + swing / 2 * (at % 2)
            start = int((time + late) * step + rng.uniform(0, 0.01) * RATE)
            part = layers[layer, start : start + len(sound)]
            part += sound[: len(part)] * rng.uniform(0.7, 1)

    def play_note(layer, part, time, tone):
        pattern, voice, steps, midi = recipe[part]
        play(layer, pattern, time, note(voice, midi + tone, int(steps * step)))

    name, roots = recipe["chords"]
    chord = _tables()["chords"][name]
    key = rng.integers(-5, 7) + recipe["tuning"]
    kit, *patterns = recipe["drums"]
    drums, lead = _drums(kit, rng), 0
    for time in range(16 * (int(SAMPLES / step / 16) + 1)):
        if time % 64 == 0:  # a new section: some layers pause
            on = rng.random(4) < (0.95, 0.95, 0.95, 0.9)
            on[2] |= not on.any()
        root = key + roots[time // 16 % len(roots)]
        if on[0]:
            for pattern, sound in zip(patterns, drums, strict=True):
                play(0, pattern, time, sound)
        if on[1]:
            play_note(1, "bass", time, root)
        if on[2]:
            for tone in chord:
                play_note(2, "comp", time, root + tone)
        if on[3] and rng.random() < 0.8:
            lead = np.clip(lead + rng.integers(-2, 3), -3, 5)
            octave, degree = divmod(lead, len(chord))
            play_note(3, "lead", time, root + 12 * octave + chord[degree])
    return layers


def _note(voice, midi, length):
    """Return one note, float64 (length,), from a table of one period."""
    slope, even, attack, decay, vibrato, formant = _tables()["voices"][voice]
    pitch = 440 * 2 ** ((midi - 69) / 12)
    harmonics = np.arange(1, min(60, int(10_000 / pitch)) + 1)
    spectrum = np.zeros(2049, complex)
    weights = harmonics**-slope * np.where(harmonics % 2, 1, even)
    if formant:
        weights *= 0.1 + 1 / (1 + ((harmonics * pitch - formant) / 400) ** 2)
    spectrum[harmonics] = -1j * weights
    table = np.fft.irfft(spectrum)
    seconds = np.arange(length) / RATE
    phase = pitch * seconds + vibrato / (2 * np.pi) * np.sin(2 * np.pi * 5.5 * seconds)
    wave = table[(phase * len(table)).astype(int) % len(table)] / table.std()
    fade = np.minimum(1, (length / RATE - seconds) / 0.03)
    return wave * (1 - np.exp(-seconds / attack)) * np.exp(-seconds * decay) * fade


def _drums(kit, rng):
    """Return a kick, a snare, a closed hat and an open hat as float64 arrays."""
    pitch, kick, snare, hat = _tables()["kits"][kit] * 2 ** rng.normal(0, 0.25, 4)
    seconds = np.arange(RATE // 2) / RATE
    noise = rng.standard_normal(len(seconds))
    bright = np.diff(noise, 2, prepend=[0, 0])
    fall = pitch * (seconds + 0.06 * (1 - np.exp(-seconds / 0.03)))
    ring = np.sin(2 * np.pi * 3.3 * pitch * seconds)
    kick = 1.6 * np.sin(2 * np.pi * fall) * np.exp(-seconds / kick)
    snare = (0.5 * noise + 0.6 * ring) * np.exp(-seconds / snare)
    hats = (0.3 * bright * np.exp(-seconds / (n * hat)) for n in (1, 6))
    return kick, snare, *hats


def make_sample(
    folder: Path, clips: int = CLIPS, workers: int = 2, progress: bool = True
) -> None:
    """Write so many clips a genre, in the layout of the Kaggle edition, to a folder.

    They are 16-bit WAV files and opaque RGBA pictures, made by so many processes.
    """
    from joblib import Parallel, delayed
    from tqdm import tqdm

    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARKER).write_text(
        "These are synthetic clips and pictures made by gtzan_lib; they are not music "
        "and not GTZAN.\n"
    )
    jobs = [(folder, genre, clip) for genre in GENRES for clip in range(clips)]
    # Its processes do not run the script that called this once more, as Python's would.
    written = Parallel(workers, return_as="generator")(
        delayed(_write_clip)(*job) for job in jobs
    )
    shown = {"disable": not progress, "file": sys.stdout}
    list(tqdm(written, "synthetic clips", len(jobs), **shown))


def _write_clip(folder, genre, clip):
    # In memory first: libsndfile and Pillow do not say that a disk is full.
    import soundfile
    from PIL import Image

    from gtzan_lib.data.pictures import render

    y = synthesise(genre, clip)
    wav, png = io.BytesIO(), io.BytesIO()
    samples = (y * 32_768).astype(np.int16)
    soundfile.write(wav, samples, RATE, subtype="PCM_16", format="WAV")
    picture = Image.fromarray(render(y)).convert("RGBA")
    picture.save(png, format="PNG", compress_level=3)
    dataset, track = Dataset(SYNTHETIC, folder, (), ""), f"{genre}.{clip:05d}"
    files = {dataset.audio_path(track): wav, dataset.image_path(track): png}
    for path, file in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.getvalue())
