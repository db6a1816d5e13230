"""`ta.search`: a user's own space, strategy and objective, each one file, and real trainings."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

import taskaware as ta
from taskaware.errors import UserError
from taskaware.modalities.tables.metafeatures import vector
from taskaware.objectives import trainings as room
from taskaware.recommendation.evaluators import shipped_evaluator
from taskaware.spaces import preset
from taskaware.store import Store
from taskaware.strategies import STRATEGIES, AllDiverged
from taskaware.testing.strategy_contract import check_strategy
from taskaware.training.recipe import TrainingRecipe
from tests.toys.bits import Bits, one_max
from tests.toys.climber import hill_climber

DOCS = Path(__file__).resolve().parents[2] / "docs"
HASTY = TrainingRecipe(steps=10, evaluations=5, batch_size=32)
ONE_WIDTH = dataclasses.replace(preset("compact"), layers=1, sizes=(8,), width_odds=(1.0,))


def search(*args, **more):
    return ta.search(*args, progress=False, **more)


@pytest.mark.parametrize(
    "name", ["extending/space", "extending/strategy", "extending/objective", "search", "recurrent-cells"]
)
def test_the_documents_code_runs(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = re.findall(r"```python\n(.*?)```", (DOCS / f"{name}.md").read_text(encoding="utf-8"), re.S)
    try:
        exec(compile("\n".join(code), f"{name}.md", "exec"), {"__name__": "document"})
    finally:
        ta.SPACES.remove("filters")
        STRATEGIES.remove("annealing")


def test_a_toy_space_and_a_toy_strategy_go_through():
    found = search(Bits(12), hill_climber(), objective=one_max(), budget=80, together=4)
    assert found.best.score == 1.0 and set(found.best.decisions.values()) == {"on"}
    noisy = search(Bits(12), "evolution", objective=one_max(noise=0.01), budget=40, seed=3)
    again = search(Bits(12), "evolution", objective=one_max(noise=0.01), budget=40, seed=3)
    np.testing.assert_array_equal(noisy.scores, again.scores)
    assert (noisy.points != search(Bits(12), objective=one_max(), budget=40, seed=4).points).any()


def test_the_toy_strategy_searches_mixtures_too():
    check_strategy(hill_climber(), together=4)


def test_a_random_search_of_the_same_budget_is_one_flag(tmp_path):
    space, journal = ta.spaces.choices({f"bit {n}": [0, 1] for n in range(12)}), tmp_path / "a.jsonl"

    def run(budget, **more):
        return search(space, "evolution", objective=lambda point: point.mean(), budget=budget, **more)

    found = run(60, control=True, journal=journal)
    drawn = search(space, "random", objective=lambda point: point.mean(), budget=60)
    np.testing.assert_array_equal(found.control.scores, drawn.scores)
    assert f"Random search: {drawn.best.score:.4g}." in repr(found) and run(5).control is None
    ended = run(60, threshold=found.scores[0], control=True)
    assert len(ended.control) == len(ended) == 1
    journal.unlink()
    with pytest.raises(UserError, match=r"a.control.jsonl' exists already. Pass resume=True"):
        run(60, control=True, journal=journal)


def test_evolution_beats_random_search_at_equal_budget():
    def best(strategy, seed):
        return search(Bits(32), strategy, objective=one_max(), budget=200, seed=seed, together=4).best.score

    evolved = [best(ta.strategies.aging_evolution(20, 5, identity=0.0), seed) for seed in range(3)]
    assert min(evolved) > max(best("random", seed) for seed in range(3))


def test_a_task_is_trained_on_and_joins_the_experience(tmp_path):
    settings = {"task": "iris", "recipe": HASTY, "together": 2, "budget": 3}
    found = search(ONE_WIDTH, "random", store=tmp_path / "a.sqlite", **settings)
    assert np.isfinite(found.scores).all() and (found.seconds > 0).all()
    with Store.open(str(tmp_path / "a.sqlite")) as store:
        kept = store.triplets()
    assert len(kept) == 3 and kept.strategies == ("search",)
    assert sorted(kept.score.tolist()) == sorted(found.scores.astype(np.float32).tolist())
    assert sorted(kept.test_score.tolist()) == sorted(found.test_scores.astype(np.float32).tolist())
    assert found.info["loss"].shape == (3,)
    other = search(ONE_WIDTH, "random", seed=1, **settings)
    assert (other.points != found.points).any()


def test_a_prediction_is_an_objective_with_gradients():
    evaluator, task = shipped_evaluator(), ta.make_task("iris")
    query = ta.TaskQuery(vector(task), task.problem)
    objective = ta.objectives.predicted(evaluator, query, kappa=1.0, together=4)
    found = search(evaluator.space, "gradient_ascent", objective=objective, budget=40)
    assert found.scores[-4:].max() > found.scores[:4].max()
    # What did best on the nearest tasks can begin a search, and the predictions can screen it.
    begin = ta.objectives.best_of_nearest(evaluator, query, tasks=2, each=2)
    assert 2 <= len(begin) == len(np.unique(begin, axis=0)) <= 4
    predict = ta.objectives.predictor(evaluator, query, kappa=1.0)
    points = np.concatenate([begin, found.points])[:4]
    np.testing.assert_allclose(predict(points), objective.evaluate(points).score, rtol=1e-3, atol=1e-4)
    with pytest.raises(UserError, match="the query has none"):
        ta.objectives.best_of_nearest(evaluator, ta.TaskQuery(None))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"space": "compct"}, "Did you mean 'compact'"),
        ({"space": 3}, "3 is no space: it has no name, dimension"),
        ({"strategy": "evolutoin"}, "Did you mean 'evolution'"),
        ({"strategy": 3}, "3 is no strategy"),
        ({"objective": None}, "Give either objective"),
        ({"task": "iris"}, "Give either objective"),
        ({"objective": 3}, "a function of a point, not 3"),
        ({"budget": 0}, "budget=0"),
        ({"store": "a.sqlite"}, "store=... needs task=..."),
        ({"objective": lambda point: point}, "Return one number"),
        ({"objective": lambda point: None}, "returned None for a point"),
        ({"strategy": "gradient_ascent"}, "has no `project`"),
        ({"strategy": "gradient_ascent", "space": "compact"}, "needs gradients"),
    ],
)
def test_bad_input_is_refused(unchecked, given, words, monkeypatch):
    monkeypatch.setattr(room, "train", lambda *_, **__: pytest.fail("trained"))
    settings = {"space": Bits(4), "strategy": "random", "objective": one_max(), "budget": 3} | given
    with pytest.raises(UserError, match=words):
        search(settings.pop("space"), settings.pop("strategy"), **settings)


def test_an_objective_that_only_raises_ends_the_search():
    with pytest.raises(AllDiverged, match="ZeroDivisionError"):
        search(Bits(4), objective=lambda point: 1 / 0, budget=100)


def test_a_factory_need_not_be_called():
    found = search(Bits(4), ta.strategies.random, objective=one_max(), budget=3)
    assert len(found) == 3
