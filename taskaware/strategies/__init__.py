"""Search strategies, one file each, and the driver that runs them on any objective."""

from taskaware.strategies.driver import Trace, maximise, search
from taskaware.strategies.evolution import evolution
from taskaware.strategies.gradient_ascent import gradient_ascent
from taskaware.strategies.history import AllDiverged, Evaluation, History
from taskaware.strategies.log import Progress
from taskaware.strategies.objective import DIVERGED, Objective, Outcomes, settled, traced
from taskaware.strategies.portfolio import portfolio_then
from taskaware.strategies.random_search import random
from taskaware.strategies.registry import STRATEGIES
from taskaware.strategies.strategy import Factory, Feedback, Strategy

__all__ = [
    "DIVERGED",
    "STRATEGIES",
    "AllDiverged",
    "Evaluation",
    "Factory",
    "Feedback",
    "History",
    "Objective",
    "Outcomes",
    "Progress",
    "Strategy",
    "Trace",
    "evolution",
    "gradient_ascent",
    "maximise",
    "portfolio_then",
    "random",
    "search",
    "settled",
    "traced",
]
