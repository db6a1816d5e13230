"""Surrogates: learned from experience, they predict the score of an architecture on a task."""

from taskaware.surrogates.checkpoint import load_evaluator, save_evaluator
from taskaware.surrogates.evaluator import Evaluator
from taskaware.surrogates.fit import PUBLISHED, EvaluatorSettings, fit_evaluator
from taskaware.surrogates.level import Scaler, TaskLevel, TaskScale
from taskaware.surrogates.registry import SURROGATES
from taskaware.surrogates.surrogate import Posterior, ScaledPosterior, Surrogate, TaskQuery
from taskaware.surrogates.training_data import TrainingData, training_data

__all__ = [
    "PUBLISHED",
    "SURROGATES",
    "Evaluator",
    "EvaluatorSettings",
    "Posterior",
    "ScaledPosterior",
    "Scaler",
    "Surrogate",
    "TaskLevel",
    "TaskQuery",
    "TaskScale",
    "TrainingData",
    "fit_evaluator",
    "training_data",
    "load_evaluator",
    "save_evaluator",
]
