"""A Gaussian process over tasks and architectures: what is believed of f(z, u), and how surely.

Scores are taken up on the host, see `kernel`; what is believed of one task is judged by JAX.
"""

import dataclasses
from typing import NamedTuple

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

TOLERANCE = 1e-4
ITERATIONS = 1000


@dataclasses.dataclass(frozen=True, eq=False)
class Process:
    """A kernel and the scores it has seen.

    Attributes:
        kernel: of the covariance.
        tasks: the T known ones.
        scales: factor of each architecture feature, (F,).
        features: of the A known architectures, scaled, (A, F).
        mean: of all scores seen.
        weights: inverse covariance times scores, (T, A); 0 where none was seen.
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
    def fit(cls, seen: GPData, kernel: Kernel, weights: Float[np.ndarray, "T A"] | None = None) -> "Process":
        """See scores.

        Args:
            seen: T tasks and A architectures.
            kernel: of the covariance, see `learn_kernel`.
            weights: what an earlier fit to the same found; solved for if None.
        """
        there = ~np.isnan(seen.scores)
        scales = np.exp(kernel.scales)[seen.groups]
        scaled = seen.features * scales
        mean = float(seen.scores[there].mean())
        own = covariance_of_tasks(kernel, seen.tasks, seen.tasks)
        other = architecture_covariance(np.exp(kernel.linear), scaled, scaled)
        errors = np.exp(kernel.noise) * seen.noise
        # Few architectures seen of a task tell as little as all of them with so much more noise.
        spectrum = Spectrum.of(own, other, errors * there.shape[1] / np.maximum(there.sum(1), 1))
        if weights is None:
            # To solve with, the one without that noise is nearer to what is inverted.
            near = spectrum if there.all() else Spectrum.of(own, other, errors)
            weights = _solve(own, other, errors, there, np.where(there, seen.scores - mean, 0.0), near)
        return cls(kernel, seen.tasks, scales, scaled, mean, weights, spectrum)

    def belief(self, x: Float[np.ndarray, " M"], problem: int) -> "Posterior":
        """What is believed of all architectures on a task that was not seen."""
        task = Tasks(x[None], np.array([problem]), np.array([-1]))
        across = covariance_of_tasks(self.kernel, task, self.tasks)[0]
        known = self.spectrum.known(across)
        arrays = {
            "scales": self.scales,
            "features": self.features,
            "linear": np.exp(self.kernel.linear),
            "mean": self.mean,
            "weights": self.weights.T @ across,
            "basis": self.spectrum.basis * np.sqrt(known),
            "prior": variance_of_task(self.kernel, x),
            "noise": np.exp(self.kernel.noise),
        }
        return Posterior(**{name: jnp.asarray(value, jnp.float32) for name, value in arrays.items()})


class Posterior(NamedTuple):
    """What is believed of all architectures on one task; a pytree, differentiable in the architecture.

    Attributes:
        scales: factor of each feature, (F,).
        features: of the known architectures, scaled, (A, F).
        linear: variance of the linear trend.
        mean, weights: the expected score is mean + k(u, features) @ weights, (), (A,).
        basis: known is |k(u, features) @ basis|² of the variance, (A, A).
        prior: variance before anything was known, in multiples of k(u, u).
        noise: variance of one more score.
    """

    scales: Float[Array, " F"]
    features: Float[Array, "A F"]
    linear: Float[Array, ""]
    mean: Float[Array, ""]
    weights: Float[Array, " A"]
    basis: Float[Array, "A A"]
    prior: Float[Array, ""]
    noise: Float[Array, ""]

    def judge(self, features: Float[Array, "m F"]) -> tuple[Float[Array, " m"], Float[Array, " m"]]:
        """Expected score and one standard deviation of it."""
        scaled = features * self.scales
        squares = jnp.sum((scaled[:, None, :] - self.features[None, :, :]) ** 2, axis=-1)
        known = matern(jnp.sqrt(squares + 1e-12), jnp) + self.linear * (scaled @ self.features.T)
        diagonal = 1 + self.linear * jnp.sum(scaled**2, axis=1)
        variance = self.prior * diagonal - jnp.sum((known @ self.basis) ** 2, axis=1)
        return self.mean + known @ self.weights, jnp.sqrt(jnp.maximum(variance, 1e-6))

    def joint(
        self, features: Float[np.ndarray, "m F"]
    ) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, "m m"]]:
        """Expected scores of some architectures, and the covariance of these beliefs; on the host."""
        host = Posterior(*(np.asarray(value, np.float64) for value in self))
        scaled = features * host.scales
        across = architecture_covariance(host.linear, scaled, host.features)
        known = across @ host.basis
        prior = host.prior * architecture_covariance(host.linear, scaled, scaled)
        return host.mean + across @ host.weights, prior - known @ known.T


def _solve(
    own: np.ndarray,
    other: np.ndarray,
    errors: np.ndarray,
    seen: Bool[np.ndarray, "T A"],
    scores: Float[np.ndarray, "T A"],
    spectrum: Spectrum,
) -> Float[np.ndarray, "T A"]:
    """The inverse covariance of the scores seen, times them; by conjugate gradients where there are holes.

    These run in float32, which is what is kept of them, and takes half the time.
    """
    if seen.all():
        return spectrum.inverse(scores)
    own, other, errors, scores = (part.astype(np.float32) for part in (own, other, errors, scores))
    spectrum = Spectrum(*(part.astype(np.float32) for part in spectrum))
    solution = np.zeros_like(scores)
    left = scores.copy()
    near = seen * spectrum.inverse(left)
    direction, energy = near, np.sum(left * near)
    for _ in range(ITERATIONS):
        ahead = seen * (own @ direction @ other) + errors[:, None] * direction
        step = energy / np.sum(direction * ahead)
        solution, left = solution + step * direction, left - step * ahead
        if np.linalg.norm(left) < TOLERANCE * np.linalg.norm(scores):
            break
        near = seen * spectrum.inverse(left)
        energy, before = np.sum(left * near), energy
        direction = near + energy / before * direction
    return solution
