"""A toy child: bit strings that choose which columns of a table a linear model reads."""

import dataclasses
import hashlib

import jax
import jax.numpy as jnp
import numpy as np
import optax

from taskaware.children.child import Child, State

TYPE = "toy-bits"


@dataclasses.dataclass(frozen=True)
class BitStrings:
    """Strings of `bits` numbers; bit i is set where the number is above one half."""

    bits: int
    name: str = "toy"
    type: str = TYPE

    @property
    def dimension(self):
        return self.bits

    @property
    def digest(self):
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]


def group(space, points):
    """All in one group: every point has weights of the same shapes."""
    return [(space.bits, np.arange(len(points)))]


def read(design, point):
    """1 for a column that is read, 0 for one that is not."""
    return jnp.where(jnp.isnan(point), point, jnp.round(point))


def init(key, bits, batch):
    """A small random matrix, and a bias of zeros."""
    kernel = 0.01 * jax.random.normal(key, (len(bits), batch.outputs))
    params = {"kernel": kernel, "bias": jnp.zeros(batch.outputs)}
    return State(params, optax.sgd(0.0, momentum=0.9).init(params))


def step(state, bits, batch, now):
    """Gradient descent with momentum; the schedule of the trainer scales its rate."""
    gradient = jax.grad(lambda params: batch.loss(outputs(params, bits, batch)))(state.params)
    rule = optax.sgd(0.1 * now.rate, momentum=0.9)
    updates, carried = rule.update(gradient, state.optimizer, state.params)
    return State(optax.apply_updates(state.params, updates), carried)


def outputs(params, bits, batch):
    columns = batch.x.numbers[:, : len(bits)] * bits[None]
    return columns @ params["kernel"] + params["bias"][None]


CHILD = Child(group, read, init, step, outputs)
