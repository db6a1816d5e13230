"""An objective from a table of known scores, and the space of the points that the table has."""

import dataclasses
import hashlib
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pandas as pd
from jaxtyping import Float

from taskaware.digests import digest
from taskaware.errors import UserError, quoted, unknown
from taskaware.spaces import ChoiceSpace, choices
from taskaware.strategies import DIVERGED, Objective, Outcomes

REPEATS = ("mean", "draw")


@dataclasses.dataclass(frozen=True, eq=False)
class Lookup:
    """What is looked up; R rows of the table, ordered by point, for N points.

    Attributes:
        place: bytes of a point (float32) → its number, 0 to N - 1.
        begins: first row of each point, and R at the end, (N + 1,).
        columns: score, test score and seconds of each row, (R,) or None.
        seed: of the draws among the rows of a point; None where each point has one.
    """

    place: dict[bytes, int]
    begins: np.ndarray
    columns: tuple[np.ndarray, np.ndarray | None, np.ndarray | None]
    seed: int | None

    def __call__(self, points: np.ndarray, first: int = 0) -> Outcomes:
        try:
            # The bytes of one point are those of the array; there are many thousand of these a second.
            places = (points,) if len(points) == 1 else points
            rows: Any = [self.place[point.tobytes()] for point in places]
        except KeyError:
            rows = [self._outside(point) for point in points]
        if self.seed is not None:
            rows = [self._drawn(row, first + nth) for nth, row in enumerate(rows)]
        score, test, seconds = self.columns
        if len(rows) == 1:
            # A slice is quicker than a list.
            rows = slice(rows[0], rows[0] + 1)
        return Outcomes(
            score[rows],
            None if test is None else test[rows],
            None if seconds is None else seconds[rows],
        )

    def _drawn(self, place: int, number: int) -> int:
        """A row of a point; it follows from the evaluation's number, also where a search goes on."""
        low, high = int(self.begins[place]), int(self.begins[place + 1])
        return low + mixed(cast(int, self.seed), number) % (high - low)

    def _outside(self, point: np.ndarray) -> int:
        name = (np.ascontiguousarray(np.round(point), np.float32) + np.float32(0)).tobytes()
        if name not in self.place:
            raise UserError(
                f"The table has no point {quoted(point.tolist())}. Search the space that came with it."
            )
        return self.place[name]


def table(
    frame: pd.DataFrame,
    decisions: Sequence[str] | ChoiceSpace,
    score: str,
    *,
    test: str | None = None,
    seconds: str | None = None,
    seeds: str | None = None,
    repeats: str = "mean",
    seed: int = 0,
    smaller_is_better: bool = False,
    name: str = "table",
) -> tuple[ChoiceSpace, Objective]:
    """A space and an objective from a table of known scores: no evaluation costs more than a look.

    The space has the points that the table has, or is one of yours. Several rows of one point are its seeds.

    Args:
        frame: a row for each point, or for each point and seed.
        decisions: the columns that define a point: text, numbers or truth values. Or a space of choices with
            decisions of these names; the table then has a row for each of its points.
        score: the column that is maximised; a row without a number diverged.
        test: column of the test score.
        seconds: column of the run time.
        seeds: column that tells the rows of a point apart; without it they may be anything but copies.
        repeats: "mean": a point has the mean over its rows, those that diverged left out. "draw": each
            evaluation draws one of them, which is the noise of training.
        seed: of these draws.
        smaller_is_better: whether score and test score are losses; they are negated.
        name: of a space that the table makes.

    Returns:
        The space, and the objective over it.

    Raises:
        UserError: a column is not there, a decision is missing in a row, a score is no number, rows are
            repeated that are no seeds, there are fewer than two points, or the points are not those of the
            space.

    >>> frame = pd.DataFrame({"op": ["conv", "pool", "pool"], "k": [3, 3, 5], "valid": [0.9, 0.7, 0.8]})
    >>> space, objective = table(frame, ["op", "k"], "valid")
    >>> space, objective.evaluate(space.point(op="pool", k=5)[None]).score.tolist()
    (<space 'table': 2 decisions, 3 of 4 combinations>, [0.8])
    """
    if not isinstance(frame, pd.DataFrame):
        raise UserError(f"The table is {quoted(type(frame).__name__)}. Give a pandas DataFrame.")
    given = decisions if isinstance(decisions, ChoiceSpace) else None
    names = _names(decisions)
    _check(frame, names, score, [each for each in (test, seconds, seeds) if each is not None])
    if repeats not in REPEATS:
        raise unknown("way to use repeats", repeats, REPEATS)
    options, numbers = _numbered(frame, names) if given is None else _numbered_in(frame, given)
    _check_repeats(frame, numbers, seeds)
    columns = [
        numeric(frame, column, negated=smaller_is_better and column != seconds)
        for column in (score, test, seconds)
    ]
    order = np.lexsort(numbers.T[::-1])
    points, first = np.unique(numbers[order], axis=0, return_index=True)
    rows = [None if column is None else column[order] for column in columns]
    several = len(points) < len(frame)
    if several and repeats == "mean":
        counted = _counted(cast(np.ndarray, rows[0]), first)
        rows = [
            None if column is None else _means(np.where(counted, column, np.nan), first) for column in rows
        ]
    scores = cast(np.ndarray, rows[0])
    rows[0] = np.where(np.isnan(scores), DIVERGED, scores)
    space = _made(options, points, name) if given is None else _whole(given, points)
    begins = np.append(first, len(frame))
    draws = several and repeats == "draw"
    place = {point.tobytes(): nth for nth, point in enumerate(points.astype(np.float32))}
    lookup = Lookup(place, begins, cast(Any, tuple(rows)), seed if draws else None)
    about = digest([space.digest, repeats, seed if draws else 0, _content([begins, *rows])])
    return space, Objective(lookup, numbered=draws, about=f"table {about}")


