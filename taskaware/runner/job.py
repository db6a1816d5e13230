"""A job and its outcome, as plain values."""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Job:
    """One piece of work; two jobs are equal when they have the same id.

    Attributes:
        id: 16 hex digits that name the content of the job.
        spec: argument of the work function; anything that can be pickled.
        label: for people.
        needs: name of the resource that the work function receives; "" for none. Each worker receives a
            resource once, not with each job.
        size: amount of work, in the study's own unit.
        about: plain data for the journal: task, seed, ...
    """

    id: str
    spec: Any = dataclasses.field(compare=False)
    label: str = dataclasses.field(default="", compare=False)
    needs: str = dataclasses.field(default="", compare=False)
    size: int = dataclasses.field(default=1, compare=False)
    about: dict = dataclasses.field(default_factory=dict, compare=False)


@dataclasses.dataclass(frozen=True, eq=False)
class Outcome:
    """How a job ended.

    Attributes:
        job: that ended.
        result: of the work function; None if the job failed.
        error: of the last attempt; None if it succeeded.
        attempts: number of attempts.
        seconds: run time of the last attempt.
        worker: that ran it.
    """

    job: Job
    result: Any
    error: str | None
    attempts: int
    seconds: float
    worker: str
