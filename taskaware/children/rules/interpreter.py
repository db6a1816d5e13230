"""One compiled program for all update rules: a rule is data, so hundreds of different ones share it.

What a rule uses is chosen by `lax.switch`. Where rules run one after another, as on a processor, only that is
computed. Under `vmap` everything is computed, and the right values are taken.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from taskaware.children.rules.values import (
    FUNCTIONS,
    OPERATORS,
    SMALL,
    Decays,
    Moment,
    advanced,
    bounded,
    corrected,
    value,
)
from taskaware.spaces.rules.language import BINARY, UNARY
from taskaware.spaces.rules.rounds import SLOTS

NOISE, ANNEALED = (list(SLOTS).index(name) for name in ("noise", "annealed_noise"))
DROPS = np.array([place for place, name in enumerate(UNARY) if name.startswith("drop")])
"""Places of what needs random numbers, in SLOTS and in UNARY."""


class Coded(NamedTuple):
    """A rule as numbers, as `chosen_rounds` gives it.

    Attributes:
        rounds: places of (op1, op2, u1, u2, b) in SLOTS, UNARY and BINARY, (R, 5). The results of rounds have
            the places after SLOTS.
        length: how many rounds the rule has, ().
    """

    rounds: Int[Array, "R 5"]
    length: Int[Array, ""]


class Running(NamedTuple):
    """What any rule may have to remember of P weights.

    Attributes:
        averages: of g, g^2 and g^3, not bias-corrected, (3, P).
        steps: steps so far, ().
    """

    averages: Float[Array, "3 P"]
    steps: Int[Array, ""]


class Draws(NamedTuple):
    """The random numbers of a step, or of some steps; the same for all rules.

    Attributes:
        noise, annealed: standard normal numbers, (P,) each.
        uniform: numbers of [0, 1), (P,).
    """

    noise: Float[Array, "*k P"]
    annealed: Float[Array, "*k P"]
    uniform: Float[Array, "*k P"]


def begun(size: int) -> Running:
    """What is remembered of so many weights before the first step."""
    return Running(jnp.zeros((len(Decays._fields), size), jnp.float32), jnp.zeros((), jnp.int32))


def draw_keys(key: Array) -> Array:
    """The keys of what is drawn at a step, one for each field of `Draws`."""
    return jax.random.split(key, len(Draws._fields))


def drawn(coded: Coded, keys: Array, size: int) -> Draws:
    """The random numbers of a step, or of K steps, for a rule; zeros where it uses none.

    Args:
        coded: the rule.
        keys: as `draw_keys` gives them, the same for all rules, (3,) or (K, 3).
        size: number of weights.
    """
    live = (jnp.arange(len(coded.rounds)) < coded.length)[:, None]
    operands, functions = coded.rounds[:, :2], coded.rounds[:, 2:4]
    used = (operands == NOISE, operands == ANNEALED, jnp.isin(functions, DROPS))
    shape, kinds = (*keys.shape[:-1], size), (jax.random.normal, jax.random.normal, jax.random.uniform)

    def numbers(kind: Callable, own: Array) -> Array:
        draw = functools.partial(kind, shape=(size,), dtype=jnp.float32)
        return jax.vmap(draw)(own) if own.ndim else draw(own)

    return Draws(
        *(
            jax.lax.cond(
                (there & live).any(),
                functools.partial(numbers, kind, keys[..., place]),
                lambda: jnp.zeros(shape, jnp.float32),
            )
            for place, (there, kind) in enumerate(zip(used, kinds, strict=True))
        )
    )


def stepped(
    coded: Coded, running: Running, g: Float[Array, " P"], *, w: Float[Array, " P"], draws: Draws, done: Any
) -> tuple[Float[Array, " P"], Running]:
    """What a rule gives for a gradient, before the learning rate, and what is remembered then.

    Args:
        coded: the rule.
        running: before the step.
        g: gradient of all weights.
        w: the weights.
        draws: random numbers.
        done: share of all steps that are done before this one.
    """
    g, count, decays = bounded(g), running.steps + 1, Decays()
    raw = [
        advanced(name, running.averages[place], g, decays[place]) for place, name in enumerate(Decays._fields)
    ]
    m, v, gamma = (corrected(each, decay, count) for each, decay in zip(raw, decays, strict=True))
    now = Moment(
        g=g,
        w=w,
        m=m,
        v=v,
        gamma=gamma,
        trace=raw[0] / (1 - decays.m),
        normal=(draws.noise, draws.annealed),
        uniform=draws.uniform,
        steps=running.steps,
        done=done,
    )
    return interpreted(coded, now), Running(jnp.stack(raw), count)


def interpreted(coded: Coded, now: Moment) -> Float[Array, " P"]:
    """The value of a rule that is data; equal to `value` of its tree.

    Args:
        coded: the rule.
        now: the step, with all that any operand is computed from.
    """
    leaves = [lambda results, place, tree=tree: value(tree, now) for tree in SLOTS.values()]
    choices = [*leaves, lambda results, place: results[place - len(SLOTS)]]

    def operand(place: Array, results: Array) -> Array:
        return jax.lax.switch(jnp.minimum(place, len(SLOTS)), choices, results, place)

    def one(number: Array, results: Array) -> Array:
        op1, op2, u1, u2, b = coded.rounds[number]
        left = _unary(u1, operand(op1, results), now.uniform)
        right = _unary(u2, operand(op2, results), now.uniform)
        return jax.lax.dynamic_update_index_in_dim(results, _binary(b, left, right), number, 0)

    results = jnp.zeros((len(coded.rounds), *now.g.shape), now.g.dtype)
    return jax.lax.fori_loop(0, coded.length, one, results)[coded.length - 1]


def _unary(which: Array, x: Array, uniform: Array | None) -> Array:
    choices = [lambda x, name=name: bounded(FUNCTIONS[name](x, uniform)) for name in UNARY]
    return jax.lax.switch(which, choices, x)


def _binary(which: Array, x: Array, y: Array) -> Array:
    choices = [lambda x, y, name=name: bounded(OPERATORS[name](x, y, SMALL)) for name in BINARY]
    return jax.lax.switch(which, choices, x, y)
