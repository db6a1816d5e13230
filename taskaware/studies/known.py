"""Tables of known scores as tasks of a comparison: an evaluation is a look."""

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from taskaware.data.load import load
from taskaware.errors import UserError
from taskaware.objectives.lookups import table
from taskaware.spaces import Space
from taskaware.strategies import Objective


@dataclasses.dataclass(frozen=True, eq=False)
class KnownTable:
    """A table of known scores, with the names that a comparison asks a task for.

    Attributes:
        name: of the file, without its ending.
        frame: a row for each point.
        decisions, score, test, losses: see `objectives.table`; losses are its `smaller_is_better`.
    """

    name: str
    frame: pd.DataFrame
    decisions: tuple[str, ...]
    score: str
    test: str = ""
    losses: bool = False
    problem: str = "regression"

    @property
    def group(self) -> str:
        return self.name

    @functools.cached_property
    def made(self) -> tuple[Space, Objective]:
        """Space and objective.

        Raises:
            UserError: the table cannot be used, see `objectives.table`.
        """
        return table(
            self.frame,
            self.decisions,
            self.score,
            test=self.test or None,
            smaller_is_better=self.losses,
            name=self.name,
        )

    @property
    def digest(self) -> str:
        """Name of the content."""
        return self.made[1].about.split()[-1]


def known_tables(
    files: Sequence[str], decisions: Sequence[str], score: str, *, test: str, losses: bool
) -> Iterator[KnownTable]:
    """The tables of files.

    Args:
        files: paths of tables, no two of one name.
        decisions, score, test, losses: see `KnownTable`.

    Raises:
        UserError: a file cannot be read, or two have one name.
    """
    names = [Path(file).stem for file in files]
    for file, name in zip(files, names, strict=True):
        if names.count(name) > 1:
            raise UserError(f"Two tables have the name '{name}'. Rename a file, or leave one out.")
        yield KnownTable(name, load(file).frame, tuple(decisions), score, test, losses)
