"""Finding the architecture for a task: ascent on the evaluator, and the guard around it.

The evaluator knows what it has seen. Left alone, an ascent walks to where it is wrong, so the objective is a
lower confidence bound with a price on leaving the known architectures, and what comes back is scored once
more, beside every known architecture and beside the plain networks near it.
"""

import dataclasses
import functools
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from taskaware.deprecation import renamed_fields
from taskaware.errors import UserError, unknown
from taskaware.spaces import RelaxedSpace
from taskaware.strategies import gradient_ascent, maximise, random
from taskaware.surrogates import Evaluator, Posterior, TaskQuery
from taskaware.surrogates.training_data import architecture_features, features_of

OPTIMIZERS = ("gradient_ascent", "random_search")
LEAST = {
    "warm_tasks": 1,
    "warm_architectures": 1,
    "own_starts": 0,
    "rounds": 1,
    "kappa": 0,
    "distance_penalty": 0,
    "untrained_penalty": 0,
}


@renamed_fields(caution="kappa", leash="distance_penalty", novelty="untrained_penalty")
@dataclasses.dataclass(frozen=True)
class AscentSettings:
    """How candidates are sought and judged."""

    # "gradient_ascent", or "random_search" as the control.
    optimizer: str = "gradient_ascent"
    # Nearest known tasks whose best architectures are starting points (published: 2).
    warm_tasks: int = 2
    # Architectures taken from each (published: 5).
    warm_architectures: int = 5
    # Starting points that the evaluator itself likes best among the known architectures.
    own_starts: int = 6
    # Rounds of the ascent; of the random search, which draws as many points in a round as there are starts.
    rounds: int = 40
    # Standard deviations that are taken off the prediction.
    kappa: float = 1.0
    # Price of a step beyond the usual distance between known architectures.
    distance_penalty: float = 4.0
    # Price, in normalised score, of an architecture that was never trained: on tasks held out, what an ascent
    # finds does worse than the evaluator thinks.
    untrained_penalty: float = 0.7

    def check(self) -> "AscentSettings":
        """The settings themselves.

        Raises:
            UserError: the optimizer is unknown (the nearest name is given), or a number is out of range.
        """
        if self.optimizer not in OPTIMIZERS:
            raise unknown("optimizer", self.optimizer, OPTIMIZERS)
        for name, least in LEAST.items():
            if not getattr(self, name) >= least:
                raise UserError(f"Ascent setting {name}={getattr(self, name)} is too small: {least} or more.")
        return self


class Guard(NamedTuple):
    """What keeps the search where the evaluator knows its way; read by the compiled program, no part of it.

    Attributes:
        features: of the known architectures, (A, F).
        reach: usual distance of one of them to the nearest other one.
        kappa, distance_penalty: of the settings.
    """

    features: Float[Array | np.ndarray, "A F"]
    reach: Float[Array, ""]
    kappa: Float[Array, ""]
    distance_penalty: Float[Array, ""]


class Proposal(NamedTuple):
    """Judged candidates, best first, and how the search went.

    Attributes:
        points: (n, D).
        mean, deviation: what is expected, normalised scores, (n,).
        bound: what they are ranked by, as the evaluator weighs scores: the mean less kappa times the
            deviation, distance_penalty and untrained_penalty, (n,).
        came_from: "known", "ascent" or "discretised", n of them.
        trace: bound along the way of every start, (rounds, starts).
    """

    points: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    bound: np.ndarray
    came_from: tuple[str, ...]
    trace: np.ndarray


