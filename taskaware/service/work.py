"""What a worker of the service does: one training, from the uploaded file to the saved model.

It imports the library when it is called, so that the server, which only names this function, stays light.
"""

import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from taskaware.errors import TaskawareError
from taskaware.service.places import Places
from taskaware.service.records import DONE, FAILED, RUNNING, Records, Row
from taskaware.service.refused import refused

EVERY = 0.2
"""Least seconds between two events of a training; the first and the last one are always told."""

log = logging.getLogger(__name__)


class Refining(NamedTuple):
    """How the short trainings are chosen that refine a recommendation, and where they are recorded.

    Attributes:
        evaluator: name or file of the evaluator that recommended, see `recommend`; None for the shipped one.
        store: path or URL of an experience; None records none.
    """

    evaluator: str | None = None
    store: str | None = None


AS_SHIPPED = Refining()
"""The shipped evaluator, and nothing recorded."""


class Order(NamedTuple):
    """What a worker needs to know of a job.

    Attributes:
        folder: of the service.
        job: id of the job.
        limits: of the service.
        refining: of the short trainings.
    """

    folder: Path
    job: str
    limits: Any
    refining: Refining = AS_SHIPPED


def train(resource: object, order: Order) -> None:
    """Do a job, and record its end; an error that is the user's is recorded, too.

    Args:
        resource: not used.
        order: the job.
    """
    del resource
    records = Records(order.folder)
    job = records.get("jobs", order.job)
    if job is None or job["status"] != RUNNING:
        return
    try:
        model = _trained(order, job, records)
    except TaskawareError as error:
        found = refused(error)
        if found.status >= 500:
            log.error("job %s: %s", order.job, error)
        records.end(order.job, FAILED, error={"code": found.code, "message": str(found)})
        return
    records.end(order.job, DONE, model=model)


def _trained(order: Order, job: Row, records: Records) -> Row:
    """The row of the model, which is saved by then."""
    from taskaware.recommendation.loading import load_recommendation
    from taskaware.service.datasets import Choices, task_of
    from taskaware.service.summaries import of_model, plain
    from taskaware.tasks.metrics import METRICS

    places, options = Places(order.folder), job["about"]["options"]
    dataset = records.get("datasets", job["dataset"])
    made = records.get("recommendations", job["recommendation"])
    if dataset is None or made is None:
        raise TaskawareError("The dataset or the recommendation was deleted. Upload it again.")
    _tell(records, order.job, "reading")
    name, choices = dataset["about"]["name"], Choices.of(made["about"]["choices"])
    task = task_of(places.dataset(dataset["id"], dataset["file"]), name, choices, order.limits)
    recommendation = load_recommendation(places.recommendation(made["id"]))
    if trainings := options.pop("trainings", None):
        _tell(records, order.job, "refining")
        how = order.refining._asdict()
        recommendation = recommendation.refine(task, trainings=trainings, progress=False, **how)
    _tell(records, order.job, "training")
    curve = Curve(records, order.job, METRICS.named(task.metric).shown)
    model = recommendation.fit(task, progress=False, on_progress=curve.add, **options)
    curve.close()
    folder = model.save(places.model(job["model"]), force=places.model(job["model"]).exists())
    size = sum(path.stat().st_size for path in folder.iterdir())
    about = plain(of_model(model)) | {"dataset": name, "job": order.job}
    of = {"dataset": dataset["id"], "recommendation": made["id"]}
    return {"id": job["model"], "owner": job["owner"], **of, "bytes": size, "about": about}


class Curve:
    """The evaluations of a training as events; not more often than every EVERY seconds.

    Args:
        records: of the service.
        job: id of the job.
        shown: score → the number that people know.
    """

    def __init__(self, records: Records, job: str, shown: Callable[[float], float]):
        self._records, self._job, self._shown = records, job, shown
        self._told, self._last = -EVERY, None

    def add(self, evaluation: Any) -> None:
        """Tell an evaluation, now or at the end."""
        self._last = evaluation
        if evaluation.seconds - self._told >= EVERY or evaluation.seconds < self._told:
            self.close()

    def close(self) -> None:
        """Tell the last evaluation, if it was not told."""
        if self._last is not None:
            self._told = self._last.seconds
            numbers = {**self._last._asdict(), "shown": self._shown(self._last.score)}
            # JSON has no number for what is not finite.
            finite = {name: each if math.isfinite(each) else None for name, each in numbers.items()}
            self._records.tell(self._job, {"event": "progress", **finite})
            self._last = None


def _tell(records: Records, job: str, phase: str) -> None:
    records.tell(job, {"event": "phase", "phase": phase})
