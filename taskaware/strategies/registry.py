"""The strategies by name."""

from collections.abc import Callable

from taskaware.registry import Registry
from taskaware.strategies.strategy import Factory

STRATEGIES: Registry[Callable[..., Factory]] = Registry(
    "strategy",
    {
        "random": "taskaware.strategies.random_search:random",
        "evolution": "taskaware.strategies.evolution:aging_evolution",
        "aging_evolution": "taskaware.strategies.evolution:aging_evolution",
        "local_search": "taskaware.strategies.local_search:local_search",
        "reinforce": "taskaware.strategies.reinforce:reinforce",
        "ppo": "taskaware.strategies.reinforce:ppo",
        "gradient_ascent": "taskaware.strategies.gradient_ascent:gradient_ascent",
        "annealed_ascent": "taskaware.strategies.annealed_ascent:annealed_ascent",
    },
)
"""Name → function of settings (all with defaults) that returns a `Factory`."""
