"""What a service keeps, as a client holds it."""

import contextlib
import io
import json
import os
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
import pandas as pd

from taskaware.errors import EngineError, UserError
from taskaware.files import atomic_folder, expanded, refuse_existing
from taskaware.progress import tqdm
from taskaware.service.sending import opened
from taskaware.service.wire import Wire

if TYPE_CHECKING:
    from taskaware.recommendation.recommendation import Recommendation
    from taskaware.training.model import Model

PATIENCE = 60.0
"""Seconds that `wait` goes on asking a service that does not answer, as one that is started again."""
_ENDED = ("done", "failed", "cancelled")
_PAUSE = 0.5


class Remote:
    """Something that a service keeps.

    Attributes:
        about: what the service answered about it, plain data.
    """

    kind = ""

    def __init__(self, wire: Wire, about: dict[str, Any]):
        self._wire, self.about = wire, about

    @property
    def id(self) -> str:
        """Its id in the service."""
        return str(self.about["id"])

    def delete(self) -> None:
        """Delete it in the service."""
        self._wire.request("DELETE", self._path())

    def _path(self, more: str = "") -> str:
        return f"/{self.kind}/{self.id}{more}"


class RemoteDataset(Remote):
    """A dataset that was uploaded."""

    kind = "datasets"

    def __repr__(self) -> str:
        rows, columns = self.about["rows"], self.about["columns"]
        return f"<dataset {self.about['name']!r}, {rows:,} rows, {columns:,} columns>"

    def preview(self) -> dict[str, Any]:
        """What was assumed of its columns, and the task with its target."""
        return dict(self._wire.request("GET", self._path("/preview")).json())

    def correct(self, **corrections: Any) -> "RemoteDataset":
        """Change what was assumed; what is left out stays as it is.

        Args:
            corrections: target, problem, metric, kinds, modalities and drop, as in `recommend`.

        Raises:
            UserError: there is no such column, or a choice does not fit.
        """
        self.about = self._wire.request("PATCH", self._path(), json=corrections).json()
        return self


class RemoteRecommendation(Remote):
    """A recommendation of the service."""

    kind = "recommendations"

    def __repr__(self) -> str:
        return f"<{self.architecture}; expected {self.about['answer']['metric']} {self.predicted_score:.3f}>"

    @property
    def architecture(self) -> str:
        """The recommended architecture in one line."""
        return str(self.about["answer"]["architecture"])

    @property
    def predicted_score(self) -> float:
        """Expected validation score, in the metric's unit."""
        return float(self.about["answer"]["predicted_score"])

    @property
    def uncertainty(self) -> float:
        """One standard deviation of the expected score."""
        return float(self.about["answer"]["uncertainty"])

    def load(self) -> "Recommendation":
        """The recommendation itself, as `taskaware.recommend` gives it."""
        from taskaware.recommendation.loading import load_recommendation

        with tempfile.TemporaryDirectory(prefix="taskaware-") as folder:
            path = Path(folder) / "recommendation.json"
            path.write_bytes(self._wire.request("GET", self._path("/file")).content)
            return load_recommendation(path)


class RemoteJob(Remote):
    """A training that the service does."""

    kind = "jobs"

    def __repr__(self) -> str:
        return f"<job {self.id}, {self.about['status']}>"

    @property
    def status(self) -> str:
        """waiting, running, done, failed or cancelled; asked anew each time."""
        self.about = self._wire.request("GET", self._path()).json()
        return str(self.about["status"])

    def cancel(self) -> None:
        """Stop it."""
        self.about = self._wire.request("POST", self._path("/cancel")).json()

    def events(self, after: int = 0) -> Iterator[dict[str, Any]]:
        """What happens, as it happens, until the job has ended; each event has its number in "id".

        Args:
            after: only events with a larger number.
        """
        number = after
        with self._wire.stream(self._path(f"/events?after={after}")) as answer:
            for line in answer.iter_lines():
                name, _, value = line.partition(": ")
                if name == "id":
                    number = int(value)
                elif name == "data":
                    yield json.loads(value) | {"id": number}

    def wait(self, *, progress: bool | None = None) -> "RemoteModel":
        """Wait for the end; a service that is started again in the meantime is waited for.

        Args:
            progress: whether to show a bar; by default where there is a terminal.

        Raises:
            UserError: the data cannot be trained on; the message says what to change.
            EngineError: the job failed or was cancelled, or the service does not answer.
        """
        number, patient = 0, time.monotonic()
        bar = tqdm(unit="step", desc="training", disable=None if progress is None else not progress)
        with contextlib.closing(bar):
            while (status := self._now(patient)) not in _ENDED:
                with contextlib.suppress(EngineError):
                    for event in self.events(number):
                        number, patient = event["id"], time.monotonic()
                        if event["event"] == "progress":
                            bar.total, bar.n = event["steps"], event["step"]
                            bar.set_postfix(score=event["shown"])
                time.sleep(_PAUSE)
        if status == "done":
            found = self._wire.request("GET", f"/models/{self.about['model']}").json()
            return RemoteModel(self._wire, found)
        error = self.about["error"] or {"code": status, "message": "The job was cancelled."}
        raise (UserError if error["code"] == "unusable" else EngineError)(error["message"])

    def _now(self, patient: float) -> str:
        """The status; "" where the service does not answer for the moment."""
        try:
            return self.status
        except EngineError:
            if time.monotonic() - patient > PATIENCE:
                raise
            return ""


