"""Evolution over cells with and without inherited weights, and random search, on digits; see README.md."""

import json

from taskaware.spaces import cells
from taskaware.studies.compare import CompareSettings
from taskaware.training.recipe import TrainingRecipe


def config() -> CompareSettings:
    """48 trainings of 60 steps for each of three strategies and three seeds."""
    return CompareSettings(
        suite=("bundled-images",),
        strategies=("random", "evolution", "evolution_inheriting"),
        budget=48,
        round=4,
        seeds=3,
        space=json.dumps(cells(filters=4, side=8, channels=1).to_dict()),
        population=12,
        tournament=4,
        keep=48,
        trainer=TrainingRecipe(
            steps=60,
            batch_size=32,
            evaluations=2,
            learning_rate=0.01,
            train_rows=512,
            validation_rows=512,
            test_rows=512,
        ),
    )
