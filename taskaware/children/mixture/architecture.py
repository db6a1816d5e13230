"""The network of a point of `MixtureSpace`: its parts with a share, as values."""

import dataclasses
import functools
from collections.abc import Collection
from typing import cast

import jax
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from taskaware.arrays import EitherArray
from taskaware.children.mixture.presence import INPUTS, is_input, reads
from taskaware.errors import UserError, unknown
from taskaware.spaces import MixtureSpace, Weights
from taskaware.spaces.mixture import BOUND
from taskaware.spaces.mixture_checks import GATES, MEMBERS
from taskaware.spaces.mixture_presence import present_gamma


@dataclasses.dataclass(frozen=True)
class Embedding:
    """An embedding with a share in the network.

    Attributes:
        name: as in `space.embedding_names`.
        reads: "numbers" or "categories".
        share: weight within its group, in (0, 1].
    """

    name: str
    reads: str
    share: float


@dataclasses.dataclass(frozen=True)
class Baseline:
    """One of the plain layers that a layer mixes.

    Attributes:
        size: its units.
        activation: as in `space.activations`.
        share: weight in the mixture, in (0, 1].
    """

    size: int
    activation: str
    share: float


@dataclasses.dataclass(frozen=True)
class Layer:
    """A layer that is present.

    Attributes:
        name: "layer1" for the first present one, and so on.
        slot: its place in the space, 0 to L - 1.
        baselines: with a share, in the order of the space.
        presence: beta, in (0, 1].
        bypass: share of the input that is added to the layer's own output, in [0, 1]: 1 - beta, and more
            where the residual gate is open.
        input: "embedding" or the name of the layer before.
        incoming: columns that it reads.
        width: columns of its output, bypassed ones included.
    """

    name: str
    slot: int
    baselines: tuple[Baseline, ...]
    presence: float
    bypass: float
    input: str
    incoming: int
    width: int

    @property
    def size(self) -> int:
        """Units of the largest baseline."""
        return max(baseline.size for baseline in self.baselines)


@dataclasses.dataclass(frozen=True)
class Architecture:
    """The network of a point, without parts of share 0.

    Attributes:
        space: where the point lies.
        embeddings: with a share, in the order of the space.
        width: columns of the embedded rows.
        layers: the present ones, first to last.
        recipe: training coordinates by name, in their own units.
    """

    space: MixtureSpace
    embeddings: tuple[Embedding, ...]
    width: int
    layers: tuple[Layer, ...]
    recipe: dict[str, float]

    @property
    def plain(self) -> bool:
        """Whether nothing is mixed: an ordinary network."""
        parts = [part for layer in self.layers for part in layer.baselines]
        shares = [*(part.share for part in self.embeddings), *(part.share for part in parts)]
        whole = all(share == 1 for share in (*shares, *(layer.presence for layer in self.layers)))
        return whole and all(share in (0, 1) for share in self.gates.values())

    @property
    def gates(self) -> dict[str, float]:
        """Share of each gate of the space, by name."""
        return {name: share for name, share in self.recipe.items() if name in GATES}

    @property
    def members(self) -> int:
        """Members that share the weights; 1 for a network alone."""
        return MEMBERS if self.gates.get("ensemble") else 1

    @property
    def last(self) -> str:
        """Name of the layer that the output reads."""
        return self.layers[-1].name if self.layers else "embedding"

    @property
    def last_width(self) -> int:
        """Columns that the output reads."""
        return self.layers[-1].width if self.layers else self.width


def architecture(
    space: MixtureSpace, vector: Float[EitherArray, " D"], *, inputs: Collection[str] = INPUTS
) -> Architecture:
    """The network of a point.

    Args:
        space: where the point lies.
        vector: the point.
        inputs: kinds of column in the dataset ("numbers", "categories"), or embeddings by name. Others are
            left out, and their shares go to the rest of their group.

    Raises:
        UserError: the vector is no point of the space, an input is unknown, or no embedding reads it.
    """
    weights, width = _checked(space, vector, inputs)
    alpha, beta, gamma, recipe = (np.asarray(part, np.float64) for part in weights)
    values = {name: _rounded(value) for name, value in zip(space.coordinates, recipe, strict=True)}
    return Architecture(
        space=space,
        embeddings=_embeddings(space, gamma, inputs),
        width=width,
        layers=_layers(space, alpha, beta, width, residual=values.get("residual", 0.0)),
        recipe=values,
    )


def _checked(
    space: MixtureSpace, vector: Float[EitherArray, " D"], inputs: Collection[str]
) -> tuple[Weights, int]:
    for name in inputs:
        if name not in INPUTS + space.embedding_names:
            raise unknown("input", name, INPUTS + space.embedding_names)
    if not inputs:
        raise UserError("A network needs an input, and none was given. Give 'numbers', 'categories' or both.")
    point = np.asarray(vector, np.float32)
    if point.shape != (space.dimension,):
        raise UserError(
            f"A point of the space '{space.name}' has the shape ({space.dimension},), and this one has "
            f"{point.shape}. Give one point of that space."
        )
    weights, width, inside = read(space, point)
    if not inside:
        raise UserError(
            f"The vector lies outside the space '{space.name}' (logits within ±{BOUND:g}, recipe within "
            "[0, 1]). Use `space.project(vector)`."
        )
    return weights, int(width)


@functools.partial(jax.jit, static_argnames="space")
def read(
    space: MixtureSpace, vector: Float[EitherArray, " D"]
) -> tuple[Weights, Int[Array, ""], Bool[Array, ""]]:
    """Weights and width of a vector, and whether it is a point of the space.

    In one program: step by step they would compile for seconds.
    """
    point = cast(Array, vector)
    return space.weights(point), space.width(point), space.contains(point)


def _embeddings(space: MixtureSpace, gamma: np.ndarray, inputs: Collection[str]) -> tuple[Embedding, ...]:
    present = np.array([is_input(name, inputs) for name in space.embedding_names])
    shares = present_gamma(space, gamma, present) * present
    heard = tuple(
        Embedding(name, reads(name), _rounded(share))
        for name, share in zip(space.embedding_names, shares, strict=True)
        if share > 0
    )
    if not heard:
        raise UserError(
            f"No embedding of the space '{space.name}' reads {' or '.join(inputs)}. Add one to it."
        )
    return heard


def _layers(
    space: MixtureSpace, alpha: np.ndarray, beta: np.ndarray, width: int, *, residual: float
) -> tuple[Layer, ...]:
    layers: list[Layer] = []
    source = "embedding"
    for slot in np.flatnonzero(beta):
        baselines = tuple(
            Baseline(size, activation, _rounded(share))
            for (size, activation), share in zip(space.baselines, alpha[slot], strict=True)
            if share > 0
        )
        own, bypass = max(b.size for b in baselines), _rounded(1 - beta[slot] + residual * beta[slot])
        handed_on = max(own, width) if bypass else own
        name, presence = f"layer{len(layers) + 1}", _rounded(beta[slot])
        layers.append(Layer(name, int(slot), baselines, presence, bypass, source, width, handed_on))
        source, width = name, handed_on
    return tuple(layers)


def _rounded(value: float) -> float:
    """To six digits, the precision of float32."""
    return float(f"{value:.6g}")
