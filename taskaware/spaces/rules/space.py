"""The space of update rules: one to five rounds of five choices each."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from taskaware import plain
from taskaware.arrays import EitherArray
from taskaware.digests import digest
from taskaware.embeddings import TABLE_EMBEDDINGS
from taskaware.errors import UserError, quoted, unknown
from taskaware.spaces.rules.language import BINARY, KEEP, UNARY, Expression
from taskaware.spaces.rules.parser import parse
from taskaware.spaces.rules.rounds import (
    BINARY_NAMES,
    MOST_ROUNDS,
    SLOTS,
    UNARY_NAMES,
    Round,
    result,
    rounds_of,
    tree_of,
)
from taskaware.spaces.rules.simplify import canonical
from taskaware.spaces.space import Decision
from taskaware.spaces.stepwise import counted_choices

TYPE = "update-rules"
FIELDS = Round._fields
SIDES = range(4, 65)
"""Pixels that an image may have on each side: the network halves them twice, and images are kept at 64."""

_KEEP = BINARY_NAMES.index(KEEP)


@dataclasses.dataclass(frozen=True)
class RuleSpace:
    """Update rules; static and hashable, so it passes through `jit` unmarked.

    A point is the number of rounds less one, then (op1, op2, u1, u2, b) of each round, as numbers of choices.
    The operands of a round are those of the space and the results of the rounds before it, so every choice is
    valid. The last round in use gives the step.

    Attributes:
        name: for people.
        rounds: at most so many, 1 to 5.
        operands: names of SLOTS.
        pixels: side and channels (1 or 3) of the images that rules are trained on; None where they are
            trained on tables.

    >>> space = RuleSpace()
    >>> str(space.decode(space.encode("sign(m) * g")))
    'sign(m) * g'
    """

    name: str = TYPE
    rounds: int = MOST_ROUNDS
    operands: tuple[str, ...] = tuple(SLOTS)
    pixels: tuple[int, int] | None = None

    @property
    def embedding_names(self) -> tuple[str, ...]:
        """What the networks read: columns of tables, or the pixels of an image."""
        if self.pixels is None:
            return tuple(name for group in TABLE_EMBEDDINGS for name in group)
        return (f"pixels_{self.pixels[0]}_{self.pixels[1]}",)

    @property
    def dimension(self) -> int:
        return 1 + len(FIELDS) * self.rounds

    @property
    def digest(self) -> str:
        return digest({"type": TYPE, "rounds": self.rounds, "operands": self.operands, **self._images})

    @functools.cached_property
    def decisions(self) -> tuple[Decision, ...]:
        """The number of rounds, and five choices of each round."""
        found = [Decision("rounds", self.rounds, (0,), tuple(str(n + 1) for n in range(self.rounds)))]
        for number in range(self.rounds):
            operands = (*self.operands, *(result(before + 1) for before in range(number)))
            labels = (operands, operands, UNARY_NAMES, UNARY_NAMES, BINARY_NAMES)
            for field, names in zip(FIELDS, labels, strict=True):
                found.append(Decision(f"{field} of round {number + 1}", len(names), (len(found),), names))
        return tuple(found)

    @functools.cached_property
    def feature_names(self) -> tuple[str, ...]:
        """Uses of each operand and function, where they lead to the step, and how the step is made."""
        rounds = ["rounds"] * self.rounds
        return (*rounds, *self.operands, *UNARY_NAMES, *BINARY_NAMES, *["last function"] * len(BINARY_NAMES))

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `from_dict` reads back."""
        chosen = {"rounds": self.rounds, "operands": list(self.operands)}
        return {"type": TYPE, "name": self.name, **chosen, **self._images}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "RuleSpace":
        """The space that `to_dict` wrote.

        Raises:
            UserError: a field is missing, or is not what may stand there.
        """
        missing = {"name", "rounds", "operands"} - set(data)
        if missing:
            raise UserError(
                f"The definition of the space of update rules lacks {', '.join(sorted(missing))}."
            )
        name, rounds, operands = (
            plain.name("name of the space", data["name"]),
            data["rounds"],
            data["operands"],
        )
        if isinstance(rounds, bool) or rounds not in range(1, MOST_ROUNDS + 1):
            raise UserError(f"rounds={rounds!r} is out of range. Give 1 to {MOST_ROUNDS}.")
        if not isinstance(operands, list | tuple) or not operands or len(set(operands)) < len(operands):
            raise UserError("The operands of a space of update rules are a list of names, each once.")
        for operand in operands:
            if operand not in SLOTS:
                raise unknown("operand", operand, SLOTS)
        return cls(name, int(rounds), tuple(operands), _pixels(data.get("pixels")))

    def encode(self, rule: str | Expression) -> Float[np.ndarray, " D"]:
        """The point of a rule, on the host.

        Args:
            rule: a tree, or its text.

        Raises:
            UserError: it cannot be read, needs more rounds, or has an operand that the space lacks.
        """
        tree = parse(rule) if isinstance(rule, str) else rule
        try:
            rounds = rounds_of(tree, self.rounds)
        except UserError:
            rounds = rounds_of(canonical(tree), self.rounds)
        point = np.zeros(self.dimension, np.float32)
        point[0] = len(rounds) - 1
        chosen = [name for each in rounds for name in each]
        for decision, name in zip(self.decisions[1:], chosen, strict=False):
            if name not in decision.labels:
                raise unknown(f"operand of the space '{self.name}'", name, decision.labels)
            point[decision.entries[0]] = decision.labels.index(name)
        return point

    def decode(self, point: Float[EitherArray, " D"]) -> Expression:
        """The rule of a point, on the host; its canonical form is the same for all points that are one rule.

        Raises:
            UserError: it is no point of the space.
        """
        if not bool(self.contains(point)):
            raise UserError(f"The vector {np.asarray(point)} is no point of the space '{self.name}'.")
        chosen = [d.labels[int(point[d.entries[0]])] for d in self.decisions[1:]]
        starts = range(0, len(FIELDS) * (int(point[0]) + 1), len(FIELDS))
        return tree_of([Round(*chosen[start : start + len(FIELDS)]) for start in starts])

    def sample(self, key: Array, count: int) -> Float[Array, "n D"]:
        """Random points: all choices uniform, but that each round uses the one before it."""
        draw_key, side_key = jax.random.split(key)
        uniform = jax.random.uniform(draw_key, (count, self.dimension))
        points = jnp.floor(uniform * jnp.array(self._choices, jnp.float32)[None])
        sides = jax.random.bernoulli(side_key, 0.5, (count, self.rounds)).astype(int)
        for number in range(1, self.rounds):
            entry = 1 + len(FIELDS) * number + sides[:, number]
            points = points.at[jnp.arange(count), entry].set(float(len(self.operands) + number - 1))
        return points

    def mutate(self, key: Array, point: Float[Array, " D"]) -> Float[Array, " D"]:
        """The point with one decision changed, among those that the step depends on."""
        which_key, step_key = jax.random.split(key)
        used, choices = self._used(point), jnp.array(self._choices)
        which = jax.random.categorical(which_key, jnp.where(used & (choices > 1), 0.0, -jnp.inf))
        step = jax.random.randint(step_key, (), 1, choices[which])
        value = (point[which].astype(int) + step) % choices[which]
        return point.at[which].set(value.astype(point.dtype))

    def contains(self, points: Float[EitherArray, "*b D"]) -> Array:
        """Whether each vector holds a number of a choice for every decision."""
        points = jnp.asarray(points)
        choices = jnp.broadcast_to(jnp.array(self._choices, jnp.float32), points.shape)
        return jnp.all((points >= 0) & (points < choices) & (points == jnp.round(points)), axis=-1)

    def open_choices(self, point: Float[Array, " D"], place: Int[Array, ""]) -> Bool[Array, " C"]:
        """All choices of a round in use, and the first one of others."""
        count = counted_choices(self, place)
        unused = (place - 1) // len(FIELDS) > point[0].astype(int)
        return jnp.where(unused, jnp.arange(len(count)) == 0, count)

    def features(self, point: Float[EitherArray, " D"]) -> Float[Array, " F"]:
        """What a surrogate reads; see `feature_names`."""
        point = jnp.asarray(point)
        used = self._used(point)[1:].reshape(self.rounds, -1).astype(jnp.float32)
        chosen = point[1:].reshape(self.rounds, -1).astype(int)
        last = point[0].astype(int)
        sizes = (len(self.operands), len(UNARY), len(BINARY))
        counts = []
        for fields, size in zip(((0, 1), (2, 3), (4,)), sizes, strict=True):
            where = jax.nn.one_hot(chosen[:, fields], size) * used[:, fields, None]
            counts.append(where.sum((0, 1)))
        function = jax.nn.one_hot(chosen[last, len(FIELDS) - 1], len(BINARY))
        return jnp.concatenate([jax.nn.one_hot(last, self.rounds), *counts, function])

    @property
    def _images(self) -> dict[str, list[int]]:
        """The images, where there are some."""
        return {} if self.pixels is None else {"pixels": list(self.pixels)}

    @property
    def _choices(self) -> tuple[int, ...]:
        return tuple(decision.choices for decision in self.decisions)

    def _used(self, point: Float[Array, " D"]) -> Bool[Array, " D"]:
        """Which entries the step depends on."""
        chosen = point[1:].reshape(self.rounds, -1).astype(int)
        lives = [point[0].astype(int) == number for number in range(self.rounds)]
        found: list[Array] = []
        for number in reversed(range(self.rounds)):
            op1, op2, _, _, binary = chosen[number]
            live, right = lives[number], lives[number] & (binary != _KEEP)
            for before in range(number):
                place = len(self.operands) + before
                lives[before] |= (live & (op1 == place)) | (right & (op2 == place))
            found = [live, right, live, right, live, *found]
        return jnp.stack([jnp.ones((), bool), *found])


