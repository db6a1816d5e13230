"""Learning an evaluator from experience."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
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
    loss: str = "combined"
    # Members of the ensemble; each learns from tasks drawn with replacement.
    members: int = 8
    # Optimizer steps.
    steps: int = 1500
    # Tasks in a step.
    tasks_per_step: int = 16
    # Architectures of each of these tasks in a step.
    architectures_per_step: int = 48
    # "adam" or "sgd" (with momentum 0.5, as published).
    optimizer: str = "adam"
    # Peak learning rate; falls to zero along a cosine.
    learning_rate: float = 2e-3
    # Decoupled weight decay (adam only).
    weight_decay: float = 1e-2
    # Standard deviation of the noise added to the scaled meta-features in training.
    jitter: float = 0.1
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
    keys = jax.random.split(jax.random.key(seed), settings.members)
    params = _learn_all(settings, keys, z, u, target)
    return Evaluator(space, settings.network, params, scaler, TaskLevel.fit(known, scaler), known)


@functools.partial(jax.jit, static_argnames="settings")
def _learn_all(settings: EvaluatorSettings, keys: Array, z: Array, u: Array, target: Array) -> dict:
    return jax.vmap(lambda key: _learn(settings, key, z, u, target))(keys)


def _learn(
    settings: EvaluatorSettings,
    key: Array,
    z: Float[Array, "T M"],
    u: Float[Array, "A F"],
    target: Float[Array, "T A"],
) -> dict:
    """Parameters of one member."""
    init_key, tasks_key, steps_key = jax.random.split(key, 3)
    network, rule = network_named(settings.network), _optimizer(settings)
    params = network.init(init_key, z[0], u[0])["params"]
    own_tasks = _own_tasks(settings, tasks_key, len(z))

    def step(state, step_key):
        params, optimizer_state = state
        batch_key, noise_key, drop_key = jax.random.split(step_key, 3)
        tasks, members = _batch(settings, batch_key, own_tasks, target.shape)
        noisy = z[tasks] + settings.jitter * jax.random.normal(noise_key, (len(tasks), z.shape[1]))
        gradient = jax.grad(_loss)(
            params, settings, noisy, u[members], target[tasks[:, None], members], drop_key
        )
        updates, optimizer_state = rule.update(gradient, optimizer_state, params)
        return (optax.apply_updates(params, updates), optimizer_state), None

    state = (params, rule.init(params))
    (params, _), _ = jax.lax.scan(step, state, jax.random.split(steps_key, settings.steps))
    return params


def _loss(params: dict, settings: EvaluatorSettings, z: Array, u: Array, target: Array, key: Array) -> Array:
    """Mean loss over tasks: z (t, M), u (t, a, F), target (t, a) with NaN where there is no score."""
    network, loss = network_named(settings.network), loss_named(settings.loss)

    def one(z, u, target, key):
        rngs = {"dropout": key}
        predicted = jax.vmap(lambda u: network.apply({"params": params}, z, u, True, rngs=rngs))(u)
        known = ~jnp.isnan(target)
        return loss(predicted, jnp.where(known, target, 0.0), known, settings.gap)

    return jax.vmap(one)(z, u, target, jax.random.split(key, len(z))).mean()


def _own_tasks(settings: EvaluatorSettings, key: Array, count: int) -> Array:
    """The tasks a member learns from: all, or a draw with replacement where there are several members."""
    drawn = jax.random.randint(key, (count,), 0, count)
    return drawn if settings.members > 1 else jnp.arange(count)


def _batch(settings: EvaluatorSettings, key: Array, own_tasks: Array, shape: tuple) -> tuple[Array, Array]:
    task_key, member_key = jax.random.split(key)
    tasks = jax.random.choice(task_key, own_tasks, (settings.tasks_per_step,))
    size = (settings.tasks_per_step, settings.architectures_per_step)
    return tasks, jax.random.randint(member_key, size, 0, shape[1])


def _optimizer(settings: EvaluatorSettings) -> optax.GradientTransformation:
    rate = optax.cosine_decay_schedule(settings.learning_rate, settings.steps)
    if settings.optimizer == "sgd":
        return optax.sgd(rate, momentum=0.5)
    return optax.adamw(rate, weight_decay=settings.weight_decay)
