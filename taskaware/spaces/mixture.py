"""The continuous space of task-aware architecture search: u = {alpha, beta, gamma} and a training recipe.

Layer j of a network is a weighted mixture of P baseline layers that differ in size and activation,

    o_j(x) = sum_i alpha_ij * o_ij(x),

zero-padded to one width; beta_j weighs the layer in or out; gamma mixes the embeddings in front. Here u
holds logits, and a softmax over each group gives the weights. What lies under `CUTOFF` is dropped, so the
corners of the space are plain networks exactly.

Source: US20220121906A1; Kokiopoulou, Hauth, Sbaiz et al. 2019 (arXiv:1902.05781).
"""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar, cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from taskaware.arrays import EitherArray, bucket
from taskaware.deprecation import renamed
from taskaware.spaces import mixture_checks, mixture_draws, mixture_features, mixture_presence
from taskaware.spaces.mixture_draws import CORNER, CUTOFF
from taskaware.spaces.mixture_parts import Point, RecipeCoordinate, Shapes, Weights
from taskaware.spaces.space import Decision

BOUND = 10.0

Method = TypeVar("Method", bound=Callable[..., Any])


def compiled(method: Method) -> Method:
    """A method of a space, compiled for eager callers, too: each operation would be a program of its own."""
    return cast(Method, jax.jit(method, static_argnums=0, inline=True))


