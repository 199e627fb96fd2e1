import numpy as np
import pytest

from gtzan_lib.data import gtzan as data
from gtzan_lib.data import packing
from gtzan_lib.errors import DataError


def test_packs_every_picture_in_order(tiny):
    images = packing.pack(tiny)
    assert images.shape == (30, 288, 432, 3)
    for i in (0, 17, 29):
        picture = data.read_picture(tiny.image_path(tiny.tracks[i]))
        np.testing.assert_array_equal(images[i], picture)


def test_packed_pictures_are_read_only_and_read_again(tiny, monkeypatch):
    first = packing.pack(tiny)
    monkeypatch.delattr(packing, "read_picture")  # not from the files
    assert not first.flags.writeable
    np.testing.assert_array_equal(first, packing.pack(tiny))


def test_a_corrupt_picture_stops_packing_and_leaves_nothing(tiny, monkeypatch):
    def fail(path):
        raise DataError(f"{path} cannot be read")

    monkeypatch.setattr(packing, "read_picture", fail)
    with pytest.raises(DataError, match="cannot be read"):
        packing.pack(tiny)
    assert not (tiny.results / "01_pack").exists()
