"""Trainings of a user's own loss by many update rules, and by optax transformations beside them."""

import dataclasses
import functools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int

from taskaware.arrays import as_jax
from taskaware.children.rules.interpreter import Coded
from taskaware.children.rules.paths import Path, Stretch, advanced, averaged, loss_key, scored, started
from taskaware.compilation import keep_compiled
from taskaware.errors import UserError, quoted
from taskaware.objectives.user_loss import FlatLoss, FlatMetric
from taskaware.spaces.rules import RuleSpace, canonical
from taskaware.spaces.rules.space import chosen_rounds
from taskaware.strategies import Outcomes


@dataclasses.dataclass(frozen=True)
class Schedule:
    """How long a rule trains.

    Attributes:
        steps: of a training.
        rates: that are tried.
        sweep: share of the steps in which they are.
        halvings: how often the worse half of the rules ends.
    """

    steps: int
    rates: tuple[float, ...]
    sweep: float
    halvings: int

    def check(self) -> "Schedule":
        """The schedule itself, if it may be.

        Raises:
            UserError: a number is out of range.
        """
        if self.steps < 1:
            raise UserError(f"steps={self.steps} is too small. Give 1 or more.")
        if not self.rates or not all(0 < rate < math.inf for rate in self.rates):
            raise UserError(f"rates={quoted(str(self.rates))} are no learning rates. Give numbers above 0.")
        if not 0 < self.sweep <= 1:
            raise UserError(f"sweep={self.sweep} is out of range. Give more than 0, and 1 at most.")
        if self.halvings < 0:
            raise UserError(f"halvings={self.halvings} is too small. Give 0 or more.")
        return self

    @property
    def first(self) -> int:
        """Steps of the sweep."""
        return math.ceil(self.sweep * self.steps)

    @property
    def stretches(self) -> list[tuple[int, int]]:
        """First and last step of each stretch behind the sweep; a halving comes before each."""
        ends = np.linspace(self.first, self.steps, max(self.halvings, 1) + 1).round().astype(int).tolist()
        return list(zip(ends, ends[1:], strict=False))


class Score(NamedTuple):
    """What an optimizer reached.

    Attributes:
        score: larger is better; NaN if it diverged.
        learning_rate: that the sweep chose.
    """

    score: float
    learning_rate: float


class Arrays(NamedTuple):
    """What trainings read.

    Attributes:
        train, held_out: batches, (B, ...).
        order: number of the batch of each step, (S,).
        key: of the random numbers of all steps.
    """

    train: Any
    held_out: Any
    order: Int[Array, " S"]
    key: Array


