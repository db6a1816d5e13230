"""What can be designed: spaces of architectures. They know no data, no scores and no Flax."""

from taskaware.spaces.mixture import MixtureSpace, Point, Weights
from taskaware.spaces.presets import PRESETS, preset

__all__ = ["PRESETS", "MixtureSpace", "Point", "Weights", "preset"]
