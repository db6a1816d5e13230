"""Ways to choose an architecture for a task before anything is trained on it."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, cast

import jax.numpy as jnp
import numpy as np

from taskaware.errors import UserError, unknown
from taskaware.modalities.tables.samples import Samples
from taskaware.recommendation.ascent import AscentSettings
from taskaware.recommendation.safety import chance, default, is_unfamiliar
from taskaware.spaces import Space
from taskaware.surrogates import (
    PUBLISHED,
    SURROGATES,
    Evaluator,
    EvaluatorSettings,
    Posterior,
    TaskQuery,
    TrainingData,
    fit_evaluator,
)
from taskaware.surrogates.level import Scaler
from taskaware.surrogates.losses import loss_named
from taskaware.surrogates.patterns import embeddings_in_use
from taskaware.surrogates.training_data import architecture_features

OPTIMIZERS = ("adam", "sgd")


class NewTasks(NamedTuple):
    """The part of t tasks that a selector may read.

    Attributes:
        z: meta-features, (t, M).
        problems: of the tasks, t.
        digests: of the tasks' content, t.
        trained: architectures that each was trained with, which tell what kinds of data it has, (t, A).
    """

    z: np.ndarray
    problems: tuple[str, ...]
    digests: tuple[str, ...] = ()
    trained: np.ndarray | None = None

    @classmethod
    def of(cls, data: TrainingData) -> "NewTasks":
        """The tasks of some training data, without the scores."""
        return cls(data.z, data.problems, data.digests, ~np.isnan(data.score))

    def queries(
        self, space: Space, u: np.ndarray, samples: Mapping[str, Samples] | None = None
    ) -> list[TaskQuery]:
        """A query for each task.

        Args:
            space: of the architectures.
            u: those of `trained`, (A, D).
            samples: raw rows of the tasks by their digests, if they are read.
        """
        digests = self.digests or ("",) * len(self.problems)
        there: Sequence[tuple[str, ...] | None] = [None] * len(self.problems)
        if self.trained is not None:
            there = embeddings_in_use(space, u, self.trained)
        rows = zip(self.z, self.problems, digests, there, strict=True)
        return [
            TaskQuery(z, problem, digest, (samples or {}).get(digest), present)
            for z, problem, digest, present in rows
        ]


class Choice(NamedTuple):
    """Ranking of A architectures on each of t tasks.

    Attributes:
        preference: larger is better; NaN for no preference, (t, A).
        predicted: expected validation scores, as in a recommendation, (t, A); None without predictions.
        deviation: one standard deviation of them, (t, A); None without predictions.
        default: position of the architecture that is best on average, (t,); None if not computed.
        chance: probability that the preferred architecture beats the default one, (t,); NaN if both are
            equal.
    """

    preference: np.ndarray
    predicted: np.ndarray | None = None
    deviation: np.ndarray | None = None
    default: np.ndarray | None = None
    chance: np.ndarray | None = None


Selector = Callable[[TrainingData, NewTasks, int], Choice]
"""(training data, tasks to choose for, seed) → a choice among the architectures of the training data."""


def random_choice(data: TrainingData, new: NewTasks, seed: int) -> Choice:
    """Random scores: any architecture.

    Args:
        data, new, seed: as in `Selector`.
    """
    return Choice(np.random.default_rng(seed).random((len(new.z), len(data.u))))


def single_best(data: TrainingData, new: NewTasks, seed: int) -> Choice:
    """The architecture that is best on average over the known tasks.

    Args:
        data, new, seed: as in `Selector`.
    """
    del seed
    mean = data.take(data.real).filled().mean(0)
    return Choice(np.repeat(mean[None], len(new.z), axis=0))


def nearest_task(data: TrainingData, new: NewTasks, seed: int) -> Choice:
    """The architecture that is best on the nearest known task.

    Args:
        data, new, seed: as in `Selector`.
    """
    del seed
    data = data.take(data.real)
    scaler = Scaler.fit(data.z)
    distance = np.mean((scaler(new.z)[:, None] - scaler(data.z)[None]) ** 2, axis=2)
    return Choice(data.target[distance.argmin(1)])


def boosted_trees(
    space: Space, data: TrainingData, seed: int
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """scikit-learn's HistGradientBoostingRegressor, fitted to the triplets.

    Args:
        space: of the architectures.
        data: to learn from.
        seed: of the trees.

    Returns:
        (meta-features (t, M), architectures (n, D)) → normalised scores, (t, n).
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    scaler, u = Scaler.fit(data.z), architecture_features(space, data.u)
    tasks, places = np.nonzero(~np.isnan(data.target))
    rows = np.concatenate([scaler(data.z)[tasks], u[places]], axis=1)
    model = HistGradientBoostingRegressor(
        max_iter=300, learning_rate=0.05, max_features=0.3, random_state=seed
    )
    model.fit(rows, data.target[tasks, places])

    def predict(z: np.ndarray, points: np.ndarray) -> np.ndarray:
        features = architecture_features(space, points)
        each = [np.column_stack([np.repeat(row[None], len(points), 0), features]) for row in scaler(z)]
        return np.stack([model.predict(rows) for rows in each])

    return predict


def boosted(space: Space) -> Selector:
    """A gradient-boosted evaluator on the same triplets, see `boosted_trees`."""

    def select(data: TrainingData, new: NewTasks, seed: int) -> Choice:
        return Choice(boosted_trees(space, data, seed)(new.z, data.u))

    return select


