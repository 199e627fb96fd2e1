"""Texture of mel bands: spectro-temporal modulation, and cepstral statistics.

Encoder ``texture`` (see ``inputs``): what a support vector machine is given of a track
instead of its pixels. Used by notebooks 03_train_cnn and 06_beyond.
"""

from functools import cache

import numpy as np
import scipy.fft

from gtzan_lib.spectrogram import HOP_LENGTH, N_MELS, PLOT_SHAPE, SAMPLE_RATE

N_WINDOWS = 5  # parts of a track, described one by one
N_CEPSTRA, N_COVARIANCES = 30, 20  # cepstral coefficients, and how many in pairs
N_REGIONS = 8  # parts of the mel scale in which modulation is averaged
RATES = (0.25, 0.5, 1, 2, 4)  # modulation in time, Hz
SCALES = (1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4)  # over the mel scale, cycles a band
_FRAMES = 1293  # of a clip of 30 s, which the plot's columns show
_COLUMNS_PER_SECOND = PLOT_SHAPE[1] / (_FRAMES * HOP_LENGTH / SAMPLE_RATE)
_PADDED = (256, 480)  # bands and columns, so that filters do not wrap around


def describe(bands: np.ndarray) -> np.ndarray:
    """Describe the parts of one track.

    Parameters
    ----------
    bands : ndarray of float32, shape (128, 335)
        Mel bands, 0 to 1, lowest first (see ``inputs``).

    Returns
    -------
    ndarray of float32, shape (5, 780)
        Of each fifth of the track: the log of the mean modulation in each of 60
        filters and 8 regions; mean, standard deviation and standard deviation of the
        differences of 30 cepstral coefficients; and the covariances of the first 20,
        as signed roots.
    """
    parts = zip(
        np.array_split(modulation(bands), N_WINDOWS, axis=2),
        np.array_split(bands, N_WINDOWS, axis=1),
        strict=True,
    )
    return np.stack(
        [
            np.concatenate([np.log(m.mean(axis=2) + 1e-3).ravel(), cepstral(part)])
            for m, part in parts
        ]
    ).astype(np.float32)


def modulation(bands: np.ndarray) -> np.ndarray:
    """Return how strongly bands are modulated in time and over the mel scale.

    Spectro-temporal filters as in Chi, Ru and Shamma, "Multiresolution spectrotemporal
    analysis of complex sounds" (2005): Gaussians in the two-dimensional spectrum.

    Parameters
    ----------
    bands : ndarray of float32, shape (128, W)

    Returns
    -------
    ndarray of float32, shape (60, 8, W)
        Magnitude by filter, region of the mel scale (lowest first) and column.
    """
    spectrum = scipy.fft.fft2(bands - bands.mean(), _PADDED)
    response = scipy.fft.ifft2(spectrum * _filters(), axes=(1, 2))
    magnitude = np.abs(response[:, :N_MELS, : bands.shape[1]])
    regions = N_REGIONS, N_MELS // N_REGIONS
    return magnitude.reshape(len(magnitude), *regions, -1).mean(axis=2)


def cepstral(bands: np.ndarray) -> np.ndarray:
    """Return statistics of cepstral coefficients of bands (128, W): shape (300,)."""
    cepstra = scipy.fft.dct(bands, axis=0, norm="ortho")[:N_CEPSTRA]
    pairs = np.triu_indices(N_COVARIANCES)
    covariances = np.cov(cepstra[:N_COVARIANCES], bias=True)[pairs]
    return np.concatenate(
        [
            cepstra.mean(axis=1),
            cepstra.std(axis=1),
            np.diff(cepstra, axis=1).std(axis=1),
            np.sign(covariances) * np.sqrt(np.abs(covariances)),
        ]
    )


@cache
def _filters() -> np.ndarray:
    """Return the filters in the frequency domain: float32, shape (60, 256, 480)."""
    scale = np.fft.fftfreq(_PADDED[0])[:, None]
    rate = np.fft.fftfreq(_PADDED[1])[None] * _COLUMNS_PER_SECOND
    still = np.exp(-0.5 * (rate / 0.12) ** 2)
    level = np.exp(-0.5 * (scale * 96) ** 2)

    def around(axis, centre):
        return np.exp(-0.5 * ((axis - centre) / (0.35 * abs(centre))) ** 2)

    filters = [still * around(scale, s) for s in SCALES]
    for r in RATES:
        filters += [around(rate, r) * level]
        filters += [
            around(rate, r) * around(scale, sign * s)
            for s in SCALES
            for sign in (1, -1)
        ]
    return np.stack(filters).astype(np.float32)
