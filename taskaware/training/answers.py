"""What a model answers with, and the answers that are known of rows."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from taskaware.data import columns
from taskaware.data.frames import unmasked
from taskaware.data.load import check_order
from taskaware.errors import UserError, some, warn
from taskaware.modalities.single import SingleReader
from taskaware.tasks.outputs import Outputs, whole_matrix
from taskaware.tasks.target import class_indices

if TYPE_CHECKING:
    from taskaware.training.model import Model


def listed(model: "Model", rows: Any) -> Any:
    """New rows; as a frame where they are the path of a folder, or of one file, of what the model reads."""
    frame = model.reader.files(rows, model.target_name) if isinstance(model.reader, SingleReader) else None
    return rows if frame is None else frame


def known_answers(model: "Model", rows: Any, target: Any) -> pd.Series | np.ndarray:
    """The known answers of rows, (N,), or of several outputs (N, K).

    Args:
        model: whose target they are of.
        rows: frame with the target column in it, or the features alone.
        target: the answers, if `rows` does not hold them.

    Raises:
        UserError: there are no answers, or some are missing.
    """
    if model.several:
        return _of_several(model, rows, target, model.several)
    name = model.target_name
    if target is None:
        if not isinstance(rows, pd.DataFrame) or name not in rows:
            raise UserError(f"score needs the target: a frame with column '{name}', or target=...")
        target = rows[name]
    check_order(rows, target)
    truth = pd.Series(unmasked(target), name=name)
    if not len(truth):
        raise UserError("score needs at least one row with its answer; there is none.")
    missing = int((columns.distinct(truth)[0] < 0).sum())
    if missing:
        raise UserError(f"{missing} of {len(truth)} answers '{name}' are missing. Drop them.")
    return truth


def places_of(model: "Model", truth: pd.Series) -> np.ndarray:
    """Index of the class of each answer, (N,) int32; -1 for a new class, with a warning if all are."""
    places = class_indices(truth, model.classes)
    if (places < 0).all():
        warn(
            f"None of the {len(places)} answers, such as {some([truth.iloc[0]])}, is a class of the model "
            f"({some(model.classes)}), so all count as wrong. Write them as in the training data.",
        )
    return places


def _of_several(model: "Model", rows: Any, target: Any, several: Outputs) -> np.ndarray:
    names = list(model.target_columns)
    if target is None:
        if not isinstance(rows, pd.DataFrame) or not set(names) <= set(rows.columns):
            raise UserError(f"score needs the target: a frame with columns {names}, or target=...")
        target = rows[names]
    return whole_matrix(several, model.problem, target)


def label_array(classes: tuple) -> np.ndarray:
    """The labels as an array of their common type, or of objects if they have none.

    >>> label_array((0, 1)).dtype.kind, label_array(("a", "b")).dtype.kind, label_array(("a", 1)).dtype.kind
    ('i', 'U', 'O')
    """
    if len({type(label) for label in classes}) == 1:
        return np.array(classes)
    array = np.empty(len(classes), object)
    array[:] = classes
    return array
