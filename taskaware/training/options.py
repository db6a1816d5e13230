"""The options of a final training, and the training with them."""

import dataclasses
from collections.abc import Callable
from typing import Any

from taskaware import plain
from taskaware.arrays import EitherArray
from taskaware.data.load import check_order
from taskaware.errors import UserError, quoted
from taskaware.spaces import Space
from taskaware.tasks import rows
from taskaware.tasks.task import Task
from taskaware.training.attempt import Evaluation
from taskaware.training.fit import RowOptions, fit
from taskaware.training.model import Model
from taskaware.training.recipe import TrainingRecipe


@dataclasses.dataclass(frozen=True)
class FitOptions:
    """How a point is trained to its end; see `Recommendation.fit`."""

    # Of splits and first weights.
    seed: int | None = None
    # How many networks; by the number of rows if None.
    members: int | None = None
    # Share of the rows that choose a network's best weights, in (0, 1).
    validation: float = 0.2
    # Evaluations without a better score after which training ends; a third of all, at least 20, if None.
    patience: int | None = None
    # Most time of the training; no limit if None.
    seconds: float | None = None
    # Whether to show a bar; by default where there is a terminal.
    progress: bool | None = None
    # Rows of one group stay in one part: name of a column, or N values.
    groups: object = None
    # The latest rows validate: name of a column, or N values.
    time: object = None
    # "balanced", or weights by label.
    class_weight: object = None
    # How much each row counts: name of a column, or N numbers.
    sample_weight: object = None
    # An optax transformation, in place of AdamW.
    optimizer: Any = None
    # Random changes of training rows, such as "flip".
    augment: tuple[str, ...] = ()
    # Steps, and values that the space has no coordinates for; those of `fit` if None.
    recipe: TrainingRecipe | None = None
    # Called after each evaluation.
    on_progress: Callable[[Evaluation], object] | None = None

    def check_order(self, dataset: object) -> None:
        """Refuse groups, times or weights with the row labels of a dataset in another order.

        Raises:
            UserError: the order differs; names the first row.
        """
        features = dataset[0] if isinstance(dataset, tuple) and len(dataset) == 2 else dataset
        for name in ("groups", "time", "sample_weight"):
            check_order(features, getattr(self, name), name)

    def about(self, task: Task) -> RowOptions:
        """Groups, times and weights of the rows of a task.

        Raises:
            UserError: they do not fit the rows; see `tasks.rows`.
        """
        return RowOptions(
            groups=rows.groups_of(task, self.groups),
            time=rows.times_of(task, self.time),
            weights=rows.weights_of(task, self.class_weight, self.sample_weight),
            scored=rows.weights_of(task, None, self.sample_weight),
        )


def fit_with(options: FitOptions, only: list[Task], space: Space, point: EitherArray) -> Model:
    """The trained networks of a point.

    Args:
        options: how; their seed is a number.
        only: the task, in a list that is emptied: so `fit` has the only reference, and lets go of the rows
            when they are encoded.
        space, point: what is trained.

    Raises:
        UserError: as `fit` does, groups, times or weights do not fit the rows, or `on_progress` is no
            function.
        EngineError: as `fit` does.
    """
    if options.on_progress is not None and not callable(options.on_progress):
        raise UserError(f"on_progress={quoted(options.on_progress)} cannot be called. Give a function.")
    about = options.about(only[0])
    return fit(
        only.pop(),
        space,
        point,
        recipe=options.recipe,
        seed=plain.seed(options.seed or 0),
        members=options.members,
        validation=options.validation,
        patience=options.patience,
        seconds=options.seconds,
        progress=options.progress,
        about=about,
        optimizer=options.optimizer,
        augment=options.augment,
        on_progress=options.on_progress,
    )
