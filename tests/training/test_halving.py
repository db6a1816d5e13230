"""Rounds of which the worse half ends early: the others train on as they do alone."""

import numpy as np
import pandas as pd
import pytest

import taskaware as ta
from taskaware.errors import UserError
from taskaware.modalities.tables.build import make_task
from taskaware.objectives.inheriting import Inheritance
from taskaware.spaces.rules import RuleSpace
from taskaware.training.halving import endings, train_halved
from taskaware.training.prepare import embeddings_of, prepare
from taskaware.training.recipe import TrainingRecipe
from taskaware.training.trainer import train

RECIPE = TrainingRecipe(steps=30, batch_size=16)
# Two rounds are enough for these rules, and quicker to compile.
RULES = RuleSpace("two", 2)


@pytest.fixture(scope="module")
def table():
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(150, 3)), columns=["a", "b", "c"])
    return make_task(frame.assign(y=np.where(frame["a"] * frame["b"] > 0, "more", "less")), "y")


def both(space, points, table, halvings):
    prepared = prepare(table, 0, RECIPE, embeddings=embeddings_of(space))
    whole = train(space, points, prepared, RECIPE, seed=0, metric=prepared.metric)
    halved, steps = train_halved(space, points, prepared, RECIPE, seed=0, halvings=halvings)
    return whole, halved, steps


def test_the_worse_half_of_rules_ends_and_the_better_one_is_trained_as_before(table):
    texts = ["adam", "g - g", "sign(g)", "g", "1", "rmsprop", "noise", "m"]
    points = np.stack([RULES.encode(each) for each in texts])
    points[3] = np.nan
    whole, halved, steps = both(RULES, points, table, 2)
    assert sorted(steps.tolist()) == [6, 6, 6, 6, 18, 18, 30, 30] and steps[3] == 6
    for row, evaluations in enumerate(steps // RECIPE.segment):
        np.testing.assert_allclose(halved.curve[row, :evaluations], whole.curve[row, :evaluations], rtol=1e-5)
        assert np.isnan(halved.curve[row, evaluations:]).all()
        usual = whole.curve[row, max(evaluations - 2, 0) : evaluations].mean()
        np.testing.assert_allclose(halved.score[row], usual if np.isfinite(usual) else -np.inf, rtol=1e-5)
    last = steps == 30
    for name in ("score", "test_score", "loss"):
        np.testing.assert_allclose(getattr(halved, name)[last], getattr(whole, name)[last], rtol=1e-5)
    assert halved.score[3] == halved.test_score[3] == -np.inf and steps[[1, 4]].max() < 30
    # The loss of those that ended is that of their end.
    assert halved.loss[steps == 18].max() <= halved.loss[(steps == 6) & np.isfinite(halved.loss)].max()


def test_networks_of_several_programs_are_one_round(small, plain, table):
    points = [
        plain(small, [(width, "relu"), (4, last)]) for width in small.sizes for last in ("relu", "tanh")
    ]
    whole, halved, steps = both(small, np.stack(points)[[0, 2, 3]], table, 1)
    last = steps == 30
    assert last.sum() == 2 and set(steps.tolist()) == {6, 30}
    np.testing.assert_allclose(halved.loss[last], whole.loss[last], rtol=1e-3)
    np.testing.assert_allclose(halved.curve[:, 0], whole.curve[:, 0], atol=0.03)


def test_nothing_goes_on_where_all_diverge(table):
    prepared = prepare(table, 0, RECIPE)
    points = np.full((2, RULES.dimension), np.nan)
    halved, steps = train_halved(RULES, points, prepared, RECIPE, seed=0, halvings=1)
    assert halved.score.tolist() == [-np.inf] * 2 and steps.tolist() == [6, 6]


@pytest.mark.parametrize(
    ("evaluations", "halvings", "expected"),
    [(5, 0, []), (5, 1, [1]), (5, 2, [1, 3]), (5, 4, [1, 2, 3, 4]), (15, 2, [3, 9]), (2, 1, [1])],
)
def test_halves_end_after_evaluations_behind_the_sweep(evaluations, halvings, expected):
    recipe = TrainingRecipe(steps=30, evaluations=evaluations, score_last=1)
    assert endings(recipe, halvings) == expected


def test_what_cannot_be_halved_is_refused(unchecked, table, tmp_path):
    with pytest.raises(UserError, match="Give 0 to 4, or more evaluations"):
        ta.objectives.trained(table, RULES, RECIPE, halvings=5)
    with pytest.raises(UserError, match="halvings=1.5"):
        ta.objectives.trained(table, RULES, RECIPE, halvings=1.5)
    with pytest.raises(UserError, match="halvings=-1"):
        ta.optimizers.on_tasks([table], halvings=-1)
    with pytest.raises(UserError, match="Leave out halvings=, or store="):
        ta.objectives.trained(table, RULES, RECIPE, halvings=1, store=tmp_path / "store.db")
    assert not (tmp_path / "store.db").exists()
    with pytest.raises(UserError, match="or inherit="):
        ta.objectives.trained(table, RULES, RECIPE, halvings=1, inheritance=Inheritance(tmp_path, 4, RULES))


def test_a_search_on_tasks_ends_hopeless_rules(table, tmp_path):
    objective = ta.optimizers.on_tasks([table, table], recipe=RECIPE, together=2, halvings=1)
    usual = ta.optimizers.on_tasks([table, table], recipe=RECIPE, together=2)
    assert objective.about != usual.about

    def found(budget, name, **more):
        more |= {"journal": tmp_path / name, "progress": False}
        return ta.search("update-rules", "random", objective=objective, budget=budget, **more)

    whole = found(4, "whole")
    found(2, "parts")
    again = found(4, "parts", resume=True)
    np.testing.assert_array_equal(whole.scores, again.scores)
    frame = whole.to_frame()
    assert sorted(frame["steps 1"]) == [6] * 2 + [30] * 2 and (frame["steps 1"] == frame["steps 2"]).all()
