"""The record of a running search: its rounds, its journal (a line of JSON per evaluation), its history."""

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
"""A search ends if its first PATIENCE evaluations all raise an error."""


class Progress(NamedTuple):
    """Progress of a search: evaluations done, budget, best score so far, seconds since it began."""

    done: int
    budget: int
    best_score: float
    seconds: float


class Round(NamedTuple):
    """One round: points (n, D), their outcomes, and the info of the strategy."""

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
        """Record a round; returns its evaluations as plain data."""
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
        """Whether the search ends: the budget is used up, or the first evaluations all raised errors."""
        raised = all(error for block in self.blocks for error in block.outcomes.errors or ())
        return self.count >= self.budget or (self.count >= PATIENCE and raised)

    def history(self) -> History:
        whole = joined([block.outcomes for block in self.blocks])
        names = self.blocks[0].info if self.blocks else {}
        info = {name: np.concatenate([block.info[name] for block in self.blocks]) for name in names}
        notes, blind = [], self.strategy.learns_after
        if self.budget <= blind:
            notes.append(
                f"The budget of {self.budget} ends within the first {blind} evaluations, which are random. "
                "Give a larger budget, or a smaller population."
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
    """Outcomes, concatenated; a column that one part lacks is NaN there, and None if all lack it."""
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
        raise UserError(f"The journal '{path}' belongs to another search. Name a new file.")
    try:
        file = Path(path).open("x", encoding="utf-8")  # noqa: SIM115
    except OSError as error:
        raise StoreError(f"The journal '{path}' cannot be written: {error}.") from error

    def write(rows: list[dict]) -> None:
        try:
            file.writelines(json.dumps(row) + "\n" for row in rows)
            file.flush()
            os.fsync(file.fileno())
        except OSError as error:
            raise StoreError(f"The journal '{path}' cannot be written: {error}.") from error

    with file:
        yield write
