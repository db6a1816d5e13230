"""Named lists of tasks, each read on demand."""

import csv
import dataclasses
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from taskaware.data.named import group_of, listed
from taskaware.errors import UserError, quoted, unknown
from taskaware.modalities.modality import MODALITIES
from taskaware.modalities.reading import make_task
from taskaware.modalities.single import singles
from taskaware.tasks.task import Task

log = logging.getLogger(__name__)

WORDS = {"tabular": "tables"}
"""What an index may call a modality, beside its name."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """A task that has not been read yet.

    Attributes:
        name: of the task.
        source: what `make_task` reads, or a function that returns it.
        target: name of the target; None if the source says it.
        problem: "classification" or "regression"; None if the source says it.
        relatives: name that it shares with its relatives; "" to look it up by `named.group_of`.
        modality: kind of data; None if the source says it.
    """

    name: str
    source: str | Path | Callable[[], object]
    target: str | None = None
    problem: str | None = None
    relatives: str = ""
    modality: str | None = None

    @property
    def group(self) -> str:
        """Name of its group; groups are held out as a whole."""
        return self.relatives or group_of(self.name)

    def task(self) -> Task:
        """Read it now; `name` and `group` are the entry's."""
        source = self.source() if callable(self.source) else self.source
        task = make_task(source, self.target, problem=self.problem, name=self.name, modality=self.modality)
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
            UserError: the task is unknown; the nearest name is suggested.
        """
        places = {entry.name: entry for entry in self.entries}
        for name in names:
            if name not in places:
                raise unknown(f"task of suite '{self.name}'", name, self.names)
        return dataclasses.replace(self, entries=tuple(places[name] for name in names or self.names))

    def task(self, name: str) -> Task:
        """Read one of the tasks.

        Raises:
            UserError: the task is unknown; the nearest name is suggested.
        """
        return next(iter(self.only(name)))


def bundled_suite() -> Suite:
    """The datasets that come with scikit-learn: no network is needed."""
    return Suite("bundled", tuple(Entry(name, name) for name in listed("bundled")))


def image_suite() -> Suite:
    """The digits of scikit-learn as 1,797 grey images of 8 × 8 pixels: no network is needed."""
    return Suite("bundled-images", (Entry("digits-images", _digits, modality="image"),))


def _digits() -> object:
    from sklearn.datasets import load_digits

    found = load_digits()
    return found.images, found.target


BUNDLED = {"bundled": bundled_suite, "bundled-images": image_suite}
"""Suites that need no folder."""


def suite_named(*names: str, modalities: Sequence[str] = ()) -> Suite:
    """The tasks of these suites, one suite after the other.

    Args:
        names: keys of BUNDLED, or paths of folders (see `folder_suite`).
        modalities: kinds of data that are taken of a folder, see there.

    Raises:
        UserError: there is no such suite, or two of them have a task of the same name.

    >>> len(suite_named("bundled"))
    5
    """
    suites = [BUNDLED[name]() if name in BUNDLED else folder_suite(name, modalities) for name in names]
    entries = tuple(entry for suite in suites for entry in suite.entries)
    twice = sorted(name for name, times in Counter(entry.name for entry in entries).items() if times > 1)
    if twice:
        raise UserError(
            f"Two suites have a task named '{twice[0]}'. Name the suites apart, or leave one out."
        )
    return Suite(" + ".join(suite.name for suite in suites), entries)


def folder_suite(path: str | Path, modalities: Sequence[str] = ()) -> Suite:
    """The tasks of a folder, as its `index.csv` lists them.

    Args:
        path: the folder. Its `index.csv` has the columns name, modality, task (the problem), target, file
            (relative to the folder), and any others. "tabular" is another word for "tables". Tasks with the
            same name in a column group are relatives, which are held out together.
        modalities: rows of these kinds of data are taken. By default all but those with one value in each
            row, such as texts: the shipped experience is of tables.

    Raises:
        UserError: no such index, a column of it is missing, or it lists no task that can be read.
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
    for name in modalities:
        MODALITIES.named(name)
    single = {kind.name for kind in singles()} if not modalities else ()
    modalities = modalities or [name for name in MODALITIES if name not in single]
    found = [(row, _modality(row)) for row in rows if _modality(row) in modalities]
    if missing or not found:
        raise UserError(
            f"'{index}' lists no task that can be read: of the columns {', '.join(needed)} it lacks "
            f"{missing}, and of its {len(rows)} rows {len(found)} are of {', '.join(modalities)}."
        )
    entries = tuple(
        Entry(
            row["name"],
            _inside(folder, row["file"]),
            row["target"],
            row["task"],
            row.get("group") or row.get("origin") or "",
            modality,
        )
        for row, modality in found
    )
    return Suite(folder.name, entries)


def _inside(folder: Path, name: str) -> Path:
    """The path of a file that an index lists.

    Raises:
        UserError: it leads out of the folder: an index from elsewhere must not read the user's other files.
    """
    path = folder / name
    if not name or not path.resolve().is_relative_to(folder.resolve()):
        raise UserError(
            f"'{folder / 'index.csv'}' lists the file {quoted(name)}, which is not in its folder. List "
            "files of the folder, by paths relative to it."
        )
    return path


def smallest(
    names: tuple[str, ...],
    tasks: Sequence[str],
    count: int,
    *,
    bundled: Sequence[str],
    modalities: Sequence[str] = (),
) -> dict:
    """The settings `suite` and `tasks` of a tiny study: the same suites, and their smallest tasks.

    Args:
        names: of the suites, as `suite_named` takes them; one that is not here is left out with a warning, if
            another one is.
        tasks: that were named; () for all.
        count: of tasks that are left.
        bundled: tasks of the bundled suite that are known to be small; if it is the only one, those of them
            that were named.
        modalities: kinds of data, see `folder_suite`.

    Raises:
        UserError: none of the suites is here.

    >>> smallest(("bundled",), (), 1, bundled=["iris"])
    {'suite': ('bundled',), 'tasks': ('iris',)}
    >>> smallest(("bundled",), ("diabetes", "wine"), 2, bundled=["iris"])["tasks"]
    ('diabetes', 'wine')
    """
    there = here(names)
    small = tuple(name for name in bundled if not tasks or name in tasks)
    if there == ("bundled",) and small:
        return {"suite": there, "tasks": small}
    suite = suite_named(*(there or names), modalities=modalities)
    entries = suite.only(*(name for name in tasks if name in suite.names)).entries
    ordered = sorted(entries, key=lambda entry: (_size(entry), entry.name))
    return {"suite": there, "tasks": tuple(entry.name for entry in ordered[:count])}


def here(names: Sequence[str]) -> tuple[str, ...]:
    """The suites that can be read, of those named; a warning names the others, if there are some of both.

    >>> here(["bundled"])
    ('bundled',)
    """
    found = tuple(name for name in names if name in BUNDLED or (Path(name) / "index.csv").is_file())
    missing = [name for name in names if name not in found]
    if found and missing:
        log.warning("The tiny version does without the suite %s, which is not here.", ", ".join(missing))
    return found


def _size(entry: Entry) -> int:
    """Bytes of the file; 0 for a bundled dataset, which are small."""
    if callable(entry.source):
        return 0
    path = Path(entry.source)
    return path.stat().st_size if path.is_file() else 0


def _modality(row: dict[str, str]) -> str:
    word = row.get("modality") or ""
    return WORDS.get(word, word)
