"""Experience → what the evaluator learns from: one row per task and architecture, scores made comparable."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np

from taskaware.errors import UserError
from taskaware.modalities.tables.variants import is_variant
from taskaware.spaces import Space
from taskaware.store import Experience

FLOOR = -4.0
LOSS = 1.0
"""What the least loss of a task is better than its largest by, in spreads of the score."""
STEADIER = 0.8
"""Noise of what is judged by score and loss beside that of the score alone, both in spreads; measured on the
31 classification tables that have seeds 0 and 1 (median .82)."""
ADDITIVE_STEPS = 20
FEWEST_TASKS = 3
FEWEST_GROUPS = 5


@dataclasses.dataclass(frozen=True, eq=False)
class TrainingData:
    """Mean scores over seeds, normalised within each task; T tasks, at most A architectures on each.

    Attributes:
        names, groups, problems: of the tasks, T each.
        digests: of the tasks' content, T.
        z: meta-features, (T, M).
        u: architectures, (A, D), each once.
        score: mean validation score, (T, A); NaN where the architecture was not trained on the task, the
            worst of the task where it diverged.
        test_score: the same for the test score.
        noise: standard error of `score` on this task, (T,): as its seeds show it, or with a single seed, how
            far the validation and test scores of an architecture differ; less (STEADIER) where the loss is
            judged too.
        target: what the evaluator learns, (T, A): (judged - top) / spread of the task, cut at FLOOR; NaN as
            in `score`. Judged is the score, in classification the loss too (see `judged`); top and spread are
            those of what is judged.
        top: what the best architectures reach, (T,): the mean of the best five scores.
        spread: top less median score, (T,); positive.
    """

    names: tuple[str, ...]
    groups: tuple[str, ...]
    problems: tuple[str, ...]
    digests: tuple[str, ...]
    z: np.ndarray
    u: np.ndarray
    score: np.ndarray
    test_score: np.ndarray
    noise: np.ndarray
    target: np.ndarray
    top: np.ndarray
    spread: np.ndarray

    @property
    def real(self) -> np.ndarray:
        """Mask of the tasks that are no variants of others, (T,)."""
        return np.array([not is_variant(name) for name in self.names], bool)

    def take(self, tasks: np.ndarray) -> "TrainingData":
        """Only these tasks (indices or mask)."""
        kept = np.arange(len(self.names))[tasks]
        texts = {
            n: tuple(getattr(self, n)[i] for i in kept) for n in ("names", "groups", "problems", "digests")
        }
        columns = ("z", "score", "test_score", "noise", "target", "top", "spread")
        return dataclasses.replace(self, **texts, **{name: getattr(self, name)[kept] for name in columns})

    def without(self, *groups: str) -> "TrainingData":
        """The tasks of every other group."""
        return self.take(np.array([group not in groups for group in self.groups]))

    def of_problem(self, problem: str) -> np.ndarray:
        """Mask of the tasks of a problem, (T,), or of all where too few groups have real ones of it."""
        alike = np.array(self.problems) == problem
        groups = set(np.array(self.groups)[alike & self.real])
        return alike if len(groups) >= FEWEST_GROUPS else np.ones_like(alike)

    def thinned(self, tasks: int, architectures: int, seed: int) -> "TrainingData":
        """Less of the same, drawn at random.

        Args:
            tasks: real ones that are left, with the variants of their groups; 0 for all.
            architectures: that are left on each task, others on each; 0 for all.
            seed: of the draw.
        """
        rng, left = np.random.default_rng(seed), self
        if tasks:
            real = np.flatnonzero(self.real)
            drawn = rng.permutation(real)[:tasks]
            varied = ~self.real & np.isin(self.groups, np.array(self.groups)[drawn])
            left = self.take(np.sort(np.append(drawn, np.flatnonzero(varied))))
        if not architectures:
            return left
        order = np.where(np.isnan(left.score), np.inf, rng.random(left.score.shape)).argsort(1).argsort(1)
        seen = order < architectures
        score, test = (np.where(seen, table, np.nan) for table in (left.score, left.test_score))
        _, top, spread = normalised(score)
        target, *_ = normalised(np.where(seen, left.target, np.nan))
        return dataclasses.replace(left, score=score, test_score=test, target=target, top=top, spread=spread)

    def filled(self) -> np.ndarray:
        """`target`, and where there is none, what the task and the architecture add up to, (T, A).

        The sums are fitted to what there is; an architecture that no task has tried has the worst.
        """
        seen = ~np.isnan(self.target)
        target, counts = np.where(seen, self.target, 0.0), np.maximum(seen.sum(0), 1)
        columns = np.zeros(target.shape[1])
        for _ in range(ADDITIVE_STEPS):
            rows = (target - seen * columns).sum(1) / np.maximum(seen.sum(1), 1)
            columns = (target - seen * rows[:, None]).sum(0) / counts
        sums = np.where(seen.any(0), np.clip(rows[:, None] + columns, FLOOR, 0.0), FLOOR)
        return np.where(seen, self.target, sums)

    def best(self, count: int) -> np.ndarray:
        """Positions in `u` of the best architectures of each task, best first, (T, count)."""
        return np.argsort(-np.nan_to_num(self.score, nan=-np.inf), axis=1, kind="stable")[:, :count]


def training_data(experience: Experience) -> TrainingData:
    """Average over seeds, normalise within tasks.

    Raises:
        UserError: fewer than FEWEST_TASKS tasks carry a score, or a task has no meta-features.
    """
    tasks = np.unique(experience.task[~experience.diverged])
    if len(tasks) < FEWEST_TASKS:
        raise UserError(
            f"The experience holds {len(tasks)} tasks with scores; an evaluator needs {FEWEST_TASKS}."
        )
    records = [experience.tasks[i] for i in tasks]
    z = experience.z[tasks]
    bare = [record.name for record, row in zip(records, z, strict=True) if not np.isfinite(row).all()]
    if bare:
        raise UserError(f"No meta-features are kept for {', '.join(bare[:5])}. Add them before learning.")
    tables = [_table(experience, task) for task in tasks]
    score, test, noise = (np.stack(column) for column in zip(*tables, strict=True))
    _, top, spread = normalised(score)
    better = np.stack([_better(experience, task) for task in tasks])
    target, *_ = normalised(judged(score, spread, better))
    noise = np.where((better > 0).any(1), STEADIER, 1.0) * noise
    return TrainingData(
        names=tuple(record.name for record in records),
        groups=tuple(record.group for record in records),
        problems=tuple(record.problem for record in records),
        digests=tuple(record.digest for record in records),
        z=z,
        u=experience.architectures,
        score=score,
        test_score=test,
        noise=noise,
        target=target,
        top=top,
        spread=spread,
    )


def judged(score: np.ndarray, spread: np.ndarray, better: np.ndarray) -> np.ndarray:
    """Scores and the order of the losses together, (T, A).

    Validation accuracy is coarse, and noisy on few rows; with the loss it tells test accuracies better apart
    (see `docs/evaluator.md`).

    Args:
        score: (T, A), NaN where not trained.
        spread: of the scores of each task, (T,).
        better: share of a task's architectures with a larger loss, (T, A); 0 throughout where that does not
            count.
    """
    return score + LOSS * spread[:, None] * better


def normalised(score: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`target`, `top` and `spread` of scores (T, A), see `TrainingData`."""
    top = np.array([np.sort(row[~np.isnan(row)])[-5:].mean() for row in score])
    spread = np.maximum(top - np.nanmedian(score, axis=1), 1e-3)
    return np.maximum((score - top[:, None]) / spread[:, None], FLOOR), top, spread


