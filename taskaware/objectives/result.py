"""What `ta.search` returns: the history, and the best point as a module, as code, drawn and trained."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from taskaware.children.forms import UNKNOWN, Sizes, needs_task, written
from taskaware.errors import UserError
from taskaware.modalities.reading import make_task
from taskaware.spaces import RecurrentCellSpace, Space
from taskaware.strategies import History
from taskaware.tasks.metrics import metric_name
from taskaware.tasks.outputs import LINKS
from taskaware.tasks.task import Task

if TYPE_CHECKING:
    import flax.linen as nn
    from matplotlib.figure import Figure

    from taskaware.training.model import Model
    from taskaware.training.recipe import TrainingRecipe

LONGER = 2
"""The final training has at least so many times the steps of one in the search."""

UNLIMITED = 1 << 30


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class SearchResult(History):
    """Every evaluation of a search, as a `History`; the best point can be built, written, drawn and trained.

    Attributes:
        task: that the points were trained on; None where the objective was another.
        recipe: of these trainings; the default one if None.
        seed: of the search.
        sizes: what networks of the points read and give, where the objective says so.
    """

    task: Task | None = None
    recipe: "TrainingRecipe | None" = None
    seed: int = 0
    sizes: Sizes | None = None

    def module(self, dataset: object = None, target: Any = None) -> "nn.Module":
        """The network of the best point, or its recurrent cell, as a Flax module without weights.

        Args:
            dataset: that its inputs and outputs fit, in any form that `make_task` reads; by default the task
                of the search. A recurrent cell needs none.
            target: of the dataset.

        Raises:
            UserError: there is no task, all points diverged, or points of the space are no networks.
        """
        return self._as("module", dataset, target)

    def source(self, dataset: object = None, target: Any = None) -> str:
        """The best point as code: that of its network, its recurrent cell or its update rule.

        Args:
            dataset, target: as for `module`, errors too; a rule needs none either.
        """
        return self._as("source", dataset, target)

    def draw(self, dataset: object = None, target: Any = None) -> "Figure":
        """The best point as a drawing: its network, its layers or its cells.

        Args:
            dataset, target: as for `module`, errors too; only networks of columns need them.
        """
        return self._as("draw", dataset, target)

    def fit(
        self,
        dataset: object = None,
        target: Any = None,
        *,
        recipe: "TrainingRecipe | None" = None,
        augment: Sequence[str] = (),
        seed: int | None = None,
        members: int | None = None,
        validation: float = 0.2,
        patience: int | None = None,
        seconds: float | None = None,
        progress: bool | None = None,
        metric: str | None = None,
        groups: object = None,
        time: object = None,
        class_weight: object = None,
        sample_weight: object = None,
        optimizer: Any = None,
    ) -> "Model":
        """Train the best point to its end: a `Model`, which predicts, scores and can be saved.

        It is trained for at least twice the steps of one in the search. Many rows get more, up to 30,000: at
        least 80 passes are made over them, in classifications of tables 240. Learning rate, weight decay,
        dropout and batch size are those of the search.

        Args:
            dataset: more data, or the same, in any form that `make_task` reads; by default the task of the
                search.
            target: name of the target, or its values; by default the name in the search.
            recipe: other steps, learning rate, ..., in place of all this.
            augment: random changes of the training rows. Networks of cells know "crop" (a shift by an eighth
                of the side at most), "flip" (left and right) and "cutout" (a hole of half the side).
            seed: of splits and first weights; by default that of the search.
            members: networks that are averaged; by default one of cells, and by the number of rows of others.
            validation: share of the rows that choose a network's best weights, in (0, 1).
            patience: training ends after this many evaluations without a better score; by default a third of
                all, at least 20. They are 30 steps apart, or up to a pass over the rows.
            seconds: most time of the training, compilation included.
            progress: whether to show a bar; by default where there is a terminal.
            metric: that chooses the best weights, a name in METRICS; by default the task's own.
            groups, time, class_weight, sample_weight: of the rows, as in `Recommendation.fit`.
            optimizer: an optax transformation in place of AdamW, where points of the space take one.

        Raises:
            UserError: there is no task, the dataset cannot be used or is of another problem, the space has no
                child or holds recurrent cells (see `objectives.fit_language_model`), or a number is out of
                range.
            EngineError: the loss is NaN at every learning rate tried.
        """
        from taskaware.training.options import FitOptions, fit_with

        if isinstance(self.space, RecurrentCellSpace):
            raise UserError(
                "A recurrent cell is trained as a model of language: "
                "ta.objectives.fit_language_model(found.space, found.best.point, texts)."
            )
        only = [self._task(dataset, target, metric)]
        options = FitOptions(
            seed=self.seed if seed is None else seed,
            members=members,
            validation=validation,
            patience=patience,
            seconds=seconds,
            progress=progress,
            groups=groups,
            time=time,
            class_weight=class_weight,
            sample_weight=sample_weight,
            optimizer=optimizer,
            augment=(augment,) if isinstance(augment, str) else tuple(augment),
            recipe=recipe or self._longer(only[0], int(only[0].rows * (1 - validation))),
        )
        options.check_order(dataset)
        return fit_with(options, only, self.space, self.best.point)

    def _longer(self, task: Task, rows: int) -> "TrainingRecipe":
        """The recipe of the search with the steps of a final training on so many rows."""
        from taskaware.children.child import child_of
        from taskaware.training.fit import RECIPE
        from taskaware.training.length import length_for, passes_for
        from taskaware.training.recipe import TrainingRecipe

        searched = self.recipe or TrainingRecipe()
        usual = dataclasses.replace(searched, steps=max(RECIPE.steps, LONGER * searched.steps))
        passes = passes_for(task, one_by_one=child_of(self.space).one_by_one)
        steps = length_for(None, usual, rows, passes).steps
        return dataclasses.replace(usual, steps=steps, evaluations=1, score_last=1, train_rows=UNLIMITED)

    def _as(self, form: str, dataset: object, target: Any) -> Any:
        if needs_task(form, self.space) and (dataset is not None or self.sizes is None):
            sizes = _sizes(self.space, self._task(dataset, target))
        else:
            sizes = self.sizes or UNKNOWN
        return written(form, self.space, self.best.point, sizes)

    def _task(self, dataset: object, target: Any, metric: str | None = None) -> Task:
        """The task of a dataset, like that of the search; that one itself without a dataset."""
        if dataset is None and self.task is None:
            raise UserError(
                "This search had an objective of its own, so nothing says what its networks read and answer. "
                "Give the data: for example fit(dataset, target)."
            )
        if dataset is None:
            task = cast(Task, self.task)
        elif isinstance(dataset, Task) or self.task is None:
            task = dataset if isinstance(dataset, Task) else make_task(dataset, target)
        else:
            task = _like(self.task, dataset, target)
        if self.task is not None and (task.problem, task.outputs) != (self.task.problem, self.task.outputs):
            raise UserError(
                f"This dataset is a {task.problem} of {task.outputs} outputs; the search was for a "
                f"{self.task.problem} of {self.task.outputs}. Search on this one."
            )
        return dataclasses.replace(task, metric=metric_name(task.problem, metric)) if metric else task

    def _hint(self) -> str:
        return "See .best, .to_frame(), .plot(), .module(), .source(), .draw() and .fit()."


def _like(task: Task, dataset: object, target: Any) -> Task:
    """A dataset as a task like another one: of its problem, metric and modality, with its target."""
    if target is None and not isinstance(dataset, tuple):
        target = task.target_name if task.several is None else list(task.several.columns(task.target_name))
    return make_task(
        dataset, target, problem=task.problem, name=task.name, metric=task.metric, modality=task.modality
    )


def _sizes(space: Space, task: Task) -> Sizes:
    from taskaware.training.prepare import embeddings_of, fitted_blocks

    blocks = fitted_blocks(task, np.arange(task.rows), embeddings_of(space))
    return Sizes(blocks.widths, task.outputs, LINKS[task.problem])
