"""One Gaussian process for each kind of task: what the evaluator makes of its lessons."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from threadpoolctl import threadpool_limits

from taskaware.evaluator.kernel import Kernel, Tasks, feature_groups, learn_kernel
from taskaware.evaluator.lessons import Lessons, architecture_features
from taskaware.evaluator.process import Process, warped
from taskaware.spaces import MixtureSpace
from taskaware.tasks.task import KINDS

FEWEST_ORIGINS = 5
LEAST_NOISE, MOST_NOISE = 0.3, 3.0


class Seen(NamedTuple):
    """Lessons of one kind of task in the form that a process reads.

    Attributes:
        tasks: T of them.
        features: of the architectures, (A, F).
        groups: of the features, (F,).
        scores: warped, (T, A); NaN where there is none.
        noise: of each task, in multiples of what is usual, (T,).
    """

    tasks: Tasks
    features: np.ndarray
    groups: np.ndarray
    scores: np.ndarray
    noise: np.ndarray

    @classmethod
    def of(cls, space: MixtureSpace, known: Lessons, x: Float[np.ndarray, "T M"]) -> "Seen":
        """The lessons of tasks with these scaled meta-features."""
        origins = np.unique(known.origins, return_inverse=True)[1]
        kinds = np.array([KINDS.index(kind) for kind in known.kinds])
        with np.errstate(invalid="ignore"):
            noise = (known.noise / known.spread) ** 2
        usual = np.nanmedian(noise) if np.isfinite(noise).any() else 1.0
        noise = np.clip(np.nan_to_num(noise / max(usual, 1e-12), nan=1.0), LEAST_NOISE, MOST_NOISE)
        features = architecture_features(space, known.u).astype(np.float64)
        tasks = Tasks(np.asarray(x, np.float64), kinds, origins)
        return cls(tasks, features, feature_groups(space), warped(known.target.astype(np.float64)), noise)

    def process(self, kernel: Kernel) -> Process:
        return Process.fit(self.tasks, self.features, self.groups, self.scores, self.noise, kernel)


def of_kind(known: Lessons, kind: str) -> np.ndarray:
    """Mask of the tasks that teach about a kind, (T,): those of the kind, or all where it has few origins."""
    alike = np.array(known.kinds) == kind
    enough = len({o for o, a in zip(known.origins, alike, strict=True) if a}) >= FEWEST_ORIGINS
    return alike if enough else np.ones(len(alike), bool)


def learn_kernels(
    space: MixtureSpace, known: Lessons, x: Float[np.ndarray, "T M"]
) -> dict[str, dict[str, np.ndarray]]:
    """The likeliest kernel for each kind of task, as plain arrays.

    Args:
        space: of the architectures.
        known: T tasks.
        x: their scaled meta-features.
    """
    found = {}
    for kind in KINDS:
        mask = of_kind(known, kind)
        seen = Seen.of(space, known.take(mask), x[mask])
        with threadpool_limits(1):
            kernel = learn_kernel(seen.tasks, seen.features, seen.groups, seen.scores, seen.noise)
        found[kind] = {name: np.asarray(value, np.float64) for name, value in kernel._asdict().items()}
    return found


def process_of(
    space: MixtureSpace, known: Lessons, x: Float[np.ndarray, "T M"], kernel: Mapping, kind: str
) -> Process:
    """What `learn_kernels` found for a kind of task, with the scores seen."""
    mask = of_kind(known, kind)
    seen = Seen.of(space, known.take(mask), x[mask])
    with threadpool_limits(1):
        return seen.process(Kernel(**kernel))
