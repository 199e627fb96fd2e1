"""Log-mel spectrograms drawn exactly as the Kaggle edition of GTZAN drew them.

They are matplotlib 3.1.3 figures of 6 x 4 inches at 72 dpi (paper, section 2.2): on a
white page, in a thin black frame, the spectrogram in the colours of ``magma``. So a
picture, uint8, (288, 432, 3), carries palette indices, uint8, (217, 335), which
``recover_indices`` reads back and ``draw`` draws again.
"""

from functools import cache

import numpy as np

from gtzan_lib.data.gtzan import HEIGHT, WIDTH
from gtzan_lib.data.mel import N_MELS, log_mel, tables
from gtzan_lib.errors import DataError

PICTURE_SHAPE = (HEIGHT, WIDTH, 3)
PLOT_SHAPE = (217, 335)

# The box of the plot, in pixels: its lower left corner is on whole pixels, its size
# is not, and only the pixels that it covers by more than half are drawn.
_TOP, _LEFT = 35, 54
_BOX_HEIGHT, _BOX_WIDTH = 217.44, 334.8
PLOT = np.s_[_TOP : _TOP + PLOT_SHAPE[0], _LEFT : _LEFT + PLOT_SHAPE[1]]

# How opaque (of 255) the frame's 0.8-pixel black lines are, and their end pixels.
_LINE_ALPHA, _END_ALPHA = 204, 184


def palette() -> np.ndarray:
    """Return magma as 8-bit colours, rounded as Agg does: uint8, shape (256, 3)."""
    return tables()["magma"]


def _code(colours):
    red, green, blue = np.moveaxis(colours.astype(np.uint32), -1, 0)
    return red << 16 | green << 8 | blue


@cache
def _index_of_code():
    table = np.zeros(1 << 24, np.uint8)  # palette indices, 0 if not in magma
    table[_code(palette())] = np.arange(256)
    return table


def _cells_drawn(box_size, n_cells, n_pixels):
    """Return which cell along one side of the box each pixel shows: the last there.

    Agg places the edges of cells on a grid of 1/256 pixel.
    """
    starts = np.floor(box_size * np.arange(n_cells) / n_cells * 256 + 0.5)
    return np.searchsorted(starts, 256 * np.arange(1, n_pixels + 1)) - 1


def band_of_row() -> np.ndarray:
    """Return the mel band that each row of the plot shows: int64, (217,), from 127."""
    return _cells_drawn(_BOX_HEIGHT, N_MELS, PLOT_SHAPE[0])[::-1].copy()


def palette_indices(y: np.ndarray) -> np.ndarray:
    """Scale the log-mel spectrogram of ``y`` (see ``log_mel``) to palette indices."""
    spectrogram = log_mel(y)
    lowest, highest = spectrogram.min(), spectrogram.max()
    if lowest == highest:
        return np.zeros(PLOT_SHAPE, np.uint8)
    columns = _cells_drawn(_BOX_WIDTH, spectrogram.shape[1], PLOT_SHAPE[1])
    shown = spectrogram[np.ix_(band_of_row(), columns)]
    # In float32, which decides values on a rounding edge as matplotlib did.
    scaled = (shown - lowest) / (highest - lowest) * np.float32(256)
    return np.minimum(scaled, 255).astype(np.uint8)


def _blend_black(colours, alpha):
    """Return 8-bit colours under black of opacity ``alpha`` / 255, as Agg blends."""
    blended = colours * np.uint32(255) * (256 - alpha) // (65_280 + alpha)
    return blended.astype(np.uint8)


def draw(indices: np.ndarray) -> np.ndarray:
    """Draw palette indices as a picture; ``DataError`` of another shape or dtype.

    The frame's lines lie over the first row and column of the plot.
    """
    if indices.shape != PLOT_SHAPE or indices.dtype != np.uint8:
        raise DataError(
            f"Palette indices must be uint8 of shape {PLOT_SHAPE}, not "
            f"{indices.dtype} of shape {indices.shape}."
        )
    picture = np.full(PICTURE_SHAPE, 255, np.uint8)
    picture[PLOT] = palette()[indices]
    box = picture[_TOP:, _LEFT:][: PLOT_SHAPE[0] + 1, : PLOT_SHAPE[1] + 1]
    for line in (box[:, 0], box[:, -1], box[0], box[-1]):
        line[1:-1] = _blend_black(line[1:-1], _LINE_ALPHA)
        line[[0, -1]] = _blend_black(line[[0, -1]], _END_ALPHA)
    return picture


def render(y: np.ndarray) -> np.ndarray:
    """Render audio, as ``log_mel`` takes it, as the edition's picture of it.

    Of 50 compared, 42 were equal in every pixel and none differed in more than 2.
    """
    return draw(palette_indices(y))


def _closest_match(blended, colours, wanted):
    # Of indices with one colour under the frame, which are consecutive, the closest.
    match = blended[..., None] == _code(colours)
    return np.clip(wanted, match.argmax(-1), 255 - match[..., ::-1].argmax(-1))


def recover_indices(picture: np.ndarray) -> np.ndarray:
    """Read the palette indices back from a picture: the inverse of ``draw``.

    Under the frame (first row and column) up to 4 consecutive indices, in the corner up
    to 9, share one colour: the one closest to the next pixel inside is taken. All
    others are exact. ``DataError`` of another shape, dtype, border or colours.
    """
    if picture.shape != PICTURE_SHAPE or picture.dtype != np.uint8:
        raise DataError(
            f"A spectrogram picture must be uint8 of shape {PICTURE_SHAPE}, not "
            f"{picture.dtype} of shape {picture.shape}."
        )
    codes = _code(picture[PLOT])
    indices = _index_of_code()[codes]
    edge = _blend_black(palette(), _LINE_ALPHA)
    corner = _blend_black(_blend_black(palette(), _END_ALPHA), _END_ALPHA)
    indices[0, 1:] = _closest_match(codes[0, 1:], edge, indices[1, 1:])
    indices[1:, 0] = _closest_match(codes[1:, 0], edge, indices[1:, 1])
    indices[0, 0] = _closest_match(codes[0, 0], corner, indices[1, 1])

    wrong = (draw(indices) != picture).any(axis=-1)
    if wrong.any():
        fault = f"{wrong[PLOT].sum()} pixels of the plot have colours not in magma."
        if not wrong[PLOT].any():
            fault = f"{wrong.sum()} pixels of its border are not white or the frame's."
        raise DataError(
            f"The picture is not a spectrogram of the Kaggle edition: {fault}"
        )
    return indices


def recover_bands(picture: np.ndarray) -> np.ndarray:
    """Read the mel bands back from a picture: uint8, (128, 335), lowest band first.

    A column is the last of the 3 or 4 frames that a pixel covers.
    """
    rows = band_of_row()[::-1]  # sorted
    lowest = PLOT_SHAPE[0] - 1 - np.searchsorted(rows, np.arange(N_MELS))
    return recover_indices(picture)[lowest]
