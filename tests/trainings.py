"""Trainings of a moment, for tests that are not about their quality."""

import contextlib
from collections.abc import Iterator

import pytest

from taskaware.training import fit as training
from taskaware.training import length
from taskaware.training.recipe import TrainingRecipe


@contextlib.contextmanager
def shortened(steps: int = 150, batch_size: int = 32) -> Iterator[None]:
    """`fit` makes few steps of few rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "RECIPE", TrainingRecipe(steps=steps, batch_size=batch_size))
        patch.setattr(length, "PASSES", 1)
        patch.setattr(length, "PASSES_OF_CLASSES", 1)
        yield
