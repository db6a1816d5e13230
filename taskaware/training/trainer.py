"""True scores of many candidates at once.

Everything is written for one candidate; `vmap` stands at the door of each compiled program and `scan` runs
over the steps. Candidates are grouped by the width they use, since a narrow network computed at full width
pays for columns it does not have. All candidates of a seed see the same rows, first weights and dropped
units, which makes them comparable and keeps the input out of the batch axis. A chunk of candidates
is spread over all local devices.
"""

import dataclasses
import functools
import time
from collections.abc import Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float

from taskaware.arrays import bucket
from taskaware.children.mixture.network import Inputs, MixtureNetwork, Wiring, wiring
from taskaware.compilation import keep_compiled
from taskaware.spaces import MixtureSpace
from taskaware.tasks.metrics import Metric, metric_of
from taskaware.training.prepare import Part, Prepared, TaskArrays, batches
from taskaware.training.recipe import TrainingRecipe
from taskaware.training.results import Trained, joined, summary
from taskaware.training.scoring import row_losses, scores

VERSION = 2
"""Raise it when the same recipe would give other scores: what is stored is told apart by it."""

MASKED = -1e9
CHUNK_BYTES = {"cpu": 1 << 26, "gpu": 1 << 33, "tpu": 1 << 32}
LARGEST_CHUNK = {"cpu": 16, "gpu": 1024, "tpu": 1024}


class Hyper(NamedTuple):
    """Training coordinates of a candidate, (*b,) each."""

    learning_rate: Float[Array, "*b"]
    weight_decay: Float[Array, "*b"]


class Candidates(NamedTuple):
    """Candidates of one width as the programs read them; every leaf has the batch axis C."""

    wired: Wiring
    hyper: Hyper


class State(NamedTuple):
    """Weights and optimizer state of candidates under training."""

    params: dict
    optimizer: optax.OptState


class Program(NamedTuple):
    """What a compiled program depends on beside the shapes of its arguments."""

    space: MixtureSpace
    width: int
    metrics: tuple[Metric, ...]
    classification: bool


def train(
    space: MixtureSpace,
    points: Float[Array, "n D"],
    prepared: Prepared,
    recipe: TrainingRecipe,
    *,
    seed: int,
    chunk_for: int = 0,
    metric: str | None = None,
) -> Trained:
    """Train every point to the end and score it.

    Args:
        space: the points' space.
        points: n candidates.
        prepared: the task, split and encoded.
        recipe: steps, sizes and how the score is taken.
        seed: of first weights, row order and dropped units; the same for every candidate.
        chunk_for: train in chunks as large as for so many candidates, although there are fewer; a program
            that was compiled for them serves again.
        metric: name of the metric that scores, for instance `prepared.metric`, the task's own; the default
            one of the task's problem if None.

    Returns:
        The results, in the order of the points. Training a candidate alone gives the same, within float
        tolerance.

    Raises:
        UserError: the metric is unknown, or scores another problem.
    """
    chunks = train_chunks(space, points, prepared, recipe, seed=seed, chunk_for=chunk_for, metric=metric)
    return joined(list(chunks))


def train_chunks(
    space: MixtureSpace,
    points: Float[Array, "n D"],
    prepared: Prepared,
    recipe: TrainingRecipe,
    *,
    seed: int,
    chunk_for: int = 0,
    metric: str | None = None,
) -> Iterator[tuple[np.ndarray, Trained]]:
    """`train`, chunk by chunk: (indices of the points, their results), so that each can be kept at once."""
    keep_compiled()
    metrics, points = scored_by(prepared.problem, metric), jnp.asarray(points)
    arrays = jax.device_put(prepared.check(space).arrays, _placed())
    prepared = dataclasses.replace(prepared, arrays=arrays)
    for width, members in groups(space, points):
        program = Program(space, width, metrics, prepared.problem == "classification")
        size = chunk_size(program, prepared.arrays, max(chunk_for, len(members)))
        for first in range(0, len(members), size):
            chunk = members[first : first + size]
            spread = jax.device_put(points[np.resize(chunk, size)], _placed("candidates"))
            results = _train_chunk(program, spread, prepared, recipe, seed)
            trained = Trained(*(column[: len(chunk)] for column in results))
            yield chunk, trained._replace(seconds=trained.seconds * (size / len(chunk)))


