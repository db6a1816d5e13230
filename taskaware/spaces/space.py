"""What a space is: the cut between what can be designed and everything that reads, draws or searches it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from taskaware.arrays import EitherArray


class Decision(NamedTuple):
    """One thing that a space lets be decided.

    Attributes:
        name: for people, unique within the space.
        choices: values that it can take, the numbers 0, 1, ..., choices - 1; 0 where it is continuous.
        entries: which entries of a point it owns.
        labels: names of the choices, or of the entries where it owns several; () for their numbers.
        values: the options themselves, where they are more than labels: numbers, for example.
        mutation: name of the mutation that changes it, for strategies that weigh mutations.
    """

    name: str
    choices: int
    entries: tuple[int, ...]
    labels: tuple[str, ...] = ()
    values: tuple[Any, ...] = ()
    mutation: str = ""


@runtime_checkable
class Space(Protocol):
    """A set of points; frozen, hashable, and free of data, scores and Flax.

    A point is a vector of `dimension` float32 numbers. What takes `points` takes any leading batch axes.
    JAX can trace every method; a space is a static argument of compiled programs.

    Attributes:
        name: for people.
        dimension: D, length of a point.
        digest: 16 hex digits that name the definition; stored experience hangs on it.
        decisions: what can be decided. An entry that belongs to none of them is the same in all points.
        feature_names: what each number of `features` tells of; numbers that tell of one thing share a name.
    """

    if TYPE_CHECKING:
        # For type checkers only, so that `isinstance` asks for no more than before.
        def __hash__(self) -> int: ...

    @property
    def name(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    @property
    def digest(self) -> str: ...

    @property
    def decisions(self) -> tuple[Decision, ...]: ...

    @property
    def feature_names(self) -> tuple[str, ...]: ...

    def to_dict(self) -> dict[str, Any]:
        """Plain data with the space's "type", which `space_from` reads back."""
        ...

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Space":
        """The space that `to_dict` wrote, also after a trip through JSON."""
        ...

    def sample(self, key: Array, count: int) -> Float[Array, "n D"]:
        """Random points."""
        ...

    def mutate(self, key: Array, point: Float[Array, " D"]) -> Float[Array, " D"]:
        """The point with exactly one decision changed, always to another value."""
        ...

    def contains(self, points: Float[EitherArray, "*b D"]) -> Array:
        """Whether each vector is a point of the space, `(*b,)`."""
        ...

    def features(self, point: Float[EitherArray, " D"]) -> Float[Array, " F"]:
        """What a surrogate reads of a point; differentiable where the space is relaxed."""
        ...


@runtime_checkable
class RelaxedSpace(Space, Protocol):
    """A continuous space around discrete designs, so that a gradient can lead through it."""

    def project(self, points: Float[EitherArray, "*b D"]) -> Float[Array, "*b D"]:
        """The nearest point of the space."""
        ...

    def soften(self, points: Float[EitherArray, "*b D"]) -> Any:
        """What the points mean, smooth everywhere."""
        ...

    def discretise(self, points: Float[EitherArray, "*b D"]) -> Float[Array, "*b D"]:
        """The nearest point that stands for a discrete design."""
        ...


@runtime_checkable
class HostSpace(Space, Protocol):
    """A space that is drawn from in plain NumPy as well, for many thousand evaluations a second."""

    def sample_on_host(self, rng: np.random.Generator, count: int) -> Float[np.ndarray, "n D"]:
        """Random points."""
        ...

    def mutate_on_host(
        self,
        rng: np.random.Generator,
        point: Float[np.ndarray, " D"],
        chances: Float[np.ndarray, " D"] | None = None,
    ) -> Float[np.ndarray, " D"]:
        """A new point with exactly one decision changed.

        Args:
            rng: of the draw.
            point: to be changed.
            chances: of each decision to be the one; equal ones if None.
        """
        ...

    def contains_on_host(self, points: Float[np.ndarray, "n D"]) -> np.ndarray:
        """Whether each vector is a point of the space, (n,)."""
        ...


def change_one(
    key: Array,
    point: Float[Array, " D"],
    decisions: Sequence[Decision],
    chances: Float[EitherArray, " D"] | None = None,
) -> Float[Array, " D"]:
    """A `mutate` for spaces of plain choices: one decision is drawn and gets another of its values.

    Every decision owns one entry; those with a single choice are left alone.

    Args:
        key: of the draw.
        point: to be changed.
        decisions: of the space.
        chances: of each decision to be the one; equal ones if None.

    >>> on_or_off = [Decision(f"bit {n}", 2, (n,)) for n in range(3)]
    >>> float(change_one(jax.random.key(0), jnp.zeros(3), on_or_off).sum())
    1.0
    """
    open_to_change = [decision for decision in decisions if decision.choices > 1]
    entries = jnp.array([decision.entries[0] for decision in open_to_change])
    choices = jnp.array([decision.choices for decision in open_to_change])
    which_key, step_key = jax.random.split(key)
    if chances is None:
        which = jax.random.randint(which_key, (), 0, len(open_to_change))
    else:
        places = np.array([place for place, decision in enumerate(decisions) if decision.choices > 1])
        which = jax.random.categorical(which_key, jnp.log(jnp.asarray(chances)[places]))
    step = jax.random.randint(step_key, (), 1, choices[which])
    value = (point[entries[which]].astype(jnp.int32) + step) % choices[which]
    return point.at[entries[which]].set(value.astype(point.dtype))


def decided(space: Space, points: Float[np.ndarray, "n D"]) -> dict[str, np.ndarray]:
    """The points as columns for people: a column a decision, or an entry where a decision owns several.

    A choice is written by its value or label where it has one, otherwise by its number.

    >>> from taskaware.spaces import preset
    >>> list(decided(preset("compact"), np.zeros((1, 40))))[-3:]
    ['learning_rate', 'weight_decay', 'dropout']
    """
    points, columns = np.asarray(points), {}
    for decision in space.decisions:
        several = len(decision.entries) > 1
        for place, entry in enumerate(decision.entries):
            label = decision.labels[place] if decision.labels and several else place
            name = f"{decision.name}: {label}" if several else decision.name
            columns[name] = points[:, entry] if several else _values(decision, points[:, entry])
    return columns


def _values(decision: Decision, column: np.ndarray) -> np.ndarray:
    if not decision.choices:
        return column
    numbers = column.astype(int)
    if decision.values:
        return _column(decision.values)[numbers]
    return np.array(decision.labels, object)[numbers] if decision.labels else numbers


def _column(values: tuple[Any, ...]) -> np.ndarray:
    """As an array: of numbers where all are, of objects otherwise."""
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return np.array(values)
    found = np.empty(len(values), object)
    found[:] = values
    return found
