"""What every space must do, as checks that run on any space.

def test_contract():
    check_space(MySpace(...))
"""

import functools
import json
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from taskaware.spaces import SPACES, HostSpace, RelaxedSpace, Space, open_choices, space_from

COUNT = 64


def check_space(space: Space) -> None:
    """Run every check on a space; for spaces of other packages too.

    Raises:
        AssertionError: a check failed; the traceback names it.
    """
    for check in CHECKS:
        check(space)


def it_comes_back_from_its_file(space: Space) -> None:
    definition = json.loads(json.dumps(space.to_dict()))
    kind = definition.get("type")
    assert kind in SPACES, f"to_dict has type {kind!r}; name it there, and SPACES.add({kind!r}, the class)."
    again = space_from(definition)
    assert again == space and again.digest == space.digest == space_from(space.to_dict()).digest
    assert len(space.digest) == 16 and set(space.digest) <= set("0123456789abcdef"), space.digest


def it_is_hashable_and_costs_one_compilation(space: Space) -> None:
    again = space_from(space.to_dict())
    assert hash(again) == hash(space)
    _contains(space, sampled(space))
    before = _contains._cache_size()
    _contains(again, sampled(space))
    assert _contains._cache_size() == before, (
        "An equal space is compiled again: it needs __eq__ and __hash__."
    )


def decisions_share_no_entry(space: Space) -> None:
    assert space.decisions, "A space without decisions has nothing to search."
    owned = [entry for decision in space.decisions for entry in decision.entries]
    assert len(set(owned)) == len(owned), "Two decisions own the same entry."
    assert set(owned) <= set(range(space.dimension)), (sorted(owned), space.dimension)
    names = [decision.name for decision in space.decisions]
    assert len(set(names)) == len(names), f"Two decisions share a name: {names}."
    for decision in space.decisions:
        expected = {0, decision.choices if len(decision.entries) == 1 else len(decision.entries)}
        # Of a continuous decision with one entry there is nothing to label.
        assert len(decision.labels) in expected, decision


def samples_are_points(space: Space) -> None:
    points = sampled(space)
    assert points.shape == (COUNT, space.dimension), (points.shape, space.dimension)
    assert points.dtype == np.float32 and np.isfinite(points).all(), points.dtype
    _assert_inside(space, points, "a sample")
    for decision in space.decisions:
        if decision.choices:
            values = points[:, list(decision.entries)]
            allowed = (values >= 0) & (values < decision.choices) & (values == np.round(values))
            assert allowed.all(), f"'{decision.name}' has 0 to {decision.choices - 1}, not {values.ravel()}."


def something_is_no_point(space: Space) -> None:
    one = sampled(space)[0]
    wrong = {"A vector of NaN counts as a point.": np.full_like(one, np.nan)}
    for decision in space.decisions:
        if decision.choices:
            beyond = one.copy()
            beyond[decision.entries[0]] = decision.choices
            wrong[f"'{decision.name}' may be {decision.choices}."] = beyond
    messages = list(wrong)
    for first in range(0, len(messages), COUNT):
        # COUNT at a time, as everywhere: one program.
        some = np.resize([wrong[each] for each in messages[first : first + COUNT]], (COUNT, len(one)))
        counted = np.asarray(_contains(space, some))[: len(messages) - first]
        assert not counted.any(), messages[first + int(counted.argmax())]


def same_key_same_sample_and_two_keys_differ(space: Space) -> None:
    np.testing.assert_array_equal(_sample(space, jax.random.key(0)), sampled(space))
    assert (sampled(space) != sampled(space, seed=1)).any(), "Two keys give the same sample."


def mutation_changes_exactly_one_decision(space: Space) -> None:
    parents = sampled(space)
    children = mutated(space, parents)
    assert children.dtype == np.float32, children.dtype
    _assert_inside(space, children, "a mutated point")
    owner = {entry: d.name for d in space.decisions for entry in d.entries}
    for parent, child in zip(parents, children, strict=True):
        changed = {owner.get(int(entry), f"entry {entry}") for entry in np.flatnonzero(parent != child)}
        assert len(changed) == 1, f"A mutation changed {sorted(changed) or 'nothing'} of {parent}."


