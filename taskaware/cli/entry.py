"""The entry point of the command line: arguments in, an exit code out."""

import argparse
import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence

import taskaware
from taskaware.cli import (
    collect,
    compare,
    evaluate,
    exits,
    experience,
    export,
    features,
    improve,
    predict,
    recommend,
    report,
    run,
    search,
    serve,
    tasks,
    train_evaluator,
)
from taskaware.cli.exits import Interrupted
from taskaware.cli.output import for_people
from taskaware.cli.parser import Arguments, Command, Parser, check_words
from taskaware.errors import TaskawareError

GROUPS: dict[str, tuple[Command, ...]] = {
    "to get an architecture for a dataset": (
        recommend.COMMAND,
        predict.COMMAND,
        export.COMMAND,
        features.COMMAND,
        tasks.COMMAND,
    ),
    "to offer recommendations as a service": (serve.COMMAND,),
    "to learn from experience of your own": (
        collect.COMMAND,
        experience.COMMAND,
        train_evaluator.COMMAND,
        improve.COMMAND,
        evaluate.COMMAND,
    ),
    "to run searches and studies": (search.COMMAND, compare.COMMAND, run.COMMAND, report.COMMAND),
}
"""Commands by purpose."""

COMMANDS = tuple(command for group in GROUPS.values() for command in group)

ABOUT = """taskaware recommends a neural architecture for your dataset before anything is trained on it.

It measures the dataset and compares it with known tasks, on which many architectures were trained
before. The answer is the architecture with the best predicted score, that score, and its uncertainty. If no
known task is similar, a note says so, and the answer is the architecture that is best on average."""

GUIDE: dict[str, tuple[str, ...]] = {
    "first steps, in this order": (
        "taskaware recommend iris",
        "taskaware recommend sales.csv --target price",
        "taskaware recommend sales.csv --target price --fit --save model",
        "taskaware predict model new.csv --out predictions.csv",
    ),
    "recommendations from experience of your own, in this order": (
        "taskaware collect my-tables --architectures 500 --engine processes",
        "taskaware train-evaluator experience.sqlite --with-shipped --out mine.npz",
        "taskaware evaluate experience.sqlite --report",
        "taskaware recommend sales.csv --target price --evaluator mine.npz",
    ),
}
"""Sequences of commands, by purpose."""


def main(words: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        words: the arguments after `taskaware`; by default those of this process.

    Returns:
        The exit code, one of `exits.MEANINGS`. A bug in taskaware itself raises its exception.
    """
    if words is None:
        # A Python that is started from here imports no modules from the current folder.
        os.environ["PYTHONSAFEPATH"] = "1"
    words = sys.argv[1:] if words is None else list(words)
    _speak_utf8()
    interrupted: list[int] = []
    try:
        with _noticing(interrupted), contextlib.redirect_stdout(for_people(sys.stdout)):
            arguments = read(words)
            if arguments is not None:
                arguments.run(arguments)
            sys.stdout.flush()
        if interrupted:
            # The command ended early and kept its results so far.
            raise Interrupted
    except (TaskawareError, OSError, KeyboardInterrupt) as error:
        _let_go_of_output()
        code, line = exits.ending(error)
        if line:
            print(_error_line(code, line, as_json="--json" in words), file=sys.stderr)
        return code
    return exits.DONE


def read(words: Sequence[str]) -> Arguments | None:
    """The arguments, with the command's `run`; None for --help and --version.

    Raises:
        UserError: an argument is unknown, missing or malformed.

    >>> read(["features", "iris", "--json"]).data
    'iris'
    """
    parser = Parser(
        prog="taskaware",
        usage="taskaware COMMAND ... [--help] [--version]",
        description=ABOUT,
        epilog=_epilog(),
    )
    parser.add_argument("--version", action="version", version=f"taskaware {taskaware.__version__}")
    # `_epilog` lists the commands in groups, which argparse cannot.
    places = parser.add_subparsers(prog="taskaware", metavar="COMMAND", required=True, help=argparse.SUPPRESS)
    commands = {command.name: _add_command(places, command) for command in COMMANDS}
    check_words(parser, commands, words)
    # argparse ends --help and --version by SystemExit.
    with contextlib.suppress(SystemExit):
        return parser.parse_args(words)
    return None


def _add_command(places, command: Command) -> Parser:
    parser = places.add_parser(
        command.name,
        description=command.summary,
        epilog=_listed("examples", command.examples),
    )
    command.add_arguments(parser)
    parser.set_defaults(run=command.run)
    return parser


def _epilog() -> str:
    commands = {
        f"commands {title}": [f"{command.name:<16} {command.summary}" for command in group]
        for title, group in GROUPS.items()
    }
    codes = {"exit codes": [f"{code:>3}  {meaning}" for code, meaning in exits.MEANINGS.items()]}
    parts = [_listed(title, lines) for title, lines in (commands | GUIDE | codes).items()]
    return "\n\n".join(
        [*parts, "'taskaware COMMAND --help' lists the options of a command and shows examples."]
    )


def _listed(title: str, lines: Sequence[str]) -> str:
    return "\n".join([f"{title}:", *(f"  {line}" for line in lines)])


@contextlib.contextmanager
def _noticing(interrupted: list[int]) -> Iterator[None]:
    """Note each Ctrl-C in the list, and raise it as usual: a command that ends early is not done."""

    before = signal.getsignal(signal.SIGINT)
    # Only the main thread gets signals. A caller that ignores Ctrl-C keeps ignoring it.
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    raise_it: Callable = before

    def note(number, frame):
        interrupted.append(number)
        raise_it(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _error_line(code: int, line: str, as_json: bool) -> str:
    return json.dumps({"error": line, "code": code}) if as_json else f"error: {line}"


def _speak_utf8() -> None:
    """Write UTF-8 in every locale, so that labels are printed unchanged."""
    # A stream that was closed by whoever started this is None.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _let_go_of_output() -> None:
    """Drop output that cannot be written; otherwise Python tries again at exit, and prints an error."""
    try:
        sys.stdout.flush()
    except OSError:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
