"""A feature generator φ and an evaluator ρ, trained together: a surrogate that reads raw rows."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import ClassVar, cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from taskaware.arrays import as_jax
from taskaware.compilation import keep_compiled
from taskaware.errors import UserError
from taskaware.modalities.tables.samples import Samples, SampleSize
from taskaware.spaces import Space
from taskaware.surrogates.ensemble import EnsemblePosterior, OfMembers, shapes_of
from taskaware.surrogates.joint_learning import first_params, generated, learn_jointly, on_device, samples_of
from taskaware.surrogates.joint_settings import JointSettings, check_joint
from taskaware.surrogates.level import Scaler, TaskLevel
from taskaware.surrogates.patterns import presented
from taskaware.surrogates.settings import EvaluatorSettings
from taskaware.surrogates.surrogate import Posterior, TaskQuery
from taskaware.surrogates.training_data import architecture_features
from taskaware.surrogates.triplets import AnyData


@dataclasses.dataclass(frozen=True, eq=False)
class JointEvaluator(OfMembers):
    """An ensemble of (φ, ρ) that predicts normalised scores from raw rows.

    The statistical meta-features give the distances to known tasks and the scale of the scores. With
    `settings.beside`, ρ reads them as well.

    Attributes:
        params: {"generator": ..., "evaluator": ...}, every leaf with a leading axis of E members.
        size: of the samples that it reads.
    """

    size: SampleSize = SampleSize()

    reads_samples: ClassVar[bool] = True

    @classmethod
    def fit(
        cls,
        space: Space,
        data: AnyData,
        settings: JointSettings,
        *,
        seed: int = 0,
        samples: Mapping[str, Samples] | None = None,
    ) -> "JointEvaluator":
        """Learn to predict the normalised score from raw rows and u; see `Evaluator.fit`.

        Args:
            space: of the architectures.
            data: T tasks and their scores.
            settings: of both networks and their training.
            seed: of initial weights, of the tasks drawn for each member, and of the order of the batches.
            samples: of each task by its digest, all of one size; further ones are ignored.

        Raises:
            UserError: samples are missing, or the settings are not valid, see `check_joint`.
        """
        if not isinstance(settings, JointSettings):
            raise UserError("The surrogate 'joint' is made by JointSettings(...). Pass them as settings.")
        check_joint(settings)
        scaler, there = Scaler.fit(data.z), samples_of(data, samples or {})
        x = scaler(data.z) if settings.beside else np.zeros((len(data.z), 0))
        params = learn_jointly(space, data, x, there, settings, seed)
        level = TaskLevel.fit(data, scaler)
        return cls(space, settings.network, params, scaler, level, data, settings=settings, size=there.size)

    @property
    def sample_size(self) -> SampleSize:
        """Size of the raw rows that it reads."""
        return self.size

    def embed(self, samples: Samples) -> Float[np.ndarray, "E K"]:
        """The learned meta-features of one task, by each member.

        Raises:
            UserError: the samples are of another size.
        """
        return np.asarray(_embed(self.settings, self.params, self._checked(samples)))

    def posterior(self, query: TaskQuery) -> Posterior:
        """The posterior of normalised scores on one task.

        Raises:
            UserError: the query has no samples, they are of another size, or statistical meta-features are
                read and missing.
        """
        keep_compiled()
        if self.settings.beside and query.z is None:
            raise UserError("This evaluator reads statistical meta-features too. Pass z=vector(task).")
        learned = _embed(self.settings, self.params, self._checked(query.samples))
        x = self.scaler(cast(np.ndarray, query.z)) if self.settings.beside else np.zeros(0)
        beside = jnp.broadcast_to(as_jax(x, np.float32), (self.members, len(x)))
        inputs = jnp.concatenate([beside, learned], axis=1)
        network = self.settings.evaluator.network
        found = EnsemblePosterior(network, self.params["evaluator"], inputs, self.scale(query))
        # Files of an older taskaware have no training data.
        return (
            found
            if self.training_data is None
            else presented(found, self.space, self.training_data.u, query.present)
        )

    def _checked(self, samples: Samples | None) -> Samples:
        found = None if samples is None else dataclasses.astuple(samples.size)
        if found != dataclasses.astuple(self.size):
            given = "no samples are given" if samples is None else f"the samples are of size {found}"
            raise UserError(
                f"This evaluator reads raw rows of size {dataclasses.astuple(self.size)}; {given}. Draw "
                "them: draw_samples(task, **vars(evaluator.sample_size))."
            )
        # None has another size, and is refused above.
        return on_device(cast(Samples, samples))

    def header(self) -> dict:
        """The settings, and the size of the samples."""
        return super().header() | {"size": dataclasses.asdict(self.size)}

    @classmethod
    def restored(cls, fields: Mapping, header: Mapping) -> "JointEvaluator":
        """The evaluator of saved fields.

        Args:
            fields: those that every surrogate has.
            header: plain data with `settings` and `size`.
        """
        made = dict(header["settings"])
        settings = JointSettings(**made | {"evaluator": EvaluatorSettings(**made["evaluator"])})
        return cls(**fields, settings=settings, size=SampleSize(**header["size"]).check())

    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shapes of the weights of all members."""
        point = np.zeros((1, self.space.dimension), np.float32)
        width = architecture_features(self.space, point).shape[1]
        statistics = len(self.scaler.centre) if self.settings.beside else 0
        rng = np.random.default_rng(0)
        fresh = first_params(self.settings, rng, self.size, (statistics, width))
        return shapes_of(fresh, self.members)


@functools.partial(jax.jit, static_argnames="settings")
def _embed(settings: JointSettings, params: dict, samples: Samples) -> Array:
    return jax.lax.map(lambda member: generated(settings, member, samples), params)
