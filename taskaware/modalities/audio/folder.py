"""A folder of sound files → a frame of paths, classes and splits, as Hugging Face's AudioFolder has it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from taskaware.errors import UserError, quoted
from taskaware.modalities.audio.decode import ENDINGS

SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
}
"""Names of sub-folders that are parts of a dataset, in lower case, and what the parts are called here."""


def folder_of_sounds(path: str | os.PathLike) -> pd.DataFrame:
    """The sound files below a folder, one a row; no file is opened.

    The folder that a file lies in is its class. Where all sub-folders of the top one are named train, val,
    test or alike (see SPLITS), they are the split. Hidden files and files of other kinds are left out.

    Args:
        path: of the folder.

    Returns:
        Columns "audio" (paths), "label" and, where there are parts, "split"; sorted by path.

    Raises:
        UserError: there is no such folder, no sound in it, or one that lies in no class.
    """
    top = Path(path)
    if not top.is_dir():
        raise UserError(
            f"There is no folder {quoted(str(top))}. Give the folder that holds one for each class."
        )
    found = sorted(_sounds(top))
    if not found:
        raise UserError(f"The folder {quoted(str(top))} has no sounds. Read are {', '.join(ENDINGS)}.")
    parts = [file.relative_to(top).parts for file in found]
    split = all(len(names) > 1 and names[0].lower() in SPLITS for names in parts)
    loose = [names for names in parts if len(names) < (3 if split else 2)]
    if loose:
        raise UserError(
            f"The sound {quoted(str(Path(*loose[0])))} lies in no class. Put each sound into a folder named "
            f"after its class."
        )
    frame = pd.DataFrame({"audio": [str(file) for file in found], "label": [names[-2] for names in parts]})
    return frame.assign(split=[SPLITS[names[0].lower()] for names in parts]) if split else frame


def _sounds(top: Path) -> Iterator[Path]:
    for folder, inner, files in os.walk(top):
        inner[:] = [name for name in inner if not name.startswith((".", "__"))]
        for name in files:
            if name.lower().endswith(ENDINGS) and not name.startswith("."):
                yield Path(folder, name)
