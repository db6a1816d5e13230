"""What the feature generator φ learns without any score: whether two samples are of the same task."""

import dataclasses
import functools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import flax.traverse_util as traverse
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float

from taskaware.compilation import keep_compiled
from taskaware.errors import CheckpointError, UserError
from taskaware.evaluator.checkpoint import read_npz, write_npz
from taskaware.evaluator.fit import first_weights
from taskaware.evaluator.generator import generator_named
from taskaware.evaluator.samples import Samples, draw_samples
from taskaware.tasks.task import Task

FORMAT = "taskaware generator"
VERSION = 1
FEWEST_TASKS = 4


@dataclasses.dataclass(frozen=True)
class SimilaritySettings:
    """How a generator learns to tell tasks apart."""

    # Name of the feature generator.
    generator: str = "dataset2vec"
    # Optimizer steps.
    steps: int = 2000
    # Tasks in a step; two samples of each.
    tasks_per_step: int = 16
    # Rows of each sample.
    rows_per_step: int = 32
    # Columns of each sample.
    columns_per_step: int = 8
    # Outputs of each sample.
    outputs_per_step: int = 2
    # Peak learning rate of Adam; falls to zero along a cosine.
    learning_rate: float = 2e-3
    # Decoupled weight decay.
    weight_decay: float = 1e-3


@dataclasses.dataclass(frozen=True, eq=False)
class Generator:
    """A learned map from a task to what is to be known of it.

    Attributes:
        name: of the feature generator.
        params: of it.
        size: rows, columns and outputs of the samples that it reads.
        draws: samples of a task over which its vector is the mean.
    """

    name: str
    params: dict
    size: tuple[int, int, int]
    draws: int = 4

    def __call__(self, task: Task) -> Float[np.ndarray, " K"]:
        """The vector of a task; the same one each time."""
        return self.of(drawn(task, self.size, self.draws))

    def of(self, draws: Samples) -> Float[np.ndarray, " K"]:
        """The vector of a task of which samples are drawn already, with an axis in front."""
        return np.asarray(_apply_all(self.name, self.params, draws)).mean(0)


def drawn(task: Task, size: tuple[int, int, int] = (256, 32, 8), draws: int = 4) -> Samples:
    """Samples of a task, with an axis of `draws` in front; they differ where it is larger than `size`."""
    rows, columns, outputs = size
    each = [draw_samples(task, rows=rows, columns=columns, outputs=outputs, seed=s) for s in range(draws)]
    return Samples(*map(np.stack, zip(*each, strict=True)))


def learn_similarity(
    samples: Mapping[str, Samples],
    origins: Mapping[str, str],
    settings: SimilaritySettings | None = None,
    *,
    seed: int = 0,
) -> Generator:
    """Learn from raw samples alone: two of one task shall lie together, two of different tasks apart.

    Two samples are of the same task with probability exp(-distance of their vectors); each step draws rows,
    columns and outputs anew. Relatives, tasks of one origin, are neither pulled together nor pushed apart.

    Args:
        samples: of at least FEWEST_TASKS tasks, by name, as `drawn` gives them; all of one size.
        origins: of the tasks, by the same names.
        settings: the default ones if None.
        seed: of the first weights and of the order of learning.

    Raises:
        UserError: there are too few tasks, the generator is unknown, or it needs every column in its place.

    Source: Jomaa, Schmidt-Thieme, Grabocka 2021, section 5 (with gamma = 1).
    """
    keep_compiled()
    settings = settings or SimilaritySettings()
    _check(samples, settings)
    rng = np.random.default_rng(seed)
    each = Samples(*map(np.stack, zip(*samples.values(), strict=True)))
    _, origin = np.unique([origins[name] for name in samples], return_inverse=True)
    module, first = generator_named(settings.generator), jax.tree.map(lambda leaf: leaf[0, 0], each)
    params = first_weights(rng, lambda key: module.init(key, first))
    views = _views(settings, rng, each)
    params = _learn(settings, params, views, jax.tree.map(jnp.asarray, each), jnp.asarray(origin))
    _, _, *sizes = each.x.shape
    size = (sizes[0], sizes[1], each.y.shape[-1])
    return Generator(settings.generator, jax.tree.map(np.asarray, params), size, each.x.shape[1])


def told_apart(generator: Generator, samples: Sequence[Samples]) -> float:
    """Chance that two draws of one task lie nearer than two of different tasks (area under the curve).

    Args:
        samples: of each task, at least two draws that differ, with an axis in front.

    Returns:
        A number in [0, 1]; 0.5 by guessing.
    """
    pairs = [np.asarray(_apply_all(generator.name, generator.params, draws))[:2] for draws in samples]
    a, b = np.stack(pairs, axis=1)
    distance = np.linalg.norm(a[:, None] - b[None], axis=-1)
    same, other = np.diagonal(distance), distance[~np.eye(len(distance), dtype=bool)]
    return float(np.mean(same[:, None] < other))


def save_generator(generator: Generator, path: str | os.PathLike, *, force: bool = False) -> Path:
    """Write a generator as numbers and text; the file appears whole or not at all.

    Raises:
        UserError: the file exists and `force` is not given.
    """
    header = {"format": FORMAT, "version": VERSION, "name": generator.name}
    header |= {"size": generator.size, "draws": generator.draws}
    return write_npz(path, header, traverse.flatten_dict(generator.params, sep="/"), force=force)


