"""More tasks out of a real one: other rows, other columns, noise, another question to the same table.

A variant is a relative of its task and carries its group, so it is held out together with it.
"""

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from taskaware.errors import UserError
from taskaware.modalities.tables.build import make_task
from taskaware.modalities.tables.frame import frame_of
from taskaware.modalities.tables.table import table_of
from taskaware.tasks.task import Task

FEWEST_ROWS = 50
MOST_ROWS = 6000
"""Rows of a variant; experience is cheap to collect on as many."""

FEWEST_IN_CLASS = 8
"""Rows that the second largest class of a variant has at least."""

MOST_CLASSES = 12
"""Values of a column that is to be predicted as classes; one of more numbers is predicted as a number."""

LEARNABLE = (0.05, 0.98)
"""Share of the target that a quick forest has to explain, at least and at most."""

FOREST_ROWS = 1500
TRIES = 12
"""Largest number of draws for each variant."""


VARIANT_NAME = re.compile(r"~[a-z]+:.*#\d+$")


class Question(NamedTuple):
    """A table and its target.

    Attributes:
        frame: features and target.
        target: name of the target column.
        problem: "classification" or "regression".
    """

    frame: pd.DataFrame
    target: str
    problem: str

    @property
    def features(self) -> list[str]:
        return [name for name in self.frame.columns if name != self.target]

    @property
    def answers(self) -> pd.Series:
        return self.frame[self.target]

    def answered(self, values: object, problem: str = "classification") -> "Question":
        """The same rows with another target under the old name."""
        return Question(_replaced(self.frame, {self.target: values}), self.target, problem)


Change = Callable[[Question, np.random.Generator], tuple[str, Question]]
"""(question, what draws) → what was changed, in a word, and the changed question."""


def variants(task: Task, count: int, seed: int = 0) -> list[Task]:
    """Up to `count` tasks made of one, each by one or two changes drawn at random.

    Most ask another question: a different column is predicted from the rest, the old target among them; a
    number is cut into classes; classes are merged, or one is told from the rest. Others lose rows or columns,
    or have noise in the target or the features. A variant is drawn again if it has too few
    rows or classes, or if a quick forest predicts it not at all or without error.

    Args:
        task: a real one.
        count: of variants wanted; fewer come back where the table does not give so many, and none of a task
            that is no table.
        seed: the same seed gives the same variants, and a larger count the same ones first.

    Returns:
        Tasks of the same group and of contents that differ, named like "iris~rows:0.5#3".

    Raises:
        UserError: count is negative.

    >>> from taskaware.modalities.suites import bundled_suite
    >>> [(each.name, each.group) for each in variants(bundled_suite().task("wine"), 3)[2:]]
    [('wine~one:class_2#2', 'wine')]
    """
    if count < 0:
        raise UserError(f"variants: {count} of them cannot be made. Give 0 or more.")
    if task.modality != "tables":
        return []
    rng = np.random.default_rng([seed, int(task.digest, 16)])
    asked = Question(frame_of(task), task.target_name, task.problem)
    found: dict[str, Task] = {}
    for _ in range(TRIES * count):
        if len(found) == count:
            break
        made = _made(task, _changed(asked, rng), len(found))
        if made is not None and made.digest not in {task.digest, *found}:
            found[made.digest] = made
    return list(found.values())


def is_variant(name: str) -> bool:
    """Whether a task has the name of one that `variants` made.

    >>> is_variant("iris~rows:0.5#3"), is_variant("DATA~1")
    (True, False)
    """
    return VARIANT_NAME.search(name) is not None


def with_variants(tasks: Iterable[Task], count: int) -> list[Task]:
    """Each task, and behind it up to `count` variants of it; no content twice."""
    found: dict[str, Task] = {}
    for task in tasks:
        for each in (task, *variants(task, count)):
            found.setdefault(each.digest, each)
    return list(found.values())


def other_target(question: Question, rng: np.random.Generator) -> tuple[str, Question]:
    """Another column is predicted; the old target is a feature now. A rare label is no class."""
    name = str(rng.choice(question.features))
    frame = question.frame[question.frame[name].notna()]
    if question.problem == "classification":
        frame = _replaced(frame, {question.target: frame[question.target].astype(str).astype("category")})
    if _is_number(frame[name]) and frame[name].nunique() > MOST_CLASSES:
        return f"target:{name}", Question(frame, name, "regression")
    labels = frame[name].astype(str)
    often = labels.value_counts().sort_index().nlargest(MOST_CLASSES)
    kept = labels.isin(often.index[often >= FEWEST_IN_CLASS])
    return f"target:{name}", Question(_replaced(frame[kept], {name: labels[kept]}), name, "classification")


def cut_target(question: Question, rng: np.random.Generator) -> tuple[str, Question]:
    """A number becomes two to five classes, cut at its quantiles; equal numbers are of one class."""
    parts = int(rng.integers(2, 6))
    codes = pd.qcut(question.answers, parts, labels=False, duplicates="drop")
    return f"cut:{parts}", question.answered("part " + codes.astype(str))


def merged_classes(question: Question, rng: np.random.Generator) -> tuple[str, Question]:
    """Classes are joined at random into fewer."""
    labels = question.answers.astype(str)
    names = sorted(labels.unique())
    parts = int(rng.integers(2, len(names)))
    groups = [f"group {place % parts}" for place in range(len(names))]
    group = dict(zip(rng.permutation(names), groups, strict=True))
    return f"merged:{parts}", question.answered(labels.map(group))


def one_class(question: Question, rng: np.random.Generator) -> tuple[str, Question]:
    """One class is told from all others."""
    labels = question.answers.astype(str)
    name = str(rng.choice(sorted(labels.unique())))
    return f"one:{name}", question.answered(np.where(labels == name, "this", "another"))


