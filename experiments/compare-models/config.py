"""The recommended model beside the usual ones; see README.md."""

from taskaware.runner import RunnerSettings
from taskaware.studies.models import ModelsSettings


def config() -> ModelsSettings:
    """All models on every table, three seeds."""
    return ModelsSettings(suite=("bundled", "data"), seeds=3, runner=RunnerSettings(engine="processes"))
