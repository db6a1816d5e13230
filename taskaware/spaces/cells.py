"""The space of cells: a normal and a reduction cell, each of pairwise combinations of hidden states.

Hidden states 0 and 1 are the outputs of the cell before the previous one and of the previous one; combination
n makes hidden state n + 2: the sum of two operations, each applied to an earlier hidden state. The hidden
states that no combination uses are concatenated to the cell's output. Cells are stacked as N normal,
reduction, N normal, reduction, N normal. Every cell keeps the size of its images; a convolution of stride 2
that follows each reduction cell halves the size and doubles the filters.

The same points are cells of series, with one axis in place of two. A window of 3x3, 5x5 or 7x7 pixels is
then one of 3, 5 or 7 samples, a dilated one is one of 3 with gaps, "1x7 then 7x1" is one convolution of 7.

Source: Zoph, Vasudevan, Shlens & Le 2018; Real, Aggarwal, Huang & Le 2019; US20220004879A1.
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

OPERATIONS = (
    "identity",
    "separable 3x3",
    "separable 5x5",
    "separable 7x7",
    "average pooling 3x3",
    "max pooling 3x3",
    "dilated separable 3x3",
    "1x7 then 7x1",
)
"""The operations of the source."""

ON_SERIES = (
    "identity",
    "separable 3",
    "separable 5",
    "separable 7",
    "average pooling 3",
    "max pooling 3",
    "dilated separable 3",
    "convolution 7",
)
"""What each of `OPERATIONS` is on series, for people: points and spaces name them as those of images."""

CELLS = ("normal", "reduction")
HIDDEN_STATE, OPERATION = "hidden state", "operation"
"""Names of the two mutations, for `aging_evolution(mutations=...)`."""

MOST = 30
"""Combinations of a cell, at most."""

LIMITS = {"repeats": (1, 20), "filters": (1, 512), "stem": (1, 2048), "side": (8, 64)}
LONGEST, MOST_CHANNELS = 2048, 256
"""Of series."""


class Stack(NamedTuple):
    """What is the same in all networks of a space.

    Attributes:
        repeats: N, normal cells before, between and after the two reduction cells.
        filters: F, of a normal cell in front; doubled by each reduction.
        stem: filters of the convolution that reads the image.
        side: height and width that images are brought to; samples of a series.
        channels: 3, or 1 for grey; those of a series.
    """

    repeats: int = 1
    filters: int = 8
    stem: int = 8
    side: int = 16
    channels: int = 3


class Combination(NamedTuple):
    """The sum of two operations, each applied to an earlier hidden state (its number)."""

    left: int
    left_operation: str
    right: int
    right_operation: str


class Cell(NamedTuple):
    """Combinations, in order; number n makes hidden state n + 2."""

    combinations: tuple[Combination, ...]

    @property
    def outputs(self) -> tuple[int, ...]:
        """The hidden states that no combination uses; they are concatenated."""
        used = {state for each in self.combinations for state in (each.left, each.right)}
        made = range(2, len(self.combinations) + 2)
        return tuple(state for state in made if state not in used)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class CellSpace(ChoiceSpace):
    """Pairs of cells, see `cells`; every choice of hidden states and operations is a point.

    Attributes:
        stack: of the networks that the cells are stacked to.
        axes: 2 where they read images or spectrograms, 1 for series.
    """

    stack: Stack = Stack()
    axes: int = 2

    type = "cells"

    @functools.cached_property
    def digest(self) -> str:
        own = {} if self.axes == 2 else {"axes": self.axes}
        return digest({"type": self.type, "options": self.options, "stack": self.stack, **own})

    @property
    def embedding_names(self) -> tuple[str, ...]:
        """What the networks read: the pixels of an image, or the samples of a series."""
        kind = "pixels" if self.axes == 2 else "samples"
        return (f"{kind}_{self.stack.side}_{self.stack.channels}",)

    def window(self, size: int) -> tuple[int, int]:
        """Height and width of a window of `size` on each axis: a series is an image that is one pixel wide.

        >>> cells().window(3), cells(axes=1).window(3)
        ((3, 3), (3, 1))
        """
        return size, size if self.axes == 2 else 1

    @property
    def combinations(self) -> int:
        """Combinations of each cell."""
        return self.dimension // 8

    @property
    def operations(self) -> tuple[str, ...]:
        """Names of the operations."""
        return tuple(map(str, self.options[1][1]))

    def to_dict(self) -> dict[str, Any]:
        return {
            "type": self.type,
            "name": self.name,
            "combinations": self.combinations,
            "operations": list(self.operations),
            **self.stack._asdict(),
            "axes": self.axes,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "CellSpace":
        return cells(
            plain.whole("combinations of the space", data.get("combinations")),
            operations=tuple(plain.row("operations of the space", data.get("operations"))),
            **{
                name: plain.whole(f"{name} of the space", data.get(name, default))
                for name, default in Stack()._asdict().items()
            },
            axes=plain.whole("axes of the space", data.get("axes", 2)),
            name=plain.name("name of the space", data.get("name", "cells")),
        )

    def decode(self, point: Float[EitherArray, " D"]) -> dict[str, Cell]:
        """The cells of a point, by name.

        >>> space = cells(3)
        >>> space.decode(space.named("resnet"))["normal"].combinations[0]
        Combination(left=1, left_operation='separable 3x3', right=1, right_operation='identity')
        """
        numbers, names = iter(np.asarray(point).astype(int).tolist()), self.operations
        found = {}
        for cell in CELLS:
            rows = [[next(numbers) for _ in range(4)] for _ in range(self.combinations)]
            found[cell] = Cell(tuple(Combination(a, names[b], c, names[d]) for a, b, c, d in rows))
        return found

    def encode(self, normal: Cell, reduction: Cell) -> Float[np.ndarray, " D"]:
        """The point of two cells.

        Raises:
            UserError: a cell has another number of combinations, or one uses a hidden state or an operation
                that is not there.
        """
        numbers: list[int] = []
        for name, cell in zip(CELLS, (normal, reduction), strict=True):
            if len(cell.combinations) != self.combinations:
                raise UserError(
                    f"The {name} cell has {len(cell.combinations)} combinations, and those of '{self.name}' "
                    f"have {self.combinations}. Make a space with cells({len(cell.combinations)})."
                )
            for place, each in enumerate(cell.combinations):
                for state, operation in (each[:2], each[2:]):
                    if not 0 <= state < place + 2:
                        raise UserError(
                            f"Combination {place} of the {name} cell uses hidden state {state}. Allowed: 0 "
                            f"to {place + 1}, so that there are no loops."
                        )
                    if operation not in self.operations:
                        raise unknown("operation", operation, self.operations)
                    numbers += [state, self.operations.index(operation)]
        return np.array(numbers, np.float32)

    def named(self, name: str) -> Float[np.ndarray, " D"]:
        """The point of known cells: "nasnet-a", "amoebanet-a", "resnet" or "all-convolution".

        The first two have five combinations, the others as many as the space.

        Raises:
            UserError: there are no such cells, or the space cannot have them.
        """
        if name == "resnet":
            return self.encode(*[_chain(self.combinations, "identity", 1)] * 2)
        if name == "all-convolution":
            return self.encode(*[_chain(self.combinations, "separable 3x3", 0)] * 2)
        if name not in KNOWN:
            raise unknown("design", name, (*KNOWN, "resnet", "all-convolution"))
        return self.encode(*KNOWN[name])


def cells(
    combinations: int = 5,
    *,
    repeats: int = 1,
    filters: int = 8,
    stem: int | None = None,
    side: int = 16,
    channels: int = 3,
    axes: int = 2,
    operations: tuple[str, ...] = OPERATIONS,
    name: str = "cells",
) -> CellSpace:
    """The space of normal and reduction cells, small enough for a processor by default.

    Args:
        combinations: pairwise combinations of each cell (published: 5).
        repeats: N, normal cells before, between and after the two reduction cells.
        filters: F, of the first normal cell.
        stem: filters of the convolution that reads the image; F if None.
        side: height and width that images are brought to; for series, their samples.
        channels: 3, or 1 for grey; for series, their channels.
        axes: 2 for images and spectrograms, 1 for series. `ta.search` reads sounds with one channel, and
            makes cells of series for a task of series, see `objectives.readable.suited`.
        operations: names of the operations; the eight published ones.
        name: of the space, for people.

    Raises:
        UserError: a number is out of range, or an operation is unknown or named twice.

    >>> space = cells()
    >>> space.dimension, f"{space.size:.1e}"
    (40, '3.1e+29')
    """
    if not 1 <= combinations <= MOST:
        raise UserError(f"combinations={combinations} is out of range. Give 1 to {MOST}.")
    stack = Stack(repeats, filters, filters if stem is None else stem, side, channels)
    _check(stack, axes)
    for operation in operations:
        if operation not in OPERATIONS:
            raise unknown("operation", str(operation), OPERATIONS)
    if len(set(operations)) < len(operations) or len(operations) < 2:
        raise UserError(f"The operations are {operations}. Give two or more, each once.")
    decisions = list(_decisions(combinations, tuple(operations)))
    options = tuple((label, values) for label, values, _ in decisions)
    return CellSpace(options, None, tuple(mutation for *_, mutation in decisions), name, stack, axes)


def _check(stack: Stack, axes: int) -> None:
    if axes not in (1, 2):
        raise UserError(f"axes={axes} is out of range. Give 2 for images, or 1 for series.")
    limits = (
        LIMITS
        if axes == 2
        else {**LIMITS, "side": (LIMITS["side"][0], LONGEST), "channels": (1, MOST_CHANNELS)}
    )
    for field, (low, high) in limits.items():
        if not low <= getattr(stack, field) <= high:
            raise UserError(f"{field}={getattr(stack, field)} is out of range. Give {low} to {high}.")
    if axes == 2 and stack.channels not in (1, 3):
        raise UserError(f"channels={stack.channels} is out of range. Give 3, or 1 for grey.")


def _decisions(combinations: int, operations: tuple[str, ...]) -> Iterator[tuple[str, tuple, str]]:
    """Name, options and mutation of each decision, in the order of a point."""
    for cell in CELLS:
        for place in range(combinations):
            for side in ("left", "right"):
                label = f"{cell} {place} {side}"
                yield f"{label} state", tuple(range(place + 2)), HIDDEN_STATE
                yield f"{label} operation", operations, OPERATION


def _cell(*rows: tuple[int, str, int, str]) -> Cell:
    """A cell from rows with the short names of operations."""
    return Cell(tuple(Combination(a, SHORT[b], c, SHORT[d]) for a, b, c, d in rows))


def _chain(combinations: int, beside: str, back: int) -> Cell:
    """Separable 3×3 of the last hidden state, plus another operation of it, or of the state before it."""
    return Cell(
        tuple(Combination(place + 1, "separable 3x3", place + back, beside) for place in range(combinations))
    )


SHORT = dict(zip(("id", "s3", "s5", "s7", "avg", "max", "d3", "17"), OPERATIONS, strict=True))

KNOWN = {
    "nasnet-a": (
        _cell(
            (1, "s5", 0, "s3"),
            (0, "s5", 0, "s3"),
            (1, "avg", 0, "id"),
            (0, "avg", 0, "avg"),
            (1, "s3", 1, "id"),
        ),
        _cell(
            (1, "s5", 0, "s7"),
            (1, "max", 0, "s7"),
            (1, "avg", 0, "s5"),
            (3, "id", 2, "avg"),
            (2, "s3", 1, "max"),
        ),
    ),
    "amoebanet-a": (
        _cell(
            (0, "avg", 1, "max"),
            (0, "s3", 2, "s5"),
            (0, "s3", 3, "avg"),
            (1, "s3", 1, "id"),
            (0, "id", 1, "avg"),
        ),
        _cell(
            (0, "avg", 1, "s3"),
            (0, "max", 2, "s7"),
            (0, "s7", 1, "avg"),
            (0, "max", 1, "max"),
            (0, "17", 5, "s3"),
        ),
    ),
}
"""Name → normal and reduction cell, as Zoph et al. 2018 and Real et al. 2019 publish them; near points, as
the convolutions of this space are the eight of `OPERATIONS`."""
