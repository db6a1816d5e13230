"""The loop that drives every strategy on every objective: ask, evaluate, tell."""

import functools
import os
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from taskaware import plain
from taskaware.arrays import bucket
from taskaware.compilation import keep_compiled
from taskaware.errors import UserError
from taskaware.progress import tqdm
from taskaware.spaces import Space
from taskaware.strategies.history import AllDiverged, History
from taskaware.strategies.log import Log, Progress, Round, joined, writing
from taskaware.strategies.objective import DIVERGED, Objective, Outcomes, settled, traced
from taskaware.strategies.strategy import Factory, Feedback, Strategy

ROUNDS_AT_ONCE = 256
"""Rounds of a compiled search between two updates of the progress bar; Ctrl-C waits for the end of one."""


class Trace(NamedTuple):
    """All evaluations of a compiled search: R rounds of n points.

    Attributes:
        points: (R, n, D).
        values: (R, n); -inf where a point diverged.
    """

    points: Float[Array, "R n D"]
    values: Float[Array, "R n"]

    @property
    def best(self) -> tuple[Float[Array, " D"], Float[Array, ""]]:
        """The point of the largest value in the whole search, and that value; -inf if all diverged."""
        place = jnp.argmax(self.values)
        return self.points.reshape(-1, self.points.shape[-1])[place], self.values.ravel()[place]


def maximise(strategy: Strategy, objective: Callable | Objective, key: Array, rounds: int) -> Trace:
    """The driver as a pure function of its key, for use inside a compiled program.

    Args:
        strategy: how to search; traceable.
        objective: a function of one point that JAX can trace, or a traceable objective.
        key: of the whole search.
        rounds: R, at least 1.

    >>> from taskaware.spaces import preset
    >>> from taskaware.strategies import gradient_ascent
    >>> climb = gradient_ascent(jnp.zeros((2, 40)))(preset("compact"), 2)
    >>> trace = maximise(climb, lambda vector: vector[0], jax.random.key(0), rounds=3)
    >>> trace.points.shape, trace.values[0].tolist(), round(float(trace.best[1]), 1)
    ((3, 2, 40), [0.0, 0.0], 0.4)
    """
    objective = objective if isinstance(objective, Objective) else traced(objective)
    start_key, loop_key = jax.random.split(key)
    _, done = _scan(strategy, objective, loop_key, (strategy.init(start_key), jnp.int32(0)), 0, rounds)
    return Trace(done.points, cast(Array, done.outcomes.score))


def search(
    strategy: Strategy | Factory,
    objective: Objective,
    *,
    space: Space,
    budget: int,
    seed: int | Array = 0,
    together: int | None = None,
    errors: str = "diverge",
    journal: str | os.PathLike | None = None,
    on_progress: Callable[[Progress], object] | None = None,
    progress: bool | None = None,
    title: str = "search",
) -> History:
    """Search with a budget of evaluations; compiled if strategy and objective are traceable.

    A smaller budget gives the beginning of the same history. Ctrl-C ends the search and returns the history
    so far.

    Args:
        strategy: how to search, bound to the space or not.
        objective: to maximise.
        space: to search.
        budget: evaluations, 1 or more; the last round is cut to the rest.
        seed: of the strategy, a number or a key.
        together: points of a round; by default the objective's own number.
        errors: "diverge": a point whose evaluation raises an error has diverged, and the history holds the
            error. "raise": the error goes through.
        journal: a new file for one line of JSON per evaluation, written as soon as it ends.
        on_progress: called after each round.
        progress: whether to show a bar; by default where there is a terminal.
        title: of the bar.

    Raises:
        UserError: the budget is below 1, the strategy needs gradients and the objective has none, the
            objective returns wrong shapes, or the journal exists already.
        AllDiverged: no evaluation has a value; it carries the history.
    """
    if budget < 1:
        raise UserError(f"budget={budget} is too small. Give 1 or more.")
    if errors not in ("diverge", "raise"):
        raise UserError(f"errors='{errors}' is unknown. Allowed: diverge, raise.")
    strategy = _bound(strategy, objective, space, together)
    keep_compiled()
    key = jax.random.key(plain.seed(seed)) if isinstance(seed, int | np.integer) else seed
    objective = objective if errors == "raise" or objective.traceable else forgiving(objective)
    blocks = _compiled if strategy.traceable and objective.traceable else _stepwise
    log = Log(space, budget, strategy)
    hidden = None if progress is None else not progress
    with (
        writing(journal) as write,
        tqdm(total=budget, desc=title, unit=objective.unit, disable=hidden) as bar,
    ):
        try:
            for block in blocks(strategy, objective, key, budget):
                rows = log.add(block)
                bar.update(len(rows))
                write(rows)
                if on_progress is not None:
                    on_progress(log.progress())
                if log.ended():
                    break
        except KeyboardInterrupt:
            if not log.count:
                raise
            log.stopped = True
    if not log.count:
        raise UserError("The strategy asked for no points. Its `ask` must return at least one.")
    history = log.history()
    if history.diverged.all() and not history.stopped:
        raise AllDiverged(history)
    return history


