"""Points of a mixture space as points of a larger one."""

import dataclasses
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taskaware.children.child import Batch, Design, child_of
from taskaware.errors import UserError
from taskaware.modalities.reading import make_task
from taskaware.spaces import MixtureSpace, preset
from taskaware.spaces.mixture_lifting import extends, lifted_points
from taskaware.training.prepare import embeddings_of, prepare
from taskaware.training.programs import Program, candidates, scored_by, start
from taskaware.training.recipe import TrainingRecipe

SMALL, LARGE = preset("compact"), preset("extended")


@pytest.fixture(scope="module")
def points():
    return np.asarray(SMALL.sample(jax.random.key(0), 24))


def test_lifted_points_mean_the_same_networks(points):
    lifted = lifted_points(points, SMALL, LARGE)
    assert np.asarray(LARGE.contains(lifted)).all()
    weights, width = (jax.jit(each, static_argnums=0) for each in (MixtureSpace.weights, MixtureSpace.width))
    small, large = jax.device_get((weights(SMALL, points)._asdict(), weights(LARGE, lifted)._asdict()))
    small, large = (SimpleNamespace(**each) for each in (small, large))
    own = [LARGE.baselines.index(baseline) for baseline in SMALL.baselines]
    np.testing.assert_allclose(large.alpha[:, :3][:, :, np.array(own)], small.alpha, atol=1e-6)
    np.testing.assert_array_equal(large.beta[:, :3], small.beta)
    np.testing.assert_array_equal(large.beta[:, 3:], 0)
    np.testing.assert_array_equal(large.gamma[:, :7], small.gamma)
    np.testing.assert_array_equal(large.recipe[:, :3], small.recipe)
    np.testing.assert_allclose(large.recipe[:, 3:], [[0, 0.99, 0, 0, 0, 0, 0]] * len(points), atol=1e-6)
    np.testing.assert_array_equal(width(LARGE, lifted), width(SMALL, points))


def test_a_lifted_network_answers_as_before(points):
    task, recipe, answers = make_task("wine"), TrainingRecipe(steps=20), []
    for space, vectors in ((SMALL, points), (LARGE, lifted_points(points, SMALL, LARGE))):
        child, prepared = child_of(space), prepare(task, 0, recipe, embeddings=embeddings_of(space))
        [key, *_] = [key for key, rows in child.group(space, jnp.asarray(vectors)) if 0 in rows]
        chosen, arrays = candidates(child, Design(space, key), jnp.asarray(vectors[:1])), prepared.arrays
        program = Program(child, scored_by("classification"), True)
        state = start(program, arrays, chosen, jax.random.key(0))
        if answers:
            params = {name: params.get(name, leaf) for name, leaf in state.params.items()}
        else:
            params = state.params
        x, y = (jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf)[:9]), part) for part in arrays[:2])
        batch = Batch(x, y, arrays.columns, arrays.allowed, True)
        one = jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf)[0]), (params, chosen))
        answers.append(jax.jit(child.outputs)(*one, batch))
    np.testing.assert_allclose(answers[1], answers[0], rtol=1e-5, atol=1e-5)


def test_what_extends_what():
    assert extends(LARGE, SMALL) and extends(LARGE, preset("universal")) and extends(SMALL, SMALL)
    assert not extends(SMALL, LARGE)
    assert not extends(LARGE, preset("published"))
    # Without the values that `compact` trains with, or with other weights, a training is another one.
    late = [dataclasses.replace(one, low=0.995) if one.name == "beta2" else one for one in LARGE.recipe]
    assert not extends(dataclasses.replace(LARGE, recipe=tuple(late)), SMALL)
    assert not extends(dataclasses.replace(LARGE, shared_weights=False), SMALL)
    # A training recipe decides the dropout of a space without that coordinate.
    assert not extends(SMALL, dataclasses.replace(SMALL, recipe=SMALL.recipe[:2]))


def test_points_of_another_space_are_refused(points):
    with pytest.raises(UserError, match="are no points of 'published'"):
        lifted_points(points, SMALL, preset("published"))
