"""A synthetic stand-in for GTZAN, made from code, for people who have no GTZAN.

`make_sample` writes ten invented "genres" in the folder layout of the Kaggle copy of
GTZAN. Used by notebook 01_pack (data set name "sample"), and by the page.

Each genre is a row of `_RECIPES`. A clip draws its tempo, key, kit, balance, filter and
noise around the row of its genre, and takes each ingredient of the row with probability
`_BORROW` from a related genre, so that neighbours overlap.
"""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np

from gtzan_lib.data.audio import SAMPLE_RATE as RATE
from gtzan_lib.data.genres import GENRES
from gtzan_lib.errors import DataError

SAMPLES = 661_500
MARKER = "SYNTHETIC.txt"
_MARKER_TEXT = (
    "These are synthetic clips and pictures made by gtzan_lib; they are not music and "
    "not GTZAN.\n"
)

_BORROW = 0.1  # chance that an ingredient comes from a related genre
_SPREAD = 2.5  # dB, standard deviation of a layer's loudness between clips

# Power by which harmonics fall, weight of even harmonics, attack (s), decay (1/s),
# vibrato (radians of phase), formant (Hz, 0 for none).
_VOICES = {
    "bass": (2.2, 0.8, 0.008, 2.0, 0.0, 0),
    "brass": (1.0, 0.9, 0.04, 0.5, 0.4, 1400),
    "fuzz": (0.5, 0.7, 0.003, 0.4, 0.0, 0),
    "guitar": (1.2, 0.9, 0.003, 5.0, 0.0, 0),
    "organ": (1.6, 0.3, 0.01, 0.1, 0.8, 0),
    "piano": (1.9, 0.9, 0.003, 3.0, 0.0, 0),
    "strings": (1.4, 1.0, 0.12, 0.1, 0.9, 0),
    "synth": (0.9, 0.2, 0.01, 0.8, 0.0, 0),
    "twang": (0.8, 1.0, 0.002, 7.0, 0.0, 0),
    "vocal": (1.1, 0.9, 0.05, 0.4, 1.2, 800),
}
# Kick (Hz) and decays of kick, snare and hat (s).
_KITS = {
    "acoustic": (58, 0.10, 0.09, 0.04),
    "brushes": (55, 0.06, 0.16, 0.09),
    "heavy": (64, 0.07, 0.12, 0.06),
    "machine": (46, 0.28, 0.07, 0.025),
}
_MAJOR, _MINOR, _POWER = (0, 4, 7), (0, 3, 7), (0, 7, 12)
_SEVENTH, _MINOR7 = (0, 4, 7, 10), (0, 3, 7, 10)

