"""Objectives that train a user's own loss by update rules."""

import dataclasses
import functools
import hashlib
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from taskaware.children.rules.child import RATES, SWEEP
from taskaware.children.rules.interpreter import Coded
from taskaware.children.rules.paths import Path, Stretch, advanced, averaged, scored, started
from taskaware.compilation import keep_compiled
from taskaware.digests import digest
from taskaware.errors import UserError, quoted
from taskaware.objectives.user_loss import FlatLoss, Weights, parted, stacked
from taskaware.spaces.rules import NAMED, RuleSpace, canonical
from taskaware.spaces.rules.space import chosen_rounds
from taskaware.strategies import Objective, Outcomes

HELD_OUT = 0.2
"""Share of the batches that are held out, unless some are given."""


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


@dataclasses.dataclass(frozen=True, eq=False)
class Trials:
    """The objective as it is evaluated, also by workers.

    Attributes:
        space: of the points.
        loss, metric: of flat weights and a batch; a larger metric is better.
        train, held_out: batches, (B, ...).
        schedule: of the trainings.
        together: rules of a compiled call on accelerators.
        seed: of the order of batches and of random numbers.
    """

    space: RuleSpace
    loss: FlatLoss
    metric: FlatLoss
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
        """What an optax transformation reaches, from the same weights, on the same batches, with the same sweep.

        Args:
            make: learning rate → transformation.
        """
        keep_compiled()
        plan, weights = self.schedule, self.loss.weights
        begin, advance = _optax_programs(self.loss, make, plan.steps)
        tried = [
            advance(jnp.float32(rate), begin(jnp.float32(rate)), (0, plan.first), *self._steps)
            for rate in plan.rates
        ]
        best = int(np.argmin([float(held[-1]) for held in tried]))
        rate = plan.rates[best]
        params, _, loss = advance(jnp.float32(rate), tried[best], (plan.first, plan.steps), *self._steps)
        leaves = [jnp.asarray(leaf, jnp.float32).ravel() for leaf in jax.tree.leaves(params)]
        [value] = self._scored(jnp.concatenate(leaves)[None])
        assert len(weights.flat) == sum(map(len, leaves))
        return Score(float(value) if math.isfinite(value) and math.isfinite(loss) else math.nan, rate)

    @functools.cached_property
    def _steps(self) -> tuple[Any, Array]:
        """The batches, and the number of the one of each step: passes, each in a new order."""
        count, rng = len(jax.tree.leaves(self.train)[0]), np.random.default_rng(self.seed)
        passes = -(-self.schedule.steps // count)
        order = np.concatenate([rng.permutation(count) for _ in range(passes)])[: self.schedule.steps]
        return jax.tree.map(jnp.asarray, self.train), jnp.asarray(order, jnp.int32)

    def _trained(self, points: Float[np.ndarray, "n D"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Scores, learning rates and steps of different rules."""
        codes = _coded(self.space, jnp.asarray(points, jnp.float32))
        paths, rates = self._swept(codes)
        alive = np.arange(len(points))
        for stretch in self.schedule.stretches:
            loss = np.asarray(paths.loss)
            alive = alive[np.isfinite(loss[alive])]
            if self.schedule.halvings:
                alive = np.sort(alive[np.argsort(loss[alive], kind="stable")][: -(-len(alive) // 2)])
            moved = self._advanced(_taken(codes, alive), rates[alive], _taken(paths, alive), stretch)
            paths = _put(paths, alive, moved)
        score = np.where(np.isfinite(paths.loss), self._scored(paths.weights), np.nan)
        return score, rates.astype(float), np.asarray(paths.steps, float)

    def _swept(self, codes: Coded) -> tuple[Path, np.ndarray]:
        """The trainings behind the sweep, each at the rate with the least loss, and these rates."""
        rates = np.array(self.schedule.rates, np.float32)
        fresh, kept, chosen = started(jnp.asarray(self.loss.weights.flat)), [], []
        for rows in _parts(len(codes.length), self._at_once):
            each = np.repeat(rows, len(rates))
            paths = jax.tree.map(lambda leaf, n=len(each): jnp.broadcast_to(leaf, (n, *leaf.shape)), fresh)
            every = np.tile(rates, len(rows))
            tried = self._advanced(_taken(codes, each), every, paths, (0, self.schedule.first))
            best = np.asarray(tried.loss).reshape(len(rows), len(rates)).argmin(1)
            kept.append(_taken(tried, np.arange(len(rows)) * len(rates) + best))
            chosen.append(rates[best])
        return _joined(kept), np.concatenate(chosen)

    def _advanced(self, codes: Coded, rates: np.ndarray, paths: Path, span: tuple[int, int]) -> Path:
        """The trainings after some steps, in parts of one size, so that one program does."""
        size, done = self._at_once * len(self.schedule.rates), []
        batches, order = self._steps
        stretch = Stretch(*(np.int32(number) for number in span), order, jax.random.key(self.seed))
        for rows in _parts(len(rates), size):
            padded = np.resize(rows, size)
            rules = (_taken(codes, padded), jnp.asarray(rates[padded], jnp.float32))
            found = advanced(self.loss, _taken(paths, padded), rules, len(rows), batches, stretch)
            done.append(_taken(found, np.arange(len(rows))))
        return _joined(done) if done else paths

    def _scored(self, weights: Float[Array, "n P"]) -> Float[np.ndarray, " n"]:
        """The mean metric on the batches held out."""
        found = []
        for rows in _parts(len(weights), self._at_once):
            padded = weights[np.resize(rows, self._at_once)]
            found.append(np.asarray(scored(self.metric, padded, len(rows), self.held_out))[: len(rows)])
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


def update_rules(
    loss: Callable[[Any, Any], Any],
    params: Any,
    batches: Iterable[Any],
    *,
    held_out: Iterable[Any] | None = None,
    metric: Callable[[Any, Any], Any] | None = None,
    steps: int = 200,
    rates: Sequence[float] = RATES,
    sweep: float = SWEEP,
    halvings: int = 0,
    together: int = 8,
    space: RuleSpace | None = None,
    seed: int = 0,
) -> Objective:
    """Trains your own model by the update rule of each point; scored on batches that are held out.

    Each rule starts from the same weights. In the first part of the steps it is tried at every learning rate;
    the one with the least loss goes on. Rules are data of one compiled program. Rules that are equal are
    trained once. One whose loss is not finite has diverged. The history has the columns `learning_rate` and
    `steps`.

    Args:
        loss: (params, batch) → one number, smaller is better; JAX traces it.
        params: first weights, any pytree. Its arrays of floats are trained, the others stay.
        batches: of the training, pytrees of arrays that are all alike. Each pass takes them in a new order.
        held_out: batches for the score; by default the last fifth of `batches`, which is not trained on then.
        metric: (params, batch) → one number, larger is better; the score is its mean over the batches held
            out. By default minus the loss.
        steps: of a training.
        rates: learning rates that are tried.
        sweep: share of the steps in which they are, in (0, 1].
        halvings: how often the half of the rules of a round with the larger loss ends: after the sweep, and
            then after equal numbers of steps. A rule that ended is scored as it is then.
        together: rules of a round.
        space: of the rules; the preset "update-rules" if None.
        seed: of the order of batches, and of noise and drops.

    Raises:
        UserError: the loss cannot be traced or is not one number, its value is not finite at first, the
            weights have no floats, there are no or unequal batches, or a number is out of range.

    >>> def loss(weights, batch):
    ...     return ((batch["x"] @ weights - batch["y"]) ** 2).mean()
    >>> x = np.random.default_rng(0).normal(size=(10, 8, 3)).astype(np.float32)
    >>> batches = [{"x": each, "y": each.sum(1)} for each in x]
    >>> found = update_rules(loss, np.zeros(3, np.float32), batches, steps=50)
    >>> bool(score(found, "adam").score > -0.1)
    True
    """
    plan = Schedule(steps, tuple(map(float, rates)), sweep, halvings).check()
    if together < 1:
        raise UserError(f"together={together} is too small. Give 1 or more.")
    for name, function in (("loss", loss), ("metric", metric or loss)):
        if not callable(function):
            raise UserError(f"The {name} is a function of (params, batch), not {quoted(function)}.")
    train, held = parted(stacked(batches, "batches"), held_out, HELD_OUT)
    weights = Weights.of(params)
    own = FlatLoss(loss, weights, "loss").check(train)
    measured = dataclasses.replace(own, sign=-1) if metric is None else FlatLoss(metric, weights, "metric")
    arrays = [weights.flat, *jax.tree.leaves((train, held))]
    content = [hashlib.sha256(np.ascontiguousarray(each).tobytes()).hexdigest() for each in arrays]
    names = [getattr(each, "__qualname__", "") for each in (loss, metric)]
    about = digest([content, names, dataclasses.asdict(plan), seed])
    rules = space or RuleSpace()
    evaluate = Trials(rules, own, measured.check(held), train, held, plan, together, seed)
    return Objective(evaluate, together=together, unit="rule", about=f"update rules {about}")


def score(objective: Objective, optimizer: str | Callable[[Any], optax.GradientTransformation]) -> Score:
    """What an optimizer reaches on an objective of `update_rules`, with the same sweep of learning rates.

    Args:
        objective: of `update_rules`.
        optimizer: a rule, the name of a known one, or a function of the learning rate that gives an optax
            transformation, such as `optax.adamw`.

    Raises:
        UserError: the objective is another one, or the rule cannot be read.
    """
    trials = objective.evaluate
    if not isinstance(trials, Trials):
        raise UserError("score() takes an objective of ta.optimizers.objective(loss, params, batches).")
    if callable(optimizer):
        return trials.by_optax(optimizer)
    found = trials(trials.space.encode(NAMED.get(optimizer, optimizer))[None])
    more = cast(dict, found.more)
    return Score(float(found.score[0]), float(more["learning_rate"][0]))


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
        return params, make(rate).init(params), jnp.zeros(())

    @jax.jit
    def advance(rate: Array, held: Any, span: tuple[int, int], batches: Any, order: Array) -> Any:
        made = optax.with_extra_args_support(make(rate))

        def step(carried: Any) -> Any:
            number, (params, state, average) = carried
            batch = jax.tree.map(lambda leaf: leaf[order[number]], batches)

            def own(params: Any) -> Array:
                return loss.function(weights.whole(params), batch)

            value, gradient = jax.value_and_grad(own)(params)
            more = {"value": value, "grad": gradient, "value_fn": own, "done": number / total}
            updates, state = made.update(gradient, state, params, **more)
            params = optax.apply_updates(params, updates)
            return number + 1, (params, state, averaged(average, value, number))

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


def _taken(tree: Any, rows: np.ndarray) -> Any:
    return jax.tree.map(lambda leaf: leaf[rows], tree)


def _joined(trees: Sequence[Any]) -> Any:
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *trees)


def _put(tree: Any, rows: np.ndarray, new: Any) -> Any:
    return jax.tree.map(lambda leaf, value: leaf.at[rows].set(value), tree, new)
