"""A trained model: networks, and everything that `predict` needs beside their weights."""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pandas as pd
from jaxtyping import Float

from taskaware.children.forms import Sizes, written
from taskaware.compilation import keep_compiled
from taskaware.data import columns
from taskaware.data.frames import is_table, table_frame
from taskaware.data.load import load
from taskaware.deprecation import renamed_fields
from taskaware.errors import UserError, quoted
from taskaware.files import atomic_folder, is_folder, refuse_existing
from taskaware.modalities.blocks import Blocks
from taskaware.tasks.data import Data, Reader
from taskaware.tasks.metrics import METRICS, of_problem
from taskaware.tasks.outputs import LINKS, Outputs, label_lists
from taskaware.training import card, explaining, plots, saving
from taskaware.training.answers import known_answers, label_array, listed, places_of
from taskaware.training.deciding import decided
from taskaware.training.forward import Networks
from taskaware.training.programs import is_classification
from taskaware.training.target_scale import Scale, in_own_units


@renamed_fields(kind="problem", schema="reader", encoder="blocks")
@dataclasses.dataclass(frozen=True, eq=False)
class Model:
    """Trained networks of one architecture, averaged.

    A classification averages the probabilities of the networks, a regression their values.

    Attributes:
        name: of the task.
        problem: one of `tasks.task.ALL_PROBLEMS`.
        metric: name of the score.
        target_name: name of the target column.
        classes: labels as the user wrote them; empty in regression.
        modality: name of the kind of data.
        reader: how rows are read; None for a task made by hand, whose model cannot predict.
        blocks: fitted to all rows, validation rows included.
        space, point: the architecture, (D,).
        width: key of the point's group, see `children.child`; the width of the networks of a mixture.
        outputs: number of outputs of a network.
        params: their weights, each (M, ...) for M networks.
        target_mean, target_std: how a regression target was standardised; of several outputs, each.
        best_score: validation score of the best weights, mean over the networks.
        offsets: of the classes, added to the logarithms of their probabilities where `predict` decides for
            one; empty where it decides for the most probable. The metric of the task asked for them.
        history: training record, one row per evaluation: step, train seconds, and score and loss, means over
            the networks.
        several: the outputs, where there are several.
    """

    name: str
    problem: str
    metric: str
    target_name: str
    classes: tuple
    modality: str
    reader: Reader | None
    blocks: Blocks
    space: Any
    point: np.ndarray
    width: int
    outputs: int
    params: Mapping
    target_mean: Scale
    target_std: Scale
    best_score: float
    history: pd.DataFrame
    offsets: tuple[float, ...] = ()
    several: Outputs | None = None

    @property
    def members(self) -> int:
        """Number of networks that are averaged."""
        return len(jax.tree.leaves(self.params)[0])

    def predict(self, rows) -> np.ndarray:
        """Labels as the user wrote them, or float64 numbers in the target's own units, (N,).

        Of several outputs (N, K): numbers, or 1 for each label of probability above one half, else 0. Where
        the target was a column of lists, (N,) tuples of labels.

        Args:
            rows: N rows, 0 or more, in a form that the modality reads (a table: DataFrame or array with the
                features; images or sounds: also the path of a folder of files, at any depth); a target column
                is ignored.

        Raises:
            UserError: a column is missing, new or unreadable.
        """
        return self._predicted(self._outputs(rows))

    def predict_proba(self, rows) -> Float[np.ndarray, "N classes"]:
        """Probability of each class, in the order of `classes`; or of each label, in that of `several.names`.

        Raises:
            UserError: this is a regression, or the rows are not usable.
        """
        if not is_classification(self.problem):
            raise UserError("predict_proba is for classification; this model predicts numbers. Use predict.")
        return self._outputs(rows)

    def predict_frame(self, rows, *, proba: bool = False) -> pd.DataFrame:
        """Predictions beside the index of the rows, so that they can be joined to them.

        Args:
            rows: as for `predict`; the index is that of a DataFrame, the files of a folder, else 0, 1, ...
            proba: whether a column "P(label)" follows for each class.

        Returns:
            N rows, in the order of `rows`; the first column has the target's name, or the first K have the
            names of the outputs.

        Raises:
            UserError: the rows are not usable, or `proba` is asked of a regression.
        """
        if proba and not is_classification(self.problem):
            raise UserError("proba=True is for classification; this model predicts numbers. Leave it out.")
        outputs = self._outputs(rows := listed(self, rows))
        predicted = self._predicted(outputs)
        found = dict(zip(self.target_columns, np.atleast_2d(predicted.T), strict=True))
        if proba:
            labels = self.several.names if self.several else self.classes
            found |= {f"P({label})": outputs[:, place] for place, label in enumerate(labels)}
        return pd.DataFrame(found, index=rows.index if isinstance(rows, pd.DataFrame) else None)

    def score(self, rows, target=None) -> float:
        """The model's metric (of `tasks.metrics.METRICS`) on rows with known answers.

        Larger is better in every metric: an error, such as "rmse", comes back with a minus.

        Args:
            rows: frame with the target column in it, or the features alone.
            target: the answers, if `rows` does not hold them; a class that is new to the model counts as
                wrong. Of several outputs (N, K), or N collections of labels.

        Raises:
            UserError: there are no answers, too few, or some are missing; the rows are not usable; or the
                metric is your own and is not in METRICS.
        """
        metric = of_problem(METRICS.named(self.metric), self.problem)
        truth = known_answers(self, rows := listed(self, rows), target)
        outputs = self._outputs(rows)
        if len(truth) != len(outputs):
            raise UserError(f"There are {len(outputs)} rows and {len(truth)} answers. Give one for each row.")
        if self.several:
            return metric.on_host(truth, self._of_several(outputs, metric.reads))
        if self.problem == "regression":
            return metric.on_host(columns.numbers(truth), self._in_units(outputs))
        predicted = outputs if metric.reads == "probabilities" else decided(outputs, self.offsets)
        return metric.on_host(places_of(self, truth), predicted)

    def explain(
        self, rows, target=None, *, repeats: int = 5, seed: int = 0, progress: bool | None = None
    ) -> pd.DataFrame:
        """How much the score falls when the values of a column are shuffled: permutation importance.

        Columns that say the same share their importance, and each of them may look unimportant. Of more than
        2,000 rows a random choice is taken.

        Args:
            rows, target: with known answers, as for `score`; better rows that were not trained on.
            repeats: shuffles of each column, 1 or more.
            seed: of the shuffles.
            progress: whether to show a bar; by default where there is a terminal or a notebook.

        Returns:
            A row for each column, the most important first: `importance`, the mean loss of score in the unit
            of the metric, and `deviation` over the shuffles. Its `attrs` hold the metric and the whole score.

        Raises:
            UserError: the rows have no named columns, or as for `score`.
        """
        return explaining.importance(self, rows, target, repeats=repeats, seed=seed, progress=progress)

    def plot(self, rows, target=None):
        """Predictions over known answers, a matplotlib Figure: a confusion matrix, or for numbers a scatter.

        Args:
            rows, target: as for `score`.

        Raises:
            UserError: there are no answers, several outputs, or more than 30 classes.
        """
        return plots.plot(self, rows, target)

    def save(self, folder: str | os.PathLike, *, force: bool = False) -> Path:
        """Write the model to a folder: `model.json` and `weights.npz`, numbers and text only, and a card.

        The card is `README.md`, in the format of Hugging Face. One that you have changed stays.

        Labels other than strings, numbers and booleans are written as text.

        Raises:
            UserError: the folder exists and `force` is not given.
        """
        folder = Path(folder)
        if not force:
            refuse_existing(folder)
        elif folder.exists():
            saving.check_is_model(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with atomic_folder(folder, replace=force) as fresh:
            saving.write(self, fresh)
            card.write(self, fresh, folder)
        return folder

    def source(self, folder: str | os.PathLike | None = None, *, force: bool = False) -> str:
        """The network as readable Flax code; with a folder, code that predicts for a file without taskaware.

        The folder gets `network.py` (reads a table, encodes it, predicts), `encoder.json` and where there is
        much `encoder.npz` (columns, and what was learned of the training rows), and `weights.npz`. The code
        needs NumPy, pandas, JAX, Flax and SciPy. `python folder/network.py new.csv` prints predictions;
        `from network import predict, predict_proba` gives what this model gives, within float tolerance.

        Args:
            folder: to be made; None writes nothing and gives the network alone.
            force: whether a folder that this method wrote may be replaced; other files in it stay.

        Returns:
            The text of the module; with a folder, that of `network.py`.

        Raises:
            UserError: the folder exists and `force` is not given, or it is asked for a model of other data
                than a table, or of several outputs.
        """
        from taskaware.training.written.design import of_model
        from taskaware.training.written.folder import write

        if folder is None:
            outputs = len(self.several.names) if self.several else max(len(self.classes), 1)
            sizes = Sizes(self.blocks.widths, outputs, LINKS[self.problem])
            return written("source", self.space, self.point, sizes)
        return write(of_model(self), folder, force=force)

    def export(self, folder: str | os.PathLike, *, to: str = "numpy", force: bool = False) -> Path:
        """Write the model to a folder, for programs that have no taskaware.

        Args:
            folder: to be made.
            to: "numpy" (a `predict.py`, which needs NumPy alone), "onnx", "safetensors" (`load_model` reads
                it, too), or "stablehlo" (every model; `jax.export.deserialize` reads it).
            force: whether a folder of the same form may be replaced; other files in it stay.

        Raises:
            UserError: the folder exists and `force` is not given, an extra is not installed, or there is no
                such form of this model.
        """
        from taskaware.training.written.export import export

        return export(self, folder, to=to, force=force)

    def encode(self, rows) -> tuple[np.ndarray, np.ndarray]:
        """Numbers (N, D) and categories (N, T), float32, that exported StableHLO is called with.

        Args:
            rows: as for `predict`, errors too.
        """
        numbers, categories = self._networks.encoded(self._read(rows))
        return np.asarray(numbers), np.asarray(categories)

    def __repr__(self) -> str:
        one = self.members == 1
        scored = METRICS[self.metric].text(self.best_score) if self.metric in METRICS else self.metric
        rows = f"{scored} on {'its' if one else 'their'} validation rows"
        made_of = "" if one else f" of {self.members} networks"
        return f"<taskaware model for '{self.target_name}' ({self.problem}){made_of}, {rows}>"

    @property
    def target_columns(self) -> tuple[str, ...]:
        """Names of the columns of a frame that hold the answers."""
        return self.several.columns(self.target_name) if self.several else (self.target_name,)

    def _of_several(self, outputs: np.ndarray, reads: str) -> np.ndarray:
        """Outputs as a metric reads them: probabilities, labels of 0 and 1, or values in their own units."""
        if reads == "values":
            return in_own_units(outputs, self.target_mean, self.target_std)
        return outputs if reads == "probabilities" else (outputs > 0.5).astype(np.int64)

    def _predicted(self, outputs: np.ndarray) -> np.ndarray:
        if self.several:
            found = self._of_several(outputs, "classes" if is_classification(self.problem) else "values")
            return label_lists(self.several, found) if self.several.listed else found
        if self.problem == "regression":
            return self._in_units(outputs)
        return label_array(self.classes)[decided(outputs, self.offsets)]

    def _in_units(self, outputs: np.ndarray) -> np.ndarray:
        """Outputs of a regression in the target's own units, (N,) float64."""
        return in_own_units(outputs, self.target_mean, self.target_std)[:, 0]

    def _outputs(self, rows) -> np.ndarray:
        """Probability of each class, or the standardised value, for each row, (N, K)."""
        keep_compiled()
        return self._networks(self._read(rows))

    @property
    def _networks(self) -> Networks:
        return Networks(
            space=self.space,
            point=self.point,
            width=self.width,
            outputs=self.outputs,
            classes=self.outputs if self.problem == "multilabel" else len(self.classes),
            blocks=self.blocks,
            params=self.params,
            several=len(self.several.names) if self.several else 0,
        )

    def _read(self, rows) -> Data:
        if self.reader is None:
            raise UserError("This model's task was made by hand, without a reader. Make it with `make_task`.")
        if self.several is None:
            return self.reader.read(rows, self.target_name)
        if isinstance(rows, str | Path):
            rows = load(rows, as_text=getattr(self.reader, "written", ())).frame
        if is_table(rows):
            answers = [name for name in self.target_columns if name not in self.reader.names]
            rows = table_frame(rows).drop(columns=answers, errors="ignore")
        return self.reader.read(rows)


def load_model(folder: str | os.PathLike) -> Model:
    """Read a model that `Model.save` wrote. Only numbers and text are read; no code is executed.

    Raises:
        UserError: there is no such folder.
        CheckpointError: it is not a model, is damaged, or comes from another version of taskaware.
        EngineError: this process was forked from one in which JAX had started.
    """
    folder = Path(folder)
    if not is_folder(folder):
        raise UserError(
            f"There is no model folder {quoted(str(folder))}. Save one first: model.save(folder)."
        )
    keep_compiled()
    return Model(**saving.read(folder))
