"""Convolutions in front of a mixture space: networks that read pixels, continuous in all their decisions.

Each convolution has shares of kernel sizes, shares of activations, and a share of being there at all. A
kernel of the largest size holds the smaller ones as its middle. Convolutions are linear, so a mixture of
them is one convolution, whose kernel is the mixture of the kernels:

    o(x) = beta * sum_a share_a * a(x * sum_k share_k * mask_k * W + b) + (1 - beta) * x.

Images are halved by average pooling after a convolution while their side is even and 8 or more. What is left
of them feeds the dense layers, which are a mixture space as always. The corners are plain networks.

Source: Stamoulis et al. 2019, Single-Path NAS (arXiv:1904.02877), for kernels that share weights; Liu et al.
2019, DARTS (arXiv:1806.09055), for continuous shares.
"""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from taskaware import plain
from taskaware.arrays import EitherArray, bucket
from taskaware.digests import digest
from taskaware.errors import UserError
from taskaware.spaces.mixture import BOUND, MixtureSpace, compiled, drop_small, to_corner
from taskaware.spaces.mixture_draws import PRESENT_ODDS, other_shares, shares_to_logits
from taskaware.spaces.mixture_parts import TRAINING, Weights
from taskaware.spaces.space import Decision

FEATURES = "front"
"""The only embedding of the dense layers: what the convolutions give."""
SMALLEST = 8
"""Side of an image that is still halved."""
ACTIVATIONS = ("relu", "tanh", "silu", "selu")
LIMITS = {"layers": (1, 8), "kernels": (1, 15), "filters": (3, 512), "side": (8, 64)}

DENSE = MixtureSpace(
    name="dense",
    layers=2,
    sizes=(32, 64, 128),
    activations=("relu", "tanh"),
    embeddings=((FEATURES,),),
    recipe=TRAINING,
    shared_weights=True,
    width_odds=(0.3, 0.4, 0.3),
)


class Shares(NamedTuple):
    """What the convolutions of a point are: non-negative shares, each group summing to one.

    Attributes:
        kernel: share of each kernel size, `(*b, L, K)`.
        activation: share of each activation, `(*b, L, A)`.
        presence: of each convolution, `(*b, L)`, in [0, 1].
    """

    kernel: Float[Array, "*b L K"]
    activation: Float[Array, "*b L A"]
    presence: Float[Array, "*b L"]


