"""One network of the space with its architecture built in."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from taskaware.arrays import EitherArray
from taskaware.children.mixture.child import group
from taskaware.children.mixture.network import (
    Columns,
    Inputs,
    MixtureNetwork,
    mean_of_members,
    wiring,
)
from taskaware.children.mixture.presence import CATEGORY_EMBEDDINGS
from taskaware.spaces import MixtureSpace
from taskaware.spaces.mixture_checks import MEMBERS


class FixedNetwork(nn.Module):
    """A network whose only input is rows.

    Attributes:
        space, point: the architecture.
        outputs: K.
        block: embedding of each numeric input column, D of them.
        categories: T, number of one-hot input columns.
        category_columns: columns of the table that they come from; sets the scale of the first weights.
        link: what the outputs are: "values", or logits of "classes" or of "labels".
    """

    space: MixtureSpace
    point: tuple[float, ...]
    outputs: int
    block: tuple[int, ...]
    categories: int
    category_columns: int = 1
    link: str = "classes"

    @nn.compact
    def __call__(
        self,
        numbers: Float[EitherArray, "n D"],
        categories: Float[EitherArray, "n T"],
        dropout_key: Array | None = None,
    ) -> Float[Array, "n K"]:
        """Outputs for rows as `Encoder.transform` gives them; with a key, units are dropped (training)."""
        vector = jnp.array(self.point)
        weights = self.space.weights(vector)
        names = self.space.coordinates
        dropout = weights.recipe[names.index("dropout")] if "dropout" in names else jnp.zeros(())
        with jax.ensure_compile_time_eval():
            [(key, _)] = group(self.space, jnp.array([self.point]))
        counts = [self.block.count(place) for place in range(len(self.space.embedding_names))]
        for place, name in enumerate(self.space.embedding_names):
            if name in CATEGORY_EMBEDDINGS and self.categories:
                counts[place] = self.category_columns
        active = jnp.array(counts, jnp.float32)
        columns = Columns(jnp.array(self.block, jnp.int32), active)
        wired, members = wiring(self.space, weights, abs(key), dropout), MEMBERS if key < 0 else 1
        core = MixtureNetwork(self.space, abs(key), self.outputs, members, name="network")
        given = core(Inputs(numbers, categories), columns, wired, dropout_key)
        return given if members == 1 else mean_of_members(given, self.link)
