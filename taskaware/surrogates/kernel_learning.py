"""Learning the covariance from experience."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from taskaware.surrogates.gp_data import GPData, Tasks
from taskaware.surrogates.kernel import (
    ROOT3,
    Kernel,
    Spectrum,
    matern,
    parts_of_tasks,
    squared_distances,
)

BLOCK_SHARE = 0.9
FEWEST_IN_BLOCK = 3
MOST_LEARNED_FROM = 256
"""Largest number of tasks of a block: the kernel has few parameters, and the cost is cubic."""
LEARNING_STEPS = 30
MOST_BLOCKS = 8
"""Of one pattern that are looked at."""


class Block(NamedTuple):
    """Tasks of one pattern and architectures that all of them were trained with, as the fit reads them.

    Attributes:
        tasks: t of them.
        gaps: mean squared differences of their meta-features, (t, t).
        noise: of the tasks, (t,).
        scores: less their mean, (t, a).
        inner, squares: products and squared distances of the architectures by feature group, (G, a, a).
    """

    tasks: Tasks
    gaps: np.ndarray
    noise: np.ndarray
    scores: np.ndarray
    inner: np.ndarray
    squares: np.ndarray

    @classmethod
    def of(cls, data: GPData, rows: np.ndarray, columns: np.ndarray) -> "Block":
        """The block of some tasks and architectures; of many tasks, an even choice.

        Args:
            data: all of them.
            rows, columns: positions of the tasks, and of the architectures.
        """
        rows = rows[:: -(-len(rows) // MOST_LEARNED_FROM)]
        tasks = Tasks(*(column[rows] for column in data.tasks))
        scores = data.scores[np.ix_(rows, columns)]
        features = data.features[columns]
        grouped = [features[:, data.groups == group] for group in range(int(data.groups.max()) + 1)]
        return cls(
            tasks,
            squared_distances(tasks.x, tasks.x) / tasks.x.shape[1],
            data.noise[rows],
            scores - scores.mean(),
            np.stack([part @ part.T for part in grouped]),
            np.stack([squared_distances(part, part) for part in grouped]),
        )


def learn_kernel(data: GPData) -> Kernel:
    """The kernel of maximum posterior probability; the prior is centred on `Kernel.first`.

    It is fitted to large blocks of the score table without missing entries, as if they were independent: one
    for each pattern, and further ones where their architectures differ in what those of the earlier blocks
    share. Without such a block the result is `Kernel.first`.
    """
    from scipy.optimize import minimize  # slow to import, and not needed by a recommendation

    first = Kernel.first(int(data.groups.max()) + 1)
    blocks = [Block.of(data, *found) for found in _blocks(data)]
    if not blocks:
        return first
    stops = np.cumsum([np.size(part) for part in first])[:-1]
    centre = np.concatenate([np.ravel(part) for part in first])

    def kernel_of(vector):
        parts = zip(np.split(vector, stops), first, strict=True)
        return Kernel(*(part.reshape(np.shape(old)) for part, old in parts))

    def loss(vector):
        kernel, left = kernel_of(vector), vector - centre
        found = [_loss(kernel, block) for block in blocks]
        value = sum(value for value, _ in found) + 0.5 * left @ left
        return value, sum(slopes for _, slopes in found) + left

    bounds = [(c - 5, c + 5) for c in centre]
    options = {"maxiter": LEARNING_STEPS}
    found = minimize(loss, centre, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return kernel_of(found.x)


def _loss(kernel: Kernel, block: Block) -> tuple[float, np.ndarray]:
    """Negative log likelihood of a block, and its gradient in the order of the kernel's parameters."""
    factors = np.exp(2 * kernel.scales)
    distance = np.sqrt(np.tensordot(factors, block.squares, 1) + 1e-12)
    trend = np.exp(kernel.linear) * np.tensordot(factors, block.inner, 1)
    other = matern(distance, np) + trend
    parts = [*parts_of_tasks(kernel, block.tasks, block.tasks), np.eye(len(block.gaps))]
    shares = np.exp(kernel.shares)
    own = sum(share * part for share, part in zip(shares, parts, strict=True))
    errors = np.exp(kernel.noise) * block.noise
    found = Spectrum.of(own, other, errors)
    white = found.inverse(block.scores)
    value = 0.5 * np.sum(white * block.scores) + 0.5 * np.sum(np.log(found.table))
    value += 0.5 * block.scores.shape[1] * np.sum(np.log(errors))
    by_own, by_other, by_errors = _slopes(found, own, other, white, errors)
    # d matern / d squared distance, without the division by the distance.
    slope = -1.5 * np.exp(-ROOT3 * distance) * by_other
    by_scales = 2 * factors * np.tensordot(block.squares, slope, 2)
    by_scales += 2 * np.exp(kernel.linear) * factors * np.tensordot(block.inner, by_other, 2)
    by_shares = [share * np.sum(by_own * part) for share, part in zip(shares, parts, strict=True)]
    by_closeness = shares[2] * np.sum(by_own * parts[2] * -block.gaps) * np.exp(2 * kernel.closeness)
    ends = [
        by_scales,
        [np.sum(by_other * trend)],
        [by_closeness],
        by_shares,
        [np.sum(by_errors * errors)],
    ]
    return value, np.concatenate(ends)


