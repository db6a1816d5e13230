"""Dataclasses as pytrees: with their fields, told apart by type."""

import dataclasses
import re
from pathlib import Path

import jax
import jax.numpy as jnp

import taskaware
from taskaware.pytrees import pytree


@pytree(static=("name",))
@dataclasses.dataclass(frozen=True, eq=False)
class Line:
    name: str
    slope: jax.Array
    start: jax.Array

    def at(self, x):
        return self.start + self.slope * x


@pytree(static=("name",))
@dataclasses.dataclass(frozen=True, eq=False)
class Falling(Line):
    def at(self, x):
        return self.start - self.slope * x


def test_fields_are_children_and_static_ones_structure():
    line = Line("a", jnp.float32(2), jnp.float32(1))
    assert jax.tree.leaves(line) == [2, 1]
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(line)]
    assert paths == [".slope", ".start"]
    doubled = jax.jit(lambda tree: jax.tree.map(lambda leaf: 2 * leaf, tree))(line)
    assert (type(doubled), doubled.name, doubled.slope, doubled.start) == (Line, "a", 4, 2)
    structure = jax.tree.structure
    assert structure(line) == structure(Line("a", 0, 0)) != structure(Line("b", 0, 0))


def test_a_type_with_the_same_fields_is_another_structure():
    """Where JAX registers them it is the same one: in one of a hundred cases the other's program ran."""
    line, falling = (kind("a", jnp.float32(2), jnp.float32(1)) for kind in (Line, Falling))
    assert jax.tree.structure(line) != jax.tree.structure(falling)
    at_three = jax.jit(lambda tree: tree.at(3.0))
    assert (float(at_three(line)), float(at_three(falling))) == (7.0, -5.0)


def test_every_dataclass_is_registered_by_it():
    sources = Path(taskaware.__file__).parent.rglob("*.py")
    calls = [
        path.name
        for path in sources
        if re.search(r"[^`]jax\.tree_util\.register_dataclass", path.read_text())
    ]
    assert not calls, "Use `taskaware.pytrees.pytree`."
