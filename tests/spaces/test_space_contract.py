"""The contract on every space, and that it finds what it is there for."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taskaware.errors import UserError
from taskaware.spaces import (
    PRESETS,
    SPACES,
    MixtureSpace,
    RelaxedSpace,
    Space,
    cells,
    chain,
    choices,
    decided,
    preset,
    relaxed,
    space_from,
)
from taskaware.testing import space_contract
from taskaware.testing.space_contract import check_space
from tests.toys.bits import Bits

ONE_ACTIVATION = dataclasses.replace(
    PRESETS["compact"],
    name="narrow",
    activations=("relu",),
    embeddings=(("standardised", "robust"), ("one_hot",)),
)
GRID = choices(op=["conv", "pool", "none"], width=[8, 16, 32], gate=[True, False], depth=[3], name="grid")
HOLES = choices(
    {name: range(4) for name in "abc"}, allowed=lambda point: point["a"] <= point["b"], name="holes"
)
SMALL = [cells(2), chain((1, 2), strides=(1, 2), pooling=True)]
SHIPPED = [
    # "universal" is "compact" with the embeddings of other kinds of data.
    *(PRESETS[name] for name in PRESETS if name not in ("cells", "chain", "universal")),
    *SMALL,
    Bits(),
    GRID,
    HOLES,
    relaxed(dataclasses.replace(GRID, name="relaxed grid")),
    relaxed(dataclasses.replace(HOLES, name="relaxed holes")),
]


FIRST = {type(space): space for space in reversed(SHIPPED)}
"""One space of each type; the others have the same code, and need not run without compilation."""


@pytest.mark.parametrize(
    ("space", "check"),
    [
        pytest.param(space, check, id=f"{space.name}-{check.__name__}")
        for space in SHIPPED
        for check in space_contract.CHECKS
        if space is FIRST[type(space)] or check is not space_contract.compiled_equals_eager
    ],
)
def test_contract(space, check):
    check(space)


def test_a_layer_whose_smallest_size_is_its_only_choice_finds_another():
    space_contract.mutation_changes_exactly_one_decision(ONE_ACTIVATION)
    space_contract.every_decision_can_be_reached(ONE_ACTIVATION)


def test_every_type_has_a_shipped_space_under_contract():
    assert {SPACES[name] for name in SPACES} == {type(space) for space in SHIPPED}
    assert all(isinstance(space, Space) for space in SHIPPED)
    assert isinstance(preset("compact"), RelaxedSpace) and not isinstance(Bits(), RelaxedSpace)


def broken(**methods):
    return dataclasses.dataclass(frozen=True)(type("Sloppy", (Bits,), methods))()


BROKEN = {
    "it_comes_back_from_its_file": {"to_dict": lambda self: {"type": "bites"}},
    "decisions_share_no_entry": {"decisions": property(lambda self: Bits(24).decisions + Bits(1).decisions)},
    "samples_are_points": {"sample": lambda self, key, count: 2 * Bits.sample(self, key, count)},
    "something_is_no_point": {"contains": lambda self, points: jnp.ones(points.shape[:-1], bool)},
    "same_key_same_sample_and_two_keys_differ": {"sample": lambda self, key, count: jnp.zeros((count, 24))},
    "mutation_changes_exactly_one_decision": {
        "mutate": lambda self, key, point: Bits.sample(self, key, 1)[0]
    },
    "mutations_under_two_keys_differ": {"mutate": lambda self, key, point: point.at[0].set(1 - point[0])},
    "every_decision_can_be_reached": {"mutate": lambda self, key, point: point.at[0].set(1 - point[0])},
    "open_choices_lead_to_points": {"open_choices": lambda self, point, place: jnp.array([False, True])},
    "features_are_finite_and_named": {"features": lambda self, point: point[:3]},
    "compiled_equals_eager": {"features": lambda self, point: point * len(str(point))},
}


def test_the_contract_finds_a_host_that_mutates_nothing():
    class Still(type(GRID)):
        def mutate_on_host(self, rng, point, chances=None):
            return point

    with pytest.raises(AssertionError, match="changed nothing"):
        space_contract.the_host_draws_from_the_same_space(Still(GRID.options))


@pytest.mark.parametrize("name", BROKEN)
def test_the_contract_finds(name):
    with pytest.raises(AssertionError):
        getattr(space_contract, name)(broken(**BROKEN[name]))


def test_the_whole_contract_is_one_call():
    check_space(Bits(5))


def test_a_file_without_a_type_is_a_mixture():
    plain = json.loads(json.dumps(preset("compact").to_dict()))
    assert plain.pop("type") == "mixture"
    assert space_from(plain) == preset("compact") == MixtureSpace.from_dict(plain)
    with pytest.raises(UserError, match="Unknown space type 'mixtrue'. Did you mean 'mixture'"):
        space_from({"type": "mixtrue"})


def test_decisions_as_columns():
    columns = decided(Bits(3), np.array([[0.0, 1.0, 0.0], [1.0, 1.0, 0.0]], np.float32))
    assert {name: column.tolist() for name, column in columns.items()} == {
        "bit 0": ["off", "on"],
        "bit 1": ["on", "on"],
        "bit 2": ["off", "off"],
    }
    columns = decided(preset("compact"), np.arange(40.0)[None])
    assert columns["layer 1: 16 relu"] == [0] and columns["layer 1 is: present"] == [24]
    assert columns["embedding 1: learned"] == [36] and columns["dropout"] == [39]
    assert len(columns) == 40


def test_a_mutation_always_means_something_else():
    """Also where the logits differ and mean the same: a plain group never stays as it is."""
    for space in (preset("compact"), ONE_ACTIVATION):
        parents = np.asarray(jax.jit(space.discretise)(space_contract.sampled(space)))
        children = space_contract.mutated(space, parents)
        weights = jax.jit(space.weights)
        before, after = weights(parents), weights(children)
        changed = [np.abs(a - b).reshape(len(parents), -1).max(1) for a, b in zip(before, after, strict=True)]
        assert (np.max(changed, axis=0) > 1e-6).all()
