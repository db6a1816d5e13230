"""Whether more tasks and more architectures would still help; see README.md."""

from taskaware.runner import RunnerSettings
from taskaware.studies.evaluate import EvaluateSettings
from taskaware.studies.vary import VarySettings


def config() -> VarySettings:
    """From three known tasks to all, and from a few architectures on each."""
    return VarySettings(
        evaluate=EvaluateSettings(
            methods=("single_best", "evaluator"), seeds=3, runner=RunnerSettings(engine="processes")
        ),
        changes=(
            *(f"tasks={count}" for count in (3, 6, 12, 24, 48, 96, 192)),
            *(f"architectures={count}" for count in (8, 16, 32, 64, 128)),
        ),
    )
