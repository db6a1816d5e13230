"""An objective that trains a user's own loss by update rules."""

import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

import jax
import numpy as np
import optax

from taskaware.children.rules.child import RATES, SWEEP
from taskaware.digests import digest
from taskaware.errors import UserError, quoted
from taskaware.objectives.rule_trials import Schedule, Score, Trials
from taskaware.objectives.user_loss import FlatLoss, FlatMetric, Weights, parted, stacked
from taskaware.objectives.user_state import Memory
from taskaware.spaces.rules import NAMED, RuleSpace
from taskaware.strategies import Objective

HELD_OUT = 0.2
"""Share of the batches that are held out, unless some are given."""


def update_rules(
    loss: Callable[..., Any],
    params: Any,
    batches: Iterable[Any],
    *,
    state: Any = None,
    random: bool = False,
    held_out: Iterable[Any] | None = None,
    metric: Callable[..., Any] | None = None,
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

    A loss takes (params, batch). With `state` it takes the state, too, and returns (number, new state), as
    `jax.value_and_grad(..., has_aux=True)` reads it. With `random` its last argument is a key, another one at
    each step and the same for all rules: (params, batch, state, key). Such a loss is one of training, so the
    score needs a metric.

    Args:
        loss: (params, batch) → one number, smaller is better; JAX traces it. See above for more.
        params: first weights, any pytree. Its arrays of floats are trained, the others stay.
        batches: of the training, pytrees of arrays that are all alike. Each pass takes them in a new order.
        state: first state of a loss that keeps one, such as moving averages of batch normalisation; any
            pytree of arrays of numbers or random keys. Each training starts from it.
        random: whether the loss takes a random key, for dropout or noise.
        held_out: batches for the score; by default the last fifth of `batches`, which is not trained on then.
        metric: (params, batch) → one number, larger is better; the score is its mean over the batches held
            out. With `state` it is (params, batch, state), of the state at the end of the training. By
            default minus the loss.
        steps: of a training.
        rates: learning rates that are tried.
        sweep: share of the steps in which they are, in (0, 1].
        halvings: how often the half of the rules of a round with the larger loss ends: after the sweep, and
            then after equal numbers of steps. A rule that ended is scored as it is then.
        together: rules of a round.
        space: of the rules; the preset "update-rules" if None.
        seed: of the order of batches, of noise and drops, and of the keys of the loss.

    Raises:
        UserError: the loss cannot be traced or is not one number, its value is not finite at first, the
            weights have no floats, there are no or unequal batches, a new state is not like the first one, a
            metric is missing, or a number is out of range.

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
    if not isinstance(random, bool):
        raise UserError(
            f"random={quoted(str(random))} is not True or False: it says whether the loss takes a key. The "
            "keys come from seed=."
        )
    if metric is None and (state is not None or random):
        takes = "params, batch" if state is None else "params, batch, state"
        raise UserError(
            "A loss with a state or a random key is one of training. Give the metric for the score, too: "
            f"metric=, ({takes}) → one number, larger is better, such as minus the loss of the model as it "
            "predicts."
        )
    train, held = parted(stacked(batches, "batches"), held_out, HELD_OUT)
    weights, memory = Weights.of(params), Memory.of(state)
    own = FlatLoss(loss, weights, memory, random).check(train)
    negative = FlatMetric(loss, weights, memory, "loss", -1)
    measured = negative if metric is None else FlatMetric(metric, weights, memory)
    arrays = [weights.flat, *jax.tree.leaves((train, held, memory.first))]
    content = [hashlib.sha256(np.ascontiguousarray(each).tobytes()).hexdigest() for each in arrays]
    names = [getattr(each, "__qualname__", "") for each in (loss, metric)]
    about = digest([content, names, dataclasses.asdict(plan), seed, *("random",) * random])
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