@dataclasses.dataclass(frozen=True, eq=False)
class Trials:
    """The objective as it is evaluated, also by workers.

    Attributes:
        space: of the points.
        loss, metric: of flat weights, a batch, and what the loss keeps; a larger metric is better.
        train, held_out: batches, (B, ...).
        schedule: of the trainings.
        together: rules of a compiled call on accelerators.
        seed: of the order of batches and of random numbers.
    """

    space: RuleSpace
    loss: FlatLoss
    metric: FlatMetric
    train: Any
    held_out: Any
    schedule: Schedule
    together: int
    seed: int

    def __call__(self, points: Float[np.ndarray, "n D"]) -> Outcomes:
        self._check(points)
        keep_compiled()
        texts = [str(canonical(self.space.decode(point))) for point in points]
        # Rules that are equal are trained once.
        different = list(dict.fromkeys(texts))
        rows = [texts.index(text) for text in different]
        began = time.perf_counter()
        found = self._trained(np.asarray(points)[rows])
        seconds = np.full(len(points), (time.perf_counter() - began) / len(points))
        score, rate, steps = (column[[different.index(text) for text in texts]] for column in found)
        return Outcomes(score, seconds=seconds, more={"learning_rate": rate, "steps": steps})

    def by_optax(self, make: Callable[[Any], optax.GradientTransformation]) -> Score:
        """What an optax transformation reaches, with the same weights, batches and sweep.

        Args:
            make: learning rate → transformation.
        """
        keep_compiled()
        plan, weights = self.schedule, self.loss.weights
        begin, advance = _optax_programs(self.loss, make, plan.steps)
        tried = [
            advance(jnp.float32(rate), begin(jnp.float32(rate)), (0, plan.first), self._arrays)
            for rate in plan.rates
        ]
        best = int(np.argmin([float(held[-1]) for held in tried]))
        rate = plan.rates[best]
        params, _, kept, loss = advance(
            jnp.float32(rate), tried[best], (plan.first, plan.steps), self._arrays
        )
        alone = jax.tree.map(lambda leaf: np.asarray(leaf)[None], (weights.flattened(params), kept))
        [value] = self._scored(alone)
        return Score(float(value) if math.isfinite(value) and math.isfinite(loss) else math.nan, rate)

    @functools.cached_property
    def _arrays(self) -> Arrays:
        """The batches, and passes over those of the training, each in a new order."""
        count, rng = len(jax.tree.leaves(self.train)[0]), np.random.default_rng(self.seed)
        passes = -(-self.schedule.steps // count)
        order = np.concatenate([rng.permutation(count) for _ in range(passes)])[: self.schedule.steps]
        train, held_out = (jax.tree.map(as_jax, part) for part in (self.train, self.held_out))
        return Arrays(train, held_out, as_jax(order, np.int32), jax.random.key(self.seed))

    def _trained(self, points: Float[np.ndarray, "n D"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Scores, learning rates and steps of different rules."""
        codes = jax.device_get(_coded(self.space, as_jax(points, np.float32)))
        paths, rates = self._swept(codes)
        alive = np.arange(len(points))
        for stretch in self.schedule.stretches:
            alive = alive[np.isfinite(paths.loss[alive])]
            if self.schedule.halvings:
                alive = np.sort(alive[np.argsort(paths.loss[alive], kind="stable")][: -(-len(alive) // 2)])
            moved = self._advanced(_taken(codes, alive), rates[alive], _taken(paths, alive), stretch)
            paths = _put(paths, alive, moved)
        scores = self._scored((np.asarray(paths.weights), paths.state))
        score = np.where(np.isfinite(paths.loss), scores, np.nan)
        return score, rates, np.asarray(paths.steps, float)

    def _swept(self, codes: Coded) -> tuple[Path, np.ndarray]:
        """The trainings behind the sweep, each at the rate with the least loss, and these rates."""
        rates = np.array(self.schedule.rates)
        kept: list[Path] = []
        chosen: list[np.ndarray] = []
        fresh = jax.device_get(started(as_jax(self.loss.weights.flat), self.loss.memory.first))
        for rows in _parts(len(codes.length), self._at_once):
            each = np.repeat(rows, len(rates))
            paths = jax.tree.map(lambda leaf, n=each.size: np.broadcast_to(leaf, (n, *leaf.shape)), fresh)
            every = np.tile(rates, len(rows))
            tried = self._advanced(_taken(codes, each), every, paths, (0, self.schedule.first))
            best = tried.loss.reshape(len(rows), len(rates)).argmin(1)
            kept.append(_taken(tried, np.arange(len(rows)) * len(rates) + best))
            chosen.append(rates[best])
        return _joined(kept), np.concatenate(chosen)

    def _advanced(self, codes: Coded, rates: np.ndarray, paths: Path, span: tuple[int, int]) -> Path:
        """The trainings after some steps, in parts of one size, so that one program does; on the host."""
        size, done = self._at_once * len(self.schedule.rates), []
        first, last = (jnp.asarray(number, jnp.int32) for number in span)
        arrays = self._arrays
        stretch = Stretch(first, last, arrays.order, arrays.key)
        for rows in _parts(len(rates), size):
            padded = np.resize(rows, size)
            rules = (_taken(codes, padded), rates[padded].astype(np.float32))
            found = advanced(self.loss.valued, _taken(paths, padded), rules, len(rows), arrays.train, stretch)
            done.append(_taken(jax.device_get(found), slice(len(rows))))
        return _joined(done) if done else paths

    def _scored(self, trained: tuple[Float[np.ndarray, "n P"], Any]) -> Float[np.ndarray, " n"]:
        """The mean metric on the batches held out, for weights and states."""
        found = []
        for rows in _parts(len(trained[0]), self._at_once):
            padded = _taken(trained, np.resize(rows, self._at_once))
            values = scored(self.metric, padded, len(rows), self._arrays.held_out)
            found.append(np.asarray(values)[: len(rows)])
        return np.concatenate(found).astype(float)

    @property
    def _at_once(self) -> int:
        """Rules of a compiled call. On a processor they run one by one, and Ctrl-C waits for one."""
        return 1 if jax.default_backend() == "cpu" else self.together

    def _check(self, points: Float[np.ndarray, "n D"]) -> None:
        if np.shape(points)[1:] != (self.space.dimension,):
            raise UserError(
                f"The points have {np.shape(points)[-1]} entries, and those of the space '{self.space.name}' "
                f"{self.space.dimension}. Pass the space that you search to the objective: space=..."
            )

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}


def _optax_programs(loss: FlatLoss, make: Callable[[Any], optax.GradientTransformation], total: int) -> Any:
    """Two compiled functions: rate → a training before its first step, and the same after some steps.

    Args:
        loss: to train.
        make: learning rate → transformation.
        total: steps of a whole training.
    """
    weights = loss.weights

    @jax.jit
    def begin(rate: Array) -> Any:
        params = weights.trainable(jnp.asarray(weights.flat))
        return params, make(rate).init(params), loss.memory.first, jnp.zeros((), jnp.float32)

    @jax.jit
    def advance(rate: Array, held: Any, span: tuple[int | Array, int | Array], arrays: Arrays) -> Any:
        made = optax.with_extra_args_support(make(rate))

        def step(carried: Any) -> Any:
            number, (params, state, kept, average) = carried
            batch = jax.tree.map(lambda leaf: leaf[arrays.order[number]], arrays.train)

            def own(params: Any) -> tuple[Array, Any]:
                return loss.of_tree(params, batch, kept, loss_key(arrays.key, number))

            (value, new), gradient = jax.value_and_grad(own, has_aux=True)(params)
            more = {"value": value, "grad": gradient, "done": number / total}
            more["value_fn"] = lambda params: own(params)[0]
            updates, state = made.update(gradient, state, params, **more)
            params = optax.apply_updates(params, updates)
            return number + 1, (params, state, new, averaged(average, value, number))

        def going(carried: Any) -> Array:
            return (carried[0] < span[1]) & jnp.isfinite(carried[1][-1])

        return jax.lax.while_loop(going, step, (jnp.asarray(span[0]), held))[1]

    return begin, advance


@functools.partial(jax.jit, static_argnums=0)
def _coded(space: RuleSpace, points: Float[Array, "n D"]) -> Coded:
    return Coded(*jax.vmap(lambda point: chosen_rounds(space, point))(points))


def _parts(count: int, size: int) -> Iterator[np.ndarray]:
    """The numbers up to `count` in parts of that size."""
    return (np.arange(first, min(first + size, count)) for first in range(0, count, size))


def _taken(tree: Any, rows: np.ndarray | slice) -> Any:
    return jax.tree.map(lambda leaf: leaf[rows], tree)


def _joined(trees: Sequence[Any]) -> Any:
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *trees)


def _put(tree: Any, rows: np.ndarray, new: Any) -> Any:
    """A tree with other values in some rows."""

    def put(leaf: np.ndarray, value: np.ndarray) -> np.ndarray:
        found = np.array(leaf)
        found[rows] = value
        return found

    return jax.tree.map(put, tree, new)
