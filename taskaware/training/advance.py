"""The steps of a training's members: together in one program, or on a CPU each in a thread of its own."""

import functools
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float

from taskaware.children.child import State
from taskaware.training.chunks import in_lanes, lanes
from taskaware.training.prepare import Part, TaskArrays
from taskaware.training.programs import Program, Steps, logits, segment, start


class Members(NamedTuple):
    """States of M networks of one candidate.

    Attributes:
        parts: equally many networks each, which one program advances, in order; every leaf is (m, 1, ...).
    """

    parts: tuple[State, ...]

    def params(self) -> Any:
        """The weights on the host, (M, 1, ...) each."""
        return joined([part.params for part in self.parts])


class Advanced(NamedTuple):
    """What M networks have reached.

    Attributes:
        scores, losses: on the validation rows, (M,) each.
        logits: of the validation rows of a classification of one output, (M, n, K), else None.
    """

    scores: Float[np.ndarray, " M"]
    losses: Float[np.ndarray, " M"]
    logits: Float[np.ndarray, "M n K"] | None


def start_members(program: Program, arrays: TaskArrays, chosen: Any, keys: Array) -> Members:
    """Initial states of M networks of one candidate.

    Args:
        program: static part.
        arrays: the task.
        chosen: the candidate, as a batch of one.
        keys: one for each network, M.
    """
    # On a CPU the parts do not depend on the number of cores, and so neither does what is trained.
    size = 1 if jax.default_backend() == "cpu" else len(keys)
    parts = (keys[first : first + size] for first in range(0, len(keys), size))
    return Members(tuple(_start(program, arrays, chosen, part) for part in parts))


def advance_members(
    program: Program,
    members: Members,
    arrays: TaskArrays,
    chosen: Any,
    work: tuple[Steps, Part],
    keys: Array,
) -> tuple[Members, Advanced]:
    """`segment` for M networks of one candidate, each with its own rows and keys.

    Args:
        program: static part; the first metric scores.
        members: the networks; donated.
        arrays: the task.
        chosen: the candidate, as a batch of one.
        work: rows of each step, (M, S, B), and its schedule, (S,); validation rows of each, (M, n).
        keys: of what the steps draw, (M,).
    """
    (steps, validation), compiling = work, threading.Lock()
    each = len(keys) // len(members.parts)

    def advance(number: int, check: Callable[[], None]) -> Any:
        own = slice(number * each, (number + 1) * each)
        rows = steps._replace(rows=steps.rows[own])
        part = jax.tree.map(lambda leaf: leaf[own], validation)
        with compiling:
            given = _advance(program, members.parts[number], arrays, chosen, (rows, part), keys[own])
        jax.block_until_ready(given[1])
        return given

    states, *results = zip(*in_lanes(advance, range(len(members.parts)), lanes()), strict=True)
    return Members(states), Advanced(*map(joined, results))


def joined(parts: Any) -> Any:
    """Parts of the members as one, on the host."""
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *map(jax.device_get, parts))


@functools.partial(jax.jit, static_argnames="program")
def _start(program: Program, arrays: TaskArrays, chosen: Any, keys: Array) -> State:
    return jax.vmap(lambda key: start(program, arrays, chosen, key))(keys)


@functools.partial(jax.jit, static_argnames="program", donate_argnames="state")
def _advance(
    program: Program,
    state: State,
    arrays: TaskArrays,
    chosen: Any,
    work: tuple[Steps, Part],
    keys: Array,
) -> tuple[State, Array, Array, Array | None]:
    """`advance_members` for networks of one part."""
    steps, validation = work

    def one(state, rows, part, key):
        own = arrays._replace(validation=part)
        state, results = segment(program, state, own, chosen, steps._replace(rows=rows), key)
        if not program.classification or arrays.y.ndim > 1:
            return state, results, None
        return state, results, logits(program, state.params, own, chosen, part.rows)[0]

    state, (score, loss), given = jax.vmap(one)(state, steps.rows, validation, keys)
    return state, score[:, 0, 0], loss[:, 0], given
