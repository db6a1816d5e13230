"""A Gaussian process over tasks and architectures: what is believed of f(z, u), and how surely.

The covariance of two trainings is a product, k((z, u), (z', u')) = k_task(z, z') k_architecture(u, u'), so
for T tasks and A architectures everything is done with matrices of T x T and A x A, never TA x TA. Numbers
are learned on the host in float64; what is believed of one task is judged by JAX.

Source: Bonilla, Chai and Williams 2008, "Multi-task Gaussian Process Prediction".
"""

import dataclasses
import functools
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import scipy.optimize
from jaxtyping import Array, Bool, Float, Int

from taskaware.evaluator.lessons import names_of_features
from taskaware.spaces import MixtureSpace

ROOT3 = 3**0.5
BLOCK_SHARE = 0.9
TOLERANCE = 1e-6
ITERATIONS = 200
LEARNING_STEPS = 30


class Kernel(NamedTuple):
    """What the covariance depends on, as logarithms.

    Attributes:
        scales: inverse length scale of each group of architecture features, (G,).
        linear: variance of a linear trend beside the Matern 3/2 part, ().
        closeness: inverse length scale of the scaled meta-features, ().
        shares: variance that all tasks share, that tasks of a kind do, tasks near in z, tasks of an origin,
            and that a task has alone, (5,).
        noise: variance of a score, ().
    """

    scales: np.ndarray
    linear: np.ndarray
    closeness: np.ndarray
    shares: np.ndarray
    noise: np.ndarray

    @classmethod
    def first(cls, groups: int) -> "Kernel":
        """Where learning starts, and what it is drawn back to where data say little."""
        shares = np.log([0.3, 0.2, 0.5, 0.2, 0.3])
        return cls(np.full(groups, -0.3), np.log(0.2), np.array(0.5), shares, np.log(0.2))


