"""The evaluator: learned from experience, it predicts the score of an architecture on a task."""

from taskaware.surrogates.checkpoint import load_evaluator, save_evaluator
from taskaware.surrogates.evaluator import Evaluator
from taskaware.surrogates.fit import PUBLISHED, EvaluatorSettings, fit_evaluator
from taskaware.surrogates.training_data import Lessons, lessons

__all__ = [
    "PUBLISHED",
    "Evaluator",
    "EvaluatorSettings",
    "Lessons",
    "fit_evaluator",
    "lessons",
    "load_evaluator",
    "save_evaluator",
]
