import pytest
import torch

from gtzan_lib import registry
from gtzan_lib.data.genres import GENRES
from gtzan_lib.models import build as models

SIZES = [
    (3, 72, 108),
    *((6, 68, 104), (6, 34, 52), (6, 34, 52)),
    *((16, 30, 48), (16, 15, 24), (16, 15, 24)),
    (5760,),
]


@pytest.mark.parametrize(
    ("name", "dense", "n_parameters"),
    [
        ("lenet", [(120,), (120,), (10,)], 695_402),
        ("lenet-tanh", [(120,), (120,), (10,)], 695_402),
        ("lenet-one-dense", [(10,)], 60_482),
    ],
)
def test_layers_have_the_shapes_that_the_paper_implies(name, dense, n_parameters):
    table = models.layer_table(models.build(name, (3, 72, 108), seed=0), (3, 72, 108))
    assert [row["output"] for row in table] == SIZES + dense
    assert sum(row["parameters"] for row in table) == n_parameters


def built(name):
    return models.build(name, (3, 72, 108), seed=0)


def test_variants_differ_in_what_their_name_says_alone():
    x = torch.rand(4, 3, 72, 108)
    plain = built("lenet")
    torch.testing.assert_close(built("lenet-rescaled")(x), plain(2 * x - 1))
    assert torch.equal(built("lenet-rotated")(x), plain(x)[:, [9, *range(9)]])
    dropout = built("lenet-dropout")
    assert not torch.equal(dropout(x), plain(x))
    assert torch.equal(dropout.eval()(x), plain(x))


def test_weights_depend_on_the_seed_alone():
    def weights(seed):
        return models.build("lenet", (3, 72, 108), seed)[0].weight

    torch.manual_seed(99)
    first = weights(0)
    assert torch.equal(first, weights(0))
    assert not torch.equal(first, weights(1))


@pytest.mark.parametrize("name", ["cnn", "crnn"])
@pytest.mark.parametrize("encoder", ["bands", "pool"])
def test_convolutional_networks_take_pictures_of_any_width(name, encoder):
    channels, height, width = registry.ENCODERS[encoder].make().shape
    model = models.build(name, (channels, height, width), seed=0).eval()
    for columns in (width, width // 2):
        x = torch.rand(2, channels, height, columns)
        assert model(x).shape == (2, len(GENRES))


def test_bands_are_standardised_by_the_training_pictures():
    model = models.build("cnn", (1, 128, 335), seed=0)
    x = torch.rand(6, 1, 128, 335) * torch.linspace(0.1, 1, 128)[:, None] + 3
    model.start(x)
    shown = model[1](model[0](x))
    torch.testing.assert_close(
        shown.mean(dim=(0, 1, 3)), torch.zeros(64), atol=1e-4, rtol=0
    )
    torch.testing.assert_close(shown.std(dim=(0, 1, 3)), torch.ones(64))
    assert "1.mean" in model.state_dict()
