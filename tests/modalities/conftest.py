"""Short trainings, for tests that are not about their quality."""

import pytest

from taskaware.training import fit as training
from taskaware.training import length
from taskaware.training.recipe import TrainingRecipe


@pytest.fixture
def short(monkeypatch):
    """Trainings have few steps of few rows."""
    monkeypatch.setattr(training, "RECIPE", TrainingRecipe(steps=150, batch_size=32))
    monkeypatch.setattr(length, "PASSES", 0)
