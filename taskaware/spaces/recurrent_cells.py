"""The space of recurrent cells: trees that make the next hidden state of an input and the last hidden state.

A tree of base B has B leaves and B - 1 inner nodes. Leaf i combines two products with weights of its own, of
the input x and of the last hidden state h; node B + k combines nodes 2k and 2k + 1. Every node applies an
activation to what it combines, and the last node gives the next h. The memory c joins one node, after its
activation: combined with it, and through an activation again. The next memory is what a node combines, before
its activation.

Source: Zoph & Le 2017, section 3.4.
"""

import dataclasses
import functools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from taskaware import plain
from taskaware.arrays import EitherArray
from taskaware.digests import digest
from taskaware.errors import UserError, unknown
from taskaware.spaces.choices import ChoiceSpace
from taskaware.spaces.choices_checks import Option

COMBINATIONS = ("add", "elem_mult", "max")
"""The first two are published, "max" is that of the control experiment."""

ACTIVATIONS = ("identity", "tanh", "sigmoid", "relu", "sin")
"""The first four are published, "sin" is that of the control experiment."""

LEAST, MOST = 2, 32
"""Base numbers."""


class Node(NamedTuple):
    """How two values become one."""

    combination: str
    activation: str


class RecurrentCell(NamedTuple):
    """A cell.

    Attributes:
        nodes: 2 B - 1 of them, leaves first.
        inject: how the memory joins a node.
        joined: number of the node that it joins.
        memory: number of the node that gives the next memory.
    """

    nodes: tuple[Node, ...]
    inject: Node
    joined: int
    memory: int


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class RecurrentCellSpace(ChoiceSpace):
    """Trees of one base number, see `recurrent_cells`; every choice of labels is a cell."""

    type = "recurrent-cells"

    @functools.cached_property
    def digest(self) -> str:
        return digest({"type": self.type, "options": self.options})

    @property
    def base(self) -> int:
        """B, leaves of the tree."""
        return (self.dimension - 2) // 4

    @property
    def combinations(self) -> tuple[str, ...]:
        return tuple(map(str, self.options[0][1]))

    @property
    def activations(self) -> tuple[str, ...]:
        return tuple(map(str, self.options[1][1]))

    def to_dict(self) -> dict[str, Any]:
        return {
            "type": self.type,
            "name": self.name,
            "base": self.base,
            "combinations": list(self.combinations),
            "activations": list(self.activations),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "RecurrentCellSpace":
        return recurrent_cells(
            plain.whole("base of the space", data.get("base")),
            combinations=tuple(plain.row("combinations of the space", data.get("combinations"))),
            activations=tuple(plain.row("activations of the space", data.get("activations"))),
            name=plain.name("name of the space", data.get("name", "recurrent-cells")),
        )

    def decode(self, point: Float[EitherArray, " D"]) -> RecurrentCell:
        """The cell of a point.

        Raises:
            UserError: it is no point of the space.
        """
        if not self.contains_on_host(np.asarray(point)[None])[0]:
            raise UserError(f"The vector {np.asarray(point)} is no point of the space '{self.name}'.")
        *labels, memory, joined = self.chosen(point).values()
        nodes = [Node(*map(str, labels[place : place + 2])) for place in range(0, len(labels), 2)]
        return RecurrentCell(tuple(nodes[:-1]), nodes[-1], int(str(joined)), int(str(memory)))

    def encode(self, cell: RecurrentCell) -> Float[np.ndarray, " D"]:
        """The point of a cell.

        Raises:
            UserError: the cell has another number of nodes, or the space lacks one of its functions.
        """
        if len(cell.nodes) != 2 * self.base - 1:
            raise UserError(
                f"The cell has {len(cell.nodes)} nodes; those of '{self.name}' have {2 * self.base - 1}."
            )
        labels: list[Option] = [label for node in (*cell.nodes, cell.inject) for label in node]
        names = [name for name, _ in self.options]
        return self.point(**dict(zip(names, [*labels, cell.memory, cell.joined], strict=True)))

    def named(self, name: str) -> Float[np.ndarray, " D"]:
        """The point of a known cell of base 8: "lstm" or "published".

        Raises:
            UserError: there is no such cell, or the space cannot have it.
        """
        if name not in KNOWN:
            raise unknown("design", name, KNOWN)
        return self.encode(KNOWN[name])


def recurrent_cells(
    base: int = 8,
    *,
    combinations: tuple[str, ...] = COMBINATIONS[:2],
    activations: tuple[str, ...] = ACTIVATIONS[:4],
    name: str = "recurrent-cells",
) -> RecurrentCellSpace:
    """The space of recurrent cells.

    Args:
        base: B, leaves of the tree (published: 8).
        combinations: "add" and "elem_mult", and "max" for the control experiment.
        activations: "identity", "tanh", "sigmoid" and "relu", and "sin" for the control experiment.
        name: of the space, for people.

    Raises:
        UserError: the base is out of range, or a function is unknown or named twice.

    >>> space = recurrent_cells()
    >>> space.dimension, f"{space.size:.1e}"
    (34, '6.3e+16')
    """
    if not LEAST <= base <= MOST:
        raise UserError(f"base={base} is out of range. Give {LEAST} to {MOST}.")
    for what, given, allowed in (
        ("combination", combinations, COMBINATIONS),
        ("activation", activations, ACTIVATIONS),
    ):
        for each in given:
            if each not in allowed:
                raise unknown(what, str(each), allowed)
        if not given or len(set(given)) < len(given):
            raise UserError(f"The {what}s are {tuple(given)}. Give one or more, each once.")
    decisions = list(_decisions(base, tuple(combinations), tuple(activations)))
    options = tuple((label, values) for label, values, _ in decisions)
    return RecurrentCellSpace(options, None, tuple(mutation for *_, mutation in decisions), name)


def _decisions(
    base: int, combinations: tuple[str, ...], activations: tuple[str, ...]
) -> Iterator[tuple[str, tuple, str]]:
    """Name, options and mutation of each decision, in the published order."""
    nodes = tuple(range(2 * base - 1))
    for node in (*(f"node {number}" for number in nodes), "cell inject"):
        yield f"{node} combination", combinations, "combination"
        yield f"{node} activation", activations, "activation"
    yield "next memory", nodes, "cell index"
    yield "memory joins", nodes, "cell index"


def _nodes(*labels: str) -> tuple[Node, ...]:
    """Nodes of labels such as "add tanh"."""
    return tuple(Node(*label.split()) for label in labels)


KNOWN = {
    "lstm": RecurrentCell(
        _nodes(
            # The forget gate is made of two leaves, the output gate of four: sums of products are products.
            *("add identity", "add identity", "add sigmoid", "add tanh"),
            *("add identity",) * 4,
            *("add sigmoid", "elem_mult identity", "add identity", "add identity"),
            *("add tanh", "add sigmoid", "elem_mult identity"),
        ),
        Node("elem_mult", "identity"),
        joined=8,
        memory=12,
    ),
    "published": RecurrentCell(
        _nodes(
            *("add sigmoid", "add relu", "add sigmoid", "elem_mult relu"),
            *("add tanh", "add sigmoid", "add tanh", "add sigmoid"),
            *("elem_mult tanh", "add tanh", "elem_mult tanh", "add sigmoid"),
            *("elem_mult identity", "add tanh", "elem_mult tanh"),
        ),
        Node("add", "tanh"),
        joined=8,
        memory=12,
    ),
}
"""Name → cell of base 8. "published" is the best cell of Zoph & Le 2017 (figure 8), as TensorFlow's `NASCell`
has it."""
