"""Update rules under training: the contract of children, the sweep of learning rates, many rules together."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pandas as pd
import pytest

from taskaware import optimizers
from taskaware.children.child import CHILDREN, Batch, Design, Now
from taskaware.children.rules.child import RATES
from taskaware.modalities.tables.build import make_task
from taskaware.spaces.rules import RuleSpace
from taskaware.testing.child_contract import check_child
from taskaware.training import programs
from taskaware.training.prepare import prepare
from taskaware.training.recipe import TrainingRecipe
from taskaware.training.trainer import train

# Two rounds are enough for these rules, and quicker to compute without optimizations.
SPACE, CHILD = RuleSpace("two", 2), CHILDREN["update-rules"]
RECIPE = TrainingRecipe(steps=60, evaluations=3, batch_size=32)


def points(*texts):
    return np.stack([SPACE.encode(text) for text in texts])


@pytest.fixture(scope="module")
def prepared():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 4))
    frame = pd.DataFrame(x).add_prefix("x").assign(word=rng.choice(list("ab"), 300))
    frame["y"] = np.where(x[:, 0] * x[:, 1] > 0, "same", "other")
    return prepare(make_task(frame, "y"), 0, RECIPE)


def test_the_contract():
    texts = ("m / sqrt(v)", "g * exp(sign(g) * sign(m))", "trace")
    check_child(lambda: (SPACE, points(*texts)))


def test_after_the_sweep_it_trains_as_the_transformation_does(prepared):
    """Also in the sweep: its best copy is the network that optax trains at this rate."""
    text, arrays = "m / sqrt(v) + 0.01w", prepared.arrays
    candidate = CHILD.read(Design(SPACE, 0), jnp.asarray(SPACE.encode(text)))
    x = jax.tree.map(lambda leaf: leaf[:32], arrays.x)
    batch = Batch(x, arrays.y[:32], arrays.columns, arrays.allowed, True)
    state = jax.jit(CHILD.init)(jax.random.key(0), candidate, batch)
    step, params = jax.jit(CHILD.step), state.params
    for done in (0.0, 0.1, 0.5, 0.9):
        state = step(state, candidate, batch, Now(jax.random.key(1), jnp.float32(0.0), jnp.float32(done)))
    rate = float(state.optimizer.rates[-1])
    assert rate in np.float32(RATES)
    made = optimizers.rule(text, rate)

    @jax.jit
    def ours(params, held):
        gradient = jax.grad(lambda weights: batch.loss(CHILD.outputs(weights, candidate, batch)))(params)
        updates, held = made.update(gradient, held, params)
        return optax.apply_updates(params, updates), held

    held = made.init(params)
    for _ in range(4):
        params, held = ours(params, held)
    for name, leaf in params.items():
        np.testing.assert_allclose(state.params[name], leaf, rtol=1e-3, atol=1e-5, err_msg=name)


def test_each_rule_gets_a_rate_that_suits_it(prepared):
    """A rule with steps a thousand times as small gets a rate a thousand times as large."""
    candidates = programs.candidates(CHILD, Design(SPACE, 0), jnp.asarray(points("sign(g)", "clip(g, 1e-5)")))
    program = programs.Program(CHILD, programs.scored_by("classification"), True)
    state = programs.start(program, prepared.arrays, candidates, jax.random.key(0))
    rows = np.resize(prepared.train, (20, 32))
    done, ones = np.linspace(0.0, 0.19, 20, dtype=np.float32), np.ones(20, np.float32)
    steps = programs.Steps(rows, ones, done, ones)
    state, _ = programs.segment(program, state, prepared.arrays, candidates, steps, jax.random.key(0))
    large, small = np.asarray(state.optimizer.rates)[:, -1]
    assert 1e-3 <= large <= 1e-1 and small == 10.0


def test_many_rules_train_in_one_program(prepared):
    known = points("m / sqrt(v)", "trace", "1 / (g - g)", "g * exp(2 * 2)")
    many = np.concatenate([known, SPACE.sample(jax.random.key(0), 4)])
    before = programs.segment._cache_size()
    found = train(SPACE, many, prepared, RECIPE, seed=0)
    assert programs.segment._cache_size() == before + 1
    assert found.score[:2].min() > 0.7 > found.score[2]
    assert not np.isnan(found.score).any() and len(set(found.score.tolist())) > 4
