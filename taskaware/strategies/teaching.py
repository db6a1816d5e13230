"""A controller that learns from several tasks, so that a search of another task begins with what it knows.

Source: Wong, Houlsby, Lu & Gesmundo 2018 ("Transfer Learning with Neural AutoML"), with the meta-features z
of a task in place of a vector that is learned for each.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int

from taskaware.arrays import EitherArray, as_jax
from taskaware.compilation import keep_compiled
from taskaware.errors import UserError
from taskaware.progress import tqdm
from taskaware.spaces import Space
from taskaware.strategies.controller import Controller, Walk, init_params
from taskaware.strategies.controller_terms import CONTROLLERS, Terms
from taskaware.strategies.objective import Objective
from taskaware.strategies.policy_gradient import Minibatch, Queue, loss
from taskaware.strategies.reinforce import check_decisions
from taskaware.strategies.taught import WIDEST, Taught, numbers_of

KEPT = 0.9
"""Share of the mean and spread of a task's scores that a minibatch leaves."""

WORST = 2.0
"""A diverged point counts as this many spreads below the mean."""


class _Pupil(NamedTuple):
    """What is taught so far; a pytree. `mean` and `spread` are of each task's scores, (T,)."""

    params: Any
    optimizer: optax.OptState
    mean: Float[Array, " T"]
    spread: Float[Array, " T"]
    seen: Int[Array, " T"]


