"""Where a service keeps what: every name is one that it made itself."""

import re
import secrets
from pathlib import Path

ID = re.compile("[0-9a-f]{32}")
KINDS = ("datasets", "recommendations", "models", "incoming")


def new_id() -> str:
    """32 random hex digits, which nobody guesses."""
    return secrets.token_hex(16)


class Places:
    """The folders of a service.

    Args:
        root: of the service.
    """

    def __init__(self, root: Path):
        self.root = root

    def make(self) -> None:
        """Make the folders that are not there; nobody else of this machine may look into them."""
        self.root.mkdir(parents=True, exist_ok=True)
        for kind in KINDS:
            (self.root / kind).mkdir(exist_ok=True, mode=0o700)

    def incoming(self, id: str) -> Path:
        """Folder of an upload that is under way."""
        return self.root / "incoming" / _checked(id)

    def dataset(self, id: str, file: str = "") -> Path:
        """The folder of a dataset, or its file."""
        folder = self.root / "datasets" / _checked(id)
        return folder / Path(file).name if file else folder

    def recommendation(self, id: str) -> Path:
        """The file of a recommendation."""
        return self.root / "recommendations" / f"{_checked(id)}.json"

    def model(self, id: str) -> Path:
        """The folder of a model."""
        return self.root / "models" / _checked(id)


def _checked(id: str) -> str:
    """The id itself; no text of a request gets into a path unless it is one."""
    if not ID.fullmatch(id):
        raise ValueError(f"{id[:40]!r} is no id")
    return id
