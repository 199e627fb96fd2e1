import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gtzan_lib.data import packing
from gtzan_lib.encoders import pooling

pictures = arrays(np.uint8, st.just((2, 24, 36, 3)))


@given(pictures, st.sampled_from([1, 2, 3, 4, 6, 12]))
@settings(max_examples=30)
def test_each_value_is_the_mean_of_its_window(images, factor):
    pooled = pooling.average_pool(images, factor)
    assert pooled.shape == (2, 24 // factor, 36 // factor, 3)
    assert pooled.dtype == np.float32
    window = images[1, :factor, factor : 2 * factor, 2] / 255
    assert pooled[1, 0, 1, 2] == pytest.approx(window.mean(), abs=1e-6)
    assert pooled.mean() == pytest.approx(images.mean() / 255, abs=1e-5)


def test_a_factor_that_does_not_divide_is_refused():
    with pytest.raises(ValueError, match="5 does not divide"):
        pooling.average_pool(np.zeros((1, 24, 36, 3), np.uint8), 5)


@given(pictures)
@settings(max_examples=10)
def test_pooling_undoes_nearest_upsampling(images):
    pooled = pooling.average_pool(images, 4)
    again = np.round(pooling.upsample(pooled, 4, "nearest") * 255).astype(np.uint8)
    rounded = np.round(pooled * 255) / 255
    np.testing.assert_allclose(pooling.average_pool(again, 4), rounded, atol=1e-6)


@pytest.mark.parametrize("mode", pooling.UPSAMPLING)
def test_a_plain_picture_is_upsampled_without_error(mode):
    plain = np.full((1, 24, 36, 3), 51, np.uint8)
    again = pooling.upsample(pooling.average_pool(plain, 4), 4, mode)
    assert again.shape == plain.shape
    assert pooling.mse_per_image(plain, again) == pytest.approx(0, abs=1e-12)


def test_the_error_is_the_mean_square_on_the_scale_of_one():
    images = np.zeros((2, 4, 4, 3), np.uint8)
    images[1] = 255
    mse = pooling.mse_per_image(images, np.full((2, 4, 4, 3), 0.25, np.float32))
    np.testing.assert_allclose(mse, [0.0625, 0.5625])


def test_pooled_data_set(tiny):
    codes, errors = pooling.pool(tiny, 4), pooling.pooling_errors(tiny, 4)
    assert codes.shape == (30, 72, 108, 3)
    np.testing.assert_array_equal(codes, pooling.average_pool(packing.pack(tiny), 4))
    for mode in pooling.UPSAMPLING:
        again = pooling.upsample(codes[:], 4, mode)
        mse = pooling.mse_per_image(packing.pack(tiny), again)
        np.testing.assert_allclose(errors[mode], mse, rtol=1e-5)
