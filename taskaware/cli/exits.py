"""Exit codes of the command line, and the line that explains an error."""

import errno
import os

from taskaware.errors import CheckpointError, StoreError, UserError, quoted, visible
from taskaware.secrets import masked

DONE = 0
USER = 2
SAVED = 3
ENGINE = 4
SYSTEM = 5
INTERRUPTED = 130
PIPE = 141

MEANINGS = {
    DONE: "done",
    1: "a bug in taskaware, with a traceback",
    USER: "an option, a file or the data cannot be used; the message says what to change",
    SAVED: "a model, recommendation, evaluator or store is damaged, or was not written by taskaware",
    ENGINE: "a training failed",
    SYSTEM: "a file could not be read or written, or the disk is full",
    INTERRUPTED: "stopped by Ctrl-C",
    PIPE: "the program that reads the output has ended",
}

LONGEST = 2000
"""Characters of a message, at most."""

_FULL = (errno.ENOSPC, errno.EDQUOT)
_IN_PYTHON = (
    ("target=...", "--target NAME"),
    ("problem='regression'", "--problem regression"),
    ("problem='classification'", "--problem classification"),
    ("with leave_out=False", "without --leave-out"),
    ("leave_out=True", "--leave-out"),
    ("pass force=True", "give --force"),
    (
        "Check the path, or open it with create=True.",
        "Check the path, or fill one: taskaware collect --store.",
    ),
    ("Open it with create=True.", "Fill it: taskaware collect --store."),
    ("open it with create=True", "fill one: taskaware collect --store"),
    ("`Store.check` says more", "'taskaware experience check STORE' says more"),
    (" (or open it once without `readonly`)", ""),
    ("Open it without `readonly`, and check who", "Check who"),
    ("open the store with a longer `timeout`", "set TASKAWARE_STORE_TIMEOUT to more seconds"),
    ("to='stablehlo'", "--to stablehlo"),
    ("Name one: triplets(space=...)", "Name one: --set space=NAME"),
    ("Store.open(..., artefacts=...)", "'artefacts' of Store.open in Python"),
    ("Store.open(..., artefact_limit=...)", "'artefact_limit' of Store.open in Python"),
    ("recipe=...", "--recipe DIGEST (evaluate: --set recipe=DIGEST)"),
)


class Interrupted(KeyboardInterrupt):
    """Ctrl-C came, and the command kept its results so far and went on to its end."""


def ending(error: BaseException) -> tuple[int, str]:
    """The exit code and the line for an error that ends a command; the line may be empty.

    Args:
        error: a TaskawareError, an OSError or a KeyboardInterrupt.

    >>> ending(UserError("The target is not named. Give target=..., one of 'x'."))
    (2, "The target is not named. Give --target NAME, one of 'x'.")
    """
    if isinstance(error, Interrupted):
        return INTERRUPTED, "Stopped by Ctrl-C. The results so far are kept and written."
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED, "Stopped by Ctrl-C."
    if isinstance(error, BrokenPipeError):
        return PIPE, ""
    if isinstance(error, OSError):
        return SYSTEM, _system_line(error)
    line = _in_one_line(as_typed(str(error)))
    if isinstance(error, UserError):
        return USER, line
    return (SAVED if isinstance(error, CheckpointError | StoreError) else ENGINE), line


def as_typed(text: str) -> str:
    """A message of the library, with command-line options instead of Python's arguments.

    >>> as_typed("leave_out=True leaves it out.")
    '--leave-out leaves it out.'
    """
    for python, option in _IN_PYTHON:
        text = text.replace(python, option)
    return text


def _in_one_line(text: str) -> str:
    """The message without passwords and control characters; a long one is cut."""
    line = visible(masked(" ".join(text.split())))
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}… ({len(line):,} characters)"


def _system_line(error: OSError) -> str:
    where = f" {quoted(str(error.filename), 300)}" if error.filename else ""
    # shutil collects several errors in one without a number.
    if error.errno in _FULL or os.strerror(errno.ENOSPC) in str(error):
        return f"The disk is full; the file{where} was not written. Make room, and run the command again."
    reason = error.strerror or str(error) or type(error).__name__
    return f"The system refused{where}: {_in_one_line(reason)}."
