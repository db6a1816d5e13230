"""Learning an evaluator from experience."""

import dataclasses
import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from taskaware.compilation import keep_compiled
from taskaware.evaluator.evaluator import Evaluator, Scaler, TaskLevel
from taskaware.evaluator.lessons import Lessons, architecture_features
from taskaware.evaluator.losses import loss_named
from taskaware.evaluator.networks import network_named
from taskaware.spaces import MixtureSpace


@dataclasses.dataclass(frozen=True)
class EvaluatorSettings:
    """How an evaluator is made; the `PUBLISHED` ones follow the seed document, the default is our own."""

    # Name of the network.
    network: str = "bilinear"
    # Name of the loss.
    loss: str = "squared"
    # Members of the ensemble; each learns from tasks drawn with replacement.
    members: int = 8
    # Optimizer steps.
    steps: int = 800
    # Tasks in a step.
    tasks_per_step: int = 12
    # Architectures of each of these tasks in a step.
    architectures_per_step: int = 32
    # "adam" or "sgd" (with momentum 0.5, as published).
    optimizer: str = "adam"
    # Peak learning rate; falls to zero along a cosine.
    learning_rate: float = 2e-3
    # Decoupled weight decay (adam only).
    weight_decay: float = 1e-2
    # Standard deviation of the noise added to the scaled meta-features in training.
    jitter: float = 0.1
    # Share of the meta-features that is hidden from each step of training.
    hidden: float = 0.2
    # Least difference of normalised scores that a pairwise loss counts.
    gap: float = 0.1


PUBLISHED = EvaluatorSettings(
    network="published",
    loss="squared",
    members=1,
    optimizer="sgd",
    learning_rate=1e-2,
    weight_decay=0.0,
    jitter=0.0,
    hidden=0.0,
)


def fit_evaluator(
    space: MixtureSpace, known: Lessons, settings: EvaluatorSettings | None = None, *, seed: int = 0
) -> Evaluator:
    """Learn to predict the normalised score from (z, u).

    Args:
        space: of the architectures.
        known: T tasks and their scores.
        settings: the default ones if None.
        seed: of the first weights, of the tasks drawn for each member, and of the order of learning.

    Returns:
        The ensemble, with what it knows about its own tasks.
    """
    keep_compiled()
    settings = settings or EvaluatorSettings()
    scaler = Scaler.fit(known.z)
    z = jnp.asarray(scaler(known.z), jnp.float32)
    u = jnp.asarray(architecture_features(space, known.u), jnp.float32)
    target = jnp.asarray(known.target, jnp.float32)
    rngs = np.random.default_rng(seed).spawn(settings.members)
    batches = [_batches(settings, rng, known.target.shape, z.shape[1]) for rng in rngs]
    params = [_first_params(settings, rng, z[0], u[0]) for rng in rngs]
    learned = _learn_all(settings, _stacked(params), _stacked(batches), z, u, target)
    return Evaluator(space, settings.network, learned, scaler, TaskLevel.fit(known, scaler), known)


class Batches(NamedTuple):
    """What a member sees in each of S steps, drawn beforehand: compiled draws would cost more than learning.

    Attributes:
        tasks: t of them in a step, (S, t).
        architectures: a of each of these tasks, (S, t, a).
        seen: factor of each meta-feature, 0 where it is hidden, (S, t, M).
        noise: added to it, (S, t, M).
    """

    tasks: np.ndarray
    architectures: np.ndarray
    seen: np.ndarray
    noise: np.ndarray


@functools.partial(jax.jit, static_argnames="settings")
def _learn_all(
    settings: EvaluatorSettings, params: dict, batches: Batches, z: Array, u: Array, target: Array
) -> dict:
    return jax.vmap(lambda params, batches: _learn(settings, params, batches, z, u, target))(params, batches)


def _learn(
    settings: EvaluatorSettings,
    params: dict,
    batches: Batches,
    z: Float[Array, "T M"],
    u: Float[Array, "A F"],
    target: Float[Array, "T A"],
) -> dict:
    """Parameters of one member."""
    rule = _optimizer(settings)

    def step(state, now: Batches):
        params, optimizer_state = state
        blurred = z[now.tasks] * now.seen + now.noise
        wanted = target[now.tasks[:, None], now.architectures]
        gradient = jax.grad(_loss)(params, settings, blurred, u[now.architectures], wanted)
        updates, optimizer_state = rule.update(gradient, optimizer_state, params)
        return (optax.apply_updates(params, updates), optimizer_state), None

    (params, _), _ = jax.lax.scan(step, (params, rule.init(params)), batches)
    return params


def _loss(params: dict, settings: EvaluatorSettings, z: Array, u: Array, target: Array) -> Array:
    """Mean loss over tasks: z (t, M), u (t, a, F), target (t, a) with NaN where there is no score."""
    network, loss = network_named(settings.network), loss_named(settings.loss)

    def one(z, u, target):
        predicted = jax.vmap(lambda u: network.apply({"params": params}, z, u))(u)
        known = ~jnp.isnan(target)
        return loss(predicted, jnp.where(known, target, 0.0), known, settings.gap)

    return jax.vmap(one)(z, u, target).mean()


def _batches(
    settings: EvaluatorSettings, rng: np.random.Generator, shape: tuple[int, int], features: int
) -> Batches:
    """For T tasks and A architectures.

    A lone member learns from all tasks; a member of an ensemble from a draw with replacement of its own. Some
    meta-features are hidden in every step (0 is their median), so that none is relied on alone.
    """
    count, size = shape[0], (settings.steps, settings.tasks_per_step)
    own = rng.integers(0, count, count) if settings.members > 1 else np.arange(count)
    kept = rng.random((*size, features), np.float32) >= settings.hidden
    return Batches(
        tasks=own[rng.integers(0, count, size)].astype(np.int32),
        architectures=rng.integers(0, shape[1], (*size, settings.architectures_per_step), np.int32),
        seen=(kept / (1 - settings.hidden)).astype(np.float32),
        noise=settings.jitter * rng.standard_normal((*size, features), np.float32),
    )


def _first_params(settings: EvaluatorSettings, rng: np.random.Generator, z: Array, u: Array) -> dict:
    """First weights of a member: normal with variance 1 / fan-in (LeCun et al. 1998); biases 0."""
    network = network_named(settings.network)
    shapes = jax.eval_shape(lambda: network.init(jax.random.key(0), z, u)["params"])

    def draw(leaf):
        if leaf.ndim == 1:
            return np.zeros(leaf.shape, np.float32)
        return rng.standard_normal(leaf.shape, np.float32) / np.float32(leaf.shape[0] ** 0.5)

    return jax.tree.map(draw, shapes)


def _stacked(trees: list) -> object:
    return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)


def _optimizer(settings: EvaluatorSettings) -> optax.GradientTransformation:
    rate = optax.cosine_decay_schedule(settings.learning_rate, settings.steps)
    if settings.optimizer == "sgd":
        return optax.sgd(rate, momentum=0.5)
    return optax.adamw(rate, weight_decay=settings.weight_decay)
