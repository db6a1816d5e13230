"""Values that the checks of `store_contract` put into a store."""

import dataclasses
from collections.abc import Callable

import numpy as np

from taskaware.errors import UserError
from taskaware.store import Experience, SpaceRecord, Store, TaskRecord, Trainings

OpenStore = Callable[[], Store]

SPACE = SpaceRecord("a" * 16, "mixture", {"layers": 7, "sizes": [8, 16]})
CATALOGUE = "c" * 16
FEATURES = ("rows", "label_entropy")
RECIPE = {"steps": 300, "rate": 0.01}
TASKS = (
    TaskRecord("0" * 15 + "2", "adult", "adult", "classification", "accuracy", 48842, 14, 2, {"note": "é ✓"}),
    TaskRecord("0" * 15 + "1", "boston", "boston", "regression", "r2", 506, 13, 1),
)


def register(store: Store) -> str:
    """Add two tasks with meta-features, a space and a recipe; the digest of the recipe."""
    for position, task in enumerate(TASKS):
        store.add_task(task)
        store.add_metafeatures(task.digest, catalogue=CATALOGUE, names=FEATURES, values=[position, 0.5])
    store.add_space(SPACE)
    return store.add_recipe(RECIPE)


def example(recipe: str, *, task: int = 0, start: int = 0, count: int = 5) -> Trainings:
    """A deterministic batch of trainings with two seeds.

    Args:
        recipe: digest.
        task: position in TASKS.
        start: number of the first training.
        count: how many.
    """
    numbers = np.arange(start, start + count)
    return Trainings(
        task=TASKS[task].digest,
        space=SPACE.digest,
        recipe=recipe,
        u=np.stack([numbers // 2, numbers + task, np.full(count, 0.1)], axis=1),
        seeds=numbers % 2,
        scores=np.where(numbers % 5 == 4, np.nan, 0.5 + numbers / 1000),
        test_scores=0.4 + numbers / 1000,
        losses=numbers / 7,
        seconds=0.25,
        strategy="random_search",
        code_version="0.1.0",
    )


def assert_same(first: Experience, second: Experience) -> None:
    """AssertionError unless both hold the same, number for number."""
    for field in dataclasses.fields(Experience):
        ours, theirs = getattr(first, field.name), getattr(second, field.name)
        if isinstance(ours, np.ndarray):
            np.testing.assert_array_equal(ours, theirs, err_msg=field.name, strict=True)
        else:
            assert ours == theirs, (field.name, ours, theirs)


def refused(call: Callable[[], object], words: str) -> None:
    """AssertionError unless the call raises a UserError with these words."""
    try:
        call()
    except UserError as error:
        assert words in str(error), f"{words!r} is not in: {error}"
    else:
        raise AssertionError(f"Not refused; expected a UserError with {words!r}.")
