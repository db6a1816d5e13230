"""The errors of taskaware, a tree by audience: the user, the store, the engine."""

import difflib
from collections.abc import Iterable


class TaskawareError(Exception):
    """Anything taskaware raises on purpose."""


class UserError(TaskawareError, ValueError):
    """The input is not usable as it stands; the message names the value and the mend."""


class StoreError(TaskawareError):
    """The experience store cannot be opened, read or written."""


class CheckpointError(TaskawareError):
    """A saved evaluator, model or recommendation is corrupt, foreign or newer than this version."""


class EngineError(TaskawareError):
    """A training or a worker failed for a reason that is not the user's input."""


def unknown(what: str, value: object, allowed: Iterable[str]) -> UserError:
    """The error for a name that is not in a list; it suggests the nearest allowed one.

    Args:
        what: kind of thing that the name is for, such as "metric".
        value: the name.
        allowed: every valid name.

    >>> str(unknown("option", "sead", ["seed", "space"]))
    "Unknown option 'sead'. Did you mean 'seed'? Allowed: seed, space."
    """
    names = [str(name) for name in allowed]
    near = difflib.get_close_matches(str(value), names, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return UserError(f"Unknown {what} '{value}'.{hint} Allowed: {', '.join(names)}.")
