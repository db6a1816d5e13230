"""A design as a folder: `network.py` and `encoder.json`, where needed `encoder.npz` and `weights.npz`."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from taskaware.errors import UserError
from taskaware.files import atomic_folder, expanded, refuse_existing
from taskaware.saved import content_digest, read_json
from taskaware.training.written.design import Design
from taskaware.training.written.text import network_text

FORMAT = "taskaware network"
VERSION = 1
CODE, JSON, ARRAYS, WEIGHTS = "network.py", "encoder.json", "encoder.npz", "weights.npz"

MOST_IN_JSON = 20_000
"""Numbers that stand in `encoder.json`; more of them stand in `encoder.npz`."""


def write(design: Design, folder: str | os.PathLike, *, force: bool = False) -> str:
    """Write a design to a folder, as a whole or not at all; other files in it stay.

    Args:
        design: of the network.
        folder: that is made, or written anew.
        force: whether a folder that this function wrote may be replaced.

    Returns:
        The text of `network.py`.

    Raises:
        UserError: the folder exists and `force` is not given, or it is no folder of a network.
    """
    path = check_folder(folder, force=force)
    large = sum(np.size(array) for array in design.of_table.arrays.values()) > MOST_IN_JSON
    text, weights = network_text(design, large=large), design.weights()
    arrays = {name: np.asarray(array) for name, array in design.of_table.arrays.items()}
    content = _content(design, {} if large else arrays)
    made_for = content_digest(text + json.dumps(content, sort_keys=True), arrays if large else {})[:16]
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_folder(path, replace=force) as fresh:
        (fresh / CODE).write_text(text, encoding="utf-8")
        plain = json.dumps({"made_for": made_for, **content}, indent=1, ensure_ascii=True)
        (fresh / JSON).write_text(plain + "\n", encoding="utf-8")
        if large:
            _save(fresh / ARRAYS, arrays)
        if weights:
            _save(fresh / WEIGHTS, {"made_for": np.array(made_for), **weights})
    return text


def check_folder(folder: str | os.PathLike, *, force: bool = False) -> Path:
    """The path of a folder that may be written.

    Args:
        folder, force: as for `write`, errors too.
    """
    path = expanded(folder)
    if path.suffix == ".py":
        raise UserError(f"'{path}' names a file, and source(folder) writes a folder. Leave '.py' out.")
    if not force:
        refuse_existing(path)
    elif path.exists() and not is_written(path):
        raise UserError(f"'{path}' is no folder of source(folder), so it stays. Choose another name.")
    return path


def is_written(folder: Path) -> bool:
    """Whether `write` has made a folder."""
    try:
        plain = read_json(folder / JSON, finite=False)
    except (OSError, ValueError):
        return False
    return isinstance(plain, dict) and plain.get("format") == FORMAT


def _content(design: Design, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    target = design.target
    about: dict[str, Any] = {"target": target.name}
    if target.classes:
        about |= {"classes": list(target.classes), "offsets": list(target.offsets)}
    else:
        about |= {"mean": target.mean, "std": target.std, "form": list(target.form)}
    content = {
        "format": FORMAT,
        "version": VERSION,
        **about,
        "columns": list(design.of_table.columns),
        "arrays": {name: array.tolist() for name, array in arrays.items()},
    }
    # Labels other than strings, numbers and booleans are written as text, as in a saved model.
    return json.loads(json.dumps(content, default=str))


def _save(path: Path, arrays: dict[str, np.ndarray]) -> None:
    kept: dict[str, Any] = dict(arrays)
    np.savez_compressed(path, **kept)
