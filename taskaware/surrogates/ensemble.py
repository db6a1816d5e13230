"""An ensemble of networks as a surrogate: mean and standard deviation over the members."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import ClassVar, cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from taskaware.arrays import EitherArray, as_jax
from taskaware.compilation import keep_compiled
from taskaware.modalities.tables.samples import Samples
from taskaware.pytrees import pytree
from taskaware.spaces import Space
from taskaware.surrogates.evaluator import Evaluator, flat
from taskaware.surrogates.level import Scaler, TaskLevel, TaskScale
from taskaware.surrogates.networks import network_named
from taskaware.surrogates.patterns import presented
from taskaware.surrogates.settings import EvaluatorSettings
from taskaware.surrogates.surrogate import Posterior, ScaledPosterior, TaskQuery
from taskaware.surrogates.training_data import features_of
from taskaware.surrogates.triplets import AnyData


class OfMembers(Evaluator):
    """Base class: a surrogate of E members, with a leading axis of E on every leaf of `params`."""

    reads_triplets: ClassVar[bool] = True

    @property
    def members(self) -> int:
        """Number of members of the ensemble."""
        return len(jax.tree.leaves(self.params)[0])

    @property
    def has_uncertainty(self) -> bool:
        """Whether there are several members."""
        return self.members > 1


@dataclasses.dataclass(frozen=True, eq=False)
class EnsembleEvaluator(OfMembers):
    """An ensemble of one of NETWORKS; with one member, the network alone.

    Attributes:
        params: of the members, every leaf with a leading axis of E members.
    """

    @classmethod
    def fit(
        cls,
        space: Space,
        data: AnyData,
        settings: EvaluatorSettings,
        *,
        seed: int = 0,
        samples: Mapping[str, Samples] | None = None,
    ) -> "EnsembleEvaluator":
        """Train E networks; see `Evaluator.fit`.

        Args:
            space: of the architectures.
            data: T tasks and their scores.
            settings: of the networks and their training.
            seed: of the initial weights, of the tasks drawn for each member, and of the order of the batches.
            samples: not read.

        Raises:
            UserError: the network or the loss is unknown; the nearest name is suggested.
        """
        # Imported here: it imports optax, which a loaded evaluator does not need.
        from taskaware.surrogates.learning import learn_networks

        del samples
        scaler = Scaler.fit(data.z)
        params = learn_networks(space, data, scaler(data.z), settings, seed)
        level = TaskLevel.fit(data, scaler)
        return cls(space, settings.network, params, scaler, level, data, settings=settings)

    def posterior(self, query: TaskQuery) -> Posterior:
        """The posterior of normalised scores on one task."""
        keep_compiled()
        x = as_jax(self.scaler(cast(np.ndarray, query.z)), np.float32)
        inputs = jnp.broadcast_to(x, (self.members, *x.shape))
        found = EnsemblePosterior(self.network, self.params, inputs, self.scale(query))
        return presented(found, self.space, self.training_data.u, query.present)

    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shapes of the weights of all members."""
        z = np.zeros(self.training_data.z.shape[1], np.float32)
        return network_shapes(self.space, self.network, z, self.members)


@pytree(static=("network",))
@dataclasses.dataclass(frozen=True, eq=False)
class EnsemblePosterior(ScaledPosterior):
    """The posterior of normalised scores on one task.

    Attributes:
        network: name of the members' network.
        params: of E members.
        inputs: features of the task for each member, (E, K).
        scale: of the task's scores; None if its problem is not given.
    """

    network: str
    params: Mapping
    inputs: Float[EitherArray, "E K"]
    scale: TaskScale | None = None

    def mean_std(
        self, features: Float[Array | np.ndarray, "n F"]
    ) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
        """Mean and standard deviation over the members; differentiable in the features."""
        return _mean_std(self.network, self.params, self.inputs, features)


@functools.partial(jax.jit, static_argnames="network")
def _mean_std(
    network: str, params: Mapping, inputs: Float[EitherArray, "E K"], features: Float[EitherArray, "n F"]
) -> tuple[Array, Array]:
    each = jax.vmap(lambda u: member_predictions(network, params, inputs, u))(features)
    return each.mean(1), jnp.sqrt(each.var(1) + 1e-12)


def member_predictions(
    network: str, params: Mapping, inputs: Float[EitherArray, "E K"], features: Float[EitherArray, " F"]
) -> Float[Array, " E"]:
    """Prediction of each member for one point; differentiable in its features.

    Args:
        network: name of the members' network.
        params: of E members.
        inputs: features of the task for each member.
        features: of the point.
    """
    module = network_named(network)
    found = jax.vmap(lambda member, z: module.apply({"params": member}, z, features))(params, inputs)
    return cast(Array, found)


def network_shapes(
    space: Space, name: str, z: Float[np.ndarray, " K"], members: int
) -> dict[str, tuple[int, ...]]:
    """Shapes of an ensemble's weights, by name.

    Args:
        space: of the architectures.
        name: of the network.
        z: what it reads of a task, any numbers.
        members: of the ensemble.
    """
    point = jnp.zeros(space.dimension, jnp.float32)
    u = jax.eval_shape(lambda: features_of(space, point))
    module = network_named(name)
    shapes = jax.eval_shape(lambda u: module.init(jax.random.key(0), z, u)["params"], u)
    return shapes_of(shapes, members)


def shapes_of(params: Mapping, members: int) -> dict[str, tuple[int, ...]]:
    """Shapes of the weights of all members, by name, from those of one member."""
    return {name: (members, *leaf.shape) for name, leaf in flat(params).items()}
