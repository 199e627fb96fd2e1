import numpy as np
import pytest
import torch

from gtzan_lib import store
from gtzan_lib.data import packing, splits
from gtzan_lib.data.pictures import draw
from gtzan_lib.encoders import learned
from gtzan_lib.errors import DataError
from gtzan_lib.models import band_autoencoder
from gtzan_lib.models.layout import to_array, to_tensor

NAMES = (*learned.AUTOENCODERS, *learned.BASELINES)
TRAIN = np.arange(0, 20, 2)


@pytest.fixture(scope="module")
def images():
    """Twenty pictures of waves under noise: uint8, (20, 288, 432, 3)."""
    rng = np.random.default_rng(0)
    band, column = np.mgrid[0:128, 0:335]
    pictures = []
    for _ in range(20):
        wave = np.sin(band / rng.uniform(5, 40)) * np.sin(column / rng.uniform(5, 40))
        noisy = 128 + 60 * wave + 10 * rng.standard_normal(wave.shape)
        bands = noisy.clip(0, 255).astype(np.uint8)
        pictures.append(draw(bands[band_autoencoder.BAND_OF_ROW]))
    return np.stack(pictures)


def fitted(name, images, path, epochs=None):
    model = learned.build(name, seed=1)
    if epochs is not None:
        model.epochs = epochs
    x = model.prepare(images)
    history = learned.fit(model, x, TRAIN, 1, path / "checkpoint", progress=False)
    return model, x, history


def same_weights(a, b):
    a, b = a.state_dict(), b.state_dict()
    return all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("name", NAMES)
def test_codes_and_pictures_have_their_shapes_and_ranges(name, images, tmp_path):
    model, x, history = fitted(name, images, tmp_path, epochs=0)
    learns = bool(list(model.parameters()))
    assert len(history["loss"]) == len(history["seconds"]) == learns
    with torch.no_grad():
        code = model.encode(to_tensor(x[:2]))
        pictures = model.decode(code)
    assert code.shape == (2, 3, 72, 108)
    assert code.dtype == torch.float32
    assert 0 <= code.min() < code.max() <= 1
    assert pictures.shape == (2, 3, 288, 432)
    assert 0 <= pictures.min() <= pictures.max() <= 1
    codes, errors = learned.encode_all(model, x, images)
    assert np.array_equal(codes[:2], to_array((code * 255).round().byte()))
    assert all((error > 0).all() for error in errors.values())


@pytest.mark.parametrize("name", learned.AUTOENCODERS)
def test_training_lowers_the_loss(name, images, tmp_path):
    torch.manual_seed(0)
    model = learned.build(name, seed=0)
    model.epochs, model.rate = 5, 3e-3
    model.start = lambda parts: None
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    x = model.prepare(images)
    loss = learned.fit(model, x, TRAIN, 0, tmp_path / "c", progress=False)["loss"]
    assert loss[5] < 0.9 * loss[0]


@pytest.mark.parametrize("name", NAMES)
def test_pictures_outside_of_the_training_set_have_no_influence(name, images, tmp_path):
    model, _, _ = fitted(name, images, tmp_path, epochs=1)
    others = images.copy()
    others[1::2] = draw(np.full((217, 335), 7, np.uint8))
    (tmp_path / "others").mkdir()
    again, _, _ = fitted(name, others, tmp_path / "others", epochs=1)
    assert same_weights(model, again)


@pytest.mark.parametrize(("name", "is_linear"), [("conv", True), ("conv-tanh", False)])
def test_behind_its_sigmoid_a_code_is_linear_or_not(name, is_linear, images, tmp_path):
    """The code of a mean of pictures is the mean of their codes, or is not."""
    model, x, _ = fitted(name, images, tmp_path, epochs=1)
    both = torch.from_numpy(x[:2])
    with torch.no_grad():
        codes = torch.logit(model.encode(both).double())
        of_mean = torch.logit(model.encode(both.float().mean(0, keepdim=True)).double())
    off = (of_mean - codes.mean(0)).abs().max() / codes.abs().max()
    assert (off < 1e-4) == is_linear


def test_bands_are_read_and_drawn_without_loss(images):
    model = learned.build("conv", 0)
    bands = torch.from_numpy(model.prepare(images[:3]))
    model.decode_bands = lambda code: bands / 255
    again = to_array(model.decode(torch.empty(3, 3, 72, 108)) * 255)
    difference = np.abs(again - images[:3])
    assert difference[:, 36:, 55:].max() < 0.01
    assert difference.max() < 9  # the frame hides the last bits of what is under it


def test_pictures_that_are_not_spectrograms_are_refused(images):
    noise = np.random.default_rng(0).integers(0, 256, images[:1].shape, np.uint8)
    with pytest.raises(DataError, match="not a spectrogram"):
        learned.build("conv", 0).prepare(noise)


def test_learn_seals_codes_errors_and_weights(tiny):
    train = splits.random_split(30, 0)["train"]
    folder = learned.learn(tiny, "conv", train, 0, progress=False)
    assert store.is_whole(folder)
    assert not list(folder.glob("checkpoint*"))
    history = store.read_json(folder / "history.json")
    assert len(history["loss"]) == band_autoencoder.ConvAutoencoder.epochs + 1
    with np.load(folder / "mse.npz") as errors:
        assert set(errors) == {"picture", "plot", "unrounded"}
        assert all(value.shape == (30,) for value in errors.values())
        again = learned.reconstruct(folder, "conv", [3])
        mse = np.square(again - packing.pack(tiny)[[3]] / 255).mean()
        assert mse == pytest.approx(errors["picture"][3], rel=1e-5)
    assert learned.learn(tiny, "conv", train, 0, progress=False) == folder


@pytest.mark.parametrize(
    ("name", "is_linear"), [("conv", True), ("factorised", True), ("patch", False)]
)
def test_which_codes_are_weighted_sums_of_the_picture(name, is_linear, images):
    """The report says so; decoding starts with logit, which undoes the sigmoid."""
    model = learned.build(name, seed=0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_(std=0.02)
        a, b = to_tensor(model.prepare(images[:2]).astype("float32")).split(1)
        codes = (model.encode(x).double() for x in (a, b, (a + b) / 2))
        z_a, z_b, z = map(torch.logit, codes)
    off = (z - (z_a + z_b) / 2).abs().max() / z.abs().max()
    assert (off < 1e-4) == is_linear