def _names(decisions: Sequence[str] | ChoiceSpace) -> list[str]:
    if isinstance(decisions, ChoiceSpace):
        return [name for name, _ in decisions.options]
    return [decisions] if isinstance(decisions, str) else list(decisions)


def _check(frame: pd.DataFrame, decisions: list[str], score: str, others: list[str]) -> None:
    if not decisions:
        raise UserError("No decision is named. Give decisions=[...], the columns that define a point.")
    columns = list(frame.columns)
    for column in (*decisions, score, *others):
        if column not in columns:
            what = "score column" if column == score else "column"
            raise unknown(what, str(column), map(str, columns))
        if columns.count(column) > 1:
            raise UserError(f"The table has {columns.count(column)} columns '{column}'. Rename them.")
    used = [*decisions, score, *others]
    if len(set(used)) < len(used):
        twice = next(column for column in used if used.count(column) > 1)
        raise UserError(f"The column '{twice}' is named twice. A column is a decision or a result, not both.")
    for column in decisions:
        missing = np.flatnonzero(frame[column].isna())
        if len(missing):
            raise UserError(
                f"Row {frame.index[missing[0]]} of the table has no '{column}' ({len(missing):,} of "
                f"{len(frame):,} rows have none). Fill the decision in, or drop the row."
            )


def _numbered(frame: pd.DataFrame, decisions: list[str]) -> tuple[dict[str, list], np.ndarray]:
    """The options of each decision, in order, and the number of its option in each row (R, D)."""
    options, columns = {}, []
    for column in decisions:
        values = frame[column].to_numpy(object)
        found = list(dict.fromkeys(_plain(value) for value in values))
        try:
            found = sorted(found)
        except TypeError:
            found = sorted(found, key=str)
        number = {value: nth for nth, value in enumerate(found)}
        options[column] = found
        columns.append([number[_plain(value)] for value in values])
    return options, np.array(columns, np.int64).T.reshape(len(frame), len(decisions))


def _numbered_in(frame: pd.DataFrame, space: ChoiceSpace) -> tuple[dict[str, list], np.ndarray]:
    """The same for the options of a space."""
    options = {name: list(values) for name, values in space.options}
    return options, points_of(frame, space, "table").astype(np.int64)


def points_of(frame: pd.DataFrame, space: ChoiceSpace, what: str) -> Float[np.ndarray, "n D"]:
    """The points of the rows of a table.

    Args:
        frame: with a column for each decision of the space.
        space: of the points.
        what: the table, for errors.

    Raises:
        UserError: a column is not there, an option is unknown, or a row is a hole of the space.
    """
    columns = []
    for decision, options in space.options:
        if decision not in frame:
            raise unknown(f"column of the {what}", decision, map(str, frame.columns))
        numbers = {value: number for number, value in enumerate(options)}
        found = frame[decision].map(numbers).to_numpy(float)
        if np.isnan(found).any():
            row = int(np.flatnonzero(np.isnan(found))[0])
            value = quoted(_plain(frame[decision].iloc[row]))
            raise UserError(
                f"Row {frame.index[row]} of the {what} has {decision}={value}, which is no option of the "
                "space. Drop the row, or make the space with this option."
            )
        columns.append(found)
    points = np.stack(columns, axis=1).astype(np.float32)
    inside = space.contains_on_host(points)
    if not inside.all():
        row = frame.index[int(np.argmin(inside))]
        raise UserError(f"Row {row} of the {what} is a hole of the space. Drop the row.")
    return points


