"""The interface of an engine, which runs attempts at jobs and reports how each one ended."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

from taskaware.errors import UserError, unknown
from taskaware.runner.job import Job
from taskaware.secrets import discreet, masked_value

OK, ERROR, MEMORY, TIMEOUT, DEATH = "ok", "error", "memory", "timeout", "death"
ENGINES = ("serial", "processes", "ray")

Work = Callable[[Any, Any], object]
"""(the resource that the job needs or None, the job's spec) → result; importable by its name.

Resource and spec are of the types that the study itself put into its jobs; an engine only carries them.
"""


@discreet
@dataclasses.dataclass(frozen=True)
class RunnerSettings:
    """Where jobs run, and how failures are handled."""

    # "serial" (in this process), "processes" (workers on this machine), or "ray" (this machine or a cluster).
    engine: str = "serial"
    # Workers; 0 for one per core of this machine, or of the cluster.
    workers: int = 0
    # Number of further attempts at a failed job.
    retries: int = 1
    # Time limit of an attempt, in seconds; 0 for none.
    time_limit: float = 0.0
    # Address of a Ray cluster ("auto", "ray://host:10001"); "" starts one on this machine.
    address: str = ""

    def check(self) -> "RunnerSettings":
        """The settings themselves, if they are valid.

        Raises:
            UserError: the engine is unknown (the nearest is suggested), or a number is out of range.
        """
        if self.engine not in ENGINES:
            raise unknown("engine", self.engine, ENGINES)
        for name in ("workers", "retries", "time_limit"):
            if not getattr(self, name) >= 0:
                raise UserError(f"Runner setting {name}={getattr(self, name)} is negative. Give 0 or more.")
        if self.address and self.engine != "ray":
            raise UserError(
                f"address='{masked_value(self.address)}' is for the engine 'ray', not '{self.engine}'."
            )
        return self


class Ended(NamedTuple):
    """The end of an attempt.

    Attributes:
        ticket: of the attempt.
        how: OK, ERROR (an exception), MEMORY (too little), TIMEOUT, or DEATH (of the worker).
        value: the result if it succeeded, else the text of the error.
        seconds: run time.
        worker: name of the worker.
    """

    ticket: int
    how: str
    value: object
    seconds: float
    worker: str


@runtime_checkable
class Engine(Protocol):
    """Runs at most `slots` attempts at a time.

    An engine never raises the error of a job: `next` reports the end of every attempt.

    Attributes:
        slots: attempts that run at once.
        isolated: whether a job that kills its process leaves the engine alive.
    """

    slots: int
    isolated: bool

    def submit(self, ticket: int, job: Job) -> None:
        """Start an attempt; only while fewer than `slots` run."""

    def next(self) -> Ended:
        """Wait for the end of one of the running attempts."""

    def close(self) -> None:
        """End every worker, busy or not."""
