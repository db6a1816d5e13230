"""The covariance of trainings: that of tasks times that of architectures.

All computations use matrices of T x T and A x A for T tasks and A architectures, never TA x TA. They run on
the host in float64.

Source: Bonilla, Chai and Williams 2008, "Multi-task Gaussian Process Prediction".
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Shaped

from taskaware.surrogates.gp_data import Tasks

ROOT3 = 3**0.5


class Kernel(NamedTuple):
    """Parameters of the covariance, as logarithms.

    Attributes:
        scales: inverse length scale of each group of architecture features, (G,).
        linear: variance of a linear trend beside the Matern 3/2 part, ().
        closeness: inverse length scale of the scaled meta-features, ().
        shares: variance components, (6,): of all tasks, of tasks of a problem and pattern, of tasks near in
            z, of a trend in z, of tasks of a group, and of each task alone.
        noise: variance of a score, ().
    """

    scales: np.ndarray
    linear: np.ndarray
    closeness: np.ndarray
    shares: np.ndarray
    noise: np.ndarray

    @classmethod
    def first(cls, groups: int) -> "Kernel":
        """Initial parameters, and the mean of their prior."""
        shares = np.log([0.3, 0.2, 0.5, 0.1, 0.2, 0.3])
        return cls(np.full(groups, -0.3), np.log(0.2), np.array(0.5), shares, np.log(0.2))


def parts_of_tasks(kernel: Kernel, a: Tasks, b: Tasks) -> list[Shaped[np.ndarray, "a b"]]:
    """The components of the task covariance, in the order of `Kernel.shares`, without the task's own.

    Args:
        kernel: parameters.
        a, b: two lists of tasks.
    """
    gaps = squared_distances(a.x, b.x) / a.x.shape[1]
    return [
        np.ones_like(gaps),
        (a.problem[:, None] == b.problem) & (a.pattern[:, None] == b.pattern),
        np.exp(-0.5 * np.exp(2 * kernel.closeness) * gaps),
        a.x @ b.x.T / a.x.shape[1],
        (a.group[:, None] == b.group) & (a.group >= 0)[:, None],
    ]


def covariance_of_tasks(kernel: Kernel, a: Tasks, b: Tasks) -> Float[np.ndarray, "a b"]:
    """Covariance between the tasks of two lists.

    Args:
        kernel: parameters.
        a, b: the lists; a task's own variance is added where both are the same object.
    """
    *shares, alone = np.exp(kernel.shares)
    parts = zip(shares, parts_of_tasks(kernel, a, b), strict=True)
    total = sum(share * part for share, part in parts)
    return total + alone * np.eye(len(a.x)) if a is b else total


def variance_of_task(kernel: Kernel, x: Float[np.ndarray, " M"]) -> float:
    """Prior variance of a new task with these scaled meta-features."""
    common, problem, near, along, group, alone = np.exp(kernel.shares)
    return float(common + problem + near + along * np.mean(x**2) + group + alone)


def architecture_covariance(linear: float, a: np.ndarray, b: np.ndarray) -> Float[np.ndarray, "a b"]:
    """Covariance between architectures.

    Args:
        linear: variance of the linear trend.
        a, b: scaled features of the architectures, (a, F) and (b, F).
    """
    return matern(np.sqrt(squared_distances(a, b) + 1e-12), np) + linear * (a @ b.T)


class Spectrum(NamedTuple):
    """The eigendecomposition of the covariance of all T x A scores and their errors.

    Attributes:
        root: 1 / sqrt(error) of each task, (T,).
        turn: eigenvectors of the tasks' covariance in units of the errors, (T, T).
        basis: eigenvectors of the architectures' covariance, (A, A).
        along, across: eigenvalues of the two, (T,), (A,).
    """

    root: np.ndarray
    turn: np.ndarray
    basis: np.ndarray
    along: np.ndarray
    across: np.ndarray

    @classmethod
    def of(cls, own: np.ndarray, other: np.ndarray, errors: np.ndarray) -> "Spectrum":
        """The spectrum of a Kronecker product of covariances, plus a diagonal.

        Args:
            own: covariance of the tasks, (T, T).
            other: covariance of the architectures, (A, A).
            errors: variance of the noise of each task, (T,).
        """
        root = 1 / np.sqrt(errors)
        along, turn = np.linalg.eigh(own * root[:, None] * root)
        across, basis = np.linalg.eigh(other)
        return cls(root, turn, basis, np.maximum(along, 0), np.maximum(across, 0))

    @property
    def table(self) -> Float[np.ndarray, "T A"]:
        """Products of the eigenvalues, plus 1 for the errors."""
        return self.along[:, None] * self.across + 1

    def inverse(self, scores: Float[np.ndarray, "T A"]) -> Float[np.ndarray, "T A"]:
        """The inverse covariance times scores."""
        turned = (self.turn.T @ (self.root[:, None] * scores) @ self.basis) / self.table
        return self.root[:, None] * (self.turn @ turned @ self.basis.T)

    def explained(self, across: Float[np.ndarray, " T"]) -> Float[np.ndarray, " A"]:
        """Share of the variance that the scores explain along each basis vector, for a task with these
        covariances to the known tasks."""
        return ((self.turn.T @ (self.root * across)) ** 2) @ (1 / self.table)


def matern(distance, numbers):
    """Matern 3/2 of a distance in length scales; `numbers` is numpy or jax.numpy."""
    return (1 + ROOT3 * distance) * numbers.exp(-ROOT3 * distance)


def squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Squared distances of rows."""
    total = np.sum(a**2, 1)[:, None] + np.sum(b**2, 1)[None] - 2 * a @ b.T
    return np.maximum(total, 0.0)
