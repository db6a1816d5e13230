"""The strategies by name."""

from collections.abc import Callable

from taskaware.registry import Registry
from taskaware.strategies.strategy import Factory

STRATEGIES: Registry[Callable[..., Factory]] = Registry(
    "strategy",
    {
        "random": "taskaware.strategies.random_search:random",
        "evolution": "taskaware.strategies.evolution:evolution",
        "gradient_ascent": "taskaware.strategies.gradient_ascent:gradient_ascent",
    },
)
"""Name → function of settings (all with defaults) that returns a `Factory`."""
