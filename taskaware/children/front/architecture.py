"""The convolutions of a point of `FrontSpace` that are there, as values, as text and as plain data."""

import dataclasses

import numpy as np
from jaxtyping import Float

from taskaware.arrays import EitherArray
from taskaware.children.cells.count import Cost
from taskaware.children.mixture.cost import Reads, exactly
from taskaware.children.mixture.describe import describe as describe_dense
from taskaware.children.mixture.describe import mixture_text, percent
from taskaware.children.mixture.describe import summary as summarise_dense
from taskaware.errors import UserError
from taskaware.spaces import FrontSpace
from taskaware.spaces.front import FEATURES


@dataclasses.dataclass(frozen=True)
class Convolution:
    """A convolution that is present.

    Attributes:
        number: its place in the space, 1 to L.
        kernels: (side, share) of each kernel size with a share, ascending.
        activations: (name, share) of each activation with a share.
        presence: in (0, 1]; the rest of what it gives is what it reads.
        channels: of the images that it reads.
        side: of the images that it reads.
    """

    number: int
    kernels: tuple[tuple[int, float], ...]
    activations: tuple[tuple[str, float], ...]
    presence: float
    channels: int
    side: int

    @property
    def size(self) -> int:
        """Side of the largest kernel, and so of their mixture."""
        return self.kernels[-1][0]

    @property
    def name(self) -> str:
        return f"convolution{self.number}"


def convolutions(space: FrontSpace, point: Float[EitherArray, " D"]) -> tuple[Convolution, ...]:
    """The convolutions of a point that are present, the first one first.

    Args:
        space: of the point.
        point: D numbers.

    Raises:
        UserError: it is no point of the space.
    """
    point = np.asarray(point, np.float32)
    if point.shape != (space.dimension,) or not space.contains(point):
        raise UserError(f"The vector {point} is no point of the space '{space.name}'.")
    shares, _ = space.weights(point)
    kernel, activation, presence = (np.asarray(part, np.float64) for part in shares)
    return tuple(
        Convolution(
            number=place + 1,
            kernels=_with_share(space.kernels, kernel[place]),
            activations=_with_share(space.activations, activation[place]),
            presence=_rounded(presence[place]),
            channels=space.filters if place else space.channels,
            side=space.sides[place],
        )
        for place in np.flatnonzero(presence).tolist()
    )


def dense_point(space: FrontSpace, point: Float[EitherArray, " D"]) -> np.ndarray:
    """The part of a point that its dense layers are."""
    return np.asarray(point, np.float32)[-space.dense.dimension :]


def summary(space: FrontSpace, point: Float[EitherArray, " D"]) -> str:
    """The network as one line of text.

    Args:
        space, point: the architecture.

    >>> from taskaware.spaces import preset
    >>> space = preset("front")
    >>> print(summary(space, space.discretise(np.zeros(space.dimension))))
    1x1 relu → halved → 1x1 relu → halved → 1x1 relu → front → 32 relu → 32 relu → output; ...
    """
    steps = []
    for place in range(space.layers):
        steps += [text(one) for one in convolutions(space, point) if one.number == place + 1]
        steps += ["halved"] * (space.sides[place + 1] < space.sides[place])
    dense = summarise_dense(space.dense, dense_point(space, point), inputs=[FEATURES])
    return " → ".join([*steps, dense])


def text(convolution: Convolution) -> str:
    """A convolution in words: "(70 % 3x3 + 30 % 5x5) relu"."""
    whole = " ".join(mixed(convolution))
    if convolution.presence == 1:
        return whole
    return f"({percent(convolution.presence)} {whole} + {percent(1 - convolution.presence)} bypass)"


def mixed(convolution: Convolution) -> tuple[str, str]:
    """Its kernels and its activations in words."""
    kernels = mixture_text([(share, f"{size}x{size}") for size, share in convolution.kernels])
    return kernels, mixture_text([(share, name) for name, share in convolution.activations])


def describe(space: FrontSpace, point: Float[EitherArray, " D"]) -> dict[str, object]:
    """The network as plain data, ready for JSON.

    Args:
        space, point: the architecture, errors as of `convolutions`.

    Returns:
        "space" (name and digest), "image" (height, width, channels), "filters", "convolutions" (the present
        ones), "sides" (of the images that each reads, and of what is left), and "dense", see `describe` of
        mixtures.
    """
    return {
        "space": {"name": space.name, "digest": space.digest},
        "image": [space.side, space.side, space.channels],
        "filters": space.filters,
        "convolutions": [
            dataclasses.asdict(one)
            | {"kernels": [{"size": size, "share": share} for size, share in one.kernels]}
            | {"activations": [{"name": name, "share": share} for name, share in one.activations]}
            for one in convolutions(space, point)
        ],
        "sides": list(space.sides),
        "dense": describe_dense(space.dense, dense_point(space, point), inputs=[FEATURES]),
    }


def cost(space: FrontSpace, point: Float[EitherArray, " D"], outputs: int) -> Cost:
    """Parameters and multiply-adds for one image of the network that `source` writes.

    Args:
        space, point: the architecture, errors as of `convolutions`.
        outputs: classes, or 1 for a value.
    """
    reads = Reads.of(space.dense, np.array([space.columns]), 0, outputs)
    dense = exactly(space.dense, dense_point(space, point)[None], reads)
    total = Cost(int(dense.parameters[0]), int(dense.multiply_adds[0]))
    for one in convolutions(space, point):
        kernel = one.size**2 * one.channels * space.filters
        total += Cost(kernel + space.filters, one.side**2 * kernel)
    return total


def _with_share(options: tuple, shares: np.ndarray) -> tuple:
    pairs = zip(options, shares, strict=True)
    return tuple((option, _rounded(share)) for option, share in pairs if share > 0)


def _rounded(value: float) -> float:
    """To six digits, the precision of float32."""
    return float(f"{value:.6g}")