@dataclasses.dataclass(frozen=True)
class FrontSpace:
    """Networks of relaxed convolutions and mixed dense layers; make one with `front`.

    A point holds the logits of each convolution (kernel sizes, activations, present and absent), convolution
    by convolution, and then a point of the dense space.

    Attributes:
        name: for people.
        layers: L, convolutions.
        kernels: sides of the kernels, odd, ascending; K of them.
        activations: A of them.
        filters: of every convolution.
        side: height and width that images are brought to.
        channels: 3, or 1 for grey.
        dense: the layers behind the convolutions, and the training recipe.
    """

    name: str
    layers: int
    kernels: tuple[int, ...]
    activations: tuple[str, ...]
    filters: int
    side: int
    channels: int
    dense: MixtureSpace

    type = "front"

    @property
    def embedding_names(self) -> tuple[str, ...]:
        """What the networks read: the pixels of an image, see `modalities.images.pixels`."""
        return (f"pixels_{self.side}_{self.channels}",)

    @functools.cached_property
    def sides(self) -> tuple[int, ...]:
        """Sides of the images that each convolution reads, and of what the dense layers read, L + 1."""
        found = [self.side]
        for _ in range(self.layers):
            halved = found[-1] >= SMALLEST and found[-1] % 2 == 0
            found.append(found[-1] // 2 if halved else found[-1])
        return tuple(found)

    @property
    def columns(self) -> int:
        """Numbers of an image that the dense layers read."""
        return self.sides[-1] ** 2 * self.filters

    @functools.cached_property
    def dimension(self) -> int:
        return self._front + self.dense.dimension

    @functools.cached_property
    def digest(self) -> str:
        definition = {k: v for k, v in self.to_dict().items() if k not in ("name", "dense")}
        return digest({**definition, "dense": self.dense.digest})

    @functools.cached_property
    def decisions(self) -> tuple[Decision, ...]:
        """Kernel, activation and presence of each convolution, and the decisions of the dense space."""
        groups = (
            ("kernel", tuple(f"{size}x{size}" for size in self.kernels)),
            ("activation", self.activations),
            ("is", ("present", "absent")),
        )
        found, start = [], 0
        for number in range(1, self.layers + 1):
            for what, labels in groups:
                entries = tuple(range(start, start := start + len(labels)))
                found.append(Decision(f"convolution {number} {what}", 0, entries, labels))
        for decision in self.dense.decisions:
            entries = tuple(self._front + entry for entry in decision.entries)
            found.append(decision._replace(name=f"dense {decision.name}", entries=entries))
        return tuple(found)

    @functools.cached_property
    def feature_names(self) -> tuple[str, ...]:
        kernels, activations = (self.layers * len(group) for group in (self.kernels, self.activations))
        names = ["kernel"] * kernels + ["activation"] * activations + ["present"] * self.layers
        return (*names, "convolutions", *(f"dense {name}" for name in self.dense.feature_names))

    def to_dict(self) -> dict[str, Any]:
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {"type": self.type, **fields, "dense": self.dense.to_dict()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "FrontSpace":
        wholes = {name: plain.whole(name, data[name]) for name in ("layers", "filters", "side", "channels")}
        kernels = tuple(plain.whole("kernel", each) for each in plain.row("kernels", data["kernels"]))
        activations = tuple(
            plain.word("activation", each) for each in plain.row("activations", data["activations"])
        )
        name, dense = plain.name("name of the space", data["name"]), MixtureSpace.from_dict(data["dense"])
        return front(kernels=kernels, activations=activations, dense=dense, name=name, **wholes)

    def parts(
        self, points: Float[EitherArray, "*b D"]
    ) -> tuple[Float[Array, "*b L S"], Float[Array, "*b E"]]:
        """The logits of the convolutions, and the points of the dense space."""
        points = jnp.asarray(points)
        logits = points[..., : self._front].reshape(*points.shape[:-1], self.layers, sum(self._groups))
        return logits, points[..., self._front :]

    def sample(self, key: Array, count: int) -> Float[Array, "n D"]:
        """Random points.

        Half of all have plain convolutions (corners), and half of all have plain dense layers. Other shares
        are Dirichlet(1/2).
        """
        front_key, dense_key = jax.random.split(key)
        # Keys are padded to a bucket, so that one compiled program serves many counts.
        keys = jnp.resize(jax.random.split(front_key, count), (bucket(count, 16),))
        return jnp.concatenate([_sampled(self, keys)[:count], self.dense.sample(dense_key, count)], axis=-1)

    @compiled
    def mutate(self, key: Array, point: Float[Array, " D"]) -> Float[Array, " D"]:
        which_key, own_key, dense_key = jax.random.split(key, 3)
        which = jax.random.randint(which_key, (), 0, len(self.decisions))
        own, dense = point[: self._front], point[self._front :]
        entries, odds = self._rows
        row = jnp.asarray(entries)[jnp.minimum(which, len(entries) - 1)]
        weights = jnp.asarray(odds)[jnp.minimum(which, len(entries) - 1)]
        now = own.at[row].get(mode="fill", fill_value=-jnp.inf)
        changed = own.at[row].set(other_shares(own_key, now, weights, weights > 0), mode="drop")
        ours = which < len(entries)
        return jnp.concatenate(
            [jnp.where(ours, changed, own), jnp.where(ours, dense, self.dense.mutate(dense_key, dense))]
        )

    @compiled
    def contains(self, points: Float[EitherArray, "*b D"]) -> Bool[Array, "*b"]:
        logits, dense = self.parts(points)
        return jnp.all(jnp.abs(logits) <= BOUND, axis=(-2, -1)) & self.dense.contains(dense)

    @compiled
    def project(self, points: Float[EitherArray, "*b D"]) -> Float[Array, "*b D"]:
        logits, dense = self.parts(points)
        return _joined(jnp.clip(logits, -BOUND, BOUND), self.dense.project(dense))

    @compiled
    def soften(self, points: Float[EitherArray, "*b D"]) -> tuple[Shares, Weights]:
        """Shares of the convolutions and of the dense layers: smooth everywhere, for surrogates."""
        logits, dense = self.parts(points)
        kernel, activation, gate = (jax.nn.softmax(part, axis=-1) for part in self.cut(logits))
        return Shares(kernel, activation, gate[..., 0]), self.dense.soften(dense)

    @compiled
    def weights(self, points: Float[EitherArray, "*b D"]) -> tuple[Shares, Weights]:
        """What the networks do: as `soften`, but small shares are dropped, and the recipe is in its units."""
        logits, dense = self.parts(points)
        softmax = (jax.nn.softmax(part, axis=-1) for part in self.cut(logits))
        kernel, activation, gate = map(drop_small, softmax)
        return Shares(kernel, activation, gate[..., 0]), self.dense.weights(dense)

    @compiled
    def features(self, point: Float[EitherArray, " D"]) -> Float[Array, " F"]:
        _, dense = self.parts(point)
        shares, _ = self.soften(point)
        own = [jnp.ravel(part) for part in shares] + [shares.presence.mean()[None]]
        return jnp.concatenate([*own, self.dense.features(dense)])

    @compiled
    def discretise(self, points: Float[EitherArray, "*b D"]) -> Float[Array, "*b D"]:
        """The nearest plain network: the largest share of every group becomes one."""
        logits, dense = self.parts(points)
        corners = jnp.concatenate([to_corner(part) for part in self.cut(logits)], axis=-1)
        return _joined(corners, self.dense.discretise(dense))

    @property
    def _groups(self) -> tuple[int, int, int]:
        """Logits of each group of a convolution."""
        return len(self.kernels), len(self.activations), 2

    @property
    def _front(self) -> int:
        """Numbers of a point that belong to convolutions."""
        return self.layers * sum(self._groups)

    def cut(self, logits: Float[Array, "*b L S"]) -> list[Array]:
        """What belongs to kernels, to activations and to the presence of each convolution."""
        return jnp.split(logits, np.cumsum(self._groups)[:-1].tolist(), axis=-1)

    @functools.cached_property
    def _rows(self) -> tuple[np.ndarray, np.ndarray]:
        """Entries of each decision on convolutions, and the odds of its shares, padded to the longest."""
        shape = (3 * self.layers, max(self._groups))
        entries, odds = np.full(shape, self._front), np.zeros(shape, np.float32)
        for number, decision in enumerate(self.decisions[: 3 * self.layers]):
            count = len(decision.entries)
            entries[number, :count] = decision.entries
            odds[number, :count] = PRESENT_ODDS if number % 3 == 2 else 1.0
        return entries, odds


@functools.partial(jax.jit, static_argnames="space")
def _sampled(space: FrontSpace, keys: Array) -> Float[Array, "n F"]:
    """Logits of random convolutions, one for each key."""

    odds = jnp.array([1.0] * (len(space.kernels) + len(space.activations)) + list(PRESENT_ODDS))
    shape = (space.layers, len(odds))

    def one(key: Array) -> Array:
        plain_key, corner_key, mixture_key = jax.random.split(key, 3)
        # The largest of these is drawn by its odds, and a squared normal is a Gamma(1/2).
        corner = jax.random.gumbel(corner_key, shape) + jnp.log(odds)[None]
        mixture = jnp.square(jax.random.normal(mixture_key, shape)) * odds[None]
        plain_or_mixed = [map(to_corner, space.cut(corner)), map(shares_to_logits, space.cut(mixture))]
        corners, mixtures = (jnp.concatenate(list(parts), axis=-1) for parts in plain_or_mixed)
        return jnp.ravel(jnp.where(jax.random.bernoulli(plain_key), corners, mixtures))

    return jax.vmap(one)(keys)


def _joined(logits: Float[Array, "*b L S"], dense: Float[Array, "*b E"]) -> Float[Array, "*b D"]:
    return jnp.concatenate([logits.reshape(*dense.shape[:-1], -1), dense], axis=-1)


def front(
    layers: int = 3,
    *,
    kernels: tuple[int, ...] = (1, 3, 5, 7),
    activations: tuple[str, ...] = ("relu", "tanh"),
    filters: int = 16,
    side: int = 16,
    channels: int = 3,
    dense: MixtureSpace = DENSE,
    name: str = "front",
) -> FrontSpace:
    """The space of relaxed convolutions in front of mixed dense layers, for images.

    Args:
        layers: L, convolutions.
        kernels: sides of the kernels that a convolution mixes, odd, ascending.
        activations: that a convolution mixes, of "relu", "tanh", "silu" and "selu".
        filters: of every convolution.
        side: height and width that images are brought to.
        channels: 3, or 1 for grey.
        dense: a mixture space for the dense layers and the recipe; its embeddings are not used.
        name: of the space, for people.

    Raises:
        UserError: a number is out of range, or is given twice.

    >>> space = front()
    >>> space.dimension, space.sides
    (44, (16, 8, 4, 4))
    """
    dense = dataclasses.replace(dense, embeddings=((FEATURES,),))
    space = FrontSpace(name, layers, tuple(kernels), tuple(activations), filters, side, channels, dense)
    _check(space)
    return space


def _check(space: FrontSpace) -> None:
    for field, (low, high) in LIMITS.items():
        given = getattr(space, field)
        for number in given if isinstance(given, tuple) else (given,):
            if not low <= number <= high:
                raise UserError(f"{field}={given} is out of range. Give {low} to {high}.")
    kernels = space.kernels
    if not kernels or list(kernels) != sorted(set(kernels)) or any(size % 2 == 0 for size in kernels):
        raise UserError(f"kernels={kernels}. Give odd numbers that ascend.")
    wrong = [each for each in space.activations if each not in ACTIVATIONS]
    if wrong or not space.activations or len(set(space.activations)) < len(space.activations):
        raise UserError(f"activations={space.activations}. Give some of {', '.join(ACTIVATIONS)}, each once.")
    if space.channels not in (1, 3):
        raise UserError(f"channels={space.channels} is out of range. Give 3, or 1 for grey.")
