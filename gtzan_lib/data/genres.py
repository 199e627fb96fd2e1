"""The ten genres of GTZAN, in the order of every label, logit and table.

Used by everything that names or counts genres.
"""

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