def _slopes(found: Spectrum, own: np.ndarray, other: np.ndarray, white: np.ndarray, errors: np.ndarray):
    """Gradients of the negative log likelihood by both covariances and by each task's error."""
    shrink = 1 / found.table
    turn = found.root[:, None] * found.turn
    by_own = 0.5 * ((turn * (shrink @ found.across)) @ turn.T - white @ other @ white.T)
    by_other = 0.5 * ((found.basis * (found.along @ shrink)) @ found.basis.T - white.T @ own @ white)
    inverse = turn**2 @ shrink.sum(1)
    return by_own, by_other, 0.5 * (inverse - np.sum(white**2, axis=1))


def _blocks(data: GPData) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows and columns of large blocks without missing entries; see `learn_kernel`."""
    present, found = ~np.isnan(data.scores), []
    for pattern in np.unique(data.tasks.pattern):
        its = np.flatnonzero(data.tasks.pattern == pattern)
        left, told = present[its], None
        for _ in range(MOST_BLOCKS):
            rows, columns = _block(left)
            if len(rows) < FEWEST_IN_BLOCK or len(columns) < FEWEST_IN_BLOCK:
                break
            varied = data.groups[np.ptp(data.features[columns], axis=0) > 0]
            if told is None or not np.isin(varied, told).all():
                found.append((its[rows], columns))
                told = varied if told is None else np.union1d(told, varied)
            left[:, columns] = False
    return found


def _block(present: Bool[np.ndarray, "T A"]) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of a large block without missing entries.

    Its architectures were trained on nearly all tasks, because tasks are more informative than architectures.
    If no task has them all, it is the largest block by the number of tasks of an architecture.
    """
    often = present.sum(0)
    usual = _trained_on(present, BLOCK_SHARE * often.max())
    if len(usual[0]) >= FEWEST_IN_BLOCK:
        return usual
    blocks = [_trained_on(present, least) for least in np.unique(often[often > 0]).tolist()]
    nothing = (np.zeros(0, int), np.zeros(0, int))
    return max(blocks, key=lambda block: len(block[0]) * len(block[1]), default=nothing)


def _trained_on(present: Bool[np.ndarray, "T A"], least: float) -> tuple[np.ndarray, np.ndarray]:
    """The architectures with scores on at least so many tasks, and the tasks with scores of all of them."""
    columns = np.flatnonzero(present.sum(0) >= least)
    return np.flatnonzero(present[:, columns].all(1)), columns
