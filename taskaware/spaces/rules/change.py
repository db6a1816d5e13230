"""Small changes of a rule: one node becomes another one."""

import dataclasses

import numpy as np

from taskaware.spaces.rules.language import (
    BINARY,
    OPERANDS,
    SAME,
    UNARY,
    Binary,
    Expression,
    Operand,
    Unary,
    nodes,
)


def mutate(expression: Expression, rng: np.random.Generator) -> Expression:
    """The rule with one node changed: an operand, a binary function, or a unary one, which may also go.

    Args:
        expression: the rule.
        rng: of the draws.

    >>> from taskaware.spaces.rules import parse
    >>> str(mutate(parse("m / sqrt(v)"), np.random.default_rng(0)))
    'm / sqrt(rmsprop)'
    """
    count = sum(1 for _ in nodes(expression))
    return _changed(expression, int(rng.integers(count)), rng)[0]


def _changed(node: Expression, steps: int, rng: np.random.Generator) -> tuple[Expression, int]:
    """The node with the one changed that lies so many steps on, and the steps that are left behind it."""
    if steps == 0:
        return _other(node, rng), -1
    steps -= 1
    if isinstance(node, Unary):
        of, steps = _changed(node.of, steps, rng)
        return Unary(node.function, of), steps
    if isinstance(node, Binary):
        left, steps = _changed(node.left, steps, rng)
        if steps < 0:
            return Binary(node.function, left, node.right), steps
        right, steps = _changed(node.right, steps, rng)
        return Binary(node.function, left, right), steps
    return node, steps


def _other(node: Expression, rng: np.random.Generator) -> Expression:
    if isinstance(node, Operand):
        return Operand(_drawn(OPERANDS, node.name, rng))
    if isinstance(node, Binary):
        return dataclasses.replace(node, function=_drawn(BINARY, node.function, rng))
    function = _drawn(UNARY, node.function, rng)
    return node.of if function == SAME else Unary(function, node.of)


def _drawn(names: dict[str, str], but: str, rng: np.random.Generator) -> str:
    return str(rng.choice([name for name in names if name != but]))
