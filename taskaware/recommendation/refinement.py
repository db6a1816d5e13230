"""A few trainings on the task itself: which candidates to train next, and the posterior after them.

The recommendation is trained first. Each further candidate is the one that raises the best score of the
trained ones most, averaged over the known tasks, with more weight on tasks near this one. On real tasks
this choice is more reliable than the posterior of this task alone. The posterior is conditioned on the
observed scores. The top score and the spread of this task are unknown too: every combination on a grid is a
hypothesis, weighted by its likelihood.

Source: greedy portfolios, as in Feurer, Springenberg and Hutter 2015 (initial designs) and after.
"""

import dataclasses
from typing import Any, cast

import numpy as np
from jaxtyping import Float, Int

from taskaware.errors import UserError
from taskaware.spaces import Space
from taskaware.strategies import Factory, Feedback, Strategy
from taskaware.surrogates import Evaluator, TaskQuery
from taskaware.surrogates.level import TaskScale
from taskaware.surrogates.training_data import FLOOR, architecture_features
from taskaware.surrogates.warping import unwarp, warped

TOPS = np.linspace(-2.5, 2.5, 21)
SPREADS = np.linspace(-2.0, 2.0, 9)
LEAST_SPREAD = 1e-3
TIE = 1e-6
"""Weight of the posterior mean, which breaks ties where no candidate adds anything on the known tasks."""
NEAR = 0.25
"""Quantile of the distances to the known tasks that is the kernel width of the task weights."""
OTHER_PROBLEM = 0.1
"""Weight of a known task of another problem, relative to one of the same problem at the same distance."""


