"""Learning the feature generator φ and the evaluator ρ together, on the one objective."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from taskaware.compilation import keep_compiled
from taskaware.errors import UserError
from taskaware.modalities.tables.samples import Samples, SampleSize, stack_samples
from taskaware.spaces import MixtureSpace
from taskaware.surrogates.evaluator import Scaler
from taskaware.surrogates.fit import (
    PUBLISHED,
    Batches,
    EvaluatorSettings,
    Truths,
    draw_batches,
    first_weights,
    mean_loss,
    optimizer,
    stacked,
    truths,
)
from taskaware.surrogates.generator import generator_named
from taskaware.surrogates.networks import network_named
from taskaware.surrogates.training_data import TrainingData, architecture_features, features_of


@dataclasses.dataclass(frozen=True)
class JointSettings:
    """How φ and ρ are made."""

    # Name of the feature generator.
    generator: str = "dataset2vec"
    # Whether the statistical meta-features stand beside the learned ones.
    beside: bool = False
    # Rows of a task in a step.
    rows_per_step: int = 16
    # Columns of a task in a step; 0 for all, each in its place.
    columns_per_step: int = 8
    # Outputs of a task in a step; 0 for all, each in its place.
    outputs_per_step: int = 2
    # The evaluator, and how both learn.
    evaluator: EvaluatorSettings = EvaluatorSettings(network="bilinear")


PUBLISHED_JOINT = JointSettings(
    generator="published",
    rows_per_step=64,
    columns_per_step=0,
    outputs_per_step=0,
    evaluator=dataclasses.replace(PUBLISHED, network="published_head"),
)
"""φ of 50-50 on the raw rows, taken together over them, and ρ of 50-10 (US20220121906A1)."""


@dataclasses.dataclass(frozen=True, eq=False)
class JointEvaluator:
    """An ensemble of (φ, ρ) that predicts normalised scores from raw samples.

    Attributes:
        space: of the architectures.
        settings: that it was made with.
        params: {"generator": ..., "evaluator": ...}, every leaf with a leading axis of E members.
        scaler: of the statistical meta-features.
        size: of the samples that it reads.
        catalogue: digest of them; "" where they are the user's own, or not read.
        card: how it was made, plain data for people.
    """

    space: MixtureSpace
    settings: JointSettings
    params: dict
    scaler: Scaler
    size: SampleSize
    catalogue: str = ""
    card: Mapping = dataclasses.field(default_factory=dict)

    @property
    def members(self) -> int:
        return len(jax.tree.leaves(self.params)[0])

    def embed(self, samples: Samples) -> Float[np.ndarray, "E K"]:
        """The learned meta-features of one task, as each member sees them.

        Raises:
            UserError: the samples are of another size.
        """
        return np.asarray(_embed(self.settings, self.params, self._fitting(samples)))

    def predict(
        self, samples: Samples, u: Float[np.ndarray, "n D"], z: Float[np.ndarray, " M"] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation over the members of the normalised score, (n,) each.

        Args:
            samples: of the task, see `draw_samples`.
            u: points of the space.
            z: statistical meta-features; needed where they stand beside the learned ones.

        Raises:
            UserError: the samples are of another size, or statistical meta-features are needed and not given.
        """
        if self.settings.beside and z is None:
            raise UserError("This evaluator reads statistical meta-features too. Pass z=vector(task).")
        scaled = self.scaler(z) if self.settings.beside else np.zeros(0)
        scaled, u = jnp.asarray(scaled, jnp.float32), jnp.asarray(u, jnp.float32)
        each = np.asarray(_predict(self.space, self.settings, self.params, self._fitting(samples), scaled, u))
        return each.mean(0), each.std(0)

    def _fitting(self, samples: Samples) -> Samples:
        if samples.size != self.size:
            raise UserError(
                f"The samples are of size {dataclasses.astuple(samples.size)}; this evaluator reads "
                f"{dataclasses.astuple(self.size)}. Draw them anew: "
                "draw_samples(task, **vars(evaluator.size))."
            )
        return _on_device(samples)


