"""A learned evaluator: predictions for a task, with how sure they are."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from threadpoolctl import threadpool_limits

from taskaware.compilation import keep_compiled
from taskaware.errors import unknown
from taskaware.spaces import MixtureSpace
from taskaware.surrogates.gp import Posterior, Process
from taskaware.surrogates.gp_data import GPData
from taskaware.surrogates.kernel import Kernel
from taskaware.surrogates.networks import PROCESS, network_named
from taskaware.surrogates.training_data import TrainingData, features_of
from taskaware.surrogates.warping import stated
from taskaware.tasks.task import PROBLEMS

WIDEST = 3.0


class Scaler(NamedTuple):
    """Meta-features to comparable numbers: centred at the known tasks' median, in units of their spread."""

    centre: np.ndarray
    spread: np.ndarray

    @classmethod
    def fit(cls, z: Float[np.ndarray, "T M"]) -> "Scaler":
        low, centre, high = np.quantile(z, [0.1, 0.5, 0.9], axis=0)
        spread = np.where(high > low, (high - low) / 2, z.std(0))
        return cls(centre.astype(np.float32), np.where(spread > 0, spread, 1.0).astype(np.float32))

    def __call__(self, z: Float[np.ndarray, "*b M"]) -> Float[np.ndarray, "*b M"]:
        """Scaled, and cut at WIDEST: a task far from all known ones is not farther than that."""
        return np.clip((z - self.centre) / self.spread, -WIDEST, WIDEST)


class TaskLevel(NamedTuple):
    """Ridge regressions of a task's top score and log spread on its scaled meta-features, by problem.

    Attributes:
        weights: (problems, M + 1, 2), the last row is the constant.
        error: standard deviation of the two on real tasks, leaving one group out, (problems, 2).
    """

    weights: np.ndarray
    error: np.ndarray

    @classmethod
    def fit(cls, known: TrainingData, scaler: Scaler, penalty: float = 30.0) -> "TaskLevel":
        """Learn from the tasks of each problem; from all tasks where a problem has too few."""
        parts = []
        for problem in PROBLEMS:
            parts.append(_level(known.take(known.of_problem(problem)), scaler, penalty))
        weights, error = zip(*parts, strict=True)
        return cls(np.stack(weights), np.stack(error))

    def __call__(self, x: Float[np.ndarray, " M"], problem: str) -> tuple[float, float, float]:
        """Expected top score of a task, its standard deviation, and the expected spread."""
        return self.stated(x, problem)[:3]

    def stated(self, x: Float[np.ndarray, " M"], problem: str) -> tuple[float, float, float, float]:
        """The same, and the standard deviation of the spread's logarithm."""
        place = PROBLEMS.index(problem)
        top, log_spread = _apply(self.weights[place], x[None])[0]
        return float(top), float(self.error[place, 0]), float(np.exp(log_spread)), float(self.error[place, 1])