def noisy_target(question: Question, rng: np.random.Generator) -> tuple[str, Question]:
    """A tenth to three tenths of the targets are replaced by those of other rows."""
    share = float(rng.choice([0.1, 0.2, 0.3]))
    return f"noise:{share:g}", question.answered(_swapped(question.answers, share, rng), question.problem)


def noisy_features(question: Question, rng: np.random.Generator) -> tuple[str, Question]:
    """In every feature, a tenth to three tenths of the values are replaced by those of other rows."""
    share = float(rng.choice([0.1, 0.2, 0.3]))
    noisy = {name: _swapped(question.frame[name], share, rng) for name in question.features}
    return f"blur:{share:g}", question._replace(frame=_replaced(question.frame, noisy))


def fewer_columns(question: Question, rng: np.random.Generator) -> tuple[str, Question]:
    """Half of the features."""
    names = question.features
    kept = np.sort(rng.choice(len(names), len(names) // 2, replace=False))
    frame = question.frame[[*(names[place] for place in kept), question.target]]
    return f"columns:{len(kept)}", question._replace(frame=frame)


def fewer_rows(question: Question, rng: np.random.Generator) -> tuple[str, Question]:
    """A fifth to four fifths of the rows, at least 2 FEWEST_ROWS and at most MOST_ROWS."""
    rows = len(question.frame)
    kept = int(np.clip(rows * rng.uniform(0.2, 0.8), 2 * FEWEST_ROWS, min(rows, MOST_ROWS)))
    chosen = np.sort(rng.choice(rows, kept, replace=False))
    return f"rows:{kept / rows:.2g}", question._replace(frame=question.frame.iloc[chosen])


def _replaced(frame: pd.DataFrame, columns: Mapping[str, object]) -> pd.DataFrame:
    """The frame with these columns instead of its own; `DataFrame.assign` takes no column named "self"."""
    changed = frame.copy()
    for name, values in columns.items():
        changed[name] = values
    return changed


def _odds(question: Question) -> dict[Change, float]:
    """How often each change is made, where it can be."""
    number, features = question.problem == "regression", len(question.features)
    several = not number and question.answers.nunique() > 2
    return {
        other_target: 6.0 * (features >= 3),
        cut_target: 1.0 * number,
        merged_classes: 1.0 * several,
        one_class: 1.0 * several,
        noisy_target: 1.0,
        noisy_features: 0.5,
        fewer_columns: 2.0 * (features >= 5),
        fewer_rows: 1.0 * (len(question.frame) > 2 * FEWEST_ROWS),
    }


def _changed(question: Question, rng: np.random.Generator) -> tuple[list[str], Question]:
    """What one or two changes, and fewer rows where there are too many, make of a question."""
    done, left = [], {fewer_rows} if len(question.frame) > MOST_ROWS else set()
    for _ in range(int(rng.integers(1, 3))):
        changes, odds = zip(*(each for each in _odds(question).items() if each[0] not in left), strict=True)
        change = changes[int(rng.choice(len(changes), p=np.array(odds) / sum(odds)))]
        words, question = change(question, rng)
        done.append(words)
        left.add(change)
        if len(question.frame) < FEWEST_ROWS:
            return done, question
    if len(question.frame) > MOST_ROWS:
        words, question = fewer_rows(question, rng)
        done.append(words)
    return done, question


def _made(task: Task, changed: tuple[list[str], Question], number: int) -> Task | None:
    """The variant; None where it is no task worth learning."""
    done, question = changed
    frame, target, problem = question
    name = f"{task.name}~{'~'.join(done)}#{number}"
    try:
        made = make_task(frame.reset_index(drop=True), target, problem=problem, name=name)
    except UserError:
        return None
    return dataclasses.replace(made, group=task.group or task.name) if _usable(made) else None


def _usable(task: Task) -> bool:
    """Whether there are rows and classes enough, and a quick forest explains some of the target, not all."""
    if task.rows < FEWEST_ROWS:
        return False
    if task.problem == "classification" and np.sort(np.bincount(task.target))[-2] < FEWEST_IN_CLASS:
        return False
    return LEARNABLE[0] <= _explained(task) <= LEARNABLE[1]


def _explained(task: Task) -> float:
    """Share of the error of a constant that a quick forest, cross-validated, does not make."""
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
    from sklearn.model_selection import KFold, cross_val_predict

    rows = np.random.default_rng(0).permutation(task.rows)[:FOREST_ROWS]
    table = table_of(task)
    x = np.nan_to_num(np.concatenate([table.numeric, table.codes], axis=1)[rows], nan=-1.0)
    y = task.target[rows]
    forest, constant = ExtraTreesRegressor(20, random_state=0), y.mean()
    if task.problem == "classification":
        forest, constant = ExtraTreesClassifier(20, random_state=0), np.bincount(y).argmax()
    error = _error(task, y, cross_val_predict(forest, x, y, cv=KFold(2)))
    return 1 - error / max(_error(task, y, constant), 1e-12)


def _error(task: Task, truth: np.ndarray, predicted: np.ndarray | float) -> float:
    wrong = truth != predicted if task.problem == "classification" else np.square(truth - predicted)
    return float(np.mean(wrong))


def _swapped(values: pd.Series, share: float, rng: np.random.Generator) -> pd.Series:
    """The values, a share of them replaced by those of rows drawn at random."""
    source = np.arange(len(values))
    rows = np.flatnonzero(rng.random(len(values)) < share)
    source[rows] = rng.integers(0, len(values), len(rows))
    return values.iloc[source].set_axis(values.index)


def _is_number(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
