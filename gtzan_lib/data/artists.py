"""Who plays each track, so that no artist is both learnt and tested.

GTZAN's ids follow Sturm's index of GTZAN ("The GTZAN dataset", 2013), as published by
Foleis and Tavares, "Texture selection for automatic music genre classification",
Applied Soft Computing 89 (2020), 106127. The artists of the sample are invented.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.gtzan import SYNTHETIC
from gtzan_lib.data.tables import read_table

ARTISTS = Path(__file__).with_name("artists.csv")
SHA256 = "fb9dc5ecbf9046a7821df3781fb42ec0293cf7487a0fde502f33073a5097b4c5"
# Who plays each clip of a genre of the sample; numbers 4 and 5 play one each.
_INVENTED = 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 5
CLIPS = len(_INVENTED)  # of a genre; where there are more, others play them


def invented(clip: int) -> int:
    """Return the number, in its genre, of the artist of one of the sample's clips."""
    others, clip = divmod(clip, CLIPS)
    return _INVENTED[clip] + others * (max(_INVENTED) + 1)


def sample_tracks() -> list[str]:
    """Return the tracks of the sample, in the order of their names."""
    return [f"{genre}.{clip:05d}" for genre in GENRES for clip in range(CLIPS)]


def artists_of(tracks: Iterable[str], data: str) -> np.ndarray:
    """Return an id of each track's artist, str, (N,); all but the sample's are GTZAN's.

    Of 51 of those the artist is not known: each is one of its own, named as the track.
    """
    if data == SYNTHETIC:
        named = (track.split(".") for track in tracks)
        return np.array([f"{g}-artist-{invented(int(number))}" for g, number in named])
    table = read_table(ARTISTS, ("track", "artist"), SHA256)
    known = dict(zip(table["track"], table["artist"], strict=True))
    return np.array([known.get(track, track) for track in tracks])
