"""How many candidates train together, and how many chunks of them at once.

A chunk is spread over all local devices. On a CPU a chunk is small and has a thread to itself: its products
are too small to be shared out among cores.
"""

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import Any, TypeVar

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float

from taskaware.arrays import bucket
from taskaware.children.child import Design
from taskaware.compilation import threads
from taskaware.training.prepare import TaskArrays
from taskaware.training.programs import Program, candidates, start

Of = TypeVar("Of")
Found = TypeVar("Found")

CHUNK_BYTES = {"cpu": 1 << 26, "gpu": 1 << 33, "tpu": 1 << 32}
LARGEST_CHUNK = {"cpu": 4, "gpu": 1024, "tpu": 1024}


def chunk_size(parameters: int, count: int) -> int:
    """How many candidates train together: on each device a power of two that fits its memory.

    Args:
        parameters: trained numbers of one candidate.
        count: number of candidates.
    """
    backend, devices = jax.default_backend(), jax.local_device_count()
    # Weights, gradient and two moments, of four bytes each.
    fitting = max(1, CHUNK_BYTES.get(backend, 1 << 30) // (16 * parameters))
    most = min(LARGEST_CHUNK.get(backend, 64), 1 << (fitting.bit_length() - 1))
    return devices * min(most, bucket(-(-count // devices), 1))


def parameter_count(program: Program, design: Design, arrays: TaskArrays, points: Float[Array, "n D"]) -> int:
    """Number of trained parameters of one candidate, at the padded shapes; at least 1.

    Args:
        program, design: of its group.
        arrays: the task.
        points: of the group; only their shape counts.
    """

    leaves, structure = jax.tree.flatten(arrays)
    shapes = tuple((leaf.shape, leaf.dtype) for leaf in leaves)
    return _parameters(program, design, structure, (shapes, points.shape[1]))


@functools.lru_cache(maxsize=256)
def _parameters(
    program: Program, design: Design, structure: Any, shapes: tuple[tuple[tuple[Any, Any], ...], int]
) -> int:
    """`parameter_count` by the structure and shapes of the task's arrays, and the dimension of the points."""
    leaves, dimension = shapes
    arrays = jax.tree.unflatten(structure, [jax.ShapeDtypeStruct(*leaf) for leaf in leaves])

    def begin(arrays: TaskArrays, points: Array):
        return start(program, arrays, candidates(program.child, design, points), jax.random.key(0))

    begun = jax.eval_shape(begin, arrays, jax.ShapeDtypeStruct((1, dimension), np.float32))
    return max(1, sum(leaf.size for leaf in jax.tree.leaves(begun.params)))


def placed(*axes: str) -> NamedSharding:
    """Sharding over all local devices: replicated, or with the first axis split as "candidates"."""
    return NamedSharding(Mesh(np.array(jax.local_devices()), ("candidates",)), PartitionSpec(*axes))


def lanes() -> int:
    """How many chunks train at once, each in a thread of its own: 1 where devices share the work out."""
    return threads() if jax.default_backend() == "cpu" and jax.local_device_count() == 1 else 1


def in_lanes(
    function: Callable[[Of, Callable[[], None]], Found], parts: Sequence[Of], count: int
) -> Iterator[Found]:
    """The results of a function of each part, in the order of the parts, as soon as each is there.

    Args:
        function: of a part, and of what it calls now and then: that raises where the work is to stop.
        parts: any number.
        count: of lanes.
    """
    if min(count, len(parts)) < 2:
        yield from (function(part, lambda: None) for part in parts)
        return
    ended = threading.Event()

    def check() -> None:
        if ended.is_set():
            raise CancelledError

    with ThreadPoolExecutor(min(count, len(parts))) as pool:
        waiting = [pool.submit(function, part, check) for part in parts]
        try:
            for each in waiting:
                yield each.result()
        finally:
            # Also after Ctrl-C, or where nobody asks for the rest.
            ended.set()
            for each in waiting:
                each.cancel()
