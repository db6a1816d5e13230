"""Search strategies, one file each; they are handed an objective and never see where it comes from."""

from taskaware.search.gradient_ascent import gradient_ascent
from taskaware.search.random_search import random_search
from taskaware.search.strategy import Feedback, Objective, Strategy, Trace, maximise, score

__all__ = [
    "Feedback",
    "Objective",
    "Strategy",
    "Trace",
    "gradient_ascent",
    "maximise",
    "random_search",
    "score",
]
