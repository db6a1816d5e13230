"""A point of `MixtureSpace`, written out as Flax code that a reader can keep and change.

The code holds only parts with a share in the network: a plain network is a few dense layers, and a mixed one
is an explicit sum. `source_weights.source_params` carries trained parameters over.
"""

import dataclasses
import json
import textwrap
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Float, Int

from taskaware.arrays import EitherArray
from taskaware.children.mixture.architecture import Architecture, Layer, architecture
from taskaware.children.mixture.cost import Reads, exactly
from taskaware.children.mixture.describe import summary
from taskaware.children.mixture.network import ACTIVATIONS
from taskaware.children.mixture.presence import LEARNED_RANK
from taskaware.children.mixture.source_parts import HELPERS, MODULE
from taskaware.errors import UserError, unknown, visible
from taskaware.spaces import MixtureSpace

WRAP = 88
LEAST_DROPOUT = 1 / 512


class Selected(NamedTuple):
    """Input columns that reach the network.

    Attributes:
        embedding: they belong to.
        share: of the embedding.
        start, stop: where they lie among the numeric columns; 0 and T for categories.
    """

    embedding: str
    share: float
    start: int
    stop: int

    @property
    def width(self) -> int:
        """Columns handed to the embedding layer."""
        return LEARNED_RANK if self.embedding == "learned" else self.stop - self.start


def source(
    space: MixtureSpace,
    vector: Float[EitherArray, " D"],
    *,
    block: Int[np.ndarray, " N"] | Sequence[int],
    categories: int,
    outputs: int,
    link: str = "classes",
    name: str = "Network",
    about: str = "",
) -> str:
    """The network as the text of a Python module; it imports `flax.linen` and `jax.numpy` alone.

    The text defines `Network`, a Flax module, or one of another name. It is called with (numbers,
    categories), less what the table does not have, and with `train=True` drops units where the recipe says
    so. Fresh parameters are drawn the way Flax draws them; `source_params` gives it the parameters of a
    trained `MixtureNetwork`.

    Args:
        space: where the point lies.
        vector: the point.
        block: embedding of each numeric column as an index into `space.embedding_names`, as in `Columns`;
            columns of another index are padding. Empty for a table without numbers.
        categories: one-hot columns, 0 for a table without categories.
        outputs: numbers given for a row.
        link: what they are: "values", or logits of "classes" or of "labels"; an ensemble is averaged by it.
        name: of the class, an identifier.
        about: what its module's docstring tells of; the network in one line if empty.

    Raises:
        UserError: the vector is no point of the space, or none of the columns has a share in the network.

    >>> from taskaware.spaces import preset
    >>> space = preset("published")
    >>> corner = space.discretise(np.zeros(space.dimension))
    >>> text = source(space, corner, block=[0] * 4 + [1] * 4, categories=0, outputs=3)
    >>> print(text[text.index("        x =") :])
            x = numbers[:, 0:4]  # standardised
            x = nn.Dense(8, name="embedding")(x)
            x = nn.relu(nn.Dense(8, name="layer1")(x))
            x = nn.relu(nn.Dense(8, name="layer2")(x))
            x = nn.relu(nn.Dense(8, name="layer3")(x))
            x = nn.relu(nn.Dense(8, name="layer4")(x))
            x = nn.relu(nn.Dense(8, name="layer5")(x))
            x = nn.relu(nn.Dense(8, name="layer6")(x))
            x = nn.relu(nn.Dense(8, name="layer7")(x))
            return nn.Dense(3, name="output")(x)
    <BLANKLINE>
    """
    net = architecture_of(space, vector, block, categories)
    dropout = net.recipe.get("dropout", 0.0)
    body = [
        *_embedding_lines(selected(net, block, categories), net.width),
        *_member_lines(net),
        *(line for layer in net.layers for line in _layer_lines(net, layer, dropout)),
        *_output_lines(net, outputs, link),
    ]
    arguments = {
        "numbers": f"columns of the numeric embeddings, (n, {len(block)}).",
        "categories": f"one-hot columns, (n, {categories}).",
        "train": 'whether units are dropped; needs random numbers named "dropout".',
    }
    given = {
        "numbers": len(block),
        "categories": categories,
        "train": any("Dropout" in line for line in body),
    }
    line = about or summary(space, vector, inputs=_inputs(space, block, categories))
    called_with = {argument: text for argument, text in arguments.items() if given[argument]}
    return _module(line, body, called_with, outputs, name)


