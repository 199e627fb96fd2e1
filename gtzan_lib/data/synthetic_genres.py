"""The ten invented "genres" of the synthetic sample, as tables of ingredients.

Used by ``synthetic``, which plays them.
"""

# Power by which harmonics fall, weight of even harmonics, attack (s), decay (1/s),
# vibrato (radians of phase), formant (Hz, 0 for none).
VOICES = {
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
KITS = {
    "acoustic": (58, 0.10, 0.09, 0.04),
    "brushes": (55, 0.06, 0.16, 0.09),
    "heavy": (64, 0.07, 0.12, 0.06),
    "machine": (46, 0.28, 0.07, 0.025),
}
MAJOR, MINOR, POWER = (0, 4, 7), (0, 3, 7), (0, 7, 12)
SEVENTH, MINOR7 = (0, 4, 7, 10), (0, 3, 7, 10)

# kin: related genres. tempo: slowest, fastest (1/min), swing (steps). drums: kit, then
# sixteen-step patterns of kick, snare, closed and open hat. bass, comp, lead: pattern,
# voice, length (steps), MIDI note. chords: chord, root in each bar (semitones).
# mix: dB of drums, bass, comp and lead. finish: tilt (0 dark to 1 bright), low-pass
# (Hz), noise (dB below the music), drive (gain before soft clipping), swell (dB).
RECIPES = {
    "blues": {
        "kin": ("jazz", "rock"),
        "tempo": (70, 125, 0.6),
        "drums": ("acoustic", "x.......x.x", "....x.......x", "x.x.x.x.x.x.x.x", ""),
        "bass": ("x...x...x...x", "bass", 4, 40),
        "comp": ("x.x.x.x.x.x.x.x", "guitar", 2, 52),
        "lead": ("..x.x.x.....x.x", "guitar", 4, 67),
        "chords": (SEVENTH, (0, 0, 0, 0, 5, 5, 0, 0, 7, 5, 0, 7)),
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
        "chords": (MAJOR, (0, 5, 7, 0, 9, 2, 7, 0)),
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
        "chords": (MAJOR, (0, 0, 5, 0, 0, 7, 0, 0)),
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
        "chords": (MINOR7, (0, 0, 5, 5, 8, 8, 7, 7)),
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
        "chords": (MINOR, (0, 0, 8, 7)),
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
        "chords": (MINOR7, (2, 7, 0, 9, 2, 7, 4, 9)),
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
        "chords": (POWER, (0, 0, 1, 0, 3, 3, 1, 6)),
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
        "chords": (MAJOR, (0, 7, 9, 5)),
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
        "chords": (MINOR, (0, 0, 5, 5, 0, 0, 10, 5)),
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
        "chords": (POWER, (0, 0, 10, 5)),
        "mix": (0, -2, 1, 0),
        "finish": (0.8, 5000, 28, 3.0, 2),
    },
}
