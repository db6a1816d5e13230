"""The feature generator φ: raw samples of a task → learned meta-features."""

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from taskaware.errors import unknown
from taskaware.modalities.tables.samples import Samples


class Dataset2Vec(nn.Module):
    """h(mean over columns and outputs of g(mean over rows of f(x, y))), for tables of any size.

    It is invariant to the order of rows, columns and classes.

    Attributes:
        width: number of outputs, K.
        hidden: units of each layer of f, g and h.

    Source: Dataset2Vec, Jomaa, Schmidt-Thieme, Grabocka 2021; narrower, and without residual blocks.
    """

    width: int = 16
    hidden: int = 32

    @nn.compact
    def __call__(self, samples: Samples) -> Float[Array, " K"]:
        """Learned meta-features of one task."""
        pairs = jnp.broadcast_arrays(samples.x[:, :, None], samples.y[:, None, :])
        each = nn.relu(nn.Dense(self.hidden)(jnp.stack(pairs, axis=-1)))
        each = nn.relu(nn.Dense(self.hidden)(each))
        column = _mean(each, samples.rows, 1)
        column = nn.relu(nn.Dense(self.hidden)(column))
        column = nn.relu(nn.Dense(self.hidden)(column))
        whole = _mean(column, samples.columns[:, None] & samples.outputs, 2)
        return nn.Dense(self.width)(nn.relu(nn.Dense(self.hidden)(whole)))


class PublishedGenerator(nn.Module):
    """Two layers of 50 on each row and its target, columns padded in their places; the mean over the rows.

    The publication sums over a fixed number of samples; the mean differs by a constant factor, and allows any
    number of rows.

    Source: US20220121906A1.
    """

    @nn.compact
    def __call__(self, samples: Samples) -> Float[Array, " 50"]:
        """Learned meta-features of one task."""
        hidden = nn.relu(nn.Dense(50)(jnp.concatenate([samples.x, samples.y], axis=-1)))
        return _mean(nn.relu(nn.Dense(50)(hidden)), samples.rows, 1)


GENERATORS = {"dataset2vec": Dataset2Vec(), "published": PublishedGenerator()}


def generator_named(name: str) -> nn.Module:
    """The feature generator of that name.

    Raises:
        UserError: the name is unknown; the nearest one is suggested.
    """
    if name not in GENERATORS:
        raise unknown("feature generator", name, GENERATORS)
    return GENERATORS[name]


def _mean(
    values: Float[Array, "*n F"], there: Bool[Array | np.ndarray, "*m"], axes: int
) -> Float[Array, "*l F"]:
    """Masked mean over the first axes; 0 where nothing is present."""
    mask = there.reshape(*there.shape, *(1,) * (values.ndim - axes))
    total = jnp.sum(jnp.where(mask, values, 0.0), axis=tuple(range(axes)))
    return total / jnp.maximum(there.sum(), 1)
