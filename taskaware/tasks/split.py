"""Splits of rows into training, validation and test."""

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np

from taskaware.errors import UserError
from taskaware.tasks.task import Task


@dataclasses.dataclass(frozen=True, eq=False)
class Split:
    """Row indices of a task, each part ascending, together every row once.

    Attributes:
        train, validation, test: int64 indices; `test` is empty where the task has test rows of its own.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def split(task: Task, seed: int, *, validation: float = 0.2, test: float | None = 0.2) -> Split:
    """Deal the rows of a task out at random.

    In classification every class keeps its share in each part (to about one row), and every class has a row
    in `train`. The same content and seed give the same split, in any order of the rows.

    Args:
        task: N rows.
        seed: not negative; another seed, another split.
        validation: share of the rows, in (0, 1).
        test: share of the rows, in (0, 1); None for no test part, for example with test rows of the user.

    Raises:
        UserError: the shares leave nothing for training, or a part would be empty.

    >>> import taskaware
    >>> parts = split(taskaware.make_task("iris"), seed=0)
    >>> len(parts.train), len(parts.validation), len(parts.test)
    (90, 30, 30)
    """
    shares = (validation,) if test is None else (validation, test)
    _check(shares)
    rng = np.random.default_rng(seed)
    order, spare = _order(task, rng)
    return _cut(task, shares, order, _dealt(spare, _sizes(task, shares), rng.random(len(shares))))


def splits(task: Task, seed: int, members: int, *, validation: float = 0.2) -> tuple[Split, ...]:
    """One split without a test part for each member of an ensemble, their validation rows spread evenly.

    Five members with a fifth each are five folds, but for a few rows where that is no whole number: a row
    validates one member and trains the others; the first of each class trains them all. The first split is
    `split(task, seed, validation=validation, test=None)`.

    Args:
        task: N rows.
        seed: not negative.
        members: how many, at least 1.
        validation: share of the rows, in (0, 1).

    Raises:
        UserError: there are no members, or as for `split`.
    """
    if members < 1:
        raise UserError(f"members={members} is too small. Give 1 or more.")
    _check((validation,))
    rng = np.random.default_rng(seed)
    order, spare = _order(task, rng)
    starts = (rng.random() + np.arange(members) / members) % 1
    sizes = _sizes(task, (validation,))
    return tuple(_cut(task, (validation,), order, _dealt(spare, sizes, [start])) for start in starts)


def _check(shares: tuple[float, ...]) -> None:
    if not all(0 < share < 1 for share in shares) or sum(shares) >= 1:
        named = ", ".join(
            f"{name}={share}" for name, share in zip(("validation", "test"), shares, strict=False)
        )
        raise UserError(
            f"Shares {named} cannot be dealt. Each must lie in (0, 1), and together they must leave rows for "
            "training."
        )


def _sizes(task: Task, shares: tuple[float, ...]) -> list[int]:
    return [round(task.rows * share) for share in shares]


def _cut(task: Task, shares: tuple[float, ...], order: np.ndarray, part: np.ndarray) -> Split:
    """The split of rows in order, by the part of each."""
    if len(np.unique(part)) <= len(shares):
        raise UserError(
            f"{task.rows} rows are too few for shares {shares} of {task.outputs} classes: a part is empty."
        )
    return Split(*(np.sort(order[part == which]) for which in range(3)))


def _order(task: Task, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The rows, class after class, at random within each; and which of them `train` can spare.

    The first row of every class is not spared, so that training has them all.
    """
    order = rng.permutation(np.argsort(task.row_hashes, kind="stable"))
    if task.problem == "regression":
        return order, np.full(task.rows, True)
    order = order[np.argsort(task.target[order], kind="stable")]
    labels = task.target[order]
    return order, np.append(False, labels[1:] == labels[:-1])


def _dealt(spare: np.ndarray, sizes: Sequence[int], starts: Iterable[float]) -> np.ndarray:
    """Part of each row in order: 0 train, 1 validation, 2 test.

    A part takes rows at even steps over those to spare, beginning `start` of a step in.
    """
    part = np.zeros(len(spare), np.int64)
    for which, (wanted, start) in enumerate(zip(sizes, starts, strict=True), 1):
        free = np.flatnonzero(spare & (part == 0))
        size = min(wanted, (len(free) + 1) // 2)
        steps = (np.arange(size) + start) * len(free) / max(size, 1)
        part[free[steps.astype(np.int64)]] = which
    return part
