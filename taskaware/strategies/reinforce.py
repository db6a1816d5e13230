"""Searches by a recurrent controller that learns from the scores of its points.

Source: Zoph & Le 2017 ("Neural Architecture Search with Reinforcement Learning"); CN110663049B (PPO).
"""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from taskaware.arrays import EitherArray
from taskaware.errors import UserError, quoted, unknown
from taskaware.spaces import Space
from taskaware.strategies.controller_terms import Terms
from taskaware.strategies.strategy import Factory, Feedback, Strategy

if TYPE_CHECKING:
    from taskaware.strategies.policy_gradient import Learner, Minibatch, Programs
    from taskaware.strategies.taught import Taught

UNDER_WAY = 1024
"""Number of unfinished evaluations whose probabilities are remembered."""


def reinforce(
    minibatch: int = 8,
    *,
    learning_rate: float = 6e-4,
    reward: str = "raw",
    scale: float = 1.0,
    baseline: float = 0.95,
    entropy: float = 0.0,
    off_policy: str = "weigh",
    queue: int = 0,
    queue_weight: float = 1.0,
    units: int = 35,
    layers: int = 2,
    temperature: float = 1.0,
    tanh: float | None = None,
    anchors: bool = True,
    controller: str = "lstm",
    grow: str | None = None,
    grow_every: int = 1600,
    start: "Taught | str | os.PathLike | None" = None,
    z: Sequence[float] | EitherArray | None = None,
) -> Factory:
    """A recurrent controller takes the decisions of a point one by one, and learns by REINFORCE.

    For spaces all of whose decisions have choices. The points of a minibatch are drawn together; when all
    are scored, the controller makes one step. Points of other strategies join the queue alone.

    Args:
        minibatch: m, scored points of an update (published: 8).
        learning_rate: of Adam (published: 6e-4, and 5e-4 for recurrent cells). Budgets below some thousand
            evaluations need more.
        reward: what the controller makes larger: "raw" is the score, "cubed" its third power (published for
            accuracies), "inverse_square" is 1 / score² (published for perplexities).
        scale: factor of the reward (published for perplexities: 80).
        baseline: share of the moving average of rewards that a minibatch leaves.
        entropy: weight of the entropy bonus, in units of the reward for each nat.
        off_policy: what is done with points that earlier weights of the controller drew, as those of slow
            workers: "weigh" them by their probability now over that when they were drawn, at most 10; or
            "drop" them.
        queue: best points so far whose likelihood grows, too (priority queue training); 0 for none.
        queue_weight: of that likelihood.
        units: of each layer (published: 35); a transformer has as many heads, 5 at most, as divide them.
        layers: of the controller (published: 2).
        temperature: divides the logits of the choices.
        tanh: the logits are this many times their tanh, which bounds them; None leaves them as they are.
        anchors: whether connections between layers, as those of `spaces.chain`, are drawn by anchor points
            (published); False gives each a softmax of its own.
        controller: "lstm" (published), or "transformer", which reads all earlier choices by causal attention.
        grow: name of a decision that is not drawn: it has its first option, and the next after every
            `grow_every` points. "layers" of `spaces.chain(layers=(6, 8, 10))` gives chains that become
            deeper, as published, while the controller keeps what it has learned.
        grow_every: points of each option (published: 1,600).
        start: a controller that `teach` made, or the path of its file (`Taught.save`); its controller, units,
            layers and anchors count, not those given here.
        z: meta-features of the task, (K,), where that controller reads them.

    Raises:
        UserError: a setting is out of range, or there is no file `start`; or, when bound, the space has a
            decision without choices, or none of the name `grow`, or `start` is of another space or reads
            another z.
        CheckpointError: the file `start` is damaged, or of another format or version.

    >>> from taskaware.spaces import choices
    >>> strategy = reinforce(4)(choices(a=[1, 2, 3], b=[0, 1]), 2)
    >>> strategy.ask(jax.random.key(1), strategy.init(jax.random.key(0)))[1].shape
    (2, 2)
    """
    return _factory(
        Terms(
            minibatch=minibatch,
            learning_rate=learning_rate,
            reward=reward,
            scale=scale,
            baseline=baseline,
            entropy=entropy,
            off_policy=off_policy,
            queue=queue,
            queue_weight=queue_weight,
            units=units,
            layers=layers,
            temperature=temperature,
            tanh=tanh,
            anchors=anchors,
            controller=controller,
            grow=grow,
            grow_every=grow_every,
            start=_started(start),
            z=_numbers(z),
        )
    )


