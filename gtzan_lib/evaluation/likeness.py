"""How alike the pictures of genres are, without any network."""

import numpy as np
from scipy.spatial.distance import cdist

from gtzan_lib.data.genres import GENRES


def template_ranks(x: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the mean rank, 1 to 10, of a genre's own template on its pictures: (10,).

    Templates are the mean pictures of the genres, less the mean of all, and a picture
    is compared with them by their inner products. ``x`` is float (N, ...), ``labels``
    int (N,). A network that has learned little compares in the same way.
    """
    away = x.reshape(len(x), -1) - x.reshape(len(x), -1).mean(axis=0)
    templates = [away[labels == k].mean(axis=0) for k in range(len(GENRES))]
    alike = away @ np.stack(templates).T
    own = alike[np.arange(len(x)), labels]
    rank = 1 + (alike > own[:, None]).sum(axis=1)
    return np.array([rank[labels == k].mean() for k in range(len(GENRES))])


def closeness(x: np.ndarray, labels: np.ndarray, genre: str, other: str) -> int:
    """Return the place of two genres among all pairs, by distance: 1 is the closest.

    The distance is the mean Euclidean one of a picture of one and one of the other.
    """
    flat = x.reshape(len(x), -1)
    parts = [flat[labels == k] for k in range(len(GENRES))]
    distances = {
        (one, two): cdist(parts[i], parts[j]).mean()
        for i, one in enumerate(GENRES)
        for j, two in enumerate(GENRES)
        if i < j
    }
    return sum(each <= distances[genre, other] for each in distances.values())
