"""Live progress: a bar in a terminal, else a line from time to time."""

import logging
import sys
import time

from taskaware.progress import tqdm
from taskaware.runner.job import Job, Outcome

log = logging.getLogger(__name__)

EVERY = 30.0
"""Seconds between two lines."""
FEWEST = 4
"""Jobs that have to end before the time left is estimated."""
BAR = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}, {rate_fmt}{postfix}]"
"""The bar without tqdm's own time left, which the first jobs of a study would dominate."""


class Progress:
    """Progress of many jobs: groups, jobs, units of work, failures, speed, time left.

    Args:
        jobs: all jobs of the study.
        unit: of their sizes: "training", ...
        group: key of `Job.about` by which they are grouped: "task", ...
        show: True for a bar, False for nothing; None for a bar in a terminal or notebook, else lines.
    """

    def __init__(self, jobs: list[Job], *, unit: str, group: str = "task", show: bool | None = None):
        self._group = group
        self._left: dict[object, int] = {}
        for job in jobs:
            self._left[job.about.get(group)] = self._left.get(job.about.get(group), 0) + job.size
        self._groups, self._jobs, self._total = len(self._left), len(jobs), sum(job.size for job in jobs)
        self._unit = unit
        self.done = self.ended = self.failed = 0
        self._began = self._last_line = time.monotonic()
        self._lines = show is None and not sys.stderr.isatty() and not _in_notebook()
        hidden = self._lines or show is False
        self._marks: list[tuple[float, int]] = []
        self._bar = tqdm(
            total=self._total, unit=unit, disable=hidden, dynamic_ncols=True, bar_format=BAR, smoothing=0.05
        )

    def add(self, outcome: Outcome) -> None:
        """Count a job that ended."""
        job = outcome.job
        self.ended += 1
        self.failed += outcome.error is not None
        self.done += job.size
        self._left[job.about.get(self._group)] -= job.size
        self._marks.append((time.monotonic(), self.done))
        self._bar.set_postfix_str(f"{self._where()}, {self.time_left()}", refresh=False)
        self._bar.update(job.size)
        if self._lines and time.monotonic() - self._last_line > EVERY:
            self._last_line = time.monotonic()
            log.info("%s", self.line())

    def line(self) -> str:
        """The progress as one line of text."""
        seconds = max(time.monotonic() - self._began, 1e-9)
        return (
            f"{self.done:,} of {self._total:,} {self._unit}s ({self._where()}), "
            f"{self.done / seconds:.1f} {self._unit}s/s, {self.time_left()}"
        )

    def time_left(self) -> str:
        """How long the rest takes, at the speed of the later half of the jobs that have ended.

        The first jobs compile programs, and tell little; before FEWEST have ended there is no estimate.
        """
        if self.done >= self._total:
            return "0:00 left"
        if len(self._marks) < FEWEST:
            return "time left not known yet"
        (then, before), (now, done) = self._marks[(len(self._marks) - 1) // 2], self._marks[-1]
        seconds = (self._total - self.done) * (now - then) / max(done - before, 1)
        return f"about {tqdm.format_interval(seconds)} left"

    def close(self) -> None:
        """End the bar; without one, write the last line."""
        self._bar.close()
        if self._lines and self.ended:
            log.info("%s", self.line())

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _where(self) -> str:
        finished = sum(left <= 0 for left in self._left.values())
        where = f"{self._group}s {finished}/{self._groups}, jobs {self.ended}/{self._jobs}"
        return where + (f", {self.failed} FAILED" if self.failed else "")


def _in_notebook() -> bool:
    """Whether this runs in a notebook's kernel, which shows bars without a terminal."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"