def _made(options: dict[str, list], points: np.ndarray, name: str) -> ChoiceSpace:
    full = len(points) == int(np.prod([len(values) for values in options.values()], dtype=object))
    return choices(options, name=name, allowed=None if full else points)


def _whole(space: ChoiceSpace, points: np.ndarray) -> ChoiceSpace:
    """The space, all of whose points are there."""
    if len(points) < space.size:
        raise UserError(
            f"The table has {len(points):,} of the {space.size:,} points of '{space.name}'. Name its "
            "columns, decisions=[...], for the space of the points that it has."
        )
    return space


def _check_repeats(frame: pd.DataFrame, numbers: np.ndarray, seeds: str | None) -> None:
    """Refuse repeated rows that are no seeds: copies, or one seed of a point twice."""
    keys = pd.DataFrame(numbers)
    if seeds is not None:
        keys["seed"] = frame[seeds].to_numpy()
        again = keys.duplicated(keep=False).to_numpy()
        if again.any():
            row = int(np.flatnonzero(again)[0])
            raise UserError(
                f"Row {frame.index[row]} of the table is repeated: its point has the seed "
                f"{quoted(_plain(frame[seeds].iloc[row]))} more than once ({int(again.sum()):,} such rows). "
                "Drop the repeated rows."
            )
        return
    repeated = keys.duplicated(keep=False).to_numpy()
    if not repeated.any():
        return
    copies = frame.astype(object).where(frame.notna(), None).astype(str).duplicated(keep=False).to_numpy()
    # Two seeds may well have one score; but where all repeated rows are copies, none of them are seeds.
    if copies[repeated].all():
        raise UserError(
            f"{int(repeated.sum()):,} rows of the table are copies of each other, the first of them row "
            f"{frame.index[int(np.flatnonzero(repeated)[0])]}. Drop the repeated rows, or name the column "
            "that tells them apart: seeds=..."
        )


def numeric(frame: pd.DataFrame, column: str | None, *, negated: bool) -> np.ndarray | None:
    """A column as numbers, NaN where there is none; None without a column.

    Args:
        frame: with the column.
        column: its name.
        negated: whether it is a loss.

    Raises:
        UserError: it holds something else.
    """
    if column is None:
        return None
    try:
        found = pd.to_numeric(frame[column]).to_numpy(float, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise UserError(
            f"The column '{column}' holds something else than numbers ({quoted(str(error))}). Make them "
            "numbers."
        ) from error
    found = np.where(np.isfinite(found), found, np.nan)
    return -found if negated else found


def mixed(seed: int, number: int) -> int:
    """A whole number below 2⁶⁴ that follows from two others, as good as drawn and quickly.

    Source: SplitMix64 (Steele, Lea & Flood 2014).
    """
    mask = 2**64 - 1
    found = (seed * 0xD1342543DE82EF95 + (number + 1) * 0x9E3779B97F4A7C15) & mask
    found = ((found ^ (found >> 30)) * 0xBF58476D1CE4E5B9) & mask
    found = ((found ^ (found >> 27)) * 0x94D049BB133111EB) & mask
    return found ^ (found >> 31)


def _counted(score: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Rows that count in the means of their point: those with a score, or all where none has one, (R,)."""
    scored = np.isfinite(score)
    some = np.logical_or.reduceat(scored, first)
    return scored | ~np.repeat(some, np.diff(np.append(first, len(score))))


def _means(column: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Means over the rows of each point; NaN where none has a number."""
    finite = np.isfinite(column)
    total = np.add.reduceat(np.where(finite, column, 0.0), first)
    count = np.add.reduceat(finite.astype(float), first)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _content(columns: list[np.ndarray | None]) -> list[str]:
    return ["" if column is None else hashlib.sha256(column.tobytes()).hexdigest() for column in columns]
