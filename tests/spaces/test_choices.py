"""Spaces of choices: what they hold, how they mutate where there are holes, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taskaware.errors import UserError
from taskaware.spaces import choices, decided, space_from

SPACE = choices(op=["conv", "pool"], width=[8, 16, 32], gate=[True, False])
HOLES = choices(a=[0, 1, 2], b=[0, 1, 2], allowed=[[0, 0], [0, 1], [2, 0], [2, 2], [0, 0]])


def test_points_and_options_are_two_ways_to_write_one_thing():
    point = SPACE.point(op="pool", width=32, gate=True)
    assert point.tolist() == [1, 2, 0]
    assert SPACE.chosen(point) == {"op": "pool", "width": 32, "gate": True}
    columns = decided(SPACE, point[None])
    assert columns["width"].dtype.kind == "i" and columns["gate"].tolist() == [True]
    assert (SPACE.size, len(HOLES)) == (12, 4)
    again = space_from(HOLES.to_dict())
    assert again == HOLES and again != choices(a=[0, 1, 2], b=[0, 1, 2])


def test_where_holes_leave_no_neighbour_the_nearest_point_is_taken():
    """(2, 2) and (2, 0) are neighbours, (2, 0) and (0, 0), (0, 0) and (0, 1)."""
    rng, lone = np.random.default_rng(0), choices(a=[0, 1, 2], b=[0, 1, 2], allowed=[[0, 0], [1, 1], [2, 0]])
    corner = np.array([1, 1], np.float32)
    found = {tuple(lone.mutate_on_host(rng, corner).tolist()) for _ in range(40)}
    assert found == {(0.0, 0.0), (2.0, 0.0)}
    keys = jax.random.split(jax.random.key(0), 40)
    compiled = jax.vmap(lone.mutate, (0, None))(keys, jnp.asarray(corner))
    assert {tuple(row) for row in np.asarray(compiled).tolist()} == found
    origin = np.zeros(2, np.float32)
    near = {tuple(HOLES.mutate_on_host(rng, origin).tolist()) for _ in range(40)}
    assert near == {(0.0, 1.0), (2.0, 0.0)}


@pytest.mark.parametrize("space", [SPACE, HOLES])
def test_chances_choose_the_decision(space):
    chances = np.array([0.0, 1.0, 0.0][: space.dimension])
    point, rng = np.zeros(space.dimension, np.float32), np.random.default_rng(0)
    drawn = np.stack([space.mutate_on_host(rng, point, chances) for _ in range(20)])
    keys = jax.random.split(jax.random.key(0), 20)
    compiled = np.asarray(jax.vmap(lambda key: space.mutate(key, jnp.asarray(point), chances))(keys))
    for children in (drawn, compiled):
        assert (children[:, 0] == 0).all() and (children[:, 1] != 0).all()


def test_every_decision_has_the_same_chance_and_each_of_its_other_options():
    rng, point = np.random.default_rng(0), np.array([0, 1, 0], np.float32)
    children = np.stack([SPACE.mutate_on_host(rng, point) for _ in range(3000)])
    share = (children != point).mean(0)
    np.testing.assert_allclose(share, 1 / 3, atol=0.04)
    np.testing.assert_allclose((children[:, 1] == 2).mean(), 1 / 6, atol=0.03)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "nothing to decide"),
        ({"a": [1]}, "nothing to decide"),
        ({"a": []}, "'a' has 0 options"),
        ({"a": "conv"}, "options of 'a' are 'conv'"),
        ({"a": [1, 2, 1]}, "'1' twice"),
        ({"a": [1, float("nan")]}, "option nan"),
        ({"a": [1, 2], "allowed": [[0], [2]]}, "Row 1 of allowed=... has option 2 of 'a', which has 0 to 1"),
        ({"a": [1, 2], "allowed": [[0]]}, "leaves 1 points"),
        ({"a": [1, 2], "allowed": [0, 1]}, "row of 1 option numbers"),
        ({"a": [1, 2], "allowed": lambda point: point["a"] > 2}, "leaves 0 points"),
        ({"a": [1, 2], "mutations": {"b": "operation"}}, "Unknown decision 'b'"),
    ],
)
def test_what_is_no_space_is_refused(given, words):
    with pytest.raises(UserError, match=words):
        choices(**given)


def test_a_point_that_is_none_is_refused():
    with pytest.raises(UserError, match="Unknown option of 'op' 'pol'. Did you mean 'pool'"):
        SPACE.point(op="pol", width=8, gate=True)
    with pytest.raises(UserError, match="decision 'gate' is missing"):
        SPACE.point(op="pool", width=8)
    with pytest.raises(UserError, match="Unknown decision 'with'. Did you mean 'width'"):
        SPACE.point(op="pool", **{"with": 8})
    with pytest.raises(UserError, match="has no point"):
        HOLES.point(a=1, b=1)
    big = {str(n): range(10) for n in range(8)}
    with pytest.raises(UserError, match="tried on 100,000,000 combinations"):
        choices(big, allowed=lambda point: True)
