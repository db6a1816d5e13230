"""Saving an evaluator as one `.npz` of numbers and text; loading runs no code."""

import dataclasses
import json
import os
from pathlib import Path

import jax
import numpy as np

from taskaware.errors import CheckpointError, UserError
from taskaware.spaces import space_from
from taskaware.surrogates.evaluator import Evaluator, Scaler, TaskLevel
from taskaware.surrogates.gp_data import feature_groups
from taskaware.surrogates.kernel import Kernel
from taskaware.surrogates.networks import NETWORKS, PROCESS, network_named
from taskaware.surrogates.training_data import TrainingData, features_of

FORMAT = "taskaware evaluator"
VERSION = 2
_TEXTS = ("names", "groups", "problems", "digests")
_OLDER = {"groups": "origins", "problems": "kinds"}


def save_evaluator(evaluator: Evaluator, path: str | os.PathLike, *, force: bool = False) -> Path:
    """Write an evaluator; the file appears whole or not at all.

    Raises:
        UserError: the file exists and `force` is not given.
    """
    from flax.traverse_util import flatten_dict  # a slow import, and a process is read without

    header = {
        "format": FORMAT,
        "version": VERSION,
        "space": evaluator.space.to_dict(),
        "network": evaluator.network,
        "catalogue": evaluator.catalogue,
        "card": evaluator.card,
        "known": {name: getattr(evaluator.known, name) for name in _TEXTS},
    }
    arrays = {f"param/{name}": value for name, value in flatten_dict(evaluator.params, sep="/").items()}
    arrays |= {f"scaler/{name}": value for name, value in evaluator.scaler._asdict().items()}
    arrays |= {f"level/{name}": value for name, value in evaluator.level._asdict().items()}
    arrays |= {f"known/{name}": getattr(evaluator.known, name) for name in _arrays_of(TrainingData)}
    return write_npz(path, header, arrays, force=force)


def write_npz(path: str | os.PathLike, header: dict, arrays: dict, *, force: bool = False) -> Path:
    """Plain data and arrays by name in one file, which appears whole or not at all; float64 becomes float32.

    Raises:
        UserError: the file exists and `force` is not given.
    """
    path = Path(path)
    if path.exists() and not force:
        raise UserError(f"'{path}' exists already. Choose another name, or pass force=True to replace it.")
    header_bytes = np.frombuffer(json.dumps(header).encode(), np.uint8)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with fresh.open("wb") as file:
            np.savez_compressed(
                file, header=header_bytes, **{name: _small(value) for name, value in arrays.items()}
            )
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    return path


def load_evaluator(path: str | os.PathLike, *, catalogue: str | None = None) -> Evaluator:
    """Read what `save_evaluator` wrote.

    Args:
        path: of the file.
        catalogue: digest of the meta-features that it will be asked with; None asks nothing.

    Raises:
        UserError: there is no such file.
        CheckpointError: the file is damaged, foreign, newer than this taskaware, or learned from other
            meta-features.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"There is no evaluator file '{path}'.")
    header, arrays = read_npz(path)
    _check(path, header, catalogue)
    try:
        texts = header["known"]
        known = {name: tuple(texts[name if name in texts else _OLDER[name]]) for name in _TEXTS}
        evaluator = Evaluator(
            space=space_from(header["space"]),
            network=header["network"],
            params=_params(header["network"], _under(arrays, "param/")),
            scaler=Scaler(**_under(arrays, "scaler/")),
            level=TaskLevel(**_under(arrays, "level/")),
            known=TrainingData(**known, **_under(arrays, "known/")),
            catalogue=header["catalogue"],
            card=header["card"],
        )
        _check_shapes(path, evaluator)
        return evaluator
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"The evaluator in '{path}' is damaged ({error}).") from error


def _params(network: str, flat: dict) -> dict:
    """The parameters as they were saved; those of a process have no levels."""
    if network == PROCESS:
        return flat
    from flax.traverse_util import unflatten_dict

    return unflatten_dict(flat, sep="/")


def read_npz(path: Path) -> tuple[dict, dict]:
    """What `write_npz` wrote: plain data, and arrays by name.

    Raises:
        CheckpointError: the file is damaged, or no such file.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return json.loads(arrays.pop("header").tobytes()), arrays
    # A damaged archive raises whatever zlib, zipfile and numpy make of it.
    except Exception as error:
        raise CheckpointError(f"'{path}' is no taskaware evaluator, or it is damaged ({error}).") from error


def check_format(path: Path, header: dict, wanted: str, version: int, name: str = FORMAT) -> None:
    """Nothing, where the header is of this format, called by a name for people, and of this version.

    Raises:
        CheckpointError: it is foreign, or newer than this taskaware.
    """
    if not isinstance(header, dict) or header.get("format") != wanted:
        raise CheckpointError(f"'{path}' is no {name}.")
    if header.get("version") not in range(1, version + 1):
        raise CheckpointError(
            f"The evaluator in '{path}' has format version {header.get('version')}; this taskaware reads "
            f"up to {version}. Update taskaware."
        )


def _check(path: Path, header: dict, catalogue: str | None) -> None:
    check_format(path, header, FORMAT, VERSION)
    if catalogue is not None and header.get("catalogue") != catalogue:
        raise CheckpointError(
            f"The evaluator in '{path}' learned from other meta-features "
            f"(catalogue {header.get('catalogue')}, here {catalogue}). Train it again from the experience."
        )
    if header.get("network") not in (PROCESS, *NETWORKS):
        raise CheckpointError(f"The evaluator in '{path}' has an unknown network '{header.get('network')}'.")


def _check_shapes(path: Path, evaluator: Evaluator) -> None:
    """The saved weights fit the network of that name, or the process, as they are now."""
    if evaluator.network == PROCESS:
        first = Kernel.first(feature_groups(evaluator.space).max() + 1)._asdict()
        shapes = {name: np.shape(part) for name, part in first.items()}
        shapes["weights"] = evaluator.known.score.shape
        if {name: np.shape(part) for name, part in evaluator.params.items()} != shapes:
            raise CheckpointError(
                f"The kernel in '{path}' is that of another version. Train it again from the experience."
            )
        return
    z, point = (
        np.zeros(evaluator.known.z.shape[1], np.float32),
        np.zeros(evaluator.space.dimension, np.float32),
    )
    u = jax.eval_shape(lambda: features_of(evaluator.space, point))
    network = network_named(evaluator.network)
    wanted = jax.eval_shape(lambda u: network.init(jax.random.key(0), z, u)["params"], u)
    shapes = [
        jax.tree.map(lambda leaf, k=k: tuple(leaf.shape[k:]), t)
        for k, t in ((0, wanted), (1, evaluator.params))
    ]
    if shapes[0] != shapes[1]:
        raise CheckpointError(
            f"The weights in '{path}' are those of another network than '{evaluator.network}' is now. "
            "Train it again from the experience."
        )


def _arrays_of(kind: type) -> list[str]:
    return [field.name for field in dataclasses.fields(kind) if field.name not in _TEXTS]


def _under(arrays: dict, prefix: str) -> dict:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}


def _small(value: np.ndarray) -> np.ndarray:
    value = np.asarray(value)
    return value.astype(np.float32) if value.dtype == np.float64 else value
