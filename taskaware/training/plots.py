"""Where a trained model is right and wrong, as a figure."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from taskaware.data import columns
from taskaware.errors import UserError, visible
from taskaware.tasks.target import class_indices
from taskaware.training.answers import known_answers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from taskaware.training.model import Model

MOST_CLASSES = 30
LONGEST = 24
"""Characters of a label in a figure."""


def plot(model: "Model", rows: Any, target: Any = None) -> "Figure":
    """Predictions over answers: a confusion matrix, or for numbers a scatter; see `Model.plot`.

    Args:
        model: a trained one.
        rows, target: as for `Model.score`.

    Raises:
        UserError: there are no answers, the model has several outputs, or more than MOST_CLASSES classes.
    """
    from matplotlib.figure import Figure

    if model.several:
        raise UserError("plot is for one target; this model has several. Plot its predict(rows) yourself.")
    if len(model.classes) > MOST_CLASSES:
        raise UserError(f"plot shows up to {MOST_CLASSES} classes; this model has {len(model.classes)}.")
    truth, predicted = known_answers(model, rows, target), model.predict(rows)
    figure = Figure(figsize=(5.6, 4.8), layout="constrained")
    axes = figure.add_subplot()
    if model.classes:
        places, taken = (class_indices(pd.Series(labels), model.classes) for labels in (truth, predicted))
        _confusion(axes, places, taken, [visible(str(label)[:LONGEST]) for label in model.classes])
    else:
        _scatter(axes, columns.numbers(truth), np.asarray(predicted))
    name = visible(str(model.target_name)[:LONGEST])
    axes.set_xlabel(f"predicted {name}", parse_math=False)
    axes.set_ylabel(f"true {name}", parse_math=False)
    return figure


def confusion(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Rows of each class (down) that are taken for each class (across), (K, K); unknown labels are left out.

    Args:
        truth, predicted: numbers of classes, (N,); -1 is none of them.
        classes: K.

    >>> confusion(np.array([0, 0, 1, -1]), np.array([0, 1, 1, 0]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    counts = np.zeros((classes, classes), int)
    known = truth >= 0
    np.add.at(counts, (truth[known], predicted[known]), 1)
    return counts


def _confusion(axes: "Axes", truth: np.ndarray, predicted: np.ndarray, labels: list[str]) -> None:
    counts = confusion(truth, predicted, len(labels))
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    places = range(len(labels))
    axes.set_xticks(places, labels, rotation=45 if len(labels) > 4 else 0, ha="center", parse_math=False)
    axes.set_yticks(places, labels, parse_math=False)
    for true in places:
        for taken in places:
            colour = "white" if shares[true, taken] > 0.5 else "0.2"
            axes.text(taken, true, str(counts[true, taken]), ha="center", va="center", color=colour)


def _scatter(axes: "Axes", truth: np.ndarray, predicted: np.ndarray) -> None:
    axes.plot(predicted, truth, ".", alpha=0.5, color="#4878a8")
    ends = [min(truth.min(), predicted.min()), max(truth.max(), predicted.max())]
    axes.plot(ends, ends, color="0.6", linewidth=1, zorder=0)
