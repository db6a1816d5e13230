"""Search strategies, one file each; they are handed an objective and never see where it comes from."""

from taskaware.search.evolution import evolution
from taskaware.search.gradient_ascent import gradient_ascent
from taskaware.search.random_search import random_search
from taskaware.search.strategy import Feedback, Judge, Objective, Strategy, Trace, maximise, score, spend

__all__ = [
    "Feedback",
    "Judge",
    "Objective",
    "Strategy",
    "Trace",
    "evolution",
    "gradient_ascent",
    "maximise",
    "random_search",
    "score",
    "spend",
]
