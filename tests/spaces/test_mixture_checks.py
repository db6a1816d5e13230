"""Definitions of spaces from files: what may not stand there is refused by name."""

import json

import pytest

from taskaware.errors import UserError
from taskaware.spaces import preset, space_from
from taskaware.spaces.mixture_checks import FIELDS


@pytest.mark.parametrize("name", ["compact", "published"])
def test_what_was_written_is_read(name):
    space = preset(name)
    assert space_from(json.loads(json.dumps(space.to_dict()))) == space


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", [None, -1, 1e400, 10**400, "x", [[]], {"a": 1}, [None], ["relu"] * 3])
def test_a_wrong_value_is_refused(field, value):
    if (field, value) == ("name", "x"):
        pytest.skip("a name")
    with pytest.raises(UserError) as caught:
        space_from(preset("compact").to_dict() | {field: value})
    assert "Allowed" in str(caught.value) and len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sizes": [16, 16, 32, 64]}, "ascending"),
        ({"sizes": [16, 32, 64, 2**30]}, "65,536"),
        ({"activations": ["relu", "gelu"]}, "relu, tanh"),
        ({"embeddings": [['a"b'], ["one_hot"]]}, "word of letters"),
        ({"embeddings": [["a"], ["a"]]}, "twice"),
        ({"recipe": [{"name": "import os", "low": 0, "high": 1}]}, "learning_rate"),
        ({"recipe": [{"name": "learning_rate", "low": 0, "high": 1, "log": True}]}, "logarithm"),
        ({"recipe": [{"name": "dropout", "low": 0, "high": 1}]}, "0.99"),
        ({"recipe": [{"name": "dropout", "low": 0, "high": 0.5, "more": 1}]}, "name, low, high, log"),
        ({"width_odds": [1, 1, 0, 0]}, "sum to 2"),
        ({"layers": 10**9}, "200"),
        ({"more": 1}, "no field 'more'"),
        ({"type": "tower"}, "Unknown space type 'tower'"),
        ({"type": ["mixture"]}, "text"),
    ],
)
def test_a_refusal_says_what_is_allowed(change, words):
    with pytest.raises(UserError, match=words):
        space_from(preset("compact").to_dict() | change)


@pytest.mark.parametrize("data", [None, 3, [], "compact", {}, {1: 2}])
def test_what_is_no_definition_is_refused(data, unchecked):
    with pytest.raises(UserError):
        space_from(data)
