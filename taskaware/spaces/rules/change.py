"""Small changes of a rule: one function or operand becomes another one, comes, or goes."""

import dataclasses

import numpy as np

from taskaware.spaces.rules.language import (
    BINARY,
    MOST_DEPTH,
    MOST_NODES,
    OPERANDS,
    SAME,
    UNARY,
    Binary,
    Expression,
    Operand,
    Unary,
    depth,
    nodes,
)
from taskaware.spaces.rules.rounds import MOST_ROUNDS, round_count

FUNCTIONS = [name for name in UNARY if name != SAME]


def mutate(expression: Expression, rng: np.random.Generator) -> Expression:
    """The rule with a small change at one node.

    An operand becomes another one, or a function another one of its kind; a unary function comes or goes; a
    binary function comes with an operand beside it, or goes with an operand. Such changes lead from any rule
    to any other. A rule of up to MOST_ROUNDS rounds stays one.

    Args:
        expression: the rule.
        rng: of the draws.

    >>> from taskaware.spaces.rules import parse
    >>> rng = np.random.default_rng(0)
    >>> [str(mutate(parse("m / sqrt(v)"), rng)) for _ in range(3)]
    ['m / sqrt(clip(v, 1e-4))', 'g / sqrt(v)', 'm + sqrt(v)']
    """
    sizes = _sizes(expression)
    limits = np.maximum(sizes, (MOST_NODES, MOST_DEPTH, MOST_ROUNDS))
    while True:
        found = _changed(expression, int(rng.integers(sizes[0])), rng)[0]
        if (_sizes(found) <= limits).all():
            return found


def _sizes(expression: Expression) -> np.ndarray:
    """What the parser and the space limit: nodes, depth and rounds."""
    return np.array([sum(1 for _ in nodes(expression)), depth(expression), round_count(expression)])


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
    """The node as another one, or with a function more, or without its own; each as often."""
    ways = [_another, _with_unary, _with_binary]
    if isinstance(node, Unary) or (isinstance(node, Binary) and _sides(node)):
        ways.append(_without)
    return ways[int(rng.integers(len(ways)))](node, rng)


def _another(node: Expression, rng: np.random.Generator) -> Expression:
    if isinstance(node, Operand):
        return Operand(_drawn([name for name in OPERANDS if name != node.name], rng))
    names = list(BINARY) if isinstance(node, Binary) else FUNCTIONS
    return dataclasses.replace(node, function=_drawn([name for name in names if name != node.function], rng))


def _with_unary(node: Expression, rng: np.random.Generator) -> Expression:
    return Unary(_drawn(FUNCTIONS, rng), node)


def _with_binary(node: Expression, rng: np.random.Generator) -> Expression:
    """The node on one side of a binary function, and an operand on the other."""
    beside, function = Operand(_drawn(list(OPERANDS), rng)), _drawn(list(BINARY), rng)
    return Binary(function, node, beside) if rng.random() < 0.5 else Binary(function, beside, node)


def _without(node: Expression, rng: np.random.Generator) -> Expression:
    """What the function of a node is applied to; of a binary one, a side whose other side is an operand."""
    if isinstance(node, Unary):
        return node.of
    sides = _sides(node)
    return sides[int(rng.integers(len(sides)))]


def _sides(node: Expression) -> list[Expression]:
    """The sides of a binary function that stay where the function goes with an operand."""
    if not isinstance(node, Binary):
        return []
    pairs = ((node.left, node.right), (node.right, node.left))
    return [stays for stays, goes in pairs if isinstance(goes, Operand)]


def _drawn(names: list[str], rng: np.random.Generator) -> str:
    return str(rng.choice(names))