def scored_by(problem: str, metric: str | None = None) -> tuple[Metric, ...]:
    """The metric of that name and the default metric of a problem, once if they are one."""
    wanted, default = metric_of(problem, metric), metric_of(problem)
    return (wanted,) if wanted is default else (wanted, default)


def groups(space: MixtureSpace, points: Float[Array, "n D"]) -> list[tuple[int, np.ndarray]]:
    """(width, indices of the points that use it), narrow first."""
    widths = np.asarray(_widths(space, points))
    return [(int(width), np.flatnonzero(widths == width)) for width in np.unique(widths)]


def chunk_size(program: Program, arrays: TaskArrays, count: int) -> int:
    """How many candidates train together: on each device a power of two that fits its memory."""
    backend, devices = jax.default_backend(), jax.local_device_count()
    per_candidate = 16 * parameter_count(program, arrays)
    fitting = max(1, CHUNK_BYTES.get(backend, 1 << 30) // per_candidate)
    most = min(LARGEST_CHUNK.get(backend, 64), 1 << (fitting.bit_length() - 1))
    return devices * min(most, bucket(-(-count // devices), 1))


def _placed(*axes: str) -> NamedSharding:
    """Over all local devices: whole on each, or with its first axis dealt out as "candidates"."""
    return NamedSharding(Mesh(np.array(jax.local_devices()), ("candidates",)), PartitionSpec(*axes))


def parameter_count(program: Program, arrays: TaskArrays) -> int:
    """Numbers that one candidate trains, at the padded shapes."""
    recipe = TrainingRecipe()
    blank = jnp.zeros((1, program.space.dimension))
    shapes = jax.eval_shape(
        lambda: start(program, arrays, candidates(program, blank, recipe), jax.random.key(0))
    )
    return sum(leaf.size for leaf in jax.tree.leaves(shapes.params))


@functools.partial(jax.jit, static_argnames=("program", "recipe"))
def candidates(program: Program, points: Float[Array, "C D"], recipe: TrainingRecipe) -> Candidates:
    """The points as the programs read them."""
    weights = program.space.weights(points)
    named = {c.name: weights.recipe[..., r] for r, c in enumerate(program.space.recipe)}

    def value(name):
        return named.get(name, jnp.full(points.shape[:-1], getattr(recipe, name)))

    wired = wiring(program.space, weights, program.width, value("dropout"))
    return Candidates(wired, Hyper(value("learning_rate"), value("weight_decay")))


def network(program: Program, outputs: int) -> MixtureNetwork:
    """The Flax module of a program's candidates."""
    return MixtureNetwork(program.space, program.width, outputs)


@functools.partial(jax.jit, static_argnames="program")
def start(program: Program, arrays: TaskArrays, chosen: Candidates, key: Array) -> State:
    """Fresh state of C candidates; the same draws for all, each scaled to its own wiring."""
    row = jax.tree.map(lambda leaf: leaf[:1], arrays.x)

    def one(wired):
        params = network(program, len(arrays.allowed)).init(key, row, arrays.columns, wired)["params"]
        return State(params, optimizer(0.0, 0.0).init(params))

    return jax.vmap(one)(chosen.wired)


@functools.partial(jax.jit, static_argnames="program", donate_argnames="state")
def segment(
    program: Program,
    state: State,
    arrays: TaskArrays,
    chosen: Candidates,
    rows: Array,
    rates: Array,
    key: Array,
) -> tuple[State, tuple[Array, Array]]:
    """Some steps of every candidate, then its validation score and loss.

    Args:
        program: static part.
        state: of C candidates; donated.
        arrays: the task.
        chosen: the C candidates.
        rows: rows of each step, (S, B).
        rates: factor of the learning rate at each step, (S,).
        key: of the dropped units.

    Returns:
        The new state, and scores (C, m) and loss (C,).
    """

    def advance(state, x, y, key, rate, chosen):
        """One step of one candidate."""
        gradient = jax.grad(_loss, argnums=1)(program, state.params, arrays, x, y, chosen.wired, key)
        rule = optimizer(rate * chosen.hyper.learning_rate, chosen.hyper.weight_decay)
        updates, optimizer_state = rule.update(gradient, state.optimizer, state.params)
        return State(optax.apply_updates(state.params, updates), optimizer_state)

    def step(state, now):
        index, picked, rate = now
        x, y, step_key = _rows(arrays.x, picked), arrays.y[picked], jax.random.fold_in(key, index)
        many = jax.vmap(advance, in_axes=(0, None, None, None, None, 0))
        return many(state, x, y, step_key, rate, chosen), None

    state, _ = jax.lax.scan(step, state, (jnp.arange(len(rows)), rows, rates))
    return state, evaluate(program, state.params, arrays, chosen.wired, arrays.validation)


@functools.partial(jax.jit, static_argnames="program")
def evaluate(
    program: Program, params: dict, arrays: TaskArrays, wired: Wiring, part: Part
) -> tuple[Array, Array]:
    """Scores (C, m) and loss (C,) of C candidates on a part; NaN where the candidate diverged."""
    x, y = _rows(arrays.x, part.rows), arrays.y[part.rows]

    def one(params, wired):
        outputs = _outputs(program, params, arrays, x, wired)
        losses = row_losses(program.classification, outputs, y)
        loss = jnp.sum(losses * part.weight) / part.weight.sum()
        found = scores(program.metrics, outputs, y, part.weight, arrays.scale)
        return jnp.where(jnp.isfinite(loss), found, jnp.nan), loss

    return jax.vmap(one)(params, wired)


def optimizer(learning_rate, weight_decay) -> optax.GradientTransformation:
    """AdamW (Loshchilov & Hutter 2019); biases do not decay."""

    def decays(params):
        return jax.tree.map(lambda leaf: leaf.ndim > 1, params)

    return optax.adamw(learning_rate, b2=0.99, weight_decay=weight_decay, mask=decays)


def schedule(recipe: TrainingRecipe, steps: int) -> np.ndarray:
    """Factor of the learning rate at each step, (steps,): a linear rise, then a cosine to zero."""
    rising = max(1, round(recipe.warmup * steps))
    step = np.arange(steps)
    falling = 0.5 * (1 + np.cos(np.pi * (step - rising) / max(1, steps - rising)))
    return np.where(step < rising, (step + 1) / rising, falling).astype(np.float32)


def _train_chunk(
    program: Program, points: Array, prepared: Prepared, recipe: TrainingRecipe, seed: int
) -> Trained:
    init_key, dropout_key = jax.random.split(jax.random.key(seed))
    chosen = candidates(program, points, recipe)
    state = start(program, prepared.arrays, chosen, init_key)
    rows = batches(prepared.train, seed, recipe.steps, recipe.batch_size)
    rates, length = schedule(recipe, recipe.steps), recipe.segment
    curves, loss, began = [], None, 0.0
    for number in range(recipe.evaluations):
        now = slice(number * length, (number + 1) * length)
        key = jax.random.fold_in(dropout_key, number)
        state, (score, loss) = segment(program, state, prepared.arrays, chosen, rows[now], rates[now], key)
        curves.append(score)
        if number == 0:
            jax.block_until_ready(score)
            began = time.perf_counter()
    test_score, _ = evaluate(program, state.params, prepared.arrays, chosen.wired, prepared.arrays.test)
    curves = np.stack(jax.device_get(curves), axis=1)
    measured = max(recipe.evaluations - 1, 1) / recipe.evaluations
    seconds = (time.perf_counter() - began) / measured / len(points)
    return summary(recipe, curves, np.asarray(test_score), np.asarray(loss), seconds)


@functools.partial(jax.jit, static_argnames="space")
def _widths(space: MixtureSpace, points: Array) -> Array:
    return space.width(points)


def _rows(x: Inputs, picked: Array) -> Inputs:
    return jax.tree.map(lambda leaf: leaf[picked], x)


def _outputs(
    program: Program, params: dict, arrays: TaskArrays, x: Inputs, wired: Wiring, key: Array | None = None
) -> Array:
    outputs = network(program, len(arrays.allowed)).apply({"params": params}, x, arrays.columns, wired, key)
    return jnp.where(arrays.allowed, outputs, MASKED) if program.classification else outputs


def _loss(
    program: Program, params: dict, arrays: TaskArrays, x: Inputs, y: Array, wired: Wiring, key: Array
) -> Array:
    return row_losses(program.classification, _outputs(program, params, arrays, x, wired, key), y).mean()
