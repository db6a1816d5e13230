"""What may stand in the file of an evaluator: shapes that fit together, closed lists, finite numbers."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from taskaware import plain
from taskaware.errors import UserError
from taskaware.spaces import MixtureSpace, Space
from taskaware.surrogates.training_data import TrainingData
from taskaware.surrogates.triplets import TripletData
from taskaware.tasks.task import PROBLEMS

TASKS = 10_000_000
PER_TASK = ("noise", "top", "spread")
SCORES = ("score", "test_score", "target")


def check_fields(fields: Mapping[str, Any]) -> None:
    """Nothing where the fields of an evaluator fit together.

    Args:
        fields: those that every surrogate has, as they were read.

    Raises:
        UserError: a name, a number or a shape is not what may stand there; it is named.
    """
    plain.name("catalogue", fields["catalogue"], longest=100)
    plain.table("card", fields["card"])
    for name, value in fields["params"].items():
        _check_params(f"params/{name}", value)
    features = np.size(fields["scaler"].centre)
    for name, value in fields["scaler"]._asdict().items():
        _check_array(f"scaler/{name}", value, (features,))
    if fields["level"] is not None:
        _check_array("level/weights", fields["level"].weights, (len(PROBLEMS), features + 1, 2))
        _check_array("level/error", fields["level"].error, (len(PROBLEMS), 2))
    if (np.asarray(fields["scaler"].spread) <= 0).any():
        raise UserError("The array 'scaler/spread' holds a number that is not above 0.")
    if fields["price"] is not None:
        _check_array("price", fields["price"], (3,))
        if min(fields["price"]) < 0:
            raise UserError(f"The price {tuple(fields['price'])} holds a number below 0.")
    if fields["training_data"] is not None:
        _check_data(fields["training_data"], features, fields["space"])


def _check_params(name: str, value: Any) -> None:
    if isinstance(value, Mapping):
        for inner, part in value.items():
            _check_params(f"{name}/{inner}", part)
        return
    _check_array(name, value, np.shape(value))


def _check_data(data: TrainingData | TripletData, features: int, space: Space) -> None:
    tasks = len(plain.row("list of tasks", data.names, most=TASKS))
    for what in ("names", "groups", "digests"):
        for text in plain.row(what, getattr(data, what), least=tasks, most=tasks):
            plain.name(f"entry of {what}", text, longest=100_000)
    for problem in plain.row("problems", data.problems, least=tasks, most=tasks):
        plain.one_of("problem of a task", problem, PROBLEMS)
    _check_array("z", data.z, (tasks, features))
    for name in PER_TASK:
        _check_array(name, getattr(data, name), (tasks,))
    mixture = isinstance(space, MixtureSpace)
    count = len(np.atleast_1d(data.u))
    _check_array("u", data.u, (count, space.dimension) if mixture else np.shape(data.u), gaps=not mixture)
    if isinstance(data, TripletData):
        _check_places("task", data.task, tasks)
        _check_places("architecture", data.architecture, count)
    shape = np.shape(data.task) if isinstance(data, TripletData) else (tasks, count)
    for name in SCORES:
        _check_array(name, getattr(data, name), shape, gaps=True)


def _check_places(name: str, value: np.ndarray, size: int) -> None:
    array = np.asarray(value)
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise UserError(
            f"The array '{name}' is {array.dtype} of the shape {array.shape}; allowed: (n,) integers."
        )
    if len(array) and not (array.min() >= 0 and array.max() < size):
        raise UserError(f"The array '{name}' points outside the {size:,} entries that there are.")


def _check_array(name: str, value: Any, shape: tuple[int, ...], *, gaps: bool = False) -> None:
    """Nothing where it is numbers of the shape, all finite; with `gaps`, NaN stands for what is missing."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiub" or array.shape != shape:
        raise UserError(
            f"The array '{name}' is {array.dtype} of the shape {array.shape}; allowed: numbers, {shape}."
        )
    if array.dtype.kind == "f" and not (np.isfinite(array) | (np.isnan(array) & gaps)).all():
        raise UserError(f"The array '{name}' holds a number that is not finite.")
