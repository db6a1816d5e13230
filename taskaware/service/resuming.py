"""How a client sends a large file: in parts, and on from where a connection broke off."""

import base64
import contextlib
import os
import time
from collections.abc import Callable
from typing import Any, BinaryIO, TypeVar

from taskaware.errors import EngineError, UserError
from taskaware.progress import tqdm
from taskaware.service import tus
from taskaware.service.wire import Wire

LARGE = 8 << 20
"""Bytes of a file from which it is sent in parts, and of a part."""
PATIENCE = 60.0
"""Seconds without a byte of progress after which an upload is given up."""
PAUSE = 0.5

Found = TypeVar("Found")


def size_of(file: BinaryIO) -> int:
    """Bytes of an open file, which is at its start again."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    return size


def sent_in_parts(wire: Wire, file: BinaryIO, name: str) -> dict[str, Any]:
    """The dataset that the service makes of a file.

    Args:
        wire: to the service.
        file: open for reading.
        name: that says its format.

    Raises:
        UserError: the service refuses the file.
        EngineError: it does not answer for PATIENCE seconds.
    """
    size = size_of(file)
    named = base64.b64encode(name.encode()).decode()
    told = {"upload-length": str(size), "upload-metadata": f"filename {named}"}
    begun = wire.request("POST", "/uploads", headers=tus.HEADERS | told)
    place = begun.headers["location"]
    id = place.rpartition("/")[2]
    try:
        _send(wire, file, place, size)
        return _patiently(lambda: _dataset(wire, id))
    except BaseException:
        # What is there counts as used until it is removed.
        with contextlib.suppress(UserError, EngineError):
            wire.request("DELETE", place, headers=tus.HEADERS)
        raise


def _send(wire: Wire, file: BinaryIO, place: str, size: int) -> None:
    offset, is_known = 0, True
    patient = time.monotonic()
    with tqdm(total=size, unit="B", unit_scale=True, desc="uploading", disable=None) as bar:
        while offset < size:
            try:
                if not is_known:
                    found = wire.request("HEAD", place, headers=tus.HEADERS)
                    offset, is_known = int(found.headers["upload-offset"]), True
                    continue
                file.seek(offset)
                told = {"upload-offset": str(offset), "content-type": tus.PART}
                sent = wire.request("PATCH", place, headers=tus.HEADERS | told, content=file.read(LARGE))
                offset, patient = int(sent.headers["upload-offset"]), time.monotonic()
                bar.update(offset - bar.n)
            except EngineError:
                if time.monotonic() - patient > PATIENCE:
                    raise
                is_known = False
                time.sleep(PAUSE)


def _dataset(wire: Wire, id: str) -> dict[str, Any]:
    try:
        return dict(wire.request("POST", "/datasets", params={"upload": id}).json())
    except EngineError:
        # The answer may be lost, and not the dataset, which has the id of the upload.
        with contextlib.suppress(UserError):
            return dict(wire.request("GET", f"/datasets/{id}").json())
        raise


def _patiently(ask: Callable[[], Found]) -> Found:
    patient = time.monotonic()
    while True:
        try:
            return ask()
        except EngineError:
            if time.monotonic() - patient > PATIENCE:
                raise
            time.sleep(PAUSE)