def parameter_count(
    space: MixtureSpace,
    vector: Float[EitherArray, " D"],
    *,
    block: Int[np.ndarray, " N"] | Sequence[int],
    categories: int,
    outputs: int,
) -> int:
    """Number of learned parameters of the module that `source` writes.

    Args:
        space, vector, block, categories, outputs: as in `source`, errors too.

    >>> from taskaware.spaces import preset
    >>> space = preset("published")
    >>> corner = space.discretise(np.zeros(space.dimension))
    >>> parameter_count(space, corner, block=[0] * 4, categories=0, outputs=3)  # 5 * 8 + 7 * 9 * 8 + 9 * 3
    571
    """
    reads = Reads.of(space, np.bincount(block, minlength=len(space.embedding_names)), categories, outputs)
    return int(exactly(space, np.asarray(vector)[None], reads).parameters[0])


def _inputs(space: MixtureSpace, block: Sequence[int] | np.ndarray, categories: int) -> list[str]:
    """The embeddings that the columns are made for."""
    numeric = [
        name for place, name in enumerate(space.embedding_names) if place in set(np.asarray(block).tolist())
    ]
    return numeric + ["categories"] * (categories > 0)


def architecture_of(
    space: MixtureSpace, vector: Array | np.ndarray, block: Sequence[int] | np.ndarray, categories: int
) -> Architecture:
    """The network, for the inputs that a dataset has.

    Args:
        space, vector, block, categories: as in `source`.
    """
    return architecture(space, vector, inputs=_inputs(space, block, categories))


def selected(net: Architecture, block: Sequence[int] | np.ndarray, categories: int) -> list[Selected]:
    """The columns that reach the network: runs of one numeric embedding, then the categories.

    Args:
        net: the network.
        block, categories: as in `source`.
    """
    owners = np.asarray(block, int)
    edges = np.flatnonzero(np.diff(owners, prepend=-1, append=-1))
    runs = [(owners[start], start, stop) for start, stop in zip(edges[:-1], edges[1:], strict=True)]
    names = net.space.embedding_names
    found = []
    for embedding in net.embeddings:
        spans = [(0, categories)]
        if embedding.reads == "numbers":
            spans = [(start, stop) for index, start, stop in runs if index == names.index(embedding.name)]
        found += [Selected(embedding.name, embedding.share, int(start), int(stop)) for start, stop in spans]
    if not found:
        heard = ", ".join(embedding.name for embedding in net.embeddings)
        raise UserError(
            f"The network listens to {heard}, and no column in `block` is of it. Add such columns."
        )
    return found


def learns_vectors(read: list[Selected]) -> bool:
    return any(columns.embedding == "learned" for columns in read)


def _embedding_lines(selected: list[Selected], width: int) -> list[str]:
    vectors = f'vectors = nn.Dense({LEARNED_RANK}, use_bias=False, name="vectors")(categories)'
    lines = [vectors] * learns_vectors(selected)
    parts = [(_columns_text(columns), visible(columns.embedding.replace("_", "-"))) for columns in selected]
    if len(parts) == 1:
        lines += [f"x = {text}  # {name}" for text, name in parts]
    else:
        items = [f"        {text},  # {name}" for text, name in parts]
        lines += ["x = jnp.concatenate(", "    [", *items, "    ],", "    axis=-1,", ")"]
    return [*lines, f'x = nn.Dense({width}, name="embedding")(x)']


def _columns_text(columns: Selected) -> str:
    fixed = {"one_hot": "categories", "learned": "vectors"}
    text = fixed.get(columns.embedding, f"numbers[:, {columns.start}:{columns.stop}]")
    return text if columns.share == 1 else f"{columns.share:g} * {text}"