class Tasks(NamedTuple):
    """What the covariance of tasks reads of them.

    Attributes:
        x: scaled meta-features, (T, M).
        kind: number of the kind, (T,).
        origin: number of the origin, (T,); -1 is nobody's relative.
    """

    x: Float[np.ndarray, "T M"]
    kind: Int[np.ndarray, " T"]
    origin: Int[np.ndarray, " T"]


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
        spectrum: eigenvalues and vectors of both covariances, see `_Spectrum`.
    """

    kernel: Kernel
    tasks: Tasks
    scales: np.ndarray
    features: np.ndarray
    mean: float
    weights: np.ndarray
    spectrum: "_Spectrum"

    @classmethod
    def fit(
        cls,
        tasks: Tasks,
        features: Float[np.ndarray, "A F"],
        groups: Int[np.ndarray, " F"],
        scores: Float[np.ndarray, "T A"],
        noise: Float[np.ndarray, " T"],
        kernel: Kernel,
    ) -> "Process":
        """See scores; NaN where there is none.

        Args:
            tasks: T of them.
            features: of the architectures.
            groups: number of the group of each feature.
            scores: in any unit that makes tasks comparable.
            noise: variance of the scores of each task, in multiples of the kernel's.
            kernel: of the covariance, see `learn_kernel`.
        """
        seen = ~np.isnan(scores)
        scales = np.exp(kernel.scales)[groups]
        scaled = features * scales
        mean = float(scores[seen].mean())
        own, other = (
            covariance_of_tasks(kernel, tasks, tasks),
            architecture_covariance(kernel, scaled, scaled),
        )
        errors = np.exp(kernel.noise) * noise
        # Few architectures seen of a task tell as little as all of them with so much more noise.
        spectrum = _Spectrum.of(own, other, errors * seen.shape[1] / np.maximum(seen.sum(1), 1))
        weights = _solve(own, other, errors, seen, np.where(seen, scores - mean, 0.0), spectrum)
        return cls(kernel, tasks, scales, scaled, mean, weights, spectrum)

    def belief(self, x: Float[np.ndarray, " M"], kind: int) -> "Belief":
        """What is believed of all architectures on a task that was not seen."""
        task = Tasks(x[None], np.array([kind]), np.array([-1]))
        across = covariance_of_tasks(self.kernel, task, self.tasks)[0]
        prior = np.exp(self.kernel.shares).sum()
        known = self.spectrum.known(across)
        arrays = {
            "scales": self.scales,
            "features": self.features,
            "linear": np.exp(self.kernel.linear),
            "mean": self.mean,
            "weights": self.weights.T @ across,
            "basis": self.spectrum.basis * np.sqrt(known),
            "prior": prior,
            "noise": np.exp(self.kernel.noise),
        }
        return Belief(**{name: jnp.asarray(value, jnp.float32) for name, value in arrays.items()})


class Belief(NamedTuple):
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
        known = self._kernel(scaled, self.features)
        diagonal = 1 + self.linear * jnp.sum(scaled**2, axis=1)
        variance = self.prior * diagonal - jnp.sum((known @ self.basis) ** 2, axis=1)
        return self.mean + known @ self.weights, jnp.sqrt(jnp.maximum(variance, 1e-6))

    def joint(self, features: Float[Array, "m F"]) -> tuple[Float[Array, " m"], Float[Array, "m m"]]:
        """Expected scores of some architectures, and the covariance of what is believed of them."""
        scaled = features * self.scales
        across = self._kernel(scaled, self.features)
        known = across @ self.basis
        return self.mean + across @ self.weights, self.prior * self._kernel(scaled, scaled) - known @ known.T

    def _kernel(self, a: Float[Array, "m F"], b: Float[Array, "n F"]) -> Float[Array, "m n"]:
        squares = jnp.sum((a[:, None, :] - b[None, :, :]) ** 2, axis=-1)
        return _matern(jnp.sqrt(squares + 1e-12), jnp) + self.linear * (a @ b.T)


def warped(target: Float[np.ndarray, "*b"]) -> Float[np.ndarray, "*b"]:
    """Normalised scores as the process sees them: near the top counts, how bad the bad ones are does not.

    >>> warped(np.array([0.0, -1.0])).round(2) + 0.0
    array([ 0. , -1.1])
    """
    return -np.log1p(-2 * np.minimum(target, 0.0))


def unwarped(value):
    """The inverse of `warped`; what is above the top stays within half a spread of it."""
    return (1 - jnp.exp(-value)) / 2


@functools.cache
def feature_groups(space: MixtureSpace) -> np.ndarray:
    """Number of the group of each architecture feature, (F,): those of a group share a length scale."""
    names = names_of_features(space)
    order = list(dict.fromkeys(names))
    return np.array([order.index(name) for name in names])


def covariance_of_tasks(kernel: Kernel, a: Tasks, b: Tasks) -> Float[np.ndarray, "a b"]:
    """Of tasks of two lists; a task has its own part only with itself, by identity of the lists."""
    common, kind, near, origin, alone = np.exp(kernel.shares)
    relatives = (a.origin[:, None] == b.origin[None]) & (a.origin >= 0)[:, None]
    total = common + kind * (a.kind[:, None] == b.kind[None]) + origin * relatives
    total = total + near * np.exp(-0.5 * np.exp(2 * kernel.closeness) * _squares(a.x, b.x) / a.x.shape[1])
    return total + alone * np.eye(len(a.x)) if a is b else total


def architecture_covariance(kernel: Kernel, a: np.ndarray, b: np.ndarray) -> Float[np.ndarray, "a b"]:
    """Of architectures, by their scaled features."""
    return _matern(np.sqrt(_squares(a, b) + 1e-12), np) + np.exp(kernel.linear) * (a @ b.T)


def learn_kernel(
    tasks: Tasks,
    features: Float[np.ndarray, "A F"],
    groups: Int[np.ndarray, " F"],
    scores: Float[np.ndarray, "T A"],
    noise: Float[np.ndarray, " T"],
) -> Kernel:
    """The kernel under which scores are likeliest, drawn towards `Kernel.first`.

    It learns from the largest part of the table without holes.
    """
    rows, columns = _block(~np.isnan(scores))
    tasks, noise, features = Tasks(*(column[rows] for column in tasks)), noise[rows], features[columns]
    scores = scores[np.ix_(rows, columns)] - scores[np.ix_(rows, columns)].mean()
    first = Kernel.first(groups.max() + 1)
    lengths = [np.size(part) for part in first]
    centre = np.concatenate([np.ravel(part) for part in first])
    stops = np.cumsum(lengths)[:-1]
    inner = np.stack([features[:, groups == g] @ features[:, groups == g].T for g in range(lengths[0])])
    squares = np.stack(
        [_squares(features[:, groups == g], features[:, groups == g]) for g in range(lengths[0])]
    )
    gaps = _squares(tasks.x, tasks.x) / tasks.x.shape[1]
    alike, relatives = tasks.kind[:, None] == tasks.kind, tasks.origin[:, None] == tasks.origin

    def kernel_of(vector):
        parts = zip(np.split(vector, stops), first, strict=True)
        return Kernel(*(part.reshape(np.shape(old)) for part, old in parts))

    def loss(vector):
        kernel = kernel_of(vector)
        factors = np.exp(2 * kernel.scales)
        distance = np.sqrt(np.tensordot(factors, squares, 1) + 1e-12)
        trend = np.exp(kernel.linear) * np.tensordot(factors, inner, 1)
        other = _matern(distance, np) + trend
        near = np.exp(-0.5 * np.exp(2 * kernel.closeness) * gaps)
        parts = (np.ones_like(gaps), alike, near, relatives, np.eye(len(gaps)))
        shares = np.exp(kernel.shares)
        own = sum(share * part for share, part in zip(shares, parts, strict=True))
        errors = np.exp(kernel.noise) * noise
        found = _Spectrum.of(own, other, errors)
        white = found.inverse(scores)
        value = 0.5 * np.sum(white * scores) + 0.5 * np.sum(np.log(found.table))
        value += 0.5 * scores.shape[1] * np.sum(np.log(errors))
        by_own, by_other, by_errors = _slopes(found, own, other, white, errors)
        # d matern / d squared distance, without the division by the distance.
        slope = -1.5 * np.exp(-ROOT3 * distance) * by_other
        by_scales = 2 * factors * np.tensordot(squares, slope, 2)
        by_scales += 2 * np.exp(kernel.linear) * factors * np.tensordot(inner, by_other, 2)
        by_shares = [share * np.sum(by_own * part) for share, part in zip(shares, parts, strict=True)]
        by_near = shares[2] * np.sum(by_own * near * -gaps) * np.exp(2 * kernel.closeness)
        ends = [by_scales, [np.sum(by_other * trend)], [by_near], by_shares, [np.sum(by_errors * errors)]]
        left = vector - centre
        return value + 0.5 * left @ left, np.concatenate(ends) + left

    bounds = [(c - 5, c + 5) for c in centre]
    options = {"maxiter": LEARNING_STEPS}
    return kernel_of(
        scipy.optimize.minimize(loss, centre, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    )


class _Spectrum(NamedTuple):
    """The covariance of all T x A scores with their errors, taken apart.

    Attributes:
        root: 1 / sqrt(error) of each task, (T,).
        turn: eigenvectors of the tasks' covariance in units of the errors, (T, T).
        basis: eigenvectors of the architectures' covariance, (A, A).
        table: products of the eigenvalues, plus 1, (T, A).
    """

    root: np.ndarray
    turn: np.ndarray
    basis: np.ndarray
    table: np.ndarray

    @classmethod
    def of(cls, own: np.ndarray, other: np.ndarray, errors: np.ndarray) -> "_Spectrum":
        root = 1 / np.sqrt(errors)
        along, turn = np.linalg.eigh(own * root[:, None] * root)
        across, basis = np.linalg.eigh(other)
        return cls(root, turn, basis, np.maximum(along, 0)[:, None] * np.maximum(across, 0) + 1)

    def inverse(self, scores: Float[np.ndarray, "T A"]) -> Float[np.ndarray, "T A"]:
        """The inverse covariance times scores."""
        turned = (self.turn.T @ (self.root[:, None] * scores) @ self.basis) / self.table
        return self.root[:, None] * (self.turn @ turned @ self.basis.T)

    def known(self, across: Float[np.ndarray, " T"]) -> Float[np.ndarray, " A"]:
        """Along each basis vector, what is known of a task with these covariances to the known ones."""
        return ((self.turn.T @ (self.root * across)) ** 2) @ (1 / self.table)


def _slopes(found: _Spectrum, own: np.ndarray, other: np.ndarray, white: np.ndarray, errors: np.ndarray):
    """Of the negative log likelihood, by the tasks' covariance, the architectures', and each task's error."""
    along = np.maximum(np.diag(found.turn.T @ (own * found.root[:, None] * found.root) @ found.turn), 0)
    across = np.maximum(np.einsum("ia,ij,ja->a", found.basis, other, found.basis, optimize=True), 0)
    turn = found.root[:, None] * found.turn
    by_own = 0.5 * ((turn * ((1 / found.table) @ across)) @ turn.T - white @ other @ white.T)
    by_other = 0.5 * ((found.basis * (along @ (1 / found.table))) @ found.basis.T - white.T @ own @ white)
    inverse = (turn**2 * (1 / found.table).sum(1)).sum(1)
    return by_own, by_other, 0.5 * (inverse - np.sum(white**2, axis=1))


def _solve(
    own: np.ndarray,
    other: np.ndarray,
    errors: np.ndarray,
    seen: Bool[np.ndarray, "T A"],
    scores: Float[np.ndarray, "T A"],
    spectrum: _Spectrum,
) -> Float[np.ndarray, "T A"]:
    """The inverse covariance of the scores seen, times them; by conjugate gradients where there are holes."""
    if seen.all():
        return spectrum.inverse(scores)
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


def _block(seen: Bool[np.ndarray, "T A"]) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of a large part without holes: the architectures that nearly all tasks saw."""
    often = seen.mean(0)
    columns = np.flatnonzero(often >= BLOCK_SHARE * often.max())
    return np.flatnonzero(seen[:, columns].all(1)), columns


def _matern(distance, numbers):
    return (1 + ROOT3 * distance) * numbers.exp(-ROOT3 * distance)


def _squares(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Squared distances of rows."""
    total = np.sum(a**2, 1)[:, None] + np.sum(b**2, 1)[None] - 2 * a @ b.T
    return np.maximum(total, 0.0)
