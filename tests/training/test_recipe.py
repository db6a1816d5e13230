import dataclasses

import pytest

from taskaware.errors import UserError
from taskaware.training.recipe import TrainingRecipe


def test_the_default_is_sound():
    recipe = TrainingRecipe()
    assert recipe.check() is recipe
    assert recipe.segment * recipe.evaluations == recipe.steps


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"steps": 0}, "steps=0 is too small. Give 1 or more"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"evaluations": -1}, "evaluations=-1"),
        ({"score_last": 0}, "score_last=0"),
        ({"train_rows": 0}, "train_rows=0"),
        ({"validation_rows": 0}, "validation_rows=0"),
        ({"test_rows": 0}, "test_rows=0"),
        ({"warmup": 1.5}, "warmup=1.5 is out of range. Give 0 to 1"),
        ({"learning_rate": float("nan")}, "learning_rate=nan is out of range"),
        ({"weight_decay": -0.1}, "weight_decay=-0.1"),
        ({"dropout": 1.0}, "dropout=1.0 is out of range. Give 0 to 0.99"),
        ({"steps": 301}, "steps=301 is not a multiple of evaluations=5"),
        ({"score_last": 6}, "score_last=6 exceeds evaluations=5"),
        ({"score_reduction": "median"}, "'median' is unknown. Allowed: mean, max"),
    ],
)
def test_values_out_of_range(changes, words):
    with pytest.raises(UserError, match=words):
        TrainingRecipe(**changes).check()


def test_the_dictionary_gives_the_recipe_back():
    recipe = TrainingRecipe(steps=40, evaluations=4, score_reduction="max")
    assert TrainingRecipe(**recipe.to_dict()) == recipe
    assert recipe.to_dict().keys() == {field.name for field in dataclasses.fields(TrainingRecipe)}