def ppo(
    minibatch: int = 20,
    *,
    learning_rate: float = 3.5e-4,
    clip: float = 0.2,
    epochs: int = 4,
    reward: str = "raw",
    scale: float = 1.0,
    baseline: float = 0.95,
    entropy: float = 1e-5,
    off_policy: str = "weigh",
    queue: int = 0,
    queue_weight: float = 1.0,
    units: int = 35,
    layers: int = 2,
    temperature: float = 1.0,
    tanh: float | None = None,
    anchors: bool = True,
    controller: str = "lstm",
    grow: str | None = None,
    grow_every: int = 1600,
    start: "Taught | str | os.PathLike | None" = None,
    z: Sequence[float] | EitherArray | None = None,
) -> Factory:
    """As `reinforce`, but each minibatch is learned from several times, with a bound on the change.

    Args:
        clip: a probability gains nothing beyond 1 ± this times what it was when the point was drawn.
        epochs: steps for each minibatch.
        minibatch, learning_rate, entropy: see `reinforce` (published: 20, 3.5e-4 and 1e-5).
        reward, scale, baseline, off_policy, queue, queue_weight: see there.
        units, layers, temperature, tanh, anchors, controller, grow, grow_every, start, z: see there.

    Raises:
        UserError: as `reinforce`.

    >>> from taskaware.spaces import choices
    >>> ppo(4, clip=0.1)(choices(a=[1, 2, 3], b=[0, 1]), 2).learns_after
    4
    """
    return _factory(
        Terms(
            minibatch=minibatch,
            learning_rate=learning_rate,
            reward=reward,
            scale=scale,
            baseline=baseline,
            entropy=entropy,
            off_policy=off_policy,
            queue=queue,
            queue_weight=queue_weight,
            units=units,
            layers=layers,
            temperature=temperature,
            tanh=tanh,
            anchors=anchors,
            controller=controller,
            grow=grow,
            grow_every=grow_every,
            start=_started(start),
            z=_numbers(z),
            clip=clip,
            epochs=epochs,
        )
    )


def _numbers(z: Sequence[float] | EitherArray | None) -> tuple[float, ...] | None:
    """Meta-features that have a digest."""
    if z is None:
        return None
    from taskaware.strategies.taught import numbers_of

    return tuple(numbers_of(z).ravel().tolist())


def _started(start: "Taught | str | os.PathLike | None") -> "Taught | None":
    """The controller that a search begins with."""
    if start is None:
        return None
    from taskaware.strategies.taught import Taught, load_controller

    if isinstance(start, str | os.PathLike):
        return load_controller(start)
    if not isinstance(start, Taught):
        raise UserError(f"start={quoted(start)} is no controller. Give what `teach` returned, or its file.")
    return start


def _factory(terms: Terms) -> Factory:
    terms.check()

    def bound(space: Space, together: int) -> Strategy:
        # Flax is imported by those who use it.
        from taskaware.strategies.controller_on_host import HostController
        from taskaware.strategies.policy_gradient import programs

        check_decisions(space)
        _check(space, terms)
        made = programs(space, terms)
        return _learning(made, terms, space, together)._replace(
            label=terms.label, on_host=lambda rng: HostController(made, terms, together, rng)
        )

    return bound


