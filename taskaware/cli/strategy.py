"""Settings of a strategy from the command line: NAME=VALUE."""

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from taskaware.errors import UserError, quoted, unknown
from taskaware.saved import parse_json, read_json

if TYPE_CHECKING:
    from taskaware.strategies import Factory

NUMBERS = {bool: "true or false", int: "a whole number", float: "a number"}
"""What a setting with such a default must be; all else is for the strategy to check."""


def strategy_of(name: str, assignments: Sequence[str]) -> "Factory":
    """A strategy with these settings.

    Args:
        name: in STRATEGIES.
        assignments: "name=value" each; a value is JSON, or else text.

    Raises:
        UserError: a name is unknown, or a value is not what the setting must be.

    >>> callable(strategy_of("reinforce", ["minibatch=4", "reward=cubed", "tanh=2.5"]))
    True
    """
    from taskaware.strategies import STRATEGIES

    known = settings_of(name)
    settings: dict[str, object] = {}
    for assignment in assignments:
        key, equals, text = (part.strip() for part in assignment.partition("="))
        if not equals:
            raise UserError(f"{quoted(assignment)} sets nothing. Write NAME=VALUE, for example minibatch=8.")
        if key not in known:
            raise unknown(f"setting of '{name}'", key, known)
        settings[key] = _read(key, text, known[key])
    return STRATEGIES.named(name)(**settings)


def settings_of(name: str) -> dict[str, object]:
    """The settings of a strategy by name, with their defaults."""
    from taskaware.strategies import STRATEGIES

    known = inspect.signature(STRATEGIES.named(name)).parameters
    return {key: parameter.default for key, parameter in known.items()}


def _read(key: str, text: str, default: object) -> object:
    """The text as a value of the setting."""
    if isinstance(default, str):
        return text
    try:
        value = parse_json(text)
    except ValueError:
        value = text
    wanted = type(default)
    if wanted is float and type(value) is int:
        value = float(value)
    if wanted in NUMBERS and type(value) is not wanted:
        raise UserError(f"{key}={quoted(text)} is not {NUMBERS[wanted]}.")
    return _features(Path(text)) if key == "z" and value == text else value


def _features(path: Path) -> object:
    """The numbers in a file that `taskaware features --json` wrote, or in a list of numbers.

    Raises:
        UserError: it holds none.
    """
    try:
        found = read_json(path)
        return [each["value"] for each in found["features"]] if isinstance(found, Mapping) else found
    except (OSError, LookupError, TypeError, ValueError) as error:
        raise UserError(
            f"z={quoted(str(path))} holds no meta-features ({quoted(str(error))}). Write them with "
            "'taskaware features DATA --json > FILE'."
        ) from error
