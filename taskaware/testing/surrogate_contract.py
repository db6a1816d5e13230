"""What every surrogate must do, as checks that run on any of them.

def test_contract(tmp_path):
    check_surrogate(lambda space, data, *, seed, samples: MySurrogate.fit(...), tmp_path)
"""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from taskaware.errors import CheckpointError
from taskaware.modalities.tables.samples import Samples
from taskaware.spaces.presets import COMPACT
from taskaware.surrogates import Evaluator, TaskQuery, TrainingData, load_evaluator, save_evaluator
from taskaware.surrogates.training_data import architecture_features, features_of, normalised

SPACE = dataclasses.replace(
    COMPACT, name="contract", layers=1, sizes=(4, 8), activations=("relu",), width_odds=(0.5, 0.5)
)
LEARNED, HELD_OUT, ARCHITECTURES = 16, 4, 40
LEAST_RANK_CORRELATION = 0.3

Fit = Callable[..., Evaluator]
"""(space, training data, seed=..., samples={digest: Samples}) → surrogate."""


class World(NamedTuple):
    """Made-up tasks on which the same architectures are good, give or take.

    Attributes:
        learned: training data, LEARNED tasks.
        held_out: HELD_OUT more tasks.
        samples: raw rows of all of them, by digest.
    """

    learned: TrainingData
    held_out: TrainingData
    samples: dict[str, Samples]

    def queries(self) -> list[TaskQuery]:
        """The held-out tasks."""
        data = self.held_out
        rows = zip(data.z, data.problems, data.digests, strict=True)
        return [TaskQuery(*row, self.samples[row[2]]) for row in rows]


class Subject(NamedTuple):
    """A surrogate under test: how it is fitted, where files may be written, and whether it draws."""

    fit: Fit
    folder: Path
    draws: bool

    def fitted(self, seed: int = 0) -> Evaluator:
        """Learned from the easy world."""
        world = easy_world()
        return self.fit(SPACE, world.learned, seed=seed, samples=world.samples)


def check_surrogate(fit: Fit, folder: Path, *, draws: bool = True) -> None:
    """Run every check on a surrogate; for surrogates of other packages too.

    Its `network` has to be in SURROGATES, by which a saved one is read again.

    Args:
        fit: `(space, training data, *, seed, samples)` → the surrogate.
        folder: where files may be written.
        draws: whether the seed matters.

    Raises:
        AssertionError: it breaks the contract; the name of the check is in the traceback.
    """
    subject = Subject(fit, Path(folder), draws)
    made = subject.fitted()
    for check in (
        predictions_are_finite_and_in_metric_units,
        it_ranks_better_than_chance,
        its_gradient_equals_finite_differences,
        jit_equals_eager,
        the_covariance_agrees_with_the_deviations,
        a_round_trip_gives_the_same_posterior,
        nothing_is_executed_on_load,
    ):
        check(subject, made)
    the_seed_decides(subject, made)


@functools.cache
def easy_world() -> World:
    """The same for every surrogate."""
    rng, count = np.random.default_rng(0), LEARNED + HELD_OUT
    logits = rng.normal(0, 3, (ARCHITECTURES, SPACE.dimension - len(SPACE.recipe))).clip(-8, 8)
    u = np.hstack([logits, rng.random((ARCHITECTURES, len(SPACE.recipe)))]).astype(np.float32)
    features = architecture_features(SPACE, u)
    quality = features @ rng.normal(size=features.shape[1])
    quality = (quality - quality.mean()) / quality.std()
    z = rng.normal(size=(count, 3)).astype(np.float32)
    score = 0.7 + 0.02 * z[:, 1:2] + 0.05 * quality + 0.005 * rng.normal(size=(count, ARCHITECTURES))
    target, top, spread = normalised(score)
    names = tuple(f"task {place}" for place in range(count))
    digests = tuple(f"{place:016x}" for place in range(count))
    problems, noise = ("classification",) * count, np.full(count, 0.005)
    data = TrainingData(
        names, names, problems, digests, z, u, score, score - 0.01, noise, target, top, spread
    )
    samples = {digest: _samples(rng) for digest in digests}
    order = np.arange(count)
    return World(data.take(order < LEARNED), data.take(order >= LEARNED), samples)


def predictions_are_finite_and_in_metric_units(subject: Subject, made: Evaluator) -> None:
    """Means and positive deviations, and scores within the range of the metric."""
    data = easy_world().held_out
    for query in easy_world().queries():
        mean, std = made.predict(query, data.u)
        assert mean.shape == std.shape == (ARCHITECTURES,)
        assert np.isfinite(mean).all() and np.isfinite(std).all() and (std >= 0).all()
        scores, errors = made.posterior(query).in_metric_units(mean, std)
        assert ((scores >= 0) & (scores <= 1)).all() and (errors > 0).all()


