"""Jobs whose results stand in the journal: each is done once, however often the study is started."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from taskaware.runner import Job, Outcome, Progress, RunnerSettings, run
from taskaware.runner.engine import Work
from taskaware.runner.run_folder import RunFolder


class Done(NamedTuple):
    """What has come of the jobs.

    Attributes:
        entries: the journal's, of those that went well, in the order of the jobs.
        begun: jobs that were still to be done.
        failed: those of them that were given up.
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
    """Do the jobs that the folder's journal does not have yet; those that failed are tried again.

    Args:
        jobs: all of the study.
        work: what is done with each.
        settings: where.
        folder: of the run.
        keep: what the journal shall hold of a job that went well, plain data. It is called before the journal
            has the job, so what else it writes may come twice, but is never missing.
        resources: by name, what jobs need.
        unit, group, show: see `Progress`.
    """
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
