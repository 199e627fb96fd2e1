import numpy as np
import pytest

from gtzan_lib.data import packing
from gtzan_lib.registry import ENCODERS


@pytest.mark.parametrize("encoder", ["pool", "bands", "texture"])
def test_codes_of_a_data_set_are_those_of_its_pictures(tiny, encoder):
    encoder = ENCODERS[encoder].make()
    codes, weights = encoder.codes(tiny, None, 0, progress=False)
    assert weights is None
    assert codes.dtype == np.float32
    again = encoder.encode(packing.pack(tiny)[:2], None)
    np.testing.assert_array_equal(codes[:2], again)
    as_model_takes_it = np.moveaxis(codes, -1, 1) if codes.ndim == 4 else codes
    assert as_model_takes_it.shape == (30, *encoder.shape)
