"""An uploaded dataset: how it is kept, what was assumed of its columns, and the task it becomes."""

import contextlib
import dataclasses
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from taskaware.data.load import Loaded, load
from taskaware.data.schema import Schema
from taskaware.errors import UserError, quoted
from taskaware.modalities.folders import load_folder
from taskaware.modalities.mixed.modality import columns_of
from taskaware.modalities.reading import make_task
from taskaware.service.cells import modalities_of, names_files
from taskaware.service.limits import Limits
from taskaware.service.refused import Refused
from taskaware.service.sizing import check_file
from taskaware.service.unpacking import holds_files, unpack
from taskaware.tasks.task import Task

FILES = "files"
"""Folder of an unpacked archive."""
EXAMPLES = 5
LONGEST_CELL = 60
LIKELY = ("target", "label", "class", "y", "outcome", "survived", "price")
"""Names that a target often has, in small letters."""


@dataclasses.dataclass(frozen=True)
class Choices:
    """What a user corrects of a dataset; as in `recommend`.

    Attributes:
        target: names of the target columns; none where the dataset has its own, or it is not chosen yet.
        problem, metric: "" for the default.
        kinds, modalities: of columns by name.
        drop: columns that are not used.
    """

    target: tuple[str, ...] = ()
    problem: str = ""
    metric: str = ""
    kinds: Mapping[str, str] = dataclasses.field(default_factory=dict)
    modalities: Mapping[str, str] = dataclasses.field(default_factory=dict)
    drop: tuple[str, ...] = ()

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> "Choices":
        """The choices that `to_dict` wrote."""
        row = {**plain, "target": tuple(plain.get("target", ())), "drop": tuple(plain.get("drop", ()))}
        return cls(**row)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return dataclasses.asdict(self)


def receive(path: Path, limits: Limits) -> None:
    """Check an upload before it is read; an archive of images or sounds is unpacked beside it.

    Args:
        path: of the file, in a folder of its own; its ending says the format.
        limits: of the service.

    Raises:
        Refused, UserError: it is too large, or cannot be unpacked.
    """
    if path.suffix == ".zip" and holds_files(path):
        unpack(path, path.parent / FILES, limits)
        # Its files are there now; twice is too much.
        path.unlink()
        return
    check_file(path, limits)


def read(path: Path, name: str, limits: Limits) -> Loaded:
    """An upload as a frame.

    Args:
        path: of the file.
        name: that the user gave it.
        limits: of the service.

    Raises:
        Refused, UserError: it cannot be read, or is too large.
    """
    folder = path.parent / FILES
    with worded(path, name):
        loaded = load_folder(folder) if folder.is_dir() else load(path)
    limits.check_shape(*loaded.frame.shape)
    notes = tuple(without_path(note, path, name) for note in loaded.notes)
    return dataclasses.replace(loaded, name=name, notes=notes)


def task_of(path: Path, name: str, choices: Choices, limits: Limits) -> Task:
    """The task of an upload.

    Args:
        path: of the file.
        name: that the user gave it.
        choices: of the user.
        limits: of the service.

    Raises:
        Refused, UserError: it cannot be read, or a choice does not fit.
    """
    loaded = read(path, name, limits)
    with worded(path, name):
        return task_of_loaded(loaded, choices, folder=(path.parent / FILES).is_dir())


def task_of_loaded(loaded: Loaded, choices: Choices, *, folder: bool) -> Task:
    """The task of a frame.

    Args:
        loaded: the frame.
        choices: of the user.
        folder: whether its paths are the service's own.

    Raises:
        Refused, UserError: a choice does not fit.
    """
    target = choices.target or loaded.target
    if not target:
        names = ", ".join(map(quoted, loaded.frame.columns[:20]))
        raise Refused(422, f"The target is not named. Give target, one of {names}.", "no_target")
    targets = (target,) if isinstance(target, str) else tuple(target)
    features = loaded.frame.drop(columns=[name for name in targets if name in loaded.frame])
    modalities = dict(choices.modalities) if folder else modalities_of(features, choices.modalities)
    return make_task(
        dataclasses.replace(loaded, target=targets[0] if len(targets) == 1 else targets),
        problem=choices.problem or None,
        metric=choices.metric or None,
        kinds=choices.kinds,
        drop=choices.drop,
        modalities={name: kind for name, kind in modalities.items() if name not in choices.drop},
        modality="mixed",
    )


