"""Weights that trainings leave for their children: a folder of the latest ones, by evaluation number."""

import contextlib
import dataclasses
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from taskaware.arrays import EitherArray
from taskaware.children.child import child_of
from taskaware.errors import CheckpointError, StoreError, UserError
from taskaware.files import atomic_file
from taskaware.saved import read_npz
from taskaware.spaces import Space
from taskaware.training.trainer import Handover

POINT = "point"


class Family(NamedTuple):
    """Which evaluations are trained, and whose children they are.

    Attributes:
        points: n of them, (n, D).
        numbers: of the evaluations, n.
        parents: evaluation number of the parent of each, -1 without one, n.
    """

    points: np.ndarray
    numbers: Sequence[int]
    parents: Sequence[int]

    @classmethod
    def of(cls, points: np.ndarray, first: int, parents: Sequence[int]) -> "Family":
        """The points of an ask.

        Args:
            points, first, parents: see `strategies.UnderWay`.
        """
        numbers = range(first, first + len(points))
        return cls(points, numbers, parents or (-1,) * len(points))

    def take(self, rows: np.ndarray) -> "Family":
        """Some of the points."""
        places = rows.tolist()
        return Family(
            self.points[rows],
            [self.numbers[place] for place in places],
            [self.parents[place] for place in places],
        )


@dataclasses.dataclass(frozen=True)
class Inheritance:
    """A folder with the weights of the latest evaluations.

    An evaluation starts from the weights of its parent, if the parent is one of the `keep` before it. Which
    ones these are does not depend on when a search was interrupted.

    Attributes:
        folder: made when the first weights are written.
        keep: evaluations whose weights are kept.
        space: of the points.
    """

    folder: Path
    keep: int
    space: Space

    def check(self) -> "Inheritance":
        """The folder itself, if points of the space can inherit.

        Raises:
            UserError: they cannot, or a number is out of range.
        """
        if self.keep < 1:
            raise UserError(f"inherit={self.keep} is too small. Give 1 or more, or 0 for none.")
        if child_of(self.space).inherited is None:
            raise UserError(
                f"Points of the space '{self.space.name}' do not inherit weights. Leave inherit= out."
            )
        return self

    def handover(self, points: np.ndarray, first: int, parents: Sequence[int]) -> Handover:
        """How weights come to the points of an ask, and leave them.

        Args:
            points, first, parents: see `strategies.UnderWay`.
        """
        family = Family.of(points, first, parents)
        return Handover(
            lambda rows, params: self.begin(family.take(rows), params),
            lambda rows, params: self.end(family.take(rows), params),
        )

    def begin(self, family: Family, params: dict[str, EitherArray]) -> dict[str, np.ndarray]:
        """The first weights of the points: those of their parents, or the fresh ones.

        Args:
            family: n points.
            params: fresh weights, (n, ...) each.
        """
        fresh = {name: np.array(leaf) for name, leaf in jax.device_get(params).items()}
        pass_on = child_of(self.space).inherited
        for row, (point, number, parent) in enumerate(zip(*family, strict=True)):
            found = self.read(parent) if number - self.keep <= parent >= 0 else None
            if found is not None and pass_on is not None:
                own = {name: leaf[row] for name, leaf in fresh.items()}
                for name, leaf in pass_on(self.space, point, own, found).items():
                    fresh[name][row] = leaf
        return fresh

    def end(self, family: Family, params: dict[str, EitherArray]) -> None:
        """Keep the weights of the points, and delete those of the evaluations that are too old.

        Args:
            family: n points.
            params: after the training, of at least n points.

        Raises:
            StoreError: the folder cannot be written.
        """
        trained = jax.device_get(params)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for row, (point, number, _) in enumerate(zip(*family, strict=True)):
                own = {name: np.asarray(leaf[row]) for name, leaf in trained.items()}
                if all(np.isfinite(leaf).all() for leaf in own.values()):
                    with atomic_file(self._path(number)) as file:
                        arrays: dict[str, Any] = {POINT: point, **own}
                        np.savez(file, **arrays)
            for path in self.folder.glob("*.npz"):
                if path.stem.isdigit() and int(path.stem) < min(family.numbers) - self.keep:
                    path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"The weights in '{self.folder}' cannot be written: {error}.") from error

    def read(self, number: int) -> tuple[np.ndarray, dict[str, np.ndarray]] | None:
        """Point and weights of an evaluation; None where they are not there, or cannot be read."""
        try:
            arrays = read_npz(self._path(number))
        except (CheckpointError, OSError, ValueError):
            return None
        point = arrays.pop(POINT, None)
        return None if point is None else (point, arrays)

    def clear(self) -> None:
        """Delete what an earlier search has left."""
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self.folder)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number}.npz"


def weights_folder(journal: str | os.PathLike) -> Path:
    """Where the weights of a search with a journal are.

    >>> weights_folder("runs/mine.jsonl").name
    'mine.jsonl.weights'
    """
    return Path(f"{os.fspath(journal)}.weights")
