"""The measure of the product: worth in trainings, and what stands beside it."""

import dataclasses
import itertools

import numpy as np
import pytest

from taskaware.studies import quality
from taskaware.studies import worth as worths
from taskaware.studies.selectors import Choice, NewTasks, nearest_task, portfolio, random_choice, single_best
from taskaware.surrogates import TrainingData


def made_up(tasks: int = 6, pool: int = 7, seed: int = 0) -> TrainingData:
    """TrainingData of random scores; two tasks share a group."""
    rng = np.random.default_rng(seed)
    score = rng.random((tasks, pool))
    names = tuple(f"task{i}" for i in range(tasks))
    groups = ("task1", *names[1:])
    top = np.sort(score, 1)[:, -5:].mean(1)
    return TrainingData(
        names, groups, ("classification",) * tasks, names,
        rng.normal(size=(tasks, 3)), rng.normal(size=(pool, 4)),
        score, score - 0.1, np.full(tasks, np.nan), score - top[:, None], top, np.ones(tasks),
    )  # fmt: skip


def test_random_search_curve_equals_the_mean_over_all_draws():
    rng = np.random.default_rng(0)
    score, test = rng.random((1, 6, 1)), rng.random((1, 6, 1))
    curve = worths.random_search_curve(worths.Trials(score, test), 4)[0]
    for n in range(1, 5):
        draws = list(itertools.combinations(range(6), n))
        picked = [max(draw, key=lambda i: score[0, i, 0]) for draw in draws]
        assert curve[n - 1] == pytest.approx(np.mean([test[0, i, 0] for i in picked]))


def test_ties_share_their_test_score():
    score, test = np.ones((1, 3, 1)), np.array([0.0, 0.5, 1.0]).reshape(1, 3, 1)
    np.testing.assert_allclose(worths.random_search_curve(worths.Trials(score, test), 3)[0], 0.5)


def test_a_search_of_more_than_there_is_ends_with_all_and_only_full_seeds_count():
    score = np.array([[0.1, 0.2], [0.3, np.nan], [0.2, np.nan], [np.nan, np.nan]])[None]
    curve = worths.random_search_curve(worths.Trials(score, score), 6)[0]
    np.testing.assert_allclose(curve, [0.2, 0.2 + 1 / 15, 0.3, 0.3, 0.3, 0.3])


def test_worth_is_nothing_below_one_training_and_at_most_all():
    curve = np.array([0.5, 0.7, 0.6, 0.8])
    assert worths.worth(curve, 0.4) == 0
    assert worths.worth(curve, 0.5) == 1
    assert worths.worth(curve, 0.6) == 1.5
    assert worths.worth(curve, 2.0) == 4


def test_relatives_are_held_out_together_and_every_task_once():
    known = made_up()
    folds = list(quality.held_out(known, 3, seed=0))
    assert np.sum(folds, axis=0).tolist() == [1] * 6
    assert all(fold[0] == fold[1] for fold in folds)


def test_pickers_never_see_the_task_they_pick_for():
    known, seen = made_up(), []

    def spy(rest, unseen, seed):
        seen.append((set(rest.names), set(map(tuple, unseen.z))))
        return Choice(np.zeros((len(unseen.z), len(rest.u))))

    found = list(quality.leave_tasks_out(known, {"spy": spy}, folds=3, seeds=[0]))
    assert sum(map(len, found)) == 6
    rows = {tuple(row): name for row, name in zip(known.z, known.names, strict=True)}
    assert all(rows[z] not in rest for rest, held in seen for z in held)


def test_only_the_pool_is_picked_from_and_what_is_not_thought_of_comes_last():
    known, out = made_up(), np.arange(6) == 5
    preference = np.array([[9.0, 8.0, np.nan, 1.0, 2.0, 3.0, 4.0]])
    pool = np.array([[False, True, True, True, False, True, True]] * 6)
    known.score[5, 1] = np.nan
    (row,) = quality.picks(known, lambda *seen: Choice(preference, preference / 10, preference), out, 0, pool)
    assert (row["task"], row["picked"], row["predicted"], row["deviation"]) == ("task5", 6, 0.4, 4.0)
    expected = quality.spearman(np.array([0, 1, 3, 4]), known.score[5, [2, 3, 5, 6]])
    assert row["spearman"] == pytest.approx(expected)


def test_the_chance_counts_for_what_was_preferred_of_all():
    known, out = made_up(), np.arange(6) == 5
    preference = np.array([[1.0, 9.0, 2.0, 3.0, 4.0, 5.0, 6.0]])
    choice = Choice(preference, default=np.array([2]), chance=np.array([0.7]))
    (row,) = quality.picks(known, lambda *seen: choice, out, 0)
    assert (row["picked"], row["default"], row["chance"]) == (1, 2, 0.7)
    known.score[5, 1] = np.nan
    (row,) = quality.picks(known, lambda *seen: choice, out, 0)
    assert (row["picked"], row["default"], row["chance"]) == (6, None, None)


