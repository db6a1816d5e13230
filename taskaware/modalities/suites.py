"""Named lists of tasks, read one by one when they are wanted."""

import csv
import dataclasses
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from taskaware.errors import UserError, unknown
from taskaware.modalities.reading import make_task
from taskaware.tasks.task import Task

GROUPS = {
    "autos": "autos",
    "autohorse": "autos",
    "autoprice": "autos",
    "breast-cancer": "breast-cancer",
    "wisconsin": "breast-cancer",
    "cholesterol": "heart",
    "cleveland": "heart",
    "heart.c": "heart",
    "heart.h": "heart",
    "heart.statlog": "heart",
    "column2C": "column",
    "column3C": "column",
    "digits": "optdigits",
    "optdigits": "optdigits",
    "hypothyroid": "thyroid",
    "sick": "thyroid",
    "wine-quality": "wine-quality",
    "winequality-red": "wine-quality",
    "winequality-white": "wine-quality",
}
"""Tasks that are relatives, by name: they must be held out together. A task not named here is its own group.

Candidates came from comparing every pair of tables: numeric columns were paired by the overlap of their
values' distributions, and rows equal in up to five paired columns were counted, against the count after the
columns had been shuffled. The candidates, and tables with near names, were then compared on the columns that
correspond by meaning, a missing value being equal to another:

    first / second              columns  of the first's rows in the second, and the reverse
    autos / autohorse                10   99%  100%   (numeric ones; the rest is coded differently)
    autos / autoprice                14   78%  100%
    column2C / column3C               6  100%  100%
    hypothyroid / sick               29  100%  100%
    cleveland / cholesterol           5  100%  100%
    heart.c / cleveland               5  100%   99.7%  (one row differs)
    heart.c / heart.statlog           5   89%   99.6%
    digits / optdigits               64  100%   32%
    wisconsin / breast-cancer        30   80% of the first: all thirty measurements stand in one row there

Related without shared rows, by the same study and (nearly) the same columns: heart.h with heart.c (another
hospital; 0 rows), winequality-red with winequality-white (0.2%). "wine-quality" (OpenML) joins both by its
description; it was not compared. Not related by rows, and left apart: ailerons with delta.elevators (0 rows
on the 4 columns they share); ailerons with delta.ailerons, and the two deltas with each other, no more than
when shuffled on the one column each pair shares by name. Tables of categories only were not paired.
"""


@dataclasses.dataclass(frozen=True)
class Entry:
    """A task that has not been read yet.

    Attributes:
        name: of the task.
        source: what `make_task` reads.
        target: name of the target; None if the source says it.
        problem: "classification" or "regression"; None if the source says it.
        relatives: name that it shares with its relatives; "" for what `GROUPS` says.
    """

    name: str
    source: str | Path
    target: str | None = None
    problem: str | None = None
    relatives: str = ""

    @property
    def group(self) -> str:
        """Whatever is held out is held out by this name."""
        return self.relatives or GROUPS.get(self.name, self.name)

    def task(self) -> Task:
        """Read it now; `name` and `group` are the entry's."""
        task = make_task(self.source, self.target, problem=self.problem, name=self.name)
        return dataclasses.replace(task, group=self.group)


@dataclasses.dataclass(frozen=True)
class Suite:
    """A named list of tasks.

    >>> suite = bundled_suite()
    >>> suite.names
    ('iris', 'wine', 'breast-cancer', 'digits', 'diabetes')
    >>> suite.task("wine").rows
    178
    """

    name: str
    entries: tuple[Entry, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(entry.name for entry in self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Task]:
        """The tasks, each read when it is reached."""
        return (entry.task() for entry in self.entries)

    def only(self, *names: str) -> "Suite":
        """The tasks of these names, in this order; all of them if none is named.

        Raises:
            UserError: no such task; names the nearest.
        """
        places = {entry.name: entry for entry in self.entries}
        for name in names:
            if name not in places:
                raise unknown(f"task of suite '{self.name}'", name, self.names)
        return dataclasses.replace(self, entries=tuple(places[name] for name in names or self.names))

    def task(self, name: str) -> Task:
        """Read one of the tasks.

        Raises:
            UserError: no such task; names the nearest.
        """
        return next(iter(self.only(name)))


def bundled_suite() -> Suite:
    """The five data sets that come with scikit-learn: no network is needed."""
    names = ("iris", "wine", "breast-cancer", "digits", "diabetes")
    return Suite("bundled", tuple(Entry(name, name) for name in names))


def suite_named(*names: str) -> Suite:
    """The tasks of these suites, one suite after the other.

    Args:
        names: "bundled", or paths of folders (see `folder_suite`).

    Raises:
        UserError: there is no such suite, or two of them have a task of the same name.

    >>> len(suite_named("bundled"))
    5
    """
    suites = [bundled_suite() if name == "bundled" else folder_suite(name) for name in names]
    entries = tuple(entry for suite in suites for entry in suite.entries)
    twice = sorted(name for name, times in Counter(entry.name for entry in entries).items() if times > 1)
    if twice:
        raise UserError(
            f"Two suites have a task named '{twice[0]}'. Name the suites apart, or leave one out."
        )
    return Suite(" + ".join(suite.name for suite in suites), entries)


def folder_suite(path: str | Path) -> Suite:
    """The tables of a folder, as its `index.csv` lists them.

    Args:
        path: the folder. Its `index.csv` has the columns name, modality, task (the problem), target, file
            (relative to the folder), and any others; only rows of modality "tabular" are taken. Tables with
            the same name in a column group are relatives, which are held out together.

    Raises:
        UserError: no such index, a column of it is missing, or it lists no table.
    """
    folder = Path(path)
    index = folder / "index.csv"
    if not index.is_file():
        raise UserError(
            f"There is no '{index}'. A suite is 'bundled', or a folder whose index.csv lists its files."
        )
    with index.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    needed = ("name", "modality", "task", "target", "file")
    missing = [column for column in needed if rows and column not in rows[0]]
    tables = [row for row in rows if row.get("modality") == "tabular"]
    if missing or not tables:
        raise UserError(f"'{index}' lists no table ({', '.join(needed)} are needed; missing: {missing}).")
    entries = tuple(
        Entry(
            row["name"],
            folder / row["file"],
            row["target"],
            row["task"],
            row.get("group") or row.get("origin") or "",
        )
        for row in tables
    )
    return Suite(folder.name, entries)
