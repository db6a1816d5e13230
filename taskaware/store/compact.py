"""Experience as one small file to ship: a compressed .npz of plain arrays that executes nothing on load."""

import dataclasses
import os
import zipfile
import zlib
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from taskaware import plain
from taskaware.digests import canonical
from taskaware.errors import StoreError, TaskawareError, UserError
from taskaware.saved import open_npz, parse_json
from taskaware.store.experience import INDICES, PER_TRAINING, Experience, check
from taskaware.store.new_file import new_file
from taskaware.store.records import RecipeRecord, SpaceRecord, TaskRecord, checked_recipe, checked_space

FORMAT = "taskaware experience"
VERSION = 2
ARRAYS = ("z", "architectures", *PER_TRAINING)


@runtime_checkable
class Source(Protocol):
    """What has experience: a `Store`."""

    def triplets(self) -> Experience:
        """The experience."""


def pack(source: Source | Experience, path: str | os.PathLike, *, half: bool = False) -> None:
    """Write experience as one compact file; the same experience gives the same bytes.

    Failed trainings, parents, births and artefacts are not written; a Parquet file has the first three.

    Args:
        source: an experience, or a store with one space and at most one catalogue.
        path: of a file that is not there yet.
        half: write the architectures as float16: smaller, but rounded, so their digests change.

    Raises:
        StoreError: the file exists, or cannot be written.
        UserError: the columns do not fit together, a record holds what is no plain data, or an
            architecture is too large for `half`.
    """
    experience = check(source if isinstance(source, Experience) else source.triplets())
    arrays = {name: getattr(experience, name) for name in ARRAYS}
    arrays |= {name: _smallest(arrays[name]) for name in INDICES}
    if half:
        arrays["architectures"] = _halved(arrays["architectures"])
    header = np.frombuffer(canonical(_header(experience)).encode(), np.uint8)
    with new_file(path) as file:
        np.savez_compressed(file, header=header, **arrays)


def unpack(path: str | os.PathLike) -> Experience:
    """Read a file that `pack` wrote.

    Raises:
        StoreError: there is no such file, or it is corrupt, foreign, or of a newer taskaware.
    """
    try:
        with Path(path).open("rb") as opened, open_npz(opened) as file:
            header = parse_json(file.read(["header"])["header"].tobytes(), finite=False)
            _refuse(header, path)
            arrays = file.read(ARRAYS)
        return _widened(check(_experience(header, arrays)))
    except FileNotFoundError as error:
        raise StoreError(f"There is no file '{path}'. Check the path.") from error
    except StoreError:
        raise
    except DAMAGES as error:
        raise StoreError(
            f"'{path}' is corrupt or is no experience of taskaware ({error}). Fetch it again."
        ) from error


# what NumPy, zipfile and the records raise on bytes that nobody packed
DAMAGES = (
    TaskawareError,
    OSError,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    ArithmeticError,
    RuntimeError,
)


def _refuse(header: object, path: str | os.PathLike) -> None:
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise StoreError(f"'{path}' is no experience of taskaware. Choose another file.")
    if header["version"] > VERSION:
        raise StoreError(
            f"'{path}' has format version {header['version']}; this taskaware reads up to {VERSION}. "
            "Update it: pip install --upgrade taskaware"
        )


def _header(experience: Experience) -> dict:
    return {
        "format": FORMAT,
        "version": VERSION,
        "tasks": [dataclasses.asdict(task) for task in experience.tasks],
        "catalogue": experience.catalogue,
        "features": list(experience.features),
        "space": dataclasses.asdict(experience.space),
        "recipes": [dataclasses.asdict(recipe) for recipe in experience.recipes],
        "strategies": list(experience.strategies),
        "metric": experience.metric,
    }


def _experience(header: dict, arrays: dict[str, np.ndarray]) -> Experience:
    return Experience(
        tasks=tuple(TaskRecord.from_dict(task) for task in header["tasks"]),
        catalogue=plain.name("catalogue", header["catalogue"]),
        features=tuple(plain.name("name of a meta-feature", name) for name in header["features"]),
        space=checked_space(SpaceRecord(**header["space"])),
        recipes=tuple(checked_recipe(RecipeRecord(**recipe)) for recipe in header["recipes"]),
        strategies=tuple(plain.name("name of a strategy", name) for name in header["strategies"]),
        metric=plain.name("metric", header.get("metric", "")),
        **arrays,
    )


def _widened(experience: Experience) -> Experience:
    """The experience with the types that `Experience` names."""
    types = dict.fromkeys(INDICES, np.int32) | {"architectures": np.float32}
    return dataclasses.replace(
        experience, **{name: getattr(experience, name).astype(kind) for name, kind in types.items()}
    )


def _halved(u: np.ndarray) -> np.ndarray:
    if np.nanmax(np.abs(u), initial=0) > np.finfo(np.float16).max:
        raise UserError("An architecture has numbers beyond 65504, the largest of `half`. Leave `half` out.")
    return u.astype(np.float16)


def _smallest(indices: np.ndarray) -> np.ndarray:
    """The same non-negative integers in the smallest unsigned type that holds them."""
    return indices.astype(np.min_scalar_type(int(indices.max(initial=0))))
