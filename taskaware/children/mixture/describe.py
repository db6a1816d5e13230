"""A point of `MixtureSpace` as data, as one line of text and as a table."""

import dataclasses
from collections.abc import Collection
from typing import TYPE_CHECKING

from jaxtyping import Float

from taskaware.arrays import EitherArray
from taskaware.children.mixture.architecture import Architecture, Layer, architecture
from taskaware.children.mixture.presence import INPUTS
from taskaware.spaces import MixtureSpace
from taskaware.spaces.mixture_checks import GATES, MEMBERS

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 3


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
    return "; ".join([" → ".join(steps), *[", ".join(recipe_texts(net))] * bool(net.recipe)])


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
        mixture_text([(e.share, e.name.replace("_", "-")) for e in group]) for group in groups if group
    )


def layer_text(layer: Layer) -> str:
    """A layer as text, its bypass included: "(80 % 64 relu + 20 % bypass)"."""
    mix = mix_text(layer, SHOWN)
    if not layer.bypass:
        return mix
    parts = ((layer.presence, mix), (layer.bypass, "bypass"))
    return "(" + " + ".join(text if share == 1 else f"{percent(share)} {text}" for share, text in parts) + ")"


def mix_text(layer: Layer, most: int | None = None) -> str:
    """The mixture of a layer as text: "(70 % 64 relu + 30 % 32 tanh)" or "64 relu"; names `most` of them."""
    return mixture_text([(b.share, f"{b.size} {b.activation}") for b in layer.baselines], most)


def recipe_texts(net: Architecture) -> list[str]:
    """The recipe, a text for each coordinate; gates that are shut are left out."""
    found = []
    for name, value in net.recipe.items():
        words = f"ensemble of {MEMBERS}" if name == "ensemble" else name.replace("_", " ")
        if name not in GATES:
            found.append(f"{words} {value:.2g}")
        elif value:
            found.append(words if value == 1 else f"{percent(value)} {words}")
    return found


def percent(share: float) -> str:
    """
    >>> percent(0.304)
    '30 %'
    """
    return f"{share:.0%}".replace("%", " %")


def mixture_text(parts: list[tuple[float, str]], most: int | None = None) -> str:
    """The (share, text) parts as one text, the largest share first: "(70 % 64 relu + 30 % 32 tanh)".

    Args:
        parts: with a share.
        most: that are named; the others are counted.
    """
    if len(parts) == 1 and parts[0][0] == 1:
        return parts[0][1]
    ordered = sorted(parts, key=lambda part: -part[0])
    if most and len(parts) > most + 1:
        left = ordered[most:]
        ordered = [*ordered[:most], (sum(share for share, _ in left), f"in {len(left)} others")]
    return "(" + " + ".join(f"{percent(share)} {text}" for share, text in ordered) + ")"


def _layer_data(layer: Layer) -> dict[str, object]:
    data = dataclasses.asdict(layer)
    data["baselines"] = list(data["baselines"])
    del data["incoming"]
    return data
