"""One network of the space with its architecture built in."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from taskaware.arrays import EitherArray
from taskaware.children.mixture.network import Columns, Inputs, MixtureNetwork, wiring
from taskaware.spaces import MixtureSpace


class FixedNetwork(nn.Module):
    """A network whose only input is rows.

    Attributes:
        space, point: the architecture.
        outputs: K.
        block: embedding of each numeric input column, D of them.
        categories: T, number of one-hot input columns.
        category_columns: columns of the table that they come from; sets the scale of the first weights.
    """

    space: MixtureSpace
    point: tuple[float, ...]
    outputs: int
    block: tuple[int, ...]
    categories: int
    category_columns: int = 1

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
        names = [coordinate.name for coordinate in self.space.recipe]
        dropout = weights.recipe[names.index("dropout")] if "dropout" in names else jnp.zeros(())
        with jax.ensure_compile_time_eval():
            width = int(self.space.width(jnp.array(self.point)))
        counts = [self.block.count(e) for e in range(len(self.space.embedding_names) - 2)]
        active = jnp.array([*counts, self.category_columns, self.category_columns], jnp.float32)
        columns = Columns(jnp.array(self.block, jnp.int32), active)
        wired = wiring(self.space, weights, width, dropout)
        core = MixtureNetwork(self.space, width, self.outputs, name="network")
        return core(Inputs(numbers, categories), columns, wired, dropout_key)
