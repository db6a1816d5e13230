"""Configs of experiments: read from a Python file, changed by `key=value`, typed by their fields."""

import dataclasses
import importlib.util
import inspect
import re
import types
import typing
from collections.abc import Iterator, Sequence
from pathlib import Path

from taskaware.errors import UserError, unknown

BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
NAMES = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}


def overridden(config, assignments: Sequence[str]):
    """The config with some settings changed, and checked.

    Args:
        config: a frozen dataclass of plain data and of other such dataclasses.
        assignments: "key=value" each; a dot leads into a nested one, a comma parts the entries of a list.

    Raises:
        UserError: a key is unknown (the nearest is named), a value is not of its field's type, or the config
            does not pass its own `check`.
    """
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise UserError(f"'{assignment}' sets nothing. Write key=value, for example seeds=3.")
        config = _assigned(config, key.strip(), text.strip(), [name for name, *_ in keys(config)])
    return config.check() if hasattr(config, "check") else config


def keys(config, before: str = "") -> list[tuple[str, str, str]]:
    """(dotted name, value, comment in the source) of every setting."""
    found = []
    comments, hints = _comments(type(config)), typing.get_type_hints(type(config))
    for field in dataclasses.fields(config):
        value, name = getattr(config, field.name), before + field.name
        if dataclasses.is_dataclass(hints[field.name]):
            found += keys(value, f"{name}.")
        else:
            found.append((name, _shown(value), comments.get(field.name, "")))
    return found


def load_experiment(path: str | Path):
    """The config that an experiment's `config.py` returns; this runs the file.

    Args:
        path: of the experiment's folder, or of the file.

    Raises:
        UserError: there is no such experiment (the nearest is named), or it returns no config.
    """
    file = Path(path)
    file = file / "config.py" if file.is_dir() else file
    if not file.is_file():
        raise _no_experiment(Path(path))
    spec = importlib.util.spec_from_file_location(f"_experiment_{abs(hash(str(file)))}", file)
    if spec is None or spec.loader is None:
        raise UserError(f"'{file}' is no Python file. Name the folder of an experiment.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        config = module.config()
    except Exception as error:
        raise UserError(f"'{file}' gives no config ({type(error).__name__}: {error}).") from error
    if not dataclasses.is_dataclass(config) or isinstance(config, type):
        raise UserError(f"'{file}': config() returned {config!r}. Return the settings of a campaign.")
    return config


def _assigned(config, key: str, text: str, allowed: Sequence[str], before: str = ""):
    name, dot, rest = key.partition(".")
    hints = typing.get_type_hints(type(config))
    nested = name in hints and dataclasses.is_dataclass(hints[name])
    if name not in hints or nested != bool(dot):
        inside = [each for each in allowed if each.startswith(before + key + ".")]
        if nested and inside:
            raise UserError(f"Setting '{before + key}' is a group. Set one of {', '.join(inside)}.")
        raise unknown("setting", before + key, allowed)
    if nested:
        value = _assigned(getattr(config, name), rest, text, allowed, f"{before}{name}.")
    else:
        value = _read(before + key, text, hints[name])
    return dataclasses.replace(config, **{name: value})


def _read(key: str, text: str, hint: object) -> object:
    """The text as a value of the field's type."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if text.lower() == "none" and type(None) in arguments:
            return None
        (hint,) = [each for each in arguments if each is not type(None)]
        return _read(key, text, hint)
    if origin is tuple:
        parts = [part.strip() for part in text.strip("()[] ").split(",") if part.strip()]
        return tuple(_read(key, part, arguments[0]) for part in parts)
    if hint is bool and text.lower() in BOOLEANS:
        return BOOLEANS[text.lower()]
    if hint is str:
        return text
    try:
        if hint in (int, float):
            return hint(text)
    except ValueError:
        pass
    raise UserError(f"Setting {key}='{text}' is not {NAMES.get(hint, hint)}.")


def _shown(value: object) -> str:
    """A value as it would be assigned."""
    if isinstance(value, tuple):
        return ",".join(map(_shown, value))
    return str(value).lower() if isinstance(value, bool | None) else str(value)


def _comments(kind: type) -> dict[str, str]:
    """The comment above each field, or above the first of several; nothing where there is no source."""
    try:
        lines = inspect.getsource(kind).splitlines()
    except (OSError, TypeError):
        return {}
    return dict(_commented(lines))


def _commented(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    above, before = [], ""
    for line in map(str.strip, lines):
        field = re.match(r"(\w+)\s*:", line)
        if line.startswith("#"):
            above = [*above, line.lstrip("# ")] if before.startswith("#") else [line.lstrip("# ")]
        elif field and above:
            yield field.group(1), " ".join(above)
        before = line


def _no_experiment(path: Path) -> UserError:
    known = sorted(str(file.parent) for file in Path("experiments").glob("*/config.py"))
    if known:
        return unknown("experiment", path, known)
    return UserError(f"There is no experiment '{path}'. An experiment is a folder with a config.py.")
