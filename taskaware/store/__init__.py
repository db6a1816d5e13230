"""Experience: every training ever made, in SQL, and as one small file to ship."""

from taskaware.store.compact import pack, unpack
from taskaware.store.experience import Experience
from taskaware.store.records import RecipeRecord, SpaceRecord, TaskRecord, Trainings

__all__ = [
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
    "Trainings",
    "pack",
    "unpack",
]


# what a database is needed for comes on first use, so that reading a shipped file does not load SQLAlchemy
LATER = ("FailureGroup", "Listed", "Pruned", "Report", "Store", "Summary")


def __getattr__(name: str) -> object:
    """The names of `LATER`."""
    if name not in LATER:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from taskaware.store import sql

    return getattr(sql, name)
