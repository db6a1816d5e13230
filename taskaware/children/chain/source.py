"""A convolution chain as source code that runs alone, with Flax."""

import textwrap

from jaxtyping import Float

from taskaware.arrays import EitherArray
from taskaware.children.chain import parts
from taskaware.children.copied import without_annotations
from taskaware.spaces import ChainSpace
from taskaware.spaces.chain import ends

HEADER = '''\
"""A convolution chain designed by taskaware."""

import flax.linen as nn
import jax.numpy as jnp
'''

MODULE = '''\
class Network(nn.Module):
    """Outputs (n, {outputs}) of n images (n, {side}, {side}, {channels}) of standardised pixels."""

    @nn.compact
    def __call__(self, images, training=False):
'''

PARTS = (parts.joined, parts.convolved, parts.pooled)


def source(space: ChainSpace, point: Float[EitherArray, " D"], outputs: int) -> str:
    """Source code of the network; its weights have the names of those of `ChainNetwork`.

    Args:
        space: of the point.
        point: choice numbers.
        outputs: classes, or 1 for a value.
    """
    layers, settings = space.decode(point), space.settings
    lines = ["x0 = images"]
    for number, layer in enumerate(layers, 1):
        sizes = f"{layer.filters}, {(layer.height, layer.width)}, {layer.strides}"
        called = f'convolved({_joined(layer.reads)}, {sizes}, training, "layer{number}")'
        lines.append(f"x{number} = " + (f"pooled({called})" if layer.pooled else called))
    lines.append(f'return nn.Dense({outputs}, name="output")({_joined(ends(layers))}.mean((1, 2)))')
    head = MODULE.format(outputs=outputs, side=settings.side, channels=settings.channels)
    body = head + textwrap.indent("\n".join(lines), " " * 8) + "\n"
    used = [without_annotations(part) for part in PARTS if f"{part.__name__}(" in body]
    return "\n\n".join([HEADER, *used, body])


def _joined(numbers: tuple[int, ...]) -> str:
    names = ", ".join(f"x{number}" for number in numbers)
    return names if len(numbers) == 1 else f"joined([{names}])"
