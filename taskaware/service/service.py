"""What a service does for an owner, without HTTP: datasets, recommendations, jobs, models."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from taskaware.errors import UserError
from taskaware.files import atomic_write
from taskaware.recommendation.loading import load_recommendation
from taskaware.recommendation.recommend import recommend
from taskaware.service import datasets
from taskaware.service.datasets import Choices
from taskaware.service.limits import Limits
from taskaware.service.places import ID, KINDS, Places, new_id
from taskaware.service.records import ENDED, WAITING, Records, Row
from taskaware.service.refused import Refused
from taskaware.service.summaries import drawing, of_recommendation, of_task, plain
from taskaware.service.uploads import Upload, Uploads
from taskaware.surrogates import Evaluator
from taskaware.training.model import Model, load_model

HELD = 4
"""Tasks, and models, that stay in memory."""
ANSWERS = 32
"""Recommendations that stay in memory."""

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """The values that were asked for last; each is made once, also where several threads ask for it.

    Args:
        most: values that are held.
    """

    def __init__(self, most: int):
        self._most = most
        self._lock = threading.Lock()
        self._held: OrderedDict[Hashable, tuple[threading.Lock, list[Value]]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The value of a key; made where it is not held."""
        with self._lock:
            own, found = self._held.setdefault(key, (threading.Lock(), []))
            self._held.move_to_end(key)
            while len(self._held) > self._most:
                self._held.popitem(last=False)
        with own:
            if not found:
                found.append(make())
            return found[0]

    def forget(self, holds: Callable[[Any], bool]) -> None:
        """Let go of the values whose key is one of these."""
        with self._lock:
            for key in [key for key in self._held if holds(key)]:
                del self._held[key]


