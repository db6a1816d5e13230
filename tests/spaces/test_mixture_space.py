"""The space of mixtures: what its points mean, and what `sample`, `mutate` and `discretise` may do."""

import dataclasses
import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskaware.errors import UserError
from taskaware.spaces import MixtureSpace, preset
from taskaware.spaces.mixture import BOUND, CUTOFF

COUNT = 1024


@functools.cache
def plain(space):
    return MixtureSpace.from_dict(space.to_dict())


def whole(method):
    """A method of points, compiled once for each space: the points stand among COUNT."""
    compiled = jax.jit(method, static_argnums=0)

    def called(space, points):
        batch, width = np.shape(points)[:-1], np.shape(points)[-1]
        size = int(np.prod(batch, dtype=int))
        rows = np.resize(np.asarray(points, np.float32).reshape(size, width), (COUNT, width))
        found = compiled(plain(space), rows)
        return jax.tree.map(lambda leaf: np.asarray(leaf)[:size].reshape(batch + leaf.shape[1:]), found)

    return called


class Compiled(MixtureSpace):
    """The space with methods that are compiled whole."""

    contains = whole(MixtureSpace.contains)
    discretise = whole(MixtureSpace.discretise)
    is_plain = whole(MixtureSpace.is_plain)
    project = whole(MixtureSpace.project)
    soften = whole(MixtureSpace.soften)
    weights = whole(MixtureSpace.weights)
    width = whole(MixtureSpace.width)


COMPACT, PUBLISHED, UNIVERSAL = (
    Compiled.from_dict(preset(name).to_dict()) for name in ("compact", "published", "universal")
)
SPACES = [PUBLISHED, UNIVERSAL]
seeds = st.integers(0, 2**31 - 1)
every_space = pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)


sample = jax.jit(MixtureSpace.sample, static_argnums=(0, 2))
mutate = jax.jit(jax.vmap(MixtureSpace.mutate, in_axes=(None, 0, 0)), static_argnums=0)


@functools.cache
def sampled(space, seed=0):
    return np.asarray(sample(space, jax.random.key(seed), COUNT))


def mutated(space, parents, seed=0):
    return np.asarray(mutate(space, jax.random.split(jax.random.key(seed), len(parents)), parents))


def anywhere(space, seed, *batch):
    """Points drawn evenly over the whole box, and some on its walls."""
    rng = np.random.default_rng(seed)
    box = space.project(1.1 * BOUND * rng.uniform(-1, 1, (*batch, space.dimension)))
    recipe = rng.uniform(size=(*batch, len(space.recipe)))
    return np.concatenate([box[..., : space.dimension - len(space.recipe)], recipe], -1).astype(np.float32)


def groups(space, vector):
    """The logits of every softmax group of one point, as NumPy rows."""
    alpha, beta, gamma, _ = (np.asarray(part, np.float64) for part in space.decode(vector))
    stops = np.cumsum([len(group) for group in space.embeddings])[:-1]
    return [*alpha, *beta, *np.split(gamma, stops)]


def shares(logits):
    """The definition of a weight, written out: softmax, drop what is small, share out anew."""
    soft = np.exp(logits - logits.max())
    soft /= soft.sum()
    kept = np.where(soft >= min(CUTOFF, soft.max()), soft, 0.0)
    return kept / kept.sum()


def test_published_numbers():
    assert PUBLISHED.dimension == 105
    assert PUBLISHED.shapes == ((7, 12), (7, 2), (7,), (0,))
    assert PUBLISHED.baselines[:3] == ((8, "relu"), (8, "tanh"), (16, "relu"))
    assert PUBLISHED.baselines[-1] == (256, "tanh")


def test_unknown_preset():
    with pytest.raises(UserError, match="Unknown space 'publised'. Did you mean 'published'?"):
        preset("publised")


@every_space
@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
def test_encode_and_decode_are_inverse(space, batch):
    vector = np.arange(np.prod(batch, dtype=int) * space.dimension, dtype=np.float32)
    vector = vector.reshape(*batch, space.dimension)
    point = space.decode(vector)
    assert tuple(part.shape for part in point) == tuple((*batch, *shape) for shape in space.shapes)
    np.testing.assert_array_equal(space.encode(point), vector)


