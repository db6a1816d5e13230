"""Settings of studies: dataclasses, changed by `key=value` and typed by their fields."""

import dataclasses
import functools
import inspect
import math
import re
import types
import typing
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

from taskaware.errors import UserError, quoted, unknown

MOST_SEEDS = 10_000
"""Every seed is a job, or several."""
BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
NAMES = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
MENDS = {
    int: "Give digits only, for example 300",
    float: "Give a finite one, for example 0.01 or 1e-2",
    bool: "Give true or false",
}


class Setting(NamedTuple):
    """One setting, as text.

    Attributes:
        kind: type of its value.
        value: its value, as it would be assigned.
        comment: the comment above it in the source; "" if there is none.
    """

    kind: str
    value: str
    comment: str


class Leaf(NamedTuple):
    """A setting that is no group of others: its type, its value, and the comment above it."""

    hint: Any
    value: object
    comment: str


def overridden(config, assignments: Sequence[str]):
    """The config with some settings changed; it and every config in it is checked.

    Args:
        config: a frozen dataclass of plain data and of other such dataclasses.
        assignments: "key=value" each; a dot leads into a nested one, a comma parts the entries of a list.

    Raises:
        UserError: a key is unknown (the nearest is suggested), a value is not of its field's type, or a
            config does not pass its own `check`.
    """
    for assignment in assignments:
        key, equals, text = (part.strip() for part in assignment.partition("="))
        if not equals:
            raise UserError(f"{quoted(assignment)} sets nothing. Write key=value, for example seeds=3.")
        leaf = _leaf(dict(_leaves(config)), key)
        config = _replaced(config, key.split("."), _read(key, text, leaf.hint))
    _check(config)
    return config


def keys(config) -> dict[str, Setting]:
    """Every setting of a config by its dotted name."""
    return {
        name: Setting(_kind(leaf.hint), _shown(leaf.value), leaf.comment) for name, leaf in _leaves(config)
    }


def _leaves(config, before: str = "") -> Iterator[tuple[str, Leaf]]:
    """Every setting by its dotted name, behind the names of the groups before it."""
    comments, hints = _comments(cast(Hashable, type(config))), typing.get_type_hints(type(config))
    for field in dataclasses.fields(config):
        value, hint, name = getattr(config, field.name), hints[field.name], before + field.name
        if dataclasses.is_dataclass(hint):
            yield from _leaves(value, f"{name}.")
        else:
            yield name, Leaf(hint, value, comments.get(field.name, ""))


def _leaf(leaves: dict[str, Leaf], key: str) -> Leaf:
    """The setting of that name.

    Raises:
        UserError: the name is unknown; if only its groups are missing, the full name is suggested.
    """
    if key in leaves:
        return leaves[key]
    inside = [name for name in leaves if name.startswith(f"{key}.")]
    if inside:
        raise UserError(f"Setting '{key}' is a group. Set one of {', '.join(inside)}.")
    ends = [f"'{name}'" for name in leaves if key and name.endswith(f".{key}")]
    if not ends:
        raise unknown("setting", key, leaves)
    raise UserError(
        f"Unknown setting '{key}'. Did you mean {' or '.join(ends)}? Allowed: {', '.join(leaves)}."
    )


def _replaced(config, path: Sequence[str], value: object):
    """The config with one value in it changed."""
    name, *rest = path
    inner = _replaced(getattr(config, name), rest, value) if rest else value
    return dataclasses.replace(config, **{name: inner})


def _check(config) -> None:
    """Check nested configs first, because an outer check may rely on valid inner ones."""
    seeds = getattr(config, "seeds", 0)
    if isinstance(seeds, int) and seeds > MOST_SEEDS:
        raise UserError(f"Setting seeds={quoted(seeds)} is too large. Give 1 to {MOST_SEEDS:,}.")
    for field in dataclasses.fields(config):
        if dataclasses.is_dataclass(inner := getattr(config, field.name)):
            _check(inner)
    if hasattr(config, "check"):
        config.check()


def _read(key: str, text: str, hint: Any, instead: str = "") -> object:
    """The text as a value of the field's type; `instead` names the alternative that the field takes."""
    inner = _of_optional(hint)
    if inner is not None:
        return None if text.lower() == "none" else _read(key, text, inner, ", or none")
    if typing.get_origin(hint) is tuple:
        entry = typing.get_args(hint)[0]
        parts = [part.strip() for part in _unwrapped(text).split(",")]
        return tuple(_read(key, part, entry) for part in parts if part)
    if hint is str:
        return text
    if hint is bool and text.lower() in BOOLEANS:
        return BOOLEANS[text.lower()]
    if hint is int and re.fullmatch(r"[+-]?[0-9]{1,30}", text):
        return int(text)
    if hint is float and (number := _number(text)) is not None:
        return number
    mend = MENDS.get(hint, "Set it in the config")
    raise UserError(f"Setting {key}={quoted(text)} is not {NAMES.get(hint, hint)}. {mend}{instead}.")


def _of_optional(hint: Any) -> Any:
    """X of the type `X | None`; None of any other."""
    if typing.get_origin(hint) not in (typing.Union, types.UnionType):
        return None
    return next(each for each in typing.get_args(hint) if each is not type(None))


def _unwrapped(text: str) -> str:
    """A list without the brackets around the whole of it."""
    return text[1:-1] if text[:1] + text[-1:] in ("()", "[]") else text


def _number(text: str) -> float | None:
    """A finite number; nan would slip through every check of a range."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in text else None


def _kind(hint: Any) -> str:
    """The type of a field, as text.

    >>> _kind(tuple[int, ...]), _kind(float | None)
    ('list of: a whole number', 'a number or none')
    """
    inner = _of_optional(hint)
    if inner is not None:
        return f"{_kind(inner)} or none"
    if typing.get_origin(hint) is tuple:
        return f"list of: {_kind(typing.get_args(hint)[0])}"
    return NAMES.get(hint, str(hint))


def _shown(value: object) -> str:
    """A value as it would be assigned."""
    if isinstance(value, tuple):
        return ",".join(map(_shown, value))
    return str(value).lower() if isinstance(value, bool | None) else str(value)


@functools.lru_cache(maxsize=128)
def _comments(kind: type) -> Mapping[str, str]:
    """The comment above each field, or above the first of several; empty without the source.

    Cached, because Python parses the whole file to find the source of a class.
    """
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        try:
            lines = inspect.getsource(each).splitlines() if dataclasses.is_dataclass(each) else []
        except (OSError, TypeError):
            lines = []
        found |= dict(_commented(lines))
    return found


def _commented(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    above: list[str] = []
    before = ""
    for line in map(str.strip, lines):
        field = re.match(r"(\w+)\s*:", line)
        if line.startswith(("def ", "async def ")):
            # Fields come before methods.
            return
        if line.startswith("#"):
            above = [*above, line.lstrip("# ")] if before.startswith("#") else [line.lstrip("# ")]
        elif field and above:
            yield field.group(1), " ".join(above)
        before = line
