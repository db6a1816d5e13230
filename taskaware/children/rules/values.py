"""What operands and functions of update rules are as numbers.

Every value stays within ± LIMIT, so a finite gradient gives a finite step: no function makes NaN of numbers.
A gradient of NaN gives a step of NaN, as everywhere in optax.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from taskaware.spaces.rules.language import (
    KEEP,
    LIMITS,
    MINUS,
    SAME,
    SHARES,
    SIGN,
    Expression,
    Operand,
    Unary,
)

LIMIT = 1e36
SMALL = 1e-8
"""Added to the size of what divides, unless the user gives another number; optax adds as much in Adam."""

TINY = 1e-30
"""Least number that a logarithm is taken of."""

PERIODS = 10
"""Waves of `cyclical` and `restart`."""

SPREAD = 0.1
"""Standard deviation of `noise`."""

ANNEALING = 0.275
"""Half of 0.55, the power by which the variance of `annealed_noise` falls."""

Number = Array | float


class Decays(NamedTuple):
    """Decays of the moving averages of g, g^2 and g^3."""

    m: Number = 0.9
    v: Number = 0.999
    gamma: Number = 0.999


class Moment(NamedTuple):
    """All that the operands of a step are computed from; what a rule does not use may be missing.

    Attributes:
        g: gradient, within the limits.
        w: weights.
        m, v, gamma: moving averages of the powers of g, bias-corrected.
        trace: momentum of optax.
        normal: two independent arrays of standard normal numbers.
        uniform: numbers of [0, 1); all drops of a step use the same.
        steps: number of steps before this one.
        done: share of all steps that are done before it.
        small: added to the size of what divides.
    """

    g: Float[Array, "*s"]
    w: Float[Array, "*s"] | None = None
    m: Float[Array, "*s"] | None = None
    v: Float[Array, "*s"] | None = None
    gamma: Float[Array, "*s"] | None = None
    trace: Float[Array, "*s"] | None = None
    normal: Any = None
    uniform: Float[Array, "*s"] | None = None
    steps: Any = None
    done: Any = None
    small: Number = SMALL


def bounded(x: Array) -> Array:
    """The number, cut to ± LIMIT; NaN stays."""
    return jnp.clip(x, -LIMIT, LIMIT)


def _clip(limit: float) -> Callable:
    return lambda x, uniform: jnp.clip(x, -limit, limit)


def _drop(share: float) -> Callable:
    return lambda x, uniform: jnp.where(uniform < share, jnp.zeros_like(x), x)


FUNCTIONS: dict[str, Callable[[Array, Any], Array]] = {
    SAME: lambda x, uniform: x,
    MINUS: lambda x, uniform: -x,
    "exp(x)": lambda x, uniform: jnp.exp(x),
    "log(x)": lambda x, uniform: jnp.log(jnp.maximum(jnp.abs(x), TINY)),
    "sqrt(x)": lambda x, uniform: jnp.sqrt(jnp.abs(x)),
    **{f"clip(x, {limit})": _clip(float(limit)) for limit in LIMITS},
    **{f"drop(x, {share})": _drop(float(share)) for share in SHARES},
    SIGN: lambda x, uniform: jnp.sign(x),
}
"""Name of a unary function → (x, uniform numbers) → its value, before it is bounded."""


def _quotient(x: Array, y: Array, small: Number) -> Array:
    return x / (y + jnp.where(y < 0, -small, small).astype(y.dtype))


def _power(x: Array, y: Array, small: Number) -> Array:
    """x to the power of y; where x is negative and y is broken, the power of the size of x."""
    return jnp.power(jnp.where((x < 0) & (y != jnp.round(y)), -x, x), y)


OPERATORS: dict[str, Callable[[Array, Array, Number], Array]] = {
    "+": lambda x, y, small: x + y,
    "-": lambda x, y, small: x - y,
    "*": lambda x, y, small: x * y,
    "/": _quotient,
    "^": _power,
    KEEP: lambda x, y, small: x,
}
"""Name of a binary function → (x, y, small) → its value, before it is bounded."""


def unary(function: str, x: Array, uniform: Array | None) -> Array:
    """A unary function of a value.

    Args:
        function: its name.
        x: the value.
        uniform: see `Moment`.
    """
    return bounded(FUNCTIONS[function](x, uniform))


def binary(function: str, x: Array, y: Array, small: Number = SMALL) -> Array:
    """A binary function of two values.

    Args:
        function: its name.
        x, y: the values.
        small: see `Moment`.
    """
    return bounded(OPERATORS[function](x, y, small))


def _constant(value: float) -> Callable:
    return lambda now: jnp.full_like(now.g, value)


def _weights(factor: float) -> Callable:
    return lambda now: factor * now.w


def _wave(halves: int, *, restart: bool) -> Callable:
    """A cosine between 1 and 0 over the steps, of so many half waves."""

    def value(now: Moment) -> Array:
        place = halves * jnp.clip(now.done, 0.0, 1.0)
        place = place % 1 if restart else place
        return jnp.full_like(now.g, 0.5 + 0.5 * jnp.cos(jnp.pi * place))

    return value


def _annealed(now: Moment) -> Array:
    return now.normal[1] * jnp.power(1.0 + now.steps, -ANNEALING).astype(now.g.dtype)


_LEAVES: dict[str, Callable[[Any], Array]] = {
    "g": lambda now: now.g,
    "g^3": lambda now: now.g * now.g * now.g,
    "m": lambda now: now.m,
    "v": lambda now: now.v,
    "gamma": lambda now: now.gamma,
    "1": _constant(1.0),
    "2": _constant(2.0),
    "noise": lambda now: SPREAD * now.normal[0],
    **{f"{factor}w": _weights(float(factor)) for factor in ("0.0001", "0.001", "0.01", "0.1")},
    "adam": lambda now: _quotient(now.m, jnp.sqrt(now.v), now.small),
    "rmsprop": lambda now: _quotient(now.g, jnp.sqrt(now.v), now.small),
    "trace": lambda now: now.trace,
    "linear": lambda now: jnp.full_like(now.g, 1.0 - jnp.clip(now.done, 0.0, 1.0)),
    "cosine": _wave(1, restart=False),
    "cyclical": _wave(2 * PERIODS, restart=False),
    "restart": _wave(PERIODS, restart=True),
    "annealed_noise": _annealed,
}


def value(expression: Expression, now: Moment) -> Array:
    """What a rule gives at a step, before the learning rate; equal parts are computed once.

    Args:
        expression: the rule.
        now: the step.
    """
    return _value(expression, now, {})


def _value(expression: Expression, now: Moment, found: dict[Expression, Array]) -> Array:
    if expression not in found:
        found[expression] = _computed(expression, now, found)
    return found[expression]


def _computed(expression: Expression, now: Moment, found: dict[Expression, Array]) -> Array:
    if isinstance(expression, Operand):
        return bounded(_LEAVES[expression.name](now))
    if isinstance(expression, Unary):
        return unary(expression.function, _value(expression.of, now, found), now.uniform)
    left = _value(expression.left, now, found)
    if expression.function == "^" and expression.right == Operand("2"):
        return bounded(left * left)
    if expression.function == KEEP:
        return left
    return binary(expression.function, left, _value(expression.right, now, found), now.small)


class Needs(NamedTuple):
    """What the operands and functions of a rule are computed from.

    Attributes:
        averages: names of the moving averages.
        weights, random, done: whether it needs these.
    """

    averages: tuple[str, ...]
    weights: bool
    random: bool
    done: bool


_AVERAGES = {"adam": ("m", "v"), "rmsprop": ("v",), "trace": ("m",)}


def needs(names: tuple[str, ...], functions: tuple[str, ...], decays: tuple[str, ...]) -> Needs:
    """What a rule of these operands and unary functions needs.

    Args:
        names: of its operands.
        functions: its unary functions.
        decays: names of the operands that depend on the share of steps that are done.
    """
    averages = {each for name in names for each in _AVERAGES.get(name, (name,))}
    return Needs(
        tuple(name for name in Decays._fields if name in averages),
        any(name.endswith("w") for name in names),
        any("noise" in name for name in names) or any(name.startswith("drop") for name in functions),
        any(name in decays for name in names),
    )


def advanced(name: str, average: Array, g: Array, decay: Number) -> Array:
    """A moving average after one more gradient.

    Args:
        name: of the average: m, v or gamma.
        average: before the step, not bias-corrected.
        g: gradient.
        decay: of the average.
    """
    new = {"m": g, "v": g * g, "gamma": g * g * g}[name]
    return (1 - decay) * bounded(new) + decay * average


def corrected(average: Array, decay: Number, count: Array) -> Array:
    """The bias-corrected average.

    Args:
        average: as `advanced` gives it.
        decay: of the average.
        count: gradients in it, 1 or more.
    """
    return average / jnp.asarray(1 - decay**count).astype(average.dtype)
