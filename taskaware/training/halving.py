"""Trainings of a round of which the worse half ends early, several times (successive halving).

Source: Jamieson & Talwalkar 2016, "Non-stochastic best arm identification and hyperparameter optimization".
"""

import math
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from taskaware import plain
from taskaware.arrays import EitherArray, as_jax
from taskaware.children.child import Design, State
from taskaware.children.rules.child import SWEEP
from taskaware.errors import UserError
from taskaware.training.chunks import chunk_size, in_lanes, lanes, parameter_count, placed
from taskaware.training.prepare import Prepared
from taskaware.training.programs import (
    Steps,
    candidates,
    evaluate,
    group_design,
    segment,
    start,
)
from taskaware.training.recipe import TrainingRecipe
from taskaware.training.results import Trained, joined, summary
from taskaware.training.trainer import Run, run_of


def endings(recipe: TrainingRecipe, halvings: int) -> list[int]:
    """After which evaluations a half ends: first behind a fifth of the steps, then at equal distances.

    Raises:
        UserError: the recipe has too few evaluations for so many halvings.

    >>> endings(TrainingRecipe(), 2)
    [1, 3]
    """
    plain.refuse_no_whole("halvings", halvings)
    count = recipe.evaluations
    first = math.ceil(round(SWEEP * count, 6))
    if not 0 <= halvings <= count - first:
        raise UserError(
            f"halvings={halvings} is out of range: a half ends after an evaluation, and the recipe has "
            f"{count}. Give 0 to {count - first}, or more evaluations."
        )
    distance = (count - first) / max(halvings, 1)
    return [math.floor(first + number * distance + 0.5) for number in range(halvings)]


class Group(NamedTuple):
    """Trainings of one compiled program that are under way, as arrays on the host.

    Attributes:
        rows: places of the points, (n,).
        leaves: of the candidates and of the states, (n, ...).
        structure: of both, as a pair.
        size: how many train at once.
    """

    rows: np.ndarray
    leaves: list[np.ndarray]
    structure: Any
    size: int

    def only(self, kept: np.ndarray) -> "Group":
        """Some of the trainings, no more at once than there are."""
        rows, size, devices = self.rows[kept], self.size, jax.local_device_count()
        while size % (2 * devices) == 0 and size // 2 >= len(rows):
            size //= 2
        return Group(rows, [leaf[kept] for leaf in self.leaves], self.structure, size)

    def spread(self, rows: np.ndarray) -> tuple[Any, State]:
        """Candidates and states of some trainings, on the devices."""
        given = jax.device_put([leaf[rows] for leaf in self.leaves], placed("candidates"))
        return jax.tree.unflatten(self.structure, given)


class Found(NamedTuple):
    """What n trainings have reached so far; its arrays are filled in.

    Attributes:
        curves: validation scores by m metrics at each evaluation, NaN after the end, (n, evaluations, m).
        test: scores on the test part at the end, (n, m).
        loss: validation loss at the last evaluation, (n,).
        evaluations: how many there were, (n,).
    """

    curves: np.ndarray
    test: np.ndarray
    loss: np.ndarray
    evaluations: np.ndarray

    @classmethod
    def empty(cls, count: int, evaluations: int, metrics: int) -> "Found":
        """The same before the first step.

        Args:
            count: of trainings.
            evaluations, metrics: of each.
        """
        curves = np.full((count, evaluations, metrics), np.nan)
        return cls(curves, curves[:, 0].copy(), np.full(count, np.nan), np.zeros(count, int))

    def trained(self, recipe: TrainingRecipe, seconds: float) -> Trained:
        """The results; the score of one that ended early is of its own last evaluations.

        Args:
            recipe: how a curve is reduced to a score.
            seconds: of all trainings.
        """
        parts, each = [], seconds / len(self.loss)
        for last in np.unique(self.evaluations):
            own = np.flatnonzero(self.evaluations == last)
            found = summary(recipe, self.curves[own, :last], self.test[own], self.loss[own], each)
            parts.append((own, found._replace(curve=self.curves[own, :, 0])))
        return joined(parts)


