"""The answer: what to build, how well it should do, how sure that is, and why."""

import dataclasses
import functools
import html
import os
from pathlib import Path

import numpy as np

from taskaware.children.mixture.describe import summary
from taskaware.errors import UserError
from taskaware.modalities.reading import make_task
from taskaware.recommendation.parts import Architecture, Candidate, Neighbour, TaskCard
from taskaware.spaces import MixtureSpace
from taskaware.tasks.task import Task


@dataclasses.dataclass(frozen=True, eq=False)
class Recommendation:
    """What `recommend` answers. In a notebook it shows itself as a table and a drawing.

    Attributes:
        task: the dataset in short.
        space: the architectures' space.
        ranked: the candidates, best first.
        default: the architecture that is best on average over the known tasks of this problem; None where an
            older taskaware wrote the recommendation.
        chance: probability that the recommended architecture scores above the default one; None where it is
            that one, or the evaluator does not know.
        known: the known tasks that this one is nearest to.
        meta_features: z, in the order of the catalogue.
        trace: judgement along the ascent, (rounds, starts).
        notes: what was assumed and what speaks against trust, one sentence each.
        seed: that gives this answer again.
        seconds: it took.
    """

    task: TaskCard
    space: MixtureSpace
    ranked: tuple[Candidate, ...]
    known: tuple[Neighbour, ...]
    meta_features: tuple[float, ...]
    trace: tuple[tuple[float, ...], ...]
    notes: tuple[str, ...]
    seed: int
    seconds: float
    default: Candidate | None = None
    chance: float | None = None

    @property
    def abstained(self) -> bool:
        """Whether nothing known resembles the task, so that the default one is recommended."""
        return self.ranked[0].came_from == "default"

    @property
    def point(self) -> np.ndarray:
        """The recommended point of the space, (D,) float32."""
        return np.array(self.ranked[0].point, np.float32)

    @functools.cached_property
    def architecture(self) -> Architecture:
        """The recommended architecture: α, β, γ and the training recipe."""
        return Architecture.of(self.space, self.point, self.task.inputs)

    @property
    def predicted_score(self) -> float:
        """Expected validation score: accuracy, or R²."""
        return self.ranked[0].predicted_score

    @property
    def uncertainty(self) -> float:
        """One standard deviation of the predicted score."""
        return self.ranked[0].uncertainty

    @property
    def neighbours(self):
        """The known tasks it leans on, nearest first: a DataFrame."""
        import pandas as pd

        return pd.DataFrame([dataclasses.asdict(neighbour) for neighbour in self.known])

    @property
    def candidates(self):
        """The judged architectures, best first: a DataFrame."""
        import pandas as pd

        rows = [
            {
                "architecture": summary(
                    self.space, np.array(candidate.point, np.float32), inputs=self.task.inputs
                ),
                "predicted_score": candidate.predicted_score,
                "uncertainty": candidate.uncertainty,
                "came_from": candidate.came_from,
            }
            for candidate in self.ranked
        ]
        return pd.DataFrame(rows)

    def explain(self) -> str:
        """The whole answer in words."""
        task = self.task
        what = f"{len(task.classes)} classes" if task.classes else "a number"
        nearest = ", ".join(f"{n.name} ({n.distance:.2f})" for n in self.known[:3])
        size = f"{task.rows:,} rows, {task.features} features"
        score = f"{task.metric} {self.predicted_score:.3f} ± {self.uncertainty:.3f}"
        against = "" if self.chance is None else f"better with probability {self.chance:.2f}"
        lines = [
            f"{task.name}: {size}, target '{task.target_name}' ({what})",
            f"  network    {self.architecture.text}",
            f"  expected   {score} on validation rows",
            *(
                [f"  default    the best on average over known tasks; this one is {against}"]
                if against
                else []
            ),
            f"  leans on   {nearest}",
            f"  found by   {self._found_by()}",
            *(f"  note       {note}" for note in self.notes),
        ]
        return "\n".join(lines)

    def _found_by(self) -> str:
        way = self.ranked[0].came_from
        if way == "trained":
            return f"short trainings on the dataset, in {self.seconds:.2f} s"
        if self.abstained:
            return f"the safe default, as nothing known resembles this task, in {self.seconds:.2f} s"
        return f"{way}, in {self.seconds:.2f} s, nothing was trained"

    def __repr__(self) -> str:
        return self.explain()

    def _repr_html_(self) -> str:
        from taskaware.children.mixture.draw import svg

        text = html.escape(self.explain())
        drawing = svg(self.space, self.point, inputs=self.task.inputs)
        return f"<pre>{text}</pre>{drawing}{self.candidates.head(5).to_html(index=False)}"

    def plot(self):
        """The network, and the ascent that found it: a matplotlib Figure."""
        from matplotlib.figure import Figure

        from taskaware.children.mixture.draw import draw_network, plot_ascent

        figure = Figure(figsize=(11, 7), layout="constrained")
        above, below = figure.subplots(2, 1, height_ratios=(3, 2))
        draw_network(self.space, self.point, ax=above, inputs=self.task.inputs)
        above.set_title(
            f"{self.task.name}: {self.task.metric} {self.predicted_score:.3f} ± {self.uncertainty:.3f}"
        )
        plot_ascent(below, np.array(self.trace).T)
        return figure

    def module(self):
        """The network as a Flax Linen module, to be called with (numbers (n, D), one-hot (n, T))."""
        from taskaware.children.mixture.fixed import FixedNetwork

        point = tuple(float(number) for number in self.point)
        block = tuple(self.task.block(self.space).tolist())
        return FixedNetwork(self.space, point, self.task.outputs, block, self.task.categories)

    def source(self) -> str:
        """The same network as readable Flax code that runs on its own."""
        from taskaware.children.mixture.source import source

        task = self.task
        block = task.block(self.space)
        return source(self.space, self.point, block=block, categories=task.categories, outputs=task.outputs)

    def fit(
        self,
        dataset,
        target=None,
        *,
        seed: int | None = None,
        members: int | None = None,
        validation: float = 0.2,
        patience: int = 20,
        progress: bool | None = None,
    ):
        """Train the recommended network: a `Model`.

        Several networks of the one architecture train together; each keeps the weights that are best on other
        rows, set apart from its training, and the model answers with their mean.

        Args:
            dataset: in any form that `recommend` takes.
            target: name of the target, the recommendation's own by default, or its values.
            seed: of splits and first weights; the recommendation's own by default.
            members: how many networks, 1 or more; by default 5, and 1 for a table of more than 10,000 rows.
            validation: share of the rows that choose a network's best weights, in (0, 1).
            patience: evaluations, 30 steps apart, without a better score of any network after which training
                ends; there are 20 for up to 5,000 rows.
            progress: whether to show a bar; by default where there is a terminal.

        Raises:
            UserError: the dataset cannot be used, or is of another problem or other classes, or a number is
                out of range.
        """
        from taskaware.training.fit import fit

        task = dataset if isinstance(dataset, Task) else self._task(dataset, target)
        self._check_fits(task)
        seed = self.seed if seed is None else seed
        return fit(
            task,
            self.space,
            self.point,
            seed=seed,
            members=members,
            validation=validation,
            patience=patience,
            progress=progress,
        )

    def refine(
        self,
        dataset,
        target=None,
        *,
        trainings: int = 8,
        evaluator=None,
        store=None,
        progress: bool | None = None,
    ) -> "Recommendation":
        """A better recommendation, after a few trainings on the dataset itself.

        The recommendation is trained first, then what adds most to it on the known tasks, several in one
        program. The answer is the one with the best validation score; what to expect of it, and of the
        others, takes up all scores. With the same seed the same answer.

        Args:
            dataset: in any form that `recommend` takes; the one that this recommendation was made for.
            target: name of the target, the recommendation's own by default, or its values.
            trainings: how many, 1 or more; they are short ones, as the experience was collected with.
            evaluator: the one that was asked; the shipped one by default. What it knows of this very dataset
                and its relatives is left out.
            store: path or URL of an experience that every training is kept in as soon as it is done; None
                keeps nothing.
            progress: whether to show a bar; by default where there is a terminal.

        Raises:
            UserError: the dataset cannot be used, is of another problem or other classes, trainings is less
                than 1, or the evaluator cannot learn from single trainings.
        """
        from taskaware.recommendation.refine import refine

        task = dataset if isinstance(dataset, Task) else self._task(dataset, target)
        self._check_fits(task)
        return refine(self, task, trainings=trainings, evaluator=evaluator, store=store, progress=progress)

    def to_json(self, path: str | os.PathLike | None = None, *, force: bool = False) -> str:
        """The recommendation as JSON text, written to `path` where one is given.

        Labels that are no strings, numbers or booleans are written as text.

        Raises:
            UserError: the file exists and `force` is not given.
        """
        from taskaware.recommendation.as_json import written

        text = written(self)
        if path is not None:
            path = Path(path)
            if path.exists() and not force:
                raise UserError(
                    f"'{path}' exists already. Choose another name, or pass force=True to replace it."
                )
            path.write_text(text, encoding="utf-8")
        return text

    def _task(self, dataset, target) -> Task:
        target = self._own_target(dataset) if target is None else target
        card = self.task
        return make_task(
            dataset,
            target,
            problem=card.problem,
            name=card.name,
            metric=card.own_metric or card.metric,
            modality=card.modality,
        )

    def _check_fits(self, task: Task) -> None:
        made_for, given = (f"{one.problem} of {one.outputs} outputs" for one in (self.task, task))
        if given != made_for:
            raise UserError(
                f"This dataset is a {given}; the recommendation was made for a {made_for}. "
                "Call recommend on this one."
            )

    def _own_target(self, dataset):
        """The recommendation's target, unless the source brings its own."""
        return None if isinstance(dataset, tuple) else self.task.target_name