# kin: related genres. tempo: slowest, fastest (1/min), swing (steps). drums: kit, then
# sixteen-step patterns of kick, snare, closed and open hat. bass, comp, lead: pattern,
# voice, length (steps), MIDI note. chords: chord, root in each bar (semitones).
# mix: dB of drums, bass, comp and lead. finish: tilt (0 dark to 1 bright), low-pass
# (Hz), noise (dB below the music), drive (gain before soft clipping), swell (dB).
_RECIPES = {
    "blues": {
        "kin": ("jazz", "rock"),
        "tempo": (70, 125, 0.6),
        "drums": ("acoustic", "x.......x.x", "....x.......x", "x.x.x.x.x.x.x.x", ""),
        "bass": ("x...x...x...x", "bass", 4, 40),
        "comp": ("x.x.x.x.x.x.x.x", "guitar", 2, 52),
        "lead": ("..x.x.x.....x.x", "guitar", 4, 67),
        "chords": (_SEVENTH, (0, 0, 0, 0, 5, 5, 0, 0, 7, 5, 0, 7)),
        "mix": (-6, -2, 0, 1),
        "finish": (0.8, 3500, 22, 1.5, 4),
    },
    "classical": {
        "kin": ("jazz", "country"),
        "tempo": (60, 130, 0),
        "drums": ("brushes", "", "", "", ""),
        "bass": ("x.......x", "strings", 8, 43),
        "comp": ("x.......x", "strings", 8, 55),
        "lead": ("x.x.x.x.x.xxx.x", "strings", 3, 72),
        "chords": (_MAJOR, (0, 5, 7, 0, 9, 2, 7, 0)),
        "mix": (-30, -4, 0, 0),
        "finish": (0.6, 4500, 45, 0.2, 9),
    },
    "country": {
        "kin": ("blues", "rock"),
        "tempo": (85, 135, 0.2),
        "drums": ("brushes", "x.......x", "....x.......x", "x.xxx.xxx.xxx.xx", ""),
        "bass": ("x.......x", "bass", 5, 40),
        "comp": ("..x.x.x...x.x.x", "twang", 2, 64),
        "lead": ("x.x...x.x.x...x", "vocal", 4, 64),
        "chords": (_MAJOR, (0, 0, 5, 0, 0, 7, 0, 0)),
        "mix": (-8, -4, 2, 1),
        "finish": (0.9, 6500, 42, 0.6, 3),
    },
    "disco": {
        "kin": ("pop", "hiphop"),
        "tempo": (108, 132, 0),
        "drums": ("acoustic", "x...x...x...x", "....x.......x", "", "..x...x...x...x"),
        "bass": ("x.x.x.x.x.x.x.x", "bass", 2, 43),
        "comp": ("..xx..x...xx..x", "guitar", 1, 60),
        "lead": ("x.......x...x", "strings", 7, 72),
        "chords": (_MINOR7, (0, 0, 5, 5, 8, 8, 7, 7)),
        "mix": (1, -1, -2, 0),
        "finish": (0.9, 10_000, 32, 1.0, 1),
    },
    "hiphop": {
        "kin": ("reggae", "pop"),
        "tempo": (80, 105, 0.3),
        "drums": ("machine", "x.....x.x..x", "....x.......x", "x.x.x.x.x.x.xxx", ""),
        "bass": ("x.....x.x", "bass", 6, 33),
        "comp": ("x...........x", "piano", 4, 60),
        "lead": ("x.xxx.x.xxx.x.x", "vocal", 1, 52),
        "chords": (_MINOR, (0, 0, 8, 7)),
        "mix": (4, 2, -6, 0),
        "finish": (0.85, 8000, 35, 1.5, 1),
    },
    "jazz": {
        "kin": ("blues", "classical"),
        "tempo": (100, 210, 0.65),
        "drums": ("brushes", "x", "......x", "x...x.x.x...x.x", ""),
        "bass": ("x...x...x...x", "bass", 4, 38),
        "comp": ("x.....x......x", "piano", 3, 58),
        "lead": ("x.xxx.x.x.xxx.x", "brass", 2, 67),
        "chords": (_MINOR7, (2, 7, 0, 9, 2, 7, 4, 9)),
        "mix": (-8, -1, -2, 1),
        "finish": (0.85, 4500, 28, 0.4, 5),
    },
    "metal": {
        "kin": ("rock", "rock"),
        "tempo": (110, 200, 0),
        "drums": ("heavy", "x.xxx.xxx.xxx.xx", "....x.......x", "", "x...x...x...x"),
        "bass": ("x.xxx.xxx.xxx.xx", "fuzz", 2, 35),
        "comp": ("x.xxx.xxx.xxx.xx", "fuzz", 2, 40),
        "lead": ("x...x.x.........", "fuzz", 4, 64),
        "chords": (_POWER, (0, 0, 1, 0, 3, 3, 1, 6)),
        "mix": (-1, -3, 2, -3),
        "finish": (0.9, 9500, 30, 6.0, 0),
    },
    "pop": {
        "kin": ("disco", "hiphop"),
        "tempo": (90, 130, 0),
        "drums": ("machine", "x.....x.x", "....x.......x", "x.x.x.x.x.x.x.x", ""),
        "bass": ("x...x.x.x...x", "synth", 3, 36),
        "comp": ("x.......x", "synth", 8, 60),
        "lead": ("x.x...x.x.x.x", "vocal", 3, 69),
        "chords": (_MAJOR, (0, 7, 9, 5)),
        "mix": (-3, -4, 2, 3),
        "finish": (0.95, 9000, 38, 1.0, 1),
    },
    "reggae": {
        "kin": ("hiphop", "blues"),
        "tempo": (65, 95, 0.3),
        "drums": ("acoustic", "........x", "........x", "x.x.x.x.x.x.x.x", ""),
        "bass": ("x..x..x...x.x", "bass", 3, 33),
        "comp": ("....x.......x", "organ", 2, 62),
        "lead": ("x...x.x.....x", "vocal", 4, 62),
        "chords": (_MINOR, (0, 0, 5, 5, 0, 0, 10, 5)),
        "mix": (-2, 3, -1, -1),
        "finish": (0.6, 3000, 38, 0.8, 2),
    },
    "rock": {
        "kin": ("metal", "country"),
        "tempo": (95, 150, 0),
        "drums": ("heavy", "x.....x.x.x", "....x.......x", "x.x.x.x.x.x.x.x", ""),
        "bass": ("x.x.x.x.x.x.x.x", "bass", 2, 38),
        "comp": ("x.....x.x...x", "fuzz", 4, 47),
        "lead": ("x...x.....x.x", "vocal", 4, 64),
        "chords": (_POWER, (0, 0, 10, 5)),
        "mix": (0, -2, 1, 0),
        "finish": (0.8, 5000, 28, 3.0, 2),
    },
}


