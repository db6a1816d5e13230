"""The covariance of trainings (that of tasks times that of architectures), and its fit.

All computations use matrices of T x T and A x A for T tasks and A architectures, never TA x TA. They run on
the host in float64.

Source: Bonilla, Chai and Williams 2008, "Multi-task Gaussian Process Prediction".
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from taskaware.surrogates.gp_data import GPData, Tasks

ROOT3 = 3**0.5
BLOCK_SHARE = 0.9
FEWEST_IN_BLOCK = 3
MOST_LEARNED_FROM = 256
"""Largest number of tasks in a fit: the kernel has few parameters, and the cost is cubic."""
LEARNING_STEPS = 30


class Kernel(NamedTuple):
    """Parameters of the covariance, as logarithms.

    Attributes:
        scales: inverse length scale of each group of architecture features, (G,).
        linear: variance of a linear trend beside the Matern 3/2 part, ().
        closeness: inverse length scale of the scaled meta-features, ().
        shares: variance components, (6,): of all tasks, of tasks of a problem, of tasks near in z, of a trend
            in z, of tasks of a group, and of each task alone.
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


def parts_of_tasks(kernel: Kernel, a: Tasks, b: Tasks) -> list[Float[np.ndarray, "a b"]]:
    """The components of the task covariance, in the order of `Kernel.shares`, without the task's own.

    Args:
        kernel: parameters.
        a, b: two lists of tasks.
    """
    gaps = squared_distances(a.x, b.x) / a.x.shape[1]
    return [
        np.ones_like(gaps),
        a.problem[:, None] == b.problem,
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


def learn_kernel(data: GPData) -> Kernel:
    """The kernel of maximum posterior probability; the prior is centred on `Kernel.first`.

    It is fitted to a large block of the score table without missing entries. Without such a block the result
    is `Kernel.first`.
    """
    from scipy.optimize import minimize  # slow to import, and not needed by a recommendation

    first = Kernel.first(int(data.groups.max()) + 1)
    rows, columns = _block(~np.isnan(data.scores))
    if len(rows) < FEWEST_IN_BLOCK or len(columns) < FEWEST_IN_BLOCK:
        return first
    rows = rows[:: -(-len(rows) // MOST_LEARNED_FROM)]
    tasks, noise = Tasks(*(column[rows] for column in data.tasks)), data.noise[rows]
    scores = data.scores[np.ix_(rows, columns)] - data.scores[np.ix_(rows, columns)].mean()
    lengths = [np.size(part) for part in first]
    centre = np.concatenate([np.ravel(part) for part in first])
    stops = np.cumsum(lengths)[:-1]
    grouped = [data.features[np.ix_(columns, data.groups == group)] for group in range(lengths[0])]
    inner = np.stack([part @ part.T for part in grouped])
    squares = np.stack([squared_distances(part, part) for part in grouped])
    gaps = squared_distances(tasks.x, tasks.x) / tasks.x.shape[1]

    def kernel_of(vector):
        parts = zip(np.split(vector, stops), first, strict=True)
        return Kernel(*(part.reshape(np.shape(old)) for part, old in parts))

    def loss(vector):
        kernel = kernel_of(vector)
        factors = np.exp(2 * kernel.scales)
        distance = np.sqrt(np.tensordot(factors, squares, 1) + 1e-12)
        trend = np.exp(kernel.linear) * np.tensordot(factors, inner, 1)
        other = matern(distance, np) + trend
        parts = [*parts_of_tasks(kernel, tasks, tasks), np.eye(len(gaps))]
        shares = np.exp(kernel.shares)
        own = sum(share * part for share, part in zip(shares, parts, strict=True))
        errors = np.exp(kernel.noise) * noise
        found = Spectrum.of(own, other, errors)
        white = found.inverse(scores)
        value = 0.5 * np.sum(white * scores) + 0.5 * np.sum(np.log(found.table))
        value += 0.5 * scores.shape[1] * np.sum(np.log(errors))
        by_own, by_other, by_errors = _slopes(found, own, other, white, errors)
        # d matern / d squared distance, without the division by the distance.
        slope = -1.5 * np.exp(-ROOT3 * distance) * by_other
        by_scales = 2 * factors * np.tensordot(squares, slope, 2)
        by_scales += 2 * np.exp(kernel.linear) * factors * np.tensordot(inner, by_other, 2)
        by_shares = [share * np.sum(by_own * part) for share, part in zip(shares, parts, strict=True)]
        by_closeness = shares[2] * np.sum(by_own * parts[2] * -gaps) * np.exp(2 * kernel.closeness)
        ends = [
            by_scales,
            [np.sum(by_other * trend)],
            [by_closeness],
            by_shares,
            [np.sum(by_errors * errors)],
        ]
        left = vector - centre
        return value + 0.5 * left @ left, np.concatenate(ends) + left

    bounds = [(c - 5, c + 5) for c in centre]
    options = {"maxiter": LEARNING_STEPS}
    found = minimize(loss, centre, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return kernel_of(found.x)


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


def _slopes(found: Spectrum, own: np.ndarray, other: np.ndarray, white: np.ndarray, errors: np.ndarray):
    """Gradients of the negative log likelihood by both covariances and by each task's error."""
    shrink = 1 / found.table
    turn = found.root[:, None] * found.turn
    by_own = 0.5 * ((turn * (shrink @ found.across)) @ turn.T - white @ other @ white.T)
    by_other = 0.5 * ((found.basis * (found.along @ shrink)) @ found.basis.T - white.T @ own @ white)
    inverse = turn**2 @ shrink.sum(1)
    return by_own, by_other, 0.5 * (inverse - np.sum(white**2, axis=1))


def _block(present: Bool[np.ndarray, "T A"]) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of a large block without missing entries.

    Its architectures were trained on nearly all tasks, because tasks are more informative than architectures.
    If no task has them all, it is the largest block by the number of tasks of an architecture.
    """
    often = present.sum(0)
    usual = _trained_on(present, BLOCK_SHARE * often.max())
    if len(usual[0]) >= FEWEST_IN_BLOCK:
        return usual
    blocks = [_trained_on(present, least) for least in np.unique(often[often > 0])]
    return max(blocks, key=lambda block: len(block[0]) * len(block[1]))


def _trained_on(present: Bool[np.ndarray, "T A"], least: float) -> tuple[np.ndarray, np.ndarray]:
    """The architectures with scores on at least so many tasks, and the tasks with scores of all of them."""
    columns = np.flatnonzero(present.sum(0) >= least)
    return np.flatnonzero(present[:, columns].all(1)), columns


def matern(distance, numbers):
    """Matern 3/2 of a distance in length scales; `numbers` is numpy or jax.numpy."""
    return (1 + ROOT3 * distance) * numbers.exp(-ROOT3 * distance)


def squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Squared distances of rows."""
    total = np.sum(a**2, 1)[:, None] + np.sum(b**2, 1)[None] - 2 * a @ b.T
    return np.maximum(total, 0.0)
