"""A point of a space of chains as a Flax module."""

import flax.linen as nn
import numpy as np
from jaxtyping import Array, Float

from taskaware.arrays import EitherArray
from taskaware.children.chain.parts import convolved, joined, pooled
from taskaware.spaces import ChainSpace
from taskaware.spaces.chain import ends


class ChainNetwork(nn.Module):
    """The network of a point; make one with `chain_network`.

    Attributes:
        space: of the point.
        point: choice numbers, D of them.
        outputs: K, classes or values.
    """

    space: ChainSpace
    point: tuple[int, ...]
    outputs: int

    @nn.compact
    def __call__(
        self, images: Float[Array, "n side side channels"], training: bool = False
    ) -> Float[Array, "n K"]:
        """Logits of the classes, or values.

        Args:
            images: standardised pixels.
            training: whether batches are normalised by themselves; then "batch_stats" is mutable.
        """
        layers = self.space.decode(np.array(self.point, np.float32))
        states = [images]
        for number, layer in enumerate(layers, 1):
            read = joined([states[each] for each in layer.reads])
            size = (layer.height, layer.width)
            x = convolved(read, layer.filters, size, layer.strides, training, f"layer{number}")
            states.append(pooled(x) if layer.pooled else x)
        last = joined([states[number] for number in ends(layers)])
        return nn.Dense(self.outputs, name="output")(last.mean((1, 2)))


def chain_network(space: ChainSpace, point: Float[EitherArray, " D"], outputs: int) -> ChainNetwork:
    """The Flax module of a point.

    Args:
        space: of the point.
        point: choice numbers.
        outputs: classes, or 1 for a value.
    """
    return ChainNetwork(space, tuple(np.asarray(point).astype(int).tolist()), outputs)
