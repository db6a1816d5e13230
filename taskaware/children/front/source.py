"""A network with a front as source code that runs alone, with Flax, and its trained weights for that code.

A mixture of kernels is one kernel of the largest size among them, so the code has plain convolutions.
"""

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from taskaware.arrays import EitherArray
from taskaware.children.front.architecture import Convolution, convolutions, dense_point, summary
from taskaware.children.front.network import kernel_gains
from taskaware.children.mixture import source as dense_source
from taskaware.children.mixture.source_weights import source_params as dense_params
from taskaware.spaces import FrontSpace

FRONT = '''

class Front(nn.Module):
    """What convolutions leave of n images, (n, {columns})."""

    @nn.compact
    def __call__(self, images):
{body}


class Network(nn.Module):
    """The outputs, (n, {outputs}), of n images (n, {side}, {side}, {channels}) of standardised pixels.

    Args:
        images: the images.
        train: whether units are dropped; needs random numbers named "dropout".
    """

    @nn.compact
    def __call__(self, images, train=False):
        features = Front(name="front")(images)
        return Dense(name="dense")(features{train})
'''

IMPORT, ARRAYS = "import flax.linen as nn\n", "import jax.numpy as jnp\n"


def source(space: FrontSpace, point: Float[EitherArray, " D"], outputs: int, link: str = "classes") -> str:
    """Source code of the network: `Network`, of a `Front` and `Dense` layers.

    Args:
        space, point: the architecture.
        outputs: numbers given for an image.
        link: what they are, see `source` of mixtures.
    """
    code = dense_source.source(
        space.dense,
        dense_point(space, point),
        block=[0] * space.columns,
        categories=0,
        outputs=outputs,
        link=link,
        name="Dense",
        about=summary(space, point),
    )
    body = "\n".join(_front_lines(space, convolutions(space, point)))
    if "jnp." in body and ARRAYS not in code:
        code = code.replace(IMPORT, IMPORT + ARRAYS, 1)
    return code + FRONT.format(
        columns=space.columns,
        outputs=outputs,
        side=space.side,
        channels=space.channels,
        body=textwrap.indent(body, " " * 8),
        train=", train" if "train=False" in code else "",
    )


def source_params(
    space: FrontSpace, point: Float[EitherArray, " D"], params: Mapping[str, EitherArray], outputs: int
) -> dict[str, Any]:
    """Trained weights as those of the `Network` that `source` writes.

    Args:
        space, point: the architecture.
        params: of the `FrontNetwork` of the point.
        outputs: as given to `source`.
    """
    dense = dense_params(
        space.dense,
        dense_point(space, point),
        {name: each for name, each in params.items() if not name.startswith("convolution")},
        block=[0] * space.columns,
        categories=0,
        outputs=outputs,
    )
    shares, _ = space.weights(np.asarray(point, np.float32))
    gains, kernels = np.asarray(kernel_gains(space, shares.kernel)), np.asarray(params["convolution_kernel"])
    front = {}
    for one in convolutions(space, point):
        place, edge = one.number - 1, (space.kernels[-1] - one.size) // 2
        middle = slice(edge, edge + one.size)
        kernel = kernels[place, middle, middle, : one.channels]
        front[one.name] = {
            "kernel": kernel * gains[place, middle, middle, None, None],
            "bias": np.asarray(params[f"convolution{place}_bias"]),
        }
    return {"front": front, "dense": dense}


def _front_lines(space: FrontSpace, present: tuple[Convolution, ...]) -> list[str]:
    widened = f"jnp.pad(x, ((0, 0), (0, 0), (0, 0), (0, {space.filters - space.channels})))"
    by_number, lines = {one.number: one for one in present}, ["x = images"]
    for number in range(1, space.layers + 1):
        one, read = by_number.get(number), widened if number == 1 else "x"
        if one is not None:
            lines += _lines(one, space.filters, read)
        elif number == 1:
            lines.append(f"x = {widened}")
        if space.sides[number] < space.sides[number - 1]:
            lines.append("x = nn.avg_pool(x, (2, 2), (2, 2))")
    return [*lines, "return x.reshape(len(x), -1)"]


def _lines(one: Convolution, filters: int, read: str) -> list[str]:
    """A convolution; `read` is what passes by it, with as many channels as it gives."""
    before = f'nn.Conv({filters}, ({one.size}, {one.size}), name="{one.name}")(x)'
    called = [(dense_source.called_activation(name), share) for name, share in one.activations]
    lines = [f"h = {called[0][0]}({before})"]
    if len(called) > 1:
        parts = " + ".join(f"{share:g} * {function}(h)" for function, share in called)
        lines = [f"h = {before}", f"h = {parts}"]
    passed = "h" if one.presence == 1 else f"{one.presence:g} * h + {1 - one.presence:g} * {read}"
    return [*lines, f"x = {passed}"]
