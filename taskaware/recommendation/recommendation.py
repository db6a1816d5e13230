"""`Recommendation`: the result of `recommend`, with methods to show, train, refine and write it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from taskaware.files import atomic_write
from taskaware.recommendation import as_json, building, explain, figure, pareto, sheet
from taskaware.recommendation.record import Record

if TYPE_CHECKING:
    from taskaware.training.attempt import Evaluation


class Recommendation(Record):
    """The result of `recommend`, with the fields of `Record`. A notebook shows it as a page."""

    def explain(self) -> str:
        """The recommendation as text."""
        return explain.explain(self)

    def __repr__(self) -> str:
        return self.explain()

    def _repr_html_(self) -> str:
        return explain.page(self)

    def plot(self):
        """The network with its parts described, and the search with the answer: a matplotlib Figure."""
        return figure.plot(self)

    def report(self, path: str | os.PathLike, *, force: bool = False) -> Path:
        """Write one page of HTML: the answer in words, a drawing of the network, candidates, nearest tasks.

        Args:
            path: path of the page, ending in .html. Missing folders are made.
            force: whether an existing file is replaced.

        Returns:
            The path.

        Raises:
            UserError: the file exists and `force` is not given, or the path does not end in .html.
        """
        return sheet.write(self, path, force=force)

    def pareto(self, *, measure: bool = False):
        """The candidates that no other beats in expected score, rank, size, multiply-adds and time.

        They include known architectures, also those beyond the limits of `prefer`. A candidate that was
        never trained pays a price in the ranking, so it may rank lower than its expected score suggests. The
        recommended one is always included.

        Args:
            measure: whether to add the column "measured", the time on this machine. It takes a few seconds,
                because programs are compiled.

        Returns:
            A DataFrame, smallest first: architecture, predicted_score, uncertainty, size, macs, latency
            (seconds for 1,000 encoded rows), found_by, within (the limits) and recommended.
        """
        return pareto.table(self, measure)

    def plot_pareto(self):
        """Expected score over size for the candidates of `pareto`: a matplotlib Figure."""
        return pareto.plot(self)

    def measure_latency(self) -> float:
        """Measure the seconds that the networks take to predict 1,000 encoded rows on this machine.

        The networks that `fit` averages are built with random weights. Reading and encoding of rows are not
        included: they are the same for every architecture.
        """
        return pareto.measured(self, self.point)

    def module(self):
        """The network as a Flax Linen module, called with (numbers (n, D), one-hot (n, T))."""
        return building.module(self)

    def source(
        self, folder: str | os.PathLike | None = None, dataset=None, target=None, *, force: bool = False
    ) -> str:
        """The network as readable Flax code; with a folder, code that reads, trains and predicts by itself.

        Without a folder, the text has only the Flax module, which is called with encoded columns. A folder
        gets `network.py` and its data, `encoder.json` (and `encoder.npz` for large arrays): the columns, and
        what the encoder learns from the rows. The code runs without taskaware, with NumPy, pandas, JAX, Flax,
        SciPy and Optax. The network is not trained: `python folder/network.py data.csv --train`
        trains it with the recommended recipe, in a plain loop, and writes `weights.npz`. Then
        `python folder/network.py new.csv` predicts. For weights that `fit` has trained use `Model.source`.

        Args:
            folder: folder to write; None writes nothing.
            dataset: data from which the encoder learns, in any form that `recommend` takes; by default the
                one of this recommendation. It is required if the recommendation was loaded, or made from a
                table of more than 4 million cells.
            target: name of the target, the recommendation's own by default, or its values.
            force: whether a folder that this method wrote may be replaced; other files in it stay.

        Returns:
            The text of the module; with a folder, that of `network.py`.

        Raises:
            UserError: the folder exists and `force` is not given; the data is not a table, or is missing.
        """
        if folder is None:
            return building.source(self)
        task = None if dataset is None else building.task_for(self, dataset, target)
        return building.write_source(self, folder, task, force=force)

    def fit(
        self,
        dataset,
        target=None,
        *,
        seed: int | None = None,
        members: int | None = None,
        validation: float = 0.2,
        patience: int | None = None,
        seconds: float | None = None,
        progress: bool | None = None,
        metric: str | None = None,
        groups=None,
        time=None,
        class_weight=None,
        sample_weight=None,
        optimizer=None,
        on_progress: "Callable[[Evaluation], object] | None" = None,
    ):
        """Train the recommended architecture; returns a `Model`.

        Several networks of the same architecture train together. Each keeps the weights that are best on its
        own validation rows. The model predicts the mean of the networks.

        Args:
            dataset: in any form that `recommend` takes.
            target: name of the target, the recommendation's own by default, or its values.
            seed: seed of splits and initial weights; the recommendation's own by default.
            members: how many networks, 1 or more; by default 5, 3 for more than 10,000 rows, and 1 for more
                than 50,000.
            validation: share of the rows on which a network's best weights are chosen, in (0, 1).
            patience: training ends after this many evaluations without a better score of any network; by
                default a third of all, at least 20. They are 30 steps apart, or up to a pass over the rows.
            seconds: longest time of the training, compilation included: fewer steps are made if all would
                take longer. The result then depends on the speed of the machine.
            progress: whether to show a progress bar; by default only in a terminal.
            metric: metric that chooses the best weights, a name in METRICS; by default the recommendation's
                own. For one that counts rare classes as much as frequent ones (balanced_accuracy, f1_macro),
                the loss chooses the weights. `predict` then adds offsets to the classes, which are best for
                the metric on validation rows; `predict_proba` does not change.
            groups: name of a column, or a value for each row: rows of one group stay in one part of the
                split, so that a network validates on groups that it was not trained on.
            time: name of a column, or a date or number for each row: the latest rows validate, for every
                network alike.
            class_weight: "balanced": every class counts the same as a whole; or weights by label.
            sample_weight: name of a column, or a number for each row: how often it is trained on, and how
                much it counts in validation scores.
            optimizer: an optax transformation in place of AdamW, such as `ta.optimizers.named("powersign",
                learning_rate=0.01)`. It has its own learning rate, schedule and weight decay: those of the
                architecture are not used.
            on_progress: called after each evaluation of the networks with its step, steps, seconds, score and
                loss. A training that diverges starts again, and counts its steps from the beginning.

        A column that is named here stays a feature. To exclude it, drop it (`make_task(..., drop=...)`) and
        give its values here.

        Raises:
            UserError: the dataset cannot be used, or is of another problem or other classes, or a number is
                out of range, or groups, times or weights do not fit the rows.
        """
        # Imported here: training is slow to import, and a recommendation does not need it.
        from taskaware.training.options import FitOptions

        options = FitOptions(
            seed=seed,
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
            on_progress=on_progress,
        )
        options.check_order(dataset)
        return building.fit(self, building.task_for(self, dataset, target, metric), options)

    def refine(
        self,
        dataset,
        target=None,
        *,
        trainings: int = 8,
        evaluator=None,
        prefer=None,
        store=None,
        progress: bool | None = None,
    ) -> "Recommendation":
        """Correct the recommendation by a few trainings on the dataset itself.

        The recommended architecture is trained first, then those that complement it best on the known
        tasks. Several train in one program. The answer is the architecture with the best validation score;
        the predictions use all scores. The same seed gives the same answer.

        Args:
            dataset: in any form that `recommend` takes; the one of this recommendation.
            target: name of the target, the recommendation's own by default, or its values.
            trainings: how many trainings, 1 or more; each is as short as those of the experience.
            evaluator: the one that made the recommendation, as `recommend` takes it; the shipped one by
                default. This dataset and its relatives are left out of it.
            prefer: limits that every candidate keeps to, as in `recommend`; by default those of this
                recommendation.
            store: path or URL of an experience that records every training as soon as it ends; None records
                nothing.
            progress: whether to show a progress bar; by default only in a terminal.

        Raises:
            UserError: the dataset cannot be used, is of another problem or other classes, trainings is less
                than 1, or the evaluator cannot learn from single trainings.
        """
        from taskaware.recommendation.refine import refine

        task = building.task_for(self, dataset, target)
        found = refine(
            self,
            task,
            trainings=trainings,
            evaluator=evaluator,
            prefer=prefer,
            store=store,
            progress=progress,
        )
        building.remember(found, task)
        # It is made of this one by `dataclasses.replace`, so it is of its class.
        return cast(Recommendation, found)

    def to_json(self, path: str | os.PathLike | None = None, *, force: bool = False) -> str:
        """The recommendation as JSON text, also written to `path` if given.

        Labels other than strings, numbers and booleans are written as text.

        Raises:
            UserError: the file exists and `force` is not given.
        """
        text = as_json.to_text(self)
        if path is not None:
            atomic_write(path, text.encode(), replace=force)
        return text
