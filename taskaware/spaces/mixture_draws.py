"""Random points of a mixture space, and points with one decision drawn anew."""

import functools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

if TYPE_CHECKING:
    from taskaware.spaces.mixture import MixtureSpace

CUTOFF = 0.02
"""A smaller share of a group is dropped."""
CORNER = 8.0
"""Logit of the one share of a plain group; the others have 0."""
PRESENT_ODDS = (0.75, 0.25)
"""How often a layer is drawn as present and as absent."""
WIDEST_ENSEMBLE = 64
"""Largest size of a random ensemble: its members cost as much as eight networks."""


class Row(NamedTuple):
    """One decision of a mixture space, padded to the length of the longest (K).

    Attributes:
        entries: of the vector, D where padded, (K,).
        odds: of each share, 0 where padded, (K,).
        size: position of each share's size; 0 where it has none, (K,).
        recipe: whether it is a coordinate of the recipe.
        gate: whether it is a gate among these.
    """

    entries: Array | np.ndarray
    odds: Array | np.ndarray
    size: Array | np.ndarray
    recipe: Array | np.ndarray
    gate: Array | np.ndarray


class Group(NamedTuple):
    """Shares that sum to 1, to be drawn.

    Attributes:
        key: of the draw.
        shape: of the shares; the last axis sums to 1.
        allowed: which shares may be above 0, (n,).
        odds: how often each is the one of a corner, (n,).
    """

    key: Array
    shape: tuple[int, ...]
    allowed: Array
    odds: Array


def one_sample(space: "MixtureSpace", key: Array) -> tuple[Array, Array, Array, Array]:
    """The parts of one random point: logits of alpha, beta and gamma, and the recipe."""
    plain_key, width_key, alpha_key, beta_key, gamma_key, recipe_key = jax.random.split(key, 6)
    plain = jax.random.bernoulli(plain_key)
    recipe = _recipe(space, recipe_key, plain)
    largest = _largest_size(space, width_key)
    if "ensemble" in space.coordinates:
        widest = max([place for place, size in enumerate(space.sizes) if size <= WIDEST_ENSEMBLE], default=0)
        opened = recipe[space.coordinates.index("ensemble")] > 0
        largest = jnp.where(opened, jnp.minimum(largest, widest), largest)
    size_index = jnp.array([i for i in range(len(space.sizes)) for _ in space.activations])
    groups = [
        Group(alpha_key, space.shapes.alpha, size_index <= largest, jnp.ones(len(size_index))),
        Group(beta_key, space.shapes.beta, jnp.array([True, True]), jnp.array(PRESENT_ODDS)),
    ]
    for place, names in enumerate(space.embeddings):
        count = len(names)
        own = jax.random.fold_in(gamma_key, place)
        groups.append(Group(own, (count,), jnp.ones(count, bool), jnp.ones(count)))
    alpha, beta, *gammas = _draw_shares(groups, plain)
    return alpha, beta, jnp.concatenate(gammas), recipe


def _recipe(space: "MixtureSpace", key: Array, plain: Array) -> Float[Array, " R"]:
    """Uniform coordinates; a gate is open or shut, in a mixture half of the open ones in part."""
    recipe = jax.random.uniform(key, space.shapes.recipe)
    odds = jnp.array([coordinate.gate for coordinate in space.recipe], jnp.float32)
    # The uniform number decides, and what lies above the decision is uniform again.
    left = (odds - recipe) / jnp.maximum(odds, 1e-6)
    opened = jnp.where(plain | (left < 0.5), 1.0, 2 * left - 1)
    return jnp.where(odds > 0, jnp.where(recipe < odds, opened, 0.0), recipe)


def mutated(space: "MixtureSpace", key: Array, vector: Float[Array, " D"]) -> Float[Array, " D"]:
    """The vector with one decision drawn again, to a different value.

    Args:
        space: of the vector.
        key: of the draw.
        vector: the parent.
    """
    choice_key, size_key, draw_key = jax.random.split(key, 3)
    rows = jax.tree.map(jnp.asarray, _rows(space))
    choice = jax.random.randint(choice_key, (), 0, len(rows.odds))
    row = Row(*(column[choice] for column in rows))
    now = vector.at[row.entries].get(mode="fill", fill_value=-jnp.inf)
    allowed = (row.odds > 0) & (row.size <= _largest_size(space, size_key))
    fresh = jax.random.uniform(draw_key)
    # A gate is drawn open or shut as often as in between.
    fresh = jnp.where(row.gate, jnp.clip(2 * fresh - 0.5, 0.0, 1.0), fresh)
    # An unchanged coordinate moves by half the range.
    fresh = jnp.where(fresh == now[0], (fresh + 0.5) % 1.0, fresh)
    new = jnp.where(row.recipe, fresh, other_shares(draw_key, now, row.odds, allowed))
    return vector.at[row.entries].set(new, mode="drop")