def _check(space: Space, terms: Terms) -> None:
    names = [decision.name for decision in space.decisions]
    if terms.start is not None:
        terms.start.scaled(terms.z)
        if terms.start.space.digest != space.digest:
            raise UserError(
                f"The controller was taught in the space '{terms.start.space.name}', and this is "
                f"'{space.name}', which is another one. Teach one in the space of the search."
            )
    if terms.grow is not None and terms.grow not in names:
        raise unknown("decision", terms.grow, names)


def check_decisions(space: Space) -> None:
    """Nothing, if a controller can decide all that the space leaves open.

    Raises:
        UserError: a decision has no choices, or an entry belongs to none.
    """
    for decision in space.decisions:
        if not decision.choices or len(decision.entries) != 1:
            raise UserError(
                f"A controller needs decisions with choices, and '{decision.name}' of the space "
                f"'{space.name}' has none. Choose another strategy, such as 'evolution'."
            )
    if len(space.decisions) != space.dimension:
        raise UserError(f"The space '{space.name}' has entries that belong to no decision.")


class Waiting(NamedTuple):
    """A search between two updates.

    Attributes:
        learner: what it has learned.
        batch: the points told since the last update, and older rows after them.
        filled: number of those points.
        asked: number of points asked for so far.
        told: number of points told so far.
        drawn_as: log-probability of each of the last R points asked for; point n is in row n mod R, (R,).
        drawn_at: updates when each was drawn, (R,).
    """

    learner: "Learner"
    batch: "Minibatch"
    filled: Int[Array, ""]
    asked: Int[Array, ""]
    told: Int[Array, ""]
    drawn_as: Float[Array, " R"]
    drawn_at: Int[Array, " R"]


def _learning(made: "Programs", terms: Terms, space: Space, together: int) -> Strategy:
    from taskaware.strategies.policy_gradient import MEASURED, Minibatch

    size, room = terms.minibatch, max(UNDER_WAY, together)

    def init(key: Array) -> Waiting:
        batch = Minibatch(
            jnp.zeros((size, space.dimension)),
            jnp.zeros(size),
            jnp.zeros(size),
            jnp.full(size, -1, jnp.int32),
        )
        zero = jnp.int32(0)
        return Waiting(
            made.init(key), batch, zero, zero, zero, jnp.zeros(room), jnp.full(room, -1, jnp.int32)
        )

    def ask(key: Array, state: Waiting) -> tuple[Waiting, Float[Array, "n D"]]:
        walks = made.draw(key, state.learner, together)
        rows = (state.asked + jnp.arange(together)) % room
        updated = state._replace(
            asked=state.asked + together,
            drawn_as=state.drawn_as.at[rows].set(walks.log_probability),
            drawn_at=state.drawn_at.at[rows].set(state.learner.updates),
        )
        return updated, walks.point

    def take(state: Waiting, told: tuple[Array, Array, Array]) -> tuple[Waiting, dict[str, Array]]:
        """One point more."""
        point, value, number = told
        own = (number >= 0) & (number < state.asked) & (state.asked - number <= room)
        row = number % room
        new = Minibatch(point, value, state.drawn_as[row], jnp.where(own, state.drawn_at[row], -1))
        batch = jax.tree.map(lambda old, each: old.at[state.filled].set(each), state.batch, new)
        full = state.filled + 1 == size
        nothing = dict.fromkeys(MEASURED, jnp.float32(jnp.nan))
        learner, measured = jax.lax.cond(
            full, made.update, lambda learner, batch: (learner, nothing), state.learner, batch
        )
        filled = jnp.where(full, 0, state.filled + 1)
        return state._replace(learner=learner, batch=batch, filled=filled, told=state.told + 1), measured

    def tell(
        state: Waiting, points: Float[EitherArray, "n D"], feedback: Feedback
    ) -> tuple[Waiting, dict[str, Array]]:
        order = state.told + jnp.arange(len(points), dtype=jnp.int32)
        number = order if feedback.number is None else jnp.asarray(feedback.number, jnp.int32)
        told = (jnp.asarray(points, jnp.float32), jnp.asarray(feedback.value, jnp.float32), number)
        return jax.lax.scan(take, state, told)

    return Strategy(init, ask, tell, learns_after=size)