@dataclasses.dataclass(frozen=True, eq=False)
class Evaluator:
    """What predicts normalised scores: 0 is what a task's best architectures reach.

    Attributes:
        space: of the architectures.
        network: name of the members' network; "process" for a Gaussian process.
        params: of the members, every leaf with a leading axis of E members; of a process, its kernel and the
            `weights` of the scores seen.
        scaler: of the meta-features.
        level: from meta-features to the top score and spread of a task.
        known: what it learned from.
        catalogue: digest of the meta-features that it reads; "" where they are the user's own.
        card: how it was made, plain data for people: date, trainings, hours, ...
    """

    space: MixtureSpace
    network: str
    params: dict
    scaler: Scaler
    level: TaskLevel
    known: TrainingData
    catalogue: str = ""
    card: Mapping = dataclasses.field(default_factory=dict)

    @property
    def members(self) -> int:
        """Networks of the ensemble; 1 for a process."""
        return 1 if self.network == PROCESS else len(jax.tree.leaves(self.params)[0])

    @property
    def knows_doubt(self) -> bool:
        """Whether the deviations that it states mean something; those of a lone network do not."""
        return self.network == PROCESS or self.members > 1

    def distances(self, z: Float[np.ndarray, " M"]) -> Float[np.ndarray, " T"]:
        """Root mean square difference of the scaled meta-features to each known task, (T,)."""
        return np.sqrt(np.mean((self.scaler(self.known.z) - self.scaler(z)) ** 2, axis=1))

    def view(self, z: Float[np.ndarray, " M"], problem: str | None) -> "View":
        """What is thought of architectures on one task.

        Args:
            z: meta-features of the task, as the catalogue gives them.
            problem: of the task; networks do not ask for it.

        Raises:
            UserError: the evaluator is a process, and the problem is none that there is.
        """
        keep_compiled()
        x = self.scaler(z)
        if self.network == PROCESS:
            if problem not in PROBLEMS:
                raise unknown("problem", str(problem), PROBLEMS)
            return ProcessView(self.process.belief(np.asarray(x, np.float64), PROBLEMS.index(problem)))
        return EnsembleView(self.network, self.params, jnp.asarray(x, jnp.float32))

    def predict(
        self, z: Float[np.ndarray, " M"], u: Float[np.ndarray, "n D"], problem: str | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of the normalised score, (n,) each.

        Args:
            z: meta-features of the task, as the catalogue gives them.
            u: points of the space.
            problem: of the task; networks do not ask for it.
        """
        judged = _predict_all(self.space, self.view(z, problem), jnp.asarray(u))
        return tuple(np.asarray(column) for column in judged)

    @functools.cached_property
    def process(self) -> Process:
        """What is believed where the network is "process", with all scores seen; half a second's work."""
        kernel = {name: np.asarray(value, np.float64) for name, value in self.params.items()}
        weights = kernel.pop("weights")
        seen = GPData.of(self.space, self.known, self.scaler(self.known.z))
        with threadpool_limits(1):
            return Process.fit(seen, Kernel(**kernel), weights)


@functools.partial(
    jax.tree_util.register_dataclass, data_fields=["params", "scaled"], meta_fields=["network"]
)
@dataclasses.dataclass(frozen=True, eq=False)
class EnsembleView:
    """What an ensemble of networks thinks of one task.

    Attributes:
        network: name of it.
        params: of E members.
        scaled: meta-features of the task, (M,).
    """

    network: str
    params: dict
    scaled: Array

    def judge(self, features: Float[Array, "n F"]) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
        """Mean and standard deviation over the members; differentiable in the features."""
        each = jax.vmap(lambda u: member_predictions(self.network, self.params, self.scaled, u))(features)
        return each.mean(1), jnp.sqrt(each.var(1) + 1e-12)

    def stated(self, mean: Array, deviation: Array) -> tuple[Array, Array]:
        """The same as normalised scores, which they are already."""
        return mean, deviation


class ProcessView(NamedTuple):
    """What a process thinks of one task.

    Attributes:
        belief: of warped scores.
    """

    belief: Posterior

    def judge(self, features: Float[Array, "n F"]) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
        """Mean and standard deviation of the warped score; differentiable in the features."""
        return self.belief.judge(features)

    def stated(self, mean: Array, deviation: Array) -> tuple[Array, Array]:
        """Median of the normalised score, and half the width of what one deviation is on both sides."""
        return stated(mean, deviation)


View = EnsembleView | ProcessView


def member_predictions(
    network: str, params: dict, scaled: Float[Array, " M"], features: Float[Array, " F"]
) -> Float[Array, " E"]:
    """What each member predicts for the features of one point; differentiable in them."""
    module = network_named(network)
    return jax.vmap(lambda member: module.apply({"params": member}, scaled, features))(params)


@functools.partial(jax.jit, static_argnames="space")
def _predict_all(space: MixtureSpace, view: View, u: Array) -> tuple[Array, Array]:
    return view.stated(*view.judge(jax.vmap(functools.partial(features_of, space))(u)))


def _level(known: TrainingData, scaler: Scaler, penalty: float) -> tuple[np.ndarray, np.ndarray]:
    x = scaler(known.z)
    y = np.stack([known.top, np.log(known.spread)], axis=1)
    groups, real = np.array(known.groups), known.real
    folds = [groups == group for group in np.unique(groups)]
    left = [(y[fold] - _apply(_ridge(x[~fold], y[~fold], penalty), x[fold]))[real[fold]] for fold in folds]
    return _ridge(x, y, penalty), np.sqrt(np.mean(np.concatenate(left) ** 2, axis=0))


def _ridge(x: np.ndarray, y: np.ndarray, penalty: float) -> np.ndarray:
    centre, mean = x.mean(0), y.mean(0)
    inner = (x - centre).T @ (x - centre) + penalty * np.eye(x.shape[1])
    slope = np.linalg.solve(inner, (x - centre).T @ (y - mean))
    return np.vstack([slope, mean - centre @ slope])


def _apply(weights: np.ndarray, x: np.ndarray) -> np.ndarray:
    return x @ weights[:-1] + weights[-1]