def load_generator(path: str | os.PathLike) -> Generator:
    """Read what `save_generator` wrote; no code is run.

    Raises:
        UserError: there is no such file.
        CheckpointError: the file is damaged, foreign, newer than this taskaware, or of another generator.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"There is no generator file '{path}'.")
    header, arrays = read_npz(path)
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise CheckpointError(f"'{path}' is no taskaware generator.")
    if header.get("version") != VERSION:
        raise CheckpointError(
            f"The generator in '{path}' has format version {header.get('version')}; this taskaware reads "
            f"{VERSION}. Update taskaware."
        )
    try:
        size = tuple(int(number) for number in header["size"])
        params = traverse.unflatten_dict(arrays, sep="/")
        generator = Generator(header["name"], params, size, int(header["draws"]))
        wanted = _shapes(generator.name, size)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"The generator in '{path}' is damaged ({error}).") from error
    if jax.tree.map(np.shape, params) != wanted:
        raise CheckpointError(
            f"The weights in '{path}' are not those of the generator '{generator.name}' now."
        )
    return generator


def dissimilarity_loss(
    a: Float[Array, "t K"], b: Float[Array, "t K"], apart: Bool[Array, "t t"]
) -> Float[Array, ""]:
    """Cross-entropy of "of the same task": a[i] and b[i] are, a[i] and b[j] where `apart` are not.

    Both kinds of pairs count one half.

    >>> far = jnp.array([[0.0], [9.0]])
    >>> float(dissimilarity_loss(far, far, ~jnp.eye(2, dtype=bool)).round(2))
    0.0
    """
    distance = jnp.sqrt(jnp.sum((a[:, None] - b[None]) ** 2, axis=-1) + 1e-8)
    different = -jnp.log(-jnp.expm1(-distance))
    pushed = jnp.sum(jnp.where(apart, different, 0.0)) / jnp.maximum(apart.sum(), 1)
    return (jnp.diagonal(distance).mean() + pushed) / 2


def _check(samples: Mapping[str, Samples], settings: SimilaritySettings) -> None:
    generator_named(settings.generator)
    if settings.generator == "published":
        raise UserError(
            "The generator 'published' reads every column in its place, so parts of a task tell it nothing. "
            "Give generator=dataset2vec."
        )
    if len(samples) < FEWEST_TASKS:
        raise UserError(f"{len(samples)} tasks are too few to be told apart; {FEWEST_TASKS} are needed.")


def _views(settings: SimilaritySettings, rng: np.random.Generator, each: Samples) -> tuple[np.ndarray, ...]:
    """Tasks (S, t), and for two views of each the draw, rows, columns and outputs, (S, t, 2, ...)."""
    count, draws = each.x.shape[:2]
    steps, per_step = settings.steps, min(settings.tasks_per_step, count)
    tasks = rng.permuted(np.tile(np.arange(count, dtype=np.int32), (steps, 1)), axis=1)[:, :per_step]
    draw = rng.integers(0, draws, (steps, per_step, 2), np.int32)

    def among(there: np.ndarray, size: int) -> np.ndarray:
        held = there[:, 0].sum(1)[tasks][..., None, None]
        return (rng.random((steps, per_step, 2, size)) * held).astype(np.int32)

    return (
        tasks,
        draw,
        among(each.rows, settings.rows_per_step),
        among(each.columns, settings.columns_per_step),
        among(each.outputs, settings.outputs_per_step),
    )


@functools.partial(jax.jit, static_argnames="settings")
def _learn(settings: SimilaritySettings, params: dict, views: tuple, each: Samples, origin: Array) -> dict:
    module = generator_named(settings.generator)
    rate = optax.cosine_decay_schedule(settings.learning_rate, settings.steps)
    rule = optax.adamw(rate, weight_decay=settings.weight_decay)

    def view(params, task, draw, rows, columns, outputs):
        x, y = each.x[task, draw][rows][:, columns], each.y[task, draw][rows][:, outputs]
        # Only what is there was drawn.
        masks = [jnp.full(len(places), True) for places in (rows, columns, outputs)]
        return module.apply({"params": params}, Samples(x, y, *masks))

    def loss(params, tasks, *parts):
        both = jax.vmap(jax.vmap(functools.partial(view, params), (None, 0, 0, 0, 0)))(tasks, *parts)
        here = origin[tasks]
        return dissimilarity_loss(both[:, 0], both[:, 1], here[:, None] != here)

    def step(state, now):
        params, optimizer_state = state
        updates, optimizer_state = rule.update(jax.grad(loss)(params, *now), optimizer_state, params)
        return (optax.apply_updates(params, updates), optimizer_state), None

    (params, _), _ = jax.lax.scan(step, (params, rule.init(params)), views)
    return params


def _shapes(name: str, size: tuple[int, int, int]) -> dict:
    """Of the weights of a generator that reads samples of this size."""
    rows, columns, outputs = size
    numbers = np.zeros((rows, columns), np.float32), np.zeros((rows, outputs), np.float32)
    samples = Samples(*numbers, *(np.full(length, True) for length in size))
    module = generator_named(name)
    params = jax.eval_shape(lambda: module.init(jax.random.key(0), samples)["params"])
    return jax.tree.map(lambda leaf: leaf.shape, params)


@functools.partial(jax.jit, static_argnames="name")
def _apply_all(name: str, params: dict, draws: Samples) -> Array:
    return jax.lax.map(lambda one: generator_named(name).apply({"params": params}, one), draws)
