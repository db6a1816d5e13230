"""One target column, several, or one of lists of labels: the target of a task."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from taskaware.data import columns
from taskaware.data.description import Description, describe
from taskaware.data.loaded import holds_lists
from taskaware.errors import UserError, some, unknown
from taskaware.tasks.outputs import MOST_OUTPUTS, SEVERAL, Outputs, label_matrix
from taskaware.tasks.target import Target, check_odd, check_rows, read_target
from taskaware.tasks.task import ALL_PROBLEMS

SHOWN = 8
"""Names that a note lists."""


def read_targets(frame: pd.DataFrame, problem: str | None = None, decimal: str = ".") -> Target:
    """Read the target columns of a frame.

    Several columns of numbers are a regression of several outputs; where all of them hold 0 and 1, or True
    and False, they are labels. A column of lists, tuples or sets is one of labels, too: an empty one is a row
    without labels.

    Args:
        frame: N rows, the target columns alone.
        problem: one of ALL_PROBLEMS; "classification" of several columns is "multilabel", and "regression" is
            "multioutput". By default inferred.
        decimal: as for `read_target`.

    Raises:
        UserError: as for `read_target`; or the columns are of several kinds, or not of the given problem, or
            there are more than MOST_OUTPUTS.

    >>> read_targets(pd.DataFrame({"red": [0, 1] * 8, "round": [0, 0, 1, 1] * 4})).problem
    'multilabel'
    """
    if problem is not None and problem not in ALL_PROBLEMS:
        raise unknown("problem", problem, ALL_PROBLEMS)
    if frame.shape[1] > 1:
        return _of_columns(frame, problem, decimal)
    series = frame.iloc[:, 0]
    if series.dtype == object and holds_lists(series):
        return _of_lists(series, problem)
    if problem in SEVERAL:
        raise UserError(
            f"problem='{problem}' is for several outputs, and target '{series.name}' is one column of single "
            "values. Name several columns, target=['a', 'b'], or leave problem out."
        )
    return read_target(series, problem, decimal)


def name_of(frame: pd.DataFrame) -> str:
    """The name of a target for people, of one column or several.

    >>> name_of(pd.DataFrame(columns=["height", "width"]))
    'height, width'
    """
    names = list(map(str, frame.columns))
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _of_columns(frame: pd.DataFrame, problem: str | None, decimal: str) -> Target:
    names = tuple(map(str, frame.columns))
    _check_count(len(names), "target columns")
    found = [describe(frame[name], decimal) for name in frame.columns]
    _check_kinds(names, found)
    for name, each in zip(frame.columns, found, strict=True):
        check_odd(frame[name], each)
    values = np.stack(
        [columns.numbers(frame[n], each.form) for n, each in zip(frame.columns, found, strict=True)], axis=1
    )
    missing = np.isnan(values)
    present = ~missing.any(1)
    check_rows(name_of(frame), present)
    values, labels = values[present], bool(np.isin(values, (0, 1))[present].all())
    chosen = _problem_of(names, values, problem, labels)
    notes = _about_missing(names, missing) + _about(names, chosen, labels, assumed=problem is None)
    if chosen == "multilabel" and (values.sum(1) == 1).all():
        notes.append(
            "Every row has exactly one label. If each column is one class, give a column of the classes "
            "instead: y.idxmax(axis=1) of a frame, y.argmax(1) of an array."
        )
    notes += _about_constant(_constant(names, values), len(names), chosen)
    return Target(chosen, values, (), present, tuple(notes), several=Outputs(names))


def _of_lists(series: pd.Series, problem: str | None) -> Target:
    """The labels that occur, in the order of their numbers or of their texts."""
    if problem not in (None, "multilabel", "classification"):
        raise UserError(
            f"Target '{series.name}' holds lists of labels, so it cannot be problem='{problem}'. Spread "
            "lists of numbers into columns, and name them: target=['a', 'b']."
        )
    found = {columns.label(label): label for cell in series if holds_lists([cell]) for label in cell}
    if any(isinstance(label, float | np.floating) and label != round(label) for label in found.values()):
        raise UserError(
            f"Target '{series.name}' holds lists of numbers that are no labels. Spread them into columns, "
            "and name them: target=['a', 'b']."
        )
    _check_count(len(found), "different labels")
    names = [each.item() if isinstance(each, np.generic) else each for each in found.values()]
    odd = [name for name in names if not isinstance(name, str | bool | int | float)]
    if odd:
        raise UserError(f"Target '{series.name}' has a label {odd[0]!r}. Labels are strings and numbers.")
    words = any(isinstance(name, str) for name in names)
    outputs = Outputs(tuple(sorted(names, key=str if words else float)), listed=True)
    values = label_matrix(series, outputs)
    present = ~np.isnan(values).any(1)
    check_rows(str(series.name), present)
    if not len(names):
        raise UserError(f"Target '{series.name}' has no label in any row, so there is nothing to predict.")
    notes = (
        [] if present.all() else [f"{(~present).sum()} rows without a target '{series.name}' were left out."]
    )
    notes += [f"Target '{series.name}' was read as lists of {len(names)} labels.", *_about_labels()]
    values = values[present]
    notes += _about_constant(_constant(outputs.names, values), len(names), "multilabel")
    return Target("multilabel", values, (), present, tuple(notes), several=outputs)


def _check_count(count: int, what: str) -> None:
    if count > MOST_OUTPUTS:
        raise UserError(
            f"There are {count} {what}, and at most {MOST_OUTPUTS} are trained together. Keep the most "
            "frequent or most important ones, or recommend for parts of them."
        )


def _check_kinds(names: Sequence[str], found: Sequence[Description]) -> None:
    """Refuse targets that are not all numbers or truth values."""
    wrong = {name: each.kind for name, each in zip(names, found, strict=True) if each.kind not in _NUMBERS}
    if not wrong:
        return
    shown = some(list(wrong))
    kinds = ", ".join(sorted(set(wrong.values())))
    if len(wrong) < len(names):
        fine = some([name for name in names if name not in wrong])
        raise UserError(
            f"The targets are of different kinds: {fine} numeric, {shown} {kinds}. Name numeric targets "
            "alone, or write labels as 0 and 1, or call recommend for each kind."
        )
    raise UserError(
        f"Several targets must be numbers, or labels written as 0 and 1; {shown} are of kind {kinds}. "
        "Call recommend for each of them, or write each class as a column: pandas.get_dummies."
    )


_NUMBERS = ("numeric", "boolean")


def _problem_of(names: Sequence[str], values: np.ndarray, problem: str | None, labels: bool) -> str:
    given = {single: several for several, single in SEVERAL.items()}.get(str(problem), problem)
    if given == "multilabel" and not labels:
        odd = [
            name for name, column in zip(names, values.T, strict=True) if not np.isin(column, (0, 1)).all()
        ]
        raise UserError(
            f"Targets {some(odd)} hold other values than 0 and 1, so they cannot be problem="
            f"'{problem}'. Use problem='regression', or call recommend for each of them."
        )
    return given or ("multilabel" if labels else "multioutput")


def _about_missing(names: Sequence[str], missing: np.ndarray) -> list[str]:
    rows = int(missing.any(1).sum())
    if not rows:
        return []
    counts = {name: int(count) for name, count in zip(names, missing.sum(0), strict=True) if count}
    shown = ", ".join(f"'{name}' in {count}" for name, count in list(counts.items())[:SHOWN])
    return [f"{rows} rows that lack a target ({shown}) were left out. Every row needs all of them."]


def _about(names: Sequence[str], problem: str, labels: bool, *, assumed: bool) -> list[str]:
    if problem == "multilabel":
        read = f"The {len(names)} targets were read as labels of 0 and 1"
        other = "; problem='regression' reads them as numbers" if assumed else ""
        return [f"{read}{other}.", *_about_labels()]
    read = f"The {len(names)} targets were read as numbers" if assumed or labels else ""
    each = "Each output is standardised by itself, and a score is the mean over the outputs."
    return [f"{read}.", each] if read else [each]


def _about_labels() -> list[str]:
    return ["A score is the mean over the labels; 'f1_micro' and 'subset_accuracy' score rows as a whole."]


def _constant(names: Sequence[object], values: np.ndarray) -> list[object]:
    return [name for name, column in zip(names, values.T, strict=True) if column.min() == column.max()]


def _about_constant(constant: Sequence[object], count: int, problem: str) -> list[str]:
    """A note on labels that never vary; numbers that never vary are refused."""
    if not constant:
        return []
    shown = some(constant)
    if problem == "multioutput" or len(constant) == count:
        raise UserError(
            f"Targets without variation: {shown}. Every row has the same value, so there is nothing to "
            "predict. Leave them out of target=[...]."
        )
    return [f"Labels that are the same in every row, and tell nothing in a score: {shown}."]
