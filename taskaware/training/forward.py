"""Trained networks and the blocks that they read, as one function from rows to outputs."""

import dataclasses
import functools
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from taskaware.arrays import EitherArray, as_jax, bucket, column_room
from taskaware.children.child import Batch, Child, Design, child_of
from taskaware.children.mixture.network import Inputs
from taskaware.compilation import keep_compiled
from taskaware.errors import EngineError
from taskaware.modalities.blocks import Blocks
from taskaware.tasks.data import Data
from taskaware.training.prepare import (
    FEWEST_ROWS,
    columns_of,
    embeddings_of,
    inputs_of,
    rows_at_once,
    side_by_side,
)

ROWS_AT_ONCE = 4096
"""Largest number of rows that are encoded and computed together: their numbers stay in the caches."""

MOST_THREADS = 4


@dataclasses.dataclass(frozen=True, eq=False)
class Networks:
    """M networks of one architecture, whose outputs are averaged.

    Attributes:
        space, point: the architecture, (D,).
        width: key of the point's group.
        outputs: of a network.
        classes: number of classes or labels; 0 in regression.
        several: number of outputs that have an answer each; 0 where a row has one answer.
        blocks: turn rows into inputs.
        params: weights, each (M, ...).
    """

    space: Any
    point: EitherArray
    width: int
    outputs: int
    classes: int
    blocks: Blocks
    params: Mapping
    several: int = 0

    def shapes(self) -> dict:
        """The shape of each array of weights of one network; no weights are needed."""
        child = child_of(self.space)
        candidate = child.read(self._design, as_jax(self.point))
        batch = self._batch(self._one_row)
        expected = jax.eval_shape(child.init, jax.random.key(0), candidate, batch).params
        return jax.tree.map(lambda leaf: tuple(leaf.shape), dict(expected))

    def __call__(self, data: Data) -> Float[np.ndarray, "N K"]:
        """Probability of each class or label, or standardised values, for each of N rows, 0 or more.

        Rows are encoded and computed in chunks of one size, several at a time, so that the memory does not
        grow with N.

        Raises:
            EngineError: an output is no finite number; or JAX ran before this process was forked.
        """
        keep_compiled()
        size = self._chunk_rows(data.rows)
        starts = range(0, data.rows, size)
        parts = [np.zeros((0, self._given), np.float32)]
        compute = self._on_device(size)
        if len(starts) == 1:
            parts.append(self._chunk(data, 0, size, compute))
        else:
            with ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1)) as pool:
                parts += pool.map(lambda first: self._chunk(data, first, size, compute), starts)
        return _finite(np.concatenate(parts))

    def encoded(self, data: Data) -> Inputs:
        """Rows as the networks are called with them, without padding: what `traced` reads."""
        return side_by_side(self.blocks.transform(data), self._embeddings)

    @property
    def input_widths(self) -> tuple[int, int]:
        """Columns of the numbers and of the categories that `encoded` gives."""
        zeros = {name: np.zeros((0, width), np.float32) for name, width in self.blocks.widths.items()}
        numbers, categories = side_by_side(zeros, self._embeddings)
        return numbers.shape[1], categories.shape[1]

    def traced(self, numbers: Float[Array, "n D"], categories: Float[Array, "n T"]) -> Array:
        """What a call gives, of rows that `encoded` gave, as a function that JAX can trace: (n, K)."""
        batch = self._batch(self._one_row)
        child, given = child_of(self.space), (numbers, categories)
        room = [column_room(part.shape[1]) - part.shape[1] for part in given]
        padded = [jnp.pad(part, ((0, 0), (0, more))) for part, more in zip(given, room, strict=True)]
        batch = dataclasses.replace(batch, x=Inputs(*padded))
        return _forward(child, self._design, self.params, batch, self.point)[:, : self._given]

    def seconds(self, rows: int, *, repeats: int = 20) -> float:
        """The least time of several that the networks take for so many rows, which are encoded already.

        Raises:
            EngineError: JAX ran before this process was forked.
        """
        keep_compiled()
        size, found = self._chunk_rows(rows), []
        compute, rng = self._on_device(size), np.random.default_rng(0)
        blocks = {
            name: rng.normal(size=(size, width)).astype(np.float32)
            for name, width in self.blocks.widths.items()
        }
        inputs = inputs_of(blocks, self._embeddings, size)
        for _ in range(repeats + 1):
            began = time.perf_counter()
            for _ in range(0, rows, size):
                np.asarray(compute(inputs))
            found.append(time.perf_counter() - began)
        # The first one compiles.
        return min(found[1:])

    def _chunk_rows(self, rows: int) -> int:
        """Rows of each chunk: a power of two, so that few programs serve all tables."""
        return min(ROWS_AT_ONCE, rows_at_once(self.blocks), bucket(rows, FEWEST_ROWS))

    def _on_device(self, size: int) -> Callable[[Inputs], Array]:
        """The outputs of chunks of `size` rows; what the chunks share is brought to the device once."""
        child, design = child_of(self.space), self._design
        zeros = {name: np.zeros((1, width), np.float32) for name, width in self.blocks.widths.items()}
        batch = self._batch(inputs_of(zeros, self._embeddings, size))
        params, point, batch = jax.device_put((self.params, self.point, batch))
        return lambda inputs: _forward(child, design, params, dataclasses.replace(batch, x=inputs), point)

    def _chunk(
        self, data: Data, first: int, size: int, compute: Callable[[Inputs], Array]
    ) -> Float[np.ndarray, "n K"]:
        rows = np.arange(first, min(first + size, data.rows))
        inputs = inputs_of(self.blocks.transform(data, rows), self._embeddings, size)
        return np.asarray(compute(inputs))[: len(rows), : self._given]

    @property
    def _one_row(self) -> Inputs:
        zeros = {name: np.zeros((1, width), np.float32) for name, width in self.blocks.widths.items()}
        return inputs_of(zeros, self._embeddings, 1)

    @property
    def _given(self) -> int:
        """Outputs that predictions hold."""
        return self.several or max(self.classes, 1)

    @property
    def _design(self) -> Design:
        return Design(self.space, self.width)

    @property
    def _embeddings(self) -> tuple[str, ...]:
        return embeddings_of(self.space)

    def _batch(self, inputs: Inputs) -> Batch:
        allowed = np.arange(self.outputs) < self._given
        rows = len(inputs.numbers)
        y = np.zeros((rows, self.several) if self.several else rows, np.float32)
        return Batch(inputs, y, columns_of(self.blocks, self._embeddings), allowed, self.classes > 0)


def _finite(outputs: np.ndarray) -> np.ndarray:
    wrong = ~np.isfinite(outputs).all(1)
    if wrong.any():
        raise EngineError(
            f"The networks give no finite number for {wrong.sum()} of {len(outputs)} rows (row "
            f"{np.flatnonzero(wrong)[0]} is the first). Train the model again."
        )
    return outputs


@functools.partial(jax.jit, static_argnames=("child", "design"))
def _forward(child: Child, design: Design, params, batch: Batch, point: Float[Array, " D"]):
    """Mean of what the networks predict: probabilities, or values, (n, K)."""
    candidate = child.read(design, point)

    def one(params):
        return batch.predictions(child.outputs(params, candidate, batch))

    return jax.vmap(one)(params).mean(0)
