"""The ten genres of GTZAN, in the order of every label, and the rate of its audio."""

SAMPLE_RATE = 22_050  # Hz, of every file in the Kaggle edition

GENRES = (
    "blues",
    "classical",
    "country",
    "disco",
    "hiphop",
    "jazz",
    "metal",
    "pop",
    "reggae",
    "rock",
)
