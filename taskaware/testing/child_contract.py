"""What every child must do, as checks that run on any child.

A check takes a `Subject` and raises AssertionError where the child breaks the contract. A test runs them all,
after `CHILDREN.add`:

    def test_contract():
        check_child(lambda: (my_space, my_points))

A child that reads no tables gets tasks of its own modality: `check_child(make, tasks=(my_task,))`.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from taskaware.children.child import Batch, Design, State, child_of
from taskaware.modalities.tables.build import make_task
from taskaware.tasks.task import Task
from taskaware.training import programs
from taskaware.training.chunks import chunk_size, parameter_count, placed
from taskaware.training.prepare import Prepared, TaskArrays, embeddings_of, prepare
from taskaware.training.recipe import TrainingRecipe
from taskaware.training.trainer import Trained, train

ROWS = 160
RECIPE = TrainingRecipe(steps=20, evaluations=2, batch_size=32, score_last=2, learning_rate=0.01)
CLOSE = 5e-4
MOST = 4
"""Candidates of a chunk."""


@dataclasses.dataclass(frozen=True, eq=False)
class Subject:
    """A child under test.

    Attributes:
        space: whose child it is.
        points: n of them, 2 or more, no two equal, (n, D).
        draws: whether `init` uses its key: then two keys must give two first states.
        prepared: a task.
    """

    space: Any
    points: np.ndarray
    draws: bool
    prepared: Prepared


def check_child(
    make: Callable[[], tuple[Any, np.ndarray]], *, draws: bool = True, tasks: Sequence[Task] = ()
) -> None:
    """Run every check on the child of a space; for other packages too.

    Args:
        make: () → the space, whose type CHILDREN knows, and three or more of its points (n, D), at least two
            of them in one group.
        draws: whether first weights are random.
        tasks: that the child can read and a small network learns in 20 steps of 32 rows; by default tables,
            a classification and a regression. All groups and eager code, which is slow, run on the first
            one alone; the others are for the largest group.

    Raises:
        AssertionError: a check failed; the traceback names it.
    """
    space, points = make()
    points = np.asarray(points, np.float32)
    assert len(points) >= 3, f"make() gave {len(points)} points; the checks need 3 or more."
    groups = child_of(space).group(space, jnp.asarray(points))
    largest = points[max((np.asarray(rows) for _, rows in groups), key=len)]
    for number, task in enumerate(tasks or map(_task, ("classification", "regression"))):
        prepared = prepare(task, 0, RECIPE, embeddings=embeddings_of(space))
        subject = Subject(space, largest if number else points, draws, prepared)
        for check in CHECKS if number else (*ONCE, *CHECKS):
            check(subject)


def every_point_is_in_one_group(subject: Subject) -> None:
    groups = child_of(subject.space).group(subject.space, jnp.asarray(subject.points))
    rows = np.concatenate([np.asarray(rows) for _, rows in groups])
    assert sorted(rows.tolist()) == list(range(len(subject.points)))
    keys = [key for key, _ in groups]
    assert len(set(keys)) == len(keys), f"Two groups have one key: {keys}."
    for key, rows in groups:
        alone = child_of(subject.space).group(subject.space, jnp.asarray(subject.points[rows[:1]]))
        assert alone[0][0] == key, "The group of a point depends on its company."


def outputs_have_their_shape(subject: Subject) -> None:
    for begun in _begun(subject):
        batch = _batch(subject, 32)
        given = jax.eval_shape(functools.partial(_given, subject, begun), begun.points[0])
        assert given.shape == (len(batch.y), batch.outputs), given.shape


def compiled_equals_eager(subject: Subject) -> None:
    begun = next(_begun(subject))  # of one group: eager code compiles each of its operations
    params = _changed(jax.tree.map(lambda leaf: leaf[0], jax.device_get(_first_state(begun, 0).params)))
    outputs = functools.partial(_given, subject, begun)
    point = jnp.asarray(begun.points[0])
    _assert_close(jax.jit(outputs)(point, params), outputs(point, params))


def settled_networks_give_the_same(subject: Subject) -> None:
    begun = next(_begun(subject))
    child, point = begun.program.child, jnp.asarray(begun.points[0])
    if child.settled is None:
        return
    eased = begun._replace(design=begun.design._replace(eased=True))

    def first(point: jax.Array) -> Any:
        return child.init(jax.random.key(0), child.read(eased.design, point), _batch(subject, 1)).params

    params = _changed(jax.device_get(jax.jit(first)(point)))
    settled = child.settled(eased.design, params)
    cases = (eased, params), (begun, settled)
    given, same = (jax.jit(functools.partial(_given, subject, case))(point, own) for case, own in cases)
    _assert_close(given, same)
    expected = jax.tree.map(lambda leaf: leaf.shape[1:], _first_state(begun, 0).params)
    found = jax.tree.map(lambda leaf: leaf.shape, settled)
    assert found == expected, f"Settled weights have the shapes {found} in place of {expected}."


def first_states_follow_their_key(subject: Subject) -> None:
    for begun in _begun(subject):
        first, again, other = (_first_state(begun, seed).params for seed in (0, 0, 1))
        assert _equal(first, again), "One key gave two first states."
        differ = not _equal(first, other)
        assert differ == subject.draws, f"draws={subject.draws}, but that two keys differ is {differ}."


def same_seed_same_result(subject: Subject) -> None:
    first, again = _trained(subject), _train(subject)
    for name in ("score", "test_score", "loss", "curve"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name), err_msg=name)
    assert np.isfinite(first.loss).all(), "A candidate diverged on an easy task."


def together_equals_alone(subject: Subject) -> None:
    groups = child_of(subject.space).group(subject.space, jnp.asarray(subject.points))
    row = max((np.asarray(rows) for _, rows in groups), key=len)[-1]
    alone = _train(dataclasses.replace(subject, points=subject.points[row : row + 1]))
    np.testing.assert_allclose(alone.loss[0], _trained(subject).loss[row], rtol=CLOSE, atol=CLOSE)


def training_lowers_the_loss(subject: Subject) -> None:
    gained = []
    for begun in _begun(subject):
        state = _first_state(begun, jax.random.split(jax.random.key(0))[0])
        _, loss = programs.evaluate(
            begun.program, state.params, begun.arrays, begun.chosen, begun.arrays.validation
        )
        gained.append(np.asarray(loss) - _trained(subject).loss[begun.rows])
    mean = np.mean(np.concatenate(gained))
    assert mean > CLOSE, f"Training lowers the validation loss by {mean} only."


def a_diverged_candidate_takes_no_other_with_it(subject: Subject) -> None:
    points = subject.points.copy()
    points[0] = np.nan
    without, found = _trained(subject), _train(dataclasses.replace(subject, points=points))
    assert found.score[0] == found.test_score[0] == -np.inf, "A point of NaN has a score."
    np.testing.assert_allclose(found.loss[1:], without.loss[1:], rtol=CLOSE, atol=CLOSE)


def one_compilation_is_enough(subject: Subject) -> None:
    compiled: tuple[Any, ...] = (programs.candidates, programs.start, programs.segment, programs.evaluate)
    _trained(subject)
    before = [program._cache_size() for program in compiled]
    _train(dataclasses.replace(subject, points=subject.points[::-1]), seed=1)
    assert [program._cache_size() for program in compiled] == before, "Another seed or order compiles anew."


ONCE: tuple[Callable[[Subject], None], ...] = (compiled_equals_eager, settled_networks_give_the_same)
"""They do not depend on the problem."""

CHECKS: tuple[Callable[[Subject], None], ...] = (
    every_point_is_in_one_group,
    outputs_have_their_shape,
    first_states_follow_their_key,
    same_seed_same_result,
    together_equals_alone,
    training_lowers_the_loss,
    a_diverged_candidate_takes_no_other_with_it,
    one_compilation_is_enough,
)


class _Begun(NamedTuple):
    """A chunk of C points of one group, as the trainer begins it, so that its compiled programs are shared.

    `rows` are the places of the points, repeated up to C; `chosen` are the candidates.
    """

    rows: np.ndarray
    points: np.ndarray
    design: Design
    program: programs.Program
    arrays: TaskArrays
    chosen: Any


def _begun(subject: Subject) -> Iterator[_Begun]:
    """A chunk of each group."""
    child, problem = child_of(subject.space), subject.prepared.problem
    arrays = jax.device_put(subject.prepared.arrays, placed())
    program = programs.Program(child, programs.scored_by(problem), programs.is_classification(problem))
    vectors = jnp.asarray(subject.points)
    for key, rows in child.group(subject.space, vectors):
        design = programs.group_design(subject.space, key, RECIPE)
        size = chunk_size(parameter_count(program, design, arrays, vectors), max(MOST, len(rows)))
        padded = np.resize(rows, size)
        points = subject.points[padded]
        chosen = programs.candidates(child, design, jax.device_put(points, placed("candidates")))
        yield _Begun(padded, points, design, program, arrays, chosen)


def _first_state(begun: _Begun, key: int | jax.Array) -> State:
    """The first states of a chunk, by a key or its seed."""
    key = jax.random.key(key) if isinstance(key, int) else key
    return programs.start(begun.program, begun.arrays, begun.chosen, key)


def _given(subject: Subject, begun: _Begun, point: jax.Array, params: Any = None) -> jax.Array:
    """Outputs of a point for 32 rows of the task, with its first weights where none are given."""
    child = begun.program.child
    candidate = child.read(begun.design, point)
    if params is None:
        params = child.init(jax.random.key(0), candidate, _batch(subject, 1)).params
    return child.outputs(params, candidate, _batch(subject, 32))


def _changed(params: Any) -> Any:
    """First weights as after some steps: factors differ from 1, and biases from 0.

    In NumPy, which compiles nothing.
    """

    def later(leaf: np.ndarray) -> jax.Array:
        return jnp.asarray(leaf + 0.01 * np.sin(np.arange(leaf.size)).reshape(leaf.shape), leaf.dtype)

    return jax.tree.map(later, params)


def _batch(subject: Subject, rows: int) -> Batch:
    """The first rows of the task, cut out on the host, where that compiles nothing."""
    arrays = subject.prepared.arrays
    x, y = jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf)[:rows]), (arrays.x, arrays.y))
    classification = programs.is_classification(subject.prepared.problem)
    return Batch(x, y, arrays.columns, arrays.allowed, classification)


@functools.lru_cache(maxsize=2)
def _trained(subject: Subject) -> Trained:
    """With seed 0; kept, for nearly all checks ask for it."""
    return _train(subject)


def _train(subject: Subject, *, seed: int = 0) -> Trained:
    # All chunks have one size, so that all checks share the compiled programs of a group.
    return train(subject.space, subject.points, subject.prepared, RECIPE, seed=seed, chunk_for=MOST)


def _task(problem: str) -> Task:
    """A task that a linear model learns."""
    x = np.random.default_rng(0).normal(size=(ROWS, 3))
    frame = pd.DataFrame(x).add_prefix("x")
    signal = x.sum(axis=1)
    frame["y"] = np.where(signal > 0, "more", "less") if problem == "classification" else signal
    return make_task(frame, "y", problem=problem, name=f"contract {problem}")


def _equal(first: Any, second: Any) -> bool:
    pairs = zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def _assert_close(first: Any, second: Any) -> None:
    assert cast(object, jax.tree.structure(first)) == jax.tree.structure(second)
    for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True):
        np.testing.assert_allclose(a, b, rtol=CLOSE, atol=CLOSE)