@dataclasses.dataclass(frozen=True)
class MixtureSpace:
    """Networks of mixed layers; static and hashable, so it passes through `jit` unmarked.

    Attributes:
        name: of the preset, or the user's.
        layers: L, mixed layers after the embedding.
        sizes: widths of the baselines, ascending.
        activations: of the baselines; every size comes with every activation, so P = sizes x activations.
        embeddings: groups of embedding names; each group has its own softmax.
        recipe: training coordinates, R of them.
        shared_weights: whether the baselines of a layer are slices of one matrix (a layer then costs what
            its widest baseline costs) or have weights of their own (as published).
        width_odds: how often `sample` makes each size the largest one used; sums to 1.
    """

    name: str
    layers: int
    sizes: tuple[int, ...]
    activations: tuple[str, ...]
    embeddings: tuple[tuple[str, ...], ...]
    recipe: tuple[RecipeCoordinate, ...]
    shared_weights: bool
    width_odds: tuple[float, ...]

    @functools.cached_property
    def baselines(self) -> tuple[tuple[int, str], ...]:
        """(size, activation) of each of the P baselines, in the order of alpha."""
        return tuple((size, activation) for size in self.sizes for activation in self.activations)

    @functools.cached_property
    def embedding_names(self) -> tuple[str, ...]:
        return tuple(name for group in self.embeddings for name in group)

    @functools.cached_property
    def shapes(self) -> Shapes:
        """The shape of each part of one point."""
        return Shapes(
            (self.layers, len(self.baselines)),
            (self.layers, 2),
            (len(self.embedding_names),),
            (len(self.recipe),),
        )

    @functools.cached_property
    def dimension(self) -> int:
        """D, how many numbers u has."""
        return sum(_size(shape) for shape in self.shapes)

    @functools.cached_property
    def digest(self) -> str:
        """16 hex digits that name the space's definition; odds of sampling are no part of it."""
        definition = {k: v for k, v in self.to_dict().items() if k not in ("type", "name", "width_odds")}
        for coordinate in definition["recipe"]:
            coordinate.update({"gate": True} if "gate" in coordinate else {})
        return hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()[:16]

    @functools.cached_property
    def decisions(self) -> tuple[Decision, ...]:
        """Each layer's baselines, each layer's presence, each choice of embeddings, each recipe coordinate.

        All of them are continuous. A group of one embedding leaves nothing to decide.
        """
        return mixture_features.decisions(self)

    @functools.cached_property
    def feature_names(self) -> tuple[str, ...]:
        """What each number of `features` tells of; numbers of one softmax, or of all layers, share a name."""
        return mixture_features.feature_names(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `from_dict` reads back."""
        data = {"type": "mixture", **dataclasses.asdict(self)}
        # Spaces without gates keep their digests.
        for coordinate in data["recipe"]:
            if not coordinate["gate"]:
                del coordinate["gate"]
        return data

    @functools.cached_property
    def coordinates(self) -> tuple[str, ...]:
        """Names of the recipe's coordinates, R of them."""
        return tuple(coordinate.name for coordinate in self.recipe)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "MixtureSpace":
        """The space that `to_dict` wrote (also after a trip through JSON).

        Raises:
            UserError: a field is missing, or is not what may stand there; see `mixture_checks`.
        """
        fields = mixture_checks.checked(data)
        fields["recipe"] = tuple(RecipeCoordinate(**coordinate) for coordinate in fields["recipe"])
        return cls(**fields)

    def encode(self, point: Point) -> Float[Array, "*b D"]:
        """The point as one vector: alpha, beta, gamma, recipe, each row by row."""
        return _joined(point)

    def decode(self, vector: Float[EitherArray, "*b D"]) -> Point:
        """The inverse of `encode`."""
        return _cut(self.shapes, jnp.asarray(vector))

    @compiled
    def contains(self, vector: Float[EitherArray, "*b D"]) -> Array:
        """Whether each vector is a point of the space: logits within +-BOUND, recipe within [0, 1]."""
        point = self.decode(vector)
        logits = self.encode(point._replace(recipe=jnp.zeros_like(point.recipe)))
        in_box = jnp.all((point.recipe >= 0) & (point.recipe <= 1), axis=-1)
        return in_box & jnp.all(jnp.abs(logits) <= BOUND, axis=-1)

    def project(self, vector: Float[EitherArray, "*b D"]) -> Float[Array, "*b D"]:
        """The nearest point of the space."""
        point = self.decode(vector)
        alpha, beta, gamma = (jnp.clip(part, -BOUND, BOUND) for part in point[:3])
        return self.encode(Point(alpha, beta, gamma, jnp.clip(point.recipe, 0.0, 1.0)))

    @compiled
    def weights(self, vector: Float[EitherArray, "*b D"]) -> Weights:
        """What the network does: softmax of each group, shares under CUTOFF dropped, recipe in its units."""
        soft = self.soften(vector)
        beta = drop_small(jnp.stack([soft.beta, 1 - soft.beta], axis=-1))[..., 0]
        return Weights(
            drop_small(soft.alpha),
            beta,
            self._by_group(drop_small, soft.gamma),
            self._recipe_values(soft.recipe),
        )

    @compiled
    def soften(self, vector: Float[EitherArray, "*b D"]) -> Weights:
        """The plain softmax of each group, recipe in [0, 1]: smooth everywhere, for surrogates."""
        point = self.decode(vector)
        return Weights(
            jax.nn.softmax(point.alpha, axis=-1),
            jax.nn.softmax(point.beta, axis=-1)[..., 0],
            self._by_group(jax.nn.softmax, point.gamma),
            point.recipe,
        )

    soft_weights = renamed("soft_weights", "soften")

    def features(self, vector: Float[EitherArray, " D"]) -> Float[Array, " F"]:
        """What a surrogate reads: the soft weights, and sums over them that mean something."""
        return mixture_features.features(self, vector)

    @compiled
    def width(self, vector: Float[EitherArray, "*b D"]) -> Int[Array, "*b"]:
        """The largest size that a present layer uses: all the width that has to be computed."""
        weights = self.weights(vector)
        used = (weights.alpha > 0) & (weights.beta[..., None] > 0)
        sizes = jnp.array([size for size, _ in self.baselines])
        return jnp.maximum(jnp.max(jnp.where(used, sizes, 0), axis=(-2, -1)), self.sizes[0])

    def sample(self, key: Array, count: int) -> Float[Array, "n D"]:
        """Random points, half of them plain networks (corners), half of them mixtures.

        The largest size in use is drawn first, by `width_odds`; a mixture's shares are Dirichlet(1/2) over
        the sizes up to it; the recipe is uniform. A gate is open by its odds, or shut; in a mixture, some are
        open in part.
        """
        # Keys are padded to a bucket, so that one compiled program serves many counts.
        keys = jax.random.split(key, count)
        return _sample(self, jnp.resize(keys, (bucket(count, 16),)))[:count]

    def mutate(self, key: Array, vector: Float[Array, " D"]) -> Float[Array, " D"]:
        """The point with one decision drawn anew: a layer's alpha, a beta, an embedding group or the recipe.

        The child always means another network or recipe: a plain group is never drawn as it is.

        Source: Real et al. 2019, one mutation per child.
        """
        return _mutated(self, key, vector)

    def decision_labels(self) -> tuple[int, ...]:
        """For each of the D numbers, the index of the decision it belongs to."""
        layer_alphas = [layer for layer in range(self.layers) for _ in self.baselines]
        betas = [self.layers + layer for layer in range(self.layers) for _ in range(2)]
        first = 2 * self.layers
        gammas = [first + g for g, group in enumerate(self.embeddings) for _ in group]
        recipe = [first + len(self.embeddings) + r for r in range(len(self.recipe))]
        return (*layer_alphas, *betas, *gammas, *recipe)

    @compiled
    def discretise(self, vector: Float[EitherArray, "*b D"]) -> Float[Array, "*b D"]:
        """The nearest plain network: the largest share of every group becomes one, every gate 0 or 1."""
        point = self.decode(vector)
        gates = jnp.array([coordinate.gate > 0 for coordinate in self.recipe], bool)
        return self.encode(
            Point(
                to_corner(point.alpha),
                to_corner(point.beta),
                self._by_group(to_corner, point.gamma),
                jnp.where(gates, jnp.round(point.recipe), point.recipe),
            )
        )

    def tidied(self, vector: Float[EitherArray, "*b D"], least: float) -> Float[Array, "*b D"]:
        """The network without what hardly counts: shares below `least` become 0, gates as near to an end end.

        Args:
            vector: points.
            least: smallest share that stays beside a larger one of its group, below 0.5.
        """
        point = self.decode(vector)
        tidy = functools.partial(_tidied, least=least)
        gates = jnp.array([coordinate.gate > 0 for coordinate in self.recipe], bool)
        ended = jnp.where(jnp.abs(point.recipe - 0.5) > 0.5 - least, jnp.round(point.recipe), point.recipe)
        return self.encode(
            Point(
                tidy(point.alpha),
                tidy(point.beta),
                self._by_group(tidy, point.gamma),
                jnp.where(gates, ended, point.recipe),
            )
        )

    def settled(
        self, vectors: Float[EitherArray, "n D"], present: Collection[str]
    ) -> Float[np.ndarray, "n D"]:
        """One point for all that are one network on a dataset that lacks some embeddings, on the host.

        Shares of a group's absent embeddings go to its present ones. A group that is absent as a whole gets
        equal shares.

        Args:
            vectors: points.
            present: names of the embeddings that the dataset has columns for.
        """
        return mixture_presence.settled(self, np.asarray(vectors), present)

    @compiled
    def is_plain(self, vector: Float[EitherArray, "*b D"]) -> Array:
        """Whether every group has a single share left, so that the network is an ordinary one."""
        weights = self.weights(vector)
        one_baseline = jnp.all((weights.alpha.max(-1) == 1) | (weights.beta == 0), axis=-1)
        whole_layers = jnp.all((weights.beta == 0) | (weights.beta == 1), axis=-1)
        gates = [r for r, coordinate in enumerate(self.recipe) if coordinate.gate]
        shares = jnp.concatenate([weights.gamma, weights.recipe[..., jnp.array(gates, int)]], axis=-1)
        return one_baseline & whole_layers & jnp.all((shares == 0) | (shares == 1), axis=-1)

    def _by_group(
        self, function: Callable[[Array], Array], gamma: Float[Array, "*b E"]
    ) -> Float[Array, "*b E"]:
        parts, start = [], 0
        for group in self.embeddings:
            parts.append(function(gamma[..., start : start + len(group)]))
            start += len(group)
        return jnp.concatenate(parts, axis=-1)

    def _recipe_values(self, recipe: Float[Array, "*b R"]) -> Float[Array, "*b R"]:
        values = [coordinate.value(recipe[..., r]) for r, coordinate in enumerate(self.recipe)]
        return jnp.stack(values, axis=-1) if values else recipe


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size


def drop_small(shares: Float[Array, "*b n"]) -> Float[Array, "*b n"]:
    """The shares of a group without those below CUTOFF."""
    kept = jnp.where(shares >= jnp.minimum(CUTOFF, shares.max(-1, keepdims=True)), shares, 0.0)
    return kept / kept.sum(-1, keepdims=True)


def to_corner(logits: Float[Array, "*b n"]) -> Float[Array, "*b n"]:
    """Logits that give the largest share of a group all of it."""
    return CORNER * jax.nn.one_hot(jnp.argmax(logits, axis=-1), logits.shape[-1])


def _tidied(logits: Float[Array, "*b n"], least: float) -> Float[Array, "*b n"]:
    share = jax.nn.softmax(logits, axis=-1)
    top = share.max(-1, keepdims=True)
    kept = jnp.where(share >= jnp.minimum(least, top), share, 0.0)
    return jnp.log(jnp.maximum(kept / top, jnp.exp(-CORNER))) + CORNER


# Compiled for eager callers, too: each slice would be a program of its own.
@functools.partial(jax.jit, inline=True)
def _joined(point: Point) -> Float[Array, "*b D"]:
    batch = point.gamma.shape[:-1]
    return jnp.concatenate([jnp.reshape(part, (*batch, -1)) for part in point], axis=-1)


@functools.partial(jax.jit, static_argnames="shapes", inline=True)
def _cut(shapes: tuple[tuple[int, ...], ...], vector: Float[Array, "*b D"]) -> Point:
    parts, start = [], 0
    for shape in shapes:
        stop = start + _size(shape)
        parts.append(jnp.reshape(vector[..., start:stop], (*vector.shape[:-1], *shape)))
        start = stop
    return Point(*parts)


# Compiled for eager callers, too: operation by operation, a gamma distribution alone takes seconds.
@functools.partial(jax.jit, static_argnames="space")
def _sample(space: MixtureSpace, keys: Array) -> Float[Array, "n D"]:
    return jax.vmap(lambda one: space.encode(Point(*mixture_draws.one_sample(space, one))))(keys)


@functools.partial(jax.jit, static_argnames="space")
def _mutated(space: MixtureSpace, key: Array, vector: Float[Array, " D"]) -> Float[Array, " D"]:
    return mixture_draws.mutated(space, key, vector)