def mutations_under_two_keys_differ(space: Space) -> None:
    parents = np.repeat(sampled(space)[:1], COUNT, axis=0)
    np.testing.assert_array_equal(mutated(space, parents), mutated(space, parents))
    possible = sum(max(decision.choices - 1, 1) for decision in space.decisions)
    assert len(np.unique(mutated(space, parents), axis=0)) > 1 or possible == 1


def every_decision_can_be_reached(space: Space) -> None:
    """By mutations of mutations."""
    points, changed = sampled(space), np.zeros(space.dimension, bool)
    for seed in range(2 * len(space.decisions)):
        children = mutated(space, points, seed)
        changed |= (children != points).any(0)
        points = children
    stuck = [d.name for d in space.decisions if d.choices != 1 and not changed[list(d.entries)].any()]
    assert not stuck, f"No mutation ever changes {stuck}."


def features_are_finite_and_named(space: Space) -> None:
    found = np.asarray(_features(space, sampled(space)))
    assert found.shape == (COUNT, len(space.feature_names)), (found.shape, len(space.feature_names))
    assert np.isfinite(found).all()
    assert len(np.unique(found, axis=0)) > 1, "All points have the same features."


def projections_stay(space: Space) -> None:
    """Of a relaxed space alone."""
    if not isinstance(space, RelaxedSpace):
        return
    points = sampled(space)
    np.testing.assert_array_equal(_project(space, points), points)
    drawn = np.random.default_rng(0).normal(size=(COUNT, space.dimension))
    wild = 30 * drawn.astype(np.float32)
    inside = np.asarray(_project(space, wild))
    _assert_inside(space, inside, "a projected point")
    np.testing.assert_array_equal(_project(space, inside), inside)
    for leaf in jax.tree.leaves(_soften(space, wild)):
        assert np.isfinite(leaf).all()
    plain = np.asarray(_discretise(space, inside))
    _assert_inside(space, plain, "a discretised point")
    np.testing.assert_array_equal(_discretise(space, plain), plain)


def the_host_draws_from_the_same_space(space: Space) -> None:
    """Of a space that can be drawn from in plain NumPy alone."""
    if not isinstance(space, HostSpace):
        return
    points = space.sample_on_host(np.random.default_rng(0), COUNT)
    assert points.shape == (COUNT, space.dimension) and points.dtype == np.float32, (
        points.shape,
        points.dtype,
    )
    assert space.contains_on_host(points).all()
    _assert_inside(space, points, "a sample of the host")
    assert not space.contains_on_host(np.full_like(points, np.nan)).any(), "NaN counts as a point."
    assert (points != space.sample_on_host(np.random.default_rng(1), COUNT)).any()
    rng, owner = np.random.default_rng(2), {entry: d.name for d in space.decisions for entry in d.entries}
    children = np.stack([space.mutate_on_host(rng, point) for point in points])
    assert children.dtype == np.float32 and space.contains_on_host(children).all()
    for parent, child in zip(points, children, strict=True):
        changed = {owner.get(int(entry), f"entry {entry}") for entry in np.flatnonzero(parent != child)}
        assert len(changed) == 1, f"A mutation changed {sorted(changed) or 'nothing'} of {parent}."
    again = space.mutate_on_host(np.random.default_rng(2), points[0])
    np.testing.assert_array_equal(again, children[0])


def open_choices_lead_to_points(space: Space) -> None:
    """Of a space of choices alone: who takes one open choice after the other ends in the space."""
    if not all(decision.choices and len(decision.entries) == 1 for decision in space.decisions):
        return
    points, kept = (np.asarray(found) for found in _walk(space, jax.random.key(0), sampled(space)))
    _assert_inside(space, points, "what open choices lead to")
    assert len(np.unique(points, axis=0)) > 1, "Only one point can be reached by open choices."
    wrong = [space.decisions[place].name for place in np.flatnonzero(~kept.all(0))]
    assert not wrong, f"A sample has choices of {wrong} that are not open."


