"""A model as a folder of numbers and text: `model.json` and `weights.npz`, with a digest of both.

The weights may stand in a file of their own, `weights.safetensors`; then `model.json` names it.

A model of the format before (3 and 4) has no digest; what it holds is checked as far as it can be.
"""

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from taskaware.arrays import as_jax
from taskaware.errors import CheckpointError, UserError
from taskaware.files import opened_together
from taskaware.modalities.modality import MODALITIES, Modality
from taskaware.saved import Arrays, content_digest, open_npz, read_json
from taskaware.spaces import space_from
from taskaware.tasks.outputs import SEVERAL, Outputs
from taskaware.tasks.task import ALL_PROBLEMS, PROBLEMS
from taskaware.training import tensors
from taskaware.training.forward import Networks

if TYPE_CHECKING:
    from taskaware.training.model import Model

FORMAT = "taskaware model"
VERSION = 5
OLDEST = 3
PLAIN_FIELDS = (
    *("name", "modality", "problem", "metric", "target_name", "width", "outputs"),
    *("target_mean", "target_std", "best_score", "offsets"),
)
JSON, WEIGHTS = "model.json", "weights.npz"

_OLD_NAMES = {"kind": "problem", "schema": "reader"}
_BLOCK_BYTES, _COLUMN_BYTES, _PER_CHARACTER = 1 << 20, 1 << 16, 16


def write(model: "Model", folder: Path, *, with_tensors: bool = False) -> None:
    """Write the files of a model.

    Labels other than strings, numbers and booleans are written as text, infinite numbers and NaN as nothing.

    Args:
        model: that is saved.
        folder: that exists.
        with_tensors: whether the weights stand in a file of safetensors, see `tensors`.
    """
    fields = {name: getattr(model, name) for name in PLAIN_FIELDS} | {
        "classes": list(model.classes),
        "reader": None if model.reader is None else model.reader.to_dict(),
        "space": model.space.to_dict(),
        "history": model.history.to_dict(orient="list"),
    }
    if model.several:
        fields["several"] = model.several.to_dict()
    if with_tensors:
        fields["tensors"] = tensors.FILE
    arrays: dict[str, Any] = {f"param/{name}": np.asarray(value) for name, value in model.params.items()}
    arrays |= {f"block/{name}": value for name, value in model.blocks.to_arrays().items()}
    arrays["point"] = np.asarray(model.point, np.float32)
    plain = json.loads(json.dumps(_finite({**fields, "format": FORMAT, "version": VERSION}), default=str))
    text = json.dumps({**plain, "digest": _digest(plain, arrays)}, indent=1)
    (folder / JSON).write_text(text, encoding="utf-8")
    if with_tensors:
        (folder / tensors.FILE).write_bytes(tensors.as_bytes(arrays))
        arrays = {name: array for name, array in arrays.items() if not name.startswith(tensors.PREFIX)}
    np.savez_compressed(folder / WEIGHTS, **arrays)


def read(folder: Path) -> dict[str, Any]:
    """The fields of the model that was written to a folder, now or in an earlier version.

    Raises:
        CheckpointError: it is not a model, is damaged, or comes from another version of taskaware.
    """
    more: list[str] = []
    try:
        while True:
            with opened_together(folder, JSON, WEIGHTS, *more) as (text, *files):
                plain = _described(folder, text)
                named = [tensors.FILE] if plain.get("tensors") else []
                # All are opened anew where there is one more, because others may replace the folder.
                if named == more:
                    return _read(folder, plain, os.fstat(text.fileno()).st_size, files)
            more = named
    except OSError as error:
        check_is_model(folder)
        raise _damaged(folder, error) from error


def check_is_model(folder: Path) -> dict:
    """What a model's `model.json` holds.

    Raises:
        CheckpointError: the folder has none, or one of another format or version.
    """
    try:
        with opened_together(folder, JSON) as (text,):
            return _described(folder, text)
    except OSError as error:
        raise _no_model(folder, error) from error


def _read(folder: Path, plain: dict, characters: int, files: Sequence[IO[bytes]]) -> dict[str, Any]:
    weights, *more = files
    try:
        with open_npz(weights) as found:
            arrays = tensors.WithTensors(found, *more) if more else found
            return _restored(plain, arrays, characters)
    except UserError as error:
        raise CheckpointError(f"The model in '{folder}' cannot be read here. {error}") from error
    except (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError) as error:
        raise _damaged(folder, error) from error
    except CheckpointError as error:
        raise _damaged(folder, error) from error


