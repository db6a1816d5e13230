"""Tables of known scores as experience: an evaluator of choices, warm starts, ascent in a relaxed space."""

import functools
import itertools

import jax
import numpy as np
import pandas as pd
import pytest

import taskaware as ta
from taskaware.errors import UserError
from taskaware.surrogates import training_data

SPACE = ta.spaces.choices(op=["conv", "pool", "none"], width=[8, 16, 32, 64], gate=[True, False], name="toy")
BEST = {"op": "pool", "width": 64, "gate": False}


def frame(shift: float) -> pd.DataFrame:
    """Every point once; the best one is the same in all tables, the scale and some of the order differ."""
    rows = pd.DataFrame(
        itertools.product(*(values for _, values in SPACE.options)), columns=["op", "width", "gate"]
    )
    score = rows["op"].map({"conv": 0.5, "pool": 0.8, "none": shift}) + np.log2(rows["width"]) / 10
    return rows.assign(valid=(1 + shift) * (score - 0.2 * rows["gate"]), seed=0)


FRAMES = {"a": frame(0.1), "b": frame(0.3), "c": frame(0.2)}


@functools.cache
def evaluator():
    known = ta.objectives.known_scores({name: FRAMES[name] for name in "ab"}, SPACE, "valid")
    return ta.train_evaluator(known, space=SPACE)


def test_a_table_is_a_task_and_its_rows_are_trainings():
    known = ta.objectives.known_scores(FRAMES, SPACE, "valid")
    assert known.names == known.groups == ("a", "b", "c") and len(known) == 72
    assert known.space.digest == SPACE.digest and len(known.architectures) == SPACE.size
    row = int(np.flatnonzero(known.task == 1)[5])
    chosen, there = SPACE.chosen(known.u[row]), FRAMES["b"]
    own = there[(there[["op", "width", "gate"]] == pd.Series(chosen)).all(axis=1)]
    assert known.score[row] == pytest.approx(own["valid"].item())
    digests = [ta.objectives.known_scores(FRAMES, SPACE, "valid").tasks[place].digest for place in (0, 1)]
    assert digests[0] != digests[1]


def test_seeds_and_losses():
    twice = pd.concat([FRAMES["a"], FRAMES["a"].assign(valid=FRAMES["a"]["valid"] + 0.1)])
    known = ta.objectives.known_scores({"a": twice, "b": FRAMES["b"]}, SPACE, "valid", smaller_is_better=True)
    assert known.seed.tolist().count(1) == 24 and (known.score < 0).all()
    assert training_data(known).score[0].mean() == pytest.approx(
        -(FRAMES["a"]["valid"] + 0.05).mean(), rel=1e-5
    )


def test_few_points_are_the_best_of_each_table_and_the_same_random_ones():
    known = ta.objectives.known_scores(FRAMES, SPACE, "valid", points=12)
    assert len(known.architectures) == 12 and np.bincount(known.task).tolist() == [12, 12, 12]
    assert SPACE.point(**BEST).tolist() in known.architectures.tolist()
    other = ta.objectives.known_scores(FRAMES, SPACE, "valid", points=12, seed=1)
    assert not np.array_equal(other.architectures, known.architectures)


def test_what_other_tables_tell_begins_and_screens_a_search():
    points = ta.objectives.best_of_nearest(evaluator(), tasks=2, each=3)
    assert SPACE.chosen(points[0]) == BEST
    predict = ta.objectives.predictor(evaluator())
    target = ta.objectives.table(FRAMES["c"], SPACE, "valid")[1]
    every = np.array(list(itertools.product(range(3), range(4), range(2))), np.float32)
    assert np.corrcoef(predict(every), target.evaluate(every).score)[0, 1] > 0.8
    strategy = ta.strategies.portfolio_then(points, ta.strategies.promising(ta.strategies.random(), predict))
    found = ta.search(SPACE, strategy, objective=target, budget=8, progress=False)
    assert found.best.number == 0


def test_an_ascent_in_the_relaxed_space_climbs_to_the_best_prediction():
    space, objective = ta.spaces.relaxed(SPACE), None
    objective = ta.objectives.predicted(evaluator(), space=space)
    found = ta.search(space, "gradient_ascent", objective=objective, budget=16 * 30, progress=False)
    assert SPACE.chosen(space.nearest(found.best.point)) == BEST
    points = ta.objectives.climbed(evaluator(), count=5)
    assert SPACE.chosen(points[0]) == BEST and len(np.unique(points, axis=0)) == 5
    predicted = np.asarray(ta.objectives.predictor(evaluator())(points))
    assert (np.diff(predicted) <= 1e-5).all()
    np.testing.assert_array_equal(points, ta.objectives.climbed(evaluator(), count=5))


