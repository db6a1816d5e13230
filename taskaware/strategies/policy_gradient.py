"""How a controller learns from minibatches of scored points: REINFORCE and PPO.

Sources: Williams 1992 (REINFORCE); Zoph & Le 2017 (moving average as baseline, rewards); Schulman et al. 2017
(PPO); Abolafia, Norouzi, Shen, Zhao & Le 2018 (priority queue).
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int

from taskaware.spaces import Space
from taskaware.strategies.controller import Controller, Walk, init_params
from taskaware.strategies.controller_terms import CONTROLLERS, REWARDS, Terms

LIMIT = 10.0
"""Largest weight of an answer from earlier weights of the controller."""

MEASURED = ("loss", "entropy", "baseline", "gradient_norm")
"""What an update tells, by name."""


class Queue(NamedTuple):
    """The best points so far, each once.

    Attributes:
        points: (K, D).
        values: -inf in an empty row, (K,).
    """

    points: Float[Array, "K D"]
    values: Float[Array, " K"]


class Learner(NamedTuple):
    """What a search has learned; a pytree.

    Attributes:
        params: of the controller.
        optimizer: state of Adam.
        baseline: moving average of the rewards.
        worst: smallest reward so far, which diverged points get; inf before the first.
        updates: number of minibatches so far.
        queue: the best points so far.
        z: scaled meta-features of the task, (K,); K is 0 where the controller reads none.
    """

    params: Any
    optimizer: optax.OptState
    baseline: Float[Array, ""]
    worst: Float[Array, ""]
    updates: Int[Array, ""]
    queue: Queue
    z: Float[Array, " K"]


class Minibatch(NamedTuple):
    """Scored points.

    Attributes:
        points: (m, D).
        values: larger is better; -inf where one diverged, (m,).
        drawn_as: log-probability of each when it was drawn, (m,).
        drawn_at: number of updates of the controller that drew it, (m,); -1 for points of others, which the
            queue takes and the controller is not told of.
    """

    points: Float[Array, "m D"]
    values: Float[Array, " m"]
    drawn_as: Float[Array, " m"]
    drawn_at: Int[Array, " m"]


class Programs(NamedTuple):
    """The functions of a space and settings; the same ones for equal spaces and settings.

    What a controller was taught and the z of a task are data: they are in the learner.

    Attributes:
        controller: the network.
        init: key → learner.
        begun: (params, z) → learner.
        draw: (key, learner, number of points) → walks.
        update: (learner, minibatch) → (learner, what `MEASURED` names).
        drawn: `draw` with a split of its key, compiled: (key, learner, number) → (next key, points,
            log-probabilities).
        updated: `update`, compiled.
    """

    controller: Controller
    init: Callable[[Array], Learner]
    begun: Callable[[Any, Float[Array, " K"]], Learner]
    draw: Callable[[Array, Learner, int], Walk]
    update: Callable[[Learner, Minibatch], tuple[Learner, dict[str, Array]]]
    drawn: Callable[[Array, Learner, int], tuple[Array, Array, Array]]
    updated: Callable[[Learner, Minibatch], tuple[Learner, dict[str, Array]]]


def programs(space: Space, terms: Terms) -> Programs:
    """What a controller of a space does, compiled once for a process and all tasks."""
    start = terms.start
    if start is None:
        network = CONTROLLERS[terms.controller]
        return _programs(network(space, terms.units, terms.layers, anchors=terms.anchors), terms)
    made, z = _programs(start.controller, terms._replace(start=None, z=None)), start.scaled(terms.z)
    return made._replace(init=lambda key: made.begun(start.params, jnp.asarray(z)))


@functools.lru_cache(maxsize=16)
def _programs(controller: Controller, terms: Terms) -> Programs:
    space = controller.space
    names = [decision.name for decision in space.decisions]
    grows = None if terms.grow is None else names.index(terms.grow)
    controller = controller.clone(temperature=terms.temperature, tanh=terms.tanh, grows=grows)
    rule = optax.adam(terms.learning_rate)

    def begun(params: Any, z: Array) -> Learner:
        queue = Queue(jnp.zeros((terms.queue, space.dimension)), jnp.full(terms.queue, -jnp.inf))
        zero, none = jnp.float32(0), jnp.float32(jnp.inf)
        return Learner(params, rule.init(params), zero, none, jnp.int32(0), queue, z)

    def init(key: Array) -> Learner:
        return begun(init_params(controller, key), jnp.zeros(controller.context))

    def stage(learner: Learner) -> Array:
        """Number of the option that the growing decision has now."""
        last = 0 if grows is None else cast(int, space.decisions[grows].choices) - 1
        return jnp.minimum(learner.updates * terms.minibatch // terms.grow_every, last)

    def draw(key: Array, learner: Learner, count: int) -> Walk:
        now, keys = stage(learner), jax.random.split(key, count)
        return jax.vmap(
            lambda each: cast(Walk, controller.apply(learner.params, each, now, learner.z, method="sampled"))
        )(keys)

    def drawn(key: Array, learner: Learner, count: int) -> tuple[Array, Array, Array]:
        following, now = jax.random.split(key)
        walks = draw(now, learner, count)
        return following, walks.point, walks.log_probability

    update = functools.partial(_updated, controller, rule, terms)
    compiled = jax.jit(drawn, static_argnums=2), jax.jit(update)
    return Programs(controller, jax.jit(init), jax.jit(begun), draw, update, *compiled)


def _walks(controller: Controller, params: Any, points: Array, z: Array | None) -> Walk:
    """How likely each of several points is."""
    return jax.vmap(lambda each: cast(Walk, controller.apply(params, each, z, method="scored")))(points)


def loss(
    controller: Controller,
    terms: Terms,
    params: Any,
    batch: Minibatch,
    advantage: Float[Array, " m"],
    queue: Queue,
    z: Float[Array, " K"] | None = None,
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """What an update makes smaller, and the entropy of the controller.

    Args:
        controller: the network.
        terms: settings.
        params: of the controller.
        batch: rows with a `drawn_at` of -1 do not count.
        advantage: reward less baseline, (m,).
        queue: points whose likelihood grows.
        z: scaled meta-features of the task, where the controller reads some.
    """
    points = jnp.concatenate([batch.points, queue.points])
    walks = _walks(controller, params, points, z)
    likely, imitated = jnp.split(walks.log_probability, [len(batch.values)])
    ratio = jnp.exp(likely - batch.drawn_as)
    if terms.clip is None:
        gain = jax.lax.stop_gradient(jnp.minimum(ratio, LIMIT)) * advantage * likely
    else:
        clipped = jnp.clip(ratio, 1 - terms.clip, 1 + terms.clip)
        gain = jnp.minimum(ratio * advantage, clipped * advantage)
    counted = batch.drawn_at >= 0
    entropy = _mean(walks.entropy[: len(counted)], counted)
    found = -_mean(gain, counted) - terms.entropy * entropy
    if terms.queue:
        found -= terms.queue_weight * _mean(imitated, jnp.isfinite(queue.values))
    return found, entropy


def _mean(values: Float[Array, " n"], counted: Bool[Array, " n"]) -> Float[Array, ""]:
    """Mean of the values that count; 0 where none does."""
    return jnp.sum(jnp.where(counted, values, 0.0)) / jnp.maximum(counted.sum(), 1)


def _updated(
    controller: Controller,
    rule: optax.GradientTransformation,
    terms: Terms,
    learner: Learner,
    batch: Minibatch,
) -> tuple[Learner, dict[str, Array]]:
    if terms.off_policy == "drop":
        fresh = batch.drawn_at == learner.updates
        batch = batch._replace(drawn_at=jnp.where(fresh, batch.drawn_at, -1))
    counted, rewards, worst = _rewards(terms, learner, batch)
    mean = _mean(rewards, counted)
    before = jnp.where(learner.updates == 0, mean, learner.baseline)
    queue = _queued(learner.queue, batch) if terms.queue else learner.queue

    def total(params: Any) -> tuple[Array, Array]:
        return loss(controller, terms, params, batch, rewards - before, queue, learner.z)

    def step(carry: tuple, _: None) -> tuple[tuple, tuple]:
        params, optimizer = carry
        (found, entropy), gradient = jax.value_and_grad(total, has_aux=True)(params)
        changes, optimizer = rule.update(gradient, optimizer, params)
        return (optax.apply_updates(params, changes), optimizer), (
            found,
            entropy,
            optax.tree.norm(gradient),
        )

    held = (learner.params, learner.optimizer)
    moved, (found, entropy, norm) = jax.lax.scan(step, held, None, terms.epochs)
    # Momentum alone moves nothing: there must be something to learn from.
    some = counted.any() | jnp.isfinite(queue.values).any()
    params, optimizer = jax.tree.map(lambda new, old: jnp.where(some, new, old), moved, held)
    after = jnp.where(counted.any(), terms.baseline * before + (1 - terms.baseline) * mean, before)
    updated = Learner(params, optimizer, after, worst, learner.updates + 1, queue, learner.z)
    measured = dict(zip(MEASURED, (found[-1], entropy[-1], after, norm[-1]), strict=True))
    return updated, measured


def _rewards(
    terms: Terms, learner: Learner, batch: Minibatch
) -> tuple[Bool[Array, " m"], Float[Array, " m"], Float[Array, ""]]:
    """Which rows count, the reward of each, and the smallest reward so far."""
    given = REWARDS[terms.reward](batch.values, terms.scale)
    finite = jnp.isfinite(batch.values) & jnp.isfinite(given)
    worst = jnp.minimum(learner.worst, jnp.min(jnp.where(finite, given, jnp.inf)))
    rewards = jnp.where(finite, given, jnp.where(jnp.isfinite(worst), worst, 0.0))
    return batch.drawn_at >= 0, rewards, worst


def _queued(queue: Queue, batch: Minibatch) -> Queue:
    """The best of the queue and a minibatch, each point once."""
    points = jnp.concatenate([queue.points, batch.points])
    values = jnp.concatenate([queue.values, batch.values])
    same = (points[:, None] == points[None]).all(-1)
    # Of two equal points the better one stays, or else the earlier one.
    order = jnp.arange(len(values))
    ahead = (values[:, None] < values[None]) | (
        (values[:, None] == values[None]) & (order[:, None] > order[None])
    )
    kept = jnp.where((same & ahead).any(1), -jnp.inf, values)
    rows = jax.lax.top_k(kept, len(queue.values))[1]
    return Queue(points[rows], kept[rows])
