"""Training the feature generator φ and the evaluator ρ together, on one objective."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from taskaware.arrays import EitherArray, as_jax
from taskaware.errors import UserError
from taskaware.modalities.tables.samples import Samples, SampleSize, stack_samples
from taskaware.spaces import Space
from taskaware.surrogates.generator import generator_named
from taskaware.surrogates.joint_settings import JointSettings
from taskaware.surrogates.learning import (
    Batches,
    descended,
    draw_batches,
    first_weights,
    mean_loss,
    optimizer,
    stacked,
)
from taskaware.surrogates.networks import network_named
from taskaware.surrogates.training_data import architecture_features
from taskaware.surrogates.triplets import AnyData


def learn_jointly(
    space: Space,
    data: AnyData,
    x: Float[np.ndarray, "T M"],
    samples: Samples,
    settings: JointSettings,
    seed: int,
) -> dict:
    """Parameters {"generator": ..., "evaluator": ...} of E members, with an axis of members in front.

    Every step reads a new sample of rows, columns and outputs of its tasks.

    Args:
        space: of the architectures.
        data: T tasks and their scores.
        x: scaled statistical meta-features of the tasks; M is 0 where none are read.
        samples: of the tasks, with an axis of T in front.
        settings: of both networks.
        seed: of initial weights and all draws.
    """
    learner, there = settings.evaluator, on_device(samples)
    u = as_jax(architecture_features(space, data.u), np.float32)
    facts = Facts(there, as_jax(x, np.float32), u)
    rngs = np.random.default_rng(seed).spawn(learner.members)
    batches = [draw_batches(learner, rng, data, x.shape[1]) for rng in rngs]
    parts = [draw_parts(settings, there, rng, now.tasks) for rng, now in zip(rngs, batches, strict=True)]
    params = [first_params(settings, rng, there.size, (x.shape[1], u.shape[1])) for rng in rngs]
    learned = _learn_all(settings, stacked(params), stacked(batches), stacked(parts), facts)
    return jax.tree.map(np.asarray, learned)


class Facts(NamedTuple):
    """Inputs of every member: T tasks, A architectures.

    Attributes:
        samples: (T, ...) each.
        z: scaled statistical meta-features, (T, M); M is 0 where none are read.
        u: features of the architectures, (A, F).
    """

    samples: Samples
    z: Array
    u: Array


class Parts(NamedTuple):
    """Positions of the r rows, c columns and o outputs of each of t tasks in each of S steps, (S, t, ...)."""

    rows: np.ndarray
    columns: np.ndarray
    outputs: np.ndarray

    def of(self, samples: Samples, tasks: Array | np.ndarray) -> Samples:
        """Samples of T tasks → those of t tasks (t,) in one step."""
        here = tasks[:, None]
        x = samples.x[here[:, :, None], self.rows[:, :, None], self.columns[:, None, :]]
        y = samples.y[here[:, :, None], self.rows[:, :, None], self.outputs[:, None, :]]
        masks = (samples.rows[here, self.rows], samples.columns[here, self.columns])
        return Samples(x, y, *masks, samples.outputs[here, self.outputs])


def draw_parts(
    settings: JointSettings, samples: Samples, rng: np.random.Generator, tasks: np.ndarray
) -> Parts:
    """Positions drawn with replacement from each task, or all positions in order.

    Args:
        settings: how many of each in a step.
        samples: of T tasks.
        rng: that draws.
        tasks: in each step, (S, t).
    """

    def draw(there: EitherArray, count: int) -> np.ndarray:
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
    learn = functools.partial(_learn, settings, facts=facts)
    return jax.vmap(learn)(params, batches, parts)


def _learn(settings: JointSettings, params: dict, batches: Batches, parts: Parts, facts: Facts) -> dict:
    """Parameters of one member."""

    def objective(params: dict, now: Batches, part: Parts) -> Array:
        learned = jax.vmap(lambda one: generated(settings, params, one))(part.of(facts.samples, now.tasks))
        z = jnp.concatenate([facts.z[now.tasks] * now.shown + now.noise, learned], axis=1)
        u = facts.u[now.architectures]
        return mean_loss(params["evaluator"], settings.evaluator, z, u, now.truth)

    return descended(optimizer(settings.evaluator), objective, params, (batches, parts))


def first_params(
    settings: JointSettings, rng: np.random.Generator, size: SampleSize, widths: tuple[int, int]
) -> dict:
    """Initial weights of a member.

    Args:
        settings: name the networks.
        rng: that draws.
        size: of the samples.
        widths: lengths of z and of u.
    """
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


def generated(settings: JointSettings, params: dict, samples: Samples) -> Array:
    """Learned meta-features of one task, (K,).

    Args:
        settings: of the generator.
        params: weights of one member.
        samples: raw rows of the task.
    """
    found = generator_named(settings.generator).apply({"params": params["generator"]}, samples)
    return cast(Array, found)


def samples_of(data: AnyData, samples: Mapping[str, Samples]) -> Samples:
    """Samples of the tasks of the training data, in their order.

    Raises:
        UserError: some are missing.
    """
    missing = [n for n, digest in zip(data.names, data.digests, strict=True) if digest not in samples]
    if missing:
        raise UserError(
            f"There are no samples of {len(missing)} tasks ({', '.join(missing[:5])}). Draw them with "
            "draw_samples(task), and pass them by task.digest."
        )
    return stack_samples(samples[digest] for digest in data.digests)


def on_device(samples: Samples) -> Samples:
    """The samples as JAX arrays."""
    return jax.tree.map(as_jax, samples)
