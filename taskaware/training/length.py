"""How long one architecture is trained: by the number of rows, and within the seconds that the user gives."""

import dataclasses
import math
import numbers
import time
from typing import NamedTuple

from taskaware import plain
from taskaware.errors import UserError
from taskaware.progress import tell_time_left
from taskaware.tasks.outputs import single_problem
from taskaware.tasks.task import Task
from taskaware.training.recipe import TrainingRecipe

SEGMENT = 30
"""Least number of steps between two evaluations."""

MOST_STEPS = 30_000

PASSES = 80
"""Least number of passes over the training rows, within MOST_STEPS; see `docs/evaluator.md`."""

PASSES_OF_CLASSES = 240
"""The same in classifications of tables: it helps where rows repeat. Texts are worse with so many."""

PATIENCE = 20
"""Least number of evaluations without a better score after which training ends; a third of all, if that is
more."""


class Length(NamedTuple):
    """The length of a training.

    Attributes:
        steps: of all, a multiple of `every`.
        every: steps between two evaluations.
    """

    steps: int
    every: int

    @property
    def evaluations(self) -> int:
        """Of the whole training."""
        return self.steps // self.every

    def of(self, evaluations: int) -> "Length":
        """The length of a training of so many evaluations."""
        return self._replace(steps=evaluations * self.every)


def passes_for(task: Task, *, one_by_one: bool = False) -> int:
    """Least number of passes over the training rows.

    Args:
        task: to be learned.
        one_by_one: whether its candidates are trained one by one; a pass of convolutions takes long.
    """
    classes = single_problem(task.problem) == "classification"
    return PASSES_OF_CLASSES if classes and task.modality == "tables" and not one_by_one else PASSES


def length_for(recipe: TrainingRecipe | None, usual: TrainingRecipe, rows: int, passes: int) -> Length:
    """Number of steps, and how often is evaluated.

    A recipe of the user's own grows in proportion for a task with more rows than it uses. The usual one grows
    to so many passes over the rows. Where a pass over the rows is longer than SEGMENT, there is about one
    evaluation in a pass: more would take as long as the steps.

    Args:
        recipe: the user's own, if any.
        usual: used without one.
        rows: of the training part.
        passes: over the rows, see `passes_for`.

    >>> usual = TrainingRecipe(steps=600)
    >>> [tuple(length_for(None, usual, rows, passes=80)) for rows in (100, 960, 9_600, 1_000_000)]
    [(600, 30), (600, 30), (6000, 60), (29760, 960)]
    """
    own = recipe or usual
    if recipe is not None:
        wanted = recipe.steps * max(1.0, rows / recipe.train_rows)
    else:
        wanted = max(usual.steps, passes * rows / usual.batch_size)
    wanted = min(wanted, MOST_STEPS)
    times = min(rows / own.batch_size, wanted / PATIENCE) / SEGMENT
    every = SEGMENT << max(0, int(times).bit_length() - 1)
    return Length(every * max(1, round(wanted / every)), every)


def patience_for(patience: int | None, evaluations: int) -> int:
    """The given number of evaluations, or the usual one for a training of so many.

    Raises:
        UserError: it is no whole number from 1 on.
    """
    if patience is None:
        return max(PATIENCE, evaluations // 3)
    plain.refuse_no_whole("patience", patience)
    if patience < 1:
        raise UserError(f"patience={patience} is too small. Give 1 evaluation or more.")
    return patience


@dataclasses.dataclass
class Pace:
    """Time of a training: what is spent, and how many segments fit into what is left.

    Attributes:
        limit: seconds in all; None without a limit.
        shown: whether the user sees the time already, as in a bar.
    """

    limit: float | None = None
    shown: bool = True
    _began: float = dataclasses.field(default_factory=lambda: time.perf_counter())
    _ends: list[float] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        if self.limit is None:
            return
        if isinstance(self.limit, bool) or not isinstance(self.limit, numbers.Real):
            raise UserError(f"seconds={self.limit!r} is no number. Give one above 0, or None for no limit.")
        if not self.limit > 0:
            raise UserError(f"seconds={self.limit:g} is too small. Give a number above 0.")

    def begin(self) -> None:
        """Start to measure anew, for another attempt within the same limit."""
        self._ends.clear()

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return self.limit is not None and time.perf_counter() - self._began > self.limit

    def segments(self, planned: int) -> int:
        """How many segments the training gets in all; to be called after each one, with the present plan.

        The first segment compiles, so the second tells the time of one. The next calls change nothing.
        """
        self._ends.append(time.perf_counter())
        if len(self._ends) != 2:
            return planned
        each = self._ends[1] - self._ends[0]
        if self.limit is not None and self.limit < math.inf:
            left = self.limit - (self._ends[1] - self._began)
            planned = min(planned, 2 + max(0, int(left / each)))
        if not self.shown:
            tell_time_left(each * (planned - 2))
        return planned
