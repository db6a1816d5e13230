"""Many jobs on one machine or several; independent of machine learning, and imports no JAX."""

from taskaware.runner.engine import ENGINES, Ended, Engine, RunnerSettings
from taskaware.runner.engines import open_engine
from taskaware.runner.job import Job, Outcome
from taskaware.runner.journal import Journal, read_journal
from taskaware.runner.progress import Progress
from taskaware.runner.run import run

__all__ = [
    "ENGINES",
    "Ended",
    "Engine",
    "Job",
    "Journal",
    "Outcome",
    "Progress",
    "RunnerSettings",
    "open_engine",
    "read_journal",
    "run",
]
