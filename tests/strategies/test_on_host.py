"""Strategies in plain NumPy against a step-by-step account of them, and beside their compiled twins."""

import numpy as np
import pytest

from taskaware.errors import UserError
from taskaware.spaces import choices
from taskaware.strategies import (
    Objective,
    Outcomes,
    UnderWay,
    aging_evolution,
    evolution,
    local_search,
    promising,
    random,
    search,
    traced,
)
from tests.toys.bits import Bits

SPACE = choices({f"d{n}": range(5) for n in range(6)}, mutations={f"d{n}": "ab"[n % 2] for n in range(6)})


def history(strategy, values, together=1):
    """Points and parents of a search that is told these values."""
    running = strategy(SPACE, together).on_host(np.random.default_rng(0))
    points, parents = [], []
    for first in range(0, len(values), together):
        asked = running.ask()
        told = UnderWay(first, *asked)
        running.tell(told, Outcomes(np.asarray(values[first : first + together], float)))
        points += list(asked.points)
        parents += asked.parents
    return np.stack(points), np.array(parents)


def apart(points, parents):
    """Number of decisions in which each child differs from its parent."""
    born = np.flatnonzero(parents >= 0)
    return (points[born] != points[parents[born]]).sum(1)


@pytest.mark.parametrize("together", [1, 3])
def test_a_child_is_one_decision_away_from_the_best_of_a_large_sample(together):
    values = np.random.default_rng(1).random(30)
    points, parents = history(aging_evolution(9, 300, identity=0.0), values, together)
    assert (parents[:9] == -1).all() and (parents[9:] >= 0).all()
    assert (apart(points, parents) == 1).all()
    for number in range(9, 30):
        told = number // together * together
        assert parents[number] == told - 9 + values[told - 9 : told].argmax()


def test_the_oldest_dies_with_aging_and_the_worst_without():
    values = [1.0, *np.linspace(0.1, 0.5, 30)]
    _, with_aging = history(aging_evolution(5, 200, identity=0.0), values)
    assert with_aging[5] == 0 and (with_aging[6:] == np.arange(5, 30)).all()
    points, without = history(aging_evolution(5, 200, aging=False, identity=0.0), values)
    assert (without[5:] == 0).all() and (apart(points, without) == 1).all()
    running = aging_evolution(3, 50, aging=False)(SPACE, 1).on_host(np.random.default_rng(0))
    for number, value in enumerate([0.5, 0.1, 0.3, -np.inf, 0.2, 0.4]):
        running.tell(UnderWay(number, *running.ask()), Outcomes(np.array([value])))
    assert sorted(running._numbers) == [0, 2, 5]


def test_some_children_equal_their_parent():
    points, parents = history(aging_evolution(5, 3, identity=0.3), np.arange(800.0))
    same = apart(points, parents) == 0
    assert 0.2 < same.mean() < 0.4 and set(apart(points, parents)) == {0, 1}


def test_mutations_are_drawn_by_weight():
    points, parents = history(
        aging_evolution(5, 3, identity=0.0, mutations={"a": 1, "b": 9}), np.arange(800.0)
    )
    born = np.flatnonzero(parents >= 0)
    changed = (points[born] != points[parents[born]]).mean(0)
    assert 0.85 < changed[1::2].sum() < 0.95
    for given, words in (({"c": 1}, "Unknown mutation"), ({"a": -1}, "weight -1"), ({"a": 0}, "above 0")):
        with pytest.raises(UserError, match=words):
            aging_evolution(mutations=given)(SPACE, 1)
    with pytest.raises(UserError, match="cannot mutate by weights"):
        aging_evolution(mutations={"": 1.0})(Bits(4), 1)


def test_local_search_steps_to_what_is_as_good_and_starts_anew():
    values = [0.5, 0.4, 0.5, 0.3, 0.2, 0.1, 0.9]
    points, parents = history(local_search(patience=3), values)
    assert parents.tolist() == [-1, 0, 0, 2, 2, 2, -1]
    assert (apart(points, parents) == 1).all()
    near, _ = history(local_search(), [1.0, *np.zeros(20)])
    assert len(np.unique(near, axis=0)) == 21


def test_only_the_promising_are_evaluated():
    def first(points):
        return points[:, 0]

    points, _ = history(promising(random(), first, of=40), np.zeros(30))
    assert (points[:, 0] == 4).mean() > 0.9
    points, parents = history(promising(aging_evolution(30, 5, identity=0.0), first, of=3), np.arange(60.0))
    assert (parents >= 0).sum() > 30 and (apart(points, parents) == 1).all()
    with pytest.raises(UserError, match="of=1"):
        promising(random(), first, of=1)
    with pytest.raises(UserError, match=r"predictions for 3 points have the shape \(3, 6\)"):
        history(promising(random(), lambda points: points, of=3), [0.0])


def test_the_compiled_twin_finds_the_same_summit():
    def value(point):
        return -((point - 2.0) ** 2).sum()

    for strategy in (aging_evolution(20, 5), aging_evolution(20, 5, aging=False), local_search()):
        found = search(strategy, traced(value, 4), space=SPACE, budget=480, progress=False)
        assert found.best.score == 0.0
        parents = found.info["parent"]
        assert set(apart(found.points, parents)) <= {0, 1} and (parents < np.arange(480)).all()


def test_the_old_name_warns_and_is_the_same():
    with pytest.warns(FutureWarning, match=r"is now aging_evolution\(sample=...\)"):
        old = evolution(population=5, tournament=3)
    ours, theirs = (history(each, np.arange(20.0)) for each in (old, aging_evolution(5, 3, identity=0.0)))
    np.testing.assert_array_equal(ours[0], theirs[0])


def test_a_screened_search_does_not_evaluate_its_best_prediction_again_and_again():
    space = choices(a=range(6), b=range(6))
    found = search(
        promising(aging_evolution(4, 4), lambda points: points.sum(1), of=4),
        Objective(lambda points: Outcomes(points.sum(1).astype(float))),
        space=space,
        budget=30,
        progress=False,
    )
    assert len(np.unique(found.points, axis=0)) >= 18