def learned(
    space: Space,
    settings: object,
    kappa: float,
    safe: bool = False,
    samples: Mapping[str, Samples] | None = None,
) -> Selector:
    """A surrogate: its mean less kappa standard deviations.

    Scores are predicted if the surrogate has an uncertainty; a single network has none.

    Args:
        space: of the architectures.
        settings: of the surrogate, see `fit_evaluator`.
        kappa: number of standard deviations to subtract.
        safe: whether the default comes first on a task that resembles no known task.
        samples: raw rows of all tasks by digest, for surrogates that read them.
    """

    def select(data: TrainingData, new: NewTasks, seed: int) -> Choice:
        evaluator = fit_evaluator(space, data, settings, seed=seed, samples=samples)
        queries = new.queries(space, data.u, samples)
        posteriors = [evaluator.posterior(query) for query in queries]
        features = jnp.asarray(architecture_features(space, data.u))
        predictions = [posterior.mean_std(features) for posterior in posteriors]
        preference = np.stack([np.asarray(mean - kappa * std) for mean, std in predictions])
        if safe:
            preference = _default_first(evaluator, queries, preference)
        if not evaluator.has_uncertainty:
            return Choice(preference)
        scores = [
            # Not as `recommend` corrects them: the coefficients of that saw the tasks that are held out.
            posterior.in_metric_units(*map(np.asarray, posterior.unwarp(*each)))
            for posterior, each in zip(posteriors, predictions, strict=True)
        ]
        choice = Choice(preference, *(np.stack(column) for column in zip(*scores, strict=True)))
        return _with_chances(evaluator, posteriors, queries, choice) if safe else choice

    return select


def _default_first(evaluator: Evaluator, queries: Sequence[TaskQuery], preference: np.ndarray) -> np.ndarray:
    """The choice with the default ranked first on each task that resembles no known task."""
    preference = preference.copy()
    for row, query in enumerate(queries):
        if is_unfamiliar(evaluator, cast(np.ndarray, query.z)):
            preference[row, _default(evaluator, query)] = preference[row].max() + 1
    return preference


def _default(evaluator: Evaluator, query: TaskQuery) -> int:
    return default(evaluator, cast(str, query.problem), query.present)


def _with_chances(
    evaluator: Evaluator, posteriors: Sequence[Posterior], queries: Sequence[TaskQuery], choice: Choice
) -> Choice:
    """The choice with the default of each task, and the chance to beat it."""
    u = evaluator.training_data.u
    defaults = np.array([_default(evaluator, query) for query in queries])
    pairs = zip(posteriors, u[choice.preference.argmax(1)], u[defaults], strict=True)
    chances = [chance(evaluator, *each) for each in pairs]
    return choice._replace(default=defaults, chance=np.array(chances, float))


def published(loss: str) -> EvaluatorSettings:
    """The evaluator of the seed document with one of the losses."""
    return dataclasses.replace(PUBLISHED, loss=loss)


def no_dearer(fixed: EvaluatorSettings, ours: EvaluatorSettings) -> EvaluatorSettings:
    """Fixed settings, with at most the members and the steps of ours.

    >>> no_dearer(PUBLISHED, EvaluatorSettings(steps=20)).steps
    20
    """
    members, steps = min(fixed.members, ours.members), min(fixed.steps, ours.steps)
    return dataclasses.replace(fixed, members=members, steps=steps)


def _fixed(settings: EvaluatorSettings, kappa: float) -> Callable[[Space, EvaluatorSettings], Selector]:
    return lambda space, ours: learned(space, no_dearer(settings, ours), kappa)


METHODS: dict[str, Callable[[Space, EvaluatorSettings], Selector]] = {
    "random": lambda space, ours: random_choice,
    "single_best": lambda space, ours: single_best,
    "nearest_task": lambda space, ours: nearest_task,
    "boosted": lambda space, ours: boosted(space),
    "published": _fixed(published("squared"), 0.0),
    "published_linear": _fixed(published("pairwise_linear"), 0.0),
    "published_quadratic": _fixed(published("pairwise_quadratic"), 0.0),
    "bilinear": _fixed(EvaluatorSettings(network="bilinear"), 0.5),
    "evaluator": lambda space, ours: learned(space, ours, AscentSettings().kappa, safe=True),
}
"""By name: the space and the settings of our evaluator → a selector."""


def check_evaluator(settings: EvaluatorSettings) -> None:
    """Check the settings of an evaluator.

    Raises:
        UserError: a name is unknown (the nearest is suggested), or a number is out of range.
    """
    if SURROGATES.named(settings.network).reads_samples:
        raise UserError(
            f"The surrogate '{settings.network}' reads raw rows, which the experience does not hold. "
            "Evaluate it with the study 'learned-features'."
        )
    loss_named(settings.loss)
    if settings.optimizer not in OPTIMIZERS:
        raise unknown("optimizer", settings.optimizer, OPTIMIZERS)
    for name in ("members", "steps", "tasks_per_step", "architectures_per_step"):
        if getattr(settings, name) < 1:
            raise UserError(
                f"Evaluator setting {name}={getattr(settings, name)} is too small. Give 1 or more."
            )
    for name in ("gap", "noise_gap"):
        if not getattr(settings, name) >= 0:
            raise UserError(
                f"Evaluator setting {name}={getattr(settings, name)} is negative. Give 0 or more."
            )


def portfolio(data: TrainingData, size: int) -> np.ndarray:
    """Positions of a greedy portfolio, whose best member scores well on every task, (size,)."""
    target = data.take(data.real).filled()
    chosen: list[int] = []
    reached = np.full((len(target), 1), -np.inf)
    for _ in range(size):
        gain = np.maximum(target, reached).mean(0)
        gain[chosen] = -np.inf
        chosen.append(int(gain.argmax()))
        reached = np.maximum(reached, target[:, chosen[-1:]])
    return np.array(chosen)
