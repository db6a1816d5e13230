"""Every evaluation of a search, and the best of them."""

import dataclasses
import html
import io
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from taskaware.errors import UserError, unknown
from taskaware.spaces import Space, decided

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Evaluation(NamedTuple):
    """One evaluation of a search.

    Attributes:
        point: (D,).
        score: larger is better; -inf if it diverged.
        number: of the evaluation, from 0.
        test_score: on rows that the search does not use; None if the objective has none.
        decisions: the point's choice for each decision of the space, by name.
    """

    point: Float[np.ndarray, " D"]
    score: float
    number: int
    test_score: float | None
    decisions: dict[str, object]


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class History:
    """n evaluations, in the order of their ends.

    Attributes:
        space: of the points.
        points: (n, D).
        scores: larger is better; -inf where a point diverged, (n,).
        seconds: run time of each, (n,).
        test_scores: (n,), or None.
        errors: text of the error that each evaluation raised, "" without one, n of them.
        info: further columns by name, (n,) each: "parent" (number of an evaluation, -1 without
            one), "loss", ...
        notes: for people.
        stopped: whether Ctrl-C ended the search.
        ended: what ended it: "budget", "seconds", "threshold", "errors" (all of the first evaluations raised
            one), "interrupted", or "asked for no more".
        control: a random search of as many evaluations, where one was asked for.
    """

    space: Space
    points: Float[np.ndarray, "n D"]
    scores: Float[np.ndarray, " n"]
    seconds: Float[np.ndarray, " n"]
    test_scores: Float[np.ndarray, " n"] | None = None
    errors: tuple[str, ...] = ()
    info: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()
    stopped: bool = False
    ended: str = "budget"
    control: "History | None" = None

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def diverged(self) -> np.ndarray:
        """Mask of the points without a value, (n,)."""
        return ~np.isfinite(self.scores)

    @property
    def best(self) -> Evaluation:
        """The evaluation with the largest score; the first of equal ones.

        Raises:
            UserError: all points diverged.
        """
        if not len(self) or self.diverged.all():
            raise UserError(f"None of the {len(self)} evaluations has a value. Read .errors for the cause.")
        place = int(np.argmax(self.scores))
        test = None if self.test_scores is None else float(self.test_scores[place])
        meant = {name: column[0] for name, column in decided(self.space, self.points[[place]]).items()}
        return Evaluation(self.points[place], float(self.scores[place]), place, test, meant)

    @property
    def history(self) -> pd.DataFrame:
        """The same as `to_frame()`."""
        return self.to_frame()

    @property
    def best_so_far(self) -> Float[np.ndarray, " n"]:
        """The largest score up to each evaluation; -inf while all diverged."""
        return np.maximum.accumulate(self.scores)

    def front(self, *aims: str) -> pd.DataFrame:
        """The evaluations that no other beats in all of several aims: the Pareto front, best score first.

        Args:
            aims: columns of the history; larger is better, or smaller where a "-" comes before the name.
                By default the score.

        Raises:
            UserError: there is no such column, or it holds no numbers.

        >>> from taskaware.spaces import choices
        >>> points, sizes = np.array([[0], [1], [2]], np.float32), np.array([1.0, 3.0, 2.0])
        >>> scores = np.array([0.5, 0.6, 0.9])
        >>> found = History(choices(width=[8, 16, 32]), points, scores, sizes, info={"parameters": sizes})
        >>> found.front("score", "-parameters")["width"].tolist()
        [32, 8]
        """
        frame = self.to_frame()
        costs = []
        for aim in aims or ("score",):
            name = aim.removeprefix("-")
            if name not in frame or frame[name].dtype.kind not in "biuf":
                raise unknown("aim", name, frame.columns[[each.kind in "biuf" for each in frame.dtypes]])
            column = frame[name].to_numpy(float)
            costs.append(column if aim.startswith("-") else -column)
        cost = np.stack(costs, 1)
        kept = np.flatnonzero(np.isfinite(cost).all(1) & ~self.diverged)
        kept = kept[np.lexsort(cost[kept].T[::-1])]
        front: list[int] = []
        for row in kept:
            # Sorted by the first aim, an evaluation can only be beaten by earlier ones.
            if not any((cost[each] <= cost[row]).all() for each in front):
                front.append(int(row))
        return frame.iloc[front].reset_index(drop=True)

    def to_frame(self) -> pd.DataFrame:
        """A row for each evaluation: number, score, test, seconds, the decisions by name, and `info`.

        Scores of diverged points are missing. There is a column `error` if any evaluation raised one.
        """
        columns = {"evaluation": np.arange(len(self)), "score": _finite(self.scores)}
        if self.test_scores is not None:
            columns["test"] = _finite(self.test_scores)
        columns["seconds"] = self.seconds
        frame = pd.DataFrame(columns | decided(self.space, self.points) | self.info)
        return frame.assign(error=list(self.errors)) if any(self.errors) else frame

    def plot(self) -> "Figure":
        """Each score, and the best so far, over the evaluations."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(6.4, 3.4), layout="constrained")
        axes, number = figure.add_subplot(), np.arange(1, len(self) + 1)
        axes.plot(number, _finite(self.scores), ".", color="0.6", label="each evaluation")
        axes.step(number, _finite(self.best_so_far), where="post", label="best so far")
        axes.set(xlabel="evaluations", ylabel="score")
        axes.legend()
        return figure

    def __repr__(self) -> str:
        count, lost = len(self), int(self.diverged.sum())
        head = f"History of {count} evaluations of '{self.space.name}'" + ", stopped early" * self.stopped
        head += f", {lost} of them diverged" * bool(lost)
        if lost == count:
            return "\n".join([head + ".", *self.notes])
        best = self.best
        test = "" if best.test_score is None else f" (test {best.test_score:.4g})"
        line = f"Best: {best.score:.4g}{test}, evaluation {best.number}."
        if self.control is not None and not self.control.diverged.all():
            line += f" Random search: {self.control.best.score:.4g}."
        return "\n".join([head + ".", line, *self.notes, self._hint()])

    def _hint(self) -> str:
        return "See .best, .to_frame() and .plot()."

    def _repr_html_(self) -> str:
        head = "".join(f"<div>{html.escape(line)}</div>" for line in repr(self).splitlines())
        drawing = io.StringIO()
        self.plot().savefig(drawing, format="svg")
        svg = drawing.getvalue()
        best = self.to_frame().sort_values("score", ascending=False, kind="stable").head(5)
        return f"<div>{head}{svg[svg.index('<svg') :]}{best.to_html(index=False)}</div>"


class AllDiverged(UserError):
    """No evaluation of a search has a value; `history` holds them all."""

    def __init__(self, history: History):
        first = next((error for error in history.errors if error), "")
        cause = f"The first error: {first}" if first else "Every score was NaN or infinite."
        super().__init__(
            f"All {len(history)} evaluations diverged. {cause} Try the objective on one point of "
            f"`space.sample(jax.random.key(0), 1)`."
        )
        self.history = history


def _finite(scores: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(scores), scores, np.nan)
