"""One compiled program for all update rules: a rule is data, so hundreds of them run under one `vmap`."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
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
    """The random numbers of a step; the same for all rules.

    Attributes:
        normal: standard normal numbers, (2, P).
        uniform: numbers of [0, 1), (P,).
    """

    normal: Float[Array, "2 P"]
    uniform: Float[Array, " P"]


def begun(size: int) -> Running:
    """What is remembered of so many weights before the first step."""
    return Running(jnp.zeros((len(Decays._fields), size)), jnp.zeros((), jnp.int32))


def drawn(key: Array, size: int) -> Draws:
    """The random numbers of a step on so many weights."""
    normal_key, uniform_key = jax.random.split(key)
    return Draws(jax.random.normal(normal_key, (2, size)), jax.random.uniform(uniform_key, (size,)))


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
        normal=(draws.normal[0], draws.normal[1]),
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
    operands = [value(tree, now) for tree in SLOTS.values()]
    results = [jnp.zeros_like(now.g)] * len(coded.rounds)
    # Rows of operands, then one of each round, filled as the rounds are computed.
    table = jnp.stack([*operands, *results])

    def one(table: Array, round_: tuple[Array, Array]) -> tuple[Array, None]:
        codes, place = round_
        left, right = jax.vmap(_unary, (0, 0, None))(codes[2:4], table[codes[:2]], now.uniform)
        b = codes[4]
        return jax.lax.dynamic_update_index_in_dim(table, _binary(b, left, right), place, 0), None

    places = len(operands) + jnp.arange(len(coded.rounds))
    table, _ = jax.lax.scan(one, table, (coded.rounds, places))
    return table[len(operands) + coded.length - 1]


def _unary(which: Array, x: Array, uniform: Array | None) -> Array:
    return bounded(
        jax.lax.select_n(which.astype(jnp.int32), *(FUNCTIONS[name](x, uniform) for name in UNARY))
    )


def _binary(which: Array, x: Array, y: Array) -> Array:
    return bounded(
        jax.lax.select_n(which.astype(jnp.int32), *(OPERATORS[name](x, y, SMALL) for name in BINARY))
    )
