"""How good the evaluator is for tasks that it knows nothing of; see README.md."""

from taskaware.campaigns.evaluate import EvaluateSettings
from taskaware.runner import RunnerSettings


def config() -> EvaluateSettings:
    """Every method, five folds, five seeds, on the shipped experience."""
    return EvaluateSettings(runner=RunnerSettings(engine="processes"))
