"""The canonical form of a rule: rules that are equal by the laws of algebra become one tree.

The forms are equal as numbers, up to rounding. Not all equal rules are found; what is merged is always equal.
"""

import functools
from collections import Counter
from collections.abc import Iterable
from typing import TypeGuard

from taskaware.spaces.rules.language import (
    KEEP,
    MINUS,
    SIGN,
    Binary,
    Expression,
    Operand,
    Unary,
    written,
)

G, M, V, ONE, TWO = (Operand(name) for name in ("g", "m", "v", "1", "2"))
CUBE, ADAM, RMSPROP = Operand("g^3"), Operand("adam"), Operand("rmsprop")
ZERO = Binary("-", ONE, ONE)

_SAME_SIGN: dict[Expression, Expression] = {ADAM: M, Operand("trace"): M, RMSPROP: G}
_EVEN = ("sqrt(x)", "log(x)")
_ROOT = Unary("sqrt(x)", V)


def canonical(expression: Expression) -> Expression:
    """The one form of all rules that are equal by the laws this module knows.

    Sums and products are sorted, minus signs stand outside, what is kept left loses its right side, and
    `m / sqrt(v)` is `adam`.

    >>> from taskaware.spaces.rules import parse
    >>> str(canonical(parse("--sign(m) * sign(g) * g")))
    'g * sign(g) * sign(m)'
    >>> str(canonical(parse("keep(m / sqrt(-v), noise) + 1 - 1")))
    'adam'
    """
    while (found := _once(expression)) != expression:
        expression = found
    return expression


@functools.lru_cache(maxsize=4096)
def _once(expression: Expression) -> Expression:
    """One pass over the tree, from the leaves up."""
    if isinstance(expression, Operand):
        return expression
    if isinstance(expression, Unary):
        return _unary(expression.function, _once(expression.of))
    return _binary(expression.function, _once(expression.left), _once(expression.right))


def _negated(expression: Expression) -> Expression:
    return expression.of if _is(expression, MINUS) else Unary(MINUS, expression)


def _is(expression: Expression, function: str) -> TypeGuard[Unary]:
    return isinstance(expression, Unary) and expression.function == function


def _unary(function: str, of: Expression) -> Expression:
    if function == MINUS:
        if isinstance(of, Binary) and of.function == "-":
            return Binary("-", of.right, of.left)
        return _negated(of)
    if isinstance(of, Unary) and of.function == MINUS and function != "exp(x)":
        # Of functions that are even or odd, the sign is lost or stands outside.
        inner = _unary(function, of.of)
        return inner if function in _EVEN else _negated(inner)
    if function == SIGN:
        return _sign(of)
    if isinstance(of, Unary) and function[:5] == of.function[:5] and function[:5] in ("clip(", "drop("):
        stronger = min if function.startswith("clip") else max
        return Unary(stronger(function, of.function, key=_setting), of.of)
    return Unary(function, of)


def _setting(function: str) -> float:
    return float(function.partition(", ")[2][:-1])


def _sign(of: Expression) -> Expression:
    if of in (ONE, TWO):
        return ONE
    return of if _is(of, SIGN) else Unary(SIGN, _SAME_SIGN.get(of, of))


def _binary(function: str, left: Expression, right: Expression) -> Expression:
    if function == KEEP:
        return left
    if function in "+-":
        return _sum(Binary(function, left, right))
    if function == "*":
        return _product(Binary(function, left, right))
    return _quotient(left, right) if function == "/" else _power(left, right)


def _quotient(left: Expression, right: Expression) -> Expression:
    if right == ONE:
        return left
    if _is(left, MINUS):
        return _negated(_quotient(left.of, right))
    if right == _ROOT and left in (M, G):
        return ADAM if left == M else RMSPROP
    return Binary("/", left, right)


def _power(left: Expression, right: Expression) -> Expression:
    if right == ONE or left == ONE:
        return left
    return Binary("^", left.of if right == TWO and _is(left, MINUS) else left, right)


def _sum(expression: Expression) -> Expression:
    """A sum with its terms sorted, those that cancel left out, and what is added before what is taken off."""
    counts: Counter = Counter()
    for term, sign in _terms(expression, 1):
        if term == TWO:
            term, sign = ONE, 2 * sign
        counts[term] += sign
    plus = [part for term, count in counts.items() for part in _times(term, count)]
    minus = [part for term, count in counts.items() for part in _times(term, -count)]
    if not plus:
        return _negated(_chain("+", minus)) if minus else ZERO
    found = _chain("+", plus)
    for term in _sorted(minus):
        found = Binary("-", found, term)
    return found


def _terms(expression: Expression, sign: int) -> Iterable[tuple[Expression, int]]:
    """The terms of a sum, each with the sign that it counts with."""
    if _is(expression, MINUS):
        yield from _terms(expression.of, -sign)
    elif isinstance(expression, Binary) and expression.function in "+-":
        yield from _terms(expression.left, sign)
        yield from _terms(expression.right, sign if expression.function == "+" else -sign)
    elif isinstance(expression, Binary) and expression.function == "*" and TWO in _factors(expression):
        rest = list(_factors(expression))
        rest.remove(TWO)
        yield _chain("*", rest), 2 * sign
    else:
        yield expression, sign


def _times(term: Expression, count: int) -> list[Expression]:
    """A term that many times, as few terms as the numbers 1 and 2 allow."""
    if count <= 0:
        return []
    twice = TWO if term == ONE else _product(Binary("*", TWO, term))
    return [twice] * (count // 2) + [term] * (count % 2)


def _product(expression: Expression) -> Expression:
    """A product with its factors sorted, equal ones as powers, and its sign outside."""
    factors, negative = [], False
    for factor in _factors(expression):
        negative ^= _is(factor, MINUS)
        factors.append(factor.of if _is(factor, MINUS) else factor)
    counts = Counter(each for factor in factors for each in _bases(factor))
    counts.pop(ONE, None)
    together = [part for base, count in counts.items() for part in _powers(base, count)]
    found = _chain("*", together) if together else ONE
    return _negated(found) if negative else found


def _factors(expression: Expression) -> Iterable[Expression]:
    if isinstance(expression, Binary) and expression.function == "*":
        return [*_factors(expression.left), *_factors(expression.right)]
    return [expression]


def _bases(factor: Expression) -> list[Expression]:
    """The factor, a second or third power as equal factors."""
    if factor == CUBE:
        return [G] * 3
    if isinstance(factor, Binary) and factor.function == "^" and factor.right == TWO:
        return [factor.left] * 2
    return [factor]


def _powers(base: Expression, count: int) -> list[Expression]:
    if base == TWO:
        return [TWO] * count
    found: list[Expression] = []
    if base == G:
        found, count = [CUBE] * (count // 3), count % 3
    return found + [Binary("^", base, TWO)] * (count // 2) + [base] * (count % 2)


def _sorted(expressions: Iterable[Expression]) -> list[Expression]:
    return sorted(expressions, key=written)


def _chain(function: str, expressions: Iterable[Expression]) -> Expression:
    """The expressions joined from left to right, sorted."""
    return functools.reduce(lambda left, right: Binary(function, left, right), _sorted(expressions))
