"""Settings of a controller that learns, and the rewards that it learns from."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from taskaware.digests import digest
from taskaware.errors import UserError, unknown
from taskaware.registry import Registry

if TYPE_CHECKING:
    from taskaware.strategies.taught import Taught

OFF_POLICY = ("weigh", "drop")

CONTROLLERS: Registry[Any] = Registry(
    "controller",
    {
        "lstm": "taskaware.strategies.controller_lstm:LSTMController",
        "transformer": "taskaware.strategies.controller_transformer:TransformerController",
    },
)
"""Name → class of `Controller`; imported when it is used, because Flax takes long to import."""


class Terms(NamedTuple):
    """Settings of `reinforce` and `ppo`, see there; `clip` is None for REINFORCE."""

    minibatch: int
    learning_rate: float
    reward: str
    scale: float
    baseline: float
    entropy: float
    off_policy: str
    queue: int
    queue_weight: float
    units: int
    layers: int
    temperature: float
    tanh: float | None
    clip: float | None = None
    epochs: int = 1
    anchors: bool = True
    grow: str | None = None
    grow_every: int = 1600
    start: "Taught | None" = None
    z: tuple[float, ...] | None = None
    controller: str = "lstm"

    @property
    def label(self) -> str:
        """What the strategy is, with its settings."""
        name = "reinforce" if self.clip is None else "ppo"
        usual = ["clip", "epochs"] * (self.clip is None) + ["anchors"] * self.anchors
        usual += ["controller"] * (self.controller == "lstm" or self.start is not None)
        usual += ["grow", "grow_every"] * (self.grow is None) + ["start", "z"]
        mine = [f"{each}={getattr(self, each)}" for each in self._fields if each not in usual]
        if self.start is not None:
            mine += [f"start={self.start.digest}", f"z={digest(self.z)}"]
        return f"{name}({', '.join(mine)})"

    def check(self) -> "Terms":
        """The settings, if they may be.

        Raises:
            UserError: one of them is out of range.
        """
        for name in ("minibatch", "units", "layers", "epochs", "grow_every"):
            if getattr(self, name) < 1:
                raise UserError(f"{name}={getattr(self, name)} is too small. Give 1 or more.")
        for name in ("learning_rate", "scale", "temperature", "tanh", "clip"):
            if (value := getattr(self, name)) is not None and not value > 0:
                raise UserError(f"{name}={value} is too small. Give more than 0.")
        for name in ("entropy", "queue", "queue_weight"):
            if getattr(self, name) < 0:
                raise UserError(f"{name}={getattr(self, name)} is too small. Give 0 or more.")
        if not 0 <= self.baseline < 1:
            raise UserError(f"baseline={self.baseline} is out of range. Give 0 or more, and less than 1.")
        if self.z is not None and self.start is None:
            raise UserError("z=... needs start=..., a controller that reads it. Leave it out.")
        if self.controller not in CONTROLLERS:
            raise unknown("controller", self.controller, CONTROLLERS)
        if self.reward not in REWARDS:
            raise unknown("reward", self.reward, REWARDS)
        if self.off_policy not in OFF_POLICY:
            raise unknown("way to use late answers", self.off_policy, OFF_POLICY)
        return self


REWARDS: dict[str, Callable[[Array, float], Array]] = {
    "raw": lambda score, scale: scale * score,
    "cubed": lambda score, scale: scale * score**3,
    "inverse_square": lambda score, scale: scale / jnp.square(score),
}
"""Name → (scores, scale) → rewards. "inverse_square" is for perplexities, whose scores are negative."""