def synthesise(genre: str, clip: int, seed: int = 0) -> np.ndarray:
    """Make the sound of one synthetic clip.

    Used by `make_sample`, and through it by notebook 01_pack.

    Parameters
    ----------
    genre : str
        One of `gtzan_lib.data.GENRES`.
    clip : int
        Number of the clip, 0 or more.
    seed : int, optional
        Seed of the whole sample, 0 or more. The same genre, clip and seed give the same
        samples, bit for bit at least with the same packages and kind of processor.

    Returns
    -------
    numpy.ndarray
        Shape (661500,), float32: 30 s at 22,050 Hz, mono. Every value is a whole number
        of 1/32768, so a 16-bit WAV file holds it exactly, and lies within (-1, 1).

    Raises
    ------
    DataError
        If the genre is unknown.
    """
    from scipy.signal import butter, lfilter

    if genre not in _RECIPES:
        raise DataError(f"Unknown genre {genre!r}: the sample has {', '.join(GENRES)}.")
    rng = np.random.default_rng([seed, GENRES.index(genre), clip])
    own = _RECIPES[genre]
    recipe = {
        name: _RECIPES[rng.choice(own["kin"])][name]
        if rng.random() < _BORROW
        else ingredient
        for name, ingredient in own.items()
        if name != "kin"
    }
    tilt, lowpass, noise, drive, swell = recipe["finish"]
    y = np.zeros(SAMPLES, np.float32)
    for layer, level in zip(_layers(recipe, rng), recipe["mix"], strict=True):
        if layer.any():
            y += _loudness(layer, rng.normal(level, _SPREAD))
    drive *= 2 ** rng.normal(0, 0.4)
    y = np.tanh(_loudness(y, 20 * np.log10(drive)))
    cutoff = np.clip(lowpass * 2 ** rng.normal(0, 0.3), 1000, 10_500)
    y = lfilter(*np.float32(butter(2, cutoff, fs=RATE)), y)
    tilt = np.clip(rng.normal(tilt, 0.05), 0, 1)
    y[1:] -= tilt * y[:-1]
    turns = rng.uniform(0.5, 3) * np.linspace(0, 1, SAMPLES, dtype=np.float32)
    turns += rng.random()
    y *= 10 ** (rng.uniform(0, swell) / 20 * np.sin(2 * np.pi * turns))
    hiss = rng.standard_normal(SAMPLES, np.float32)
    y = _loudness(y, 0) + _loudness(hiss, -rng.normal(noise, _SPREAD))
    y *= rng.uniform(0.5, 0.95) / np.abs(y).max()
    return np.round(y * 32_768) / np.float32(32_768)


def _loudness(y, level):
    """Return `y` scaled to a root mean square of `level` dB."""
    return y * np.float32(10 ** (level / 20) / np.sqrt(np.mean(y * y)))


def _layers(recipe, rng):
    """Return the drums, bass, comp and lead of a clip as float32 (4, 661500)."""
    slow, fast, swing = recipe["tempo"]
    step = 60 / rng.uniform(slow, fast) / 4 * RATE  # samples in a sixteenth note
    chord, roots = recipe["chords"]
    key = rng.integers(-5, 7)
    layers = np.zeros((4, SAMPLES), np.float32)

    @cache
    def note(voice, midi, steps):
        return _note(voice, midi, int(steps * step))

    def play(layer, pattern, bar, at, sound):
        """Add `sound` to a layer if its pattern has an onset at this step."""
        if pattern[at : at + 1] != "x":
            return
        late = swing * (at % 4 == 2) + swing / 2 * (at % 2)
        start = int((bar * 16 + at + late) * step + rng.uniform(0, 0.01) * RATE)
        part = layers[layer, start : start + len(sound)]
        part += sound[: len(part)] * rng.uniform(0.7, 1)

    kit, *patterns = recipe["drums"]
    drums = _drums(kit, rng)
    lead = 0
    for bar in range(int(SAMPLES / step / 16) + 1):
        if bar % 4 == 0:  # a new section: some layers pause
            on = rng.random(4) < (0.95, 0.95, 0.95, 0.9)
            on[2] |= not on.any()
        root = key + roots[bar % len(roots)]
        for at in range(16):
            for pattern, sound in zip(patterns, drums, strict=True):
                if on[0]:
                    play(0, pattern, bar, at, sound)
            if on[1]:
                pattern, voice, length, midi = recipe["bass"]
                play(1, pattern, bar, at, note(voice, midi + root, length))
            if on[2]:
                pattern, voice, length, midi = recipe["comp"]
                for tone in chord:
                    play(2, pattern, bar, at, note(voice, midi + root + tone, length))
            if on[3] and rng.random() < 0.8:
                pattern, voice, length, midi = recipe["lead"]
                lead = np.clip(lead + rng.integers(-2, 3), -3, 5)
                octave, degree = divmod(lead, len(chord))
                tone = midi + root + 12 * octave + chord[degree]
                play(3, pattern, bar, at, note(voice, tone, length))
    return layers


