"""A continuous space around a space of choices, so that a gradient can lead from one point to another."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from taskaware import plain
from taskaware.arrays import EitherArray
from taskaware.digests import digest
from taskaware.errors import UserError
from taskaware.spaces.choices import ChoiceSpace
from taskaware.spaces.choices_checks import has_rank
from taskaware.spaces.space import Decision

WIDEST = 4.0
"""Logits lie within ± this: an option can have nearly all of the weight, and its gradient stays above 0."""


@dataclasses.dataclass(frozen=True, eq=False)
class RelaxedChoices:
    """Every option of every decision has a logit, and the softmax of a decision's logits are their weights.

    A point holds the logits, decision after decision; a decision with one option has none. Its features are
    those that a point of `choices` has, averaged with the weights. So what a surrogate learned from points of
    `choices` it predicts here too, with a gradient.

    Attributes:
        choices: the space that is relaxed.
    """

    choices: ChoiceSpace

    type = "relaxed-choices"

    @property
    def name(self) -> str:
        return self.choices.name

    @functools.cached_property
    def digest(self) -> str:
        return digest({"type": self.type, "choices": self.choices.digest})

    @functools.cached_property
    def dimension(self) -> int:
        return sum(len(part) for part in self._parts)

    @functools.cached_property
    def decisions(self) -> tuple[Decision, ...]:
        pairs = zip(self.choices.decisions, self._parts, strict=True)
        return tuple(
            Decision(of.name, 0, tuple(part.tolist()), of.labels, mutation=of.mutation)
            for of, part in pairs
            if len(part)
        )

    @property
    def feature_names(self) -> tuple[str, ...]:
        return self.choices.feature_names

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        return self.choices == other.choices if isinstance(other, RelaxedChoices) else NotImplemented

    def __repr__(self) -> str:
        return f"<relaxed space '{self.name}': {len(self.decisions)} decisions, {self.dimension} logits>"

    def to_dict(self) -> dict[str, Any]:
        return {"type": self.type, "choices": self.choices.to_dict()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "RelaxedChoices":
        return relaxed(ChoiceSpace.from_dict(plain.table("the choices of the space", data.get("choices"))))

    def sample(self, key: Array, count: int) -> Float[Array, "n D"]:
        return jax.random.uniform(key, (count, self.dimension), jnp.float32, -WIDEST, WIDEST)

    def mutate(self, key: Array, point: Float[Array, " D"]) -> Float[Array, " D"]:
        which_key, logit_key = jax.random.split(key)
        which = jax.random.randint(which_key, (), 0, len(self.decisions))
        return jnp.where(self._owner == which, self.sample(logit_key, 1)[0], point)

    def contains(self, points: Float[EitherArray, "*b D"]) -> Bool[Array, "*b"]:
        return jnp.all(jnp.abs(jnp.asarray(points)) <= WIDEST, axis=-1)

    def features(self, point: Float[EitherArray, " D"]) -> Float[Array, " F"]:
        found = []
        for (_, values), weights in zip(self.choices.options, self.soften(point), strict=True):
            if has_rank(values):
                found.append((weights @ jnp.arange(len(values)) / max(len(values) - 1, 1))[None])
            else:
                found.append(weights)
        return jnp.concatenate(found)

    def project(self, points: Float[EitherArray, "*b D"]) -> Float[Array, "*b D"]:
        return jnp.clip(jnp.asarray(points, jnp.float32), -WIDEST, WIDEST)

    def soften(self, points: Float[EitherArray, "*b D"]) -> tuple[Float[Array, "*b C"], ...]:
        """The weights of the options of each decision, which sum to 1."""
        logits = self.project(points)
        one = jnp.ones((*logits.shape[:-1], 1))
        return tuple(jax.nn.softmax(logits[..., part]) if len(part) else one for part in self._parts)

    def discretise(self, points: Float[EitherArray, "*b D"]) -> Float[Array, "*b D"]:
        """The point whose weight is all on the options of the nearest point of `choices`."""
        nearest = self.nearest(points).astype(jnp.int32)
        chosen = [
            jax.nn.one_hot(nearest[..., place], len(part))
            for place, part in enumerate(self._parts)
            if len(part)
        ]
        return WIDEST * (2 * jnp.concatenate(chosen, axis=-1) - 1)

    def nearest(self, points: Float[EitherArray, "*b D"]) -> Float[Array, "*b d"]:
        """The point of `choices` whose options have the largest product of weights.

        >>> from taskaware.spaces import choices
        >>> space = relaxed(choices(op=["conv", "pool", "skip"], width=[8, 16]))
        >>> space.nearest(jnp.array([0.0, 2.0, 1.0, 0.5, -0.5])).tolist()
        [1.0, 0.0]
        """
        weights = self.soften(points)
        if self.choices.allowed is None:
            found = jnp.stack([each.argmax(-1) for each in weights], axis=-1)
            return found.astype(jnp.float32)
        table, total = jnp.asarray(self.choices.allowed), jnp.float32(0)
        for place, each in enumerate(weights):
            total = total + jnp.log(each)[..., table[:, place]]
        return table[total.argmax(-1)].astype(jnp.float32)

    @functools.cached_property
    def _parts(self) -> tuple[np.ndarray, ...]:
        """Entries of each decision of `choices`."""
        counts = [len(values) if len(values) > 1 else 0 for _, values in self.choices.options]
        return tuple(np.split(np.arange(sum(counts)), np.cumsum(counts)[:-1]))

    @functools.cached_property
    def _owner(self) -> np.ndarray:
        """Place in `decisions` of each entry."""
        sizes = [len(part) for part in self._parts if len(part)]
        return np.repeat(np.arange(len(sizes)), sizes)


def relaxed(space: ChoiceSpace) -> RelaxedChoices:
    """A continuous space around a space of choices, for gradient ascent.

    Args:
        space: as from `choices`.

    Raises:
        UserError: it is another kind of space.

    >>> from taskaware.spaces import choices
    >>> relaxed(choices(op=["conv", "pool", "skip"], width=[8, 16]))
    <relaxed space 'choices': 2 decisions, 5 logits>
    """
    if not isinstance(space, ChoiceSpace):
        raise UserError(
            f"Only a space of choices can be relaxed, and {space!r} is none. Make one with ta.spaces.choices."
        )
    return RelaxedChoices(space)
