"""Configs of experiments: read from a Python file, changed by `key=value`, typed by their fields."""

import dataclasses
import inspect
import math
import re
import sys
import traceback
import types
import typing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from taskaware.errors import UserError, unknown

BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
NAMES = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
MENDS = {
    int: "Give digits only, for example 300",
    float: "Give a finite one, for example 0.01 or 1e-2",
    bool: "Give true or false",
}


class Setting(NamedTuple):
    """What is known of a setting.

    Attributes:
        kind: what it takes, in words.
        value: that it has, as it would be assigned.
        comment: above it in the source; "" where there is none.
    """

    kind: str
    value: str
    comment: str


def overridden(config, assignments: Sequence[str]):
    """The config with some settings changed; it and every config in it is checked.

    Args:
        config: a frozen dataclass of plain data and of other such dataclasses.
        assignments: "key=value" each; a dot leads into a nested one, a comma parts the entries of a list.

    Raises:
        UserError: a key is unknown (the nearest is named), a value is not of its field's type, or a config
            does not pass its own `check`.
    """
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise UserError(f"'{assignment}' sets nothing. Write key=value, for example seeds=3.")
        config = _assigned(config, key.strip(), text.strip(), list(keys(config)))
    _check(config)
    return config


def keys(config, before: str = "") -> dict[str, Setting]:
    """Every setting of a config by its dotted name, behind what stands before it."""
    found: dict[str, Setting] = {}
    comments, hints = _comments(type(config)), typing.get_type_hints(type(config))
    for field in dataclasses.fields(config):
        value, hint, name = getattr(config, field.name), hints[field.name], before + field.name
        if dataclasses.is_dataclass(hint):
            found |= keys(value, f"{name}.")
        else:
            found[name] = Setting(_kind(hint), _shown(value), comments.get(field.name, ""))
    return found


def load_experiment(path: str | Path):
    """The config that an experiment's `config.py` returns; this runs the file.

    Args:
        path: of the experiment's folder, or of the file.

    Raises:
        UserError: there is no such experiment (the nearest is named), or it returns no campaign's settings.
    """
    from taskaware.studies.registry import campaign_of

    file = Path(path)
    file = file / "config.py" if file.is_dir() else file
    if not file.is_file():
        raise _no_experiment(Path(path))
    config = _called(file)
    if not dataclasses.is_dataclass(config) or isinstance(config, type):
        raise UserError(f"'{file}': config() returned {config!r}. Return the settings of a campaign.")
    try:
        campaign_of(config)
    except UserError as error:
        raise UserError(f"'{file}': {error}") from error
    return config


def _called(file: Path) -> object:
    """What the file's `config` returns."""
    source = file.read_bytes()
    module = types.ModuleType(f"_taskaware_experiment_{abs(hash(file.resolve()))}")
    module.__file__ = str(file)
    # Where dataclasses, type hints and `inspect` look for the module of a class.
    sys.modules[module.__name__] = module
    try:
        # Compiled here, as an import would leave a __pycache__ in the experiment's folder.
        exec(compile(source, str(file), "exec"), module.__dict__)
        make = getattr(module, "config", None)
        config = make() if callable(make) else None
    except (Exception, SystemExit) as error:
        raise _no_config(file, error) from error
    if not callable(make):
        raise UserError(f"'{file}' has no function config(). Write one that returns a campaign's settings.")
    return config


def _no_config(file: Path, error: BaseException) -> UserError:
    lines = [step.lineno for step in traceback.extract_tb(error.__traceback__) if step.filename == str(file)]
    where = f", line {lines[-1]}," if lines else ""
    return UserError(f"'{file}'{where} gives no config ({type(error).__name__}: {error}). Mend the file.")


def _no_experiment(path: Path) -> UserError:
    if path.is_dir():
        return UserError(f"'{path}' has no config.py. Name the folder of an experiment.")
    known = sorted(str(file.parent) for file in Path("experiments").glob("*/config.py"))
    if known:
        return unknown("experiment", path, known)
    return UserError(f"There is no experiment '{path}'. An experiment is a folder with a config.py.")


def _check(config) -> None:
    """Check what is nested first: an outer check may take for granted that the inner ones are in order."""
    for field in dataclasses.fields(config):
        if dataclasses.is_dataclass(inner := getattr(config, field.name)):
            _check(inner)
    if hasattr(config, "check"):
        config.check()


def _assigned(config, key: str, text: str, allowed: Sequence[str], before: str = ""):
    name, dot, rest = key.partition(".")
    hints = typing.get_type_hints(type(config))
    nested = name in hints and dataclasses.is_dataclass(hints[name])
    if name not in hints or nested != bool(dot):
        inside = [each for each in allowed if each.startswith(before + key + ".")]
        if nested and inside:
            raise UserError(f"Setting '{before + key}' is a group. Set one of {', '.join(inside)}.")
        raise _unknown(before + key, allowed)
    if nested:
        value = _assigned(getattr(config, name), rest, text, allowed, f"{before}{name}.")
    else:
        value = _read(before + key, text, hints[name])
    return dataclasses.replace(config, **{name: value})


def _unknown(key: str, allowed: Sequence[str]) -> UserError:
    """The error for a key that does not exist; one that only lacks its groups is found by its end."""
    inside = [name for name in allowed if key and name.endswith(f".{key}")]
    if not inside:
        return unknown("setting", key, allowed)
    near = " or ".join(f"'{name}'" for name in inside)
    return UserError(f"Unknown setting '{key}'. Did you mean {near}? Allowed: {', '.join(allowed)}.")


def _read(key: str, text: str, hint: object, instead: str = "") -> object:
    """The text as a value of the field's type; `instead` is what else the field takes."""
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
    raise UserError(f"Setting {key}='{text}' is not {NAMES.get(hint, hint)}. {mend}{instead}.")


def _of_optional(hint: object) -> object | None:
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


def _kind(hint: object) -> str:
    """What a field takes, in words.

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


def _comments(kind: type) -> dict[str, str]:
    """The comment above each field, or above the first of several; nothing where there is no source."""
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        try:
            lines = inspect.getsource(each).splitlines() if dataclasses.is_dataclass(each) else []
        except (OSError, TypeError):
            lines = []
        found |= dict(_commented(lines))
    return found


def _commented(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    above, before = [], ""
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
