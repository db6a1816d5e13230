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
from taskaware.modalities.tables.metafeatures import NAMES
from taskaware.recommendation.narrowing import Limits
from taskaware.spaces import MixtureSpace, RelaxedSpace, Space
from taskaware.strategies import annealed_ascent, gradient_ascent, maximise, random
from taskaware.surrogates import Evaluator, Posterior, TaskQuery
from taskaware.surrogates.kernel import squared_distances
from taskaware.surrogates.patterns import points_for
from taskaware.surrogates.price import USUAL, Price
from taskaware.surrogates.training_data import architecture_features, features_of, shared

OVER = 4.0
"""Penalty on a unit of the logarithm by which a limit is exceeded."""
OUTSIDE = 1e4
"""Makes any bound outside the limits lower than any inside."""
OPTIMIZERS = ("gradient_ascent", "annealed_ascent", "random_search")
PICKS = ("bound", "expected")
LEAST = {
    "warm_tasks": 1,
    "warm_architectures": 1,
    "own_starts": 0,
    "rounds": 1,
    "kappa": 0,
    "distance_penalty": 0,
    "untrained_penalty": 0,
    "trust": 1e-6,
    "temperature": 1,
    "tidied": 0,
}


@renamed_fields(caution="kappa", leash="distance_penalty", novelty="untrained_penalty")
@dataclasses.dataclass(frozen=True)
class AscentSettings:
    """How candidates are searched for and scored."""

    # "gradient_ascent", "annealed_ascent" (see there), or "random_search" as the control.
    optimizer: str = "gradient_ascent"
    # Temperature of the softmax groups in the first round of "annealed_ascent".
    temperature: float = 2.0
    # What is climbed, and ranks the candidates: "bound" is the mean less kappa deviations, "expected" the
    # expected score. Penalties come off both.
    pick: str = "bound"
    # Shares below it are dropped from what a climb found, and gates as near to an end are set to it.
    tidied: float = 0.0
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
    # Penalty on a unit of distance beyond the usual gap between known architectures; None is the evaluator's
    # price.
    distance_penalty: float | None = None
    # Penalty, in warped score, on an architecture that was never trained: on tasks held out, the results of
    # an ascent score below their prediction. None is the evaluator's price.
    untrained_penalty: float | None = None
    # Divides the evaluator's price: with 2 an untrained architecture pays half of it.
    trust: float = 1.0

    def check(self) -> "AscentSettings":
        """The settings themselves, if they are valid.

        Raises:
            UserError: the optimizer is unknown (the nearest name is given), or a number is out of range.
        """
        if self.optimizer not in OPTIMIZERS:
            raise unknown("optimizer", self.optimizer, OPTIMIZERS)
        if self.pick not in PICKS:
            raise unknown("pick", self.pick, PICKS)
        if not self.tidied < 0.5:
            raise UserError(f"Ascent setting tidied={self.tidied} is too large: less than 0.5.")
        for name, least in LEAST.items():
            value = getattr(self, name)
            if value is not None and not value >= least:
                raise UserError(f"Ascent setting {name}={value} is too small: {least} or more.")
        return self

    def priced(self, price: Price | None, rows: float) -> "AscentSettings":
        """The settings with both penalties in numbers.

        Args:
            price: of the evaluator; None for the usual one.
            rows: of the task.
        """
        price, given = price or USUAL, self
        if given.distance_penalty is None:
            given = dataclasses.replace(given, distance_penalty=price.by_distance / self.trust)
        if given.untrained_penalty is None:
            given = dataclasses.replace(given, untrained_penalty=price.on(rows) / self.trust)
        return given


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


class How(NamedTuple):
    """The part of the settings that a program is compiled for; see `AscentSettings`."""

    optimizer: str
    own_starts: int
    rounds: int
    temperature: float
    pick: str
    tidied: float


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
        bound: the score that ranks them, in warped units: the mean less kappa deviations, or what stands for
            the expected score, less the distance penalty and the penalty on untrained ones, (n,).
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
    if settings.tidied and not hasattr(evaluator.space, "tidied"):
        raise UserError(f"Ascent setting tidied={settings.tidied} is for spaces of mixtures. Leave it out.")
    # The price was learned on tasks held out. Where known architectures were trained on the task itself, a
    # design has to promise more.
    trained = bool(query.digest) and query.digest in evaluator.training_data.digests
    price = None if trained else evaluator.price
    settings = settings.check().priced(price, rows_of(cast(np.ndarray, query.z)))
    posterior = evaluator.posterior(query) if posterior is None else posterior
    pool = np.asarray(evaluator.training_data.u, np.float32)
    pool = points_for(evaluator.space, pool, query.present)
    warm = warm_starts(evaluator, cast(np.ndarray, query.z), settings)
    how = How(*(getattr(settings, name) for name in How._fields))
    usual = pool[shared(evaluator.training_data.often())]
    own = guard(evaluator.space, pool, settings, usual)
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
    bound = bound - cast(float, settings.untrained_penalty) * (np.arange(len(points)) >= count)
    inside = np.ones(len(points), bool) if limits is None else limits.inside(points)
    order = _distinct(points, np.argsort(OUTSIDE * ~inside - bound, kind="stable"))
    bound, mean, deviation = bound[order], mean[order], deviation[order]
    names = tuple(came_from[i] for i in order)
    return Proposal(points[order], mean, deviation, bound, names, trace, int(inside[order].sum()))