def train_halved(
    space: Any,
    points: Float[EitherArray, "n D"],
    prepared: Prepared,
    recipe: TrainingRecipe,
    *,
    seed: int,
    halvings: int,
    metric: str | None = None,
) -> tuple[Trained, np.ndarray]:
    """`trainer.train`, but the half with the larger validation loss ends early; see `endings`.

    Args:
        space, points, prepared, recipe, seed, metric: as in `trainer.train`.
        halvings: how often a half ends.

    Returns:
        The results and the steps of each training, (n,). The results of one that ended early are those of its
        evaluations until then; its curve is NaN afterwards. The others have the results of `trainer.train`,
        within float tolerance.

    Raises:
        UserError: as in `trainer.train`, or the recipe has too few evaluations.
    """
    ends, began = [*endings(recipe, halvings), recipe.evaluations], time.perf_counter()
    run = run_of(space, prepared, recipe, seed=seed, metric=metric)
    groups = list(_begun(run, space, as_jax(points)))
    found = Found.empty(len(points), recipe.evaluations, len(run.program.metrics))
    for number in range(recipe.evaluations):
        groups = [_advanced(run, group, number, found) for group in groups]
        if number + 1 in ends:
            alive = np.concatenate([group.rows for group in groups] or [np.zeros(0, int)])
            kept = alive[:0] if number + 1 == recipe.evaluations else _better(found.loss, alive)
            groups = [_ended(run, group, np.isin(group.rows, kept), found) for group in groups]
            groups = [group for group in groups if len(group.rows)]
    return found.trained(recipe, time.perf_counter() - began), found.evaluations * recipe.segment


def _better(loss: np.ndarray, alive: np.ndarray) -> np.ndarray:
    """The half of the trainings with the smaller loss; none that has diverged."""
    finite = alive[np.isfinite(loss[alive])]
    return finite[np.argsort(loss[finite], kind="stable")][: -(-len(finite) // 2)]


def _begun(run: Run, space: Any, points: jax.Array) -> Iterator[Group]:
    """The trainings before their first step."""
    child = run.program.child
    for name, members in child.group(space, points):
        design = group_design(space, name, run.recipe)
        parameters = parameter_count(run.program, design, run.arrays, points)
        # One by one there is nothing to gain from a chunk, and a smaller round needs no other program.
        alone = child.one_by_one and jax.default_backend() == "cpu"
        size = chunk_size(parameters, 1 if alone else len(members))

        def begin(rows: np.ndarray, design: Design = design) -> tuple[Any, State]:
            spread = jax.device_put(points[rows], placed("candidates"))
            chosen = candidates(child, design, spread)
            return chosen, start(run.program, run.arrays, chosen, run.first)

        yield Group(np.asarray(members), *_in_parts(begin, np.asarray(members), size), size)


def _advanced(run: Run, group: Group, number: int, found: Found) -> Group:
    """The trainings after the steps up to an evaluation; its scores and losses are noted.

    Args:
        run: what they share.
        group: the trainings.
        number: of the evaluation; the first is 0.
        found: where they are noted.
    """
    now = slice(number * run.recipe.segment, (number + 1) * run.recipe.segment)
    steps, key = Steps(*(each[now] for each in run.steps)), jax.random.fold_in(run.key, number)

    def advance(rows: np.ndarray) -> Any:
        chosen, state = group.spread(rows)
        state, scored = segment(run.program, state, run.arrays, chosen, steps, key)
        return (*scored, chosen, state)

    leaves, _ = _in_parts(advance, np.arange(len(group.rows)), group.size)
    found.curves[group.rows, number], found.loss[group.rows] = leaves[:2]
    found.evaluations[group.rows] = number + 1
    return group._replace(leaves=leaves[2:])


def _ended(run: Run, group: Group, kept: np.ndarray, found: Found) -> Group:
    """The trainings that go on; the test scores of the others are noted.

    Args:
        run: what they share.
        group: the trainings.
        kept: which of them go on, (n,).
        found: where scores are noted.
    """

    def test(rows: np.ndarray) -> Any:
        chosen, state = group.spread(rows)
        return evaluate(run.program, state.params, run.arrays, chosen, run.arrays.test)[0]

    ended = np.flatnonzero(~kept)
    if len(ended):
        [found.test[group.rows[ended]]], _ = _in_parts(test, ended, group.size)
    return group.only(kept)


def _in_parts(
    function: Callable[[np.ndarray], Any], rows: np.ndarray, size: int
) -> tuple[list[np.ndarray], Any]:
    """Leaves, on the host, and structure of what a function of `size` rows gives for all rows.

    Args:
        function: of so many rows; the last ones may be some of the first again. It returns before its
            programs have run.
        rows: one or more.
        size: rows of a call.
    """
    compiling, parts = threading.Lock(), [rows[first : first + size] for first in range(0, len(rows), size)]

    def given(part: np.ndarray, check: Callable[[], None]) -> tuple[list[np.ndarray], Any]:
        with compiling:
            leaves, structure = jax.tree.flatten(function(np.resize(part, size)))
        return [leaf[: len(part)] for leaf in jax.device_get(leaves)], structure

    found, structures = zip(*in_lanes(given, parts, lanes()), strict=True)
    return [np.concatenate(leaves) for leaves in zip(*found, strict=True)], structures[0]
