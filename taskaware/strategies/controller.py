"""A network that takes the decisions of a space one after the other; its layers are a file of their own.

Source: Zoph & Le 2017 ("Neural Architecture Search with Reinforcement Learning"), section 3. Section 3.3 has
the anchor points.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from taskaware.spaces import ConnectedSpace, Connection, Space, open_choices

SPREAD = 0.08
"""All weights start uniformly between plus and minus this (published)."""

CLOSED = -1e30
"""Logit of a choice that is not open."""


class Walk(NamedTuple):
    """A point, and how the controller came to it.

    Attributes:
        point: (D,).
        log_probability: of the point, a sum over decisions.
        entropy: of the choices, a sum over decisions, given the earlier ones of this point.
    """

    point: Float[Array, " D"]
    log_probability: Float[Array, ""]
    entropy: Float[Array, ""]


Choose = Callable[[Any, Float[Array, " C"]], Array]
"""(what the caller gave for this decision, logits) → number of the choice."""


class Controller(nn.Module):
    """Layers that read the last choice, and a softmax of its own for each decision.

    A decision that connects a part to an earlier one (see `ConnectedSpace`) has anchor points instead: its
    probability is sigmoid(v · tanh(A h_earlier + B h_part)), with the outputs of the layers at both parts.

    A subclass has the layers: `set_up_layers`, `begun` and `read`.

    Attributes:
        space: of the points; all of its decisions have choices.
        units: of each layer.
        layers: number of them.
        temperature: divides the logits.
        tanh: the logits are this many times their tanh; None leaves them as they are.
        anchors: whether connections have anchor points; else they have a softmax, as all decisions.
        grows: number of the decision whose options open one after the other; None without one.
        context: K, meta-features of the task that the controller reads before the first decision; 0 of none.
    """

    space: Space
    units: int = 35
    layers: int = 2
    temperature: float = 1.0
    tanh: float | None = None
    anchors: bool = True
    grows: int | None = None
    context: int = 0

    def setup(self) -> None:
        steps = len(self.space.decisions)
        width = max(decision.choices for decision in self.space.decisions)
        self.set_up_layers()
        # The choice before a decision; the first one follows choice 0 of none.
        self.embedding = self.param("embedding", uniform, (steps, width, self.units))
        self.head = self.param("head", uniform, (steps, self.units, width))
        self.bias = self.param("bias", uniform, (steps, width))
        if self.context:
            self.reading = self.param("reading", uniform, (self.context, self.units))
        self.connections = connections_of(self.space) if self.anchors else ()
        if self.connections:
            self.anchor = self.param("anchor", uniform, (self.units,))
            self.anchor_earlier = self.param("anchor_earlier", uniform, (self.units, self.units))
            self.anchor_part = self.param("anchor_part", uniform, (self.units, self.units))

    def set_up_layers(self) -> None:
        """Make the weights of the layers."""
        raise NotImplementedError

    def begun(self, token: Float[Array, " H"] | None) -> Any:
        """What the layers hold before the first decision.

        Args:
            token: what there is to know of the task, between -1 and 1; None of no task.
        """
        raise NotImplementedError

    def read(self, memory: Any, place: Int[Array, ""], hidden: Float[Array, " H"]) -> tuple[Any, Array]:
        """Read one more choice.

        Args:
            memory: what the layers hold.
            place: number of the decision that follows.
            hidden: the choice, as the layers read it.

        Returns:
            What they hold now, and the output of the last one, (H,).
        """
        raise NotImplementedError

    def sampled(self, key: Array, stage: Int[Array, ""], z: Float[Array, " K"] | None = None) -> Walk:
        """A point drawn from the controller.

        Args:
            key: of the draw.
            stage: number of the option of the growing decision.
            z: scaled meta-features of the task; zeros if None.
        """
        # The largest of logits plus such noise is drawn by their softmax.
        noise = jax.random.gumbel(key, self.bias.shape)
        return self._walk(
            lambda noise, logits: jnp.argmax(logits + noise), noise, jnp.zeros(self._entries.shape), stage, z
        )

    def scored(self, point: Float[Array, " D"], z: Float[Array, " K"] | None = None) -> Walk:
        """How likely a point is; what a point holds where nothing is decided does not count."""
        given = point[self._entries].astype(jnp.int32)
        stage = given[self.grows] if self.grows is not None else jnp.int32(0)
        return self._walk(lambda choice, logits: choice, given, point, stage, z)

    @property
    def _entries(self) -> Array:
        return jnp.array([decision.entries[0] for decision in self.space.decisions])

    def _walk(
        self,
        choose: Choose,
        given: Array,
        point: Float[Array, " D"],
        stage: Int[Array, ""],
        z: Float[Array, " K"] | None,
    ) -> Walk:
        begins, about = _anchor_points(self.connections)
        carry = (
            self.begun(jnp.tanh(z @ self.reading) if self.context and z is not None else None),
            jnp.zeros((begins.shape[1], self.units)),
            jnp.int32(0),
            Walk(point, jnp.float32(0), jnp.float32(0)),
        )
        places, stages = jnp.arange(len(given)), jnp.full(len(given), stage)
        steps = [places, stages, self._entries, given, self.embedding, self.head, self.bias]
        if self.connections:
            steps += [jnp.asarray(begins), jnp.asarray(about)]
        body = nn.scan(
            lambda controller, carry, step: (controller._decided(choose, carry, step), None),
            variable_broadcast="params",
            split_rngs={"params": False},
        )
        return body(self, carry, tuple(steps))[0][-1]

    def _decided(self, choose: Choose, carry: tuple, step: tuple) -> tuple:
        """One decision more."""
        memory, anchors, before, walk = carry
        place, stage, entry, given, embedding, head, bias, *connection = step
        memory, hidden = self.read(memory, place, embedding[before])
        logits = hidden @ head + bias
        if connection:
            begins, about = connection
            anchors = jnp.where(begins[:, None], hidden, anchors)
            logits = jnp.where(about[1] > 0, self._connecting(anchors[about], logits), logits)
        logits = logits / self.temperature
        if self.tanh is not None:
            logits = self.tanh * jnp.tanh(logits)
        there = open_choices(self.space, walk.point, place)
        if self.grows is not None:
            there &= (place != self.grows) | (jnp.arange(len(there)) == stage)
        logits = jnp.where(there, logits, CLOSED)
        logs = jax.nn.log_softmax(logits)
        choice = jnp.where(there.sum() == 1, jnp.argmax(there), choose(given, logits)).astype(jnp.int32)
        walk = Walk(
            walk.point.at[entry].set(choice.astype(walk.point.dtype)),
            walk.log_probability + logs[choice],
            walk.entropy - jnp.sum(jnp.exp(logs) * logs),
        )
        return memory, anchors, choice, walk

    def _connecting(self, states: Float[Array, "2 H"], logits: Float[Array, " C"]) -> Float[Array, " C"]:
        """Logits of "no" and "yes": their softmax is the sigmoid of the second."""
        part, earlier = states
        yes = jnp.tanh(earlier @ self.anchor_earlier + part @ self.anchor_part) @ self.anchor
        return jnp.zeros_like(logits).at[1].set(yes)


def init_params(controller: Controller, key: Array) -> Any:
    """The weights that a controller begins with."""
    return controller.init(key, method=lambda module: module.bias)


def connections_of(space: Space) -> tuple[Connection, ...]:
    """What the decisions of a space are about; () where none of them connects parts."""
    found = space.connections if isinstance(space, ConnectedSpace) else ()
    return found if any(connection.reads for connection in found) else ()


def _anchor_points(
    connections: tuple[Connection, ...],
) -> tuple[Bool[np.ndarray, "S P"], Int[np.ndarray, "S 2"]]:
    """Which anchor points are set at each of S decisions, and the part and the earlier part of each.

    The anchor point of a part is its first connection; of a part without one, the first decision after it.
    """
    parts = max((connection.part for connection in connections), default=0)
    begins = np.zeros((len(connections), parts + 1), bool)
    for part in range(1, parts + 1):
        own = [n for n, connection in enumerate(connections) if connection.part == part and connection.reads]
        later = [n for n, connection in enumerate(connections) if connection.part > part]
        if own or later:
            begins[(own or later)[0], part] = True
    return begins, np.array(connections, np.int32).reshape(-1, 2)


def uniform(key: Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
    """Weights as a controller begins with them.

    Args:
        key, shape, dtype: of the weights.
    """
    return jax.random.uniform(key, shape, dtype, -SPREAD, SPREAD)