def compiled_equals_eager(space: Space) -> None:
    points = sampled(space)
    np.testing.assert_allclose(space.sample(jax.random.key(0), COUNT), points, rtol=1e-5, atol=1e-5)
    keys = jax.random.split(jax.random.key(0), COUNT)
    one = space.mutate(keys[0], jnp.asarray(points[0]))
    np.testing.assert_allclose(one, mutated(space, points)[0], rtol=1e-5, atol=1e-5)
    features = _features(space, points)
    np.testing.assert_allclose(space.features(jnp.asarray(points[0])), features[0], rtol=1e-5, atol=1e-5)


@functools.lru_cache(maxsize=2)
def sampled(space: Space, seed: int = 0) -> np.ndarray:
    """COUNT random points, read-only: drawn once for all checks."""
    return np.asarray(_sample(space, jax.random.key(seed)))


def mutated(space: Space, parents: np.ndarray, seed: int = 0) -> np.ndarray:
    """Each of the points, mutated once.

    Args:
        space: of the points.
        parents: (n, D).
        seed: of the mutations.
    """
    return np.asarray(_mutate(space, jax.random.split(jax.random.key(seed), len(parents)), parents))


def _sample_all(space: Space, key: Array) -> Array:
    return space.sample(key, COUNT)


def _mutate_all(space: Space, keys: Array, parents: Array) -> Array:
    return jax.vmap(space.mutate)(keys, parents)


def _walk_all(space: Space, key: Array, samples: Array) -> tuple[Array, Array]:
    """Points of random open choices, and which choices of the samples are open, or where only one is."""
    entries = jnp.array([decision.entries[0] for decision in space.decisions])

    def walk(key: Array, sample: Array) -> tuple[Array, Array]:
        def decide(point: Array, step: tuple[Array, Array]) -> tuple[Array, Array]:
            key, place = step
            drawn = jax.random.categorical(key, jnp.log(open_choices(space, point, place).astype(float)))
            own = open_choices(space, sample, place)
            kept = own[sample[entries[place]].astype(int)] | (own.sum() == 1)
            return point.at[entries[place]].set(drawn.astype(point.dtype)), kept

        steps = (jax.random.split(key, len(entries)), jnp.arange(len(entries)))
        return jax.lax.scan(decide, sample, steps)

    return jax.vmap(walk)(jax.random.split(key, len(samples)), samples)


def _method(name: str) -> Any:
    """A method of spaces as (space, points) → what it gives, compiled once for each space."""
    return jax.jit(lambda space, points: getattr(space, name)(points), static_argnums=0)


_walk = jax.jit(_walk_all, static_argnums=0)
_sample = jax.jit(_sample_all, static_argnums=0)
_mutate = jax.jit(_mutate_all, static_argnums=0)
_features = jax.jit(lambda space, points: jax.vmap(space.features)(points), static_argnums=0)
_contains, _project, _soften, _discretise = map(_method, ("contains", "project", "soften", "discretise"))


def _assert_inside(space: Space, points: np.ndarray, what: str) -> None:
    inside = np.asarray(_contains(space, points))
    assert inside.shape == points.shape[:-1], f"contains gives {inside.shape} for points {points.shape}."
    assert inside.all(), f"{what} is outside: {points[~inside][0]}"


CHECKS = (
    it_comes_back_from_its_file,
    it_is_hashable_and_costs_one_compilation,
    decisions_share_no_entry,
    samples_are_points,
    something_is_no_point,
    same_key_same_sample_and_two_keys_differ,
    mutation_changes_exactly_one_decision,
    mutations_under_two_keys_differ,
    every_decision_can_be_reached,
    features_are_finite_and_named,
    projections_stay,
    the_host_draws_from_the_same_space,
    open_choices_lead_to_points,
    compiled_equals_eager,
)
