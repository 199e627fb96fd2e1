"""Encoder ``texture``: spectro-temporal modulation and cepstra of the mel bands."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import scipy.fft
from scipy.ndimage import uniform_filter1d
from tqdm import tqdm

from gtzan_lib import store
from gtzan_lib.data.genres import SAMPLE_RATE
from gtzan_lib.data.gtzan import Dataset
from gtzan_lib.data.mel import HOP_LENGTH, N_MELS
from gtzan_lib.data.pictures import PLOT_SHAPE
from gtzan_lib.encoders.bands import read_bands
from gtzan_lib.encoders.encoder import Encoder

N_WINDOWS, N_VALUES = 5, 2520  # parts of a track, and what describes each
N_CEPSTRA, N_COVARIANCES = 30, 20  # cepstral coefficients, and how many in pairs
PEAK_BANDS = 5  # whose mean a peak of the spectrum rises above
N_REGIONS = 16  # parts of the mel scale in which modulation is averaged
RATES = (0.25, 0.5, 1, 2, 4)  # modulation in time, Hz
SCALES = (1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4)  # over the mel scale, cycles a band
_FRAMES = 1293  # of a clip of 30 s, which the plot's columns show
_COLUMNS_PER_SECOND = PLOT_SHAPE[1] / (_FRAMES * HOP_LENGTH / SAMPLE_RATE)
_PADDED = (256, 480)  # bands and columns, so that filters do not wrap around
# What a slow filter lets through is computed at every so many columns, for rate 0 and
# each of RATES, which tells as much.
_STEPS = (10, 16, 8, 4, 2, 1)


class Texture(Encoder):
    """Statistics of the mel bands in each fifth of a track (see ``describe``)."""

    shape = (N_WINDOWS, N_VALUES)

    def codes(self, dataset, train_index=None, seed=0, progress=True):
        """Return the texture of all tracks: (N, 5, 2520)."""
        return describe_all(dataset, progress), None


def describe_all(dataset: Dataset, progress: bool = True) -> np.ndarray:
    """Return the texture of all tracks, float32 (N, 5, 2520), made the first time."""

    def make(folder: Path) -> None:
        bands = read_bands(dataset)[..., 0]
        with ThreadPoolExecutor(os.cpu_count()) as pool:  # FFTs run side by side
            described = pool.map(lambda track: describe(track / np.float32(255)), bands)
            shown = {"disable": not progress, "file": sys.stdout}
            described = tqdm(described, "texture", len(bands), **shown)
            np.save(folder / "texture.npy", np.stack(list(described)))

    key = dataset.key(["encoders.texture"], ("numpy", "pillow", "scipy"))
    folder = store.seal(dataset.results / "06_texture", key, make)
    return np.load(folder / "texture.npy")


def describe(bands: np.ndarray) -> np.ndarray:
    """Describe the parts of one track, of its mel bands: float32, (128, 335), 0 to 1.

    Of each fifth, float32, (5, 2520): logs of mean and standard deviation over time of
    the modulation in each of 60 filters and 16 regions; and what ``cepstral`` returns,
    of the bands and of their peaks.
    """
    modulated = [np.array_split(m, N_WINDOWS, axis=2) for m in modulation(bands)]
    fifths = zip(*modulated, np.array_split(bands, N_WINDOWS, axis=1), strict=True)
    described = []
    for *parts, band_part in fifths:
        strengths = [s for m in parts for s in (m.mean(axis=2), m.std(axis=2))]
        logs = [np.log(s + 1e-3).ravel() for s in strengths]
        statistics = cepstral(band_part), cepstral(peaks(band_part))
        described.append(np.concatenate([*logs, *statistics]))
    return np.stack(described).astype(np.float32)


def modulation(bands: np.ndarray) -> list[np.ndarray]:
    """Return how strongly bands (128, W) are modulated in time and over the mel scale.

    Filters as in Chi, Ru and Shamma, "Multiresolution spectrotemporal analysis of
    complex sounds" (2005): Gaussians in the two-dimensional spectrum. Returned is
    magnitude by filter, region of the mel scale (lowest first) and column: float32,
    (filters, 16, W / step), for rate 0 (5 filters, one a scale) and each of ``RATES``
    (11 filters: any scale, and each scale upwards and downwards).
    """
    spectrum = scipy.fft.fft2(bands - bands.mean(), _PADDED)
    modulated = []
    for step, kept, filters in _filters():
        passed = spectrum[:, kept] * filters
        magnitude = np.abs(scipy.fft.ifft2(passed, axes=(1, 2), overwrite_x=True))
        magnitude = magnitude[:, :N_MELS, : -(-bands.shape[1] // step)] / step
        regions = N_REGIONS, N_MELS // N_REGIONS
        modulated.append(magnitude.reshape(len(filters), *regions, -1).mean(axis=2))
    return modulated


def peaks(bands: np.ndarray) -> np.ndarray:
    """Return how far bands (128, W) rise above the five around: tones' partials."""
    return np.maximum(bands - uniform_filter1d(bands, PEAK_BANDS, axis=0), 0)


def cepstral(bands: np.ndarray) -> np.ndarray:
    """Return statistics of 30 cepstral coefficients of bands (128, W): shape (300,).

    Mean, standard deviation, that of the differences, and covariances of 20, rooted.
    """
    cepstra = scipy.fft.dct(bands, axis=0, norm="ortho")[:N_CEPSTRA]
    pairs = np.triu_indices(N_COVARIANCES)
    covariances = np.cov(cepstra[:N_COVARIANCES], bias=True)[pairs]
    changes = np.diff(cepstra, axis=1).std(axis=1)
    roots = np.sign(covariances) * np.sqrt(np.abs(covariances))
    return np.concatenate([cepstra.mean(axis=1), cepstra.std(axis=1), changes, roots])


@cache
def _filters() -> list[tuple[int, np.ndarray, np.ndarray]]:
    """Return, by rate, a step; columns of the spectrum; and filters there, float32.

    These are (filters, 256, 480 / step), of the columns that they let through.
    """
    scale = np.fft.fftfreq(_PADDED[0])[:, None]
    rate = np.fft.fftfreq(_PADDED[1])[None] * _COLUMNS_PER_SECOND
    still = np.exp(-0.5 * (rate / 0.12) ** 2)
    level = np.exp(-0.5 * (scale * 96) ** 2)

    def around(axis, centre):
        return np.exp(-0.5 * ((axis - centre) / (0.35 * abs(centre))) ** 2)

    ways = [level, *(around(scale, sign * s) for s in SCALES for sign in (1, -1))]
    groups = [[still * around(scale, s) for s in SCALES]]
    groups += [[around(rate, r) * way for way in ways] for r in RATES]
    # The lowest rates; around rate 0, half of them are negative.
    first, *moving = (np.arange(_PADDED[1] // step) for step in _STEPS)
    kept = [first - len(first) // 2, *moving]
    return [
        (step, columns, np.stack(group)[:, :, columns].astype(np.float32))
        for step, columns, group in zip(_STEPS, kept, groups, strict=True)
    ]
