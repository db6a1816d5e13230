"""A Gaussian process over tasks and architectures: the posterior of f(z, u) given scores.

The fit runs on the host, see `kernel`; JAX evaluates the posterior of one task.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from taskaware.arrays import EitherArray, as_jax
from taskaware.pytrees import pytree
from taskaware.surrogates.gp_data import GPData, Tasks
from taskaware.surrogates.kernel import (
    Kernel,
    Spectrum,
    architecture_covariance,
    covariance_of_tasks,
    matern,
    variance_of_task,
)
from taskaware.surrogates.level import TaskScale
from taskaware.surrogates.surrogate import ScaledPosterior
from taskaware.surrogates.training_data import shared
from taskaware.surrogates.warping import unwarp

TOLERANCE = 1e-4
ITERATIONS = 1000


@dataclasses.dataclass(frozen=True, eq=False)
class Process:
    """A kernel and the scores that it is conditioned on.

    Attributes:
        kernel: of the covariance.
        tasks: T of them.
        scales: factor of each architecture feature, (F,).
        features: of the A architectures, scaled, (A, F).
        mean: of all scores.
        weights: inverse covariance times scores, (T, A); 0 where there is no score.
        spectra: of the tasks of each pattern, see `OfPattern`.
    """

    kernel: Kernel
    tasks: Tasks
    scales: np.ndarray
    features: np.ndarray
    mean: float
    weights: np.ndarray
    spectra: tuple["OfPattern", ...]

    @classmethod
    def fit(cls, data: GPData, kernel: Kernel, weights: Float[np.ndarray, "T A"] | None = None) -> "Process":
        """Condition on scores.

        Args:
            data: T tasks and A architectures.
            kernel: of the covariance, see `learn_kernel`.
            weights: of an earlier fit to the same data; computed if None.
        """
        there = ~np.isnan(data.scores)
        scales = np.exp(kernel.scales)[data.groups]
        scaled = data.features * scales
        mean = float(data.scores[there].mean())
        own = covariance_of_tasks(kernel, data.tasks, data.tasks)
        other = architecture_covariance(np.exp(kernel.linear), scaled, scaled)
        errors = np.exp(kernel.noise) * data.noise
        spectra = OfPattern.all(data.tasks.pattern, own, other, errors, there)
        if weights is None:
            # The spectrum without more noise is the better preconditioner.
            near = spectra
            if not there.all():
                near = OfPattern.all(data.tasks.pattern, own, other, errors, there, noisier=False)
            weights = _solve(own, other, errors, there, np.where(there, data.scores - mean, 0.0), near)
        return cls(kernel, data.tasks, scales, scaled, mean, weights, spectra)

    def posterior(
        self, x: Float[np.ndarray, " M"], problem: int, pattern: int = 0, scale: TaskScale | None = None
    ) -> "GPPosterior":
        """The posterior of all architectures on a task without any observed score.

        Args:
            x: scaled meta-features of the task.
            problem: its position in PROBLEMS.
            pattern: its number among those of the known tasks, or -1.
            scale: of its scores.
        """
        task = Tasks(x[None], np.array([problem]), np.array([-1]), np.array([pattern]))
        across = covariance_of_tasks(self.kernel, task, self.tasks)[0]
        columns, basis = np.zeros(0, np.int32), np.zeros((0, 0))
        if pattern >= 0:
            own = self.spectra[pattern]
            explained = np.sqrt(own.spectrum.explained(across[own.rows]))
            columns, basis = own.columns.astype(np.int32), own.spectrum.basis * explained
        arrays = {
            "scales": self.scales,
            "features": self.features,
            "linear": np.exp(self.kernel.linear),
            "mean": self.mean,
            "weights": self.weights.T @ across,
            "basis": basis,
            "prior": variance_of_task(self.kernel, x),
            "noise": np.exp(self.kernel.noise),
        }
        floats = {name: as_jax(value, np.float32) for name, value in arrays.items()}
        return GPPosterior(**floats, shared=as_jax(columns), scale=scale)


class OfPattern(NamedTuple):
    """The tasks of one pattern, and the architectures that many of them were trained with.

    What other tasks and rarer architectures explain of the variance is left out, which makes it larger.

    Attributes:
        rows: positions of the tasks.
        columns: positions of the architectures, see `shared`.
        spectrum: of their scores.
    """

    rows: np.ndarray
    columns: np.ndarray
    spectrum: Spectrum

    @classmethod
    def all(
        cls,
        pattern: np.ndarray,
        own: np.ndarray,
        other: np.ndarray,
        errors: np.ndarray,
        there: Bool[np.ndarray, "T A"],
        *,
        noisier: bool = True,
    ) -> "tuple[OfPattern, ...]":
        """Those of all patterns, by number.

        Args:
            pattern: number of each task's, (T,).
            own, other: covariances of the tasks, (T, T), and of the architectures, (A, A).
            errors: variance of the noise of each task, (T,).
            there: which scores there are.
            noisier: whether a task with few scores counts as one with all and proportionally more noise.
        """
        found = []
        for number in range(pattern.max() + 1):
            rows = np.flatnonzero(pattern == number)
            columns = shared(there[rows].sum(0))
            its = errors[rows]
            if noisier:
                its = its * len(columns) / np.maximum(there[np.ix_(rows, columns)].sum(1), 1)
            parts = own[np.ix_(rows, rows)], other[np.ix_(columns, columns)]
            found.append(cls(rows, columns, Spectrum.of(*parts, its)))
        return tuple(found)


@pytree
@dataclasses.dataclass(frozen=True, eq=False)
class GPPosterior(ScaledPosterior):
    """The posterior of warped scores on one task; a pytree, differentiable in the architecture.

    Attributes:
        scales: factor of each feature, (F,).
        features: of the A training architectures, scaled, (A, F).
        linear: variance of the linear trend.
        mean, weights: the expected score is mean + k(u, features) @ weights, (), (A,).
        shared: positions of the architectures that tell of the variance, (s,).
        basis: the scores explain |k(u, features[shared]) @ basis|² of the variance, (s, s).
        prior: variance before any score, in multiples of k(u, u).
        noise: variance of one more score.
        scale: of the task's scores; None if its problem is not given.
    """

    scales: Float[EitherArray, " F"]
    features: Float[EitherArray, "A F"]
    linear: Float[EitherArray, ""]
    mean: Float[EitherArray, ""]
    weights: Float[EitherArray, " A"]
    shared: Int[EitherArray, " s"]
    basis: Float[EitherArray, "s s"]
    prior: Float[EitherArray, ""]
    noise: Float[EitherArray, ""]
    scale: TaskScale | None = None

    def mean_std(
        self, features: Float[Array | np.ndarray, "m F"]
    ) -> tuple[Float[Array, " m"], Float[Array, " m"]]:
        """Expected warped score and its standard deviation."""
        return _mean_std(self, features)

    def joint(
        self, features: Float[np.ndarray, "m F"]
    ) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, "m m"]]:
        """Expected warped scores of some architectures and their covariance, on the host."""
        linear, prior, mean = (float(part) for part in (self.linear, self.prior, self.mean))
        scales, points, weights, basis = (
            np.asarray(part, np.float64) for part in (self.scales, self.features, self.weights, self.basis)
        )
        scaled = features * scales
        across = architecture_covariance(linear, scaled, points)
        explained = across[:, np.asarray(self.shared)] @ basis
        before = prior * architecture_covariance(linear, scaled, scaled)
        return mean + across @ weights, before - explained @ explained.T

    def unwarp(self, mean: EitherArray, std: EitherArray) -> tuple[EitherArray, EitherArray]:
        """Median of the normalised score, and half the width of the one-deviation interval."""
        return unwarp(mean, std)


@jax.jit
def _mean_std(posterior: GPPosterior, features: Float[EitherArray, "m F"]) -> tuple[Array, Array]:
    scaled = features * posterior.scales
    squares = jnp.sum((scaled[:, None, :] - posterior.features[None, :, :]) ** 2, axis=-1)
    across = matern(jnp.sqrt(squares + 1e-12), jnp) + posterior.linear * (scaled @ posterior.features.T)
    diagonal = 1 + posterior.linear * jnp.sum(scaled**2, axis=1)
    variance = posterior.prior * diagonal - jnp.sum(
        (across[:, posterior.shared] @ posterior.basis) ** 2, axis=1
    )
    return posterior.mean + across @ posterior.weights, jnp.sqrt(jnp.maximum(variance, 1e-6))


def _solve(
    own: np.ndarray,
    other: np.ndarray,
    errors: np.ndarray,
    present: Bool[np.ndarray, "T A"],
    scores: Float[np.ndarray, "T A"],
    spectra: tuple[OfPattern, ...],
) -> Float[np.ndarray, "T A"]:
    """The inverse covariance of all scores times the scores; by conjugate gradients if some are missing.

    Conjugate gradients run in float32: the result is saved as float32, and this takes half the time.
    """
    if present.all() and len(spectra) == 1:
        return spectra[0].spectrum.inverse(scores)
    own, other, errors, scores = (part.astype(np.float32) for part in (own, other, errors, scores))
    small = [
        each._replace(spectrum=Spectrum(*(part.astype(np.float32) for part in each.spectrum)))
        for each in spectra
    ]

    alone = 1 / (np.outer(np.diag(own), np.diag(other)) + errors[:, None])

    def inverse(scores):
        near = alone * scores
        for rows, columns, spectrum in small:
            grid = np.ix_(rows, columns)
            near[grid] = present[grid] * spectrum.inverse(scores[grid])
        return near

    solution = np.zeros_like(scores)
    left = scores.copy()
    near = inverse(left)
    direction, energy = near, np.sum(left * near)
    for _ in range(ITERATIONS):
        ahead = present * (own @ direction @ other) + errors[:, None] * direction
        step = energy / np.sum(direction * ahead)
        solution, left = solution + step * direction, left - step * ahead
        if np.linalg.norm(left) < TOLERANCE * np.linalg.norm(scores):
            break
        near = inverse(left)
        energy, before = np.sum(left * near), energy
        direction = near + energy / before * direction
    return solution
