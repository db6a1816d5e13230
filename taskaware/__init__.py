"""taskaware: give it a dataset, get the neural architecture that suits it, before anything is trained on it.

>>> import taskaware as ta
>>> rec = ta.recommend("iris")
>>> rec.task.rows
150
"""

import sys

if not sys.flags.safe_path and any(
    before.startswith("-") and before.endswith("m") and run.partition(".")[0] == "taskaware"
    for before, run in zip(sys.orig_argv, sys.orig_argv[1:], strict=False)
):
    # `python -m taskaware` looks for modules in the current folder first, and there may be anybody's files.
    # Before any other import, as even one of Python's own modules could be planted there.
    del sys.path[0]

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from taskaware import objectives as objectives
    from taskaware import optimizers as optimizers
    from taskaware import spaces as spaces
    from taskaware import strategies as strategies
    from taskaware.children.child import CHILDREN as CHILDREN
    from taskaware.children.child import Child as Child
    from taskaware.data.manifests import manifests as manifests
    from taskaware.errors import CheckpointError as CheckpointError
    from taskaware.errors import StoreError as StoreError
    from taskaware.errors import TaskawareError as TaskawareError
    from taskaware.errors import UserError as UserError
    from taskaware.modalities.modality import MODALITIES as MODALITIES
    from taskaware.modalities.reading import make_task as make_task
    from taskaware.objectives.collect import CollectSettings as CollectSettings
    from taskaware.objectives.collect import collect as collect
    from taskaware.objectives.searching import search as search
    from taskaware.recommendation.ascent import AscentSettings as AscentSettings
    from taskaware.recommendation.estimators import TaskAwareClassifier as TaskAwareClassifier
    from taskaware.recommendation.estimators import TaskAwareRegressor as TaskAwareRegressor
    from taskaware.recommendation.learn import learn as learn
    from taskaware.recommendation.loading import load_recommendation as load_recommendation
    from taskaware.recommendation.products import known_tasks as known_tasks
    from taskaware.recommendation.products import meta_features as meta_features
    from taskaware.recommendation.recommend import recommend as recommend
    from taskaware.recommendation.recommendation import Recommendation as Recommendation
    from taskaware.recommendation.teach import train_evaluator as train_evaluator
    from taskaware.reports import report as report
    from taskaware.runner import RunnerSettings as RunnerSettings
    from taskaware.service.client import Client as Client
    from taskaware.spaces import SPACES as SPACES
    from taskaware.spaces import preset as preset
    from taskaware.store import Store as Store
    from taskaware.strategies import STRATEGIES as STRATEGIES
    from taskaware.surrogates import SURROGATES as SURROGATES
    from taskaware.surrogates import EvaluatorSettings as EvaluatorSettings
    from taskaware.surrogates import TaskQuery as TaskQuery
    from taskaware.surrogates import load_evaluator as load_evaluator
    from taskaware.surrogates import save_evaluator as save_evaluator
    from taskaware.surrogates.joint_settings import JointSettings as JointSettings
    from taskaware.tasks.metrics import METRICS as METRICS
    from taskaware.tasks.metrics import Metric as Metric
    from taskaware.training.model import load_model as load_model

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
    "Client": "taskaware.service.client",
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

_ROOMS = ("objectives", "optimizers", "spaces", "strategies")
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
