"""Search strategies at equal budget; see README.md."""

from taskaware.runner import RunnerSettings
from taskaware.studies.compare import CompareSettings


def config() -> CompareSettings:
    """Three strategies on four bundled tables, three seeds, 32 trainings each."""
    return CompareSettings(
        suite=("bundled",),
        tasks=("iris", "wine", "breast-cancer", "diabetes"),
        strategies=("random", "evolution", "recommend"),
        budget=32,
        seeds=3,
        runner=RunnerSettings(engine="processes"),
    )
