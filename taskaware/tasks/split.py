"""Splits of rows into training, validation and test."""

import dataclasses
from collections.abc import Iterable, Sequence
from numbers import Real

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

    In classification with one class a row, every class keeps its share in each part (to about one row), and
    every class has a row in `train`. The same content and seed give the same split, in any order of the rows.

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


def splits(
    task: Task,
    seed: int,
    members: int,
    *,
    validation: float = 0.2,
    groups: np.ndarray | None = None,
    time: np.ndarray | None = None,
) -> tuple[Split, ...]:
    """One split without a test part for each member of an ensemble, their validation rows spread evenly.

    Five members with a fifth each are five folds, but for a few rows where that is no whole number: a row
    validates one member and trains the others; the first of each class trains them all. The first split is
    `split(task, seed, validation=validation, test=None)`.

    Args:
        task: N rows.
        seed: not negative.
        members: how many, at least 1.
        validation: share of the rows, in (0, 1).
        groups: of the rows, (N,): those of one group stay in one part. As many whole groups validate as have
            about that share of the rows; classes keep their shares as well as groups allow.
        time: of the rows, (N,) numbers: the latest validate, the same for every member. Rows of one time stay
            in one part.

    Raises:
        UserError: there are no members, groups and time are both given, a part would be empty, or as for
            `split`.
    """
    if members < 1:
        raise UserError(f"members={members} is too small. Give 1 or more.")
    _check((validation,))
    if groups is not None and time is not None:
        raise UserError("Groups and time are both given, and the validation rows follow one. Give one.")
    if time is not None:
        return (_latest(np.asarray(time), validation),) * members
    if groups is not None:
        return _by_groups(task, np.asarray(groups), seed, members=members, validation=validation)
    rng = np.random.default_rng(seed)
    order, spare = _order(task, rng)
    starts = (rng.random() + np.arange(members) / members) % 1
    sizes = _sizes(task, (validation,))
    return tuple(_cut(task, (validation,), order, _dealt(spare, sizes, [start])) for start in starts)


def _latest(time: np.ndarray, share: float) -> Split:
    """The rows of the latest times, about a share of all, as validation rows."""
    times, counts = np.unique(time, return_counts=True)
    if len(times) < 2:
        raise UserError(f"All {len(time)} rows have one time, so none is later than others. Leave it out.")
    after = len(time) - np.cumsum(counts)[:-1]
    cut = times[:-1][np.abs(after - share * len(time)).argmin()]
    return _two_parts(time > cut)


def _by_groups(
    task: Task, groups: np.ndarray, seed: int, *, members: int, validation: float
) -> tuple[Split, ...]:
    """Whole groups around a circle, as long as they have rows; each member validates on an arc of it."""
    codes = np.unique(groups, return_inverse=True)[1]
    sizes = np.bincount(codes)
    if len(sizes) < 2:
        raise UserError(f"All {task.rows} rows are of one group, and it cannot be in two parts.")
    rng = np.random.default_rng(seed)
    order = _mixed(task, codes, rng)
    middle = (np.cumsum(sizes[order]) - sizes[order] / 2) / task.rows
    starts = (rng.random() + np.arange(members) / members) % 1
    return tuple(_arc(codes, order, (middle - start) % 1, validation) for start in starts)


def _mixed(task: Task, codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The groups at random, those of each most frequent class spread evenly."""
    order = rng.permutation(codes.max() + 1)
    if task.problem != "classification":
        return order
    table = np.zeros((len(order), task.outputs), np.int64)
    np.add.at(table, (codes, task.target), 1)
    usual = table.argmax(1)[order]
    place = np.zeros(len(order))
    for each in np.unique(usual):
        alike = usual == each
        place[alike] = (np.arange(alike.sum()) + rng.random()) / alike.sum()
    return order[np.argsort(place, kind="stable")]


def _arc(codes: np.ndarray, order: np.ndarray, along: np.ndarray, share: float) -> Split:
    """The split whose validation groups begin within a share of the circle; at least one, and not all."""
    chosen = along < share
    chosen[along.argmin()] = True
    if chosen.all():
        chosen[along.argmax()] = False
    return _two_parts(np.isin(codes, order[chosen]))


def _two_parts(validates: np.ndarray) -> Split:
    return Split(np.flatnonzero(~validates), np.flatnonzero(validates), np.zeros(0, np.int64))


def _check(shares: tuple[float, ...]) -> None:
    real = all(isinstance(share, Real) and not isinstance(share, bool) for share in shares)
    if not real or not all(0 < share < 1 for share in shares) or sum(shares) >= 1:
        named = ", ".join(
            f"{name}={share!r}" for name, share in zip(("validation", "test"), shares, strict=False)
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
        classes = f" of {task.outputs} classes" if task.problem == "classification" else ""
        raise UserError(f"{task.rows} rows are too few for shares {shares}{classes}: a part is empty.")
    return Split(*(np.sort(order[part == which]) for which in range(3)))


def _order(task: Task, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The rows, class after class, at random within each; and which of them `train` can spare.

    The first row of every class is not spared, so that training has them all.
    """
    order = rng.permutation(np.argsort(task.row_hashes, kind="stable"))
    if task.problem != "classification":
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
