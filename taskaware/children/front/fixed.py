"""One network of the space with its architecture built in."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from taskaware.children.child import Design
from taskaware.children.front.child import group, read
from taskaware.children.front.network import FrontNetwork
from taskaware.children.mixture.network import Inputs, mean_of_members
from taskaware.spaces import FrontSpace


class FixedFront(nn.Module):
    """A network whose only input is images.

    Attributes:
        space, point: the architecture.
        outputs: K.
        link: what the outputs are: "values", or logits of "classes" or of "labels".
    """

    space: FrontSpace
    point: tuple[float, ...]
    outputs: int
    link: str = "classes"

    @nn.compact
    def __call__(
        self, images: Float[Array, "n side side channels"], dropout_key: Array | None = None
    ) -> Float[Array, "n K"]:
        """Outputs for images of standardised pixels; with a key, units are dropped (training)."""
        with jax.ensure_compile_time_eval():
            [(key, _)] = group(self.space, jnp.array([self.point]))
        own = read(Design(self.space, key), jnp.array(self.point))
        core = FrontNetwork(self.space, own.width, self.outputs, own.members, name="network")
        rows = Inputs(images.reshape(len(images), -1), jnp.zeros((len(images), 0)))
        given = core(rows, None, own.wired, dropout_key)
        return given if own.members == 1 else mean_of_members(given, self.link)
