"""A Gaussian process over tasks and architectures: the posterior of f(z, u) given scores.

The fit runs on the host, see `kernel`; JAX evaluates the posterior of one task.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

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
        spectrum: eigenvalues and vectors of both covariances, see `Spectrum`.
    """

    kernel: Kernel
    tasks: Tasks
    scales: np.ndarray
    features: np.ndarray
    mean: float
    weights: np.ndarray
    spectrum: Spectrum

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
        # A task with few scores is treated as one with all scores and proportionally more noise.
        spectrum = Spectrum.of(own, other, errors * there.shape[1] / np.maximum(there.sum(1), 1))
        if weights is None:
            # The spectrum without that noise is the better preconditioner.
            near = spectrum if there.all() else Spectrum.of(own, other, errors)
            weights = _solve(own, other, errors, there, np.where(there, data.scores - mean, 0.0), near)
        return cls(kernel, data.tasks, scales, scaled, mean, weights, spectrum)

    def posterior(
        self, x: Float[np.ndarray, " M"], problem: int, scale: TaskScale | None = None
    ) -> "GPPosterior":
        """The posterior of all architectures on a task without any observed score.

        Args:
            x: scaled meta-features of the task.
            problem: its position in PROBLEMS.
            scale: of its scores.
        """
        task = Tasks(x[None], np.array([problem]), np.array([-1]))
        across = covariance_of_tasks(self.kernel, task, self.tasks)[0]
        explained = self.spectrum.explained(across)
        arrays = {
            "scales": self.scales,
            "features": self.features,
            "linear": np.exp(self.kernel.linear),
            "mean": self.mean,
            "weights": self.weights.T @ across,
            "basis": self.spectrum.basis * np.sqrt(explained),
            "prior": variance_of_task(self.kernel, x),
            "noise": np.exp(self.kernel.noise),
        }
        return GPPosterior(
            **{name: jnp.asarray(value, jnp.float32) for name, value in arrays.items()}, scale=scale
        )


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class GPPosterior(ScaledPosterior):
    """The posterior of warped scores on one task; a pytree, differentiable in the architecture.

    Attributes:
        scales: factor of each feature, (F,).
        features: of the A training architectures, scaled, (A, F).
        linear: variance of the linear trend.
        mean, weights: the expected score is mean + k(u, features) @ weights, (), (A,).
        basis: the scores explain |k(u, features) @ basis|² of the variance, (A, A).
        prior: variance before any score, in multiples of k(u, u).
        noise: variance of one more score.
        scale: of the task's scores; None if its problem is not given.
    """

    scales: Float[Array, " F"]
    features: Float[Array, "A F"]
    linear: Float[Array, ""]
    mean: Float[Array, ""]
    weights: Float[Array, " A"]
    basis: Float[Array, "A A"]
    prior: Float[Array, ""]
    noise: Float[Array, ""]
    scale: TaskScale | None = None

    def mean_std(
        self, features: Float[Array | np.ndarray, "m F"]
    ) -> tuple[Float[Array, " m"], Float[Array, " m"]]:
        """Expected warped score and its standard deviation."""
        scaled = features * self.scales
        squares = jnp.sum((scaled[:, None, :] - self.features[None, :, :]) ** 2, axis=-1)
        across = matern(jnp.sqrt(squares + 1e-12), jnp) + self.linear * (scaled @ self.features.T)
        diagonal = 1 + self.linear * jnp.sum(scaled**2, axis=1)
        variance = self.prior * diagonal - jnp.sum((across @ self.basis) ** 2, axis=1)
        return self.mean + across @ self.weights, jnp.sqrt(jnp.maximum(variance, 1e-6))

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
        explained = across @ basis
        before = prior * architecture_covariance(linear, scaled, scaled)
        return mean + across @ weights, before - explained @ explained.T

    def unwarp(self, mean: Array, std: Array) -> tuple[Array, Array]:
        """Median of the normalised score, and half the width of the one-deviation interval."""
        return unwarp(mean, std)


def _solve(
    own: np.ndarray,
    other: np.ndarray,
    errors: np.ndarray,
    present: Bool[np.ndarray, "T A"],
    scores: Float[np.ndarray, "T A"],
    spectrum: Spectrum,
) -> Float[np.ndarray, "T A"]:
    """The inverse covariance of all scores times the scores; by conjugate gradients if some are missing.

    Conjugate gradients run in float32: the result is saved as float32, and this takes half the time.
    """
    if present.all():
        return spectrum.inverse(scores)
    own, other, errors, scores = (part.astype(np.float32) for part in (own, other, errors, scores))
    spectrum = Spectrum(*(part.astype(np.float32) for part in spectrum))
    solution = np.zeros_like(scores)
    left = scores.copy()
    near = present * spectrum.inverse(left)
    direction, energy = near, np.sum(left * near)
    for _ in range(ITERATIONS):
        ahead = present * (own @ direction @ other) + errors[:, None] * direction
        step = energy / np.sum(direction * ahead)
        solution, left = solution + step * direction, left - step * ahead
        if np.linalg.norm(left) < TOLERANCE * np.linalg.norm(scores):
            break
        near = present * spectrum.inverse(left)
        energy, before = np.sum(left * near), energy
        direction = near + energy / before * direction
    return solution
