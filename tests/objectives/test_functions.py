"""A function as an objective: a number or a dict, one point or many, and the Pareto front of what is told."""

import numpy as np
import pytest

import taskaware as ta
from taskaware.errors import UserError

SPACE = ta.spaces.choices(width=[8, 16, 32, 64], depth=[1, 2, 3])


def told(point):
    chosen = SPACE.chosen(point)
    parameters = chosen["width"] * chosen["depth"]
    return {"score": parameters**0.5 - 4 * (chosen["depth"] == 2), "test": 1.0, "parameters": parameters}


def batched(points):
    rows = [told(point) for point in points]
    return {name: [row[name] for row in rows] for name in rows[0]}


@pytest.mark.parametrize("more", [{}, {"batched": True, "together": 3}])
def test_a_dict_is_a_score_and_columns_and_has_a_front(more):
    objective = ta.objectives.function(batched if more else told, **more)
    found = ta.search(SPACE, "random", objective=objective, budget=120, progress=False)
    frame = found.history
    assert (frame["test"] == 1.0).all() and set(frame["parameters"]) == {8, 16, 24, 32, 48, 64, 96, 128, 192}
    front = found.front("score", "-parameters")
    # Depth 2 is never worth it; of equal ones, one is kept.
    assert (front["depth"] != 2).all() and front["parameters"].tolist() == [192, 96, 64, 48, 32, 24, 16, 8]
    assert found.front().shape[0] == 1 and found.front()["score"][0] == found.best.score
    with pytest.raises(UserError, match="Unknown aim 'parametres'. Did you mean 'parameters'"):
        found.front("-parametres")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"scores": 1.0}, r"a dict without 'score' \(scores\)"),
        ({"score": "high"}, "returned 'high' for a point"),
        ([1.0, 2.0], "Return one number"),
    ],
)
def test_another_answer_is_refused(answer, words):
    with pytest.raises(UserError, match=words):
        ta.search(SPACE, "random", objective=lambda point: answer, budget=3, progress=False)


def test_a_column_that_some_points_lack_is_missing_there():
    def some(point):
        return {"score": 1.0, "latency": 2.0} if point[0] else 0.5

    found = ta.search(SPACE, "random", objective=some, budget=40, progress=False)
    np.testing.assert_array_equal(np.isnan(found.info["latency"]), found.points[:, 0] == 0)


def test_other_numbers_than_the_score_have_to_be_one_for_each_point_too():
    several = ta.objectives.function(
        lambda points: {"score": points.sum(1), "size": 3.0}, batched=True, together=4
    )
    with pytest.raises(UserError, match="'size' of shape \\(\\) for 4 points"):
        ta.search(SPACE, "random", objective=several, budget=8, progress=False)
