"""Uploads that come in parts: what was begun, by whom, and how much of it is there.

The protocol is tus 1.0 (https://tus.io/protocols/resumable-upload) with its extensions creation and
termination. A part that breaks off is kept as far as it came. Each upload is a folder in `incoming`, with the
data and, until a dataset is made of it, a description; so uploads survive a restart.
"""

import base64
import binascii
import contextlib
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from taskaware.errors import quoted
from taskaware.files import atomic_write
from taskaware.service.datasets import remove
from taskaware.service.limits import Limits
from taskaware.service.places import ID, Places, new_id
from taskaware.service.refused import Refused
from taskaware.service.sizing import ending_of

ABOUT = "upload.json"


class Upload(NamedTuple):
    """An upload that was begun.

    Attributes:
        id: of the upload, and later of its dataset.
        owner: whose it is.
        name: of the file, for people; its ending says the format.
        length: bytes that it will have.
        path: of the data.
    """

    id: str
    owner: str
    name: str
    length: int
    path: Path

    @property
    def offset(self) -> int:
        """Bytes that are there."""
        return self.path.stat().st_size


class Uploads:
    """The uploads of a service that are no datasets yet. Every method may be called by any thread.

    Args:
        places: of the service.
        limits: that hold.
    """

    def __init__(self, places: Places, limits: Limits):
        self._places, self._limits = places, limits
        self._lock, self._held = threading.Lock(), set[str]()

    def begin(self, owner: str, name: str, length: int) -> Upload:
        """A new upload, of which nothing is there.

        Args:
            owner: whose it is.
            name: of the file.
            length: bytes that it will have.

        Raises:
            Refused: it is too large, empty, of no known format, or there are too many.
        """
        if length > self._limits.dataset_bytes:
            raise Refused(
                413, f"The file has more than {self._limits.dataset_bytes:,} bytes. Send a part of it."
            )
        if not length:
            raise Refused(400, "The file is empty. Send one that is not.", "empty")
        ending = ending_of(name)
        self.sweep()
        with self._lock:
            if len(self._of(owner)) >= self._limits.token_uploads:
                raise Refused(
                    429,
                    f"{self._limits.token_uploads:,} uploads are not complete; more are not allowed. "
                    "Complete them, or end them: DELETE /uploads/{id}.",
                )
            folder = self._places.incoming(new_id())
            folder.mkdir(mode=0o700)
            found = Upload(folder.name, owner, name, length, folder / f"data{ending}")
            found.path.touch(mode=0o600)
            about = {"owner": owner, "name": name, "length": length, "file": found.path.name}
            atomic_write(folder / ABOUT, json.dumps(about).encode())
        return found

    def found(self, id: str, owner: str) -> Upload:
        """An upload of the owner.

        Args:
            id: of the upload.
            owner: who asks.

        Raises:
            Refused: there is none. Whether another owner has one is not told.
        """
        upload = self._read(self._places.incoming(id)) if ID.fullmatch(id) else None
        if upload is None or upload.owner != owner:
            raise Refused(404, "There is no upload of this id. Begin one: POST /uploads.")
        return upload

    @contextlib.contextmanager
    def held(self, id: str) -> Iterator[None]:
        """Inside, nobody else writes to an upload, or makes a dataset of it.

        Raises:
            Refused: somebody does.
        """
        with self._lock:
            if id in self._held:
                raise Refused(423, "Another request writes to this upload. Try again in some seconds.")
            self._held.add(id)
        try:
            yield
        finally:
            with self._lock:
                self._held.discard(id)

    def taken(self, id: str, owner: str) -> Upload:
        """A complete upload, which is none any more: its folder is an ordinary one of `incoming`.

        Args:
            id: of the upload.
            owner: whose it is.

        Raises:
            Refused: there is none, or it is not complete.
        """
        upload = self.found(id, owner)
        if upload.offset < upload.length:
            raise Refused(
                409,
                f"{upload.offset:,} of {upload.length:,} bytes are there. Send the others by PATCH.",
            )
        (upload.path.parent / ABOUT).unlink()
        return upload

    def remove(self, id: str, owner: str) -> None:
        """End an upload, and remove what is there of it.

        Args:
            id: of the upload.
            owner: whose it is.

        Raises:
            Refused: there is none.
        """
        remove(self.found(id, owner).path.parent)

    def bytes_of(self, owner: str) -> int:
        """Bytes that the uploads of an owner will have."""
        return sum(upload.length for upload in self._of(owner))

    def sweep(self) -> None:
        """Remove the uploads to which nothing came for `upload_seconds`."""
        oldest = time.time() - self._limits.upload_seconds
        for upload in self._all():
            with contextlib.suppress(FileNotFoundError):
                if upload.id not in self._held and upload.path.stat().st_mtime < oldest:
                    remove(upload.path.parent)

    def is_open(self, folder: Path) -> bool:
        """Whether a folder of `incoming` is that of an upload that may go on."""
        return self._read(folder) is not None

    def _of(self, owner: str) -> list[Upload]:
        return [upload for upload in self._all() if upload.owner == owner]

    def _all(self) -> Iterator[Upload]:
        for folder in (self._places.root / "incoming").iterdir():
            if (upload := self._read(folder)) is not None:
                yield upload

    def _read(self, folder: Path) -> Upload | None:
        try:
            about = json.loads((folder / ABOUT).read_bytes())
            path = folder / Path(about["file"]).name
            found = Upload(folder.name, about["owner"], about["name"], about["length"], path)
            return found if path.is_file() else None
        except (OSError, ValueError, LookupError, TypeError):
            return None


def name_in(metadata: str) -> str:
    """The name of the file in a header Upload-Metadata: "filename c2FsZXMuY3N2,...".

    Raises:
        Refused: there is none.

    >>> name_in("filetype dGV4dC9jc3Y=, filename c2FsZXMuY3N2")
    'sales.csv'
    """
    for pair in metadata.split(","):
        key, _, value = pair.strip().partition(" ")
        if key in ("filename", "name"):
            try:
                return base64.b64decode(value, validate=True).decode()
            except (binascii.Error, UnicodeDecodeError) as error:
                raise Refused(
                    400, f"The name {quoted(value)} is no UTF-8 in Base64. Encode it so."
                ) from error
    raise Refused(400, "The header Upload-Metadata has no filename. Send: filename and the name in Base64.")