def _member_lines(net: Architecture) -> list[str]:
    return [f'x = Signs({net.gates["ensemble"]:g}, name="members")(x)'] if net.members > 1 else []


def _output_lines(net: Architecture, outputs: int, link: str) -> list[str]:
    read, lines = _read(net)
    dense = _dense(net, outputs, "output", read, "MemberOutput")
    if net.members == 1:
        return [*lines, f"return {dense}"]
    mean = {"values": "x.mean(0)", "classes": "mean_of_classes(x)", "labels": "mean_of_labels(x)"}[link]
    return [*lines, f"x = {dense}", f"return {mean}"]


def _read(net: Architecture) -> tuple[str, list[str]]:
    """The name of what a layer reads, and the line that makes it."""
    share = net.gates.get("normalisation", 0.0)
    return ("h", [f"h = normalised(x, {share:g})"]) if share else ("x", [])


def _layer_lines(net: Architecture, layer: Layer, dropout: float) -> list[str]:
    target, (read, lines) = "h" if layer.bypass else "x", _read(net)
    lines += _mix_lines(net, layer, target, read)
    if dropout >= LEAST_DROPOUT:
        lines.append(f"{target} = nn.Dropout({dropout:.4g}, deterministic=not train)({target})")
    if layer.bypass:
        lines.append(f"x = mixture({layer.width}, ({layer.presence:g}, h), ({layer.bypass:g}, x))")
    return lines


def _mix_lines(net: Architecture, layer: Layer, target: str, read: str) -> list[str]:
    """The layer before dropout and bypass."""
    shared = net.space.shared_weights
    if len(layer.baselines) == 1:
        dense = _dense(net, layer.size, layer.name, read)
        return [f"{target} = {called_activation(layer.baselines[0].activation)}({dense})"]
    before = [f"h = {_dense(net, layer.size, layer.name, read)}"] if shared else []
    parts = []
    for size, activation, share in map(dataclasses.astuple, layer.baselines):
        own = _dense(net, size, f"{layer.name}_{size}_{activation}", read)
        cut = "h" if size == layer.size else f"h[..., :{size}]"
        parts.append(f"    ({share:g}, {called_activation(activation)}({cut if shared else own})),")
    return [*before, f"{target} = mixture(", f"    {layer.size},", *parts, ")"]


def _dense(net: Architecture, size: int, name: str, read: str, of_members: str = "MemberDense") -> str:
    # JSON's text is Python's as well, and a name that holds quotes stays a name.
    if net.members == 1:
        return f"nn.Dense({size}, name={json.dumps(name)})({read})"
    return f"{of_members}({size}, {net.gates['ensemble']:g}, name={json.dumps(name)})({read})"


def called_activation(activation: str) -> str:
    """The function of JAX or Flax as code; from the closed list, because the name becomes code."""
    if activation not in ACTIVATIONS:
        raise unknown("activation", activation, ACTIVATIONS)
    return "jax.nn.mish" if activation == "mish" else f"nn.{activation}"


def _story(line: str) -> str:
    """The line as a part of a docstring: nothing in it ends the docstring or is an escape."""
    return textwrap.fill(visible(line), WRAP, break_on_hyphens=False).replace("\\", "\\\\").replace('"', "'")


def _module(line: str, body: list[str], arguments: dict[str, str], outputs: int, name: str) -> str:
    """The text of the module; `arguments` maps what it is called with to a line of its docstring."""
    code = "\n".join(body)
    helpers = "".join(text for called, text in HELPERS.items() if called in code)
    imports = [
        *["import jax"] * ("jax." in code + helpers),
        *["import jax.numpy as jnp"] * ("jnp." in code + helpers),
    ]
    return MODULE.format(
        story=_story(line),
        imports="\n".join(["import flax.linen as nn", *imports]),
        helpers=helpers,
        outputs=outputs,
        name=name,
        arguments="\n".join(f"{' ' * 8}{argument}: {text}" for argument, text in arguments.items()),
        names=", ".join(argument + "=False" * (argument == "train") for argument in arguments),
        body=textwrap.indent(code, " " * 8),
    )