def test_simple_pickers():
    known = made_up()
    unseen = NewTasks(known.z[:2] + 1e-6, known.problems[:2])
    assert single_best(known, unseen, 0).preference[0].argmax() == known.target.mean(0).argmax()
    nearest = nearest_task(known, unseen, 0).preference
    assert nearest.argmax(1).tolist() == known.target[:2].argmax(1).tolist()
    draws = [random_choice(known, unseen, seed).preference for seed in (0, 1)]
    assert not np.array_equal(*draws)


def test_the_single_best_does_not_gain_by_being_trained_on_easy_tasks_alone():
    known = made_up()
    known.target[:] = np.linspace(-3, 0, 6)[:, None] + np.linspace(-0.5, 0, 7)
    known.target[:4, 0] = known.target[:, 1] = np.nan
    mean = single_best(known, NewTasks(known.z[:1], known.problems[:1]), 0).preference[0]
    assert np.nanmean(known.target[:, 0]) > np.nanmean(known.target[:, 6])
    assert mean.argmax() == 6 and mean.argmin() == 1
    np.testing.assert_allclose(np.diff(mean[2:]), 0.5 / 6)


def test_tasks_with_few_architectures_and_variants_teach_and_are_picked_for_by_nobody():
    known = made_up()
    known.score[2, :4] = np.nan
    known = dataclasses.replace(known, names=(*known.names[:5], "task0~rows:0.5#1"))
    assert quality.eligible(known).tolist() == [True, True, False, True, True, False]
    assert quality.eligible(known, 3).tolist() == [True, True, True, True, True, False]
    assert not quality.eligible(known, 8).any()
    seen = []

    def spy(rest, unseen, seed):
        seen.append(rest.names)
        return Choice(np.zeros((len(unseen.z), len(rest.u))))

    found = list(quality.leave_tasks_out(known, {"spy": spy}, folds=3, seeds=[0]))
    picked = sorted(row for table in found for row in table.get("task", []))
    assert picked == ["task0", "task1", "task3", "task4"]
    assert any("task2" in names for names in seen) and any("task0~rows:0.5#1" in names for names in seen)


def test_a_far_deal_holds_out_one_end():
    known = made_up(tasks=9)
    z = np.zeros((9, 3))
    z[:, 0] = [5, 1, 9, 3, 7, 2, 8, 4, 6]
    known = dataclasses.replace(known, z=z, groups=known.names)
    folds = list(quality.held_out(known, 3, seed=0, deal="far"))
    values = [sorted(z[fold, 0].tolist()) for fold in folds]
    assert sorted(values) == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert np.array_equal(folds, list(quality.held_out(known, 3, seed=1, deal="far")))


def test_standing_of_what_is_always_the_best_and_of_chance():
    known = made_up(tasks=30, pool=40)
    found = worths.Trials(known.score[:, :, None], known.test_score[:, :, None])
    curve = worths.random_search_curve(found, 40)
    best = quality.standing(known, curve, known.test_score.max(1)[None])
    assert best["regret"] == 0 and best["worth"] == best["worth_normalised"] == pytest.approx(40)
    mean = quality.standing(known, curve, np.repeat(known.test_score.mean(1)[None], 3, axis=0))
    assert mean["worth"] == pytest.approx(1) and 0 < mean["worth_se"] < 1
    assert mean["test_score_se"] == pytest.approx(0, abs=1e-12)


def test_a_portfolio_of_all_reaches_the_best_everywhere_and_begins_with_the_single_best():
    known = made_up()
    chosen = portfolio(known, len(known.u))
    assert sorted(chosen) == list(range(len(known.u)))
    assert chosen[0] == known.target.mean(0).argmax()


def test_spearman_equals_scipy():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 5, 40), rng.random(40)
    assert quality.spearman(a, b) == pytest.approx(spearmanr(a, b)[0])
    assert quality.spearman(np.ones(3), np.arange(3)) == 0


def test_trainings_on_the_target_go_on_until_the_trainer_has_no_more():
    data = made_up()
    found = worths.Trials(data.score[..., None], data.test_score[..., None])

    def three(data, new, seed):
        return lambda task, places, scores: np.arange(3)[len(places) :][:2]

    rows = list(quality.after_trainings(data, found, three, [1, 2, 50], 2, 0))
    assert sorted({budget for _, budget, _ in rows}) == [1, 2, 50]
    for task, budget, best in rows:
        assert best == data.score[task, : min(budget, 3)].argmax()
