"""The measure of the product: worth in trainings, and what stands beside it."""

import itertools

import numpy as np
import pytest

from taskaware.campaigns import quality
from taskaware.evaluator import Lessons


def made_up(tasks: int = 6, pool: int = 7, seed: int = 0) -> Lessons:
    """Lessons of random scores; two tasks share an origin."""
    rng = np.random.default_rng(seed)
    score = rng.random((tasks, pool))
    names = tuple(f"task{i}" for i in range(tasks))
    origins = ("task1", *names[1:])
    top = np.sort(score, 1)[:, -5:].mean(1)
    return Lessons(
        names, origins, ("classification",) * tasks, names,
        rng.normal(size=(tasks, 3)), rng.normal(size=(pool, 4)),
        score, score - 0.1, np.full(tasks, np.nan), score - top[:, None], top, np.ones(tasks),
    )  # fmt: skip


def test_random_search_curve_equals_the_mean_over_all_draws():
    rng = np.random.default_rng(0)
    score, test = rng.random((1, 6, 1)), rng.random((1, 6, 1))
    curve = quality.random_search_curve(quality.Trials(score, test), 4)[0]
    for n in range(1, 5):
        draws = list(itertools.combinations(range(6), n))
        picked = [max(draw, key=lambda i: score[0, i, 0]) for draw in draws]
        assert curve[n - 1] == pytest.approx(np.mean([test[0, i, 0] for i in picked]))


def test_ties_share_their_test_score():
    score, test = np.ones((1, 3, 1)), np.array([0.0, 0.5, 1.0]).reshape(1, 3, 1)
    np.testing.assert_allclose(quality.random_search_curve(quality.Trials(score, test), 3)[0], 0.5)


def test_worth_is_nothing_below_one_training_and_at_most_all():
    curve = np.array([0.5, 0.7, 0.6, 0.8])
    assert quality.worth(curve, 0.4) == 0
    assert quality.worth(curve, 0.5) == 1
    assert quality.worth(curve, 0.6) == 1.5
    assert quality.worth(curve, 2.0) == 4


def test_relatives_are_held_out_together_and_every_task_once():
    known = made_up()
    folds = list(quality.held_out(known, 3, seed=0))
    assert np.sum(folds, axis=0).tolist() == [1] * 6
    assert all(fold[0] == fold[1] for fold in folds)


def test_pickers_never_see_the_task_they_pick_for():
    known, seen = made_up(), []

    def spy(rest, z, seed):
        seen.append((set(rest.names), set(map(tuple, z))))
        return np.zeros((len(z), len(rest.u)))

    found = list(quality.leave_tasks_out(known, {"spy": spy}, folds=3, seeds=[0]))
    assert sum(map(len, found)) == 6
    rows = {tuple(row): name for row, name in zip(known.z, known.names, strict=True)}
    assert all(rows[z] not in rest for rest, held in seen for z in held)


def test_simple_pickers():
    known = made_up()
    z = known.z[:2] + 1e-6
    assert quality.single_best(known, z, 0)[0].argmax() == known.target.mean(0).argmax()
    assert quality.nearest_task(known, z, 0).argmax(1).tolist() == known.target[:2].argmax(1).tolist()
    assert not np.array_equal(quality.random_choice(known, z, 0), quality.random_choice(known, z, 1))


def test_a_portfolio_of_all_reaches_the_best_everywhere_and_begins_with_the_single_best():
    known = made_up()
    chosen = quality.portfolio(known, len(known.u))
    assert sorted(chosen) == list(range(len(known.u)))
    assert chosen[0] == known.target.mean(0).argmax()


def test_spearman_equals_scipy():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 5, 40), rng.random(40)
    assert quality.spearman(a, b) == pytest.approx(spearmanr(a, b)[0])
    assert quality.spearman(np.ones(3), np.arange(3)) == 0
