"""Saving an evaluator as one `.npz` of numbers and text; loading runs no code."""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from taskaware import saved
from taskaware.errors import CheckpointError, UserError, quoted
from taskaware.files import is_file
from taskaware.spaces import space_from
from taskaware.surrogates.checking import check_fields
from taskaware.surrogates.evaluator import Evaluator, flat
from taskaware.surrogates.level import Scaler, TaskLevel
from taskaware.surrogates.price import Price
from taskaware.surrogates.registry import SURROGATES
from taskaware.surrogates.settings import present_name
from taskaware.surrogates.training_data import TrainingData
from taskaware.surrogates.triplets import TripletData

FORMAT = "taskaware evaluator"
VERSION = 3
JOINT_FORMAT = "taskaware joint evaluator"
"""Format of evaluators with a feature generator until version 3; they lack training data."""
_TEXTS = ("names", "groups", "problems", "digests")
_OLDER_TEXTS = {"groups": "origins", "problems": "kinds"}
_OLDER_PREFIX = "known"
"""Names of the training data in versions 1 and 2."""


def save_evaluator(evaluator: Evaluator, path: str | os.PathLike, *, force: bool = False) -> Path:
    """Write an evaluator atomically.

    Args:
        evaluator: any of SURROGATES.
        path: path of the file.
        force: whether an existing file is replaced.

    Raises:
        UserError: the file exists and `force` is not given, or the evaluator was read from a file of an
            older taskaware that has no training data.
    """
    data = evaluator.training_data
    if data is None:
        raise UserError("This evaluator has no training data, and cannot be saved anew. Train it again.")
    header = {
        "format": FORMAT,
        "version": VERSION,
        "space": evaluator.space.to_dict(),
        "network": evaluator.network,
        "catalogue": evaluator.catalogue,
        "card": dict(evaluator.card),
        "price": evaluator.price and list(evaluator.price),
        "training_data": {name: getattr(data, name) for name in _TEXTS},
        "form": "triplets" if isinstance(data, TripletData) else "table",
    } | evaluator.header()
    arrays = {f"param/{name}": value for name, value in flat(evaluator.params).items()}
    arrays |= {f"scaler/{name}": value for name, value in evaluator.scaler._asdict().items()}
    if evaluator.level is not None:
        arrays |= {f"level/{name}": value for name, value in evaluator.level._asdict().items()}
    arrays |= {f"training_data/{name}": getattr(data, name) for name in _arrays_of(type(data))}
    return saved.write_sealed(path, header, arrays, force=force)


def load_evaluator(path: str | os.PathLike, *, catalogue: str | None = None) -> Evaluator:
    """Read what `save_evaluator` wrote, now or in an earlier version.

    Args:
        path: path of the file.
        catalogue: digest of the meta-features of its queries; None skips this check.

    Raises:
        UserError: there is no such file.
        CheckpointError: the file is damaged, is not an evaluator, is from a newer taskaware, has a surrogate
            that is not in SURROGATES, or was fitted to other meta-features.
    """
    path = Path(path)
    if not is_file(path):
        raise UserError(f"There is no evaluator file {quoted(str(path))}.")
    header, arrays = read_npz(path)
    _check(path, header, catalogue)
    try:
        evaluator = _restored(header, arrays)
        wanted = evaluator.shapes()
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise CheckpointError(f"The evaluator in '{path}' is damaged ({error}).") from error
    found = {name: np.shape(value) for name, value in flat(evaluator.params).items()}
    if wanted is not None and found != wanted:
        raise CheckpointError(
            f"The weights in '{path}' do not fit '{evaluator.network}' as it is now. Train it again from the "
            "experience."
        )
    return evaluator


def _restored(header: Mapping, arrays: Mapping) -> Evaluator:
    network = _network(header)
    fields: dict[str, Any] = {
        "space": space_from(header["space"]),
        "network": network,
        "params": _nested(_under(arrays, "param/")),
        "scaler": Scaler(**_under(arrays, "scaler/")),
        "level": None,
        "training_data": None,
        "catalogue": header["catalogue"],
        "card": header["card"],
        "price": Price(*map(float, header["price"])) if header.get("price") else None,
    }
    if header["format"] == FORMAT:
        prefix = "training_data" if header["version"] > 2 else _OLDER_PREFIX
        texts = header[prefix]
        data: dict[str, Any] = {
            name: tuple(texts[name if name in texts else _OLDER_TEXTS[name]]) for name in _TEXTS
        }
        fields["level"] = TaskLevel(**_under(arrays, "level/"))
        form: type = TripletData if header.get("form") == "triplets" else TrainingData
        fields["training_data"] = form(**data, **_under(arrays, f"{prefix}/"))
    check_fields(fields)
    return SURROGATES[network].restored(fields, header)


def _network(header: Mapping) -> str:
    return "joint" if header["format"] == JOINT_FORMAT else present_name(header["network"])


def _nested(arrays: Mapping[str, np.ndarray]) -> dict:
    """The inverse of `flat`."""
    found: dict = {}
    for name, value in arrays.items():
        *levels, last = name.split("/")
        place = found
        for level in levels:
            place = place.setdefault(level, {})
        place[last] = value
    return found


def read_npz(path: Path) -> tuple[dict, dict]:
    """Plain data, and arrays by name.

    Raises:
        CheckpointError: the file is damaged, or of another format.
    """
    try:
        return saved.read_sealed(path)
    except (OSError, ValueError, LookupError) as error:
        raise CheckpointError(f"'{path}' is no taskaware evaluator, or it is damaged ({error}).") from error


def _check(path: Path, header: dict, catalogue: str | None) -> None:
    """Check that this taskaware can read the file.

    Raises:
        CheckpointError: it is foreign, newer than this taskaware, or of other meta-features.
    """
    if not isinstance(header, dict) or header.get("format") not in (FORMAT, JOINT_FORMAT):
        raise CheckpointError(f"'{path}' is no {FORMAT}.")
    if header.get("version") not in range(1, VERSION + 1):
        raise CheckpointError(
            f"The evaluator in '{path}' has format version {header.get('version')}; this taskaware reads "
            f"up to {VERSION}. Update taskaware."
        )
    if catalogue is not None and header.get("catalogue") != catalogue:
        raise CheckpointError(
            f"The evaluator in '{path}' learned from other meta-features "
            f"(catalogue {header.get('catalogue')}, here {catalogue}). Train it again from the experience."
        )
    if header["format"] == FORMAT and present_name(str(header.get("network"))) not in SURROGATES:
        raise CheckpointError(
            f"The evaluator in '{path}' is of an unknown network '{header.get('network')}'. Known: "
            f"{', '.join(SURROGATES)}. Add yours to taskaware.SURROGATES before."
        )


def _arrays_of(kind: type) -> list[str]:
    return [field.name for field in dataclasses.fields(kind) if field.name not in _TEXTS]


def _under(arrays: Mapping, prefix: str) -> dict:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}
