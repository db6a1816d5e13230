"""The language of update rules: what a step may be made of, as frozen trees, and how a tree is written.

A rule says Δ, and a weight goes from w to w - λ Δ with the learning rate λ. One round of a rule is

    b(u1(op1), u2(op2))

with operands op, unary functions u and a binary function b; later rounds may use the results of earlier ones.
A tree holds the same, written as people write it: `g * exp(sign(g) * sign(m))`.

Source: Bello, Zoph, Vasudevan & Le 2017 (Neural Optimizer Search with Reinforcement Learning); CN110663049B.
"""

import dataclasses
from collections.abc import Iterator
from typing import TypeAlias

OPERANDS = {
    "g": "gradient",
    "g^3": "its third power",
    "m": "moving average of g, bias-corrected (decay 0.9)",
    "v": "moving average of g^2, bias-corrected (decay 0.999)",
    "gamma": "moving average of g^3, bias-corrected (decay 0.999)",
    "1": "one",
    "2": "two",
    "noise": "normal noise of variance 0.01",
    "0.0001w": "weight times 0.0001",
    "0.001w": "weight times 0.001",
    "0.01w": "weight times 0.01",
    "0.1w": "weight times 0.1",
    "adam": "m / sqrt(v)",
    "rmsprop": "g / sqrt(v)",
    "trace": "momentum as optax has it: g plus 0.9 times the last trace",
    "linear": "1 - t / T at step t of T",
    "cosine": "half a cosine wave from 1 to 0",
    "cyclical": "10 cosine waves between 1 and 0",
    "restart": "10 times half a cosine wave from 1 to 0",
    "annealed_noise": "normal noise of variance 1 / (1 + t)^0.55",
}
"""Name of a leaf of a tree → its meaning. `trace` is not in the publication: with it, momentum is optax's."""

DECAYS = ("linear", "cosine", "cyclical", "restart")
"""Operands that depend on the share of the steps that are done."""

LIMITS = ("1e-5", "1e-4", "1e-3")
SHARES = ("0.1", "0.3", "0.5")
KEEP, SAME, MINUS, SIGN = "keep", "x", "-x", "sign(x)"

UNARY = {
    SAME: "as it is",
    MINUS: "minus x",
    "exp(x)": "e to the power of x",
    "log(x)": "logarithm of |x|",
    "sqrt(x)": "root of |x|",
    **{f"clip(x, {limit})": f"x cut to ± {limit}" for limit in LIMITS},
    **{f"drop(x, {share})": f"0 with probability {share}, or else x" for share in SHARES},
    SIGN: "-1, 0 or 1",
}
"""Unary function, written with x for what it is applied to → its meaning."""

BINARY = {
    "+": "sum",
    "-": "difference",
    "*": "product",
    "/": "quotient",
    "^": "power; of a negative number to a broken power, that of its size",
    KEEP: "the left one; the right one is dropped",
}
"""Binary function → its meaning."""

MOST_NODES = 256
MOST_DEPTH = 32

# How strongly a node binds when it is written: sums, products, minus, powers, and what stands alone.
_SUM, _PRODUCT, _MINUS, _POWER, _ALONE = range(5)
_STRENGTH = {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "^": _POWER, KEEP: _ALONE}


@dataclasses.dataclass(frozen=True)
class Operand:
    """A leaf: a name of OPERANDS."""

    name: str

    def __str__(self) -> str:
        return written(self)


@dataclasses.dataclass(frozen=True)
class Unary:
    """A name of UNARY other than "x", applied to an expression."""

    function: str
    of: "Expression"

    def __str__(self) -> str:
        return written(self)


@dataclasses.dataclass(frozen=True)
class Binary:
    """A name of BINARY, applied to two expressions."""

    function: str
    left: "Expression"
    right: "Expression"

    def __str__(self) -> str:
        return written(self)


Expression: TypeAlias = Operand | Unary | Binary


def parts(expression: Expression) -> tuple[Expression, ...]:
    """What an expression is applied to: nothing, one or two expressions."""
    if isinstance(expression, Unary):
        return (expression.of,)
    return (expression.left, expression.right) if isinstance(expression, Binary) else ()


def nodes(expression: Expression) -> Iterator[Expression]:
    """The expression and everything in it, from the root down and from left to right."""
    yield expression
    for part in parts(expression):
        yield from nodes(part)


def depth(expression: Expression) -> int:
    """Number of nodes from the root to the deepest leaf."""
    return 1 + max(map(depth, parts(expression)), default=0)


def operands(expression: Expression) -> tuple[str, ...]:
    """Names of the leaves, each once, in the order of OPERANDS.

    >>> from taskaware.spaces.rules import parse
    >>> operands(parse("g * exp(sign(g) * sign(m))"))
    ('g', 'm')
    """
    there = {node.name for node in nodes(expression) if isinstance(node, Operand)}
    return tuple(name for name in OPERANDS if name in there)


def written(expression: Expression) -> str:
    """The expression as text, with as few brackets as `parse` needs to read it back.

    >>> g, m = Operand("g"), Operand("m")
    >>> written(Binary("*", Binary("+", g, m), Unary("exp(x)", g)))
    '(g + m) * exp(g)'
    """
    return _written(expression, _SUM)


def _written(expression: Expression, needed: int) -> str:
    """The text, in brackets where it binds less strongly than `needed`."""
    text, strength = _text(expression)
    return text if strength >= needed else f"({text})"


def _text(expression: Expression) -> tuple[str, int]:
    if isinstance(expression, Operand):
        return expression.name, _POWER if "^" in expression.name else _ALONE
    if isinstance(expression, Unary):
        if expression.function == MINUS:
            return f"-{_written(expression.of, _MINUS)}", _MINUS
        head, _, tail = expression.function.partition("(x")
        return f"{head}({_written(expression.of, _SUM)}{tail}", _ALONE
    strength = _STRENGTH[expression.function]
    if expression.function == KEEP:
        both = (_written(each, _SUM) for each in parts(expression))
        return f"{KEEP}({', '.join(both)})", _ALONE
    if expression.function == "^":
        # A power binds to the right, and stronger than a minus before it.
        left, right = _written(expression.left, _ALONE), _written(expression.right, _MINUS)
        return f"{left}^{right}", _POWER
    left, right = _written(expression.left, strength), _written(expression.right, strength + 1)
    return f"{left} {expression.function} {right}", strength
