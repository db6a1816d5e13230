"""The recommended model beside the usual ones; see README.md."""

from taskaware.campaigns.models import ModelsSettings
from taskaware.runner import RunnerSettings


def config() -> ModelsSettings:
    """All models on every table, three seeds."""
    return ModelsSettings(suite=("bundled", "data"), seeds=3, runner=RunnerSettings(engine="processes"))