def _pixels(given: object) -> tuple[int, int] | None:
    """Side and channels, as `to_dict` wrote them.

    Raises:
        UserError: they are no side and channels of images.
    """
    if given is None:
        return None
    numbers = given if isinstance(given, list | tuple) and len(given) == 2 else (0, 0)
    if (
        any(type(number) is not int for number in numbers)
        or numbers[0] not in SIDES
        or numbers[1] not in (1, 3)
    ):
        raise UserError(
            f"pixels={quoted(given)} are no images. Give a side from {SIDES[0]} to {SIDES[-1]}, and 1 or 3 "
            "channels: [16, 3]."
        )
    return int(numbers[0]), int(numbers[1])


def chosen_rounds(space: RuleSpace, point: Float[Array, " D"]) -> tuple[Int[Array, "R 5"], Int[Array, ""]]:
    """A point as an interpreter reads it: places in SLOTS, UNARY and BINARY, and the number of rounds.

    Results of rounds have the places after those of SLOTS, whichever operands the space has.
    """
    places = [list(SLOTS).index(name) for name in space.operands]
    places += [len(SLOTS) + number for number in range(space.rounds)]
    chosen = point[1:].reshape(space.rounds, -1).astype(int)
    operands = jnp.array(places)[chosen[:, :2]]
    return jnp.concatenate([operands, chosen[:, 2:]], axis=1), point[0].astype(int) + 1
