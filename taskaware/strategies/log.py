"""What a search has done so far: its rounds, a line of JSON for each evaluation, and the history of them."""

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast

import jax
import numpy as np

from taskaware.errors import StoreError, UserError
from taskaware.spaces import Space
from taskaware.strategies.history import History
from taskaware.strategies.objective import DIVERGED, Outcomes
from taskaware.strategies.strategy import Strategy

PATIENCE = 20
"""A search whose first so many evaluations all raise an error is given up."""


class Progress(NamedTuple):
    """How far a search is: evaluations done, of the budget, the best score so far, seconds since it began."""

    done: int
    budget: int
    best_score: float
    seconds: float


class Round(NamedTuple):
    """What came of one ask: its points (n, D), their outcomes, and what the strategy says of them."""

    points: Any
    outcomes: Outcomes
    info: dict[str, Any]


class Log:
    """The rounds so far, cut to the budget."""

    def __init__(self, space: Space, budget: int, strategy: Strategy):
        self.space, self.budget, self.strategy = space, budget, strategy
        self.blocks: list[Round] = []
        self.count, self.stopped, self.best = 0, False, DIVERGED
        self.began = self.last = time.perf_counter()

    def add(self, block: Round) -> list[dict]:
        """Take up a round; its evaluations as plain data."""
        size = min(len(block.points), self.budget - self.count)
        now, errors = time.perf_counter(), block.outcomes.errors
        block = jax.tree.map(
            lambda leaf: np.asarray(leaf)[:size],
            block._replace(outcomes=block.outcomes._replace(errors=None)),
        )
        found = block.outcomes
        took = np.full(size, (now - self.last) / max(size, 1)) if found.seconds is None else found.seconds
        raised = (errors or ("",) * size)[:size]
        found = found._replace(seconds=took, errors=raised)
        self.blocks.append(block._replace(outcomes=found))
        self.best = max(self.best, float(found.score.max(initial=DIVERGED)))
        first, self.count, self.last = self.count, self.count + size, now
        return [
            {
                "evaluation": first + row,
                "point": block.points[row].tolist(),
                "score": float(found.score[row]) if np.isfinite(found.score[row]) else None,
                "error": raised[row] or None,
            }
            for row in range(size)
        ]

    def progress(self) -> Progress:
        return Progress(self.count, self.budget, self.best, self.last - self.began)

    def ended(self) -> bool:
        """Whether it is at its end: the budget is spent, or nothing but errors came in the beginning."""
        raised = all(error for block in self.blocks for error in block.outcomes.errors or ())
        return self.count >= self.budget or (self.count >= PATIENCE and raised)

    def history(self) -> History:
        whole = joined([block.outcomes for block in self.blocks])
        names = self.blocks[0].info if self.blocks else {}
        info = {name: np.concatenate([block.info[name] for block in self.blocks]) for name in names}
        notes, blind = [], self.strategy.learns_after
        if self.budget <= blind:
            notes.append(
                f"The budget of {self.budget} ends before the strategy has its first {blind} evaluations, "
                "which it draws blindly. Give more, or a smaller population."
            )
        return History(
            self.space,
            np.concatenate([block.points for block in self.blocks]),
            np.asarray(whole.score, float),
            np.asarray(whole.seconds, float),
            None if whole.test_score is None else np.asarray(whole.test_score, float),
            whole.errors or (),
            info | (whole.more or {}),
            tuple(notes),
            self.stopped,
        )


def joined(parts: list[Outcomes]) -> Outcomes:
    """Outcomes one after the other; what one of them lacks is NaN there, or None if all do."""
    sizes = [len(part.score) for part in parts]

    def column(values: list[Any]) -> np.ndarray | None:
        if all(value is None for value in values):
            return None
        missing = (np.full(size, np.nan) for size in sizes)
        return np.concatenate([m if v is None else v for v, m in zip(values, missing, strict=True)])

    errors = [part.errors or ("",) * size for part, size in zip(parts, sizes, strict=True)]
    names = sorted({name for part in parts for name in part.more or {}})
    more = {name: column([(part.more or {}).get(name) for part in parts]) for name in names}
    return Outcomes(
        cast(np.ndarray, column([part.score for part in parts])),
        column([part.test_score for part in parts]),
        column([part.seconds for part in parts]),
        errors=sum(errors, ()),
        more=more or None,
    )


@contextlib.contextmanager
def writing(path: str | os.PathLike | None) -> Iterator[Callable[[list[dict]], None]]:
    """A function that writes evaluations to a new file."""
    if path is None:
        yield lambda rows: None
        return
    if Path(path).exists():
        raise UserError(f"The journal '{path}' is that of another search. Name a new file.")
    try:
        file = Path(path).open("x", encoding="utf-8")  # noqa: SIM115
    except OSError as error:
        raise StoreError(f"The journal '{path}' cannot be written: {error}.") from error

    def write(rows: list[dict]) -> None:
        try:
            file.writelines(json.dumps(row) + "\n" for row in rows)
            file.flush()
        except OSError as error:
            raise StoreError(f"The journal '{path}' cannot be written: {error}.") from error

    with file:
        yield write
