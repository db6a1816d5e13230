"""A few trainings on the very task: which candidates to train next, and what is believed after it.

The first is the recommendation. Each of the next is the one that adds most to the best score of those
trained, on average over the known tasks, those that are like this one counting more: what complements the
others there does so here, more reliably than what is believed of this task alone says. The belief takes up
the scores, and states what to expect. The top and the spread of this task are not known either: every
combination of a grid is a hypothesis, and counts by how well it explains the scores seen.

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
"""Weight of the belief where no candidate adds anything on the known tasks."""
NEAR = 0.25
"""Share of the known tasks that are nearer to a task than the width of what counts as near."""
OTHER_KIND = 0.1
"""What a known task of another problem counts, beside one of the same problem that is as near."""


@dataclasses.dataclass(frozen=True, eq=False)
class Refinement:
    """What is believed of N candidates on one task, before and after some of them were trained on it.

    Attributes:
        mean, covariance: of the warped scores before any training, (N,), (N, N).
        noise: variance of a warped score.
        tops, spreads: hypotheses of the task's top score and spread, H each.
        odds: logarithm of how likely each was before, (H,).
        known: normalised scores of the candidates on known tasks, (T, N), the worst where not trained there.
        likeness: what each of these tasks counts, (T,); their sum is 1.
        rows: candidates trained, n.
        scores: their validation scores, -inf of a diverged one, n.
        asked: candidates that were asked for, in their order, those trained among them.
    """

    mean: Float[np.ndarray, " N"]
    covariance: Float[np.ndarray, "N N"]
    noise: float
    tops: Float[np.ndarray, " H"]
    spreads: Float[np.ndarray, " H"]
    odds: Float[np.ndarray, " H"]
    known: Float[np.ndarray, "T N"]
    likeness: Float[np.ndarray, " T"]
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
            UserError: the evaluator knows no covariance, so it cannot be told more.
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
            _on_known_tasks(evaluator, np.asarray(points, np.float32)),
            _likeness(evaluator, cast(np.ndarray, query.z), cast(str, query.problem)),
            np.zeros(0, int),
            np.zeros(0),
        )

    def told(self, rows: Int[np.ndarray, " k"], scores: Float[np.ndarray, " k"]) -> "Refinement":
        """After k more trainings; the score of a diverged one is -inf."""
        return dataclasses.replace(
            self, rows=np.append(self.rows, rows).astype(int), scores=np.append(self.scores, scores)
        )

    def believed(self) -> tuple[Float[np.ndarray, " N"], Float[np.ndarray, " N"]]:
        """Mean and standard deviation of every candidate's warped score, over all hypotheses."""
        return self._believed(*self._seen())

    def next(self, count: int) -> Int[np.ndarray, " k"]:
        """The candidates that are worth training next, together; fewer where fewer are left."""
        mean, _ = self.believed()
        before = list(dict.fromkeys([*self.rows, *self.asked]))
        chosen = [] if before else [self.best()][:count]
        while len(chosen) < min(count, len(mean) - len(before)):
            taken = [*before, *chosen]
            reached = self.known[:, taken].max(1) if taken else np.full(len(self.known), FLOOR)
            gain = self.likeness @ np.maximum(self.known - reached[:, None], 0) + TIE * mean
            gain[taken] = -np.inf
            chosen.append(int(gain.argmax()))
        return np.array(chosen, int)

    def best(self) -> int:
        """The candidate to recommend now: the best of those trained, or the first before any was."""
        return int(self.rows[self.scores.argmax()]) if len(self.rows) else 0

    def stated(self) -> tuple[Float[np.ndarray, " N"], Float[np.ndarray, " N"]]:
        """Expected validation score of every candidate and its standard deviation, in the metric's unit."""
        warped, odds = self._seen()
        middle, within = map(np.asarray, unwarp(*self._believed(warped, odds)))
        scores = self.tops[:, None] + self.spreads[:, None] * middle
        expected = odds @ scores
        return expected, np.sqrt(odds @ ((scores - expected) ** 2 + (self.spreads[:, None] * within) ** 2))

    def _seen(self) -> tuple[Float[np.ndarray, "H n"], Float[np.ndarray, " H"]]:
        """The scores as each hypothesis sees them, a diverged one as the worst, and how likely it is now."""
        finite = self.scores[np.isfinite(self.scores)]
        scores = np.where(np.isfinite(self.scores), self.scores, finite.min() if len(finite) else 0.0)
        target = np.maximum((scores - self.tops[:, None]) / self.spreads[:, None], FLOOR)
        # Beyond the top the warp goes on as it is there, or all that lies above would be one score.
        seen = warped(target) + 2 * np.maximum(target, 0.0)
        slope = np.log(2 / (1 - 2 * np.minimum(target, 0.0))) - np.log(self.spreads[:, None])
        root = np.linalg.cholesky(self._inside())
        white = np.linalg.solve(root, (seen - self.mean[self.rows]).T)
        odds = self.odds - 0.5 * np.sum(white**2, axis=0) + slope.sum(1)
        odds = np.exp(odds - odds.max())
        return seen, odds / odds.sum()

    def _believed(self, seen: np.ndarray, odds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        across = self.covariance[self.rows]
        gain = np.linalg.solve(self._inside(), across)
        means = self.mean + (seen - self.mean[self.rows]) @ gain
        mean = odds @ means
        variance = np.diag(self.covariance) - np.sum(across * gain, axis=0) + odds @ (means - mean) ** 2
        return mean, np.sqrt(np.maximum(variance, 1e-12))

    def _inside(self) -> Float[np.ndarray, "n n"]:
        """Covariance of the scores seen."""
        return self.covariance[np.ix_(self.rows, self.rows)] + self.noise * np.eye(len(self.rows))


def _on_known_tasks(evaluator: Evaluator, points: np.ndarray) -> np.ndarray:
    """Normalised scores of the candidates on real tasks, see `TrainingData.filled`; the worst if new."""
    known = evaluator.training_data
    places = {point.tobytes(): place for place, point in enumerate(known.u.astype(np.float32))}
    columns = np.array([places.get(point.tobytes(), -1) for point in points])
    scores = known.take(known.real).filled()
    return np.where(columns >= 0, scores[:, columns], FLOOR)


def _likeness(evaluator: Evaluator, z: Float[np.ndarray, " M"], problem: str) -> Float[np.ndarray, " T"]:
    """What each known real task counts where candidates are chosen for a task."""
    real = evaluator.training_data.real
    distances = evaluator.distances(z)[real]
    width = max(np.quantile(distances, NEAR), 1e-6)
    weights = np.where(evaluator.training_data.of_problem(problem)[real], 1.0, OTHER_KIND)
    weights = weights * np.exp(-0.5 * (distances / width) ** 2)
    return weights / weights.sum()


def refining(begun: Refinement, points: Float[np.ndarray, "N D"]) -> Factory:
    """The choice of candidates as a search strategy, whose state is a Refinement; it ends when none is left.

    Args:
        begun: before the first training.
        points: the candidates, in the order of the Refinement.
    """

    def bound(space: Space, together: int) -> Strategy:
        del space

        def ask(key, state: Refinement) -> tuple[Refinement, np.ndarray]:
            del key
            rows = state.next(together)
            return dataclasses.replace(state, asked=np.append(state.asked, rows).astype(int)), points[rows]

        def tell(state: Refinement, told: np.ndarray, feedback: Feedback) -> tuple[Refinement, dict]:
            number = len(state.rows) + np.arange(len(told)) if feedback.number is None else feedback.number
            rows = state.asked[np.asarray(number)]
            return state.told(rows, np.asarray(feedback.value, float)), {"candidate": rows}

        return Strategy(lambda key: begun, ask, tell, traceable=False)

    return bound