def forgiving(objective: Objective) -> Objective:
    """The objective, with a point counted as diverged if its evaluation raises an error.

    A `UserError` is raised all the same.
    """

    def evaluate(points: Float[np.ndarray, "n D"]) -> Outcomes:
        try:
            return objective.evaluate(points)
        except UserError:
            raise
        except Exception as error:
            if len(points) == 1:
                text = f"{type(error).__name__}: {error}"
                return Outcomes(np.array([DIVERGED]), errors=(text,))
        return joined([evaluate(points[[row]]) for row in range(len(points))])

    return objective._replace(evaluate=evaluate)


def _bound(
    strategy: Strategy | Factory, objective: Objective, space: Space, together: int | None
) -> Strategy:
    if not isinstance(strategy, Strategy):
        strategy = strategy(space, objective.together if together is None else together)
    if strategy.wants_gradient and not (objective.traceable and objective.with_gradient):
        raise UserError("The strategy needs gradients, and the objective has none. Choose another strategy.")
    return strategy


def _answered(
    strategy: Strategy, evaluate: Callable[[Any], Outcomes], state: Any, points: Any, first: Any
) -> tuple[Any, Round]:
    """Evaluate points and tell the strategy; the same in every search, compiled or not.

    Args:
        strategy: that asked for them.
        evaluate: points → outcomes.
        state: after `ask`.
        points: (n, D).
        first: evaluation number of the first point.
    """
    outcomes = settled(evaluate(points), len(points))
    feedback = Feedback(outcomes.score, outcomes.gradient, first + jnp.arange(len(points), dtype=jnp.int32))
    state, info = strategy.tell(state, points, feedback)
    return state, Round(points, outcomes, info)


def _evaluation(strategy: Strategy, objective: Objective) -> Callable[[Any], Outcomes]:
    """How points are evaluated: with gradients where the strategy wants them, as `_bound` has checked."""
    if strategy.wants_gradient:
        return cast(Callable[[Any], Outcomes], objective.with_gradient)
    return objective.evaluate


def _scan(
    strategy: Strategy, objective: Objective, loop_key: Array, carry: tuple, first: Any, rounds: int
) -> tuple[tuple, Round]:
    """`rounds` rounds, numbered from `first`; the carry is (state, evaluations so far)."""
    evaluate = _evaluation(strategy, objective)

    def one_round(carry: tuple, number: Array) -> tuple[tuple, Round]:
        state, count = carry
        key = jax.random.fold_in(loop_key, number)
        state, points = strategy.ask(key, state)
        state, done = _answered(strategy, evaluate, state, points, count)
        # A history does not need gradients; storing them for every round costs memory.
        done = done._replace(outcomes=done.outcomes._replace(gradient=None))
        return (state, count + len(done.points)), done

    return jax.lax.scan(one_round, carry, first + jnp.arange(rounds))


def _compiled(strategy: Strategy, objective: Objective, key: Array, budget: int) -> Iterator[Round]:
    """Rounds of a traceable search, many in one program."""
    start_key, loop_key = jax.random.split(key)
    state = strategy.init(start_key)
    asked = jax.eval_shape(lambda: strategy.ask(start_key, state)[1])
    rounds = min(ROUNDS_AT_ONCE, bucket(-(-budget // max(len(asked.shape) and asked.shape[0], 1)), 1))
    program = jax.jit(functools.partial(_scan, strategy, objective, loop_key, rounds=rounds))
    carry, first = (state, jnp.int32(0)), 0
    while True:
        carry, done = program(carry, first)
        yield jax.tree.map(lambda leaf: np.asarray(leaf).reshape(-1, *leaf.shape[2:]), done)
        first += rounds


def _stepwise(strategy: Strategy, objective: Objective, key: Array, budget: int) -> Iterator[Round]:
    """Rounds of a search with work outside of JAX, one by one."""
    start_key, loop_key = jax.random.split(key)
    state, done, number = strategy.init(start_key), 0, 0
    evaluate = _evaluation(strategy, objective)
    evaluate = jax.jit(evaluate) if objective.traceable else evaluate
    if strategy.traceable:
        strategy = strategy._replace(ask=jax.jit(strategy.ask), tell=jax.jit(strategy.tell))
    while True:
        state, asked = strategy.ask(jax.random.fold_in(loop_key, number), state)
        points = np.asarray(asked, np.float32)[: budget - done]
        if not len(points):
            return
        state, block = _answered(strategy, evaluate, state, points, done)
        yield block
        done, number = done + len(points), number + 1