def columns(
    loaded: Loaded, choices: Choices, *, folder: bool, names: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """Columns as they are read: kind, modality, missing and distinct values, and examples.

    Args:
        loaded: the frame.
        choices: of the user.
        folder: whether its paths are the service's own.
        names: of the columns; all of them by default.

    Raises:
        Refused, UserError: a choice does not fit.
    """
    frame = loaded.frame if names is None else loaded.frame[list(names)]
    own = {name: kind for name, kind in choices.modalities.items() if name in frame.columns}
    stated = own if folder else modalities_of(frame, own)
    kinds = {name: kind for name, kind in choices.kinds.items() if name in frame.columns}
    others = columns_of(frame, kinds, stated).others
    found = []
    for name in frame.columns:
        column = frame[name]
        about = _as_table(column, kinds.get(name), loaded.decimal) if name not in others else {}
        found.append(
            {
                "name": name,
                "modality": others[name].name if name in others else "tables",
                "kind": about.get("kind", ""),
                "stated": name in choices.kinds or name in choices.modalities,
                "dropped": name in choices.drop,
                "missing": int(column.isna().sum()),
                "distinct": _distinct(column),
                "examples": [_shown(cell) for cell in column.dropna().head(EXAMPLES)],
                "notes": _notes(column, about.get("notes", []), opened=folder or name in choices.modalities),
            }
        )
    return found


def check_choices(loaded: Loaded, choices: Choices, *, folder: bool) -> None:
    """Nothing, if the columns can be read as was chosen.

    Args:
        loaded: the frame.
        choices: of the user.
        folder: whether its paths are the service's own.

    Raises:
        Refused, UserError: one cannot.
    """
    columns(loaded, choices, folder=folder, names=[*choices.modalities])
    for name, kind in choices.kinds.items():
        one = loaded.frame[[name]]
        Schema.infer(one, decimal=loaded.decimal, kinds={name: kind})


def likely_target(names: Sequence[str]) -> str:
    """The column that is most likely the target: one with such a name, or the last one; "" where none is."""
    named = [name for name in names if name.strip().lower() in LIKELY]
    return named[-1] if named else names[-1] if names else ""


def without_path(text: str, path: Path, name: str) -> str:
    """A message without places of the server, which are nobody's business.

    Args:
        text: that may name them.
        path: of a file of the service.
        name: that the user gave the file.
    """
    # A long path stands in a message by its end.
    text = re.sub(rf"[^'\"\s]*/{FILES}/", "", text)
    for place in (path, path.parent / FILES, path.parent):
        text = text.replace(str(place), name)
    return text.replace(path.name, name)


@contextlib.contextmanager
def worded(path: Path, name: str) -> Iterator[None]:
    """Inside, no error of the user's names a place of the server.

    Args:
        path: of the file that is read.
        name: that the user gave it.
    """
    try:
        yield
    except UserError as error:
        raise UserError(without_path(str(error), path, name)) from error


def remove(folder: Path) -> None:
    """Remove a folder of the service with all that is in it."""
    shutil.rmtree(folder, ignore_errors=True)


def _as_table(column: pd.Series, kind: str | None, decimal: str) -> dict[str, Any]:
    """Kind and notes of a column of a table; where it cannot be read, the reason as a note."""
    try:
        one = column.to_frame(str(column.name))
        schema = Schema.infer(one, decimal=decimal, kinds={str(column.name): kind} if kind else None)
    except UserError as error:
        return {"kind": kind or "", "notes": [str(error)]}
    return {"kind": schema.fields[0].kind, "notes": list(schema.notes)}


def _notes(column: pd.Series, notes: list[str], *, opened: bool) -> list[str]:
    if not opened and names_files(column):
        return [
            *notes,
            "Its values name files, which are not opened here. To use images, upload a zip of folders.",
        ]
    return notes


def _distinct(column: pd.Series) -> int | None:
    try:
        return int(column.nunique())
    except TypeError:
        # Lists and arrays have no order and no hash.
        return None


def _shown(cell: object) -> str:
    if isinstance(cell, bytes | bytearray):
        return f"{len(cell):,} bytes"
    text = str(cell)
    return text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]}…"
