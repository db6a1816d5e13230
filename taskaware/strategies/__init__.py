"""Search strategies, one file each, and the driver that runs them on any objective."""

import importlib
from typing import TYPE_CHECKING

from taskaware.strategies.annealed_ascent import annealed_ascent
from taskaware.strategies.driver import Trace, maximise, search
from taskaware.strategies.evolution import aging_evolution, evolution
from taskaware.strategies.gradient_ascent import gradient_ascent
from taskaware.strategies.history import AllDiverged, Evaluation, History
from taskaware.strategies.local_search import local_search
from taskaware.strategies.objective import DIVERGED, Objective, Outcomes, settled, traced
from taskaware.strategies.portfolio import portfolio_then
from taskaware.strategies.random_search import random
from taskaware.strategies.record import Progress
from taskaware.strategies.registry import STRATEGIES
from taskaware.strategies.reinforce import ppo, reinforce
from taskaware.strategies.screening import promising
from taskaware.strategies.strategy import Asked, Factory, Feedback, HostSearch, Strategy, UnderWay

if TYPE_CHECKING:
    from taskaware.strategies.taught import Taught, load_controller
    from taskaware.strategies.teaching import teach

__all__ = [
    "DIVERGED",
    "STRATEGIES",
    "AllDiverged",
    "Asked",
    "Evaluation",
    "Factory",
    "Feedback",
    "History",
    "HostSearch",
    "Objective",
    "Outcomes",
    "Progress",
    "Strategy",
    "Taught",
    "Trace",
    "UnderWay",
    "aging_evolution",
    "annealed_ascent",
    "evolution",
    "gradient_ascent",
    "load_controller",
    "local_search",
    "maximise",
    "portfolio_then",
    "ppo",
    "promising",
    "random",
    "reinforce",
    "search",
    "settled",
    "teach",
    "traced",
]

LATER = {
    "Taught": "taskaware.strategies.taught",
    "load_controller": "taskaware.strategies.taught",
    "teach": "taskaware.strategies.teaching",
}
"""Names whose module needs Flax, which takes long to import, and that module."""


def __getattr__(name: str) -> object:
    """The names of `LATER`."""
    if name not in LATER:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(importlib.import_module(LATER[name]), name)
