"""A table of known scores as an objective: its space, its seeds, and what is refused."""

import numpy as np
import pandas as pd
import pytest

import taskaware as ta
from taskaware.errors import UserError

FRAME = pd.DataFrame(
    {
        "op0": ["conv", "conv", "pool", "pool", "pool"],
        "op1": [3, 5, 3, 3, 5],
        "seed": [0, 0, 0, 1, 0],
        "valid": [0.5, 0.9, 0.6, 0.8, np.nan],
        "test": [0.4, 0.8, 0.5, 0.7, 0.9],
        "s": [1.0, 2.0, 3.0, 5.0, 4.0],
    }
)
NAMES = {"decisions": ["op0", "op1"], "score": "valid", "test": "test", "seconds": "s"}


def look(objective, space, **point):
    found = objective.evaluate(space.point(**point)[None])
    return [float(column[0]) for column in (found.score, found.test_score, found.seconds)]


def test_a_point_has_the_mean_over_its_seeds():
    space, objective = ta.objectives.table(FRAME, **NAMES)
    assert (space.size, space.allowed) == (4, None)
    assert look(objective, space, op0="pool", op1=3) == pytest.approx([0.7, 0.6, 4.0])
    assert look(objective, space, op0="conv", op1=5) == [0.9, 0.8, 2.0]
    assert look(objective, space, op0="pool", op1=5) == [-np.inf, 0.9, 4.0]
    holes, _ = ta.objectives.table(FRAME[FRAME["op1"] + (FRAME["op0"] == "conv") != 6], **NAMES)
    assert (len(holes.allowed), holes.size) == (3, 3)


def test_a_draw_follows_from_the_number_of_the_evaluation():
    space, objective = ta.objectives.table(FRAME, **NAMES, repeats="draw")
    points = np.repeat(space.point(op0="pool", op1=3)[None], 400, axis=0)
    drawn = objective.evaluate(points, 0).score
    assert set(drawn.tolist()) == {0.6, 0.8} and 0.4 < (drawn == 0.8).mean() < 0.6
    np.testing.assert_array_equal(objective.evaluate(points[100:], 100).score, drawn[100:])
    other = ta.objectives.table(FRAME, **NAMES, repeats="draw", seed=1)[1].evaluate(points, 0).score
    assert (other != drawn).any()


def test_a_search_finds_the_best_row_and_its_history_is_the_table():
    space, objective = ta.objectives.table(FRAME, **NAMES)
    found = ta.search(space, "local_search", objective=objective, budget=40, progress=False)
    assert found.best.decisions == {"op0": "conv", "op1": 5} and found.best.test_score == 0.8
    merged = found.history.merge(FRAME[FRAME["seed"] == 0], on=["op0", "op1"])
    assert len(merged) == 40 and set(found.history) >= {"evaluation", "score", "test", "seconds", "parent"}
    loss = ta.objectives.table(FRAME, ["op0", "op1"], "s", smaller_is_better=True)[1]
    assert (
        look(
            loss._replace(evaluate=lambda p: loss.evaluate(p)._replace(test_score=[0.0], seconds=[0.0])),
            space,
            op0="conv",
            op1=3,
        )[0]
        == -1.0
    )


def changed(**columns):
    return FRAME.assign(**columns)


@pytest.mark.parametrize(
    ("frame", "more", "words"),
    [
        (FRAME, {"score": "vald"}, "Unknown score column 'vald'. Did you mean 'valid'"),
        (FRAME, {"decisions": ["op0", "op2"]}, "Unknown column 'op2'. Did you mean"),
        (FRAME, {"decisions": []}, "No decision is named"),
        (FRAME, {"decisions": ["op0", "valid"]}, "'valid' is named twice"),
        (FRAME, {"test": "tset"}, "Unknown column 'tset'"),
        (changed(op0=["conv", None, "pool", "pool", "pool"]), {}, "Row 1 of the table has no 'op0'"),
        (changed(valid=list("abcde")), {}, "'valid' holds something else than numbers"),
        (FRAME, {"seeds": "seed", "decisions": ["op0"]}, "has the seed 0 more than once"),
        (pd.concat([FRAME, FRAME]), {}, "copies of each other"),
        (FRAME.head(1), {}, "There is nothing to decide"),
        (FRAME, {"repeats": "median"}, "Unknown way to use repeats 'median'"),
        (FRAME.to_dict("list"), {}, "Give a pandas DataFrame"),
    ],
)
def test_a_table_that_is_none_is_refused(unchecked, frame, more, words):
    with pytest.raises(UserError, match=words):
        ta.objectives.table(frame, **(NAMES | more))


def test_a_point_of_another_space_is_refused():
    _, objective = ta.objectives.table(FRAME, **NAMES)
    with pytest.raises(UserError, match="The table has no point"):
        objective.evaluate(np.array([[7, 7]], np.float32))


def test_a_seed_that_diverged_counts_in_no_mean_and_missing_seconds_stay_missing():
    frame = pd.DataFrame(
        {
            "op": ["a", "a", "b", "c"],
            "v": [0.8, np.nan, 0.5, np.nan],
            "t": [0.7, 0.1, 0.4, 0.3],
            "s": [1, 9, None, 2],
        }
    )
    space, objective = ta.objectives.table(frame, ["op"], "v", test="t", seconds="s")
    assert look(objective, space, op="a") == [0.8, 0.7, 1.0]
    assert look(objective, space, op="b")[:2] == [0.5, 0.4] and np.isnan(look(objective, space, op="b")[2])
    assert look(objective, space, op="c")[0] == -np.inf


def test_a_table_with_other_scores_is_another_objective():
    frame = pd.DataFrame({"op": ["a", "b"], "v": [0.0, 1.0]})
    other = frame.assign(v=[np.nan, 1.0])
    assert (
        ta.objectives.table(frame, ["op"], "v")[1].about != ta.objectives.table(other, ["op"], "v")[1].about
    )


def test_a_space_of_yours_keeps_its_order_of_options():
    space = ta.spaces.choices(op0=["pool", "conv"], op1=[5, 3])
    same, objective = ta.objectives.table(FRAME, space, "valid", test="test", seconds="s")
    assert same is space
    assert look(objective, space, op0="conv", op1=5) == [0.9, 0.8, 2.0]
    with pytest.raises(UserError, match="has 4 of the 6 points of 'choices'"):
        ta.objectives.table(FRAME, ta.spaces.choices(op0=["pool", "conv", "none"], op1=[3, 5]), "valid")
    with pytest.raises(UserError, match="op1=5, which is no option of the space"):
        ta.objectives.table(FRAME, ta.spaces.choices(op0=["pool", "conv"], op1=[3, 7]), "valid")
