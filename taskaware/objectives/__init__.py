"""Objectives of a search (trainings, predictions, functions), and the recording of experience."""

import importlib

_HOMES = {
    "Objective": "taskaware.strategies",
    "Outcomes": "taskaware.strategies",
    "function": "taskaware.objectives.functions",
    "predicted": "taskaware.objectives.predictions",
    "table": "taskaware.objectives.lookups",
    "trained": "taskaware.objectives.trainings",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    """Imported on first use: training is slow to import."""
    if name not in _HOMES:
        raise AttributeError(f"module 'taskaware.objectives' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)
