"""What a controller has learned from several tasks, and its file: weights as safetensors, facts as JSON."""

import dataclasses
import functools
import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from jaxtyping import Float

from taskaware import plain
from taskaware.arrays import EitherArray, as_jax
from taskaware.errors import CheckpointError, UserError, quoted
from taskaware.files import is_file
from taskaware.spaces import Space, space_from
from taskaware.strategies.controller import Controller, init_params
from taskaware.strategies.controller_terms import CONTROLLERS
from taskaware.tensors import read_tensors, write_tensors

FORMAT = "taskaware controller"
VERSION = 1

WIDEST = 4.0
"""Scaled meta-features are cut at this many spreads."""

MOST_UNITS, MOST_LAYERS = 4096, 64
"""What a file may ask for."""


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Taught:
    """What a controller has learned from several tasks, see `teach`.

    Attributes:
        space: of the points.
        controller: the network.
        params: its weights.
        tasks: names of the tasks.
        centre, spread: scale of z, (K,); empty where the controller does not read z.
    """

    space: Space
    controller: Controller
    params: Any
    tasks: tuple[str, ...]
    centre: Float[np.ndarray, " K"]
    spread: Float[np.ndarray, " K"]

    def __repr__(self) -> str:
        reads = f"reads {len(self.centre)} meta-features" if len(self.centre) else "reads no meta-features"
        return f"<controller of '{self.space.name}', taught by {len(self.tasks)} tasks, {reads}>"

    @functools.cached_property
    def digest(self) -> str:
        """16 hex digits that name the weights."""
        leaves = [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(self.params)]
        parts = (self.space.digest.encode(), *leaves, self.centre.tobytes(), self.spread.tobytes())
        return hashlib.sha256(b"".join(parts)).hexdigest()[:16]

    def scaled(self, z: Sequence[float] | EitherArray | None) -> Float[np.ndarray, " K"]:
        """The meta-features of a task as the controller reads them.

        Raises:
            UserError: they are missing, or another number of them was learned from.
        """
        found = np.zeros(0) if z is None else numbers_of(z)
        if found.shape != self.centre.shape:
            wanted = f"reads {len(self.centre)} meta-features" if len(self.centre) else "reads none"
            raise UserError(
                f"z has the shape {found.shape}, and the controller {wanted}. Give z= as for `teach`."
            )
        if not np.isfinite(found).all():
            raise UserError("z has numbers that are not finite. Give z= as for `teach`.")
        return np.clip((found - self.centre) / self.spread, -WIDEST, WIDEST).astype(np.float32)

    def save(self, path: str | os.PathLike, *, force: bool = False) -> Path:
        """Write the controller into one file of safetensors; `load_controller` reads it.

        Args:
            path: of the file, such as "controller.safetensors".
            force: whether an existing file is replaced.

        Raises:
            UserError: the file exists and `force` is not given.
        """
        facts = {
            "format": FORMAT,
            "version": VERSION,
            "space": self.space.to_dict(),
            "controller": next(n for n, kind in CONTROLLERS.items() if type(self.controller) is kind),
            "units": self.controller.units,
            "layers": self.controller.layers,
            "anchors": self.controller.anchors,
            "tasks": list(self.tasks),
            "centre": self.centre.tolist(),
            "spread": self.spread.tolist(),
        }
        return write_tensors(path, facts, flatten_dict(self.params, sep="/"), force=force)


def load_controller(path: str | os.PathLike) -> Taught:
    """Read what `Taught.save` wrote; nothing is executed.

    Raises:
        UserError: there is no such file.
        CheckpointError: it is damaged, or of another format or version.
    """
    if not is_file(Path(path)):
        raise UserError(
            f"There is no file {quoted(str(path))}. Give the path of a controller that was saved."
        )
    try:
        facts, arrays = read_tensors(path)
        if facts.get("format") != FORMAT:
            raise ValueError("it is of another format")
        _check_version(path, facts.get("version"))
        return _restored(facts, arrays)
    except (OSError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        if isinstance(error, UserError):
            raise CheckpointError(f"{quoted(str(path))} cannot be read here. {error}") from error
        raise CheckpointError(
            f"{quoted(str(path))} is no controller of taskaware, or it is damaged ({error})."
        ) from error


def _check_version(path: str | os.PathLike, version: object) -> None:
    if version != VERSION:
        raise CheckpointError(
            f"The controller in {quoted(str(path))} has format version {str(version)[:20]}; this taskaware "
            f"reads {VERSION}. Update taskaware."
        )


def _restored(facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Taught:
    space = space_from(facts["space"])
    network = CONTROLLERS[plain.one_of("controller", facts["controller"], tuple(CONTROLLERS))]
    units = plain.whole("units", facts["units"], low=1, high=MOST_UNITS)
    layers = plain.whole("layers", facts["layers"], low=1, high=MOST_LAYERS)
    tasks = tuple(plain.name("task", each) for each in plain.row("tasks", facts["tasks"]))
    centre, spread = (np.asarray(facts[name], float) for name in ("centre", "spread"))
    if centre.ndim != 1 or spread.shape != centre.shape or not (np.isfinite(centre) & (spread > 0)).all():
        raise ValueError("its scale of z is none")
    controller = network(space, units, layers, anchors=facts["anchors"] is True, context=len(centre))
    wanted = flatten_dict(
        jax.eval_shape(functools.partial(init_params, controller), jax.random.key(0)), sep="/"
    )
    if {name: np.shape(value) for name, value in arrays.items()} != {
        name: leaf.shape for name, leaf in wanted.items()
    }:
        raise ValueError("its weights do not fit its settings")
    if not all(np.isfinite(value).all() for value in arrays.values()):
        raise ValueError("its weights are not finite")
    params = unflatten_dict({name: as_jax(value) for name, value in arrays.items()}, sep="/")
    return Taught(space, controller, params, tasks, centre, spread)


def numbers_of(z: Any) -> Float[np.ndarray, "..."]:
    """Meta-features as an array.

    Raises:
        UserError: they are no numbers.
    """
    try:
        return np.asarray(z, float)
    except (TypeError, ValueError) as error:
        example = "list(ta.meta_features(task).values())"
        raise UserError(f"z is no list of numbers. Give (K,), such as {example}.") from error