class Service:
    """A folder, its records, and what is done with them. Every method may be called by any thread.

    Args:
        folder: of the service; made where there is none.
        limits: that hold.
        evaluator: that recommends; the shipped one by default.
    """

    def __init__(self, folder: Path, limits: Limits, evaluator: Evaluator | None = None):
        self.places, self.limits, self.evaluator = Places(folder), limits, evaluator
        self.places.make()
        self.records = Records(folder)
        self.uploads = Uploads(self.places, limits)
        self._sweep()
        # What is counted, or looked for, is added or removed before anybody else looks.
        self._counting = threading.Lock()
        self._tasks: Recent[Any] = Recent(HELD)
        self._models: Recent[Model] = Recent(HELD)
        self._answers: Recent[tuple[str, dict[str, Any]]] = Recent(ANSWERS)

    def found(self, table: str, id: str, owner: str) -> Row:
        """A row of the owner.

        Args:
            table: of the row.
            id: of the row.
            owner: who asks.

        Raises:
            Refused: there is none. Whether another owner has one is not told.
        """
        row = self.records.get(table, id, owner) if ID.fullmatch(id) else None
        if row is None:
            raise Refused(404, f"There is no {table[:-1]} of this id. List them: GET /{table}.")
        return row

    def check_room(self, owner: str, more: int) -> None:
        """Nothing, if an owner may keep so many bytes more.

        Raises:
            Refused: there would be too many.
        """
        used, most = self.records.bytes_of(owner) + self.uploads.bytes_of(owner), self.limits.token_bytes
        if used + more > most:
            raise Refused(
                429, f"{used:,} of {most:,} bytes are in use. Delete datasets or models that are done with."
            )

    def add_dataset(self, owner: str, name: str, path: Path, choices: Choices) -> Row:
        """A new dataset of a file that is complete, in its folder in `incoming`.

        Args:
            owner: whose it is.
            name: for people.
            path: of the file; its folder moves.
            choices: of the user.

        Raises:
            Refused, UserError: it is too large, cannot be read, or there are too many.
        """
        try:
            datasets.receive(path, self.limits)
            loaded = datasets.read(path, name, self.limits)
            self._check_target(choices, list(loaded.frame.columns))
            size = sum(each.stat().st_size for each in path.parent.rglob("*") if each.is_file())
            about = {"name": name, "choices": choices.to_dict(), "shape": list(loaded.frame.shape)}
            row = {"id": path.parent.name, "owner": owner, "about": about, "file": path.name, "bytes": size}
            with self._counting:
                self.check_room(owner, size)
                self._check_count("datasets", owner, self.limits.token_datasets)
                path.parent.rename(self.places.dataset(path.parent.name))
                return self.records.add("datasets", row)
        except BaseException:
            datasets.remove(path.parent)
            raise

    def begin_upload(self, owner: str, name: str, length: int) -> Upload:
        """A new upload that comes in parts.

        Args:
            owner: whose it is.
            name: of the file.
            length: bytes that it will have.

        Raises:
            Refused: it is too large or of no known format, or there are too many.
        """
        with self._counting:
            self.check_room(owner, length)
            return self.uploads.begin(owner, name, length)

    def add_upload(self, owner: str, id: str, choices: Choices) -> Row:
        """A new dataset of a complete upload, with its id.

        Args:
            owner: whose it is.
            id: of the upload.
            choices: of the user.

        Raises:
            Refused, UserError: there is none, it is not complete, or as for `add_dataset`.
        """
        # Whether another owner's is written to is not told.
        with self.uploads.held(self.uploads.found(id, owner).id):
            upload = self.uploads.taken(id, owner)
            return self.add_dataset(owner, upload.name, upload.path, choices)

    def choose(self, owner: str, id: str, changes: Mapping[str, Any]) -> Row:
        """Correct what was assumed of a dataset; only what is given changes.

        Args:
            owner: whose it is.
            id: of the dataset.
            changes: fields of `Choices`.

        Raises:
            Refused, UserError: there is no such dataset or column, or a choice does not fit.
        """
        row = self.found("datasets", id, owner)
        choices = Choices.of({**row["about"]["choices"], **changes})
        loaded = self._loaded(row)
        self._check_target(choices, list(loaded.frame.columns))
        datasets.check_choices(loaded, choices, folder=self._is_folder(row))
        about = row["about"] | {"choices": choices.to_dict()}
        self.records.set_about("datasets", id, about)
        return row | {"about": about}

    def described(self, row: Row, offset: int, limit: int) -> dict[str, Any]:
        """Columns of a dataset, its likely target, and what follows from its choices.

        Args:
            row: of the dataset.
            offset, limit: first column, and how many.
        """
        loaded, choices = self._loaded(row), Choices.of(row["about"]["choices"])
        names = list(loaded.frame.columns)
        part = names[offset : offset + limit]
        found: dict[str, Any] = {
            "columns": datasets.columns(loaded, choices, folder=self._is_folder(row), names=part),
            "column_count": len(names),
            "notes": list(loaded.notes),
            "likely_target": loaded.target or datasets.likely_target(names),
            "task": None,
            "error": None,
        }
        if choices.target or loaded.target:
            try:
                found["task"] = of_task(self._task(row, choices))
            except (Refused, UserError) as error:
                found["error"] = {"code": "unusable", "message": str(error)}
        return found

    def recommend(self, owner: str, dataset: str, options: Mapping[str, Any]) -> Row:
        """A new recommendation.

        Args:
            owner: whose it is.
            dataset: its id.
            options: seed, prefer and candidates of `recommend`.

        Raises:
            Refused, UserError: there is no such dataset, or it is not usable.
        """
        row = self.found("datasets", dataset, owner)
        self._check_count("recommendations", owner, self.limits.token_recommendations)
        choices = Choices.of(row["about"]["choices"])

        def answer() -> tuple[str, dict[str, Any]]:
            rec = recommend(self._task(row, choices), evaluator=self.evaluator, **options)
            return rec.to_json(), plain(of_recommendation(rec))

        # The same question has the same answer.
        text, about = self._answers.get((dataset, repr(choices), repr(options)), answer)
        about = about | {"name": row["about"]["name"], "choices": choices.to_dict()}
        id = new_id()
        atomic_write(self.places.recommendation(id), text.encode())
        made = {"id": id, "owner": owner, "about": about, "dataset": dataset}
        return self.records.add("recommendations", made)

    def drawing(self, row: Row) -> str:
        """The network of a recommendation as `<svg>`."""
        return drawing(load_recommendation(self.places.recommendation(row["id"])))

    def source(self, row: Row) -> str:
        """The network of a recommendation as Flax code."""
        return load_recommendation(self.places.recommendation(row["id"])).source()

    def add_job(self, owner: str, recommendation: str, options: Mapping[str, Any]) -> Row:
        """A new job, which waits for a worker.

        Args:
            owner: whose it is.
            recommendation: its id.
            options: of `Recommendation.fit`, and trainings of `refine`.

        Raises:
            Refused: there is no such recommendation, its dataset is gone, or too many jobs wait.
        """
        made = self.found("recommendations", recommendation, owner)
        self.check_room(owner, 0)
        row = {"id": new_id(), "owner": owner, "dataset": made["dataset"], "recommendation": recommendation}
        about = {"name": made["about"]["name"], "options": dict(options), "metric": made["about"]["metric"]}
        row |= {"model": new_id(), "status": WAITING, "about": about}
        with self._counting:
            self.found("datasets", made["dataset"], owner)
            self._check_count("jobs", owner, self.limits.token_jobs)
            return self.records.add("jobs", row)

    def model(self, row: Row) -> Model:
        """A trained model, from memory where it was used lately."""
        return self._models.get(row["id"], lambda: load_model(self.places.model(row["id"])))

    def remove(self, table: str, id: str, owner: str) -> None:
        """Delete a dataset, recommendation or model, or a job that has ended.

        Args:
            table: of the row.
            id: of the row.
            owner: whose it is.

        Raises:
            Refused: there is none, or a job that has not ended needs it.
        """
        row = self.found(table, id, owner)
        if table == "jobs" and row["status"] not in ENDED:
            raise Refused(409, "The job has not ended. Cancel it before: POST /jobs/{id}/cancel.")
        with self._counting:
            if table in ("datasets", "recommendations") and self.records.in_use(table[:-1], id):
                raise Refused(
                    409, f"A job that has not ended needs this {table[:-1]}. Cancel the job before."
                )
            # The row first: files without a row are swept, a row without files would be an error.
            self.records.remove(table, id)
        if table == "datasets":
            for held in (self._tasks, self._answers):
                held.forget(lambda key: key[0] == id)
            datasets.remove(self.places.dataset(id))
        elif table == "recommendations":
            self.places.recommendation(id).unlink(missing_ok=True)
        elif table == "models":
            self._models.forget(lambda key: key == id)
            datasets.remove(self.places.model(id))

    def _sweep(self) -> None:
        """Remove what a kill left: bodies under way, old uploads, and what was not recorded yet."""
        self.uploads.sweep()
        for kind in KINDS:
            for left in (self.places.root / kind).iterdir():
                if kind == "incoming":
                    is_lost = not self.uploads.is_open(left)
                else:
                    is_lost = self.records.get(kind, left.name.partition(".")[0]) is None
                if is_lost:
                    datasets.remove(left) if left.is_dir() else left.unlink()

    def _loaded(self, row: Row) -> Any:
        path, name = self.places.dataset(row["id"], row["file"]), row["about"]["name"]
        return self._tasks.get((row["id"], "frame"), lambda: datasets.read(path, name, self.limits))

    def _task(self, row: Row, choices: Choices) -> Any:
        path, name = self.places.dataset(row["id"], row["file"]), row["about"]["name"]

        def make() -> Any:
            with datasets.worded(path, name):
                return datasets.task_of_loaded(self._loaded(row), choices, folder=self._is_folder(row))

        return self._tasks.get((row["id"], repr(choices)), make)

    def _is_folder(self, row: Row) -> bool:
        return (self.places.dataset(row["id"]) / datasets.FILES).is_dir()

    def _check_count(self, table: str, owner: str, most: int) -> None:
        if self.records.count(table, owner) >= most:
            what = "jobs wait or run" if table == "jobs" else f"{table} are kept"
            raise Refused(429, f"{most:,} {what}; more are not allowed. Delete some, or wait for their end.")

    def _check_target(self, choices: Choices, names: list[str]) -> None:
        for what in ("target", "drop", "kinds", "modalities"):
            for name in getattr(choices, what):
                if name not in names:
                    raise Refused(
                        422,
                        f"{what} names the column {name[:80]!r}, which there is not. "
                        f"Columns: {', '.join(names[:20])}.",
                        "no_column",
                    )
