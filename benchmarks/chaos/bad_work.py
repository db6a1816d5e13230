"""What bad jobs do: raise, never end, start processes, kill their worker, or send what cannot be read."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

FOR_EVER = 3600.0
MARK = "TASKAWARE_CHAOS"
"""Name in the environment of all processes of a campaign."""


class Unreadable:
    """Can be sent, and raises where it is read."""

    def __init__(self, error: type[BaseException]):
        self.error = error

    def __reduce__(self) -> tuple:
        return _raise, (self.error,)


def _raise(error: type[BaseException]) -> None:
    raise error("on the other side")


def _raise_oddly() -> None:
    raise type("Odd", (Exception,), {"__str__": lambda self: "x" * 100_000})


def _child(*, then: Callable[[], object]) -> object:
    """A process that never ends, with one of its own; and then something else."""
    code = f"import subprocess, time; subprocess.Popen(['sleep', '{FOR_EVER}']); time.sleep({FOR_EVER})"
    subprocess.Popen([sys.executable, "-c", code])
    return then()


def _fork(*, then: Callable[[], object]) -> object:
    """A fork, which holds all pipes of the worker and never ends; and then something else."""
    if not os.fork():
        time.sleep(FOR_EVER)
        os._exit(0)
    return then()


def _wait() -> None:
    time.sleep(FOR_EVER)


def _deaf() -> None:
    """Neither a signal nor an exception ends it."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(FOR_EVER)


def _kill(number: int) -> None:
    os.kill(os.getpid(), number)
    _wait()


def _close_pipes() -> None:
    os.closerange(3, 100)
    _wait()


ENDLESS: dict[str, Callable[[], object]] = {
    "waits": _wait,
    "is deaf": _deaf,
    "waits for a child": lambda: _child(then=_wait),
    "waits for a fork": lambda: _fork(then=_wait),
    "stops its worker": lambda: _kill(signal.SIGSTOP),
}
"""Jobs that only a time limit ends."""

DEADLY: dict[str, Callable[[], object]] = {
    "exits at once": lambda: os._exit(3),
    "exits as if well": lambda: os._exit(0),
    "kills its worker": lambda: _kill(signal.SIGKILL),
    "breaks its worker": lambda: _kill(signal.SIGSEGV),
    "leaves a child": lambda: _child(then=lambda: os._exit(3)),
    "leaves a fork": lambda: _fork(then=lambda: _kill(signal.SIGKILL)),
    "closes its pipes": _close_pipes,
}
"""Jobs that end their worker."""

WRONG: dict[str, Callable[[], object]] = {
    "raises": lambda: _raise(ValueError),
    "raises oddly": _raise_oddly,
    "has no memory": lambda: _raise(MemoryError),
    "interrupts": lambda: _raise(SystemExit),
    "recurses": lambda: (lambda again: again(again))(lambda again: again(again)),
    "cannot be sent": threading.Lock,
    "cannot be read": lambda: Unreadable(ValueError),
    "exits when read": lambda: Unreadable(SystemExit),
    "interrupts when read": lambda: Unreadable(KeyboardInterrupt),
}
"""Jobs that fail by themselves."""

BAD = {**ENDLESS, **DEADLY, **WRONG}


def work(resource: None, spec: tuple[str, int]) -> object:
    """Do what the spec says: "good" and a number, which comes back doubled, or one of BAD."""
    kind, number = spec
    return 2 * number if kind == "good" else BAD[kind]()
