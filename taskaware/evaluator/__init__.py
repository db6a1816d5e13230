"""The evaluator: learned from experience, it predicts the score of an architecture on a task."""

from taskaware.evaluator.checkpoint import load_evaluator, save_evaluator
from taskaware.evaluator.evaluator import Evaluator
from taskaware.evaluator.fit import PUBLISHED, EvaluatorSettings, fit_evaluator
from taskaware.evaluator.lessons import Lessons, lessons

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
