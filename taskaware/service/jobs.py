"""Jobs of a service: threads that hand them to worker processes, one each, and settle how they end.

The queue is the table of jobs. A worker that dies loses its attempt, and the job waits again; a server that
dies takes its workers with it, and the next start takes the job up again.
"""

import contextlib
import logging
import threading
import time

from taskaware.errors import StoreError, TaskawareError
from taskaware.runner.engine import DEATH, MEMORY, OK, TIMEOUT, Ended, Work
from taskaware.runner.job import Job
from taskaware.runner.processes import Processes
from taskaware.service import datasets, work
from taskaware.service.limits import Limits
from taskaware.service.places import Places
from taskaware.service.records import CANCELLED, FAILED, Records, Row

MOST_ATTEMPTS = 3
"""Attempts at a job whose worker or server died; after so many it has failed."""
IDLE = 600.0
"""Seconds after which a worker without a job ends, and gives its memory back."""
_GLANCE = 1.0

log = logging.getLogger(__name__)


class Trainer(threading.Thread):
    """One worker, and the thread that gives it jobs.

    Args:
        records: of the service.
        places: of the service.
        limits: of the service.
        do: what the worker does with an order.
        refining: of the orders.
    """

    def __init__(
        self,
        records: Records,
        places: Places,
        limits: Limits,
        do: Work = work.train,
        *,
        refining: work.Refining = work.AS_SHIPPED,
    ):
        super().__init__(name="taskaware-trainer", daemon=True)
        self._do_order, self._refining = do, refining
        self._records, self._places, self._limits = records, places, limits
        self._wake, self._lock, self._stopping = threading.Event(), threading.Lock(), False
        self._engine: Processes | None = None
        self._now: tuple[str, int] | None = None
        self._ticket = 0

    def run(self) -> None:
        """Work until `stop`."""
        idle = time.monotonic()
        while not self._stopping:
            if self._handled():
                idle = time.monotonic()
                continue
            if self._engine is not None and time.monotonic() - idle > IDLE:
                self._close()
            self._wake.wait(_GLANCE)
            self._wake.clear()
        self._close()

    def wake(self) -> None:
        """Look for a job now."""
        self._wake.set()

    def cancel(self, id: str) -> None:
        """Kill the worker, if it works on this job."""
        with self._lock:
            if self._now is not None and self._now[0] == id and self._engine is not None:
                self._engine.cancel(self._now[1])

    def stop(self) -> None:
        """End the worker; its job waits for the next start."""
        self._stopping = True
        self._wake.set()
        if self._now is not None:
            self.cancel(self._now[0])
        if self.is_alive():
            self.join()

    def _handled(self) -> bool:
        """Do the job that waits; False where there is none, or it could not be handled."""
        job = None
        try:
            job = self._records.take()
            if job is not None:
                self._do(job)
            return job is not None
        except Exception:  # nobody else gives jobs to this worker, so the thread goes on
            log.exception("a job could not be handled")
        if job is not None:
            with contextlib.suppress(StoreError):
                self._records.wait_again(job["id"])
        return False

    def _do(self, job: Row) -> None:
        if job["attempts"] > MOST_ATTEMPTS:
            self._fail(
                job, "worker_died", "Its worker died again and again. Give fewer rows, or more memory."
            )
            return
        order = work.Order(self._places.root, job["id"], self._limits, self._refining)
        try:
            ended = self._attempt(Job(id=job["id"], spec=order, label=job["about"]["name"]))
        except TaskawareError:
            self._close()
            self._fail(job, "no_worker", "No worker could be started. The log of the service says why.")
            raise
        self._settle(job, ended)

    def _attempt(self, job: Job) -> Ended:
        with self._lock:
            if self._engine is None:
                seconds = float(self._limits.job_seconds)
                self._engine = Processes(self._do_order, {}, workers=1, time_limit=seconds)
            engine = self._engine
            self._ticket += 1
            self._now = (job.id, self._ticket)
            engine.submit(self._ticket, job)
        try:
            now = self._records.get("jobs", job.id)
            if self._stopping or now is None or now["status"] == CANCELLED:
                # It was cancelled after it was taken, and before there was a worker to kill.
                engine.cancel(self._ticket)
            return engine.next()
        finally:
            with self._lock:
                self._now = None

    def _settle(self, job: Row, ended: Ended) -> None:
        """Record the end of an attempt; the worker itself records the end of a training."""
        if ended.how == DEATH:
            # Nothing where it was cancelled, as then it is not running.
            self._records.wait_again(job["id"])
        elif ended.how == TIMEOUT:
            hours = self._limits.job_seconds / 3600
            self._fail(job, "timeout", f"It took more than {hours:g} hours. Give seconds, or fewer rows.")
        elif ended.how == MEMORY:
            self._fail(
                job, "memory", "The memory was too small. Give fewer rows or columns, or fewer members."
            )
        elif ended.how != OK:
            log.error("job %s: %s", job["id"], ended.value)
            self._fail(job, "failed", "An error in taskaware ended it. The log of the service has it.")
        self._sweep(job)

    def _fail(self, job: Row, code: str, message: str) -> None:
        self._records.end(job["id"], FAILED, error={"code": code, "message": message})

    def _sweep(self, job: Row) -> None:
        """Remove what a job wrote that was cancelled or failed in the meantime."""
        if self._records.get("models", job["model"]) is None:
            datasets.remove(self._places.model(job["model"]))

    def _close(self) -> None:
        with self._lock:
            if self._engine is not None:
                self._engine.close()
                self._engine = None


class Trainers:
    """The workers of a service.

    Args:
        records: of the service.
        places: of the service.
        limits: of the service.
        workers: jobs that run at once; 0 for none, for a service whose jobs another one does.
        refining: how short trainings are chosen and recorded.
    """

    def __init__(
        self,
        records: Records,
        places: Places,
        limits: Limits,
        *,
        workers: int = 1,
        refining: work.Refining = work.AS_SHIPPED,
    ):
        self._records = records
        self._all = [Trainer(records, places, limits, refining=refining) for _ in range(workers)]

    def start(self) -> None:
        """Begin; jobs that were under way when the server ended wait again."""
        self._records.wait_again()
        for trainer in self._all:
            trainer.start()

    def wake(self) -> None:
        """Look for jobs now."""
        for trainer in self._all:
            trainer.wake()

    def cancel(self, id: str) -> bool:
        """Cancel a job; whether it had not ended."""
        if not self._records.end(id, CANCELLED):
            return False
        for trainer in self._all:
            trainer.cancel(id)
        return True

    def stop(self) -> None:
        """End all workers."""
        for trainer in self._all:
            trainer.stop()
