import librosa.display
import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from gtzan_lib.data import mel
from gtzan_lib.data.audio import SAMPLE_RATE, read_audio
from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.gtzan import Dataset, find_layout, read_picture
from gtzan_lib.data.mel import log_mel
from gtzan_lib.data.pictures import (
    PICTURE_SHAPE,
    PLOT_SHAPE,
    draw,
    palette_indices,
    recover_bands,
    recover_indices,
    render,
)
from gtzan_lib.errors import DataError

INSIDE = np.s_[1:, 1:]  # what is not under the frame's lines


def signal(samples, seed=0):
    """Return chords, a sweep and noise that come and go."""
    rng = np.random.default_rng(seed)
    t = np.arange(samples) / SAMPLE_RATE
    y = 0.02 * rng.standard_normal(samples) * (1 + np.sin(2 * np.pi * t / 3))
    for frequency in rng.uniform(60, 4000, 6):
        y += 0.1 * np.sin(2 * np.pi * frequency * t) * (np.sin(t * frequency / 90) > 0)
    return (y + 0.1 * np.sin(2 * np.pi * (100 + 150 * t) * t)).astype(np.float32)


def matplotlib_picture(spectrogram):
    """Draw with librosa and matplotlib; return the RGB picture.

    A pixel shows the cell at its centre in today's matplotlib, and the last cell that
    touches it in matplotlib 3.1.3 (the Kaggle edition): half a pixel further. Hence the
    cells are moved by half a pixel to the left and down, and the last ones repeated.
    """
    bands, frames = spectrogram.shape
    figure = Figure(figsize=(6, 4), dpi=72, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    figure.subplots_adjust(left=0.125, right=0.9, bottom=0.125, top=0.88)
    axes = figure.add_subplot(xticks=[], yticks=[])
    librosa.display.specshow(
        np.pad(spectrogram, ((0, 1), (0, 1)), mode="edge"),
        x_coords=np.arange(frames + 2) - 0.5 * frames / 334.8,
        y_coords=np.arange(bands + 2) - 0.5 * bands / 217.44,
        cmap="magma",
        ax=axes,
    )
    axes.set(xlim=(0, frames), ylim=(0, bands), xticks=[], yticks=[])
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


@pytest.mark.parametrize("samples", [661_794, 661_500, 30_000])
def test_picture_is_matplotlib_s(samples):
    y = signal(samples)
    power = librosa.feature.melspectrogram(y=y, sr=SAMPLE_RATE, pad_mode="reflect")
    expected = matplotlib_picture(librosa.amplitude_to_db(power, ref=np.max))
    wrong = (render(y) != expected).any(axis=-1)
    # Whole columns differ where a cell starts within 1/512 pixel of a pixel's edge.
    columns = wrong.mean(axis=0) > 0.1
    assert columns.sum() <= 4
    assert wrong[:, ~columns].sum() <= 10


def test_silence_is_index_zero_everywhere():
    y = np.zeros(SAMPLE_RATE, np.float32)
    assert not log_mel(y).any()
    assert not palette_indices(y).any()
    np.testing.assert_array_equal(render(y), matplotlib_picture(np.ones((128, 1293))))


@settings(max_examples=25)
@given(
    y=hnp.arrays(
        np.float32, st.integers(2048, 6000), elements=st.floats(-1, 1, width=32)
    ),
    repeats=st.integers(1, 20),
)
def test_any_audio_gives_a_picture(y, repeats):
    y = np.tile(y, repeats)
    spectrogram = log_mel(y)
    assert spectrogram.shape == (128, 1 + len(y) // 512)
    assert spectrogram.max() == 0
    assert spectrogram.min() >= -80
    indices, picture = palette_indices(y), render(y)
    assert indices.min() == 0
    assert indices.max() == 255 * (spectrogram.min() < 0)
    np.testing.assert_array_equal(recover_indices(picture)[INSIDE], indices[INSIDE])
    np.testing.assert_array_equal(picture, draw(recover_indices(picture)))


@pytest.mark.parametrize(
    ("y", "reason"),
    [
        (np.zeros((4096, 2), np.float32), "mono"),
        (np.zeros(2047, np.float32), "needs 2048 or more"),
        (np.zeros(0, np.float32), "needs 2048 or more"),
        (np.full(4096, np.nan, np.float32), "not finite"),
        (np.full(4096, np.inf, np.float32), "not finite"),
        (np.full(4096, 1e30, np.float32), "beyond full scale"),
    ],
)
def test_unusable_audio(y, reason):
    with pytest.raises(DataError, match=reason):
        render(y)


@given(
    row=st.integers(0, 287),
    column=st.integers(0, 431),
    colour=st.tuples(*[st.integers(0, 255)] * 3),
)
@example(35, 54, (0, 255, 0))
@example(35, 100, (0, 255, 0))
@example(100, 54, (0, 255, 0))
@example(252, 99, (0, 255, 0))
def test_a_foreign_colour_anywhere_is_refused(row, column, colour):
    picture = draw(np.full(PLOT_SHAPE, 128, np.uint8))
    assume(colour == (0, 255, 0) or (row not in (35, 252) and column not in (54, 389)))
    assume(tuple(picture[row, column]) != colour)
    assume((mel.tables()["magma"] != colour).any(axis=1).all())
    picture[row, column] = colour
    in_plot = 35 <= row < 252 and 54 <= column < 389
    with pytest.raises(DataError, match="plot" if in_plot else "border"):
        recover_indices(picture)


@pytest.mark.parametrize("shape", [(288, 432, 4), (432, 288, 3), PICTURE_SHAPE])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_another_picture_is_refused(shape, dtype):
    for value in (0, 255):
        with pytest.raises(DataError, match="picture"):
            recover_bands(np.full(shape, value, dtype))


def test_draw_refuses_other_arrays():
    for indices in (np.zeros((217, 334), np.uint8), np.zeros(PLOT_SHAPE, np.int64)):
        with pytest.raises(DataError, match="Palette indices must be uint8"):
            draw(indices)


@pytest.mark.parametrize("genre", GENRES)
@pytest.mark.parametrize("clip", range(5))
def test_real_recordings_give_the_real_pictures(genre, clip, gtzan):
    dataset = Dataset("", find_layout(gtzan), (), "")
    track = f"{genre}.{clip:05d}"
    picture = read_picture(dataset.image_path(track))
    recovered = recover_indices(picture)
    np.testing.assert_array_equal(draw(recovered), picture)
    y = read_audio(dataset.audio_path(track)).y
    assert (palette_indices(y) == recovered)[INSIDE].mean() >= 0.9995
    assert (palette_indices(y) == recovered).mean() >= 0.995
    assert (render(y) == picture).all(axis=-1).mean() >= 0.9995