def test_an_evaluator_of_choices_is_saved_and_read(tmp_path):
    ta.save_evaluator(evaluator(), tmp_path / "toy.npz")
    again = ta.load_evaluator(tmp_path / "toy.npz")
    assert again.space == SPACE
    points = ta.objectives.best_of_nearest(again)
    np.testing.assert_array_equal(points, ta.objectives.best_of_nearest(evaluator()))
    predictions = (np.asarray(ta.objectives.predictor(each)(points)) for each in (again, evaluator()))
    np.testing.assert_allclose(*predictions, rtol=1e-4)


def test_meta_features_say_which_table_is_near():
    like = pd.DataFrame({"rows": [3.0, 5.0, 2.9]}, index=["a", "b", "c"])
    flipped = FRAMES["b"].assign(valid=-FRAMES["b"]["valid"])
    frames = {"a": FRAMES["a"], "b": flipped}
    known = ta.objectives.known_scores(frames, SPACE, "valid", meta_features=like)
    found = ta.train_evaluator(known, space=SPACE)
    for name, place in (("c", 0), ("b", -1)):
        query = ta.TaskQuery(like.loc[name].to_numpy(np.float32), "regression")
        first = ta.objectives.best_of_nearest(found, query, tasks=1, each=1)[0]
        order = FRAMES["a"]["valid"].argsort()[::-1] if place == 0 else FRAMES["b"]["valid"].argsort()
        wanted = (FRAMES["a"] if place == 0 else FRAMES["b"]).iloc[order.iloc[0]]
        assert SPACE.chosen(first) == wanted[["op", "width", "gate"]].to_dict()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"frames": {"a": FRAMES["a"]}}, "two tables or more"),
        ({"frames": {"a": FRAMES["a"], "b": FRAMES["b"].drop(columns="op")}}, "column of the table 'b'"),
        (
            {"frames": {"a": FRAMES["a"], "b": FRAMES["b"].replace("pool", "poll")}},
            "op='poll', which is no option",
        ),
        ({"frames": {"a": FRAMES["a"], "b": FRAMES["b"].assign(valid=np.nan)}}, "no number in 'valid'"),
        ({"frames": {"a": FRAMES["a"], "b": FRAMES["b"].assign(valid=0.5)}}, "of losses, take the logarithm"),
        ({"frames": {"a": FRAMES["a"], "b": FRAMES["b"][:0]}}, "no pandas DataFrame with rows"),
        ({"score": "vaild"}, "Did you mean 'valid'"),
        ({"space": ta.spaces.preset("compact")}, "no space of choices"),
        ({"points": -1}, "Points is -1"),
        ({"meta_features": pd.DataFrame({"rows": [1.0]}, index=["a"])}, "no meta-features of the table 'b'"),
        ({"meta_features": pd.DataFrame({"rows": [1.0, np.nan]}, index=["a", "b"])}, "'b' has no 'rows'"),
    ],
)
def test_bad_tables_are_refused(unchecked, given, words):
    settings = {"frames": {name: FRAMES[name] for name in "ab"}, "space": SPACE, "score": "valid"} | given
    with pytest.raises(UserError, match=words):
        ta.objectives.known_scores(
            settings.pop("frames"), settings.pop("space"), settings.pop("score"), **settings
        )


def test_a_hole_and_another_space_are_refused(unchecked):
    holes = ta.spaces.choices(
        dict(SPACE.options), allowed=lambda point: point["op"] != "none" or point["gate"]
    )
    frames = {name: FRAMES[name] for name in "ab"}
    with pytest.raises(UserError, match="is a hole of the space"):
        ta.objectives.known_scores(frames, holes, "valid")
    with pytest.raises(UserError, match="is of the space 'toy', not of 'choices'"):
        ta.train_evaluator(ta.objectives.known_scores(frames, SPACE, "valid"), space=holes)
    with pytest.raises(UserError, match="Only a space of choices can be relaxed"):
        ta.spaces.relaxed(ta.spaces.preset("compact"))


@pytest.mark.parametrize("holes", [False, True])
def test_a_corner_of_the_relaxed_space_has_the_features_of_its_point(holes):
    allowed = (lambda point: point["width"] > 8 or point["gate"]) if holes else None
    space = ta.spaces.choices(dict(SPACE.options) | {"depth": [3]}, allowed=allowed)
    around = ta.spaces.relaxed(space)
    wild = np.asarray(around.sample(jax.random.key(0), 20))
    corners = np.asarray(around.discretise(wild))
    nearest = np.asarray(around.nearest(wild))
    assert np.asarray(space.contains(nearest)).all()
    np.testing.assert_array_equal(around.nearest(corners), nearest)
    for corner, point in zip(corners[:5], nearest[:5], strict=True):
        np.testing.assert_allclose(around.features(corner), space.features(point), atol=0.01)


def test_gradient_ascent_names_the_relaxed_space():
    with pytest.raises(UserError, match=r"Search ta\.spaces\.relaxed\(space\), or choose another strategy"):
        ta.search(SPACE, "gradient_ascent", objective=ta.objectives.predicted(evaluator()), budget=8)