@functools.lru_cache(maxsize=32)
def _rows(space: "MixtureSpace") -> Row:
    """All decisions, as NumPy arrays with the axis of the decisions in front."""
    decisions, recipes = space.decisions, len(space.recipe)
    longest = max(len(decision.entries) for decision in decisions)
    entries = np.full((len(decisions), longest), space.dimension)
    odds, size = np.zeros(entries.shape, np.float32), np.zeros(entries.shape, int)
    for number, decision in enumerate(decisions):
        count = len(decision.entries)
        entries[number, :count], odds[number, :count] = decision.entries, 1.0
        if number < space.layers:
            size[number, :count] = np.repeat(np.arange(len(space.sizes)), len(space.activations))
        elif number < 2 * space.layers:
            odds[number, :count] = PRESENT_ODDS
    gate = np.zeros(len(decisions), bool)
    gate[len(decisions) - recipes :] = [coordinate.gate > 0 for coordinate in space.recipe]
    return Row(entries, odds, size, np.arange(len(decisions)) >= len(decisions) - recipes, gate)


def _largest_size(space: "MixtureSpace", key: Array) -> Array:
    return jax.random.choice(key, len(space.sizes), p=jnp.array(space.width_odds))


def other_shares(
    key: Array,
    now: Float[Array, " K"],
    odds: Float[Array | np.ndarray, " K"],
    allowed: Bool[Array | np.ndarray, " K"],
) -> Float[Array, " K"]:
    """Logits of a corner or of a Dirichlet mixture that mean something else than those of now.

    Args:
        key: of the draw.
        now: logits of a group, -inf where padded.
        odds: of each share to be the one of a corner, 0 where padded.
        allowed: which shares may be above 0.
    """
    plain_key, corner_key, mixture_key = jax.random.split(key, 3)
    place, real = jnp.arange(len(now)), odds > 0
    top = jnp.argmax(now)
    same = _is_plain(now) & (place == top)
    free = allowed & ~same
    free = jnp.where(jnp.any(free), free, real & (place != top))
    picked = jax.random.categorical(
        corner_key, jnp.where(free, jnp.log(jnp.where(real, odds, 1.0)), -jnp.inf)
    )
    corner = CORNER * jax.nn.one_hot(picked, len(now))
    # Half a squared normal is Gamma(1/2), and compiles in a tenth of the time.
    gammas = 0.5 * jnp.square(jax.random.normal(mixture_key, now.shape))
    mixture = shares_to_logits(jnp.where(allowed, gammas, 0.0))
    unchanged = _is_plain(jnp.where(real, mixture, -jnp.inf)) & same[jnp.argmax(mixture)]
    return jnp.where(jax.random.bernoulli(plain_key) | unchanged, corner, mixture)


def _is_plain(logits: Float[Array, " K"]) -> Array:
    """Whether one share is left when the small ones are dropped."""
    return jnp.sum(jax.nn.softmax(logits) >= CUTOFF) <= 1


def _draw_shares(groups: Sequence[Group], plain: Array) -> list[Array]:
    """Logits of a corner (if plain) or of a Dirichlet(1/2) mixture for each group, over the allowed ones.

    All groups are padded to one length and drawn together: each draw of its own compiles for seconds.
    """
    keys = jax.vmap(jax.random.split)(jnp.stack([group.key for group in groups]))
    longest = max(math.prod(group.shape) for group in groups)
    noise = jax.vmap(lambda key: jax.random.gumbel(key, (longest,)))(keys[:, 0])
    gammas = jax.vmap(jax.random.gamma)(keys[:, 1], _concentrations(groups, longest))
    noise, gammas = jax.lax.optimization_barrier((noise, gammas))
    drawn = []
    for group, *rows in zip(groups, noise, gammas, strict=True):
        own_noise, own_gammas = (jnp.reshape(row[: math.prod(group.shape)], group.shape) for row in rows)
        log_odds = jnp.where(group.allowed, jnp.log(group.odds), -jnp.inf)
        log_odds = jnp.broadcast_to(log_odds, group.shape)
        corner = CORNER * jax.nn.one_hot(jnp.argmax(own_noise + log_odds, axis=-1), group.shape[-1])
        mixture = shares_to_logits(jnp.where(group.allowed, own_gammas, 0.0))
        drawn.append(jnp.where(plain, corner, mixture))
    return drawn


def _concentrations(groups: Sequence[Group], longest: int) -> Float[Array, "groups n"]:
    """Of each share 1/2, scaled by its odds; flat, padded to the length of the longest group."""
    rows = []
    for group in groups:
        scaled = 0.5 * group.odds * len(group.odds) / group.odds.sum()
        row = jnp.ravel(jnp.broadcast_to(scaled, group.shape))
        rows.append(jnp.pad(row, (0, longest - len(row)), constant_values=0.5))
    return jnp.stack(rows)


def shares_to_logits(shares: Float[Array, "*b n"]) -> Float[Array, "*b n"]:
    """Logits of shares, which need not sum to 1; the largest is CORNER, none is below 0."""
    return jnp.log(jnp.maximum(shares / shares.max(-1, keepdims=True), jnp.exp(-CORNER))) + CORNER
