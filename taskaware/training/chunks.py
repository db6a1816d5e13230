"""How many candidates train together: a chunk is spread over all local devices."""

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float

from taskaware.arrays import bucket
from taskaware.children.child import Design
from taskaware.training.prepare import TaskArrays
from taskaware.training.programs import Program, candidates, start

CHUNK_BYTES = {"cpu": 1 << 26, "gpu": 1 << 33, "tpu": 1 << 32}
LARGEST_CHUNK = {"cpu": 16, "gpu": 1024, "tpu": 1024}


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

    def begin(points: Array):
        return start(program, arrays, candidates(program.child, design, points), jax.random.key(0))

    shapes = jax.eval_shape(begin, points[:1])
    return max(1, sum(leaf.size for leaf in jax.tree.leaves(shapes.params)))


def placed(*axes: str) -> NamedSharding:
    """Sharding over all local devices: replicated, or with the first axis split as "candidates"."""
    return NamedSharding(Mesh(np.array(jax.local_devices()), ("candidates",)), PartitionSpec(*axes))