def _note(voice, midi, length):
    """Return one note, float64 (length,), from a table of one period."""
    slope, even, attack, decay, vibrato, formant = _VOICES[voice]
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
    pitch, kick, snare, hat = _KITS[kit] * 2 ** rng.normal(0, 0.25, 4)
    seconds = np.arange(RATE // 2) / RATE
    noise = rng.standard_normal(len(seconds))
    bright = np.diff(noise, 2, prepend=[0, 0])
    fall = pitch * (seconds + 0.06 * (1 - np.exp(-seconds / 0.03)))
    ring = np.sin(2 * np.pi * 3.3 * pitch * seconds)
    return (
        1.6 * np.sin(2 * np.pi * fall) * np.exp(-seconds / kick),
        (0.5 * noise + 0.6 * ring) * np.exp(-seconds / snare),
        0.3 * bright * np.exp(-seconds / hat),
        0.3 * bright * np.exp(-seconds / (6 * hat)),
    )


def make_sample(
    folder: str | Path,
    clips: int = 16,
    workers: int | None = None,
    progress: bool = True,
) -> None:
    """Write a synthetic data set in the folder layout of the Kaggle copy of GTZAN.

    Used by notebook 01_pack for the data set name "sample". The files are
    ``genres_original/<genre>/<genre>.00000.wav`` (16-bit PCM, mono, 22,050 Hz, 661,500
    samples), ``images_original/<genre>/<genre>00000.png`` (RGBA with alpha 255, 432
    pixels wide and 288 high, rendered from the WAV samples) and ``SYNTHETIC.txt``.

    Parameters
    ----------
    folder : str or pathlib.Path
        Where to write. The caller sees to it that the folder is new and that a failure
        leaves no half-written data set behind.
    clips : int, optional
        Clips per genre, 1 to 100000.
    workers : int, optional
        Number of processes, 2 unless given. With 1 everything runs in this process.
    progress : bool, optional
        Whether to show a progress bar.

    Raises
    ------
    DataError
        If `clips` is out of range.
    """
    if not 1 <= clips <= 100_000:
        raise DataError(f"The sample needs 1 to 100000 clips per genre, not {clips}.")
    folder = Path(folder)
    for genre in GENRES:
        for kind in ("genres_original", "images_original"):
            (folder / kind / genre).mkdir(parents=True, exist_ok=True)
    (folder / MARKER).write_text(_MARKER_TEXT)
    if workers == 1:
        _write_clips(map, folder, clips, progress)
        return
    # Processes are started afresh, not forked: a Jupyter kernel has threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers or 2, mp_context=context) as pool:
        _write_clips(pool.map, folder, clips, progress)


def _write_clips(map_, folder, clips, progress):
    """Write every clip of every genre with the function `map_`."""
    from tqdm import tqdm

    jobs = [(folder, genre, clip) for genre in GENRES for clip in range(clips)]
    done = map_(_write_clip, *zip(*jobs, strict=True))
    for _ in tqdm(done, "synthetic clips", len(jobs), disable=not progress):
        pass


def _write_clip(folder, genre, clip):
    """Write the WAV file and the picture of one clip."""
    import soundfile
    from PIL import Image

    from gtzan_lib.data.pictures import render

    y = synthesise(genre, clip)
    wav = folder / "genres_original" / genre / f"{genre}.{clip:05d}.wav"
    soundfile.write(wav, (y * 32_768).astype(np.int16), RATE, subtype="PCM_16")
    picture = Image.fromarray(render(y)).convert("RGBA")
    png = folder / "images_original" / genre / f"{genre}{clip:05d}.png"
    picture.save(png, compress_level=3)
