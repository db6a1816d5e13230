"""What is written out: an architecture, the columns that it reads, and, once trained, its weights."""

import dataclasses
import functools
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, cast

import jax
import numpy as np

from taskaware.arrays import EitherArray
from taskaware.children.forms import Sizes
from taskaware.children.mixture.architecture import Architecture, architecture
from taskaware.children.mixture.forms import block_of
from taskaware.children.mixture.source import architecture_of, selected, source
from taskaware.children.mixture.source_weights import source_params
from taskaware.children.mixture.with_numpy import network_data
from taskaware.data.schema import Schema
from taskaware.errors import UserError, quoted
from taskaware.modalities.blocks import Blocks
from taskaware.modalities.mixed.blocks import MixedBlocks
from taskaware.modalities.mixed.reader import MixedReader
from taskaware.modalities.single import SingleReader
from taskaware.modalities.tables.modality import TableBlocks
from taskaware.modalities.tables.written.learned import Learned, learned
from taskaware.spaces import MixtureSpace, Space
from taskaware.tasks.data import Reader
from taskaware.training.written.values import LearnedMixed, LearnedValues, learned_mixed, learned_values

if TYPE_CHECKING:
    from taskaware.training.model import Model


@dataclasses.dataclass(frozen=True, eq=False)
class Target:
    """What a network predicts.

    Attributes:
        name: of the column.
        classes: labels; empty in regression.
        offsets: of the classes, see `Model`.
        mean, std: how a regression target was standardised.
        form: how the numbers of a regression target are written, see `data.description.Description`.
    """

    name: str
    classes: tuple
    offsets: tuple[float, ...] = ()
    mean: float = 0.0
    std: float = 1.0
    form: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Schedule:
    """How the written code trains.

    Attributes:
        steps: for at most `rows` rows; in proportion for more, up to `most`.
        rows, most: see there.
        every: steps between two evaluations.
        batch: rows of a step.
        learning_rate, weight_decay: of AdamW.
    """

    steps: int
    rows: int
    most: int
    every: int
    batch: int
    learning_rate: float
    weight_decay: float


@dataclasses.dataclass(frozen=True, eq=False)
class Design:
    """A network to be written out.

    Attributes:
        space, point: the architecture.
        modality: name of the kind of data.
        reader, blocks: of the data, fitted to the training rows.
        target: what it predicts.
        params: weights of M trained networks, (M, ...) each; empty before training.
        schedule: how the written code trains; None for a trained network.
    """

    space: MixtureSpace
    point: np.ndarray
    reader: Reader
    blocks: Blocks
    target: Target
    params: Mapping[str, Any]
    schedule: Schedule | None = None
    modality: str = "tables"

    @functools.cached_property
    def architecture(self) -> Architecture:
        """The network, with the embeddings that it listens to."""
        widths = self.blocks.widths
        return architecture(self.space, self.point, inputs=[name for name, width in widths.items() if width])

    @functools.cached_property
    def learned(self) -> Learned | LearnedValues | LearnedMixed:
        """What it reads of the data."""
        return self.learned_of([embedding.name for embedding in self.architecture.embeddings])

    @property
    def of_table(self) -> Learned:
        """What it reads of a table."""
        return cast(Learned, self.learned)

    def learned_of(self, names: Collection[str]) -> Learned | LearnedValues | LearnedMixed:
        """What a network reads that listens to these embeddings."""
        if isinstance(self.blocks, TableBlocks):
            return learned(cast(Schema, self.reader), self.blocks.encoder, names)
        widths = self.blocks.widths
        ordered = [name for name in self.space.embedding_names if name in names and widths.get(name)]
        if isinstance(self.blocks, MixedBlocks):
            return learned_mixed(cast(MixedReader, self.reader), self.blocks, ordered)
        return learned_values(self.modality, cast(SingleReader, self.reader), self.blocks, ordered)

    @property
    def sizes(self) -> dict[str, Any]:
        """Inputs and outputs, for the embeddings that it reads: arguments of `children.mixture.source`."""
        names = self.space.embedding_names
        block = [number for number in self._block if names[number] in self.learned.numbers]
        categories = self.blocks.widths["one_hot"] if self.learned.categories else 0
        return {"block": block, "categories": categories, "outputs": max(len(self.target.classes), 1)}

    def network(self) -> str:
        """The text of a module with `Network`, for the embeddings that it reads."""
        link = "classes" if self.target.classes else "values"
        return source(self.space, self.point, link=link, **self.sizes)

    def data(self) -> dict[str, Any]:
        """The same `Network` as plain data, see `children.mixture.with_numpy`."""
        block, categories = self.sizes["block"], self.sizes["categories"]
        net = architecture_of(self.space, self.point, block, categories)
        return network_data(net, selected(net, block, categories))

    def weights(self) -> dict[str, np.ndarray]:
        """The trained weights of the written `Network`, "layer/kernel" and "layer/bias", (M, ...) each."""
        if not self.params:
            return {}
        members = len(jax.tree.leaves(self.params)[0])
        one_of = [{name: value[m] for name, value in self.params.items()} for m in range(members)]
        each = list(map(self._weights_of, one_of))
        return {name: np.stack([one[name] for one in each]) for name in each[0]}

    @property
    def _block(self) -> list[int]:
        """Embedding of each numeric column of the trained network."""
        return block_of(self.space, Sizes(self.blocks.widths, 1, ""))

    def _weights_of(self, params: Mapping[str, Any]) -> dict[str, np.ndarray]:
        names = self.space.embedding_names
        rows = [at for at, number in enumerate(self._block) if names[number] in self.learned.numbers]
        cut: dict[str, EitherArray] = {name: np.asarray(value) for name, value in params.items()}
        for name in ("number_kernel", "number_scale"):
            if name in cut:
                cut[name] = cut[name][rows]
        found = source_params(self.space, self.point, cut, **self.sizes)
        return {f"{layer}/{part}": np.asarray(v) for layer, of in found.items() for part, v in of.items()}


