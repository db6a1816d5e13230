"""Opening an engine by its name; each is imported on first use."""

from collections.abc import Mapping

from taskaware.compilation import cores
from taskaware.runner.engine import Engine, RunnerSettings, Work


def open_engine(settings: RunnerSettings, work: Work, resources: Mapping[str, object]) -> Engine:
    """The engine that the settings name.

    Args:
        settings: checked here.
        work: function to call for each job.
        resources: by name, for jobs that need them; read on first use.

    Raises:
        UserError: a setting is out of range, or the engine is not installed.
        EngineError: it cannot be started.
    """
    settings.check()
    if settings.engine == "serial":
        from taskaware.runner.serial import Serial

        return Serial(work, resources, settings.time_limit)
    if settings.engine == "processes":
        from taskaware.runner.processes import Processes

        return Processes(work, resources, workers=settings.workers or cores(), time_limit=settings.time_limit)
    from taskaware.runner.on_ray import OnRay

    return OnRay(
        work,
        resources,
        workers=settings.workers,
        time_limit=settings.time_limit,
        address=settings.address,
    )