def architecture_features(space: Space, u: np.ndarray) -> np.ndarray:
    """What the evaluator reads of each point: its weights, and sums over them that mean something, (n, F)."""
    return np.asarray(_features(space, u))


def features_of(space: Space, vector: jax.Array) -> jax.Array:
    """`architecture_features` of one point (D,), differentiable, (F,)."""
    return space.features(vector)


def names_of_features(space: Space) -> list[str]:
    """What each number of `features_of` tells of."""
    return list(space.feature_names)


@functools.partial(jax.jit, static_argnames="space")
def _features(space: Space, u: np.ndarray) -> jax.Array:
    return jax.vmap(functools.partial(features_of, space))(jnp.asarray(u))


def _table(experience: Experience, task: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Mean score and test score of every architecture on a task, and the noise the seeds show."""
    rows = np.flatnonzero(experience.task == task)
    places = experience.architecture[rows]
    worst = np.nanmin(experience.score[rows])
    worst_test = np.nanmin(experience.test_score[rows])
    score = np.nan_to_num(experience.score[rows].astype(float), nan=worst)
    test = np.nan_to_num(experience.test_score[rows].astype(float), nan=worst_test)
    count = len(experience.architectures)
    times = np.bincount(places, minlength=count).astype(float)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(places, score, count) / times
        mean_test = np.bincount(places, test, count) / times
    # Seeds draw splits of their own, so a seed's shift common to all architectures is no noise between them.
    seeds = experience.seed[rows]
    left = score - mean[places]
    for seed in np.unique(seeds):
        left[seeds == seed] -= left[seeds == seed].mean()
    freedom = len(rows) - (times > 0).sum()
    if freedom:
        return mean, mean_test, np.sqrt(np.sum(left**2) / freedom / times[times > 0].mean())
    return mean, mean_test, np.nanstd(mean - mean_test) / 2**0.5


def _better(experience: Experience, task: int) -> np.ndarray:
    """Share of the architectures with a larger loss than each has, mean over seeds, (A,); see `judged`."""
    count = len(experience.architectures)
    rows = np.flatnonzero(experience.task == task)
    loss = np.where(experience.diverged[rows], np.inf, experience.loss[rows])
    if experience.tasks[task].problem != "classification" or np.isnan(loss).any():
        return np.zeros(count)
    shares, seeds = np.zeros(len(rows)), experience.seed[rows]
    for seed in np.unique(seeds):
        own = loss[seeds == seed]
        shares[seeds == seed] = (len(own) - np.searchsorted(np.sort(own), own, side="right")) / len(own)
    places = experience.architecture[rows]
    with np.errstate(invalid="ignore"):
        return np.bincount(places, shares, count) / np.bincount(places, minlength=count)
