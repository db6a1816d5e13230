"""Spaces whose earlier decisions limit later ones, for what decides one after the other."""

from typing import NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from taskaware.spaces.space import Space


@runtime_checkable
class StepwiseSpace(Space, Protocol):
    """A space where some choices are closed once earlier decisions are taken.

    Without `open_choices`, every choice of every decision is open.
    """

    def open_choices(self, point: Float[Array, " D"], place: Int[Array, ""]) -> Bool[Array, " C"]:
        """Which choices a decision has; C is the number of choices of the widest one.

        Whoever takes one open choice after the other ends at a point of the space. Where one choice is open,
        nothing is decided, and points of the space may hold any choice there.

        Args:
            point: that holds the earlier decisions; its later entries mean nothing.
            place: of the decision among `decisions`.
        """
        ...


class Connection(NamedTuple):
    """What a decision is about: a part of the architecture, and the earlier part that it may read.

    Attributes:
        part: number of the part, 1 or more, such as a layer.
        reads: number of the earlier part that the decision connects it to, by choice 1 of two; 0 where the
            decision is no connection.
    """

    part: int
    reads: int = 0


@runtime_checkable
class ConnectedSpace(Space, Protocol):
    """A space where some decisions connect a part of the architecture to an earlier one."""

    @property
    def connections(self) -> tuple[Connection, ...]:
        """What each decision is about, in the order of `decisions`; parts ascend."""
        ...


def counted_choices(space: Space, place: Int[Array, ""]) -> Bool[Array, " C"]:
    """Which choices a decision has at all."""
    counts = jnp.array([decision.choices for decision in space.decisions])
    return jnp.arange(max(decision.choices for decision in space.decisions)) < counts[place]


def open_choices(space: Space, point: Float[Array, " D"], place: Int[Array, ""]) -> Bool[Array, " C"]:
    """Which choices a decision of any space of choices has, given the earlier ones.

    Args:
        space: of the point; all of its decisions have choices.
        point, place: see `StepwiseSpace.open_choices`.

    >>> from taskaware.spaces import choices
    >>> space = choices(a=[1, 2, 3], b=[1, 2, 3], allowed=lambda point: point["a"] <= point["b"])
    >>> open_choices(space, jnp.array([1.0, 0.0]), jnp.int32(1)).tolist()
    [False, True, True]
    """
    if isinstance(space, StepwiseSpace):
        return space.open_choices(point, place)
    return counted_choices(space, place)


class Prefixes(NamedTuple):
    """All beginnings of a set of points as a tree; node 0 is the empty one, and shorter ones come first.

    Attributes:
        choice: by which a node follows from the one before it, (N,).
        first: first of the nodes that follow from each; those of the next node come after them, (N + 1,).
    """

    choice: Int[np.ndarray, " N"]
    first: Int[np.ndarray, " M"]

    @classmethod
    def of(cls, points: np.ndarray) -> "Prefixes":
        """The tree of points (n, D) of whole numbers, in lexicographic order, each once."""
        changed = np.ones(len(points), bool)
        changed[1:] = False
        starts, choice = [np.flatnonzero(changed)], [np.zeros(1, np.int32)]
        for column in points.T:
            changed[1:] |= column[1:] != column[:-1]
            starts.append(np.flatnonzero(changed))
            choice.append(column[starts[-1]].astype(np.int32))
        before = np.cumsum([len(level) for level in starts])
        first = [
            offset + np.searchsorted(below, level)
            for offset, level, below in zip(before, starts, starts[1:], strict=False)
        ]
        # The longest beginnings are whole points, and nothing follows from them.
        last = np.full(len(starts[-1]) + 1, before[-1])
        return cls(np.concatenate(choice), np.concatenate([*first, last]).astype(np.int32))

    def open_choices(self, point: Float[Array, " D"], place: Int[Array, ""], width: int) -> Bool[Array, " C"]:
        """See `StepwiseSpace.open_choices`.

        Args:
            point, place: see there.
            width: C.
        """
        choice, first, ranks = jnp.asarray(self.choice), jnp.asarray(self.first), jnp.arange(width)

        def following(node: Array) -> tuple[Array, Array, Array]:
            nodes = first[node] + ranks
            return nodes, nodes < first[node + 1], choice[jnp.minimum(nodes, len(choice) - 1)]

        def descend(number: Array, node: Array) -> Array:
            nodes, there, choices = following(node)
            taken = there & (choices == point[number].astype(jnp.int32))
            return jnp.where(number < place, nodes[jnp.argmax(taken)], node)

        node = jax.lax.fori_loop(0, len(point) - 1, descend, jnp.int32(0))
        _, there, choices = following(node)
        return jnp.zeros(width, bool).at[jnp.where(there, choices, width)].set(True, mode="drop")
