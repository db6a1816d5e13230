"""Tables of known scores as experience: what is known of the points of a space on other tasks."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from taskaware import plain
from taskaware.digests import digest
from taskaware.errors import UserError, unknown
from taskaware.objectives.lookups import numeric, points_of
from taskaware.spaces import ChoiceSpace
from taskaware.store import Experience, RecipeRecord, SpaceRecord, TaskRecord

BEST = 0.1
"""Share of the points kept that are the best of a table; the others are drawn at random."""


def known_scores(
    frames: Mapping[str, pd.DataFrame],
    space: ChoiceSpace,
    score: str,
    *,
    smaller_is_better: bool = False,
    meta_features: pd.DataFrame | None = None,
    points: int = 500,
    seed: int = 0,
) -> Experience:
    """Tables of known scores as experience, for `ta.train_evaluator(known, space=space)`.

    Each table is a task. To judge a search on one of your tables, leave that table out here.

    Args:
        frames: name → table with a column for each decision of the space, and a row for each point. Further
            rows of a point are its seeds.
        space: of the points; a table may have any part of them.
        score: the column of the scores; each table may have its own unit. A row without a number diverged.
        smaller_is_better: whether the scores are losses; they are negated.
        meta_features: a row for each table, by name, with numbers that tell what its data is like. Then
            tables near to a task count more; without them, all count the same.
        points: number of points that are kept: the best of each table, and random ones that all tables
            share; 0 for all. A Gaussian process learns from up to a few thousand, networks from any number.
        seed: of the choice of points.

    Raises:
        UserError: there are no two tables, a column is not there, a row is no point of the space, the scores
            of a table are no numbers or nearly equal, or it has no meta-features.

    >>> from taskaware.spaces import choices
    >>> space = choices(op=["conv", "pool"], k=[3, 5])
    >>> frame = pd.DataFrame({"op": ["conv", "pool"], "k": [3, 5], "valid": [0.9, 0.7]})
    >>> known_scores({"a": frame, "b": frame.assign(valid=[0.5, 0.4])}, space, "valid")
    Experience(4 trainings of 2 architectures on 2 tasks, 1 meta-features)
    """
    if not isinstance(space, ChoiceSpace):
        raise UserError(f"{space!r} is no space of choices. Make one with ta.spaces.choices.")
    if not isinstance(frames, Mapping) or len(frames) < 2:
        raise UserError("Give two tables or more: {'name': frame, ...}.")
    plain.whole("points", points)
    read = {str(name): _points(str(name), frame, space) for name, frame in frames.items()}
    scored = {
        str(name): _scores(str(name), frame, score, smaller_is_better) for name, frame in frames.items()
    }
    z, features = _meta_features(meta_features, list(read))
    rows = _Rows.of(list(read.values()), list(scored.values()))
    rows = rows.take(_kept(rows, points, np.random.default_rng(plain.seed(seed))))
    nothing, first = np.full(len(rows.value), np.nan, np.float32), np.zeros(len(rows.value), np.int32)
    recipe = {"score": score, "known": True}
    return Experience(
        tasks=tuple(_record(name, read[name], scored[name], score) for name in read),
        catalogue="",
        features=features,
        z=z,
        space=SpaceRecord(space.digest, space.name, space.to_dict()),
        architectures=rows.architectures,
        recipes=(RecipeRecord(digest(recipe), recipe),),
        strategies=("table",),
        task=rows.task.astype(np.int32),
        architecture=rows.place.astype(np.int32),
        recipe=first,
        strategy=first,
        seed=rows.repeat.astype(np.int64),
        score=rows.value.astype(np.float32),
        test_score=nothing,
        loss=nothing,
        seconds=nothing,
    )


class _Rows(NamedTuple):
    """The rows of all tables; n of them, on A architectures.

    Attributes:
        task: number of the table, (n,).
        place: of the architecture in `architectures`, (n,).
        repeat: how many rows of the table had this architecture before, (n,).
        value: score, (n,).
        architectures: (A, D).
    """

    task: Int[np.ndarray, " n"]
    place: Int[np.ndarray, " n"]
    repeat: Int[np.ndarray, " n"]
    value: Float[np.ndarray, " n"]
    architectures: Float[np.ndarray, "A D"]

    @classmethod
    def of(cls, points: list[np.ndarray], scores: list[np.ndarray]) -> "_Rows":
        architectures, place = np.unique(np.concatenate(points), axis=0, return_inverse=True)
        task = np.repeat(np.arange(len(points)), [len(rows) for rows in points])
        keys = pd.DataFrame({"task": task, "place": place.ravel()})
        repeat = keys.groupby(["task", "place"]).cumcount().to_numpy()
        return cls(task, place.ravel(), repeat, np.concatenate(scores), architectures)

    def take(self, rows: Int[np.ndarray, " m"]) -> "_Rows":
        chosen, place = np.unique(self.place[rows], return_inverse=True)
        columns = (self.repeat[rows], self.value[rows], self.architectures[chosen])
        return _Rows(self.task[rows], place.ravel(), *columns)


def _points(name: str, frame: pd.DataFrame, space: ChoiceSpace) -> Float[np.ndarray, "n D"]:
    if not isinstance(frame, pd.DataFrame) or not len(frame):
        raise UserError(f"The table '{name}' is no pandas DataFrame with rows. Give one.")
    return points_of(frame, space, f"table '{name}'")


def _scores(name: str, frame: pd.DataFrame, score: str, negated: bool) -> Float[np.ndarray, " n"]:
    if score not in frame:
        raise unknown(f"column of the table '{name}'", score, map(str, frame.columns))
    found = numeric(frame, score, negated=negated)
    if found is None or np.isnan(found).all():
        raise UserError(f"The table '{name}' has no number in '{score}'. Leave the table out.")
    return found


def _kept(rows: _Rows, points: int, rng: np.random.Generator) -> Int[np.ndarray, " m"]:
    """Rows of the points that are kept: the best of each table, and the same random ones of all."""
    count = len(rows.architectures)
    if not points or points >= count:
        return np.arange(len(rows.value))
    frame = pd.DataFrame({"task": rows.task, "place": rows.place, "value": rows.value})
    means = frame.groupby(["task", "place"])["value"].mean()
    each = max(int(points * BEST) // (rows.task.max() + 1), 1)
    best = means.groupby("task").nlargest(each).index.get_level_values("place").unique().to_numpy()
    rest = rng.permutation(np.setdiff1d(np.arange(count), best))[: max(points - len(best), 0)]
    return np.flatnonzero(np.isin(rows.place, np.append(rest, best)))


def _meta_features(frame: pd.DataFrame | None, names: list[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Meta-features of the tables, (T, M), and their names; a constant if there are none."""
    if frame is None:
        return np.zeros((len(names), 1), np.float32), ("constant",)
    by_name = frame.rename(index=str)
    lacking = [name for name in names if name not in by_name.index]
    if lacking:
        raise UserError(f"There are no meta-features of the table '{lacking[0]}'. Add a row of that name.")
    found = np.stack([pd.to_numeric(by_name.loc[name]).to_numpy(np.float32) for name in names])
    if not np.isfinite(found).all():
        row, column = np.argwhere(~np.isfinite(found))[0]
        raise UserError(
            f"'{names[row]}' has no '{by_name.columns[column]}' among its meta-features. Fill it in."
        )
    return found, tuple(map(str, by_name.columns))


def _record(name: str, points: np.ndarray, scores: np.ndarray, metric: str) -> TaskRecord:
    finite = np.sort(scores[~np.isnan(scores)])
    if finite[-1] - np.median(finite) < 1e-3:
        raise UserError(
            f"Half of the scores of '{name}' lie within {finite[-1] - np.median(finite):.1g} of the best. "
            "Scale them, so that it is 0.001 or more; of losses, take the logarithm."
        )
    content = digest([points.tobytes().hex(), scores.tobytes().hex()])
    return TaskRecord(content, name, name, "regression", metric, len(points), points.shape[1], 1)