@dataclasses.dataclass(frozen=True, eq=False)
class Refinement:
    """The posterior of N candidates on one task, before and after some of them were trained on it.

    Attributes:
        mean, covariance: of the warped scores before any training, (N,), (N, N).
        noise: variance of a warped score.
        tops, spreads: hypotheses about the task's top score and spread, (H,) each.
        log_prior: logarithm of the prior of each hypothesis, up to a constant, (H,).
        training_scores: normalised scores of the candidates on the known tasks, (T, N); FLOOR where a
            candidate was not trained.
        task_weights: weight of each known task, (T,); they sum to 1.
        rows: positions of the trained candidates, (n,).
        scores: their validation scores, -inf where a training diverged, (n,).
        asked: positions of the candidates that were asked for, in order, trained ones included.
    """

    mean: Float[np.ndarray, " N"]
    covariance: Float[np.ndarray, "N N"]
    noise: float
    tops: Float[np.ndarray, " H"]
    spreads: Float[np.ndarray, " H"]
    log_prior: Float[np.ndarray, " H"]
    training_scores: Float[np.ndarray, "T N"]
    task_weights: Float[np.ndarray, " T"]
    rows: Int[np.ndarray, " n"]
    scores: Float[np.ndarray, " n"]
    asked: Int[np.ndarray, " a"] = dataclasses.field(default_factory=lambda: np.zeros(0, int))

    @classmethod
    def begin(cls, evaluator: Evaluator, query: TaskQuery, points) -> "Refinement":
        """Before any training.

        Args:
            evaluator: gives the prior.
            query: the task, with its problem.
            points: the candidates, the recommendation first, (N, D).

        Raises:
            UserError: the evaluator has no covariance, so it cannot be conditioned on new scores.
        """
        posterior = evaluator.posterior(query)
        features = architecture_features(evaluator.space, np.asarray(points, np.float32))
        joint = posterior.joint(features)
        if joint is None:
            raise UserError(
                f"An evaluator of network '{evaluator.network}' cannot learn from single trainings. "
                "Use one of network 'gp', as the shipped one is."
            )
        mean, covariance = joint
        # The network 'gp' always has a scale, and its posterior has the noise.
        top, top_error, spread, spread_error, *_ = cast(TaskScale, evaluator.scale(query))
        tops, steps = np.meshgrid(TOPS, SPREADS, indexing="ij")
        return cls(
            mean,
            covariance,
            float(cast(Any, posterior).noise),
            (top + top_error * tops).ravel(),
            np.maximum(spread * np.exp(spread_error * steps), LEAST_SPREAD).ravel(),
            -0.5 * (tops**2 + steps**2).ravel(),
            _on_training_tasks(evaluator, np.asarray(points, np.float32)),
            _task_weights(evaluator, cast(np.ndarray, query.z), cast(str, query.problem)),
            np.zeros(0, int),
            np.zeros(0),
        )

    def update(self, rows: Int[np.ndarray, " k"], scores: Float[np.ndarray, " k"]) -> "Refinement":
        """The refinement after k more trainings; the score of a diverged one is -inf."""
        return dataclasses.replace(
            self, rows=np.append(self.rows, rows).astype(int), scores=np.append(self.scores, scores)
        )

    def posterior(self) -> tuple[Float[np.ndarray, " N"], Float[np.ndarray, " N"]]:
        """Mean and standard deviation of every candidate's warped score, over all hypotheses."""
        return self._conditioned(*self._observed())

    def next(self, count: int) -> Int[np.ndarray, " k"]:
        """Positions of the candidates to train next, together; fewer than `count` where fewer are left."""
        mean, _ = self.posterior()
        before = list(dict.fromkeys([*self.rows, *self.asked]))
        chosen = [] if before else [self.best()][:count]
        while len(chosen) < min(count, len(mean) - len(before)):
            taken = [*before, *chosen]
            scores = self.training_scores
            reached = scores[:, taken].max(1) if taken else np.full(len(scores), FLOOR)
            gain = self.task_weights @ np.maximum(scores - reached[:, None], 0) + TIE * mean
            gain[taken] = -np.inf
            chosen.append(int(gain.argmax()))
        return np.array(chosen, int)

    def best(self) -> int:
        """Position of the candidate to recommend now: the best trained one, or the first before any."""
        return int(self.rows[self.scores.argmax()]) if len(self.rows) else 0

    def in_metric_units(self) -> tuple[Float[np.ndarray, " N"], Float[np.ndarray, " N"]]:
        """Expected validation score of every candidate and its standard deviation, in the metric's unit."""
        observed, weights = self._observed()
        middle, within = map(np.asarray, unwarp(*self._conditioned(observed, weights)))
        scores = self.tops[:, None] + self.spreads[:, None] * middle
        expected = weights @ scores
        return expected, np.sqrt(weights @ ((scores - expected) ** 2 + (self.spreads[:, None] * within) ** 2))

    def _observed(self) -> tuple[Float[np.ndarray, "H n"], Float[np.ndarray, " H"]]:
        """Warped scores under each hypothesis, a diverged one as the worst; posterior of the hypotheses."""
        finite = self.scores[np.isfinite(self.scores)]
        scores = np.where(np.isfinite(self.scores), self.scores, finite.min() if len(finite) else 0.0)
        target = np.maximum((scores - self.tops[:, None]) / self.spreads[:, None], FLOOR)
        # Above the top the warp is linear; otherwise all scores above it would be equal.
        observed = warped(target) + 2 * np.maximum(target, 0.0)
        slope = np.log(2 / (1 - 2 * np.minimum(target, 0.0))) - np.log(self.spreads[:, None])
        root = np.linalg.cholesky(self._observed_covariance())
        white = np.linalg.solve(root, (observed - self.mean[self.rows]).T)
        log_weights = self.log_prior - 0.5 * np.sum(white**2, axis=0) + slope.sum(1)
        weights = np.exp(log_weights - log_weights.max())
        return observed, weights / weights.sum()

    def _conditioned(self, observed: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of every candidate, (N,) each, averaged over the hypotheses."""
        across = self.covariance[self.rows]
        gain = np.linalg.solve(self._observed_covariance(), across)
        means = self.mean + (observed - self.mean[self.rows]) @ gain
        mean = weights @ means
        variance = np.diag(self.covariance) - np.sum(across * gain, axis=0) + weights @ (means - mean) ** 2
        return mean, np.sqrt(np.maximum(variance, 1e-12))

    def _observed_covariance(self) -> Float[np.ndarray, "n n"]:
        """Prior covariance of the observed warped scores, noise included."""
        return self.covariance[np.ix_(self.rows, self.rows)] + self.noise * np.eye(len(self.rows))


def _on_training_tasks(evaluator: Evaluator, points: np.ndarray) -> np.ndarray:
    """Normalised scores of the candidates on real tasks, (T, N), see `TrainingData.filled`; FLOOR if new."""
    data = evaluator.training_data
    places = {point.tobytes(): place for place, point in enumerate(data.u.astype(np.float32))}
    columns = np.array([places.get(point.tobytes(), -1) for point in points])
    scores = data.take(data.real).table().filled()
    return np.where(columns >= 0, scores[:, columns], FLOOR)


def _task_weights(evaluator: Evaluator, z: Float[np.ndarray, " M"], problem: str) -> Float[np.ndarray, " T"]:
    """Weight of each real known task for a task with meta-features z, (T,); they sum to 1."""
    real = evaluator.training_data.real
    distances = evaluator.distances(z)[real]
    width = max(np.quantile(distances, NEAR), 1e-6)
    weights = np.where(evaluator.training_data.of_problem(problem)[real], 1.0, OTHER_PROBLEM)
    weights = weights * np.exp(-0.5 * (distances / width) ** 2)
    return weights / weights.sum()


def refining(begun: Refinement, points: Float[np.ndarray, "N D"]) -> Factory:
    """A search strategy that trains the candidates by expected gain; it ends when none is left.

    Its state is a Refinement.

    Args:
        begun: the Refinement before the first training.
        points: the candidates, in the order of the Refinement.
    """

    def bound(space: Space, together: int) -> Strategy:
        del space

        def ask(key, state: Refinement) -> tuple[Refinement, np.ndarray]:
            del key
            rows = state.next(together)
            return dataclasses.replace(state, asked=np.append(state.asked, rows).astype(int)), points[rows]

        def tell(state: Refinement, trained: np.ndarray, feedback: Feedback) -> tuple[Refinement, dict]:
            number = len(state.rows) + np.arange(len(trained)) if feedback.number is None else feedback.number
            rows = state.asked[np.asarray(number)]
            return state.update(rows, np.asarray(feedback.value, float)), {"candidate": rows}

        return Strategy(lambda key: begun, ask, tell, traceable=False)

    return bound
