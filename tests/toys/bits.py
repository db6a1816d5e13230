"""A space of one's own in one file: strings of bits, and the noisy count of their ones."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from taskaware.digests import digest
from taskaware.spaces import SPACES, Decision, change_one


@dataclasses.dataclass(frozen=True)
class Bits:
    """Strings of so many bits."""

    dimension: int = 24
    name: str = "bits"

    @property
    def digest(self):
        return digest({"type": "bits", "dimension": self.dimension})

    @property
    def decisions(self):
        return tuple(Decision(f"bit {n}", 2, (n,), ("off", "on")) for n in range(self.dimension))

    @property
    def feature_names(self):
        return tuple(decision.name for decision in self.decisions)

    def to_dict(self):
        return {"type": "bits", **dataclasses.asdict(self)}

    @classmethod
    def from_dict(cls, data):
        return cls(data["dimension"], data["name"])

    def sample(self, key, count):
        return jax.random.bernoulli(key, 0.5, (count, self.dimension)).astype(jnp.float32)

    def mutate(self, key, point):
        return change_one(key, point, self.decisions)

    def contains(self, points):
        return jnp.all((points == 0) | (points == 1), axis=-1)

    def features(self, point):
        return point


SPACES.add("bits", Bits)


def one_max(noise=0.0, seed=0):
    """An objective: the share of ones, with normal noise of so much."""
    rng = np.random.default_rng(seed)
    return lambda point: float(point.mean()) + noise * rng.normal()
