"""A task's meta-features by name, and as the vector z."""

import contextlib
import functools
import numbers
import threading
from collections.abc import Iterable, Iterator

import numpy as np

from taskaware.errors import UserError
from taskaware.modalities.tables.metafeatures.catalogue import CATALOGUE, NAMES
from taskaware.modalities.tables.metafeatures.feature import MetaFeature
from taskaware.modalities.tables.metafeatures.view import View
from taskaware.tasks.task import Task

# Two threads that change the number of BLAS threads at once would not restore it.
_SINGLE = threading.RLock()


def meta_features(task: Task, extra: Iterable[MetaFeature] = ()) -> dict[str, float]:
    """Every meta-feature of a task.

    The same for any order of the task's rows, and for any naming of its classes.

    Args:
        task: a Task of problem "classification" or "regression", at least one row.
        extra: your own meta-features, computed after the catalogue's.

    Returns:
        Name → finite number within the feature's `low` and `high`, in the order of the catalogue.

    Raises:
        UserError: an entry of `extra` is not a MetaFeature, has a name that is taken, or returns something
            else than one finite number within its range.

    >>> from taskaware.data.table import Column, Table
    >>> size = Column("size", "numeric", np.array([1.0, 2.0, 8.0, 9.0]))
    >>> target = np.array([0, 0, 1, 1], np.int32)
    >>> task = Task("toy", "classification", Table("toy", (size,), 4), "y", target, ("a", "b"), "accuracy")
    >>> meta_features(task)["label_entropy"]
    1.0
    """
    extra = tuple(extra)
    _check_names(extra)
    view = View(task)
    with _one_blas_thread():
        found = {feature.name: _bounded(feature, view) for feature in CATALOGUE}
    return found | {feature.name: _checked(feature, view) for feature in extra}


def vector(task: Task) -> np.ndarray:
    """The vector z, (M,) float32, in the order of `NAMES`."""
    return np.array(list(meta_features(task).values()), np.float32)


@functools.cache
def _blas():
    import threadpoolctl

    return threadpoolctl.ThreadpoolController().select(user_api="blas")


@contextlib.contextmanager
def _one_blas_thread() -> Iterator[None]:
    """The matrices are small: more threads gain nothing, and on a busy machine they wait for each other."""
    with _SINGLE, _blas().limit(limits=1):
        yield


def _bounded(feature: MetaFeature, view: View) -> float:
    """The one place where the catalogue's ranges are enforced."""
    value = float(feature.compute(view))
    return min(max(value if np.isfinite(value) else 0.0, feature.low), feature.high)


def _checked(feature: MetaFeature, view: View) -> float:
    value = feature.compute(view)
    if not isinstance(value, numbers.Real | np.bool_) or not np.isfinite(value):
        raise UserError(
            f"Meta-feature '{feature.name}' returned {value!r}; allowed is one finite number. "
            "Return a default where it is not defined."
        )
    if not feature.low <= value <= feature.high:
        raise UserError(
            f"Meta-feature '{feature.name}' returned {value!r}, outside its range "
            f"[{feature.low}, {feature.high}]. Widen the range or clip the value."
        )
    return float(value)


def _check_names(extra: tuple[MetaFeature, ...]) -> None:
    taken = set(NAMES)
    for feature in extra:
        if not isinstance(feature, MetaFeature):
            raise UserError(
                f"extra holds {feature!r}; allowed are MetaFeature values. "
                "Wrap the function: MetaFeature(name, unit, low, high, source, compute)."
            )
        if feature.name in taken:
            raise UserError(f"Meta-feature '{feature.name}' exists already. Give yours another name.")
        taken.add(feature.name)
