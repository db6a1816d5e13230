"""A point of `MixtureSpace` as data, as one line of text and as a table."""

import dataclasses
import functools
from collections.abc import Collection
from typing import TYPE_CHECKING, cast

import jax
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from taskaware.arrays import EitherArray
from taskaware.children.mixture.presence import INPUTS, is_input, reads
from taskaware.errors import UserError, unknown
from taskaware.spaces import MixtureSpace, Weights
from taskaware.spaces.mixture import BOUND
from taskaware.spaces.mixture_presence import present_gamma

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 3


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
        presence: beta, in (0, 1]; the share 1 - beta of the input bypasses the layer.
        input: "embedding" or the name of the layer before.
        incoming: columns that it reads.
        width: columns of its output, bypassed ones included.
    """

    name: str
    slot: int
    baselines: tuple[Baseline, ...]
    presence: float
    input: str
    incoming: int
    width: int

    @property
    def size(self) -> int:
        """Units of the largest baseline."""
        return max(baseline.size for baseline in self.baselines)

    @property
    def bypass(self) -> float:
        """Share of the input that bypasses the layer, in [0, 1)."""
        return _rounded(1 - self.presence)


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
        return all(share == 1 for share in (*shares, *(layer.presence for layer in self.layers)))

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
    return Architecture(
        space=space,
        embeddings=_embeddings(space, gamma, inputs),
        width=width,
        layers=_layers(space, alpha, beta, width),
        recipe={c.name: _rounded(value) for c, value in zip(space.recipe, recipe, strict=True)},
    )


def describe(
    space: MixtureSpace, vector: Float[EitherArray, " D"], *, inputs: Collection[str] = INPUTS
) -> dict[str, object]:
    """The network as plain data, ready for JSON: its layers, connections and operations.

    Args:
        space, vector, inputs: as in `architecture`, errors too.

    Returns:
        "space" (name and digest), "plain", "shared_weights", "embeddings", "width" (columns of the embedded
        rows), "layers" (the present ones: the "input" each reads, its "baselines" with size, activation and
        share, its "presence", the share of its input that "bypass"es it, the columns it hands on as
        "width"), "output" (what it reads) and "recipe" (training coordinates in their own units).

    >>> import jax.numpy as jnp
    >>> from taskaware.spaces import preset
    >>> space = preset("compact")
    >>> corner = space.discretise(jnp.zeros(space.dimension))
    >>> data = describe(space, corner, inputs=["numbers"])
    >>> data["embeddings"], data["output"]
    ([{'name': 'standardised', 'reads': 'numbers', 'share': 1.0}], {'input': 'layer3'})
    """
    net = architecture(space, vector, inputs=inputs)
    return {
        "space": {"name": space.name, "digest": space.digest},
        "plain": net.plain,
        "shared_weights": space.shared_weights,
        "embeddings": [dataclasses.asdict(embedding) for embedding in net.embeddings],
        "width": net.width,
        "layers": [_layer_data(layer) for layer in net.layers],
        "output": {"input": net.last},
        "recipe": dict(net.recipe),
    }


def summary(
    space: MixtureSpace, vector: Float[EitherArray, " D"], *, inputs: Collection[str] = INPUTS
) -> str:
    """The network as one line of text.

    The largest shares of a mixture are named, and the others counted; `table` names all.

    Args:
        space, vector, inputs: as in `architecture`, errors too.

    >>> import jax.numpy as jnp
    >>> from taskaware.spaces import preset
    >>> space = preset("published")
    >>> point = space.decode(jnp.zeros(space.dimension).at[0].set(9.0))
    >>> absent = point.beta.at[1:, 1].set(9.0)
    >>> summary(space, space.encode(point._replace(beta=absent)), inputs=["categories"])
    '(50 % one-hot + 50 % learned) → (50 % 8 relu + 50 % bypass) → output'
    """
    net = architecture(space, vector, inputs=inputs)
    steps = [embedding_text(net), *map(layer_text, net.layers), "output"]
    recipe = ", ".join(f"{name.replace('_', ' ')} {value:.2g}" for name, value in net.recipe.items())
    return " → ".join(steps) + (f"; {recipe}" if recipe else "")


def table(
    space: MixtureSpace, vector: Float[EitherArray, " D"], *, inputs: Collection[str] = INPUTS
) -> "pd.DataFrame":
    """One row per layer, the embedding first.

    Args:
        space, vector, inputs: as in `architecture`, errors too.

    Returns:
        Columns "input", "mixes", "width" (columns handed on), "presence" and "bypass"; indexed by the
        layer's name.
    """
    import pandas as pd

    net = architecture(space, vector, inputs=inputs)
    first = ("embedding", "rows", embedding_text(net), net.width, 1.0, 0.0)
    rest = [
        (layer.name, layer.input, mix_text(layer), layer.width, layer.presence, layer.bypass)
        for layer in net.layers
    ]
    names = ["layer", "input", "mixes", "width", "presence", "bypass"]
    return pd.DataFrame([first, *rest], columns=names).set_index("layer")


def embedding_text(net: Architecture) -> str:
    """The embeddings as text: "(60 % quantile + 40 % robust) + one-hot"."""
    groups = [[e for e in net.embeddings if e.name in group] for group in net.space.embeddings]
    return " + ".join(
        _mixture([(e.share, e.name.replace("_", "-")) for e in group]) for group in groups if group
    )


def layer_text(layer: Layer) -> str:
    """A layer as text, its bypass included: "(80 % 64 relu + 20 % bypass)"."""
    mix = mix_text(layer, SHOWN)
    if not layer.bypass:
        return mix
    return f"({percent(layer.presence)} {mix} + {percent(layer.bypass)} bypass)"


def mix_text(layer: Layer, most: int | None = None) -> str:
    """The mixture of a layer as text: "(70 % 64 relu + 30 % 32 tanh)" or "64 relu"; names `most` of them."""
    return _mixture([(b.share, f"{b.size} {b.activation}") for b in layer.baselines], most)


def percent(share: float) -> str:
    """
    >>> percent(0.304)
    '30 %'
    """
    return f"{share:.0%}".replace("%", " %")


def _mixture(parts: list[tuple[float, str]], most: int | None = None) -> str:
    """The (share, text) parts as one text, the largest share first."""
    if len(parts) == 1 and parts[0][0] == 1:
        return parts[0][1]
    ordered = sorted(parts, key=lambda part: -part[0])
    if most and len(parts) > most + 1:
        left = ordered[most:]
        ordered = [*ordered[:most], (sum(share for share, _ in left), f"in {len(left)} others")]
    return "(" + " + ".join(f"{percent(share)} {text}" for share, text in ordered) + ")"


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


def _layers(space: MixtureSpace, alpha: np.ndarray, beta: np.ndarray, width: int) -> tuple[Layer, ...]:
    layers: list[Layer] = []
    source = "embedding"
    for slot in np.flatnonzero(beta):
        baselines = tuple(
            Baseline(size, activation, _rounded(share))
            for (size, activation), share in zip(space.baselines, alpha[slot], strict=True)
            if share > 0
        )
        own, presence = max(b.size for b in baselines), _rounded(beta[slot])
        handed_on = own if presence == 1 else max(own, width)
        name = f"layer{len(layers) + 1}"
        layers.append(Layer(name, int(slot), baselines, presence, source, width, handed_on))
        source, width = name, handed_on
    return tuple(layers)


def _layer_data(layer: Layer) -> dict[str, object]:
    data = dataclasses.asdict(layer)
    data["baselines"] = list(data["baselines"])
    del data["incoming"]
    return {**data, "bypass": layer.bypass}


def _rounded(value: float) -> float:
    """To six digits, the precision of float32."""
    return float(f"{value:.6g}")
