"""A space of named decisions, each with a list of options: all combinations, or an explicit set of them."""

import dataclasses
import functools
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from taskaware import plain
from taskaware.arrays import EitherArray
from taskaware.digests import digest
from taskaware.errors import UserError, unknown
from taskaware.spaces.choices_checks import Allowed, Option, allowed_points, has_rank, options_of
from taskaware.spaces.space import Decision, change_one
from taskaware.spaces.stepwise import Prefixes, counted_choices


@dataclasses.dataclass(frozen=True, eq=False)
class ChoiceSpace:
    """Named decisions with a list of options each; a point holds the number of each option.

    Make one with `choices`. Two spaces are equal if their definitions are. Beside the methods of `Space`
    there are those of `HostSpace`, in plain NumPy, for searches of many thousand evaluations a second.

    Attributes:
        options: for each decision its name and its options.
        allowed: the points of the space, (N, D) choice numbers in lexicographic order; None for all
            combinations.
        mutations: name of the mutation that changes each decision, such as "operation"; () for none.
        name: for people.
    """

    options: tuple[tuple[str, tuple[Option, ...]], ...]
    allowed: np.ndarray | None = None
    mutations: tuple[str, ...] = ()
    name: str = "choices"

    type = "choices"

    @property
    def dimension(self) -> int:
        return len(self.options)

    @functools.cached_property
    def digest(self) -> str:
        allowed = None if self.allowed is None else hashlib.sha256(self.allowed.tobytes()).hexdigest()
        return digest({"type": self.type, "options": self.options, "allowed": allowed})

    @functools.cached_property
    def decisions(self) -> tuple[Decision, ...]:
        mutations = self.mutations or ("",) * self.dimension
        return tuple(
            Decision(name, len(values), (place,), tuple(map(str, values)), values, mutations[place])
            for place, (name, values) in enumerate(self.options)
        )

    @functools.cached_property
    def feature_names(self) -> tuple[str, ...]:
        return tuple(
            name for name, values in self.options for _ in range(1 if has_rank(values) else len(values))
        )

    @functools.cached_property
    def size(self) -> int:
        """Number of points."""
        return len(self.allowed) if self.allowed is not None else int(np.prod(self._counts, dtype=object))

    def __len__(self) -> int:
        return self.size

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ChoiceSpace):
            return NotImplemented
        mine, its = ((s.type, s.name, s.mutations, s.digest) for s in (self, other))
        return mine == its

    def __repr__(self) -> str:
        holes = "" if self.allowed is None else f" of {int(np.prod(self._counts, dtype=object)):,}"
        return f"<space '{self.name}': {self.dimension} decisions, {self.size:,}{holes} combinations>"

    def to_dict(self) -> dict[str, Any]:
        return {
            "type": self.type,
            "name": self.name,
            "options": [[name, list(values)] for name, values in self.options],
            "allowed": None if self.allowed is None else self.allowed.tolist(),
            "mutations": list(self.mutations),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "ChoiceSpace":
        decisions = dict(plain.row("options of the space", data.get("options")))
        names = data.get("mutations") or []
        return choices(
            decisions,
            name=plain.name("name of the space", data.get("name")),
            allowed=None if data.get("allowed") is None else np.asarray(data["allowed"]),
            mutations=dict(zip(decisions, names, strict=False)),
        )

    def sample(self, key: Array, count: int) -> Float[Array, "n D"]:
        if self.allowed is None:
            drawn = jax.random.randint(key, (count, self.dimension), 0, self._counts[None])
            return drawn.astype(jnp.float32)
        return jnp.asarray(self._table)[jax.random.randint(key, (count,), 0, self.size)]

    def mutate(
        self, key: Array, point: Float[Array, " D"], chances: Float[EitherArray, " D"] | None = None
    ) -> Float[Array, " D"]:
        """The point with one decision changed to another option that the space allows.

        Where holes leave no such point, it is one of the nearest points.

        Args:
            key: of the draw.
            point: to be changed.
            chances: of each decision to be the one; equal ones if None.
        """
        if self.allowed is None:
            return change_one(key, point, self.decisions, chances)
        table, (which_key, row_key) = jnp.asarray(self._table), jax.random.split(key)
        differs = table != point[None]
        apart = differs.sum(1)
        near = (apart > 0) & (apart == jnp.min(jnp.where(apart > 0, apart, self.dimension + 1)))
        open_to_change = near[:, None] & differs
        weights = jnp.ones(self.dimension) if chances is None else jnp.asarray(chances)
        # Where the chances leave nothing, another decision changes.
        reachable = open_to_change.any(0)
        weights = jnp.where((reachable & (weights > 0)).any(), weights, 1.0)
        which = jax.random.categorical(which_key, jnp.log(jnp.where(reachable, weights, 0.0)))
        return table[jax.random.categorical(row_key, jnp.log(open_to_change[:, which].astype(jnp.float32)))]

    def contains(self, points: Float[EitherArray, "*b D"]) -> Array:
        points = jnp.asarray(points)
        whole = points == jnp.round(points)
        counts = jnp.broadcast_to(self._counts.astype(np.float32), points.shape)
        inside = jnp.all(whole & (points >= 0) & (points < counts), axis=-1)
        if self.allowed is None:
            return inside
        # Row by row, so that a large space does not cost its size times the number of points at once.
        table = jnp.asarray(self._table)
        among = jax.lax.map(lambda row: (table == row[None]).all(1).any(), points.reshape(-1, self.dimension))
        return inside & among.reshape(inside.shape)

    def open_choices(self, point: Float[Array, " D"], place: Int[Array, ""]) -> Bool[Array, " C"]:
        if self.allowed is None:
            return counted_choices(self, place)
        return self._prefixes.open_choices(point, place, max(self._most))

    def features(self, point: Float[EitherArray, " D"]) -> Float[Array, " F"]:
        """The rank of an option among numbers, from 0 to 1; otherwise one number for each option."""
        point, parts = jnp.asarray(point), []
        for place, (_, values) in enumerate(self.options):
            if has_rank(values):
                parts.append(point[place][None] / max(len(values) - 1, 1))
            else:
                numbers = jnp.arange(len(values), dtype=jnp.float32)
                parts.append((point[place] == numbers).astype(jnp.float32))
        return jnp.concatenate(parts)

    def sample_on_host(self, rng: np.random.Generator, count: int) -> Float[np.ndarray, "n D"]:
        """Random points."""
        if self.allowed is None:
            return rng.integers(0, self._counts, (count, self.dimension)).astype(np.float32)
        return self._table[rng.integers(0, self.size, count)]

    def mutate_on_host(
        self,
        rng: np.random.Generator,
        point: Float[np.ndarray, " D"],
        chances: Float[np.ndarray, " D"] | None = None,
    ) -> Float[np.ndarray, " D"]:
        """As `mutate`: every decision that can change has its chance, and each of its other options the same.

        Args:
            rng: of the draw.
            point: to be changed.
            chances: of each decision to be the one; equal ones if None.
        """
        # Many thousand of these a second: `item` and whole numbers of Python are quicker than NumPy's.
        place = (
            self._open[int(rng.random() * len(self._open))] if chances is None else self._place(rng, chances)
        )
        if self.allowed is None:
            child = point.copy()
            other = int(rng.random() * (self._most[place] - 1))
            child[place] = other + 1 if other >= point.item(place) else other
            return child
        found = self._others(point, place) or self._nearest(rng, point, chances)
        return self._table[found[int(rng.random() * len(found))]].copy()

    def contains_on_host(self, points: Float[np.ndarray, "n D"]) -> np.ndarray:
        """Whether each vector is a point of the space, (n,)."""
        if self.allowed is not None:
            return np.array([row.tobytes() in self.rows for row in _comparable(points)], bool)
        return ((points == np.round(points)) & (points >= 0) & (points < self._counts)).all(-1)

    @functools.cached_property
    def rows(self) -> dict[bytes, int]:
        """Bytes of each allowed point (float32) → its row in `allowed`."""
        return {row.tobytes(): number for number, row in enumerate(self._table)}

    def point(self, **decided: Option) -> Float[np.ndarray, " D"]:
        """The point of these options, one for each decision by name.

        Raises:
            UserError: a decision or an option is unknown, a decision is missing, or the space has a hole
                there.
        """
        names = [name for name, _ in self.options]
        for name in decided:
            if name not in names:
                raise unknown("decision", name, names)
        numbers = []
        for name, values in self.options:
            if name not in decided:
                raise UserError(f"The decision '{name}' is missing. Give one of {_listed(values)}.")
            if decided[name] not in values:
                raise unknown(f"option of '{name}'", str(decided[name]), map(str, values))
            numbers.append(values.index(decided[name]))
        found = np.array(numbers, np.float32)
        if not self.contains_on_host(found[None])[0]:
            raise UserError(f"The space '{self.name}' has no point {decided}. Change one of its options.")
        return found

    def chosen(self, point: Float[EitherArray, " D"]) -> dict[str, Option]:
        """The option of each decision, by name.

        >>> space = choices(op=["conv", "pool"], width=[8, 16, 32])
        >>> space.chosen(space.point(op="pool", width=32))
        {'op': 'pool', 'width': 32}
        """
        numbers = np.asarray(point).astype(int).tolist()
        return {name: values[n] for (name, values), n in zip(self.options, numbers, strict=True)}

    def _place(self, rng: np.random.Generator, chances: np.ndarray) -> int:
        upto = np.where(self._counts > 1, chances, 0.0).cumsum()
        return int(np.searchsorted(upto, rng.random() * upto[-1], side="right"))

    def _nearest(self, rng: np.random.Generator, point: np.ndarray, chances: np.ndarray | None) -> list[int]:
        """Rows one decision away; where the chances, or the holes, leave none, those that are least apart."""
        even = np.ones(self.dimension)
        for weights in (even,) if chances is None else (chances, even):
            left = np.where(self._counts > 1, weights, 0.0)
            while left.any():
                place = self._place(rng, left)
                if found := self._others(point, place):
                    return found
                left[place] = 0.0
        apart = (self._table != point).sum(1)
        return np.flatnonzero(apart == apart[apart > 0].min()).tolist()

    def _others(self, point: np.ndarray, place: int) -> list[int]:
        """Rows of the allowed points that differ from one in a single place."""
        rows, other, found = self.rows, point.copy(), []
        for number in range(self._most[place]):
            other[place] = number
            row = rows.get(other.tobytes()) if number != point[place] else None
            if row is not None:
                found.append(row)
        return found

    @functools.cached_property
    def _counts(self) -> np.ndarray:
        return np.array([len(values) for _, values in self.options], np.int32)

    @functools.cached_property
    def _most(self) -> list[int]:
        return [len(values) for _, values in self.options]

    @functools.cached_property
    def _open(self) -> list[int]:
        return [place for place, count in enumerate(self._most) if count > 1]

    @functools.cached_property
    def _prefixes(self) -> Prefixes:
        return Prefixes.of(cast(np.ndarray, self.allowed))

    @functools.cached_property
    def _table(self) -> np.ndarray:
        return np.ascontiguousarray(cast(np.ndarray, self.allowed), np.float32)


def choices(
    decisions: Mapping[str, Sequence[Option]] | None = None,
    *,
    name: str = "choices",
    allowed: Allowed | None = None,
    mutations: Mapping[str, str] | None = None,
    **more: Sequence[Option],
) -> ChoiceSpace:
    """A space of named decisions, each with a list of options.

    Args:
        decisions: name → options; a decision with one option is the same in all points.
        name: of the space, for people.
        allowed: the points that the space has, where it has holes: an array (N, D) of option numbers, or a
            function of a dict of options that says whether the space has this point.
        mutations: decision → name of the mutation that changes it, for strategies that weigh mutations.
        more: further decisions, as keywords.

    Raises:
        UserError: there is nothing to decide, a decision has no options or one twice, or `allowed` leaves
            fewer than two points or names an option that is not there.

    >>> space = choices(op=["conv", "pool"], width=[8, 16, 32], name="layer")
    >>> space
    <space 'layer': 2 decisions, 6 combinations>
    >>> choices(a=[1, 2, 3], b=[1, 2, 3], allowed=lambda point: point["a"] <= point["b"])
    <space 'choices': 2 decisions, 6 of 9 combinations>
    """
    given = {**(decisions or {}), **more}
    options = tuple((str(key), options_of(str(key), values)) for key, values in given.items())
    if not any(len(values) > 1 for _, values in options):
        raise UserError("There is nothing to decide. Give a decision with two options or more.")
    rows = None if allowed is None else allowed_points(options, allowed)
    for key in mutations or {}:
        if key not in given:
            raise unknown("decision", key, given)
    names = tuple((mutations or {}).get(key, "") for key, _ in options) if mutations else ()
    return ChoiceSpace(options, rows, names, name)


def _comparable(points: np.ndarray) -> np.ndarray:
    """Rows whose bytes are equal where the points are: float32, without -0."""
    return np.ascontiguousarray(points, np.float32) + np.float32(0)


def _listed(values: tuple[Option, ...]) -> str:
    return ", ".join(map(str, values[:20])) + ", ..." * (len(values) > 20)