def fit_jointly(
    space: MixtureSpace,
    known: TrainingData,
    samples: Mapping[str, Samples],
    settings: JointSettings | None = None,
    *,
    seed: int = 0,
) -> JointEvaluator:
    """Learn to predict the normalised score from raw samples and u.

    Every step sees other rows, columns and outputs of its tasks: a task is never twice the same.

    Args:
        space: of the architectures.
        known: T tasks and their scores.
        samples: of each of them, by the digest of the task; all of one size. Others are not read.
        settings: the default ones if None.
        seed: of first weights, of the tasks drawn for each member, and of the order of learning.

    Raises:
        UserError: samples of a task are missing, or the settings do not do, see `check_joint`.
    """
    keep_compiled()
    settings = check_joint(settings or JointSettings())
    learner, scaler = settings.evaluator, Scaler.fit(known.z)
    there = _on_device(_samples_of(known, samples))
    statistics = scaler(known.z) if settings.beside else np.zeros((len(known.z), 0))
    z = jnp.asarray(statistics, jnp.float32)
    u = jnp.asarray(architecture_features(space, known.u), jnp.float32)
    rngs = np.random.default_rng(seed).spawn(learner.members)
    batches = [draw_batches(learner, rng, known.target.shape, z.shape[1]) for rng in rngs]
    parts = [draw_parts(settings, there, rng, now.tasks) for rng, now in zip(rngs, batches, strict=True)]
    params = [first_params(settings, rng, there.size, (z.shape[1], u.shape[1])) for rng in rngs]
    facts = Facts(there, z, u, truths(known, learner))
    learned = _learn_all(settings, stacked(params), stacked(batches), stacked(parts), facts)
    return JointEvaluator(space, settings, jax.tree.map(np.asarray, learned), scaler, there.size)


def check_joint(settings: JointSettings) -> JointSettings:
    """The settings themselves.

    Raises:
        UserError: a name is unknown, a number is out of range, or the generator needs all in its place.
    """
    generator_named(settings.generator)
    network_named(settings.evaluator.network)
    if settings.rows_per_step < 1:
        raise UserError(f"Setting rows_per_step={settings.rows_per_step} is too small. Give 1 or more.")
    for name in ("columns_per_step", "outputs_per_step"):
        value = getattr(settings, name)
        if value < 0:
            raise UserError(f"Setting {name}={value} is negative. Give a number, or 0 for all.")
        if value and settings.generator == "published":
            raise UserError(
                f"Setting {name}={value}, but the generator 'published' reads every column in its place. "
                "Give 0, or generator=dataset2vec."
            )
    return settings


class Facts(NamedTuple):
    """All that is learned from: T tasks, A architectures.

    Attributes:
        samples: (T, ...) each.
        z: scaled statistical meta-features, (T, M); M is 0 where none are read.
        u: features of the architectures, (A, F).
        truth: see `Truths`.
    """

    samples: Samples
    z: Array
    u: Array
    truth: Truths


class Parts(NamedTuple):
    """Which r rows, c columns and o outputs of each of t tasks are seen in each of S steps, (S, t, ...)."""

    rows: np.ndarray
    columns: np.ndarray
    outputs: np.ndarray

    def of(self, samples: Samples, tasks: Array) -> Samples:
        """Samples of T tasks → those of t tasks (t,) in one step."""
        here = tasks[:, None]
        x = samples.x[here[:, :, None], self.rows[:, :, None], self.columns[:, None, :]]
        y = samples.y[here[:, :, None], self.rows[:, :, None], self.outputs[:, None, :]]
        masks = (samples.rows[here, self.rows], samples.columns[here, self.columns])
        return Samples(x, y, *masks, samples.outputs[here, self.outputs])


def draw_parts(
    settings: JointSettings, samples: Samples, rng: np.random.Generator, tasks: np.ndarray
) -> Parts:
    """Drawn with replacement among what each of the tasks (S, t) has, or everything in its place."""

    def draw(there: Array, count: int) -> np.ndarray:
        if not count:
            return np.broadcast_to(np.arange(there.shape[1], dtype=np.int32), (*tasks.shape, there.shape[1]))
        held = np.asarray(there).sum(1)[tasks]
        return (rng.random((*tasks.shape, count)) * held[..., None]).astype(np.int32)

    return Parts(
        draw(samples.rows, settings.rows_per_step),
        draw(samples.columns, settings.columns_per_step),
        draw(samples.outputs, settings.outputs_per_step),
    )


