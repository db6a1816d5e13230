"""The engine of one machine: workers in separate processes, killed and replaced when necessary.

A worker is `python -m taskaware.runner.worker`, with messages on its standard input and output. It does not
run the user's main module again, and it ends by itself when this process is gone.
"""

import contextlib
import dataclasses
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, cast

import taskaware
from taskaware.compilation import cores
from taskaware.errors import EngineError, UserError
from taskaware.runner.attempt import in_words
from taskaware.runner.engine import DEATH, ERROR, TIMEOUT, Ended, Work
from taskaware.runner.job import Job

STILLBORN = 3
"""After this many workers in a row that ended before they were ready, the engine gives up."""

GLANCE = 1.0
"""Seconds after which workers that send nothing are looked at."""

HELD = 8
"""Largest number of resources that a worker holds; the oldest is dropped."""


@dataclasses.dataclass(eq=False)
class Worker:
    """A process, and its state as this side sees it.

    Attributes:
        number: its place, from 0.
        process: its process.
        ready: whether it has reported that it can start.
        held: names of the resources that it holds, the oldest first.
        ticket: of its running attempt; None while it is free.
        began: start of that attempt, in seconds of `time.monotonic`.
    """

    number: int
    process: subprocess.Popen
    ready: bool = False
    held: list[str] = dataclasses.field(default_factory=list)
    ticket: int | None = None
    began: float = 0.0

    @property
    def inbound(self) -> IO[bytes]:
        """Where it reads messages; a pipe, as `Processes` starts it."""
        return cast(IO[bytes], self.process.stdin)

    @property
    def outbound(self) -> IO[bytes]:
        """Where it writes messages."""
        return cast(IO[bytes], self.process.stdout)

    def send(self, *message: object) -> None:
        """Send a message; a dead worker is detected where its messages are read."""
        packed = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
        with contextlib.suppress(OSError):
            self.inbound.write(packed)
            self.inbound.flush()

    def end(self) -> None:
        """Kill it and what its jobs have started, and wait for its end.

        The thread that reads its messages closes that pipe: a process that left the group may still hold the
        other end, and closing would wait for the reader.
        """
        if hasattr(os, "killpg"):
            # It leads a group of its own; the group is there as long as anybody in it.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(OSError):
            self.inbound.close()


