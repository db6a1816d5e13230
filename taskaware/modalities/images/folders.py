"""A folder of images, a sub-folder for each class, as a frame of paths and labels."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from taskaware.errors import UserError, quoted
from taskaware.files import expanded
from taskaware.modalities.images.forms import starts_as_image

SPLITS = {
    "train": "train", "training": "train",
    "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test", "testing": "test", "eval": "test", "evaluation": "test",
}  # fmt: skip
SYSTEM = {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx", "$recycle.bin"}
LAYOUT = "Put the images of each class into a sub-folder of that name: photos/cat/1.png, photos/dog/2.png"


class _File(NamedTuple):
    path: Path
    label: str
    split: str


def folder_of_images(path: str | os.PathLike) -> pd.DataFrame:
    """The images of a folder: columns "image" (paths), "label", and "split" where there are splits.

    Sub-folders are the classes, `photos/cat/1.png`; below them any depth is read. Where the first sub-folders
    are named train, val and test (or training, validation, dev, testing, evaluation), and the classes are
    below, they are the split, `photos/train/cat/1.png`. Hidden files and those of systems (.DS_Store,
    Thumbs.db) are left out; `frame.attrs["notes"]` says how many. Rows are sorted by path; links to folders
    are not followed.

    Raises:
        UserError: there is no such folder, no or one image, one class, images outside the sub-folders, or a
            file that is no image; names it.
    """
    root = expanded(path)
    if not root.is_dir():
        raise UserError(f"{quoted(str(root))} is no folder. Name the folder of the images.")
    files, ignored = _listed(root)
    found = [_placed(root, file, splits=_has_splits(root)) for file in files]
    _check(root, found)
    frame = pd.DataFrame(
        {"image": [str(each.path) for each in found], "label": [each.label for each in found]}, dtype=object
    )
    if found[0].split:
        frame["split"] = [each.split for each in found]
    frame.attrs["notes"] = tuple(_notes(root, ignored))
    return frame


def _listed(root: Path) -> tuple[list[Path], list[str]]:
    """Paths of the images, sorted, and names of the files that are left out.

    Raises:
        UserError: a file is no image.
    """
    files, ignored = [], []
    for folder, inner, names in os.walk(root):
        inner[:] = sorted(name for name in inner if not _is_of_system(name))
        for name in sorted(names):
            if _is_of_system(name):
                ignored.append(name)
                continue
            files.append(_checked(root, Path(folder, name)))
    return files, ignored


def _is_of_system(name: str) -> bool:
    return name.startswith(".") or name.lower() in SYSTEM


def _checked(root: Path, path: Path) -> Path:
    """The path, if the file begins as an image does."""
    shown = quoted(str(path.relative_to(root)))
    try:
        with path.open("rb") as file:
            head = file.read(32)
    except OSError as error:
        raise UserError(
            f"{shown} in {quoted(str(root))} cannot be read ({error.strerror}). Check it, or move it away."
        ) from error
    if not starts_as_image(head):
        what = "is empty" if not head else "is no image"
        raise UserError(f"{shown} in {quoted(str(root))} {what}. Replace it, or move it out of the folder.")
    return path


def _has_splits(root: Path) -> bool:
    """Whether the first sub-folders are splits, which have the classes below."""
    folders = [each for each in root.iterdir() if each.is_dir() and not _is_of_system(each.name)]
    splits = [each for each in folders if each.name.lower() in SPLITS and _has_folders(each)]
    if splits and len(splits) < len(folders):
        other = next(each.name for each in folders if each not in splits)
        raise UserError(
            f"{quoted(str(root))} has the split {quoted(splits[0].name)} and beside it {quoted(other)}. "
            "Keep either splits or classes at the first level."
        )
    return bool(splits)


def _has_folders(folder: Path) -> bool:
    return any(each.is_dir() and not _is_of_system(each.name) for each in folder.iterdir())


def _placed(root: Path, file: Path, *, splits: bool) -> _File:
    parts = file.relative_to(root).parts
    if len(parts) < 2 + splits:
        raise UserError(
            f"{quoted(str(Path(*parts)))} in {quoted(str(root))} stands outside the classes. {LAYOUT}."
        )
    return _File(file, parts[1] if splits else parts[0], SPLITS[parts[0].lower()] if splits else "")


def _check(root: Path, found: list[_File]) -> None:
    if len(found) < 2:
        what = f"one image, {quoted(found[0].path.name)}" if found else "no image"
        raise UserError(f"{quoted(str(root))} has {what}; two or more are needed. {LAYOUT}.")
    labels = {each.label for each in found}
    if len(labels) < 2:
        raise UserError(
            f"All images of {quoted(str(root))} are of the class {quoted(labels.pop())}. {LAYOUT}."
        )


def _notes(root: Path, ignored: list[str]) -> Iterator[str]:
    if ignored:
        names = ", ".join(sorted(set(ignored))[:3])
        yield f"{len(ignored)} hidden or system files of {quoted(root.name)} are left out, such as {names}."
