"""Encoders that move the pictures of one genre, to ask why blues dies.

Early on a network compares a picture with the mean of each genre, both less the mean of
all; a genre whose mean is near that of all is hardly ever answered. So one genre is
moved, all others stay, and everything else is the paper's.
"""

import numpy as np

from gtzan_lib.data.genres import GENRES
from gtzan_lib.encoders.pooling import Pooling, pool


class Moved(Pooling):
    """Pooled pictures, those of one ``genre`` shifted by the same picture each.

    ``"onto"`` moves its mean onto the mean of all; ``"away"`` along its own direction,
    until it is as far from that as the furthest genre's.
    """

    def __init__(self, genre: str, where: str):
        self.genre, self.where = GENRES.index(genre), where

    def codes(self, dataset, train_index, seed=0, progress=True):
        """Return the codes of all tracks, (N, 72, 108, 3); means are of training ones.

        They may go below 0 or above 1.
        """
        codes, labels = np.array(pool(dataset)), dataset.labels
        train, of = codes[train_index], labels[train_index]
        away = np.stack([train[of == k].mean(axis=0) for k in range(len(GENRES))])
        away -= train.mean(axis=0)
        distances = np.sqrt(np.square(away).sum(axis=(1, 2, 3)))
        further = {"onto": 0, "away": distances.max() / distances[self.genre]}
        codes[labels == self.genre] += (further[self.where] - 1) * away[self.genre]
        return codes, None
