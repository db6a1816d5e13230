"""The loop that drives every strategy on every objective: ask, evaluate, tell."""

import functools
import os
import time
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
from taskaware.runner import RunnerSettings
from taskaware.spaces import Space
from taskaware.strategies.evaluating import by_workers, here
from taskaware.strategies.history import AllDiverged, History
from taskaware.strategies.journal import SearchJournal, Written, opened
from taskaware.strategies.objective import Objective, Outcomes, settled, traced
from taskaware.strategies.record import Goal, Progress, Record
from taskaware.strategies.session import Keyed, Session
from taskaware.strategies.strategy import Factory, Feedback, HostSearch, Strategy, UnderWay

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
    seconds: float | None = None,
    threshold: float | None = None,
    runner: RunnerSettings | None = None,
    journal: str | os.PathLike | None = None,
    resume: bool = False,
    on_progress: Callable[[Progress], object] | None = None,
    progress: bool | None = None,
    title: str = "search",
) -> History:
    """Search with a budget of evaluations; compiled if strategy and objective are traceable.

    With one worker, a smaller budget gives the beginning of the same history. Ctrl-C ends the search and
    returns the history so far.

    Args:
        strategy: how to search, bound to the space or not.
        objective: to maximise.
        space: to search.
        budget: evaluations, 1 or more; the last round is cut to the rest.
        seed: of the strategy, a number or a key.
        together: points of a round; by default the objective's own number.
        errors: "diverge": a point whose evaluation raises an error has diverged, and the history holds the
            error. "raise": the error goes through.
        seconds: the search ends after so many, earlier starts included: at once where workers evaluate, else
            at the end of the evaluation that is under way.
        threshold: the search ends at the first score that is not below it.
        runner: the engine that evaluates, and its workers: that many rounds are under way, and each result
            is told as soon as it is there. None, or the engine "serial": this process, round after round.
        journal: a file that every ask and every tell is appended to, as soon as it happens.
        resume: whether the search goes on where a journal that is there ends.
        on_progress: called after each round.
        progress: whether to show a bar; by default where there is a terminal.
        title: of the bar.

    Raises:
        UserError: the budget is below 1, the strategy needs gradients and the objective has none, the
            objective returns wrong shapes, or the journal is of another search.
        StoreError: the journal is damaged, or cannot be written.
        AllDiverged: no evaluation has a value; it carries the history.
    """
    if budget < 1:
        raise UserError(f"budget={budget} is too small. Give 1 or more.")
    if errors not in ("diverge", "raise"):
        raise UserError(f"errors='{errors}' is unknown. Allowed: diverge, raise.")
    if seconds is not None and not seconds > 0:
        raise UserError(f"seconds={seconds} is too small. Give more than 0.")
    strategy = _bound(strategy, objective, space, together)
    seed = plain.seed(seed) if isinstance(seed, int | np.integer) else seed
    record = Record(space, Goal(budget, seconds, threshold))
    spread = runner is not None and runner.check().engine != "serial"
    compiled = strategy.traceable and objective.traceable and not spread
    about = _about(strategy, objective, space, seed, together)
    stopped, hidden = False, None if progress is None else not progress
    with (
        opened(journal, about, space, resume=resume) as written,
        tqdm(total=budget, desc=title, unit=objective.unit, disable=hidden) as bar,
    ):

        def on_told(count: int) -> None:
            bar.update(count)
            if on_progress is not None:
                on_progress(record.progress())

        try:
            if compiled:
                _run_compiled(strategy, objective, seed, record, written, on_told)
            else:
                session = Session(_started(strategy, seed), record, written, on_told)
                held = _on_arrays(strategy, objective)
                if spread:
                    by_workers(session, held, cast(RunnerSettings, runner), errors=errors)
                else:
                    here(session, held, errors="raise" if objective.traceable else errors)
        except KeyboardInterrupt:
            if not record.count:
                raise
            stopped = True
    if not record.count:
        raise UserError("The strategy asked for no points. Its `ask` must return at least one.")
    history = record.history(stopped, _notes(strategy, budget))
    if history.diverged.all() and not history.stopped:
        raise AllDiverged(history)
    return history


