"""The interpreter: rules that are data give what their trees give, many in one program."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from taskaware import optimizers
from taskaware.children.rules import interpreter, values
from taskaware.spaces.rules import NAMED, RuleSpace
from taskaware.spaces.rules.space import chosen_rounds

SPACE = RuleSpace()
COUNT, SIZE, STEPS = 150, 24, 3


@pytest.fixture(scope="module")
def points():
    """Every known rule, and random ones."""
    known = [SPACE.encode(text) for text in NAMED.values()]
    return np.concatenate([known, SPACE.sample(jax.random.key(0), COUNT - len(known))])


@jax.jit
def coded(points):
    return interpreter.Coded(*jax.vmap(lambda point: chosen_rounds(SPACE, point))(points))


def test_many_rules_equal_their_trees_in_one_program(points):
    rng = np.random.default_rng(0)
    with jax.enable_x64(True):
        g, w, m, gamma, trace, *normal = (jnp.asarray(each) for each in rng.normal(size=(7, SIZE)))
        v, uniform = jnp.asarray(rng.exponential(size=SIZE)), jnp.asarray(rng.random(SIZE))
        now = values.Moment(g, w, m, v, gamma, trace, tuple(normal), uniform, 3, 0.32)
        many = jax.jit(lambda points: jax.vmap(interpreter.interpreted, (0, None))(coded(points), now))
        found = np.asarray(many(points))
        assert np.isfinite(found).all() and len(np.unique(found.round(9), axis=0)) > 0.8 * COUNT
        wrong = 0
        for point, ours in zip(points, found, strict=True):
            tree = np.asarray(values.value(SPACE.decode(point), now))
            wrong += not np.allclose(ours, tree, rtol=1e-6, atol=1e-9)
        # Where two equal numbers are taken from each other, rounding decides the sign of what is left.
        assert wrong <= 0.01 * COUNT
        many(points[::-1])
        assert many._cache_size() == 1


def test_a_path_of_steps_equals_that_of_the_transformation():
    """Averages, their correction and the share of steps included; of rules without random numbers."""
    texts = [text for text in NAMED.values() if "noise" not in text]
    texts += [
        "gamma / (v * sqrt(v)) + 0.1w",
        "clip(adam, 1e-3) - log(v) * sqrt(m)",
        "trace ^ 2 / 2 + rmsprop",
    ]
    rates, curve = 0.05, jnp.linspace(0.5, 2.0, SIZE)

    def gradient(w):
        return curve * jnp.sin(w) + w

    @jax.jit
    def ours(points):
        def path(code):
            def step(carry, done):
                w, running = carry
                draws = interpreter.drawn(code, interpreter.draw_keys(jax.random.key(0)), SIZE)
                change, running = interpreter.stepped(code, running, gradient(w), w=w, draws=draws, done=done)
                return (w - rates * change, running), None

            first = (jnp.linspace(-1.0, 1.0, SIZE), interpreter.begun(SIZE))
            return jax.lax.scan(step, first, jnp.arange(STEPS) / STEPS)[0][0]

        return jax.vmap(path)(interpreter.Coded(*jax.vmap(lambda p: chosen_rounds(SPACE, p))(points)))

    found = ours(np.stack([SPACE.encode(text) for text in texts]))
    for text, one in zip(texts, found, strict=True):
        made = optimizers.rule(text, rates, total_steps=STEPS)
        w = jnp.linspace(-1.0, 1.0, SIZE)
        state = made.init(w)
        for _ in range(STEPS):
            change, state = made.update(gradient(w), state, w)
            w = optax.apply_updates(w, change)
        np.testing.assert_allclose(one, w, rtol=1e-4, atol=1e-5, err_msg=text)


def alone(text):
    return interpreter.Coded(*chosen_rounds(SPACE, jnp.asarray(SPACE.encode(text))))


def test_numbers_of_several_steps_are_those_of_each():
    rule = alone("drop(noise, 0.1) + annealed_noise")
    keys = jax.vmap(interpreter.draw_keys)(jax.random.split(jax.random.key(0), 4))
    drawn = jax.jit(interpreter.drawn, static_argnums=2)
    together = drawn(rule, keys, SIZE)
    for step in range(4):
        own = drawn(rule, keys[step], SIZE)
        for name in interpreter.Draws._fields:
            np.testing.assert_array_equal(getattr(together, name)[step], getattr(own, name))
    assert not np.any(drawn(alone("g"), keys, SIZE)) and together.noise.std() > 0.5