def _described(folder: Path, text: IO[bytes]) -> dict:
    try:
        plain = read_json(text, finite=False)
    except ValueError as error:
        raise _no_model(folder, error) from error
    if not isinstance(plain, dict) or plain.get("format") != FORMAT:
        raise CheckpointError(f"'{folder}' is not a taskaware model: its model.json has another format.")
    version = plain.get("version")
    if version not in range(OLDEST, VERSION + 1):
        older = isinstance(version, int) and version < OLDEST
        raise CheckpointError(
            f"The model in '{folder}' has format version {str(version)[:20]}; this taskaware reads "
            f"{VERSION}. {'Train it again' if older else 'Update taskaware'}."
        )
    return plain


def _no_model(folder: Path, error: Exception) -> CheckpointError:
    return CheckpointError(f"'{folder}' is not a taskaware model ({error}).")


def _damaged(folder: Path, error: Exception) -> CheckpointError:
    return CheckpointError(f"The model in '{folder}' is damaged ({error}). Save it again.")


def _restored(plain: dict, arrays: Arrays, characters: int) -> dict[str, Any]:
    fields: dict[str, Any] = {"modality": "tables", "offsets": [], "several": None} | {
        _OLD_NAMES.get(name, name): value for name, value in plain.items()
    }
    fields["several"] = Outputs.from_dict(fields["several"])
    _check_fields(fields)
    modality = MODALITIES.named(fields["modality"])
    reader = None if fields["reader"] is None else modality.reader_from(fields["reader"])
    found = _unpacked(fields, arrays, modality, characters)
    if "digest" in plain or plain["version"] == VERSION:
        content = {name: value for name, value in plain.items() if name != "digest"}
        if plain.get("digest") != _digest(content, found["all"]):
            raise ValueError("its content is not what was saved: the digests differ")
    else:
        _check_older(fields)
    networks = found["networks"]
    if reader is not None:
        modality.check_saved(reader, networks.blocks)
    params = {name: as_jax(value) for name, value in networks.params.items()}
    return {
        **{name: fields[name] for name in PLAIN_FIELDS},
        "best_score": -math.inf if fields["best_score"] is None else fields["best_score"],
        "classes": tuple(fields["classes"]),
        "offsets": tuple(fields["offsets"]),
        "several": fields["several"],
        **{name: _scale(fields[name]) for name in ("target_mean", "target_std")},
        "reader": reader,
        "blocks": networks.blocks,
        "space": networks.space,
        "point": networks.point,
        "params": params,
        "history": _history(fields["history"]),
    }


def _scale(value: float | list[float]) -> float | tuple[float, ...]:
    return tuple(value) if isinstance(value, list) else value


def _history(columns: Mapping[str, list]) -> pd.DataFrame:
    read = {name: [math.nan if value is None else value for value in each] for name, each in columns.items()}
    frame = pd.DataFrame(read)
    if not all(dtype.kind in "if" for dtype in frame.dtypes):
        raise ValueError("the history holds something else than numbers")
    return frame


def _unpacked(fields: dict, arrays: Arrays, modality: Modality, characters: int) -> dict[str, Any]:
    """All arrays, and the networks that they are of; sizes are compared before anything is unpacked."""
    headers = arrays.headers
    prefix = "block/" if any(name.startswith("block/") for name in headers) else "encoder/"
    names = [name for name in headers if name.startswith(prefix)]
    most = _BLOCK_BYTES + _COLUMN_BYTES * _columns(fields["reader"]) + _PER_CHARACTER * characters
    if modality.name == "tables" and sum(headers[name].bytes for name in names) > most:
        raise ValueError("its encoder is larger than that of so many columns")
    space = space_from(fields["space"])
    if headers["point"] != ((space.dimension,), np.float32):
        raise ValueError(f"the point has the shape {headers['point'].shape}")
    small = arrays.read([*names, "point"])
    blocks = modality.blocks_from({name.removeprefix(prefix): small[name] for name in names})
    if not np.isfinite(small["point"]).all():
        raise ValueError("the point holds what is no finite number")
    _check_sizes(fields, arrays, space)
    networks = Networks(
        space=space,
        point=small["point"],
        width=fields["width"],
        outputs=fields["outputs"],
        classes=fields["outputs"] if fields["problem"] == "multilabel" else len(fields["classes"]),
        blocks=blocks,
        params={},
        several=len(fields["several"].names) if fields["several"] else 0,
    )
    weights = arrays.read(_weights(networks, arrays))
    more = set(headers) - set(small) - set(weights)
    if more:
        raise ValueError(f"it has an array '{min(more)[:80]}' that no model has")
    params = {name.removeprefix("param/"): value for name, value in weights.items()}
    if not all(np.isfinite(value).all() for value in params.values()):
        raise ValueError("the weights hold what is no finite number")
    return {"all": small | weights, "networks": networks.__class__(**{**vars(networks), "params": params})}