def _started(strategy: Strategy, seed: int | Array) -> HostSearch:
    """The strategy on the host, at its beginning: in NumPy where it has that, else with its own functions."""
    if strategy.on_host is not None:
        words = [seed] if isinstance(seed, int) else np.asarray(jax.random.key_data(seed)).ravel().tolist()
        return strategy.on_host(np.random.default_rng(words))
    keep_compiled()
    return Keyed(strategy, jax.random.key(seed) if isinstance(seed, int) else seed)


def _on_arrays(strategy: Strategy, objective: Objective) -> Objective:
    """The objective as it is evaluated round by round; compiled where it may be."""
    evaluate = _evaluation(strategy, objective)
    return objective._replace(evaluate=jax.jit(evaluate) if objective.traceable else evaluate)


def _about(
    strategy: Strategy, objective: Objective, space: Space, seed: int | Array, together: int | None
) -> dict[str, Any]:
    """What makes two searches the same one; plain data."""
    return {
        "space": space.digest,
        "strategy": strategy.label,
        "objective": objective.about,
        "seed": seed if isinstance(seed, int) else np.asarray(jax.random.key_data(seed)).tolist(),
        "together": objective.together if together is None else together,
    }


def _notes(strategy: Strategy, budget: int) -> tuple[str, ...]:
    blind = strategy.learns_after
    if budget > blind:
        return ()
    return (
        f"The budget of {budget} ends within the first {blind} evaluations, which are random. "
        "Give a larger budget, or a smaller population or minibatch.",
    )


def _bound(
    strategy: Strategy | Factory, objective: Objective, space: Space, together: int | None
) -> Strategy:
    if not isinstance(strategy, Strategy):
        strategy = strategy(space, objective.together if together is None else together)
    if strategy.wants_gradient and not (objective.traceable and objective.with_gradient):
        raise UserError("The strategy needs gradients, and the objective has none. Choose another strategy.")
    if objective.related and strategy.on_host is None:
        raise UserError(
            "Weights are inherited from parents, and this strategy tells none when it asks. Search cells "
            "with evolution or local_search, or leave inherit= out."
        )
    return strategy


class Round(NamedTuple):
    """One round: points (n, D), their outcomes, and the info of the strategy."""

    points: Any
    outcomes: Outcomes
    info: dict[str, Any]


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
        outcomes = settled(evaluate(points), len(points))
        numbers = count + jnp.arange(len(points), dtype=jnp.int32)
        state, info = strategy.tell(state, points, Feedback(outcomes.score, outcomes.gradient, numbers))
        # A history does not need gradients; storing them for every round costs memory.
        done = Round(points, outcomes._replace(gradient=None), info)
        return (state, count + len(points)), done

    return jax.lax.scan(one_round, carry, first + jnp.arange(rounds))


def _run_compiled(
    strategy: Strategy,
    objective: Objective,
    seed: int | Array,
    record: Record,
    journal: SearchJournal | None,
    on_told: Callable[[int], object],
) -> None:
    """Rounds of a traceable search, many in one program; what a journal holds is computed again."""
    keep_compiled()
    key = jax.random.key(seed) if isinstance(seed, int) else seed
    held = Written(journal) if journal is not None else None
    last = time.perf_counter()
    for block in _compiled(strategy, objective, key, record.goal.budget):
        size = _wanted(block, record)
        block = jax.tree.map(lambda leaf, size=size: leaf[:size], block)
        now = time.perf_counter()
        each = (now - last) / size
        if held is not None:
            held.add(UnderWay(record.count, block.points), block.outcomes, block.info, each, record.seconds)
        record.add(record.count, block.points, block.outcomes, block.info, each)
        on_told(size)
        last = now
        if record.reason:
            return


def _wanted(block: Round, record: Record) -> int:
    """How many evaluations of a block the search takes: to its budget, or to the first score at its goal."""
    size = min(len(block.points), record.goal.budget - record.count)
    goal = record.goal.threshold
    if goal is None:
        return size
    reached = np.flatnonzero(np.asarray(block.outcomes.score[:size]) >= goal)
    return int(reached[0]) + 1 if len(reached) else size


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