def test_order_of_the_vector():
    point = COMPACT.decode(np.arange(COMPACT.dimension, dtype=np.float32))
    np.testing.assert_array_equal(point.alpha[1], np.arange(8, 16))
    np.testing.assert_array_equal(point.beta, np.arange(24, 30).reshape(3, 2))
    np.testing.assert_array_equal(point.gamma, np.arange(30, 37))
    np.testing.assert_array_equal(point.recipe, np.arange(37, 40))


@every_space
def test_samples(space):
    vectors = sampled(space)
    assert np.isfinite(vectors).all()
    assert np.asarray(space.contains(vectors)).all()
    assert 0.4 < np.mean(space.is_plain(vectors)) < 0.6
    widths, counts = np.unique(space.width(vectors), return_counts=True)
    assert tuple(widths) == space.sizes
    assert counts.min() > len(vectors) / 50
    assert len(np.unique(vectors, axis=0)) == len(vectors)


@every_space
def test_every_decision_takes_every_value(space):
    weights = space.weights(sampled(space))
    assert (weights.alpha.max(0) > 0.9).all()
    assert (weights.gamma.max(0) > 0.9).all()
    assert (weights.beta.max(0) == 1).all()
    assert (weights.beta.min(0) == 0).all()
    assert 0.7 < weights.beta.mean() < 0.8
    recipe = space.decode(sampled(space)).recipe
    assert ((recipe.min(0) < 0.02) & (recipe.max(0) > 0.98)).all()


@every_space
def test_width_odds_are_the_widths_of_mixtures(space):
    mixtures = sampled(space)[~np.asarray(space.is_plain(sampled(space)))]
    found = [np.mean(space.width(mixtures) == size) for size in space.sizes]
    np.testing.assert_allclose(found, space.width_odds, atol=0.06)


def test_random_ensembles_are_not_wide():
    space = Compiled.from_dict(preset("extended").to_dict())
    points = sample(space, jax.random.key(0), 128)
    opened = np.asarray(space.weights(points).recipe[:, space.coordinates.index("ensemble")]) > 0
    widths = np.asarray(space.width(points))
    assert opened.any() and widths[opened].max() == 64 and widths[~opened].max() == 256


@every_space
def test_weights_written_out(space):
    vectors = np.concatenate([sampled(space)[:40], anywhere(space, 0, 40)])
    weights = jax.tree.map(np.asarray, space.weights(vectors))
    for row, vector in enumerate(vectors):
        expected = [shares(group) for group in groups(space, vector)]
        found = [*weights.alpha[row], *weights.beta[row], weights.gamma[row]]
        layers = space.layers
        np.testing.assert_allclose(found[:layers], expected[:layers], atol=1e-5)
        np.testing.assert_allclose(
            found[layers:-1], [pair[0] for pair in expected[layers : 2 * layers]], atol=1e-5
        )
        np.testing.assert_allclose(found[-1], np.concatenate(expected[2 * layers :]), atol=1e-5)


@every_space
@settings(max_examples=20)
@given(seed=seeds)
def test_each_group_sums_to_one_and_has_no_crumbs(space, seed):
    weights = space.weights(anywhere(space, seed, 5))
    gammas = np.split(weights.gamma, np.cumsum([len(g) for g in space.embeddings])[:-1], axis=-1)
    for group in (weights.alpha, np.stack([weights.beta, 1 - weights.beta], -1), *gammas):
        np.testing.assert_allclose(np.sum(group, axis=-1), 1, atol=1e-6)
        assert (np.asarray(group) >= 0).all()
    for part in (weights.alpha, weights.gamma):
        assert not ((part > 0) & (part < 0.999 * CUTOFF)).any()


def test_small_shares_are_dropped_and_the_rest_shared_out():
    vector = np.zeros(COMPACT.dimension, np.float32)
    vector[:24] = np.tile(np.log([0.5, 0.481, 0.019, *[1e-6] * 5]), 3)
    expected = [0.5 / 0.981, 0.481 / 0.981, *[0] * 6]
    np.testing.assert_allclose(COMPACT.weights(vector).alpha, [expected] * 3, atol=1e-6)
    soft = COMPACT.soften(vector)
    assert (soft.alpha > 0).all()
    np.testing.assert_allclose(soft.alpha[:, 2], 0.019, rtol=1e-3)


