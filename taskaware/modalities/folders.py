"""A folder with a sub-folder for each class, of images, of sounds, or of another kind that files hold."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from taskaware.data.loaded import Loaded
from taskaware.errors import UserError, quoted, some
from taskaware.files import expanded, is_folder
from taskaware.modalities.listing import is_of_system, listed
from taskaware.modalities.single import Single, singles

SPLITS = {
    "train": "train", "training": "train",
    "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test", "testing": "test", "eval": "test", "evaluation": "test",
}  # fmt: skip
LAYOUT = "Put the files of each class into a sub-folder of that name: photos/cat/1.png, photos/dog/2.png"
LOOKED_AT = 50
"""Files whose endings decide on the kind of a folder."""


class _File(NamedTuple):
    path: Path
    label: str
    split: str


def names_classes(source: object) -> bool:
    """Whether a source is a folder that has folders in it."""
    if not isinstance(source, str | os.PathLike):
        return False
    path = Path(source)
    return is_folder(path) and _has_folders(path)


def load_folder(path: str | os.PathLike) -> Loaded:
    """The files of a folder as a frame of paths, with their classes as the target.

    Args:
        path: of the folder; see `folder_frame`. Validation rows join the training rows, and test rows are
            kept apart.

    Raises:
        UserError: as `folder_frame`; or no kind reads its files, or several do.
    """
    frame, test = folder_frame(path, _kind_of(Path(path))), None
    notes = tuple(frame.attrs.pop("notes"))
    if "split" in frame:
        tested = frame["split"] == "test"
        test = frame[tested].drop(columns="split").reset_index(drop=True) if tested.any() else None
        if tested.all():
            raise UserError(f"{quoted(str(path))} has test files only. Put those to learn from into 'train'.")
        frame = frame[~tested].drop(columns="split").reset_index(drop=True)
    return Loaded(frame, Path(path).absolute().name, "label", test, "classification", notes)


def folder_frame(path: str | os.PathLike, kind: Single) -> pd.DataFrame:
    """The files of a folder: paths under the name of the kind, "label", and "split" where there are splits.

    Sub-folders are the classes, `photos/cat/1.png`; below them any depth is read. Where the first sub-folders
    are named train, val and test (or training, validation, dev, testing, evaluation), and the classes are
    below, they are the split, `photos/train/cat/1.png`. Hidden files and those of systems (.DS_Store,
    Thumbs.db) are left out; `frame.attrs["notes"]` says how many. Rows are sorted by path; links to folders
    are not followed.

    Args:
        path: of the folder.
        kind: of data that the files hold.

    Raises:
        UserError: there is no such folder, no or one file, one class, files outside the sub-folders, or a
            file of another kind; names it.
    """
    root = expanded(path)
    if not root.is_dir():
        raise UserError(f"{quoted(str(root))} is no folder. Name the folder of the files.")
    files, ignored, links = listed(root, kind)
    found = [_placed(root, file, splits=_has_splits(root)) for file in files]
    _check(root, found, kind)
    columns = {kind.name: [str(each.path) for each in found], "label": [each.label for each in found]}
    frame = pd.DataFrame(columns, dtype=object)
    if found[0].split:
        frame["split"] = [each.split for each in found]
    frame.attrs["notes"] = tuple(_notes(root, ignored, links))
    return frame


def _kind_of(root: Path) -> Single:
    """The kind whose files the folder holds.

    Raises:
        UserError: there is none, or there are several.
    """
    kinds = [kind for kind in singles() if kind.endings]
    files = (Path(name) for folder, _, names in os.walk(root) for name in names)
    endings = {file.suffix.lower() for file, _ in zip(files, range(LOOKED_AT), strict=False)}
    found = [kind for kind in kinds if endings & set(kind.endings)]
    if len(found) == 1:
        return found[0]
    names = " and ".join(sorted(kind.name for kind in found or kinds))
    if found:
        raise UserError(f"{quoted(str(root))} holds files of {names}. Keep them in two folders.")
    raise UserError(f"{quoted(str(root))} holds no files of {names}. {LAYOUT}.")


def _has_splits(root: Path) -> bool:
    """Whether the first sub-folders are splits, which have the classes below."""
    folders = [each for each in root.iterdir() if each.is_dir() and not is_of_system(each.name)]
    splits = [each for each in folders if each.name.lower() in SPLITS and _has_folders(each)]
    if splits and len(splits) < len(folders):
        other = next(each.name for each in folders if each not in splits)
        raise UserError(
            f"{quoted(str(root))} has the split {quoted(splits[0].name)} and beside it {quoted(other)}. "
            "Keep either splits or classes at the first level."
        )
    return bool(splits)


def _has_folders(folder: Path) -> bool:
    return any(each.is_dir() and not is_of_system(each.name) for each in folder.iterdir())


def _placed(root: Path, file: Path, *, splits: bool) -> _File:
    parts = file.relative_to(root).parts
    if len(parts) < 2 + splits:
        raise UserError(
            f"{quoted(str(Path(*parts)))} in {quoted(str(root))} stands outside the classes. {LAYOUT}."
        )
    return _File(file, parts[1] if splits else parts[0], SPLITS[parts[0].lower()] if splits else "")


def _check(root: Path, found: list[_File], kind: Single) -> None:
    if len(found) < 2:
        what = f"one file, {quoted(found[0].path.name)}" if found else f"no {kind.name} file"
        raise UserError(f"{quoted(str(root))} has {what}; two or more are needed. {LAYOUT}.")
    labels = {each.label for each in found}
    if len(labels) < 2:
        raise UserError(
            f"All files of {quoted(str(root))} are of the class {quoted(labels.pop())}. {LAYOUT}."
        )


def _notes(root: Path, ignored: list[str], links: list[str]) -> Iterator[str]:
    if links:
        yield (
            f"Links to folders in {quoted(root.name)} are not followed: {some(links)}. Copy the folders if "
            "their files belong to the dataset."
        )
    if ignored:
        names = ", ".join(sorted(set(ignored))[:3])
        yield f"{len(ignored)} hidden or system files of {quoted(root.name)} are left out, such as {names}."