def teach(
    space: Space,
    objectives: Mapping[str, Objective],
    *,
    z: Mapping[str, Sequence[float] | EitherArray] | None = None,
    updates: int = 1000,
    minibatch: int = 8,
    learning_rate: float = 0.003,
    entropy: float = 0.5,
    units: int = 35,
    layers: int = 2,
    anchors: bool = True,
    controller: str = "lstm",
    seed: int = 0,
    progress: bool = True,
) -> Taught:
    """A controller that has learned from the scores of several tasks by REINFORCE.

    Tasks take turns in random order. Scores count in spreads of their task, so tasks of other metrics can be
    mixed. `reinforce(start=taught)` begins a search with the controller. Ctrl-C ends it early, and
    what is learned so far is returned.

    Args:
        space: of the points; all of its decisions have choices.
        objectives: of each task by name: `ta.objectives.table`, `ta.objectives.predicted`, or any other.
        z: meta-features of each task by name, (K,) each, such as `list(ta.meta_features(task).values())`; the
            controller then reads them.
        updates: minibatches in all.
        minibatch: points of an update, all of one task.
        learning_rate: of Adam.
        entropy: weight of the entropy bonus, in spreads of the score for each nat. With little of it, a
            search begins with one good point and asks for it again and again.
        units, layers, anchors, controller: see `reinforce`.
        seed: of all draws.
        progress: whether to show a progress bar.

    Raises:
        UserError: there is no objective, a number is too small, the space has a decision without choices, or
            z lacks a task or has rows of unlike lengths.

    >>> from taskaware.spaces import choices
    >>> from taskaware.strategies import Outcomes
    >>> sizes = choices(width=[8, 16, 32], depth=[1, 2])
    >>> tasks = {"deep": Objective(lambda points: Outcomes(points[:, 1]))}
    >>> teach(sizes, tasks, updates=2, minibatch=2, progress=False)
    <controller of 'choices', taught by 1 tasks, reads no meta-features>
    """
    names = tuple(objectives)
    if not names:
        raise UserError("There is nothing to learn from. Give an objective or more, by the name of the task.")
    if updates < 1:
        raise UserError(f"updates={updates} is too small. Give 1 or more.")
    check_decisions(space)
    own = (minibatch, learning_rate, "raw", 1.0, KEPT, entropy, "weigh", 0, 1.0, units, layers, 1.0, None)
    terms = Terms(*own, anchors=anchors, controller=controller).check()
    told = _table(names, z)
    centre, spread = told.mean(0), told.std(0)
    spread = np.where(spread > 0, spread, 1.0)
    rows = as_jax(np.clip((told - centre) / spread, -WIDEST, WIDEST), np.float32)
    network = CONTROLLERS[controller](space, units, layers, anchors=anchors, context=told.shape[1])
    keep_compiled()
    key, first = jax.random.split(jax.random.key(seed))
    params, many = init_params(network, first), len(names)
    optimizer = optax.adam(learning_rate).init(params)
    pupil = _Pupil(params, optimizer, jnp.zeros(many), jnp.ones(many), jnp.zeros(many, jnp.int32))
    rng = np.random.default_rng(seed)
    order = np.concatenate([rng.permutation(many) for _ in range(-(-updates // many))])[:updates].tolist()
    bar = tqdm(order, desc="teaching", disable=not progress)
    try:
        for number, task in enumerate(bar):
            key, now = jax.random.split(key)
            walks = _drawn(network, pupil.params, now, rows[task], minibatch)
            objective, points = objectives[names[task]], np.asarray(walks.point)
            given = objective.more(number * minibatch, (-1,) * minibatch)
            scores = np.asarray(objective.evaluate(points, *given).score, np.float32)
            pupil = _updated(network, terms, pupil, task, rows, walks, scores)
    except KeyboardInterrupt:
        if not pupil.seen.any():
            raise
        done = int(pupil.seen.sum())
        bar.write(f"Stopped after {done} of {updates} updates; what is learned so far is kept.")
    return Taught(space, network, pupil.params, names, centre, spread)


def _table(names: tuple[str, ...], z: Mapping[str, Any] | None) -> Float[np.ndarray, "T K"]:
    """The meta-features of all tasks."""
    if z is None:
        return np.zeros((len(names), 0))
    if missing := [name for name in names if name not in z]:
        raise UserError(f"z has no meta-features of the task '{missing[0]}'. Give those of every task.")
    rows = [numbers_of(z[name]) for name in names]
    if any(row.ndim != 1 or row.shape != rows[0].shape or not np.isfinite(row).all() for row in rows):
        raise UserError(
            "z has rows of unlike lengths, or numbers that are not finite. Give (K,) for each task."
        )
    return np.stack(rows)


@functools.partial(jax.jit, static_argnums=(0, 4))
def _drawn(controller: Controller, params: Any, key: Array, z: Array, count: int) -> Walk:
    return jax.vmap(
        lambda each: cast(Walk, controller.apply(params, each, jnp.int32(0), z, method="sampled"))
    )(jax.random.split(key, count))


@functools.partial(jax.jit, static_argnums=(0, 1))
def _updated(
    controller: Controller,
    terms: Terms,
    pupil: _Pupil,
    task: Int[Array, ""],
    rows: Float[Array, "T K"],
    walks: Walk,
    scores: Float[Array, " m"],
) -> _Pupil:
    """One update by the scores of a minibatch."""
    finite = jnp.isfinite(scores)
    count = jnp.maximum(finite.sum(), 1)
    mean = jnp.where(finite, scores, 0.0).sum() / count
    spread = jnp.sqrt(jnp.where(finite, jnp.square(scores - mean), 0.0).sum() / count)
    known = pupil.seen[task] > 0
    kept = jnp.where(known, terms.baseline, 0.0)
    before = jnp.where(known, pupil.mean[task], mean)
    usual = jnp.where(known, pupil.spread[task], spread)
    advantage = jnp.where(finite, (scores - before) / jnp.maximum(usual, 1e-8), -WORST)
    batch = Minibatch(walks.point, scores, walks.log_probability, jnp.zeros(len(scores), jnp.int32))
    none = Queue(walks.point[:0], scores[:0])

    def total(params: Any) -> Array:
        return loss(controller, terms, params, batch, advantage, none, rows[task])[0]

    changes, optimizer = optax.adam(terms.learning_rate).update(
        jax.grad(total)(pupil.params), pupil.optimizer, pupil.params
    )
    return _Pupil(
        optax.apply_updates(pupil.params, changes),
        optimizer,
        pupil.mean.at[task].set(kept * before + (1 - kept) * mean),
        pupil.spread.at[task].set(kept * usual + (1 - kept) * spread),
        pupil.seen.at[task].add(1),
    )
