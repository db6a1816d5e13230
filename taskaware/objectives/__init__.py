"""Objectives of a search (trainings, predictions, functions), and the recording of experience."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from taskaware.objectives.as_experience import known_scores as known_scores
    from taskaware.objectives.combined import several as several
    from taskaware.objectives.functions import function as function
    from taskaware.objectives.language import language_model as language_model
    from taskaware.objectives.language_fit import LanguageModel as LanguageModel
    from taskaware.objectives.language_fit import fit_language_model as fit_language_model
    from taskaware.objectives.language_fit import load_language_model as load_language_model
    from taskaware.objectives.language_text import LanguageSettings as LanguageSettings
    from taskaware.objectives.lookups import table as table
    from taskaware.objectives.predictions import best_of_nearest as best_of_nearest
    from taskaware.objectives.predictions import climbed as climbed
    from taskaware.objectives.predictions import predicted as predicted
    from taskaware.objectives.predictions import predictor as predictor
    from taskaware.objectives.trainings import trained as trained
    from taskaware.objectives.update_rules import update_rules as update_rules
    from taskaware.strategies import Objective as Objective
    from taskaware.strategies import Outcomes as Outcomes

_HOMES = {
    "LanguageModel": "taskaware.objectives.language_fit",
    "LanguageSettings": "taskaware.objectives.language_text",
    "Objective": "taskaware.strategies",
    "Outcomes": "taskaware.strategies",
    "best_of_nearest": "taskaware.objectives.predictions",
    "climbed": "taskaware.objectives.predictions",
    "fit_language_model": "taskaware.objectives.language_fit",
    "function": "taskaware.objectives.functions",
    "known_scores": "taskaware.objectives.as_experience",
    "language_model": "taskaware.objectives.language",
    "load_language_model": "taskaware.objectives.language_fit",
    "predicted": "taskaware.objectives.predictions",
    "predictor": "taskaware.objectives.predictions",
    "several": "taskaware.objectives.combined",
    "table": "taskaware.objectives.lookups",
    "trained": "taskaware.objectives.trainings",
    "update_rules": "taskaware.objectives.update_rules",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    """Imported on first use: training is slow to import."""
    if name not in _HOMES:
        raise AttributeError(f"module 'taskaware.objectives' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)
