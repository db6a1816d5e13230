"""The Gaussian process as a surrogate; the default one."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from threadpoolctl import threadpool_limits

from taskaware.compilation import keep_compiled
from taskaware.errors import unknown
from taskaware.modalities.tables.samples import Samples
from taskaware.spaces import Space
from taskaware.surrogates.evaluator import Evaluator
from taskaware.surrogates.gp import Process
from taskaware.surrogates.gp_data import GPData, feature_groups, pattern_of
from taskaware.surrogates.kernel import Kernel
from taskaware.surrogates.kernel_learning import learn_kernel
from taskaware.surrogates.level import Scaler, TaskLevel
from taskaware.surrogates.patterns import presented
from taskaware.surrogates.surrogate import Posterior, TaskQuery
from taskaware.surrogates.triplets import AnyData
from taskaware.tasks.task import PROBLEMS


@dataclasses.dataclass(frozen=True, eq=False)
class GPEvaluator(Evaluator):
    """A Gaussian process over tasks and architectures.

    It reads the training data as a grid of tasks times architectures (T x A numbers). If the tasks share few
    architectures, networks are the better choice. The fit is deterministic; the seed has no effect.

    Attributes:
        params: the kernel, and `weights`: inverse covariance times scores, (T, A).
    """

    @classmethod
    def fit(
        cls,
        space: Space,
        data: AnyData,
        settings: Any,
        *,
        seed: int = 0,
        samples: Mapping[str, Samples] | None = None,
    ) -> "GPEvaluator":
        """Fit the kernel and condition on all scores; see `Evaluator.fit`.

        Args:
            space: of the architectures.
            data: T tasks and their scores.
            settings: recorded, and not read.
            seed: not read.
            samples: not read.
        """
        del seed, samples
        data = data.table()
        scaler = Scaler.fit(data.z)
        grid = GPData.of(space, data, scaler(data.z))
        with threadpool_limits(1):
            # In the precision of a saved file, so that a loaded evaluator predicts the same.
            parts: list[Any] = [np.float64(np.float32(part)) for part in learn_kernel(grid)]
            kernel = Kernel(*parts)
            weights = Process.fit(grid, kernel).weights.astype(np.float32)
        params = {**kernel._asdict(), "weights": weights}
        level = TaskLevel.fit(data, scaler)
        return cls(space, settings.network, params, scaler, level, data, settings=settings)

    def posterior(self, query: TaskQuery) -> Posterior:
        """The posterior of warped scores on one task.

        Raises:
            UserError: the problem of the task is unknown.
        """
        keep_compiled()
        if query.problem not in PROBLEMS:
            raise unknown("problem", str(query.problem), PROBLEMS)
        x = np.asarray(self.scaler(cast(np.ndarray, query.z)), np.float64)
        pattern = pattern_of(self.space, self.training_data.table(), query.present)
        found = self.process.posterior(x, PROBLEMS.index(query.problem), pattern, self.scale(query))
        return presented(cast(Posterior, found), self.space, self.training_data.u, query.present)

    @functools.cached_property
    def process(self) -> Process:
        """The process, conditioned on all scores; computed on first use, in about half a second."""
        kernel = {name: np.asarray(value, np.float64) for name, value in self.params.items()}
        weights = kernel.pop("weights")
        grid = GPData.of(self.space, self.training_data.table(), self.scaler(self.training_data.z))
        with threadpool_limits(1):
            return Process.fit(grid, Kernel(**kernel), weights)

    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shapes of the kernel and the weights."""
        first = Kernel.first(int(feature_groups(self.space).max()) + 1)._asdict()
        return {name: np.shape(part) for name, part in first.items()} | {
            "weights": self.training_data.score.shape
        }
