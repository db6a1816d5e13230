"""A folder of folders as a dataset: images or sounds, each in the folder of its class."""

import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from taskaware.data.loaded import Loaded
from taskaware.errors import UserError, quoted
from taskaware.files import is_folder

LOOKED_AT = 50
"""Files whose endings decide what the folder holds."""

TEST, LABEL, SPLIT = "test", "label", "split"


def names_classes(source: object) -> bool:
    """Whether a source is a folder that has folders in it."""
    if not isinstance(source, str | os.PathLike):
        return False
    path = Path(source)
    return is_folder(path) and any(each.is_dir() for each in path.iterdir() if not each.name.startswith("."))


def load_folder(path: str | os.PathLike) -> Loaded:
    """The files of a folder as a frame of paths, with their classes as the target.

    Args:
        path: of a folder `photos/class/1.png`, or `photos/train/class/1.png` with parts for training,
            validation and testing. Validation rows join the training rows, and test rows are kept apart.

    Raises:
        UserError: it holds neither images nor sounds, or both; or a file that is neither.
    """
    frame = _frame(Path(path))
    notes = tuple(frame.attrs.get("notes", ()))
    test = None
    if SPLIT in frame:
        tested = frame[SPLIT] == TEST
        test = frame[tested].drop(columns=SPLIT).reset_index(drop=True) if tested.any() else None
        frame = frame[~tested].drop(columns=SPLIT).reset_index(drop=True)
    frame.attrs = {}
    return Loaded(frame, Path(path).absolute().name, LABEL, test, "classification", notes)


def _frame(path: Path) -> pd.DataFrame:
    from taskaware.modalities.audio.folder import folder_of_sounds
    from taskaware.modalities.audio.forms import ENDINGS as SOUNDS
    from taskaware.modalities.images.folders import folder_of_images
    from taskaware.modalities.images.forms import ENDINGS as IMAGES

    endings = [file.suffix.lower() for file, _ in zip(_files(path), range(LOOKED_AT), strict=False)]
    sounds, images = (sum(each in known for each in endings) for known in (SOUNDS, IMAGES))
    if sounds and images:
        raise UserError(f"{quoted(str(path))} holds images and sounds. Keep them in two folders.")
    return folder_of_sounds(path) if sounds else folder_of_images(path)


def _files(path: Path) -> Iterator[Path]:
    for folder, inner, names in os.walk(path):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(names) if not name.startswith("."))
