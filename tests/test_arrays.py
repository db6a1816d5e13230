import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskaware.arrays import as_jax, bucket, pad_to, shared_zeros


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


@pytest.mark.parametrize("dtype", [None, np.float32, np.int32])
def test_arrays_of_new_shapes_come_to_jax_without_a_program(dtype, caplog):
    values = np.random.default_rng(0).normal(size=(3, 17)) * 9
    with jax.log_compiles(), caplog.at_level("WARNING"):
        found = as_jax(values, dtype)
        assert not caplog.records
        wanted = jnp.asarray(values, dtype)
        assert "Compiling" in caplog.text
    assert found.dtype == wanted.dtype
    values[:] = 0
    np.testing.assert_array_equal(found, wanted)
    assert as_jax(found) is found


def test_an_array_that_jax_could_share_is_copied():
    values = shared_zeros((4,))
    found = as_jax(values)
    values[:] = 1
    assert found.tolist() == [0] * 4
