"""How good the evaluator is for tasks that it knows nothing of; see README.md."""

from taskaware.runner import RunnerSettings
from taskaware.studies.evaluate import EvaluateSettings


def config() -> EvaluateSettings:
    """Every method, five folds, five seeds, on the shipped experience."""
    return EvaluateSettings(runner=RunnerSettings(engine="processes"))