def propose(
    evaluator: Evaluator,
    query: TaskQuery,
    settings: AscentSettings,
    *,
    seed: int = 0,
    posterior: Posterior | None = None,
) -> Proposal:
    """Seek architectures for a task and judge them; nothing is trained.

    The best of them is never judged worse than the best start, because all starts are among those judged.

    Args:
        evaluator: fixed.
        query: the task.
        settings: of the search.
        seed: of the random search.
        posterior: of the task, where it is there already.
    """
    settings.check()
    posterior = evaluator.posterior(query) if posterior is None else posterior
    pool = np.asarray(evaluator.training_data.u, np.float32)
    warm = warm_starts(evaluator, cast(np.ndarray, query.z), settings)
    how = (settings.optimizer, settings.own_starts, settings.rounds)
    arguments = (posterior, guard(evaluator, settings), pool, pool[warm], jax.random.key(seed))
    found = _seek(evaluator.space, how, *arguments)
    points, judged, trace = jax.device_get(found)
    count, climbed = len(pool), trace.shape[1]
    came_from = ["known"] * count + ["ascent"] * climbed + ["discretised"] * (len(points) - count - climbed)
    bound, mean, deviation = judged
    bound = bound - settings.untrained_penalty * (np.arange(len(points)) >= count)
    order = _distinct(points, np.argsort(-bound, kind="stable"))
    bound, mean, deviation = bound[order], mean[order], deviation[order]
    return Proposal(points[order], mean, deviation, bound, tuple(came_from[i] for i in order), trace)


def warm_starts(evaluator: Evaluator, z: Float[np.ndarray, " M"], settings: AscentSettings) -> np.ndarray:
    """Positions of the best architectures of the nearest known tasks. Source: US20220121906A1."""
    nearest = np.argsort(evaluator.distances(z), kind="stable")[: settings.warm_tasks]
    return evaluator.training_data.best(settings.warm_architectures)[nearest].ravel()


def guard(evaluator: Evaluator, settings: AscentSettings) -> Guard:
    """The guard around a search: the distance_penalty is tied to the known architectures."""
    features = architecture_features(evaluator.space, evaluator.training_data.u)
    squares = np.sum(features**2, axis=1)
    gaps = squares[:, None] + squares[None, :] - 2 * features @ features.T
    np.fill_diagonal(gaps, np.inf)
    reach = np.median(np.sqrt(np.maximum(gaps.min(1), 0.0)))
    numbers = (reach, settings.kappa, settings.distance_penalty)
    parts: list[Any] = [np.float32(number) for number in numbers]
    return Guard(features, *parts)


@functools.partial(jax.jit, static_argnames=("space", "how"))
def _seek(
    space: RelaxedSpace,
    how: tuple[str, int, int],
    posterior: Posterior,
    limits: Guard,
    pool: Float[Array, "A D"],
    warm: Float[Array, "w D"],
    key: Array,
):
    """Points judged (known ones, the best of every climb, and their plain neighbours), judgements, trace."""
    optimizer, own_starts, rounds = how

    def judge(features):
        mean, deviation = posterior.mean_std(features)
        bound = mean - limits.kappa * deviation - limits.distance_penalty * _distance(features, limits)
        return bound, *posterior.unwarp(mean, deviation)

    def bound(vector):
        return judge(features_of(space, vector)[None])[0][0]

    known = judge(limits.features)
    own = pool[jnp.argsort(-known[0])[:own_starts]]
    starts = jnp.concatenate([warm, own])
    strategies = {
        "gradient_ascent": lambda: gradient_ascent(starts),
        "random_search": random,
    }
    trace = maximise(strategies[optimizer]()(space, len(starts)), bound, key, rounds)
    climbed = jnp.take_along_axis(trace.points, trace.values.argmax(0)[None, :, None], axis=0)[0]
    fresh = jnp.concatenate([climbed, space.discretise(climbed)])
    judged = judge(jax.vmap(functools.partial(features_of, space))(fresh))
    judged = [jnp.concatenate(parts) for parts in zip(known, judged, strict=True)]
    return jnp.concatenate([pool, fresh]), judged, trace.values


def _distance(features: Float[Array, "n F"], limits: Guard) -> Float[Array, " n"]:
    """How far beyond the reach of the nearest known architecture points lie; 0 within."""
    nearest = jnp.min(jnp.sum(jnp.square(features[:, None, :] - limits.features), axis=-1), axis=1)
    return jax.nn.relu(jnp.sqrt(nearest + 1e-12) - limits.reach)


def _distinct(points: np.ndarray, order: np.ndarray) -> np.ndarray:
    """The order without repetitions of a point."""
    _, first = np.unique(points[order].round(4), axis=0, return_index=True)
    return order[np.sort(first)]
