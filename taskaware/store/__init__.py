"""Experience: the trainings ever made, in SQL, and as one small file to ship."""

from typing import TYPE_CHECKING

from taskaware.store.compact import pack, unpack
from taskaware.store.experience import Experience
from taskaware.store.records import RecipeRecord, SpaceRecord, TaskRecord, TrainingKey, Trainings

if TYPE_CHECKING:
    from taskaware.store.sql import Artefact, Birth, FailureGroup, Listed, Pruned, Report, Store, Summary

__all__ = [
    "Artefact",
    "Birth",
    "Experience",
    "FailureGroup",
    "Listed",
    "Pruned",
    "RecipeRecord",
    "Report",
    "SpaceRecord",
    "Store",
    "Summary",
    "TaskRecord",
    "TrainingKey",
    "Trainings",
    "pack",
    "unpack",
]


# what needs a database is imported on first use, so that reading a shipped file does not load SQLAlchemy
LATER = ("Artefact", "Birth", "FailureGroup", "Listed", "Pruned", "Report", "Store", "Summary")


def __getattr__(name: str) -> object:
    """The names of `LATER`."""
    if name not in LATER:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from taskaware.store import sql

    return getattr(sql, name)
