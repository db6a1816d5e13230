"""What is to be done, and how it ended, as plain values."""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Job:
    """One piece of work; two jobs are equal when they have the same id.

    Attributes:
        id: 16 hex digits that name the content of the job.
        spec: what the work function reads; anything that can be pickled.
        label: for people.
        needs: name of the resource that the work function is handed; "" for none. A resource travels to each
            worker once, not with each job.
        size: how much work it is, in the study's own units.
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
        result: what the work function returned; None where it failed.
        error: why it failed, after the last attempt; None where it did not.
        attempts: how often it was begun.
        seconds: that the last attempt took.
        worker: that made it.
    """

    job: Job
    result: Any
    error: str | None
    attempts: int
    seconds: float
    worker: str