class RemoteModel(Remote):
    """A trained model of the service."""

    kind = "models"

    def __repr__(self) -> str:
        about = self.about["about"]
        return f"<model for {about['target']}, {about['score_text']} on validation rows>"

    def predict(self, rows: Any) -> np.ndarray:
        """As `Model.predict`: labels or numbers, (N,); of several outputs (N, K).

        Args:
            rows: a frame, a dict of columns, or the path of a file.

        Raises:
            UserError: the rows are not usable; the message says what to change.
        """
        found = self.predict_frame(rows)
        return found.iloc[:, 0].to_numpy() if found.shape[1] == 1 else found.to_numpy()

    def predict_proba(self, rows: Any) -> np.ndarray:
        """As `Model.predict_proba`: probability of each class, (N, classes).

        Args:
            rows: as for `predict`.
        """
        found = self.predict_frame(rows, proba=True)
        return found.iloc[:, len(self.about["about"]["target"]) :].to_numpy()

    def predict_frame(self, rows: Any, *, proba: bool = False) -> pd.DataFrame:
        """Predictions as a frame, in the order of the rows.

        Args:
            rows: as for `predict`.
            proba: whether the probability of each class follows.
        """
        import pyarrow as pa

        params = {"proba": str(proba).lower(), "format": "arrow"}
        with opened(rows, None) as (file, name):
            found = self._wire.request(
                "POST", self._path("/predict"), params=params | {"name": name}, content=file
            )
        frame = pa.ipc.open_stream(found.content).read_pandas()
        return frame.set_axis(rows.index) if isinstance(rows, pd.DataFrame) else frame

    def load(self) -> "Model":
        """The model itself, in this process."""
        from taskaware.training.model import load_model

        with tempfile.TemporaryDirectory(prefix="taskaware-") as folder:
            return load_model(self.save(Path(folder) / "model"))

    def save(self, folder: str | os.PathLike) -> Path:
        """Download it to a new folder, which `taskaware.load_model` reads.

        Raises:
            UserError: the folder exists.
        """
        return self._unpacked(folder, "/file")

    def exports(self) -> dict[str, str]:
        """Forms of `export`, each with the reason why it cannot be given; empty if it can."""
        found = self._wire.request("GET", self._path("/exports")).json()
        return {each["form"]: each["reason"] for each in found}

    def export(self, folder: str | os.PathLike, *, to: str = "numpy") -> Path:
        """Download an export to a new folder, for programs that have no taskaware; see `Model.export`.

        Args:
            folder: to be made.
            to: "numpy", "onnx", "safetensors" or "stablehlo".

        Raises:
            UserError: the folder exists, or this model or the service has no such form; the message says why.
        """
        return self._unpacked(folder, f"/exports/{quote(to, safe='')}")

    def _unpacked(self, folder: str | os.PathLike, address: str) -> Path:
        """The zip file of an address as a new folder."""
        path = expanded(folder)
        refuse_existing(path)
        content = self._wire.request("GET", self._path(address)).content
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(io.BytesIO(content)) as packed, atomic_folder(path) as fresh:
            for name in packed.namelist():
                # Only names of files, no paths: they come from elsewhere.
                (fresh / Path(name).name).write_bytes(packed.read(name))
        return path
