"""The evaluator: learned from experience, it predicts the score of an architecture on a task."""

from taskaware.evaluator.checkpoint import load_evaluator, save_evaluator
from taskaware.evaluator.evaluator import Evaluator
from taskaware.evaluator.fit import PUBLISHED, EvaluatorSettings, fit_evaluator
from taskaware.evaluator.joint import PUBLISHED_JOINT, JointEvaluator, JointSettings, fit_jointly
from taskaware.evaluator.joint_checkpoint import load_joint, save_joint
from taskaware.evaluator.lessons import Lessons, lessons
from taskaware.evaluator.samples import Samples, SampleSize, draw_samples

__all__ = [
    "PUBLISHED",
    "PUBLISHED_JOINT",
    "Evaluator",
    "EvaluatorSettings",
    "JointEvaluator",
    "JointSettings",
    "Lessons",
    "SampleSize",
    "Samples",
    "draw_samples",
    "fit_evaluator",
    "fit_jointly",
    "lessons",
    "load_evaluator",
    "load_joint",
    "save_evaluator",
    "save_joint",
]
