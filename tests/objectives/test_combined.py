"""Several objectives as one, and update rules on several tasks."""

import numpy as np
import pandas as pd
import pytest

import taskaware as ta
from taskaware.errors import UserError
from taskaware.modalities.tables.build import make_task
from taskaware.training.recipe import TrainingRecipe

RECIPE = TrainingRecipe(steps=20, batch_size=16, evaluations=2)


def first(point):
    return {"score": float(point[0]), "test": float(point[0]) + 1, "seconds": 0.0}


def second(point):
    return float(np.log(point[1]))


def test_the_mean_of_the_scores_and_each_in_a_column():
    both = ta.objectives.several(
        [ta.objectives.function(first), ta.objectives.function(second)], weights=[1, 3]
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        found = both.evaluate(np.array([[2.0, 1.0], [2.0, 0.0], [2.0, -1.0]]))
    assert found.score[0] == 0.5 and not np.isfinite(found.score[1:]).any()
    assert found.more["score 1"].tolist() == [2, 2, 2] and found.test_score is None
    alone = ta.objectives.several([ta.objectives.function(first)] * 2).evaluate(np.array([[2.0, 1.0]]))
    assert alone.test_score.tolist() == [3.0]


@pytest.mark.parametrize(
    ("objectives", "weights", "what"),
    [
        ([], None, "There are 0 objectives"),
        ([first], None, "no objective"),
        ([ta.objectives.function(first)], [1, 2], "a weight above 0 for each"),
        ([ta.objectives.function(first)], [0], "a weight above 0 for each"),
        ([ta.objectives.function(lambda point: point.sum(), traceable=True)], None, "no traceable"),
    ],
)
def test_what_is_no_mean_is_refused(unchecked, objectives, weights, what):
    with pytest.raises(UserError, match=what):
        ta.objectives.several(objectives, weights)


def test_rules_are_scored_on_a_table_and_on_images():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(120, 3)), columns=["a", "b", "c"])
    table = make_task(frame.assign(y=np.where(frame["a"] > 0, "more", "less")), "y")
    pixels = rng.integers(0, 100, (120, 8, 8), np.uint8)
    labels = rng.integers(0, 2, 120)
    pixels[labels == 1, 2:6, 2:6] += 100
    objective = ta.optimizers.on_tasks([table, (pixels, labels)], recipe=RECIPE)
    space = ta.preset("update-rules")
    found = objective.evaluate(np.stack([space.encode(text) for text in ("adam", "g - g")]))
    assert found.score[0] > 0.8 > 0.7 > found.score[1]
    both = [found.more[f"score {number}"] for number in (1, 2)]
    np.testing.assert_allclose(np.mean(both, 0), found.score)
    assert both[1][0] > 0.9 > 0.7 > both[1][1] and len(found.test_score) == 2
    with pytest.raises(UserError, match="0 objectives"):
        ta.optimizers.on_tasks([])
