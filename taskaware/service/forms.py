"""What requests and answers hold: the schemas of the HTTP interface."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from taskaware.service.records import DONE, Row

Names = Annotated[list[str], Meta(max_length=10_000)]
Words = dict[str, str]


class Corrections(Struct, forbid_unknown_fields=True):
    """What is corrected of a dataset; what is left out stays as it is.

    Attributes:
        target: name of the target column, or of several.
        problem: "classification" or "regression"; "" for what the values say.
        metric: that a training chooses the best weights by; "" for the default.
        kinds: kinds of columns by name: numeric, boolean, date, category, text.
        modalities: kinds of data of columns by name: text, image, audio, series, embedding, tables.
        drop: columns that are not used.
    """

    target: str | Names | UnsetType = UNSET
    problem: str | UnsetType = UNSET
    metric: str | UnsetType = UNSET
    kinds: Words | UnsetType = UNSET
    modalities: Words | UnsetType = UNSET
    drop: Names | UnsetType = UNSET

    def changes(self) -> dict[str, Any]:
        """The fields that were given, as `Choices` has them."""
        found = {name: value for name, value in msgspec.structs.asdict(self).items() if value is not UNSET}
        if isinstance(target := found.get("target"), str):
            found["target"] = [target] if target else []
        return found


class Asked(Struct, forbid_unknown_fields=True):
    """A recommendation that is asked for.

    Attributes:
        dataset: its id.
        seed: of all draws.
        candidates: that the answer holds.
        prefer: limits: {"size": "<100k", "macs": "<1M", "latency": "<1ms"}.
    """

    dataset: str
    seed: Annotated[int, Meta(ge=0, lt=2**32)] = 0
    candidates: Annotated[int, Meta(ge=1, le=100)] = 10
    prefer: dict[str, str | int] = {}

    def options(self) -> dict[str, Any]:
        """As `recommend` takes them."""
        found: dict[str, Any] = {"seed": self.seed, "candidates": self.candidates}
        return found | ({"prefer": self.prefer} if self.prefer else {})


class Ordered(Struct, forbid_unknown_fields=True):
    """A training that is ordered; as in `Recommendation.fit`.

    Attributes:
        recommendation: its id.
        trainings: short trainings that refine the recommendation before.
        members: networks that are averaged.
        seconds: most time of the training.
        seed: of splits and first weights.
        validation: share of the rows that choose the best weights.
        patience: evaluations without a better score after which it ends.
    """

    recommendation: str
    trainings: Annotated[int, Meta(ge=1, le=64)] | None = None
    members: Annotated[int, Meta(ge=1, le=50)] | None = None
    seconds: Annotated[float, Meta(gt=0, le=1e6)] | None = None
    seed: Annotated[int, Meta(ge=0, lt=2**32)] | None = None
    validation: Annotated[float, Meta(gt=0, lt=1)] | None = None
    patience: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None

    def options(self) -> dict[str, Any]:
        """Those that were given."""
        found = msgspec.structs.asdict(self)
        return {
            name: value for name, value in found.items() if value is not None and name != "recommendation"
        }


class Dataset(Struct):
    """An uploaded dataset, and what is corrected of it."""

    id: str
    name: str
    created: float
    bytes: int
    rows: int
    columns: int
    choices: dict[str, Any]


class Preview(Struct):
    """What was assumed of a dataset: its columns, its likely target, and with a target the task."""

    dataset: Dataset
    columns: list[dict[str, Any]]
    column_count: int
    notes: list[str]
    likely_target: str | list[str]
    task: dict[str, Any] | None
    error: dict[str, Any] | None


class Recommended(Struct):
    """A recommendation; `answer` has the architecture, the expected score, neighbours and candidates."""

    id: str
    dataset: str
    created: float
    answer: dict[str, Any]


class Job(Struct):
    """A job; `model` is the id of its model when it is done."""

    id: str
    name: str
    recommendation: str
    dataset: str
    status: str
    created: float
    started: float | None
    ended: float | None
    attempts: int
    metric: str
    progress: dict[str, Any] | None
    model: str | None
    error: dict[str, Any] | None


class Trained(Struct):
    """A trained model."""

    id: str
    recommendation: str
    created: float
    bytes: int
    about: dict[str, Any]


class Export(Struct):
    """A form of an export; `reason` says why this model or service cannot give it, and is empty if it can."""

    form: str
    needs: str
    reason: str


class Page(Struct):
    """A part of a list, the newest first; `next` is the value of `before` for the following part."""

    items: list[Any]
    next: int | None


def dataset_of(row: Row) -> Dataset:
    """A row as it is answered."""
    about = row["about"]
    rows, columns = about["shape"]
    return Dataset(row["id"], about["name"], row["created"], row["bytes"], rows, columns, about["choices"])


def recommended_of(row: Row) -> Recommended:
    """A row as it is answered."""
    return Recommended(row["id"], row["dataset"], row["created"], row["about"])


def job_of(row: Row, progress: Row | None = None) -> Job:
    """A row as it is answered."""
    about = row["about"]
    return Job(
        id=row["id"],
        name=about["name"],
        recommendation=row["recommendation"],
        dataset=row["dataset"],
        status=row["status"],
        created=row["created"],
        started=row.get("started"),
        ended=row.get("ended"),
        attempts=row.get("attempts", 0),
        metric=about["metric"],
        progress=progress,
        model=row["model"] if row["status"] == DONE else None,
        error=about.get("error"),
    )


def trained_of(row: Row) -> Trained:
    """A row as it is answered."""
    return Trained(row["id"], row["recommendation"], row["created"], row["bytes"], row["about"])
