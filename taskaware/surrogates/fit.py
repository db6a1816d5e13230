"""Learning an evaluator from experience."""

import dataclasses
import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float
from threadpoolctl import threadpool_limits

from taskaware.compilation import keep_compiled
from taskaware.spaces import MixtureSpace
from taskaware.surrogates.evaluator import Evaluator, Scaler, TaskLevel
from taskaware.surrogates.gp import Process
from taskaware.surrogates.gp_data import GPData
from taskaware.surrogates.kernel import Kernel, learn_kernel
from taskaware.surrogates.losses import loss_named
from taskaware.surrogates.networks import PROCESS, network_named
from taskaware.surrogates.training_data import TrainingData, architecture_features


@dataclasses.dataclass(frozen=True)
class EvaluatorSettings:
    """How an evaluator is made; the `PUBLISHED` ones follow the seed document, the default is our own."""

    # Name of the network; "process" for a Gaussian process, which reads nothing of what follows.
    network: str = "process"
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
    # Multiples of a task's noise, as its seeds show it, that are added to the gap.
    noise_gap: float = 0.0
    # Whether a task counts the less, the noisier its scores are.
    noise_weights: bool = False


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
    space: MixtureSpace, known: TrainingData, settings: EvaluatorSettings | None = None, *, seed: int = 0
) -> Evaluator:
    """Learn to predict the normalised score from (z, u).

    Args:
        space: of the architectures.
        known: T tasks and their scores.
        settings: the default ones if None.
        seed: of the first weights, of the tasks drawn for each member, and of the order of learning.

    Returns:
        The evaluator, with what it knows about its own tasks.

    Raises:
        UserError: a network or loss is unknown; the nearest name is given.
    """
    keep_compiled()
    settings = settings or EvaluatorSettings()
    scaler = Scaler.fit(known.z)
    level = TaskLevel.fit(known, scaler)
    if settings.network == PROCESS:
        seen = GPData.of(space, known, scaler(known.z))
        with threadpool_limits(1):
            # As it is saved, so that what is read again answers alike.
            kernel = Kernel(*(np.float64(np.float32(part)) for part in learn_kernel(seen)))
            weights = Process.fit(seen, kernel).weights.astype(np.float32)
        return Evaluator(space, PROCESS, {**kernel._asdict(), "weights": weights}, scaler, level, known)
    z = jnp.asarray(scaler(known.z), jnp.float32)
    u = jnp.asarray(architecture_features(space, known.u), jnp.float32)
    truth = truths(known, settings)
    rngs = np.random.default_rng(seed).spawn(settings.members)
    batches = [draw_batches(settings, rng, known.target.shape, z.shape[1]) for rng in rngs]
    network = network_named(settings.network)
    params = [first_weights(rng, lambda key: network.init(key, z[0], u[0])) for rng in rngs]
    learned = _learn_all(settings, stacked(params), stacked(batches), z, u, truth)
    return Evaluator(space, settings.network, learned, scaler, level, known)


class Truths(NamedTuple):
    """What is true of T tasks, and how much it counts.

    Attributes:
        target: of A architectures, (T, A); NaN where there is none.
        gap: least difference of two targets that a pairwise loss counts, (T,).
        weight: of the task in the loss, with mean 1, (T,).
    """

    target: Array
    gap: Array
    weight: Array

    def drawn(self, tasks: Array, architectures: Array) -> "Truths":
        """Of t tasks (t,), and of each the architectures of a row (t, a)."""
        return Truths(self.target[tasks[:, None], architectures], self.gap[tasks], self.weight[tasks])


def truths(known: TrainingData, settings: EvaluatorSettings) -> Truths:
    """The targets of the training data, with the gaps and weights that the settings ask for.

    A task of unknown noise is taken to be as noisy as the median task; where every task is one, to have none.
    """
    noise = known.noise / known.spread
    shown = noise[~np.isnan(noise)]
    noise = np.where(np.isnan(noise), np.median(shown) if len(shown) else 0.0, noise)
    # Best for a squared error whose own part is one spread: inverse to the variance (Aitken 1936).
    weight = 1 / (1 + noise**2) if settings.noise_weights else np.ones(len(noise))
    columns = (known.target, settings.gap + settings.noise_gap * noise, weight / weight.mean())
    return Truths(*(jnp.asarray(column, jnp.float32) for column in columns))


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
    settings: EvaluatorSettings, params: dict, batches: Batches, z: Array, u: Array, truth: Truths
) -> dict:
    return jax.vmap(lambda params, batches: _learn(settings, params, batches, z, u, truth))(params, batches)


def _learn(
    settings: EvaluatorSettings,
    params: dict,
    batches: Batches,
    z: Float[Array, "T M"],
    u: Float[Array, "A F"],
    truth: Truths,
) -> dict:
    """Parameters of one member."""
    rule = optimizer(settings)

    def step(state, now: Batches):
        params, optimizer_state = state
        blurred = z[now.tasks] * now.seen + now.noise
        wanted = truth.drawn(now.tasks, now.architectures)
        gradient = jax.grad(mean_loss)(params, settings, blurred, u[now.architectures], wanted)
        updates, optimizer_state = rule.update(gradient, optimizer_state, params)
        return (optax.apply_updates(params, updates), optimizer_state), None

    (params, _), _ = jax.lax.scan(step, (params, rule.init(params)), batches)
    return params


def mean_loss(params: dict, settings: EvaluatorSettings, z: Array, u: Array, truth: Truths) -> Array:
    """Weighted mean of the loss over tasks: z (t, M), u (t, a, F)."""
    network, loss = network_named(settings.network), loss_named(settings.loss)

    def one(z, u, target, gap):
        predicted = jax.vmap(lambda u: network.apply({"params": params}, z, u))(u)
        known = ~jnp.isnan(target)
        return loss(predicted, jnp.where(known, target, 0.0), known, gap)

    return (truth.weight * jax.vmap(one)(z, u, truth.target, truth.gap)).mean()


def draw_batches(
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


def first_weights(rng: np.random.Generator, init: Callable[[Array], dict]) -> dict:
    """First parameters of what a Flax module's `init` makes, without compiling it.

    Normal with variance 1 / fan-in (LeCun et al. 1998); biases 0.
    """
    shapes = jax.eval_shape(lambda: init(jax.random.key(0))["params"])

    def draw(leaf):
        if leaf.ndim == 1:
            return np.zeros(leaf.shape, np.float32)
        return rng.standard_normal(leaf.shape, np.float32) / np.float32(leaf.shape[0] ** 0.5)

    return jax.tree.map(draw, shapes)


def stacked(trees: list) -> object:
    """Pytrees of members as one, every leaf with an axis of members in front."""
    return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)


def optimizer(settings: EvaluatorSettings) -> optax.GradientTransformation:
    """The rule that turns gradients into steps."""
    rate = optax.cosine_decay_schedule(settings.learning_rate, settings.steps)
    if settings.optimizer == "sgd":
        return optax.sgd(rate, momentum=0.5)
    return optax.adamw(rate, weight_decay=settings.weight_decay)