@functools.partial(jax.jit, static_argnames="settings")
def _learn_all(settings: JointSettings, params: dict, batches: Batches, parts: Parts, facts: Facts) -> dict:
    return jax.vmap(lambda *member: _learn(settings, *member, facts))(params, batches, parts)


def _learn(settings: JointSettings, params: dict, batches: Batches, parts: Parts, facts: Facts) -> dict:
    """Parameters of one member."""
    rule = optimizer(settings.evaluator)

    def objective(params: dict, now: Batches, part: Parts) -> Array:
        learned = jax.vmap(lambda one: _generated(settings, params, one))(part.of(facts.samples, now.tasks))
        z = jnp.concatenate([facts.z[now.tasks] * now.seen + now.noise, learned], axis=1)
        wanted = facts.truth.drawn(now.tasks, now.architectures)
        return mean_loss(params["evaluator"], settings.evaluator, z, facts.u[now.architectures], wanted)

    def step(state, now):
        params, optimizer_state = state
        updates, optimizer_state = rule.update(jax.grad(objective)(params, *now), optimizer_state, params)
        return (optax.apply_updates(params, updates), optimizer_state), None

    (params, _), _ = jax.lax.scan(step, (params, rule.init(params)), (batches, parts))
    return params


def first_params(
    settings: JointSettings, rng: np.random.Generator, size: SampleSize, widths: tuple[int, int]
) -> dict:
    """First weights of a member, for samples of a size; `widths` are those of z and u."""
    generator, network = generator_named(settings.generator), network_named(settings.evaluator.network)
    bare = _nothing(size)
    first = first_weights(rng, lambda key: generator.init(key, bare))
    learned = jax.eval_shape(lambda: generator.apply({"params": first}, bare))
    z, u = (np.zeros(width, np.float32) for width in (widths[0] + len(learned), widths[1]))
    return {"generator": first, "evaluator": first_weights(rng, lambda key: network.init(key, z, u))}


def _nothing(size: SampleSize) -> Samples:
    """Samples without a row."""
    r, c, o = dataclasses.astuple(size)
    masks = (np.zeros(count, bool) for count in (r, c, o))
    return Samples(np.zeros((r, c), np.float32), np.zeros((r, o), np.float32), *masks)


def _generated(settings: JointSettings, params: dict, samples: Samples) -> Array:
    return generator_named(settings.generator).apply({"params": params["generator"]}, samples)


@functools.partial(jax.jit, static_argnames="settings")
def _embed(settings: JointSettings, params: dict, samples: Samples) -> Array:
    return jax.lax.map(lambda member: _generated(settings, member, samples), params)


@functools.partial(jax.jit, static_argnames=("space", "settings"))
def _predict(
    space: MixtureSpace, settings: JointSettings, params: dict, samples: Samples, scaled: Array, u: Array
) -> Array:
    """Of each member for each point, (E, n)."""
    features = jax.vmap(functools.partial(features_of, space))(u)
    network = network_named(settings.evaluator.network)

    def member(params: dict) -> Array:
        z = jnp.concatenate([scaled, _generated(settings, params, samples)])
        return jax.vmap(lambda u: network.apply({"params": params["evaluator"]}, z, u))(features)

    return jax.lax.map(member, params)


def _samples_of(known: TrainingData, samples: Mapping[str, Samples]) -> Samples:
    """Of the tasks of the training data, in their order."""
    missing = [n for n, digest in zip(known.names, known.digests, strict=True) if digest not in samples]
    if missing:
        raise UserError(
            f"There are no samples of {len(missing)} tasks ({', '.join(missing[:5])}). Draw them with "
            "draw_samples(task), and pass them by task.digest."
        )
    return stack_samples(samples[digest] for digest in known.digests)


def _on_device(samples: Samples) -> Samples:
    return jax.tree.map(jnp.asarray, samples)
