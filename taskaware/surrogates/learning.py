"""Training networks on experience; all random draws are made on the host, beforehand."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from taskaware.arrays import as_jax
from taskaware.spaces import Space
from taskaware.surrogates.losses import loss_named
from taskaware.surrogates.networks import network_named
from taskaware.surrogates.settings import EvaluatorSettings
from taskaware.surrogates.training_data import architecture_features
from taskaware.surrogates.triplets import AnyData


def learn_networks(
    space: Space,
    data: AnyData,
    x: Float[np.ndarray, "T M"],
    settings: EvaluatorSettings,
    seed: int,
) -> dict:
    """Parameters of E members, every leaf with an axis of members in front.

    Args:
        space: of the architectures.
        data: T tasks and their scores.
        x: scaled meta-features of the tasks.
        settings: of the network and its training.
        seed: of initial weights and all draws.
    """
    z = as_jax(x, np.float32)
    u = as_jax(architecture_features(space, data.u), np.float32)
    rngs = np.random.default_rng(seed).spawn(settings.members)
    batches = [draw_batches(settings, rng, data, z.shape[1]) for rng in rngs]
    network = network_named(settings.network)
    params = [first_weights(rng, lambda key: network.init(key, z[0], u[0])) for rng in rngs]
    return _learn_all(settings, stacked(params), stacked(batches), z, u)


class Truths(NamedTuple):
    """True scores of t tasks in each of S steps, and their weights.

    Attributes:
        target: of a architectures of each task, (S, t, a); NaN where there is none.
        gap: smallest difference of two targets that a pairwise loss counts, (S, t).
        weight: of the task in the loss, with mean 1 over all tasks, (S, t).
    """

    target: np.ndarray
    gap: np.ndarray
    weight: np.ndarray


def gaps_and_weights(data: AnyData, settings: EvaluatorSettings) -> tuple[np.ndarray, np.ndarray]:
    """Gap and weight of each task, (T,) each; see `Truths`.

    A task of unknown noise gets the median noise; if the noise of every task is unknown, it is 0.
    """
    noise = data.noise / data.spread
    shown = noise[~np.isnan(noise)]
    noise = np.where(np.isnan(noise), np.median(shown) if len(shown) else 0.0, noise)
    # Inverse to the variance: optimal for a squared error with an intrinsic deviation of one spread (Aitken
    # 1936).
    weight = 1 / (1 + noise**2) if settings.noise_weights else np.ones(len(noise))
    columns = (settings.gap + settings.noise_gap * noise, weight / weight.mean())
    gap, share = (np.asarray(column, np.float32) for column in columns)
    return gap, share


class Batches(NamedTuple):
    """Batches of a member for S steps, drawn beforehand because compiled draws would cost more.

    Attributes:
        tasks: t of them in a step, (S, t).
        architectures: a of each of these tasks, (S, t, a).
        shown: factor of each meta-feature, 0 where it is hidden, (S, t, M).
        noise: added to it, (S, t, M).
        truth: true scores of these architectures.
    """

    tasks: np.ndarray
    architectures: np.ndarray
    shown: np.ndarray
    noise: np.ndarray
    truth: Truths


@functools.partial(jax.jit, static_argnames="settings")
def _learn_all(settings: EvaluatorSettings, params: dict, batches: Batches, z: Array, u: Array) -> dict:
    return jax.vmap(lambda params, batches: _learn(settings, params, batches, z, u))(params, batches)


def _learn(
    settings: EvaluatorSettings,
    params: dict,
    batches: Batches,
    z: Float[Array, "T M"],
    u: Float[Array, "A F"],
) -> dict:
    """Parameters of one member."""

    def objective(params: dict, now: Batches) -> Array:
        blurred = z[now.tasks] * now.shown + now.noise
        return mean_loss(params, settings, blurred, u[now.architectures], now.truth)

    return descended(optimizer(settings), objective, params, (batches,))


def descended(
    rule: optax.GradientTransformation, objective: Callable[..., Array], params: dict, batches: tuple
) -> dict:
    """Parameters after a step of gradient descent on each batch.

    Args:
        rule: turns gradients into steps.
        objective: (params, batch, ...) → what is made small.
        params: to begin with.
        batches: what the objective reads beside the parameters, each with an axis of S steps in front.
    """

    def step(state, now):
        params, optimizer_state = state
        updates, optimizer_state = rule.update(jax.grad(objective)(params, *now), optimizer_state, params)
        return (optax.apply_updates(params, updates), optimizer_state), None

    (params, _), _ = jax.lax.scan(step, (params, rule.init(params)), batches)
    return params


def mean_loss(params: dict, settings: EvaluatorSettings, z: Array, u: Array, truth: Truths) -> Array:
    """Weighted mean of the loss over the tasks of one step.

    Args:
        params: of the network.
        settings: name it and the loss.
        z: features of each task, (t, K).
        u: features of the architectures, (t, a, F).
        truth: of this step.
    """
    network, loss = network_named(settings.network), loss_named(settings.loss)

    def one(z, u, target, gap):
        predicted = jax.vmap(lambda u: network.apply({"params": params}, z, u))(u)
        present = ~jnp.isnan(target)
        return loss(cast(Array, predicted), jnp.where(present, target, 0.0), present, gap)

    return (truth.weight * jax.vmap(one)(z, u, truth.target, truth.gap)).mean()


def draw_batches(
    settings: EvaluatorSettings, rng: np.random.Generator, data: AnyData, features: int
) -> Batches:
    """The batches of a member.

    A single member is trained on all tasks; each member of an ensemble on its own draw with replacement. Some
    meta-features are hidden (set to 0, their median) in every step, so that the network does not rely on one.

    Args:
        settings: of the training.
        rng: that draws.
        data: T tasks.
        features: number of meta-features, M.
    """
    count, size = len(data.names), (settings.steps, settings.tasks_per_step)
    own = rng.integers(0, count, count) if settings.members > 1 else np.arange(count)
    shown = rng.random((*size, features), np.float32) >= settings.hidden
    tasks = own[rng.integers(0, count, size)].astype(np.int32)
    architectures, target = data.draw(rng, tasks, settings.architectures_per_step)
    gap, weight = gaps_and_weights(data, settings)
    return Batches(
        tasks=tasks,
        architectures=architectures,
        shown=(shown / (1 - settings.hidden)).astype(np.float32),
        noise=settings.jitter * rng.standard_normal((*size, features), np.float32),
        truth=Truths(target, gap[tasks], weight[tasks]),
    )


def first_weights(rng: np.random.Generator, init: Callable[[Array], Any]) -> dict:
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