def test_a_group_of_many_equal_shares_keeps_them():
    many = dataclasses.replace(COMPACT, sizes=tuple(range(1, 41)), width_odds=(1 / 40,) * 40)
    np.testing.assert_allclose(many.weights(np.zeros(many.dimension)).alpha, 1 / 80, rtol=1e-5)


def test_recipe_in_its_own_units():
    def values(coordinate):
        return COMPACT.weights(np.array([0.0] * (COMPACT.dimension - 3) + [coordinate] * 3)).recipe

    np.testing.assert_allclose(values(0.0), [3e-4, 1e-4, 0.0], rtol=1e-5)
    np.testing.assert_allclose(values(1.0), [3e-2, 1.0, 0.5], rtol=1e-5)
    np.testing.assert_allclose(values(0.5), [3e-3, 1e-2, 0.25], rtol=1e-5)


@every_space
def test_softened_weights_are_smooth_and_near_the_weights(space):
    vectors = sampled(space)[:64]
    weights, soft = space.weights(vectors), space.soften(vectors)
    for hard_part, soft_part in zip(weights[:3], soft[:3], strict=True):
        assert np.abs(hard_part - soft_part).max() < CUTOFF * hard_part.shape[-1]
    gradient = jax.jit(jax.grad(lambda v: jnp.sum(jnp.square(plain(space).soften(v).alpha))))(vectors[-1])
    assert np.isfinite(gradient).all()


@every_space
def test_width_is_the_widest_size_of_a_present_layer(space):
    vectors = np.concatenate([sampled(space)[:100], anywhere(space, 3, 50)])
    sizes = np.array([size for size, _ in space.baselines])
    found = np.asarray(space.width(vectors))
    for vector, width in zip(vectors, found, strict=True):
        in_layers = groups(space, vector)
        layers, betas = in_layers[: space.layers], in_layers[space.layers : 2 * space.layers]
        used = [sizes[shares(a) > 0].max() for a, b in zip(layers, betas, strict=True) if shares(b)[0] > 0]
        assert width == max(used, default=space.sizes[0])


def test_a_network_without_layers_has_the_smallest_width():
    point = UNIVERSAL.decode(sampled(UNIVERSAL)[0])
    absent = np.tile(np.float32([-8.0, 8.0]), (3, 1))
    assert UNIVERSAL.width(UNIVERSAL.encode(point._replace(beta=absent))) == UNIVERSAL.sizes[0]


@every_space
def test_discretise(space):
    vectors = np.concatenate([sampled(space)[:50], anywhere(space, 1, 50)])
    corners = space.discretise(vectors)
    assert np.asarray(space.is_plain(corners)).all()
    assert np.asarray(space.contains(corners)).all()
    np.testing.assert_array_equal(space.discretise(corners), corners)
    np.testing.assert_array_equal(space.decode(corners).recipe, space.decode(vectors).recipe)


@every_space
@settings(max_examples=20)
@given(seed=seeds)
def test_discretise_finds_the_nearest_corner(space, seed):
    vector = anywhere(space, seed)
    for group, corner in zip(groups(space, vector), groups(space, space.discretise(vector)), strict=True):
        choices = corner.max() * np.eye(len(group))
        distance = np.linalg.norm(choices - group, axis=1)
        assert np.linalg.norm(corner - group) == pytest.approx(distance.min(), rel=1e-5)


@every_space
def test_tidied_drops_what_is_small_and_keeps_the_rest_in_proportion(space):
    vectors = np.concatenate([sampled(space)[:50], anywhere(space, 1, 50)])
    tidied = whole(lambda space, points: space.tidied(points, 0.1))
    tidy = tidied(space, vectors)
    assert np.asarray(space.contains(tidy)).all()
    np.testing.assert_allclose(tidied(space, tidy), tidy, atol=1e-4)
    before, after = space.soften(vectors), space.weights(tidy)
    share, left = np.asarray(before.alpha), np.asarray(after.alpha)
    kept = share >= np.minimum(0.1, share.max(-1, keepdims=True))
    np.testing.assert_array_equal(left > 0, kept)
    expected = np.where(kept, share, 0)
    np.testing.assert_allclose(left, expected / expected.sum(-1, keepdims=True), rtol=1e-3)
    gate, ended = np.asarray(before.beta), np.asarray(after.beta)
    assert (ended[gate < 0.099] == 0).all() and (ended[gate > 0.901] == 1).all()
    between = (gate > 0.11) & (gate < 0.89)
    np.testing.assert_allclose(ended[between], gate[between], rtol=1e-3)


