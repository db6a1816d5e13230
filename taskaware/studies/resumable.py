"""Jobs with results in the journal: each is run once, even if the study is started again."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from taskaware.runner import Job, Outcome, Progress, RunnerSettings, run
from taskaware.runner.engine import Work
from taskaware.runner.run_folder import RunFolder


class Done(NamedTuple):
    """The results of the jobs.

    Attributes:
        entries: of successful jobs in the journal, in the order of the jobs.
        begun: number of jobs that were left to do.
        failed: number of them that failed in every attempt.
    """

    entries: list[dict]
    begun: int
    failed: int


def do_once(
    jobs: Sequence[Job],
    work: Work,
    settings: RunnerSettings,
    folder: RunFolder,
    *,
    keep: Callable[[Outcome], dict],
    resources: Mapping[str, object] | None = None,
    unit: str = "job",
    group: str = "task",
    show: bool | None = None,
) -> Done:
    """Run the jobs that the folder's journal lacks; failed ones are tried again.

    Args:
        jobs: all jobs of the study.
        work: function to call for each.
        settings: of the runner.
        folder: the run folder.
        keep: outcome of a successful job → plain data for the journal. It is called before the entry is
            written, so after an interruption it may be called twice for a job, but never not at all.
        resources: by name, for jobs that need them.
        unit, group, show: see `Progress`.
    """
    with folder.alone():
        # Asked for inside, so that of two starts the second one knows what the first has done.
        finished = folder.finished()
        left = [job for job in jobs if job.id not in finished]
        failed = 0
        outcomes = run(left, work, settings, resources=resources)
        with folder.journal() as journal, Progress(left, unit=unit, group=group, show=show) as progress:
            for outcome in outcomes:
                failed += outcome.error is not None
                journal.add(outcome, **({} if outcome.error is not None else keep(outcome)))
                progress.add(outcome)
        finished = folder.finished()
    return Done([finished[job.id] for job in jobs if job.id in finished], len(left), failed)
