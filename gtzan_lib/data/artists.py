"""Who plays each track of GTZAN, so that no artist is both learnt and tested.

The ids follow Sturm's index of GTZAN ("The GTZAN dataset", 2013), as published by
Foleis and Tavares, "Texture selection for automatic music genre classification",
Applied Soft Computing 89 (2020), 106127. They say which tracks share an artist, and not
who it is.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from gtzan_lib.data.tables import read_published

ARTISTS = Path(__file__).with_name("artists.csv")
SHA256 = "fb9dc5ecbf9046a7821df3781fb42ec0293cf7487a0fde502f33073a5097b4c5"


def artists_of(tracks: Iterable[str]) -> np.ndarray:
    """Return an id of each track's artist, str, (N,).

    Of 51 tracks of GTZAN the artist is not known: each is an artist of its own, whose
    id is the track's name. ``DataError`` if the table is not the published one.
    """
    table = read_published(ARTISTS, ("track", "artist"), SHA256)
    known = dict(zip(table["track"], table["artist"], strict=True))
    return np.array([known.get(track, track) for track in tracks])
