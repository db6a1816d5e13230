"""Reading arguments: for an unknown word the error suggests the nearest one that exists."""

import argparse
import re
import shutil
from collections.abc import Callable, Sequence
from typing import NamedTuple

from taskaware.errors import UserError, unknown

_OPTION = re.compile(r"-[^\d.]\S*")

Arguments = argparse.Namespace

WIDTH = 110
"""Columns of help, at most."""


class Parser(argparse.ArgumentParser):
    """argparse's parser, but it raises `UserError` and accepts no abbreviated options."""

    def __init__(self, **settings):
        super().__init__(allow_abbrev=False, formatter_class=_layout, **settings)
        # Newer Pythons would colour the help with characters that steer a terminal.
        self.color = False

    @property
    def options(self) -> list[str]:
        """Every option, as it is typed."""
        return list(self._option_string_actions)

    def error(self, message: str):
        """
        Raises:
            UserError: always.
        """
        text = message.removeprefix("argument ")
        raise UserError(f"{text[:1].upper()}{text[1:].rstrip('.')}. See '{self.prog} --help'.")


def _layout(prog: str) -> argparse.HelpFormatter:
    """Text unchanged, and options in lines of at most `WIDTH` columns."""
    columns = shutil.get_terminal_size((WIDTH, 24)).columns
    return argparse.RawDescriptionHelpFormatter(prog, max_help_position=26, width=min(columns, WIDTH))


class Command(NamedTuple):
    """One command.

    Attributes:
        name: as it is typed.
        summary: one line.
        examples: lines to type.
        add_arguments: adds its arguments to a parser.
        run: runs it.
    """

    name: str
    summary: str
    examples: tuple[str, ...]
    add_arguments: Callable[[Parser], None]
    run: Callable[[Arguments], None]


def check_words(parser: Parser, commands: dict[str, Parser], words: Sequence[str]) -> None:
    """Refuse a command or an option that does not exist.

    argparse alone would first report a missing argument, which is often present with a typing error.

    Args:
        parser: of the options before the command.
        commands: parser of each command.
        words: the typed arguments.

    Raises:
        UserError: it suggests the nearest name.
    """
    place = next((i for i, word in enumerate(words) if not word.startswith("-")), len(words))
    _check_place(words[:place], [option for command in commands.values() for option in command.options])
    _check_options(parser, words[:place])
    if place == len(words):
        return
    if words[place] not in commands:
        raise unknown("command", words[place], commands)
    _check_options(commands[words[place]], words[place + 1 :])


def whole(low: int, high: int) -> Callable[[str], int]:
    """A type for argparse: whole numbers from `low` to `high`."""

    def read(text: str) -> int:
        if not re.fullmatch(r"[+-]?\d+", text) or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from {low} to {high}")
        return int(text)

    return read


def one_of(what: str, allowed: Sequence[str]) -> Callable[[str], str]:
    """A type for argparse: one of some words; the error suggests the nearest one."""

    def read(text: str) -> str:
        if text not in allowed:
            raise argparse.ArgumentTypeError(str(unknown(what, text, allowed)))
        return text

    return read


def _check_place(words: Sequence[str], later: Sequence[str]) -> None:
    for word in words:
        if word.startswith("--") and word.partition("=")[0] in later and word != "--help":
            raise UserError(f"Option '{word}' belongs after a command: taskaware COMMAND ... {word}")


def _check_options(parser: Parser, words: Sequence[str]) -> None:
    for word in words:
        name = word.partition("=")[0]
        if word == "--":
            return
        if _OPTION.fullmatch(word) and name not in parser.options:
            raise unknown("option", name, parser.options)


def add_settings(parser: Parser, what: str, example: str) -> None:
    """Add `--set` and `--keys` to a command's parser.

    Args:
        parser: of the command.
        what: can be set, for people.
        example: of a name and a value.
    """
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"change {what}, for example {example}; may be repeated",
    )
    parser.add_argument("--keys", action="store_true", help="list the settings, and run nothing")