class Processes:
    """Attempts in worker processes, each with its share of the cores."""

    isolated = True

    def __init__(self, work: Work, resources: Mapping[str, object], *, workers: int, time_limit: float = 0.0):
        if getattr(work, "__module__", "") == "__main__":
            raise UserError("A worker cannot import what is defined in __main__. Move the work to a module.")
        self.slots = workers
        self._work = work
        self._resources = resources
        self._limit = time_limit
        self._stillborn = 0
        self._inbox: queue.SimpleQueue = queue.SimpleQueue()
        self._workers = [self._start(number) for number in range(workers)]

    def submit(self, ticket: int, job: Job) -> None:
        """See `Engine.submit`."""
        worker = next(worker for worker in self._workers if worker.ticket is None)
        if job.needs and job.needs not in worker.held:
            worker.send("keep", job.needs, self._resources[job.needs])
            worker.held.append(job.needs)
            if len(worker.held) > HELD:
                worker.send("drop", worker.held.pop(0))
        worker.ticket, worker.began = ticket, time.monotonic()
        worker.send("do", ticket, job.needs, job.spec)

    def next(self) -> Ended:
        """See `Engine.next`.

        Raises:
            EngineError: workers end before they are ready.
        """
        while True:
            try:
                worker, message = self._inbox.get(timeout=self._patience())
            except queue.Empty:
                ended = self._overdue()
            else:
                ended = self._heard(worker, message) if worker in self._workers else None
            if ended is not None:
                return ended

    def cancel(self, ticket: int) -> None:
        """Kill the worker of an attempt, which then ends in a DEATH; nothing where the attempt has ended.

        Any thread may call this while another one waits in `next`.
        """
        for worker in self._workers:
            if worker.ticket == ticket:
                worker.end()

    def _heard(self, worker: Worker, message: object) -> Ended | None:
        """What a message means; the end of an attempt, if it tells of one."""
        if message == "ready":
            # The time limit excludes the start of a worker.
            worker.ready, worker.began, self._stillborn = True, time.monotonic(), 0
        elif message == "gone":
            return self._gone(worker)
        elif isinstance(message, tuple) and len(message) == 4 and message[0] == worker.ticket:
            worker.ticket = None
            ticket, how, value, seconds = message
            return Ended(ticket, how, value, seconds, str(worker.number))
        return None

    def _overdue(self) -> Ended | None:
        """The end of an attempt whose time is up, or whose worker has died and left its pipe to a child."""
        busy = [worker for worker in self._workers if worker.ticket is not None]
        for worker in busy:
            if worker.process.poll() is not None:
                return self._gone(worker)
        worker = min(busy, key=lambda worker: worker.began)
        if self._limit and time.monotonic() - worker.began >= self._limit:
            return self._replaced(worker, TIMEOUT, f"Not done after {self._limit:g} s.")
        return None

    def close(self) -> None:
        """See `Engine.close`."""
        workers, self._workers = self._workers, []
        for worker in workers:
            worker.end()

    def _patience(self) -> float | None:
        """Seconds until the first attempt is due, or until the workers are looked at again."""
        begun = [worker.began for worker in self._workers if worker.ticket is not None]
        if not self._limit or not begun:
            return GLANCE
        return min(GLANCE, max(0.0, min(begun) + self._limit - time.monotonic()))

    def _gone(self, worker: Worker) -> Ended | None:
        """Replace a worker that ended by itself; returns the end of its attempt, if one was running."""
        if worker.process.poll() is None:
            # It lives, and what it sends cannot be read.
            worker.end()
        code = worker.process.wait()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        # A killed worker (signal 9) does not count: the others need not fail.
        self._stillborn += not worker.ready and code != -9
        if self._stillborn >= STILLBORN:
            raise EngineError(f"Workers end before they are ready ({how}). See their messages above.")
        return self._replaced(worker, DEATH, f"The worker died ({how}).")

    def _replaced(self, worker: Worker, how: str, why: str) -> Ended | None:
        seconds, ticket = time.monotonic() - worker.began, worker.ticket
        worker.end()
        self._workers[worker.number] = self._start(worker.number)
        return None if ticket is None else Ended(ticket, how, why, seconds, str(worker.number))

    def _start(self, number: int) -> Worker:
        share = _share(number, self.slots)
        process = subprocess.Popen(
            # -P: modules are not looked for in the current folder, where the files of anybody may lie.
            [sys.executable, "-P", "-m", "taskaware.runner.worker", *map(str, share)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": _import_path(), "PYTHONSAFEPATH": "1"},
            # Ctrl-C is for this process, which then ends its workers.
            start_new_session=True,
        )
        worker = Worker(number, process)
        worker.send("work", self._work)
        threading.Thread(target=self._listen, args=(worker,), daemon=True).start()
        return worker

    def _listen(self, worker: Worker) -> None:
        """Put the messages of a worker into the inbox until it ends, or sends what is no message."""
        try:
            with worker.outbound as messages:
                while True:
                    self._inbox.put((worker, _opened(pickle.load(messages))))
        # Whatever it is, this thread has nobody to tell but the inbox.
        except BaseException:
            self._inbox.put((worker, "gone"))


def _opened(message: Any) -> Any:
    """The message with its value unpickled; a value that cannot be read again makes the attempt fail."""
    if not isinstance(message, tuple):
        return message
    ticket, how, packed, seconds = message
    try:
        return ticket, how, pickle.loads(packed), seconds
    # Also SystemExit and the like: unpickling calls what the job's result says.
    except BaseException as error:
        return ticket, ERROR, f"The result cannot be read: {in_words(error)}", seconds


def _share(number: int, workers: int) -> list[int]:
    """Cores of a worker: an equal share, or one core if there are more workers than cores.

    If all workers used every core, they would wait for each other.
    """
    if not hasattr(os, "sched_getaffinity"):
        return []
    there = sorted(os.sched_getaffinity(0))
    each = max(1, cores() // workers)
    first = number * each % len(there)
    return there[first : first + each]


def _import_path() -> str:
    """Import path of a worker: this package, and the path of this process.

    Not the current folder, unless this process has itself imported something from it.
    """
    own = str(Path(taskaware.__file__).resolve().parent.parent)
    here = os.path.realpath(os.curdir)
    paths = [path for path in sys.path if path and (os.path.realpath(path) != here or _imported_from(here))]
    return os.pathsep.join(dict.fromkeys([own, *paths]))


def _imported_from(folder: str) -> bool:
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    places = {_module_folder(file) for file in files if isinstance(file, str)}
    return any(os.path.realpath(place) == folder for place in places)


def _module_folder(file: str) -> str:
    """The folder that a module or a package was imported from, by its file."""
    above, name = os.path.split(file)
    return os.path.dirname(above) if name == "__init__.py" else above
