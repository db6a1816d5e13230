"""Points of `FrontSpace` under training: grouped, and trained by AdamW, as points of mixtures are."""

import dataclasses

import flax.linen as nn
import jax
import numpy as np
from jaxtyping import Array, Float

from taskaware.children.cells.augment import CHANGES, augmented
from taskaware.children.child import Batch, Child, Design, Now, State, scaled_output, shifted_output
from taskaware.children.front.network import FrontNetwork, images_of, wiring
from taskaware.children.mixture import child as mixture
from taskaware.pytrees import pytree
from taskaware.spaces import FrontSpace


@pytree(static=("space", "width", "members", "own_optimizer", "rounded", "front", "augment"))
@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Candidate(mixture.Candidate):
    """A point as its network reads it; a pytree.

    Attributes:
        front: its space; `space` is that of the dense layers; static.
        augment: names of `augment.CHANGES`, for the images of a step; static.
    """

    front: FrontSpace
    augment: tuple[str, ...]

    def network(self, outputs: int) -> nn.Module:
        return FrontNetwork(self.front, self.width, outputs, self.members)


def group(space: FrontSpace, points: Float[Array, "n D"]) -> list[tuple[int, np.ndarray]]:
    """(width of the dense layers, rows of the points that use it), as of mixtures."""
    return mixture.group(space.dense, space.parts(points)[1])


def read(design: Design, point: Float[Array, " D"]) -> Candidate:
    """The point as a network whose dense layers have the group's width reads it."""
    space: FrontSpace = design.space
    dense = mixture.read(design._replace(space=space.dense), space.parts(point)[1])
    fields = vars(dense) | {"wired": wiring(space, space.weights(point)[0], dense.wired)}
    return Candidate(**fields, front=space, augment=design.augment)


def step(state: State, candidate: Candidate, batch: Batch, now: Now) -> State:
    """One step, as of mixtures, on images that are changed at random where the candidate says so.

    Args:
        state: weights and optimizer state before it.
        candidate: of `read`.
        batch: the rows of the step.
        now: key of the random draws, and factor of the learning rate.
    """
    if candidate.augment:
        change_key, key = jax.random.split(now.key)
        images = augmented(change_key, images_of(candidate.front, batch.x), candidate.augment)
        batch = dataclasses.replace(batch, x=batch.x._replace(numbers=images.reshape(len(images), -1)))
        now = now._replace(key=key)
    return mixture.step(state, candidate, batch, now)


CHILD = Child(
    group,
    read,
    mixture.init,
    step,
    mixture.outputs,
    scaled_output,
    takes_optimizer=True,
    shifted=shifted_output,
    one_by_one=True,
    augments=lambda space: tuple(CHANGES),
)