@every_space
def test_mutation_draws_one_decision_anew(space):
    labels = np.array(space.decision_labels())
    parents = sampled(space)[:400]
    children = mutated(space, parents)
    assert np.asarray(space.contains(children)).all()
    changed = [set(labels[child != parent]) for child, parent in zip(children, parents, strict=True)]
    assert max(map(len, changed)) == 1
    assert np.mean([len(labels) == 1 for labels in changed]) > 0.8
    assert set().union(*changed) == set(range(labels.max() + 1))


@every_space
def test_decision_labels(space):
    labels = space.decode(np.array(space.decision_labels(), np.float32))
    layers = np.arange(space.layers)
    np.testing.assert_array_equal(labels.alpha, np.repeat(layers[:, None], len(space.baselines), 1))
    np.testing.assert_array_equal(labels.beta, np.repeat(layers[:, None] + space.layers, 2, 1))
    groups = [2 * space.layers + place for place, group in enumerate(space.embeddings) for _ in group]
    assert labels.gamma.tolist() == groups
    assert labels.recipe.tolist() == [groups[-1] + 1 + r for r in range(len(space.recipe))]


@every_space
@settings(max_examples=20)
@given(seed=seeds, scale=st.sampled_from([0.5, 2.0, 30.0]))
def test_project_is_the_nearest_point_of_the_space(space, seed, scale):
    vector = scale * np.random.default_rng(seed).normal(size=space.dimension).astype(np.float32)
    low = np.concatenate([np.full(space.dimension - len(space.recipe), -BOUND), np.zeros(len(space.recipe))])
    high = np.where(low == 0, 1.0, BOUND)
    projected = space.project(vector)
    assert space.contains(projected)
    np.testing.assert_array_equal(projected, np.clip(vector, low, high).astype(np.float32))
    assert bool(space.contains(vector)) == bool(np.all((vector >= low) & (vector <= high)))


@pytest.mark.parametrize(
    ("place", "value", "inside"),
    [(0, 10.0, True), (0, 10.1, False), (29, -10.1, False), (36, np.nan, False), (39, 1.0, True)]
    + [(39, 1.1, False), (37, -0.1, False), (38, np.nan, False)],
)
def test_contains(place, value, inside):
    vector = np.zeros((2, COMPACT.dimension), np.float32)
    vector[1, place] = value
    assert COMPACT.contains(vector).tolist() == [True, inside]


@every_space
def test_a_trip_through_json(space):
    again = Compiled.from_dict(json.loads(json.dumps(space.to_dict())))
    assert again == space
    assert hash(again) == hash(space)
    assert again.digest == space.digest
    summed = jax.jit(lambda space, vector: vector.sum() + space.layers, static_argnums=0)
    for equal in (space, again):
        summed(equal, sampled(space)[0])
    assert summed._cache_size() == 1


def test_digest_names_the_definition():
    changes = [
        {},
        {"layers": 4},
        {"sizes": (16, 32, 64, 256)},
        {"activations": ("tanh", "relu")},
        {"embeddings": COMPACT.embeddings[::-1]},
        {"recipe": COMPACT.recipe[:2]},
        {"recipe": (*COMPACT.recipe[:2], dataclasses.replace(COMPACT.recipe[2], high=0.4))},
        {"shared_weights": False},
    ]
    digests = [dataclasses.replace(COMPACT, **change).digest for change in changes]
    assert len({*digests, PUBLISHED.digest}) == len(changes) + 1
    renamed = dataclasses.replace(COMPACT, name="mine", width_odds=(0.25,) * 4)
    assert renamed.digest == COMPACT.digest


def test_digests_stay():
    """Stores hold these digests: a change here makes kept experience unreadable."""
    assert (COMPACT.digest, PUBLISHED.digest) == ("ddc604244c875327", "d5a633dd95c6fe83")


def test_soft_weights_is_the_old_name_of_soften():
    vector = np.zeros(COMPACT.dimension, np.float32)
    with pytest.warns(FutureWarning, match="soft_weights is now Compiled.soften"):
        old = COMPACT.soft_weights(vector)
    np.testing.assert_array_equal(old.alpha, COMPACT.soften(vector).alpha)
