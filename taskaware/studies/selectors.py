"""Ways to choose an architecture for a task before anything is trained on it."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from taskaware.errors import UserError, unknown
from taskaware.recommendation.ascent import AscentSettings
from taskaware.recommendation.recommend import stated
from taskaware.recommendation.safety import chance, default, is_strange
from taskaware.spaces import MixtureSpace
from taskaware.surrogates import PUBLISHED, EvaluatorSettings, TrainingData, fit_evaluator
from taskaware.surrogates.evaluator import Scaler
from taskaware.surrogates.losses import loss_named
from taskaware.surrogates.networks import PROCESS, network_named
from taskaware.surrogates.training_data import architecture_features

OPTIMIZERS = ("adam", "sgd")


class Unseen(NamedTuple):
    """All that may be known of t tasks that are chosen for.

    Attributes:
        z: meta-features, (t, M).
        problems: of the tasks, t.
        digests: of the tasks' content, t.
    """

    z: np.ndarray
    problems: tuple[str, ...]
    digests: tuple[str, ...] = ()

    @classmethod
    def of(cls, known: TrainingData) -> "Unseen":
        """The tasks of some training data, without what was learned there."""
        return cls(known.z, known.problems, known.digests)


class Choice(NamedTuple):
    """What is thought of A architectures on each of t tasks.

    Attributes:
        preference: larger is better; NaN where nothing is thought, (t, A).
        predicted: expected validation scores as `recommend` states them, (t, A); None where none are stated.
        deviation: one standard deviation of them, (t, A); None where none are stated.
        default: position of the architecture that is best on average, (t,); None where it is not asked for.
        chance: probability that what is preferred scores above that one, NaN where it is that one, (t,).
    """

    preference: np.ndarray
    predicted: np.ndarray | None = None
    deviation: np.ndarray | None = None
    default: np.ndarray | None = None
    chance: np.ndarray | None = None


Selector = Callable[[TrainingData, Unseen, int], Choice]
"""(what is known, tasks to choose for, seed) → a choice among the architectures of what is known."""


def random_choice(known: TrainingData, unseen: Unseen, seed: int) -> Choice:
    """Any architecture."""
    return Choice(np.random.default_rng(seed).random((len(unseen.z), len(known.u))))


def single_best(known: TrainingData, unseen: Unseen, seed: int) -> Choice:
    """The architecture that is best on average over the known tasks."""
    del seed
    mean = known.take(known.real).filled().mean(0)
    return Choice(np.repeat(mean[None], len(unseen.z), axis=0))


def nearest_task(known: TrainingData, unseen: Unseen, seed: int) -> Choice:
    """What was best on the nearest known task."""
    del seed
    known = known.take(known.real)
    scaler = Scaler.fit(known.z)
    distance = np.mean((scaler(unseen.z)[:, None] - scaler(known.z)[None]) ** 2, axis=2)
    return Choice(known.target[distance.argmin(1)])


def boosted(space: MixtureSpace) -> Selector:
    """A gradient-boosted evaluator on the same triplets: scikit-learn's HistGradientBoostingRegressor."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    def pick(known: TrainingData, unseen: Unseen, seed: int) -> Choice:
        scaler, u = Scaler.fit(known.z), architecture_features(space, known.u)
        tasks, places = np.nonzero(~np.isnan(known.target))
        rows = np.concatenate([scaler(known.z)[tasks], u[places]], axis=1)
        model = HistGradientBoostingRegressor(
            max_iter=300, learning_rate=0.05, max_features=0.3, random_state=seed
        )
        model.fit(rows, known.target[tasks, places])
        each = [np.column_stack([np.repeat(row[None], len(u), 0), u]) for row in scaler(unseen.z)]
        return Choice(np.stack([model.predict(rows) for rows in each]))

    return pick


def learned(space: MixtureSpace, settings: EvaluatorSettings, kappa: float, safe: bool = False) -> Selector:
    """An evaluator of ours: what it expects less kappa times how unsure it is.

    If it is to be `safe`, the default comes first on a task that resembles nothing known. It states scores
    where it knows how sure it is; a lone network does not.
    """

    def pick(known: TrainingData, unseen: Unseen, seed: int) -> Choice:
        evaluator = fit_evaluator(space, known, settings, seed=seed)
        features = jnp.asarray(architecture_features(space, known.u))
        views = [evaluator.view(z, problem) for z, problem in zip(unseen.z, unseen.problems, strict=True)]
        thought = [view.judge(features) for view in views]
        preference = np.stack([np.asarray(mean - kappa * deviation) for mean, deviation in thought])
        for row, (z, problem) in enumerate(zip(unseen.z, unseen.problems, strict=True)):
            if safe and is_strange(evaluator, z):
                preference[row, default(evaluator, problem)] = preference[row].max() + 1
        if not evaluator.knows_doubt:
            return Choice(preference)
        judged = [view.stated(*each) for view, each in zip(views, thought, strict=True)]
        tasks = zip(unseen.z, unseen.problems, judged, strict=True)
        said = [stated(evaluator, z, problem, mean, deviation) for z, problem, (mean, deviation) in tasks]
        found = Choice(preference, *(np.stack(column) for column in zip(*said, strict=True)))
        if not safe:
            return found
        defaults = np.array([default(evaluator, problem) for problem in unseen.problems])
        pairs = zip(views, known.u[preference.argmax(1)], known.u[defaults], strict=True)
        chances = [chance(evaluator, *each) for each in pairs]
        return found._replace(default=defaults, chance=np.array(chances, float))

    return pick


def published(loss: str) -> EvaluatorSettings:
    """The evaluator of the seed document with one of the losses."""
    return dataclasses.replace(PUBLISHED, loss=loss)


METHODS: dict[str, Callable[[MixtureSpace, EvaluatorSettings], Selector]] = {
    "random": lambda space, ours: random_choice,
    "single_best": lambda space, ours: single_best,
    "nearest_task": lambda space, ours: nearest_task,
    "boosted": lambda space, ours: boosted(space),
    "published": lambda space, ours: learned(space, published("squared"), 0.0),
    "published_linear": lambda space, ours: learned(space, published("pairwise_linear"), 0.0),
    "published_quadratic": lambda space, ours: learned(space, published("pairwise_quadratic"), 0.0),
    "bilinear": lambda space, ours: learned(space, EvaluatorSettings(network="bilinear"), 0.5),
    "evaluator": lambda space, ours: learned(space, ours, AscentSettings().kappa, safe=True),
}
"""By name: the space and the settings of our evaluator → a picker."""


def check_evaluator(settings: EvaluatorSettings) -> None:
    """Nothing, where an evaluator can be made like this.

    Raises:
        UserError: a name is unknown (the nearest is given), or a number is out of range.
    """
    if settings.network != PROCESS:
        network_named(settings.network)
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


def portfolio(known: TrainingData, size: int) -> np.ndarray:
    """Positions of architectures chosen greedily so that the best of them does well everywhere, (size,)."""
    target = known.take(known.real).filled()
    chosen: list[int] = []
    reached = np.full((len(target), 1), -np.inf)
    for _ in range(size):
        gain = np.maximum(target, reached).mean(0)
        gain[chosen] = -np.inf
        chosen.append(int(gain.argmax()))
        reached = np.maximum(reached, target[:, chosen[-1:]])
    return np.array(chosen)
