"""A rule as rounds, b(u1(op1), u2(op2)) each, and back: the form of points and of the interpreter."""

from collections.abc import Sequence
from typing import NamedTuple

from taskaware.errors import UserError
from taskaware.spaces.rules.language import (
    BINARY,
    KEEP,
    OPERANDS,
    SAME,
    SIGN,
    UNARY,
    Binary,
    Expression,
    Operand,
    Unary,
    written,
)

MOST_ROUNDS = 5

_G, _M, _TWO = Operand("g"), Operand("m"), Operand("2")
COMPOUND: dict[str, Expression] = {
    "g^2": Binary("^", _G, _TWO),
    "sign(g)": Unary(SIGN, _G),
    "sign(m)": Unary(SIGN, _M),
}
"""Operands of rounds that are trees of more than a leaf."""

SLOTS: dict[str, Expression] = {
    name: COMPOUND.get(name) or Operand(name)
    for name in ("g", "g^2", "g^3", "m", "v", "gamma", "sign(g)", "sign(m)", *OPERANDS)
}
"""Name of an operand of a round → the tree that it stands for."""

UNARY_NAMES, BINARY_NAMES = tuple(UNARY), tuple(BINARY)
_SLOT_OF = {tree: name for name, tree in SLOTS.items()}


class Round(NamedTuple):
    """One round, b(u1(op1), u2(op2)).

    Attributes:
        op1, op2: names of SLOTS, or "r1", "r2", ... for the result of an earlier round.
        u1, u2: names of UNARY.
        b: name of BINARY.
    """

    op1: str
    op2: str
    u1: str
    u2: str
    b: str


def result(number: int) -> str:
    """The name of the result of a round, counted from 1."""
    return f"r{number}"


def rounds_of(expression: Expression, most: int = MOST_ROUNDS) -> tuple[Round, ...]:
    """The rounds of a rule; equal parts of it are computed once. The last one gives the step.

    Args:
        expression: the rule.
        most: rounds that are allowed.

    Raises:
        UserError: it needs more.

    >>> from taskaware.spaces.rules import parse
    >>> for each in rounds_of(parse("g * exp(sign(g) * sign(m))")):
    ...     print(*each, sep="  ")
    sign(g)  sign(m)  x  x  *
    g  r1  x  exp(x)  *
    """
    made = _rounds(expression)
    if len(made) > most:
        raise UserError(
            f"The rule '{_shown(expression)}' needs {len(made)} rounds, and {most} are allowed. Shorten it."
        )
    return made


def round_count(expression: Expression) -> int:
    """The number of rounds that a rule needs."""
    return len(_rounds(expression))


def _rounds(expression: Expression) -> tuple[Round, ...]:
    made: list[Round] = []
    places: dict[Expression, str] = {}

    def place(node: Expression) -> str:
        """The operand that holds a node's value; a round is added where there is none yet."""
        if node not in _SLOT_OF and node not in places:
            made.append(whole(node))
            places[node] = result(len(made))
        return _SLOT_OF.get(node) or places[node]

    def half(node: Expression) -> tuple[str, str]:
        if isinstance(node, Unary) and node not in _SLOT_OF and node not in places:
            return place(node.of), node.function
        return place(node), SAME

    def whole(node: Expression) -> Round:
        if isinstance(node, Binary) and node not in _SLOT_OF:
            (op1, u1), (op2, u2) = half(node.left), half(node.right)
            return Round(op1, op2, u1, u2, node.function)
        operand, function = half(node)
        return Round(operand, operand, function, SAME, KEEP)

    made.append(whole(expression))
    return tuple(made)


def tree_of(rounds: Sequence[Round]) -> Expression:
    """The rule that the last of the rounds gives, in the reverse of `rounds_of`."""
    places: dict[str, Expression] = dict(SLOTS)
    for number, each in enumerate(rounds, 1):
        left, right = (
            places[operand] if function == SAME else Unary(function, places[operand])
            for operand, function in ((each.op1, each.u1), (each.op2, each.u2))
        )
        places[result(number)] = left if each.b == KEEP else Binary(each.b, left, right)
    return places[result(len(rounds))]


def _shown(expression: Expression, longest: int = 80) -> str:
    text = written(expression)
    return text if len(text) <= longest else f"{text[:longest]}…"
