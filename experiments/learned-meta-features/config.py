"""What learned meta-features are worth beside statistical ones; see README.md."""

from taskaware.runner import RunnerSettings
from taskaware.studies.learned_features import LearnedFeaturesSettings


def config() -> LearnedFeaturesSettings:
    """Every method, five folds, two seeds, on the tasks of the shipped experience whose rows are at hand."""
    return LearnedFeaturesSettings(suite=("bundled", "data"), runner=RunnerSettings(engine="processes"))
