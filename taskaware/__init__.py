"""taskaware: give it a dataset, get the neural architecture that suits it, before anything is trained on it.

>>> import taskaware as ta
>>> rec = ta.recommend("iris")
>>> rec.task.rows
150
"""

import importlib

__version__ = "0.2.0"

_HOMES = {
    "CHILDREN": "taskaware.children.child",
    "METRICS": "taskaware.tasks.metrics",
    "SPACES": "taskaware.spaces",
    "STRATEGIES": "taskaware.strategies",
    "AscentSettings": "taskaware.recommendation.ascent",
    "CheckpointError": "taskaware.errors",
    "EvaluatorSettings": "taskaware.surrogates",
    "JointSettings": "taskaware.surrogates.joint_settings",
    "Child": "taskaware.children.child",
    "Metric": "taskaware.tasks.metrics",
    "MODALITIES": "taskaware.modalities.modality",
    "Recommendation": "taskaware.recommendation.recommendation",
    "SURROGATES": "taskaware.surrogates",
    "StoreError": "taskaware.errors",
    "CollectSettings": "taskaware.objectives.collect",
    "RunnerSettings": "taskaware.runner",
    "Store": "taskaware.store",
    "TaskAwareClassifier": "taskaware.recommendation.estimators",
    "TaskAwareRegressor": "taskaware.recommendation.estimators",
    "TaskQuery": "taskaware.surrogates",
    "TaskawareError": "taskaware.errors",
    "UserError": "taskaware.errors",
    "collect": "taskaware.objectives.collect",
    "known_tasks": "taskaware.recommendation.products",
    "learn": "taskaware.recommendation.learn",
    "load_evaluator": "taskaware.surrogates",
    "load_model": "taskaware.training.model",
    "load_recommendation": "taskaware.recommendation.loading",
    "make_task": "taskaware.modalities.reading",
    "manifests": "taskaware.data.manifests",
    "meta_features": "taskaware.recommendation.products",
    "preset": "taskaware.spaces",
    "recommend": "taskaware.recommendation.recommend",
    "report": "taskaware.reports",
    "search": "taskaware.objectives.searching",
    "save_evaluator": "taskaware.surrogates",
    "train_evaluator": "taskaware.recommendation.teach",
}

_ROOMS = ("objectives", "strategies")
"""Packages with public functions of their own: `ta.strategies.evolution()`."""

__all__ = ["__version__", *sorted([*_HOMES, *_ROOMS])]


def __getattr__(name: str) -> object:
    """The public names on first use, so that `import taskaware` stays fast."""
    if name in _ROOMS:
        return importlib.import_module(f"taskaware.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'taskaware' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
