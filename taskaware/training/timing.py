"""How long untrained networks of an architecture take to predict, measured on this machine."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from taskaware.arrays import EitherArray, as_jax, bucket
from taskaware.children.child import child_of
from taskaware.children.mixture.cost import ROWS
from taskaware.modalities.blocks import Blocks
from taskaware.spaces import Space
from taskaware.training.forward import Networks
from taskaware.training.programs import is_classification


@dataclasses.dataclass(frozen=True)
class Widths(Blocks):
    """Blocks of which the widths alone are known; every row is zero.

    Attributes:
        columns: of each block, by name.
    """

    columns: tuple[tuple[str, int], ...]

    @property
    def widths(self) -> Mapping[str, int]:
        return dict(self.columns)

    def transform(self, data: Any, rows: np.ndarray | None = None) -> Mapping[str, np.ndarray]:
        count = len(rows) if rows is not None else data.rows
        return {name: np.zeros((count, width), np.float32) for name, width in self.columns}

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {}


@dataclasses.dataclass(frozen=True)
class Shape:
    """Of the networks for a dataset.

    Attributes:
        columns: of each block, by name.
        problem: of the task.
        outputs: K.
        several: whether a row has an answer for each output.
        members: number of networks that are averaged.
    """

    columns: tuple[tuple[str, int], ...]
    problem: str
    outputs: int
    several: bool
    members: int


def measured_seconds(space: Space, point: EitherArray, shape: Shape, *, repeats: int = 20) -> float:
    """Seconds for ROWS rows that are encoded already: the least of several times.

    Args:
        space, point: the architecture, (D,).
        shape: of the networks.
        repeats: number of times.
    """
    [(key, _)] = child_of(space).group(space, as_jax(point, np.float32)[None])
    logits = is_classification(shape.problem)
    networks = Networks(
        space=space,
        point=np.asarray(point, np.float32),
        width=key,
        outputs=bucket(shape.outputs, 4) if logits and not shape.several else shape.outputs,
        classes=shape.outputs if logits else 0,
        blocks=Widths(shape.columns),
        params={},
        several=shape.outputs if shape.several else 0,
    )
    rng = np.random.default_rng(0)
    params = {
        name: rng.normal(0, 0.1, (shape.members, *sizes)).astype(np.float32)
        for name, sizes in networks.shapes().items()
    }
    return dataclasses.replace(networks, params=jax.device_put(params)).seconds(ROWS, repeats=repeats)
