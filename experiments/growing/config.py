"""What ten tasks of one's own give; see README.md."""

from taskaware.runner import RunnerSettings
from taskaware.studies.growing import GrowingSettings


def config() -> GrowingSettings:
    """Two families of sixteen tables from studies of their own, five draws of which of them are known."""
    return GrowingSettings(seeds=5, runner=RunnerSettings(engine="processes"))
