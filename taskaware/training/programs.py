"""The compiled programs that train many candidates of any child: mapped over candidates, scanned over steps.

All candidates of a seed share the rows, the key of the initial weights and the keys of the steps. So they are
comparable, and the input needs no batch axis.
"""

import functools
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from taskaware.children.child import Batch, Child, Design, Hyper, Now, State
from taskaware.children.products import rounds_products
from taskaware.tasks.metrics import Metric, metric_of
from taskaware.tasks.outputs import single_problem
from taskaware.training.prepare import Part, TaskArrays
from taskaware.training.recipe import TrainingRecipe


class Program(NamedTuple):
    """Static part of a compiled program.

    Attributes:
        child: trains the points.
        metrics: m of them, for the scores.
        classification: whether the outputs are logits; else they are values.
    """

    child: Child
    metrics: tuple[Metric, ...]
    classification: bool


class Steps(NamedTuple):
    """Inputs of S steps.

    Attributes:
        rows: positions in `TaskArrays.x`, (S, B).
        rate: factor of the learning rate, (S,).
        done: share of all steps that are done before it, (S,).
        scale: factor of schedules that are a child's own, (S,).
    """

    rows: np.ndarray
    rate: np.ndarray
    done: np.ndarray
    scale: np.ndarray


def scored_by(problem: str, metric: str | None = None) -> tuple[Metric, ...]:
    """The metric of that name and the default metric of the problem, without repetition."""
    wanted, default = metric_of(problem, metric), metric_of(problem)
    return (wanted,) if wanted is default else (wanted, default)


def is_classification(problem: str) -> bool:
    """Whether the outputs of a network for a problem are logits."""
    return single_problem(problem) == "classification"


def hyper_of(recipe: TrainingRecipe) -> Hyper:
    """Hyperparameters of a recipe, for spaces without coordinates of these names."""
    return Hyper(recipe.learning_rate, recipe.weight_decay, recipe.dropout)


def group_design(space: Any, key: Hashable, recipe: TrainingRecipe) -> Design:
    """The design of many candidates that train together: products are rounded where that is faster.

    Args:
        space, key: of the group, see `Child.group`.
        recipe: of the trainings.
    """
    return Design(space, key, hyper_of(recipe), rounded=rounds_products())


@functools.partial(jax.jit, static_argnames=("child", "design"))
def candidates(child: Child, design: Design, points: Float[Array, "C D"]) -> Any:
    """C points as candidates, the form that programs read.

    Args:
        child: trains the points.
        design: static part of the points.
        points: (C, D).
    """
    return jax.vmap(functools.partial(child.read, design))(points)


@functools.partial(jax.jit, static_argnames="program")
def start(program: Program, arrays: TaskArrays, chosen: Any, key: Array) -> State:
    """Initial state of C candidates, all from one key.

    Args:
        program: static part.
        arrays: the task.
        chosen: the C candidates.
        key: of the initial weights.
    """
    batch = _batch(program, arrays, slice(1))
    return jax.vmap(lambda candidate: program.child.init(key, candidate, batch))(chosen)


@functools.partial(jax.jit, static_argnames="program", donate_argnames="state")
def segment(
    program: Program, state: State, arrays: TaskArrays, chosen: Any, steps: Steps, key: Array
) -> tuple[State, tuple[Array, Array]]:
    """Some steps of every candidate, then its validation scores and loss.

    Args:
        program: static part.
        state: of C candidates; donated.
        arrays: the task.
        chosen: the C candidates.
        steps: S of them.
        key: of the random draws of the steps.

    Returns:
        The new state, and scores (C, m) and loss (C,).
    """

    def trained(state: State, candidate: Any) -> State:
        def step(state, now):
            index, (rows, *schedule) = now
            moment = Now(jax.random.fold_in(key, index), *schedule)
            return program.child.step(state, candidate, _batch(program, arrays, rows), moment), None

        return jax.lax.scan(step, state, (jnp.arange(len(steps.rate)), steps))[0]

    # Where candidates run one by one, each makes all steps in turn, so that no state is copied at each step.
    state = _mapped(program, trained)(state, chosen)
    return state, evaluate(program, state.params, arrays, chosen, arrays.validation)


@functools.partial(jax.jit, static_argnames="program")
def evaluate(
    program: Program, params: Any, arrays: TaskArrays, chosen: Any, part: Part
) -> tuple[Array, Array]:
    """Scores (C, m) and loss (C,) of C candidates on a part; the scores of a diverged one are NaN.

    Args:
        program: static part.
        params: of the C candidates.
        arrays: the task.
        chosen: the C candidates.
        part: rows to score.
    """
    batch, weight = _batch(program, arrays, part.rows), part.weight

    def one(params, candidate):
        outputs = batch.masked(program.child.outputs(params, candidate, batch))
        loss = jnp.sum(batch.losses(outputs) * weight) / weight.sum()
        found = [metric.on_device(outputs, batch.y, weight, arrays.scale) for metric in program.metrics]
        cut = [jnp.maximum(score, metric.low) for score, metric in zip(found, program.metrics, strict=True)]
        return jnp.where(jnp.isfinite(loss), jnp.stack(cut), jnp.nan), loss

    return _mapped(program, one)(params, chosen)


def logits(program: Program, params: Any, arrays: TaskArrays, chosen: Any, rows: Array) -> Array:
    """Logits of C candidates on some rows of a classification, MASKED where there is no class, (C, n, K).

    Args:
        program: static part.
        params: of the C candidates.
        arrays: the task.
        chosen: the C candidates.
        rows: positions in `arrays.x`, (n,).
    """
    batch = _batch(program, arrays, rows)
    given = _mapped(
        program, lambda own, candidate: batch.masked(program.child.outputs(own, candidate, batch))
    )
    return given(params, chosen)


def schedule(recipe: TrainingRecipe, steps: int) -> np.ndarray:
    """Factor of the learning rate at each step, (steps,): a linear rise, then a cosine to zero."""
    rising = max(1, round(recipe.warmup * steps))
    step = np.arange(steps)
    falling = 0.5 * (1 + np.cos(np.pi * (step - rising) / max(1, steps - rising)))
    return np.where(step < rising, (step + 1) / rising, falling).astype(np.float32)


def share_done(steps: int) -> np.ndarray:
    """Share of the steps before each step, (steps,)."""
    return np.arange(steps, dtype=np.float32) / np.float32(steps)


def _mapped(program: Program, one: Callable) -> Callable:
    """A function of one state and its candidate as one of many."""
    if program.child.one_by_one and jax.default_backend() == "cpu":
        return lambda *many: jax.lax.map(lambda each: one(*each), many)
    return jax.vmap(one)


def _batch(program: Program, arrays: TaskArrays, rows: Array | np.ndarray | slice) -> Batch:
    x = jax.tree.map(lambda leaf: leaf[rows], arrays.x)
    return Batch(x, arrays.y[rows], arrays.columns, arrays.allowed, program.classification)
