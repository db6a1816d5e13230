"""Finding the architecture for a task: gradient ascent on the evaluator, with a guard against its errors.

The evaluator is reliable near the architectures that it was trained on. An unguarded ascent ends where the
evaluator is wrong. Therefore the objective is a lower confidence bound with a penalty on the distance to the
known architectures, and the results are ranked together with every known architecture and with their
discretised forms. Within limits, a penalty leads the ascent back inside, and what lies outside ranks last.
"""

import dataclasses
import functools
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from taskaware.children.mixture.cost import Counts, Reads, excess
from taskaware.deprecation import renamed_fields
from taskaware.errors import UserError, unknown
from taskaware.recommendation.narrowing import Limits
from taskaware.spaces import MixtureSpace, RelaxedSpace, Space
from taskaware.strategies import gradient_ascent, maximise, random
from taskaware.surrogates import Evaluator, Posterior, TaskQuery
from taskaware.surrogates.patterns import points_for
from taskaware.surrogates.training_data import architecture_features, features_of

OVER = 4.0
"""Penalty on a unit of the logarithm by which a limit is exceeded."""
OUTSIDE = 1e4
"""Makes any bound outside the limits lower than any inside."""
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
    """How candidates are searched for and scored."""

    # "gradient_ascent", or "random_search" as the control.
    optimizer: str = "gradient_ascent"
    # Number of nearest known tasks whose best architectures are starting points (published: 2).
    warm_tasks: int = 2
    # Number of architectures taken from each of them (published: 5).
    warm_architectures: int = 5
    # Number of starting points that are the known architectures with the best prediction.
    own_starts: int = 6
    # Rounds of the ascent, or of the random search (which draws one point per start in each round).
    rounds: int = 40
    # Number of standard deviations that are subtracted from the prediction.
    kappa: float = 1.0
    # Penalty on a unit of distance beyond the usual gap between known architectures.
    distance_penalty: float = 4.0
    # Penalty, in normalised score, on an architecture that was never trained: on tasks held out, the results
    # of an ascent score below their prediction.
    untrained_penalty: float = 0.7

    def check(self) -> "AscentSettings":
        """The settings themselves, if they are valid.

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
    """Keeps the search where the evaluator is reliable; an argument of the compiled program.

    Attributes:
        features: of the known architectures, (A, F).
        reach: median distance from one of them to its nearest neighbour.
        kappa, distance_penalty: of the settings.
    """

    features: Float[Array | np.ndarray, "A F"]
    reach: Float[Array, ""]
    kappa: Float[Array, ""]
    distance_penalty: Float[Array, ""]


class Within(NamedTuple):
    """The limits of a search; an argument of the compiled program.

    Attributes:
        reads: what the networks of the dataset read.
        most: the limits.
        narrowed: architectures inside them, (m, D).
        outside: which known ones are not inside, (A,).
    """

    reads: Reads
    most: Counts
    narrowed: Float[Array | np.ndarray, "m D"]
    outside: Bool[Array | np.ndarray, " A"]


class Proposal(NamedTuple):
    """Scored candidates, those inside the limits first, best first, and the trace of the search.

    Attributes:
        points: (n, D).
        mean, deviation: predicted normalised scores, (n,).
        bound: the score that ranks them, in warped units: the mean less kappa deviations, the distance
            penalty and the penalty on untrained ones, (n,).
        came_from: "known", "ascent", "discretised" or "narrowed", n of them.
        trace: bound in each round of every start, (rounds, starts).
        inside: how many keep to the limits; n without limits.
    """

    points: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    bound: np.ndarray
    came_from: tuple[str, ...]
    trace: np.ndarray
    inside: int


def propose(
    evaluator: Evaluator,
    query: TaskQuery,
    settings: AscentSettings,
    *,
    seed: int = 0,
    posterior: Posterior | None = None,
    limits: Limits | None = None,
) -> Proposal:
    """Search architectures for a task and score them; nothing is trained.

    The best candidate never scores below the best start, because all starts are candidates too.

    Args:
        evaluator: fixed.
        query: the task.
        settings: of the search.
        seed: of the random search.
        posterior: of the task, if it is computed already.
        limits: that the best candidates keep to; none by default.
    """
    settings.check()
    posterior = evaluator.posterior(query) if posterior is None else posterior
    pool = np.asarray(evaluator.training_data.u, np.float32)
    pool = points_for(evaluator.space, pool, query.present)
    warm = warm_starts(evaluator, cast(np.ndarray, query.z), settings)
    how = (settings.optimizer, settings.own_starts, settings.rounds)
    own = guard(evaluator.space, pool, settings)
    arguments = (posterior, own, pool, pool[warm], jax.random.key(seed))
    within = None
    if limits is not None:
        within = Within(limits.reads, limits.most, limits.narrowed(pool[warm]), ~limits.inside(pool))
    found = _seek(evaluator.space, how, *arguments, within)
    points, scored, trace = jax.device_get(found)
    count, climbed = len(pool), trace.shape[1]
    came_from = ["known"] * count + ["ascent"] * climbed + ["discretised"] * climbed
    came_from += ["narrowed"] * (len(points) - len(came_from))
    bound, mean, deviation = scored
    bound = bound - settings.untrained_penalty * (np.arange(len(points)) >= count)
    inside = np.ones(len(points), bool) if limits is None else limits.inside(points)
    order = _distinct(points, np.argsort(OUTSIDE * ~inside - bound, kind="stable"))
    bound, mean, deviation = bound[order], mean[order], deviation[order]
    names = tuple(came_from[i] for i in order)
    return Proposal(points[order], mean, deviation, bound, names, trace, int(inside[order].sum()))


def warm_starts(evaluator: Evaluator, z: Float[np.ndarray, " M"], settings: AscentSettings) -> np.ndarray:
    """Positions in `training_data.u` of the best architectures of the nearest known tasks, (w,).

    Source: US20220121906A1.

    Args:
        evaluator: with training data.
        z: meta-features of the task.
        settings: how many tasks, and how many architectures of each.
    """
    return evaluator.best_of_nearest(z, tasks=settings.warm_tasks, each=settings.warm_architectures)


def guard(space: Space, pool: Float[np.ndarray, "A D"], settings: AscentSettings) -> Guard:
    """The guard of a search, from the known architectures.

    Args:
        space: of them.
        pool: the architectures; some may be there twice.
        settings: of the search.
    """
    features = architecture_features(space, pool)
    squares = np.sum(features**2, axis=1)
    gaps = squares[:, None] + squares[None, :] - 2 * features @ features.T
    first = np.unique(pool, axis=0, return_index=True)[1]
    gaps = gaps[np.ix_(first, first)]
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
    within: Within | None,
):
    """Points (known ones, the best of each climb, its discretised form, narrowed ones), scores, the trace."""
    optimizer, own_starts, rounds = how

    def over(vector):
        # Limits are of mixtures alone.
        own = cast(Within, within)
        return excess(cast(MixtureSpace, space), vector, own.reads, own.most)

    def scored(features):
        mean, deviation = posterior.mean_std(features)
        bound = mean - limits.kappa * deviation - limits.distance_penalty * _distance(features, limits)
        return bound, *posterior.unwarp(mean, deviation)

    def bound(vector):
        found = scored(features_of(space, vector)[None])[0][0]
        return found if within is None else found - OVER * over(vector)

    def scored_points(points):
        return scored(jax.vmap(functools.partial(features_of, space))(points))

    known = scored(limits.features)
    price, narrowed = (0.0, []) if within is None else (OUTSIDE * within.outside, [within.narrowed])
    own = pool[jnp.argsort(price - known[0])[:own_starts]]
    starts = jnp.concatenate([warm, own])
    if within is not None:
        best = jnp.argsort(-scored_points(within.narrowed)[0])[:own_starts]
        starts = jnp.concatenate([starts, within.narrowed[best]])
    strategies = {
        "gradient_ascent": lambda: gradient_ascent(starts),
        "random_search": random,
    }
    trace = maximise(strategies[optimizer]()(space, len(starts)), bound, key, rounds)
    values = trace.values
    if within is not None:
        values = values - OUTSIDE * (jax.vmap(jax.vmap(over))(trace.points) > 0)
    climbed = jnp.take_along_axis(trace.points, values.argmax(0)[None, :, None], axis=0)[0]
    fresh = jnp.concatenate([climbed, space.discretise(climbed), *narrowed])
    predictions = scored_points(fresh)
    predictions = [jnp.concatenate(parts) for parts in zip(known, predictions, strict=True)]
    return jnp.concatenate([pool, fresh]), predictions, trace.values


def _distance(features: Float[Array, "n F"], limits: Guard) -> Float[Array, " n"]:
    """Distance of points beyond the reach of the nearest known architecture; 0 within it."""
    nearest = jnp.min(jnp.sum(jnp.square(features[:, None, :] - limits.features), axis=-1), axis=1)
    return jax.nn.relu(jnp.sqrt(nearest + 1e-12) - limits.reach)


def _distinct(points: np.ndarray, order: np.ndarray) -> np.ndarray:
    """The order without repetitions of a point."""
    _, first = np.unique(points[order].round(4), axis=0, return_index=True)
    return order[np.sort(first)]
