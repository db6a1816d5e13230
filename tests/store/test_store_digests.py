"""Names for content."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskaware.digests import architecture_digests, canonical, check_digest, digest
from taskaware.errors import UserError

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(PLAIN)
def test_a_digest_survives_writing_and_reading(value):
    assert digest(json.loads(canonical(value))) == digest(value)
    check_digest("value", digest(value))


@given(st.dictionaries(st.text(), st.integers(), min_size=2))
def test_the_order_of_keys_does_not_show(value):
    assert digest(dict(reversed(value.items()))) == digest(value)


def test_kinds_that_mean_the_same():
    @dataclasses.dataclass(frozen=True)
    class Recipe:
        steps: int
        rates: tuple

    same = {"steps": 3, "rates": [0.5, 1.0]}
    assert digest(Recipe(np.int64(3), (0.5, 1.0))) == digest(same)
    assert digest({"steps": 3, "rates": np.array([0.5, 1.0], np.float32)}) == digest(same)


def test_contents_that_differ():
    values = [1, 1.0, True, "1", None, [], {}, [1], [[1]], "", {"": 1}, np.array([1, 2]), np.array([[1, 2]])]
    assert len({digest(value) for value in values}) == len(values)


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"a": [0, {1}]}, r"value\['a'\]\[1\]"),
        ({1: 2}, "value is"),
        ([np.nan], r"value\[0\] is nan"),
        (np.array([1.0, np.inf]), r"value\[1\] is inf"),
        (object, "value is"),
    ],
)
def test_what_is_not_plain_is_refused_where_it_stands(value, where):
    with pytest.raises(UserError, match=where):
        digest(value)


def test_an_architecture_is_its_space_and_its_numbers():
    u = np.array([[0.0, 1.0], [1.0, 0.0]])
    first = architecture_digests("a" * 16, u)
    assert len(set(first)) == 2
    np.testing.assert_array_equal(architecture_digests("a" * 16, u.astype(np.float32)), first)
    np.testing.assert_array_equal(architecture_digests("a" * 16, -(-u + 0.0)), first)
    np.testing.assert_array_equal(architecture_digests("a" * 16, np.asfortranarray(u)), first)
    assert not set(architecture_digests("b" * 16, u)) & set(first)


@pytest.mark.parametrize("u", [[1.0, 2.0], [[np.nan]], [[np.inf]], [[1e39]]])
def test_architectures_that_are_none(u):
    with pytest.raises(UserError):
        architecture_digests("a" * 16, np.array(u))


@pytest.mark.parametrize("value", ["adult", "A" * 16, "a" * 15, "g" * 16, "", None])
def test_what_is_no_digest(value):
    with pytest.raises(UserError, match="task .* is not a digest"):
        check_digest("task", value)
