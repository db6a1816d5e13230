"""An objective that predicts: the score that a surrogate expects on a task; fast, with gradients."""

from jaxtyping import Array, Float

from taskaware.strategies import Objective, traced
from taskaware.surrogates import Evaluator, TaskQuery


def predicted(evaluator: Evaluator, query: TaskQuery, *, kappa: float = 0.0, together: int = 16) -> Objective:
    """The predicted score less kappa standard deviations.

    Args:
        evaluator: the surrogate.
        query: the task.
        kappa: number of standard deviations to subtract; 0 for the mean, 1 for a lower confidence bound.
        together: points of a round.
    """
    posterior = evaluator.posterior(query)

    def value(point: Float[Array, " D"]) -> Float[Array, ""]:
        mean, deviation = posterior.mean_std(evaluator.space.features(point)[None])
        return (mean - kappa * deviation)[0]

    return traced(value, together)