def rows_of(z: Float[np.ndarray, " M"]) -> float:
    """Number of rows of a task, from its meta-features."""
    return float(10 ** np.clip(z[NAMES.index("log_rows")], 0, 9))


def warm_starts(evaluator: Evaluator, z: Float[np.ndarray, " M"], settings: AscentSettings) -> np.ndarray:
    """Positions in `training_data.u` of the best architectures of the nearest known tasks, (w,).

    Source: US20220121906A1.

    Args:
        evaluator: with training data.
        z: meta-features of the task.
        settings: how many tasks, and how many architectures of each.
    """
    return evaluator.best_of_nearest(z, tasks=settings.warm_tasks, each=settings.warm_architectures)


def guard(
    space: Space,
    pool: Float[np.ndarray, "A D"],
    settings: AscentSettings,
    usual: Float[np.ndarray, "a D"] | None = None,
) -> Guard:
    """The guard of a search, from the known architectures.

    Args:
        space: of them.
        pool: the architectures; some may be there twice.
        settings: of the search, with its penalties in numbers.
        usual: those that the usual gap is measured between; the pool if None. What ascents found lies close
            together.
    """
    between = architecture_features(space, np.unique(pool if usual is None else usual, axis=0))
    gaps = squared_distances(between, between)
    np.fill_diagonal(gaps, np.inf)
    reach = np.median(np.sqrt(gaps.min(1)))
    numbers = (reach, settings.kappa, settings.distance_penalty)
    parts: list[Any] = [np.float32(number) for number in numbers]
    return Guard(architecture_features(space, pool), *parts)


@functools.partial(jax.jit, static_argnames=("space", "how"))
def _seek(
    space: RelaxedSpace,
    how: How,
    posterior: Posterior,
    limits: Guard,
    pool: Float[Array, "A D"],
    warm: Float[Array, "w D"],
    key: Array,
    within: Within | None,
):
    """Points (known ones, the best of each climb, its discretised form, narrowed ones), scores, the trace."""

    def over(vector):
        # Limits are of mixtures alone.
        own = cast(Within, within)
        return excess(cast(MixtureSpace, space), vector, own.reads, own.most)

    def scored(features):
        mean, deviation = posterior.mean_std(features)
        bound = mean - _doubt(posterior, deviation, limits.kappa, how.pick)
        bound = bound - limits.distance_penalty * _distance(features, limits)
        return bound, *posterior.unwarp(mean, deviation)

    def bound(vector):
        found = scored(features_of(space, vector)[None])[0][0]
        return found if within is None else found - OVER * over(vector)

    def scored_points(points):
        return scored(jax.vmap(functools.partial(features_of, space))(points))

    known = scored(limits.features)
    price, narrowed = (0.0, []) if within is None else (OUTSIDE * within.outside, [within.narrowed])
    own = pool[jnp.argsort(price - known[0])[: how.own_starts]]
    starts = jnp.concatenate([warm, own])
    if within is not None:
        best = jnp.argsort(-scored_points(within.narrowed)[0])[: how.own_starts]
        starts = jnp.concatenate([starts, within.narrowed[best]])
    strategies = {
        "gradient_ascent": lambda: gradient_ascent(starts),
        "annealed_ascent": lambda: annealed_ascent(starts, rounds=how.rounds, temperature=how.temperature),
        "random_search": random,
    }
    trace = maximise(strategies[how.optimizer]()(space, len(starts)), bound, key, how.rounds)
    values = trace.values
    if within is not None:
        values = values - OUTSIDE * (jax.vmap(jax.vmap(over))(trace.points) > 0)
    climbed = jnp.take_along_axis(trace.points, values.argmax(0)[None, :, None], axis=0)[0]
    if how.tidied:
        climbed = cast(MixtureSpace, space).tidied(climbed, how.tidied)  # only mixtures are tidied
    fresh = jnp.concatenate([climbed, space.discretise(climbed), *narrowed])
    predictions = scored_points(fresh)
    predictions = [jnp.concatenate(parts) for parts in zip(known, predictions, strict=True)]
    return jnp.concatenate([pool, fresh]), predictions, trace.values


def _doubt(posterior: Posterior, deviation: Float[Array, " n"], kappa: Float[Array, ""], pick: str) -> Any:
    """What uncertainty takes off a mean; half the variance gives the expectation of an unwarped score."""
    if pick == "bound":
        return kappa * deviation
    # A posterior without noise predicts scores that are not warped.
    return jnp.square(deviation) / 2 if hasattr(posterior, "noise") else jnp.zeros_like(deviation)


def _distance(features: Float[Array, "n F"], limits: Guard) -> Float[Array, " n"]:
    """Distance of points beyond the reach of the nearest known architecture; 0 within it."""
    nearest = jnp.min(jnp.sum(jnp.square(features[:, None, :] - limits.features), axis=-1), axis=1)
    return jax.nn.relu(jnp.sqrt(nearest + 1e-12) - limits.reach)


def _distinct(points: np.ndarray, order: np.ndarray) -> np.ndarray:
    """The order without repetitions of a point."""
    _, first = np.unique(points[order].round(4), axis=0, return_index=True)
    return order[np.sort(first)]
