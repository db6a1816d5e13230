"""What stands between HTTP and the service: threads for work, bodies to files, errors to answers."""

import errno
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, ParamSpec, TypeVar, cast

import anyio
import anyio.to_thread
from litestar import Request, Response
from litestar.exceptions import HTTPException

from taskaware.compilation import cores
from taskaware.errors import TaskawareError, visible
from taskaware.service import tus
from taskaware.service.guard import OWNER, error_body
from taskaware.service.jobs import Trainers
from taskaware.service.metrics import Metrics
from taskaware.service.refused import CODES, Refused, refused
from taskaware.service.service import Service

LONGEST_NAME = 200
_FULL = (errno.ENOSPC, errno.EDQUOT)
_BLOCK = 1 << 20

log = logging.getLogger(__name__)

P = ParamSpec("P")
Found = TypeVar("Found")


class Front:
    """The parts of a running service, for the handlers.

    Args:
        service: that does the work.
        trainers: that do the jobs.
        metrics: that count.
    """

    def __init__(self, service: Service, trainers: Trainers, metrics: Metrics):
        self.service, self.trainers, self.metrics = service, trainers, metrics
        self._at_once: anyio.CapacityLimiter | None = None
        self._waiting = 0

    async def heavy(self, work: Callable[P, Found], *args: P.args, **given: P.kwargs) -> Found:
        """Work that needs a core, in a thread; as many at once as there are cores.

        Args:
            work: function to call.
            args, given: its arguments.

        Raises:
            Refused: too many wait already.
        """
        most = self.service.limits.waiting
        if self._waiting >= most:
            raise Refused(503, f"{most:,} requests wait already. Try again in some seconds.")
        if self._at_once is None:
            # A limiter belongs to the loop that runs it.
            self._at_once = anyio.CapacityLimiter(cores())
        self._waiting += 1
        try:
            return await anyio.to_thread.run_sync(lambda: work(*args, **given), limiter=self._at_once)
        finally:
            self._waiting -= 1

    async def light(self, work: Callable[P, Found], *args: P.args, **given: P.kwargs) -> Found:
        """Work that waits for the disk, in a thread.

        Args:
            work: function to call.
            args, given: its arguments.
        """
        return await anyio.to_thread.run_sync(lambda: work(*args, **given))


def owner_of(request: Request[Any, Any, Any]) -> str:
    """Who sends a request."""
    return str(cast(dict[str, Any], request.scope)[OWNER])


def shown_name(name: str) -> str:
    """The name of an upload for people: without folders, and without what steers a terminal.

    >>> shown_name("../../etc/sales.csv")
    'sales.csv'
    """
    return visible(name.replace("\\", "/").rpartition("/")[2])[:LONGEST_NAME] or "data"


async def receive(request: Request[Any, Any, Any], path: Path, most: int, *, begun: bool = False) -> int:
    """Write the body of a request to a file, block by block; what came is in it where the body breaks off.

    Args:
        request: whose body was not read.
        path: of the file.
        most: bytes that the body may have.
        begun: whether the file is there, and the body is written after its end.

    Returns:
        Its bytes.

    Raises:
        Refused: it has more, or none; more that are announced are refused before any is read.
    """
    if announced(request) > most:
        raise _too_large(most)
    size, waiting = 0, bytearray()
    # One block at a time is written; a thread for each would cost more than the writing.
    with path.open("ab" if begun else "xb") as file:
        try:
            async for part in request.stream():
                size += len(part)
                if size > most:
                    raise _too_large(most)
                waiting += part
                if len(waiting) >= _BLOCK:
                    await anyio.to_thread.run_sync(file.write, bytes(waiting))
                    waiting.clear()
        finally:
            file.write(bytes(waiting))
        await anyio.to_thread.run_sync(_to_disk, file)
    if not size:
        raise Refused(400, "The body is empty. Send the file as it is: curl --data-binary @FILE.", "empty")
    return size


def announced(request: Request[Any, Any, Any]) -> int:
    """Bytes that a body says it has; 0 where it does not say."""
    text = request.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def answered(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    """Any error as an answer with a code and advice, without a traceback."""
    found = _as_refusal(error)
    if found.status >= 500 and found.code != "busy":
        log.error("%s %s", request.method, request.url.path, exc_info=error)
    headers = {"retry-after": "2"} if found.code == "busy" else {}
    if request.url.path.startswith("/uploads"):
        headers |= tus.HEADERS
    return Response(error_body(found), status_code=found.status, headers=headers)


def _as_refusal(error: Exception) -> Refused:
    if isinstance(error, HTTPException):
        return _of_litestar(error)
    if isinstance(error, TaskawareError):
        return refused(error)
    if isinstance(error, OSError) and error.errno in _FULL:
        return Refused(507, "The disk of the service is full. Tell who runs it; delete what is done with.")
    if isinstance(error, MemoryError):
        return Refused(507, "The memory of the service was too small for this. Give fewer rows or columns.")
    return Refused(500, "An error in taskaware; its log has it. Tell who runs this service.")


def _of_litestar(error: HTTPException) -> Refused:
    status = error.status_code if error.status_code in CODES else 500 if error.status_code >= 500 else 400
    if status == 404:
        return Refused(404, "There is nothing at this address. GET /docs lists what there is.")
    if status == 405:
        return Refused(405, "This address does not take this method. GET /docs lists what there is.")
    if status == 413:
        return Refused(413, "The body is too large for this address. GET /docs says what it takes.")
    if "disconnected" in str(error.detail):
        return Refused(400, "The connection ended before the body was whole. Send it again.")
    if status >= 500:
        return Refused(status, "An error in taskaware; its log has it. Tell who runs this service.")
    details = error.extra if isinstance(error.extra, list) else []
    reasons = [
        f"{one.get('key', 'body')}: {one.get('message', '')}" for one in details if isinstance(one, dict)
    ]
    message = "; ".join(reasons) or str(error.detail)
    return Refused(status, f"The request is not valid: {message}. GET /docs says what is taken.")


def _to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _too_large(most: int) -> Refused:
    return Refused(413, f"The body has more than {most:,} bytes. Send a part of it.")