def of_model(model: "Model") -> Design:
    """The design of a trained model.

    Raises:
        UserError: it has several outputs, or as for `checked`.
    """
    if model.several:
        raise UserError("source(folder) writes a model of one output. Save this one: model.save(folder).")
    return checked(
        model.space,
        model.point,
        model.reader,
        model.blocks,
        target=_target_of(model),
        params=model.params,
        modality=model.modality,
    )


def design_of(model: "Model") -> Design:
    """The design of a trained mixture of any kind of data, with a reader and one output."""
    space, reader = cast(MixtureSpace, model.space), cast(Reader, model.reader)
    found = Design(
        space, np.asarray(model.point, np.float32), reader, model.blocks, _target_of(model), model.params
    )
    return dataclasses.replace(found, modality=model.modality)


def _target_of(model: "Model") -> Target:
    # With one output, mean and spread are numbers.
    mean, std = cast(float, model.target_mean), cast(float, model.target_std)
    return Target(model.target_name, model.classes, model.offsets, mean, std)


def checked(
    space: Space,
    point: EitherArray,
    reader: Reader | None,
    blocks: Blocks,
    *,
    target: Target,
    params: Mapping[str, Any],
    modality: str = "tables",
) -> Design:
    """A design, if it can be written out.

    Args:
        space, point, reader, blocks, target, params: see `Design`.
        modality: name of the kind of data.

    Raises:
        UserError: the data is no table, was made by hand, or the space is no mixture.
    """
    reader = checked_reader(reader, modality)
    space = _mixture(space)
    if not isinstance(reader, Schema) or not isinstance(blocks, TableBlocks):
        raise UserError(f"Data of the kind {quoted(modality)} is not written out as code. Give a table.")
    return Design(space, np.asarray(point, np.float32), reader, blocks, target, params)


def checked_reader(reader: Reader | None, modality: str) -> Reader:
    """The reader, if it is that of a table.

    Args:
        reader: of the data.
        modality: its kind.

    Raises:
        UserError: the data is no table, or was made by hand.
    """
    if modality != "tables":
        raise UserError(
            f"source(folder) writes code that reads tables, and this is data of the kind {quoted(modality)}. "
            "Use source(), which gives the network alone."
        )
    if reader is None:
        raise UserError("This task was made by hand, without a reader. Make it with `make_task`.")
    return reader


def _mixture(space: Space) -> MixtureSpace:
    if not isinstance(space, MixtureSpace):
        raise UserError(f"The space {quoted(space.name)} has no source code of its own. Use one of mixtures.")
    return space
