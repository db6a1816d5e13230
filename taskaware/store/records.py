"""The records of the store as plain values: tasks, spaces, recipes, and one batch of trainings."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from taskaware import plain
from taskaware.deprecation import renamed_fields
from taskaware.digests import check_digest, points
from taskaware.errors import UserError

OK, DIVERGED, FAILED = "ok", "diverged", "failed"
NUMBERS = ("scores", "test_scores", "losses", "seconds")
LONGEST_ERROR = 2000
LONGEST_NAME, LARGEST = 100_000, 2**63 - 1
"""Characters of a name, and the largest count, that a reader accepts."""
OLDER_NAMES = {"origin": "group", "kind": "problem"}
DEFAULT_TYPE = "mixture"


@renamed_fields(origin="group", kind="problem")
@dataclasses.dataclass(frozen=True)
class TaskRecord:
    """A task, as a row of the store.

    Attributes:
        digest: 16 hex digits that name its content.
        name: for people.
        group: name of the real task it is a variant of; its own name otherwise.
        problem: "classification", "regression", ...
        metric: name of its own score; a training may be scored in another one.
        rows: rows of the task.
        features: columns without the target.
        outputs: numbers that a network gives for a row.
        info: anything else, plain data.
        added: when it came into the store, UTC ISO 8601; empty until then.
    """

    digest: str
    name: str
    group: str
    problem: str
    metric: str
    rows: int
    features: int
    outputs: int
    info: Mapping = dataclasses.field(default_factory=dict)
    added: str = ""

    @classmethod
    def from_dict(cls, fields: Mapping) -> "TaskRecord":
        """The record of these fields; what was written before version 0.2 has older names.

        Raises:
            UserError: a field is not what may stand there.
        """
        fields = plain.table("the task", fields)
        return checked_task(cls(**{OLDER_NAMES.get(name, name): value for name, value in fields.items()}))


@dataclasses.dataclass(frozen=True)
class SpaceRecord:
    """A space of architectures.

    Attributes:
        digest: 16 hex digits that name its definition.
        name: for people.
        definition: plain data, what `to_dict` of the space gives.
    """

    digest: str
    name: str
    definition: Mapping = dataclasses.field(default_factory=dict)

    @property
    def type(self) -> str:
        """Name of its type, the entry "type" of the definition; "mixture" where there is none.

        >>> SpaceRecord("0" * 16, "compact").type, SpaceRecord("1" * 16, "bits", {"type": "bit-string"}).type
        ('mixture', 'bit-string')
        """
        return str(self.definition.get("type", DEFAULT_TYPE))


@dataclasses.dataclass(frozen=True)
class RecipeRecord:
    """How architectures were trained: steps, batch size, code version, ...; plain data and its digest."""

    digest: str
    definition: Mapping


@dataclasses.dataclass(frozen=True)
class TrainingKey:
    """The key of a training.

    Attributes:
        task: digest of the task.
        architecture: digest of the architecture, from `architecture_digests`.
        recipe: digest of the recipe.
        seed: of the training.
        metric: name of its score; "" is the task's own.
    """

    task: str
    architecture: str
    recipe: str
    seed: int
    metric: str = ""


@dataclasses.dataclass(frozen=True, eq=False)
class Trainings:
    """A batch of n trainings on one task in one metric, column by column; `Store.append` takes it.

    A training with an error text is 'failed', one without a finite score is 'diverged', any other is 'ok'.

    Attributes:
        task: digest of the task.
        space: digest of the space.
        recipe: digest of the recipe.
        u: (n, D) architectures, points of the space; or, where the points of the space differ in length, a
            list of n vectors. Finite.
        seeds: (n,) integers, or one for all.
        scores: (n,) validation scores, larger is better; NaN where the candidate diverged.
        test_scores: (n,) scores on the test rows; NaN or None where unknown.
        losses: (n,) validation losses; NaN or None where unknown.
        seconds: (n,) what each training took, or one number for all; NaN or None where unknown.
        errors: n texts, None where the training ran to its end; empty when all did.
        strategy: name of what proposed the architectures.
        code_version: version of the code that trained them.
        metric: name of the score; "" is the task's own. The same training in another metric is another row.
        parents: n digests of the architectures that these were made from, None where there is none; empty
            when none has a parent.
        births: (n,) order numbers within the search that proposed them, from 0; None outside a search.
    """

    task: str
    space: str
    recipe: str
    u: np.ndarray | Sequence[ArrayLike]
    seeds: ArrayLike
    scores: ArrayLike
    test_scores: ArrayLike | None = None
    losses: ArrayLike | None = None
    seconds: ArrayLike | None = None
    errors: Sequence[str | None] = ()
    strategy: str = ""
    code_version: str = ""
    metric: str = ""
    parents: Sequence[str | None] = ()
    births: ArrayLike | None = None

    @property
    def statuses(self) -> list[str]:
        """'ok', 'diverged' or 'failed' of each training of a `checked` batch, n of them."""
        found = [OK if finite else DIVERGED for finite in np.isfinite(self.scores)]
        return [FAILED if error else status for status, error in zip(found, self.errors, strict=True)]


def checked(batch: Trainings) -> Trainings:
    """The batch with every column an array of its type and n entries.

    Returns:
        u as `points` gives it, seeds and births int64, the other numbers float32 with NaN for every number
        that is not finite, n error texts and n parents; births stays None where it is.

    Raises:
        UserError: a digest is none, a column has another length than u, seeds or births are no integers, or
            an architecture is not finite.

    >>> batch = Trainings("0" * 16, "1" * 16, "2" * 16, u=[[0.5, 1.0]], seeds=7, scores=[float("inf")])
    >>> checked(batch).statuses
    ['diverged']
    """
    for what in ("task", "space", "recipe"):
        check_digest(what, getattr(batch, what))
    u = points(batch.u)
    columns: dict[str, Any] = {name: _numbers(name, getattr(batch, name), len(u)) for name in NUMBERS}
    columns["errors"] = tuple(
        text(error)[:LONGEST_ERROR] if error else None for error in _listed("errors", batch.errors, len(u))
    )
    columns["scores"][[error is not None for error in columns["errors"]]] = np.nan
    columns["parents"] = tuple(
        None if parent is None else check_digest("parent", parent)
        for parent in _listed("parents", batch.parents, len(u))
    )
    columns |= {name: text(getattr(batch, name)) for name in ("strategy", "code_version", "metric")}
    columns["seeds"] = seeds_of(batch.seeds, len(u))
    columns["births"] = None if batch.births is None else _births(batch.births, len(u))
    return dataclasses.replace(batch, u=u, **columns)


def checked_task(record: TaskRecord) -> TaskRecord:
    """The record itself, as it was read, if every field is what may stand there.

    Raises:
        UserError: one is not; it is named.
    """
    check_digest("task", record.digest)
    for field in ("name", "group", "problem", "metric", "added"):
        plain.name(f"{field} of a task", getattr(record, field), longest=LONGEST_NAME)
    for field in ("rows", "features", "outputs"):
        plain.whole(f"{field} of a task", getattr(record, field), high=LARGEST)
    plain.table("info of a task", record.info)
    return record


def checked_space(record: SpaceRecord) -> SpaceRecord:
    """The record itself, as it was read; what its definition means, `space_from` checks.

    Raises:
        UserError: a field is not what may stand there; it is named.
    """
    check_digest("space", record.digest)
    plain.name("name of a space", record.name, longest=LONGEST_NAME)
    plain.table("definition of a space", record.definition)
    return record


def checked_recipe(record: RecipeRecord) -> RecipeRecord:
    """The record itself, as it was read.

    Raises:
        UserError: a field is not what may stand there; it is named.
    """
    check_digest("recipe", record.digest)
    plain.table("definition of a recipe", record.definition)
    return record


def seeds_of(seeds: ArrayLike, count: int) -> np.ndarray:
    """Seeds as (count,) int64; one seed is taken for all.

    Raises:
        UserError: they are no integers of 64 bits, or another number of them.
    """
    return _integers("seeds", seeds, count)


def text(value: object) -> str:
    """A string that any database can hold: no NUL, no half of a surrogate pair.

    >>> text("a\\0b")
    'ab'
    """
    return str(value).replace("\0", "").encode("utf-8", "replace").decode()


def _births(births: ArrayLike, count: int) -> np.ndarray:
    found = _integers("births", births, count)
    if (found < 0).any():
        raise UserError(f"A birth is an order number from 0, but {found.min()} was given.")
    return found


def _integers(name: str, values: ArrayLike, count: int) -> np.ndarray:
    found = np.asarray(values)
    if found.dtype.kind not in "iu" or (found.size and found.max() > np.iinfo(np.int64).max):
        raise UserError(f"'{name}' are integers below 2**63, but {found.dtype} was given.")
    return _column(name, found, count).astype(np.int64)


def _listed(name: str, values: Sequence, count: int) -> tuple:
    """The values, or None for each of `count` where there are none."""
    found = tuple(values) or (None,) * count
    if len(found) != count:
        raise UserError(f"'{name}' has {len(found)} entries for {count} architectures. Give one for each.")
    return found


def _numbers(name: str, values: ArrayLike | None, count: int) -> np.ndarray:
    with np.errstate(over="ignore"):
        found = np.asarray(np.nan if values is None else values, np.float32)
    column = _column(name, found, count)
    return np.where(np.isfinite(column), column, np.float32(np.nan))


def _column(name: str, values: np.ndarray, count: int) -> np.ndarray:
    if values.ndim == 0:
        return np.full(count, values)
    if values.shape != (count,):
        raise UserError(f"'{name}' has the shape {values.shape}; allowed: ({count},).")
    return values