def _check_sizes(fields: dict, arrays: Arrays, space: Any) -> None:
    """Refuse numbers in the description that no weights stand behind, before a network is laid out."""
    shapes = [header.shape for name, header in arrays.headers.items() if name.startswith("param/")]
    if not shapes or not all(shapes) or 0 in {shape[0] for shape in shapes}:
        raise ValueError("there are no weights")
    largest = max(max(shape) for shape in shapes)
    if max(abs(fields["width"]), fields["outputs"]) > largest or getattr(space, "layers", 0) > len(shapes):
        raise ValueError("the weights are those of another network")
    if fields["outputs"] < len(fields["classes"]):
        raise ValueError("the weights are those of a network with fewer classes")


def _weights(networks: Networks, arrays: Arrays) -> list[str]:
    """Names of the arrays of weights, which have the shapes that the architecture asks for."""
    names = [name for name in arrays.headers if name.startswith("param/")]
    members = arrays.headers[names[0]].shape[0]
    wanted = {f"param/{name}": (members, *shape) for name, shape in networks.shapes().items()}
    if wanted != {name: arrays.headers[name].shape for name in names}:
        raise ValueError("the weights are those of another network")
    if any(arrays.headers[name].dtype != np.float32 for name in names):
        raise ValueError("the weights are no float32 numbers")
    return names


def _check_fields(fields: dict) -> None:
    for name in ("name", "modality", "metric", "target_name"):
        _check(name, fields[name], isinstance(fields[name], str))
    for name in ("width", "outputs"):
        _check(name, fields[name], type(fields[name]) is int and fields[name] != 0)
    _check("outputs", fields["outputs"], fields["outputs"] > 0)
    several, problem = fields["several"], fields["problem"]
    _check("problem", problem, problem in ALL_PROBLEMS)
    _check("several", several, (several is not None) == (problem in SEVERAL))
    _check("outputs", fields["outputs"], several is None or fields["outputs"] == len(several.names))
    for name in ("target_mean", "target_std"):
        each = fields[name] if problem == "multioutput" else [fields[name]]
        _check(name, fields[name], isinstance(each, list) and all(map(_is_number, each)))
        _check(name, fields[name], len(each) == (fields["outputs"] if problem == "multioutput" else 1))
        _check(name, fields[name], name == "target_mean" or min(each) > 0)
    score, classes = fields["best_score"], fields["classes"]
    _check("best_score", score, score is None or type(score) in (int, float))
    reader = fields["reader"]
    _check("classes", classes, isinstance(classes, list) and (len(classes) > 0) == (problem == PROBLEMS[0]))
    _check("classes", classes, all(isinstance(label, str | bool) or _is_number(label) for label in classes))
    _check("classes", classes, len(set(map(str, classes))) == len(classes))
    offsets = fields["offsets"]
    _check("offsets", offsets, isinstance(offsets, list) and all(map(_is_number, offsets)))
    _check("offsets", offsets, len(offsets) in (0, len(classes)))
    _check("reader", reader, reader is None or isinstance(reader, dict))
    _check("history", fields["history"], isinstance(fields["history"], dict))


def _check_older(fields: dict) -> None:
    """Refuse labels out of order: the order that a model without a digest can have been trained with."""
    labels = [fields["classes"]]
    if fields["modality"] == "tables" and fields["reader"] is not None:
        labels += [field.get("categories") or [] for field in fields["reader"].get("fields", ())]
    for each in labels:
        texts = [str(label) for label in each]
        if texts != sorted(set(texts)) and not _ascending(each):
            raise ValueError("its labels are not in ascending order")


def _ascending(labels: list) -> bool:
    try:
        numbers = [float(label) for label in labels]
    except ValueError:
        return False
    return all(low < high for low, high in zip(numbers[:-1], numbers[1:], strict=True))


def _check(name: str, value: object, holds: bool) -> None:
    if not holds:
        raise ValueError(f"'{name}' is {str(value)[:80]!r}")


def _is_number(value: object) -> bool:
    largest = float(np.finfo(np.float64).max)
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= largest


def _columns(reader: Any) -> int:
    found = reader.get("fields") if isinstance(reader, dict) else None
    return len(found) if isinstance(found, list) else 0


def _digest(plain: Mapping, arrays: Mapping[str, np.ndarray]) -> str:
    return content_digest(json.dumps(plain, sort_keys=True), arrays)


def _finite(value: Any) -> Any:
    """The value with None for every number that is not finite."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list | tuple) else value