def it_ranks_better_than_chance(subject: Subject, made: Evaluator) -> None:
    """On tasks held out, where the same architectures are good."""
    data = easy_world().held_out
    found = [
        np.corrcoef(_ranks(made.predict(query, data.u)[0]), _ranks(row))[0, 1]
        for query, row in zip(easy_world().queries(), data.score, strict=True)
    ]
    assert np.mean(found) > LEAST_RANK_CORRELATION, found


def its_gradient_equals_finite_differences(subject: Subject, made: Evaluator) -> None:
    """Of the mean along random directions, in float64."""
    rng = np.random.default_rng(1)
    with jax.enable_x64(True):
        exact = jax.tree.map(_float64, made.posterior(easy_world().queries()[0]))

        def mean(point: Array) -> Array:
            return exact.mean_std(features_of(SPACE, point)[None])[0][0]

        both = jax.jit(jax.value_and_grad(mean))
        for point in easy_world().learned.u[:3].astype(np.float64) * 0.3:
            direction = rng.normal(size=SPACE.dimension)
            slope = np.asarray(both(point)[1]) @ direction
            steps = [float(both(point + step * direction)[0]) for step in (1e-6, -1e-6)]
            np.testing.assert_allclose(slope, (steps[0] - steps[1]) / 2e-6, rtol=1e-3, atol=1e-6)


def jit_equals_eager(subject: Subject, made: Evaluator) -> None:
    """The posterior is a pytree that passes through `jit`, and gives the same inside."""
    posterior = made.posterior(easy_world().queries()[1])
    features = jnp.asarray(architecture_features(SPACE, easy_world().learned.u))
    eager = posterior.mean_std(features)
    compiled = jax.jit(lambda posterior, features: posterior.mean_std(features))(posterior, features)
    for one, other in zip(eager, compiled, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def the_covariance_agrees_with_the_deviations(subject: Subject, made: Evaluator) -> None:
    """Where a covariance is known."""
    posterior = made.posterior(easy_world().queries()[1])
    features = architecture_features(SPACE, easy_world().learned.u[:6])
    joint = posterior.joint(features)
    if joint is None:
        return
    mean, std = posterior.mean_std(jnp.asarray(features))
    np.testing.assert_allclose(joint[0], mean, atol=1e-3)
    np.testing.assert_allclose(np.sqrt(np.diag(joint[1])), std, atol=5e-3)
    np.testing.assert_allclose(joint[1], joint[1].T, atol=1e-8)


def a_round_trip_gives_the_same_posterior(subject: Subject, made: Evaluator) -> None:
    """Saved and loaded, it predicts the same."""
    loaded = load_evaluator(save_evaluator(made, subject.folder / "surrogate.npz", force=True))
    query, u = easy_world().queries()[2], easy_world().learned.u
    for one, other in zip(made.predict(query, u), loaded.predict(query, u), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
    assert (loaded.network, loaded.settings) == (made.network, made.settings)


def nothing_is_executed_on_load(subject: Subject, made: Evaluator) -> None:
    """An array of objects in the file is refused, and none of them is made."""
    path = save_evaluator(made, subject.folder / "trap.npz", force=True)
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    trace, trap = subject.folder / "executed", np.empty(1, object)
    trap[0] = _Trap(trace)
    np.savez(path, **arrays | {"training_data/z": trap})
    try:
        load_evaluator(path)
    except CheckpointError:
        assert not trace.exists()
    else:
        raise AssertionError("A file with objects in it was read.")


def the_seed_decides(subject: Subject, made: Evaluator) -> None:
    """The same seed gives the same surrogate, another seed another one where it draws."""
    query, u = easy_world().queries()[3], easy_world().learned.u
    first, again, other = (one.predict(query, u)[0] for one in (made, subject.fitted(), subject.fitted(1)))
    np.testing.assert_array_equal(first, again)
    assert subject.draws == bool(np.abs(first - other).max() > 1e-6)


class _Trap:
    """Leaves a file behind where it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple:
        return open, (str(self.path), "w")


def _samples(rng: np.random.Generator) -> Samples:
    """24 rows of 3 columns and 2 classes."""
    x = rng.normal(size=(24, 3)).astype(np.float32)
    y = np.eye(2, dtype=np.float32)[rng.integers(0, 2, 24)]
    return Samples(x, y, np.ones(24, bool), np.ones(3, bool), np.ones(2, bool))


def _ranks(values: np.ndarray) -> np.ndarray:
    return np.argsort(np.argsort(values))


def _float64(leaf: Any) -> np.ndarray:
    leaf = np.asarray(leaf)
    return leaf.astype(np.float64) if np.issubdtype(leaf.dtype, np.floating) else leaf
