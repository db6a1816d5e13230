"""An update rule as an optax transformation."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array

from taskaware.children.rules.values import (
    SMALL,
    Decays,
    Moment,
    Number,
    advanced,
    bounded,
    corrected,
    needs,
    value,
)
from taskaware.errors import UserError, quoted
from taskaware.spaces.rules import Expression, Unary, operands, parse
from taskaware.spaces.rules.language import DECAYS, nodes

USUAL = Decays()


class RuleState(NamedTuple):
    """What a rule remembers: a plain pytree of arrays, which saves as any other.

    Attributes:
        steps: how many were made, ().
        key: of the random draws, as plain numbers; () for rules without any.
        averages: name of a moving average that the rule uses → a tree like the weights, not bias-corrected.
    """

    steps: Array
    key: Any
    averages: dict[str, Any]


def rule(
    text: str | Expression,
    learning_rate: float | Array | Callable,
    *,
    b1: Number = USUAL.m,
    b2: Number = USUAL.v,
    b3: Number = USUAL.gamma,
    eps: Number = SMALL,
    total_steps: int | Array | None = None,
    seed: int | Array = 0,
) -> optax.GradientTransformationExtraArgs:
    """An update rule as an optax transformation: the weights go from w to w - learning_rate * Δ.

    A finite gradient gives a finite step. Numbers of less than 32 bits are computed with 32.

    Args:
        text: of the rule, such as "g * exp(sign(g) * sign(m))", or its tree.
        learning_rate: a number, or an optax schedule.
        b1, b2, b3: decays of the moving averages m, v and gamma.
        eps: added to the size of what divides.
        total_steps: of the training, for rules that decay over it. `update(..., done=share)` tells the
            share of the steps that are done instead.
        seed: of noise and drops.

    Raises:
        UserError: the text is no rule, or a number is out of range; in `update`, weights or the share of
            steps are missing.

    >>> tuned = rule("m / sqrt(v)", learning_rate=0.1)
    >>> weights = jnp.array([1.0, -1.0])
    >>> steps, state = tuned.update(2 * weights, tuned.init(weights))
    >>> steps.round(3).tolist(), sorted(state.averages)
    ([-0.10000000149011612, 0.10000000149011612], ['m', 'v'])
    """
    tree = parse(text) if isinstance(text, str) else text
    _check(learning_rate, total_steps, eps, b1=b1, b2=b2, b3=b3)
    functions = tuple(node.function for node in nodes(tree) if isinstance(node, Unary))
    needed, decays = needs(operands(tree), functions, DECAYS), Decays(b1, b2, b3)

    def init(params: Any) -> RuleState:
        averages = {name: jax.tree.map(_zeros, params) for name in needed.averages}
        key = jax.random.key_data(jax.random.key(seed)) if needed.random else ()
        return RuleState(jnp.zeros([], jnp.int32), key, averages)

    def update(updates: Any, state: RuleState, params: Any = None, *, done: Any = None, **_: Any):
        # A state that was loaded holds arrays of NumPy, which would compute with 64 bits.
        state, structure = jax.tree.map(jnp.asarray, state), cast(Any, jax.tree.structure(updates))
        if needed.weights and params is None:
            raise UserError(f"The rule '{tree}' reads the weights: call update(gradient, state, weights).")
        if needed.done and done is None:
            if total_steps is None:
                raise UserError(f"The rule '{tree}' decays over the training: give it total_steps=...")
            done = state.steps / total_steps
        rate = learning_rate(state.steps) if callable(learning_rate) else learning_rate
        old = {name: structure.flatten_up_to(each) for name, each in state.averages.items()}
        weights = structure.flatten_up_to(params) if needed.weights else ()
        steps, new = [], []
        for number, gradient in enumerate(jax.tree.leaves(updates)):
            wide = _wide(gradient)
            g = bounded(jnp.asarray(gradient, wide))
            now = Moment(g, steps=state.steps, done=done, small=eps)
            if needed.weights:
                now = now._replace(w=jnp.asarray(weights[number], wide))
            if needed.random:
                now = _drawn(now, state.key, number)
            averages = {
                name: advanced(name, each[number], g, getattr(decays, name)) for name, each in old.items()
            }
            now = _averaged(now, averages, decays)
            steps.append((-rate * value(tree, now)).astype(jnp.result_type(gradient)))
            new.append(averages)
        kept = {name: structure.unflatten([each[name] for each in new]) for name in old}
        return structure.unflatten(steps), RuleState(optax.safe_increment(state.steps), state.key, kept)

    return optax.GradientTransformationExtraArgs(init, update)


def _averaged(now: Moment, averages: dict[str, Array], decays: Decays) -> Moment:
    """The step with the averages that it is in."""
    for name, average in averages.items():
        decay = getattr(decays, name)
        now = now._replace(**{name: corrected(average, decay, now.steps + 1)})
    return now._replace(trace=averages["m"] / (1 - decays.m)) if "m" in averages else now


def _drawn(now: Moment, key: Any, leaf: int) -> Moment:
    """The step with the random numbers of a leaf."""
    key = jax.random.fold_in(jax.random.fold_in(jax.random.wrap_key_data(key), now.steps), leaf)
    keys, shape, dtype = jax.random.split(key, 3), now.g.shape, now.g.dtype
    normal = (jax.random.normal(keys[0], shape, dtype), jax.random.normal(keys[1], shape, dtype))
    return now._replace(normal=normal, uniform=jax.random.uniform(keys[2], shape, dtype))


def _wide(leaf: Any) -> jnp.dtype:
    """The type that a leaf is computed in."""
    return jnp.promote_types(jnp.result_type(leaf), jnp.float32)


def _zeros(leaf: Any) -> Array:
    return jnp.zeros(jnp.shape(leaf), _wide(leaf))


def _check(learning_rate: Any, total_steps: Any, eps: Any, **decays: Any) -> None:
    """Refuse numbers out of range; what JAX traces is taken as it is."""
    if isinstance(learning_rate, int | float) and not 0 <= learning_rate < math.inf:
        raise UserError(f"learning_rate={learning_rate} is out of range. Give 0 or more.")
    if isinstance(learning_rate, str):
        raise UserError(
            f"learning_rate={quoted(learning_rate)} is no number. Give one, or an optax schedule."
        )
    if isinstance(total_steps, int) and total_steps < 1:
        raise UserError(f"total_steps={total_steps} is too small. Give 1 or more.")
    if isinstance(eps, int | float) and not 0 < eps < math.inf:
        raise UserError(f"eps={eps} is out of range. Give a number above 0, so that nothing divides by 0.")
    for name, decay in decays.items():
        if isinstance(decay, int | float) and not 0 <= decay < 1:
            raise UserError(f"{name}={decay} is out of range. Give 0 or more, and less than 1.")
