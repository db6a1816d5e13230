import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskaware.arrays import bucket, pad_to


@given(size=st.integers(0, 1 << 40), exponent=st.integers(0, 12))
def test_a_bucket_is_the_smallest_power_of_two_that_fits(size, exponent):
    smallest = 1 << exponent
    found = bucket(size, smallest)
    assert found >= max(size, smallest)
    assert found & (found - 1) == 0
    assert found == smallest or found < 2 * size


@given(size=st.integers(0, 1000))
def test_buckets_are_few(size):
    assert bucket(bucket(size)) == bucket(size) <= bucket(size + 1)


@pytest.mark.parametrize("axis", [0, 1])
def test_padding_is_zeros_at_the_end(axis):
    array = np.arange(1, 7, dtype=np.int16).reshape(2, 3)
    padded = pad_to(array, 5, axis)
    assert padded.dtype == np.int16
    assert padded.shape == ((5, 3), (2, 5))[axis]
    np.testing.assert_array_equal(padded[:2, :3], array)
    assert padded.sum() == array.sum()


def test_a_full_array_stays():
    np.testing.assert_array_equal(pad_to(np.arange(4), 4), np.arange(4))


def test_padding_never_cuts():
    with pytest.raises(ValueError, match="negative"):
        pad_to(np.arange(4), 3)
