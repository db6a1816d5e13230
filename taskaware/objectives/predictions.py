"""The objective that predicts: what a surrogate expects of a point on a task; instant, with gradients."""

from taskaware.strategies import Objective, traced
from taskaware.surrogates.evaluator import Evaluator


def predicted(evaluator: Evaluator, z, problem: str, *, kappa: float = 0.0, together: int = 16) -> Objective:
    """The score that a surrogate expects, less kappa standard deviations.

    Args:
        evaluator: the surrogate.
        z: meta-features of the task, (M,).
        problem: of the task.
        kappa: what a standard deviation costs; 0 for the mean, 1 for a lower confidence bound.
        together: points of a round.
    """
    view = evaluator.view(z, problem)

    def value(point):
        mean, deviation = view.judge(evaluator.space.features(point)[None])
        return (mean - kappa * deviation)[0]

    return traced(value, together)
