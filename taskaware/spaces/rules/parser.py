"""The reader of written rules: a tree, or an error that points at the place."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from taskaware.errors import UserError, quoted, unknown
from taskaware.spaces.rules.language import (
    KEEP,
    LIMITS,
    MINUS,
    MOST_DEPTH,
    MOST_NODES,
    OPERANDS,
    SHARES,
    UNARY,
    Binary,
    Expression,
    Operand,
    Unary,
    depth,
    nodes,
)

LONGEST = 4000
"""Characters of a rule, at most."""

SHOWN = 60
"""Characters of a rule that an error shows around the place."""

_NUMBER = r"(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)"
_TOKEN = re.compile(rf"\s*(?:{_NUMBER}|(?P<name>[A-Za-z_]\w*)|(?P<mark>\*\*|[-+*/^(),]))")
_PLAIN = {form.removesuffix("(x)"): form for form in UNARY if form.endswith("(x)")}
_NUMBERED = {"clip": LIMITS, "drop": SHARES}
_FUNCTIONS = (*_PLAIN, *_NUMBERED, KEEP)
_FACTORS = {float(name[:-1]): name for name in OPERANDS if name.endswith("w")}
_NAMES = [name for name in OPERANDS if name.isidentifier()]


class _Token(NamedTuple):
    """A piece of the text: a "number", a "name", a "mark", or the "end"."""

    kind: str
    text: str
    place: int


def parse(text: str) -> Expression:
    """The tree of a rule; nothing in it is executed.

    `+ - * / ^` bind as in mathematics, and `^` binds to the right; `**` is `^`. The weight stands with its
    factor: `0.01w` or `0.01 * w`.

    Args:
        text: such as "g * exp(sign(g) * sign(m))"; LONGEST characters, MOST_NODES nodes and a depth of
            MOST_DEPTH at most.

    Raises:
        UserError: it is no rule; the message shows the place.

    >>> str(parse("(g)*exp( sign(g) *sign(m) )"))
    'g * exp(sign(g) * sign(m))'
    """
    if not isinstance(text, str):
        raise UserError(f"A rule is a text such as 'm / sqrt(v)', not {quoted(text)}.")
    if len(text) > LONGEST:
        raise UserError(f"The rule has {len(text):,} characters. Give {LONGEST:,} or fewer.")
    found = _Parser(text).whole()
    count, deep = sum(1 for _ in nodes(found)), depth(found)
    if count > MOST_NODES or deep > MOST_DEPTH:
        raise UserError(
            f"The rule has {count} operands and functions, {deep} within each other. Allowed are "
            f"{MOST_NODES} and {MOST_DEPTH}. Shorten it."
        )
    return found


class _Parser:
    """Recursive descent over the tokens of one text."""

    def __init__(self, text: str):
        self.text, self.at, self.level = text, 0, 0
        self.tokens = list(self._split())

    def whole(self) -> Expression:
        found = self._sum()
        if self._now.kind != "end":
            raise self._error("an operator or the end was expected")
        return found

    def _split(self) -> Iterator[_Token]:
        place = 0
        while self.text[place:].strip():
            match = _TOKEN.match(self.text, place)
            if match is None:
                start = place + len(self.text[place:]) - len(self.text[place:].lstrip())
                raise self._error("no rule contains this character", start)
            kind = str(match.lastgroup)
            yield _Token(kind, match[kind], match.start(kind))
            place = match.end()
        yield _Token("end", "", len(self.text.rstrip()))

    @property
    def _now(self) -> _Token:
        return self.tokens[self.at]

    def _ahead(self, *texts: str) -> bool:
        """Whether the next tokens are these."""
        following = self.tokens[self.at : self.at + len(texts)]
        return [token.text for token in following] == list(texts)

    def _take(self, *texts: str) -> str:
        """The next token if it is one of these, or else nothing."""
        if self._now.kind == "mark" and self._now.text in texts:
            self.at += 1
            return self.tokens[self.at - 1].text
        return ""

    def _expect(self, text: str) -> None:
        if not self._take(text):
            raise self._error(f"'{text}' was expected")

    def _sum(self) -> Expression:
        found, terms = self._product(), 1
        while sign := self._take("+", "-"):
            terms = self._counted(terms)
            found = Binary(sign, found, self._product())
        return found

    def _product(self) -> Expression:
        found, factors = self._minus(first=True), 1
        while sign := self._take("*", "/"):
            factors = self._counted(factors)
            found = Binary(sign, found, self._minus(first=sign == "*"))
        return found

    def _counted(self, count: int) -> int:
        """One more than the terms or factors so far; each makes the tree deeper."""
        if count >= MOST_DEPTH:
            raise self._error(f"there are more than {MOST_DEPTH} terms or factors in a row")
        return count + 1

    def _minus(self, *, first: bool = False) -> Expression:
        """A power, or minus one; `first` where a factor of w may follow."""
        self.level += 1
        if self.level > MOST_DEPTH:
            raise self._error(f"the rule is nested more than {MOST_DEPTH} deep")
        found = Unary(MINUS, self._minus(first=first)) if self._take("-") else self._power(first)
        self.level -= 1
        return found

    def _power(self, first: bool) -> Expression:
        found = self._atom(first)
        if not self._take("^", "**"):
            return found
        if found == Operand("g") and self._now.kind == "number" and float(self._now.text) == 3:
            self.at += 1
            if self._now.text in ("^", "**"):
                raise self._error("of 'g^3' a power needs brackets, '(g^3)^...',")
            return Operand("g^3")
        return Binary("^", found, self._minus())

    def _atom(self, first: bool) -> Expression:
        token = self._now
        if token.kind == "number":
            return self._number(first)
        if token.kind == "name":
            return self._call() if self.tokens[self.at + 1].text == "(" else self._name()
        if self._take("("):
            found = self._sum()
            self._expect(")")
            return found
        raise self._error("an operand or a function was expected")

    def _number(self, first: bool) -> Expression:
        token, value = self._now, float(self._now.text)
        self.at += 1
        times = self._ahead("*", "w")
        if times and not first:
            raise self._error(f"write '({token.text} * w)' in brackets", token.place)
        if times or self._ahead("w"):
            if value not in _FACTORS:
                raise self._error(f"w has one of the factors {', '.join(map(str, _FACTORS))};", token.place)
            self.at += 2 if times else 1
            if times and self._now.text in ("^", "**"):
                raise self._error(f"write '({token.text} * w)' in brackets", token.place)
            return Operand(_FACTORS[value])
        if value not in (1, 2):
            raise self._error("numbers are 1 and 2, or a factor such as '0.01w';", token.place)
        return Operand(str(int(value)))

    def _name(self) -> Expression:
        token = self._now
        if token.text == "w":
            raise self._error("w stands with a factor, such as '0.01w';")
        if token.text not in OPERANDS:
            if token.text in _FUNCTIONS:
                raise self._error(f"'{token.text}' is a function and takes brackets;")
            raise self._error(str(unknown("operand", token.text, _NAMES)))
        self.at += 1
        return Operand(token.text)

    def _call(self) -> Expression:
        token = self._now
        if token.text not in _FUNCTIONS:
            raise self._error(str(unknown("function", token.text, _FUNCTIONS)))
        self.at += 2
        inner = self._sum()
        if token.text == KEEP:
            self._expect(",")
            found: Expression = Binary(KEEP, inner, self._sum())
        elif token.text in _NUMBERED:
            self._expect(",")
            found = Unary(f"{token.text}(x, {self._setting(token.text)})", inner)
        else:
            found = Unary(_PLAIN[token.text], inner)
        self._expect(")")
        return found

    def _setting(self, name: str) -> str:
        """The second argument of `clip` or `drop`."""
        token, allowed = self._now, {float(number): number for number in _NUMBERED[name]}
        if token.kind != "number" or float(token.text) not in allowed:
            raise self._error(f"{name} takes one of the numbers {', '.join(allowed.values())};")
        self.at += 1
        return allowed[float(token.text)]

    def _error(self, what: str, place: int | None = None) -> UserError:
        """The error that shows the place, by default that of the next token."""
        place = self._now.place if place is None else place
        first = max(0, place - SHOWN // 2)
        shown = "".join(mark if mark.isprintable() else " " for mark in self.text[first : first + SHOWN])
        return UserError(
            f"The rule cannot be read at character {place + 1}: {what.rstrip('.;,')}.\n"
            f"  {shown}\n  {' ' * (place - first)}^"
        )
