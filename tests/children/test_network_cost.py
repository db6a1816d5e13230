"""Counts of many networks at once; `test_network_source` compares them with the code of the networks."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taskaware.children.mixture.cost import Counts, Reads, counted, exactly, excess
from taskaware.spaces import preset

SPACE = dataclasses.replace(preset("extended"), layers=2, embeddings=preset("compact").embeddings)
NUMBERS = np.array([5, 5, 0, 5, 20, 0, 0])


@pytest.fixture(scope="module")
def points():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (12, SPACE.dimension)).clip(-9, 9)
    logits[:, -len(SPACE.recipe) :] = rng.random((12, len(SPACE.recipe)))
    # Gates that are open in part, open and shut.
    logits[:6, -4:] = np.round(logits[:6, -4:])
    return logits.astype(np.float32)


def reads(members=1):
    return Reads.of(SPACE, NUMBERS, 6, 3, members)


def test_a_batch_counts_what_each_point_does(points):
    together = np.stack(exactly(SPACE, points, reads()))
    alone = [np.stack(exactly(SPACE, point[None], reads()))[:, 0] for point in points]
    np.testing.assert_array_equal(together, np.stack(alone, axis=1))
    assert (together[:2] % 1 == 0).all() and len(np.unique(together[0])) > 8


def test_networks_that_are_averaged_are_added(points):
    one, five = exactly(SPACE, points, reads()), exactly(SPACE, points, reads(5))
    np.testing.assert_array_equal(five.parameters, 5 * one.parameters)
    np.testing.assert_array_equal(five.multiply_adds, 5 * one.multiply_adds)
    assert ((one.seconds < five.seconds) & (five.seconds < 5 * one.seconds)).all()


def test_what_exceeds_a_limit_is_exact_and_leads_down(points):
    counts = exactly(SPACE, points, reads())
    least = Counts(*(0.9 * part.min() for part in counts))
    none = Counts(np.inf, np.inf, np.inf)

    @jax.jit
    @jax.vmap
    def climbed(point):
        def value(point, most):
            return excess(SPACE, point, reads(), most)

        # As in the ascent: Adam's steps have the size of the first gradient's signs.
        over, slope = jax.value_and_grad(value)(point, least)
        free, flat = jax.value_and_grad(value)(point, none)
        soft = [
            counted(SPACE, SPACE.soften(each), reads(), used=lambda share: share, xp=jnp).parameters
            for each in (point, SPACE.project(point - 0.5 * jnp.sign(slope)))
        ]
        return over, free, flat, jnp.stack(soft)

    over, free, flat, soft = map(np.asarray, climbed(points))
    ratios = [np.log(part / limit) for part, limit in zip(counts, least, strict=True)]
    np.testing.assert_allclose(over, np.sum(ratios, axis=0), rtol=1e-4)
    assert not free.any() and not flat.any()
    assert (soft[:, 1] < soft[:, 0]).all()
