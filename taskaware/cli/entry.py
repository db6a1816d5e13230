"""The door of the command line: words in, an exit code out."""

import contextlib
import json
import os
import sys
from collections.abc import Sequence

import taskaware
from taskaware.cli import (
    collect,
    compare,
    evaluate,
    exits,
    experience,
    features,
    predict,
    recommend,
    report,
    run,
    tasks,
    train_evaluator,
)
from taskaware.cli.parser import Arguments, Command, Parser, check_words
from taskaware.errors import TaskawareError

COMMANDS: tuple[Command, ...] = (
    recommend.COMMAND,
    predict.COMMAND,
    features.COMMAND,
    tasks.COMMAND,
    collect.COMMAND,
    evaluate.COMMAND,
    compare.COMMAND,
    train_evaluator.COMMAND,
    experience.COMMAND,
    run.COMMAND,
    report.COMMAND,
)


def main(words: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        words: what was typed after `taskaware`; by default what really was.

    Returns:
        The exit code, one of `exits.MEANINGS`. An error in taskaware itself is raised.
    """
    words = sys.argv[1:] if words is None else list(words)
    _speak_utf8()
    try:
        arguments = read(words)
        if arguments is not None:
            arguments.run(arguments)
        sys.stdout.flush()
    except (TaskawareError, OSError, KeyboardInterrupt) as error:
        _let_go_of_output()
        code, line = exits.ending(error)
        if line:
            print(_error_line(code, line, as_json="--json" in words), file=sys.stderr)
        return code
    return exits.DONE


def read(words: Sequence[str]) -> Arguments | None:
    """The arguments, with the command's `run`; None where help or the version was asked for and is said.

    Raises:
        UserError: a word is unknown, missing or of the wrong form.

    >>> read(["features", "iris", "--json"]).data
    'iris'
    """
    parser = Parser(
        prog="taskaware",
        description="Give it a dataset, get the neural architecture that suits it, before any training.",
        epilog=_epilog(),
    )
    parser.add_argument("--version", action="version", version=f"taskaware {taskaware.__version__}")
    places = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    commands = {command.name: _add_command(places, command) for command in COMMANDS}
    check_words(parser, commands, words)
    # argparse ends --help and --version by SystemExit.
    with contextlib.suppress(SystemExit):
        return parser.parse_args(words)
    return None


def _add_command(places, command: Command) -> Parser:
    parser = places.add_parser(
        command.name,
        help=command.summary,
        description=command.summary,
        epilog=_listed("examples", command.examples),
    )
    command.add_arguments(parser)
    parser.set_defaults(run=command.run)
    return parser


def _epilog() -> str:
    examples = [line for command in COMMANDS for line in command.examples]
    codes = [f"{code:>3}  {meaning}" for code, meaning in exits.MEANINGS.items()]
    return f"{_listed('examples', examples)}\n\n{_listed('exit codes', codes)}"


def _listed(title: str, lines: Sequence[str]) -> str:
    return "\n".join([f"{title}:", *(f"  {line}" for line in lines)])


def _error_line(code: int, line: str, as_json: bool) -> str:
    return json.dumps({"error": line, "code": code}) if as_json else f"error: {line}"


def _speak_utf8() -> None:
    """Labels leave as they came, whatever the system's own encoding."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _let_go_of_output() -> None:
    """Output that cannot be written is dropped, or else Python tries again at its end, and complains."""
    try:
        sys.stdout.flush()
    except OSError:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
