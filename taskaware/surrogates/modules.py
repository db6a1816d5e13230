"""The evaluator networks as Flax modules: (z, u) → predicted score."""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from taskaware.arrays import EitherArray


class Published(nn.Module):
    """φ of 50-50 on the meta-features, then ρ of 50-10 on them and the architecture.

    Source: US20220121906A1.
    """

    @nn.compact
    def __call__(
        self, z: Float[EitherArray, " M"], u: Float[EitherArray, " F"], dropped: bool = False
    ) -> Float[Array, ""]:
        """The prediction for one task and one architecture."""
        del dropped
        hidden = nn.relu(nn.Dense(50)(z))
        return _rho(nn.relu(nn.Dense(50)(hidden)), u)


class PublishedHead(nn.Module):
    """ρ of 50-10 alone, with a feature generator as φ; same source."""

    @nn.compact
    def __call__(self, z: Float[EitherArray, " M"], u: Float[EitherArray, " F"]) -> Float[Array, ""]:
        """The prediction for one task and one architecture."""
        return _rho(z, u)


def _rho(z: EitherArray, u: EitherArray) -> Array:
    """Layers of the calling module."""
    hidden = nn.relu(nn.Dense(50)(jnp.concatenate([z, u])))
    hidden = nn.relu(nn.Dense(10)(hidden))
    return nn.Dense(1)(hidden)[0]


class Bilinear(nn.Module):
    """Effect of an architecture on all tasks, plus its interaction with the task.

    A main effect f(u) and an interaction <g(z), h(u)>. Few tasks identify few directions, so g has a narrow
    bottleneck.

    Attributes:
        width: units of the hidden layers on u.
        rank: length of g and h.
        waist: units between z and g.
    """

    width: int = 64
    rank: int = 16
    waist: int = 8

    @nn.compact
    def __call__(self, z: Float[EitherArray, " M"], u: Float[EitherArray, " F"]) -> Float[Array, ""]:
        """The prediction for one task and one architecture."""
        task = nn.tanh(nn.Dense(self.waist)(z))
        hidden = nn.silu(nn.Dense(self.width)(u))
        hidden = nn.silu(nn.Dense(self.width)(hidden))
        joint = nn.silu(nn.Dense(self.width)(jnp.concatenate([hidden, task])))
        interaction = jnp.sum(nn.Dense(self.rank)(task) * nn.Dense(self.rank)(hidden))
        return nn.Dense(1)(hidden)[0] + interaction + nn.Dense(1)(joint)[0]


MODULES = {"published": Published(), "published_head": PublishedHead(), "bilinear": Bilinear()}
