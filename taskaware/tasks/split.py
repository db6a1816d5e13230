"""Rows for training, for choosing, and for the last word."""

import dataclasses

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
    in `train`. The same content and seed give the same split, whatever the order of the rows.

    Args:
        task: N rows.
        seed: not negative; another seed, another split.
        validation: share of the rows, in (0, 1).
        test: share of the rows, in (0, 1); None for no test part, when the user brings one.

    Raises:
        UserError: the shares leave nothing for training, or a part would be empty.

    >>> from taskaware.tasks.build import make_task
    >>> parts = split(make_task("iris"), seed=0)
    >>> len(parts.train), len(parts.validation), len(parts.test)
    (90, 30, 30)
    """
    shares = (validation,) if test is None else (validation, test)
    if not all(0 < share < 1 for share in shares) or sum(shares) >= 1:
        raise UserError(
            f"Shares validation={validation}, test={test} cannot be dealt. Each must lie in (0, 1), "
            "and together they must leave rows for training."
        )
    rng = np.random.default_rng(seed)
    order, spare = _order(task, rng)
    part = _dealt(spare, [round(task.rows * share) for share in shares], rng)
    if len(np.unique(part)) <= len(shares):
        raise UserError(
            f"{task.rows} rows are too few for shares {shares} of {task.outputs} classes: a part is empty."
        )
    parts = [np.sort(order[part == which]) for which in range(3)]
    return Split(*parts)


def _order(task: Task, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The rows, class after class, at random within each; and which of them `train` can spare.

    The first row of every class is not spared, so that none is lost to training.
    """
    order = rng.permutation(np.argsort(task.row_hashes, kind="stable"))
    if task.kind == "regression":
        return order, np.full(task.rows, True)
    order = order[np.argsort(task.target[order], kind="stable")]
    labels = task.target[order]
    return order, np.append(False, labels[1:] == labels[:-1])


def _dealt(spare: np.ndarray, sizes: list[int], rng: np.random.Generator) -> np.ndarray:
    """Part of each row in order: 0 train, 1 validation, 2 test; at even steps over the rows to spare."""
    part = np.zeros(len(spare), np.int64)
    for which, wanted in enumerate(sizes, 1):
        free = np.flatnonzero(spare & (part == 0))
        size = min(wanted, (len(free) + 1) // 2)
        steps = (np.arange(size) + rng.random()) * len(free) / max(size, 1)
        part[free[steps.astype(np.int64)]] = which
    return part
