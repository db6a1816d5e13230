"""The base class of all surrogates; inherit from it for one of your own."""

import abc
import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, ClassVar

import jax
import numpy as np
from jaxtyping import Array, Float

from taskaware.arrays import EitherArray, as_jax
from taskaware.compilation import keep_compiled
from taskaware.deprecation import renamed_fields
from taskaware.errors import UserError, warn
from taskaware.modalities.tables.samples import Samples, SampleSize
from taskaware.spaces import Space
from taskaware.surrogates.level import Scaler, TaskLevel, TaskScale
from taskaware.surrogates.price import Price
from taskaware.surrogates.settings import EvaluatorSettings
from taskaware.surrogates.surrogate import Posterior, TaskQuery, predict_points
from taskaware.surrogates.training_data import features_of
from taskaware.surrogates.triplets import AnyData


@renamed_fields(known="training_data", knows_doubt="has_uncertainty")
@dataclasses.dataclass(frozen=True, eq=False)
class Evaluator(abc.ABC):
    """A fitted surrogate. It predicts normalised scores; 0 is the top score of a task.

    Attributes:
        space: of the architectures.
        network: its name in SURROGATES; saved evaluators are loaded by it.
        params: learned arrays by name; mappings may be nested.
        scaler: of the meta-features.
        level: predicts the scale of a task's scores from scaled meta-features.
        training_data: of the fit; None, like `level`, in files of an older taskaware.
        catalogue: digest of the meta-features that it reads; "" for meta-features of your own.
        card: summary of the fit for people, plain data: date, trainings, hours, ...
        settings: of the fit; None if they are not recorded.
        price: of an architecture that was never trained; None if none was learned, see `Price`.
    """

    space: Space
    network: str
    params: Mapping = dataclasses.field(repr=False)
    scaler: Scaler = dataclasses.field(repr=False)
    level: TaskLevel | None = dataclasses.field(repr=False)
    training_data: AnyData = dataclasses.field(repr=False)
    catalogue: str = ""
    card: Mapping = dataclasses.field(default_factory=dict)
    settings: Any = None
    price: Price | None = None

    reads_samples: ClassVar[bool] = False
    """Whether it reads raw rows of a task, so that a query needs `samples`."""
    reads_triplets: ClassVar[bool] = False
    """Whether it learns from `TripletData` as well as from a table."""

    def __getstate__(self) -> dict:
        # What is computed on first use stays out, so that use does not change a pickle or its hash.
        return {field.name: self.__dict__[field.name] for field in dataclasses.fields(self)}

    @classmethod
    @abc.abstractmethod
    def fit(
        cls,
        space: Space,
        data: AnyData,
        settings: Any,
        *,
        seed: int = 0,
        samples: Mapping[str, Samples] | None = None,
    ) -> "Evaluator":
        """Fit a surrogate; the same seed gives the same one.

        Args:
            space: of the architectures.
            data: T tasks and their scores.
            settings: with `network`, its name in SURROGATES.
            seed: of all draws.
            samples: raw rows of the tasks by their digests; None if they are not read.
        """

    @abc.abstractmethod
    def posterior(self, query: TaskQuery) -> Posterior:
        """Its predictions for one task."""

    @property
    def members(self) -> int:
        """Number of networks in an ensemble; 1 for other surrogates."""
        return 1

    @property
    def has_uncertainty(self) -> bool:
        """Whether it predicts standard deviations; a single network does not."""
        return True

    @property
    def sample_size(self) -> SampleSize | None:
        """Size of the raw rows that it reads; None if it reads none."""
        return None

    def distances(self, z: Float[np.ndarray, " M"]) -> Float[np.ndarray, " T"]:
        """Root mean square difference of the scaled meta-features to each known task, (T,)."""
        return np.sqrt(np.mean((self.scaler(self.training_data.z) - self.scaler(z)) ** 2, axis=1))

    def best_of_nearest(self, z: Float[np.ndarray, " M"], *, tasks: int, each: int) -> np.ndarray:
        """Positions in `training_data.u` of the best architectures of the nearest known tasks, (w,).

        Source: US20220121906A1.

        Args:
            z: meta-features of the task.
            tasks: how many of them, the nearest first.
            each: how many architectures of each, the best first.
        """
        nearest = np.argsort(self.distances(z), kind="stable")[:tasks]
        return self.training_data.best(each)[nearest].ravel()

    def scale(self, query: TaskQuery) -> TaskScale | None:
        """Scale of the task's scores; None if its problem or its meta-features are not given."""
        if query.problem is None or query.z is None or self.level is None:
            return None
        return self.level(self.scaler(query.z), query.problem)

    def predict(
        self, query: TaskQuery | np.ndarray, u: Float[EitherArray, "n D"], problem: str | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of the normalised score, (n,) each.

        Args:
            query: the task. Meta-features z alone still work for one version, with a warning.
            u: points of the space.
            problem: of the task, beside z alone.
        """
        if not isinstance(query, TaskQuery):
            words = "predict(z, u, problem) is now predict(TaskQuery(z, problem), u); the old form ends with "
            warn(words + "the next version.", FutureWarning)
            query = TaskQuery(query, problem)
        keep_compiled()
        found = _predict(self.space, self.posterior(query), as_jax(u))
        mean, deviation = found
        return np.asarray(mean), np.asarray(deviation)

    def without(self, *groups: str) -> "Evaluator":
        """A surrogate with the same settings, fitted without these groups.

        Raises:
            UserError: it does not hold all the data that a fit needs.
        """
        if self.reads_samples:
            raise UserError(
                "This evaluator was fitted to raw rows and does not hold them. Fit one without the groups: "
                f"train_evaluator(..., without={groups!r})."
            )
        fitted = type(self).fit(self.space, self.training_data.without(*groups), self._settings(), seed=0)
        return dataclasses.replace(fitted, price=self.price)

    def _settings(self) -> object:
        """The settings of the fit; the default ones of its network if they are not recorded."""
        return self.settings or EvaluatorSettings(network=self.network)

    def header(self) -> dict:
        """Plain data that is saved beside the common fields, for `restored`."""
        return {"settings": dataclasses.asdict(self.settings) if self.settings else None}

    @classmethod
    def restored(cls, fields: Mapping, header: Mapping) -> "Evaluator":
        """The evaluator of saved fields.

        Args:
            fields: those that every surrogate has.
            header: the plain data that `header` gave.
        """
        settings = header.get("settings")
        return cls(**fields, settings=EvaluatorSettings(**settings) if settings else None)

    def shapes(self) -> Mapping[str, tuple[int, ...]] | None:
        """Shapes that `params` must have, by name with "/" between levels; None if they are not checked."""
        return None


@functools.partial(jax.jit, static_argnames="space")
def _predict(space: Space, posterior: Posterior, u: Array) -> tuple[EitherArray, EitherArray]:
    return predict_points(functools.partial(features_of, space), posterior, u)


def flat(levels: Mapping, above: str = "") -> dict[str, Any]:
    """The leaves of nested parameters by name, with "/" between levels."""
    found: dict[str, Any] = {}
    for name, value in levels.items():
        found |= flat(value, f"{above}{name}/") if isinstance(value, Mapping) else {f"{above}{name}": value}
    return found
