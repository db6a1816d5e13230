"""The one driver: the same search compiled and step by step, and what it does with bad objectives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taskaware.errors import UserError
from taskaware.spaces import Decision, Space
from taskaware.strategies import (
    AllDiverged,
    Objective,
    Outcomes,
    Strategy,
    aging_evolution,
    gradient_ascent,
    maximise,
    portfolio_then,
    random,
    search,
    traced,
)
from taskaware.testing.hills import SPACE, paraboloid
from tests.toys.bits import Bits
from tests.toys.climber import hill_climber

BITS = Bits(12)


def walk() -> Strategy:
    """Four points near the best so far."""

    def init(key):
        return jax.random.uniform(key, (3,)), jnp.float32(-jnp.inf)

    def ask(key, state):
        return state, state[0][None] + 0.3 * jax.random.normal(key, (4, 3))

    def tell(state, points, feedback):
        place = jnp.argmax(feedback.value)
        better = feedback.value[place] > state[1]
        state = jnp.where(better, points[place], state[0]), jnp.maximum(feedback.value[place], state[1])
        return state, {"better": jnp.broadcast_to(better, len(points))}

    return Strategy(init, ask, tell)


def value(point):
    return jnp.where(point[0] > 1.5, jnp.nan, -jnp.sum((point - 1) ** 2))


def evaluate(points):
    return Outcomes(np.array([float(value(point)) for point in points]))


HOST = Objective(evaluate, together=4)


def run(strategy, objective=HOST, budget=12, **more):
    return search(strategy, objective, space=BITS, budget=budget, progress=False, **more)


def test_compiled_and_step_by_step_are_one_search():
    trace = maximise(walk(), value, jax.random.key(3), rounds=5)
    stepwise, compiled = run(walk(), budget=18, seed=3), run(walk(), traced(value), budget=18, seed=3)
    for history in (stepwise, compiled):
        np.testing.assert_allclose(history.points, trace.points.reshape(20, 3)[:18], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(history.scores, trace.values.ravel()[:18], rtol=1e-3, atol=1e-5)
    np.testing.assert_array_equal(stepwise.info["better"], compiled.info["better"])


@pytest.mark.parametrize("objective", [HOST, traced(value)], ids=["stepwise", "compiled"])
def test_a_smaller_budget_is_the_beginning(objective):
    long = run(walk(), objective, budget=13)
    assert len(long) == 13
    np.testing.assert_array_equal(run(walk(), objective, budget=10).points, long.points[:10])
    assert (run(walk(), objective, budget=10, seed=1).points != long.points[:10]).any()


def test_nothing_more_is_evaluated_than_the_budget():
    sizes = []

    def counting(points):
        sizes.append(len(points))
        return evaluate(points)

    run(walk(), Objective(counting), budget=10)
    assert sizes == [4, 4, 2]


def counted(points):
    """The share of ones; raises where the first bit is on, NaN where the second is."""
    if (points[:, 0] == 1).any():
        raise ZeroDivisionError("first bit")
    return Outcomes(
        np.where(points[:, 1] == 1, np.nan, points.mean(1)), points.sum(1), more={"a": points[:, 2]}
    )


def test_a_point_that_raises_has_diverged_and_no_other():
    history = run(random(), Objective(counted, together=5), budget=40)
    first, second = history.points[:, 0] == 1, history.points[:, 1] == 1
    np.testing.assert_array_equal(history.diverged, first | second)
    assert [error == "ZeroDivisionError: first bit" for error in history.errors] == first.tolist()
    np.testing.assert_allclose(history.scores[~history.diverged], history.points[~(first | second)].mean(1))
    frame = history.to_frame()
    assert list(frame.columns[:4]) == ["evaluation", "score", "test", "seconds"]
    assert frame["score"].isna().tolist() == (first | second).tolist()
    assert frame["bit 0"].tolist() == ["on" if one else "off" for one in first]
    assert np.isnan(frame["a"][first]).all() and frame["a"][~first].notna().all()
    best = history.best
    assert best.score == np.nanmax(frame["score"]) and best.decisions["bit 0"] == "off"
    assert best.test_score == history.points[best.number].sum()
    with pytest.raises(ZeroDivisionError):
        run(random(), Objective(counted, together=5), budget=40, errors="raise")


def test_a_search_that_only_raises_ends_early_with_the_first_error():
    def broken(points):
        raise KeyError("lr")

    with pytest.raises(
        AllDiverged, match="All 20 evaluations diverged. The first error: KeyError: 'lr'"
    ) as caught:
        run(random(), Objective(broken), budget=1000)
    assert len(caught.value.history) == 20
    nothing = Objective(lambda points: Outcomes(np.full(len(points), np.nan)))
    with pytest.raises(AllDiverged, match="NaN or infinite"):
        run(random(), nothing, budget=3)
    with pytest.raises(UserError, match="evaluations has a value"):
        _ = caught.value.history.best


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"budget": 0}, "budget=0"),
        ({"seconds": 0}, "seconds=0 is too small"),
        ({"errors": "ignore"}, "errors='ignore'"),
        ({"strategy": gradient_ascent(jnp.zeros((1, 17))), "space": SPACE}, "needs gradients"),
        (
            {"objective": Objective(lambda points: Outcomes(points))},
            r"shape \(1, 12\) for 1",
        ),
        ({"objective": Objective(lambda points: Outcomes(np.zeros(7)))}, r"shape \(7,\) for 1 points"),
        ({"journal": __file__}, "exists already"),
    ],
)
def test_bad_input_is_refused(given, words):
    whole = {"strategy": random(), "objective": Objective(counted), "space": BITS, "budget": 3} | given
    with pytest.raises(UserError, match=words):
        search(whole.pop("strategy"), whole.pop("objective"), progress=False, **whole)


def test_ctrl_c_keeps_what_is_done():
    calls = []

    def interrupted(points):
        calls.append(points)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return Outcomes(points.mean(1))

    history = run(random(), Objective(interrupted, together=5), budget=100)
    assert len(history) == 15 and history.stopped and "stopped early" in repr(history)
    calls[:] = [None] * 3
    with pytest.raises(KeyboardInterrupt):
        run(random(), Objective(interrupted), budget=9)


def test_progress_is_told_after_each_round():
    told = []
    history = run(random(), Objective(counted, together=5), 12, on_progress=told.append)
    assert [one.done for one in told] == [5, 10, 12]
    assert told[-1].best_score == history.scores.max() and told[-1].budget == 12


def test_a_threshold_and_seconds_end_a_search():
    objective = Objective(lambda points: Outcomes(points.mean(1)))
    history = run(random(), objective, 500, threshold=0.8)
    assert history.ended == "threshold" and history.best.number == len(history) - 1 < 499
    history = run(random(), objective, 500_000, seconds=0.2)
    assert history.ended == "seconds" and 0 < len(history) < 500_000
    compiled = run(walk(), traced(value), 500, threshold=-1e9)
    assert compiled.ended == "threshold" and len(compiled) == 1
    assert run(random(), objective, 5).ended == "budget"


def test_a_traceable_objective_gives_gradients():
    history = search(gradient_ascent(), traced(paraboloid, 3), space=SPACE, budget=90, seed=2, progress=False)
    assert (history.scores[-3:] > history.scores[:3]).all()


def test_a_budget_that_ends_before_it_learns_is_a_note():
    history = run(aging_evolution(50), Objective(counted), budget=20)
    assert "ends within the first 50 evaluations" in repr(history)
    assert not run(aging_evolution(10, 3), Objective(counted), budget=20).notes


def test_a_portfolio_comes_first_for_every_strategy():
    points = np.asarray(BITS.sample(jax.random.key(0), 7))
    for strategy in (random(), hill_climber(), aging_evolution(5, 2)):
        history = run(portfolio_then(points, strategy), Objective(lambda p: Outcomes(p.mean(1)), together=3))
        np.testing.assert_array_equal(history.points[:7], points)
        assert len(history) == 12
    with pytest.raises(UserError, match="Point 1 of the portfolio is outside the space 'bits'"):
        run(portfolio_then(np.array([[0.0] * 12, [0.5] * 12]), random()))
    with pytest.raises(UserError, match="have 3 numbers; those of 'bits' have 12"):
        run(portfolio_then(np.zeros((1, 3)), random()))


def test_a_history_shows_itself():
    history = run(random(), Objective(counted, together=5), budget=20)
    (axes,) = history.plot().axes
    np.testing.assert_array_equal(axes.lines[1].get_ydata()[-1], history.scores.max())
    page = history._repr_html_()
    assert "<svg" in page and "Best: " in page and page.count("<tr") == 6


@pytest.mark.parametrize("strategy", [random(), aging_evolution(4, 2)], ids=["random", "evolution"])
def test_a_space_without_a_hash_or_changed_in_place_is_searched(strategy):
    class Loose(Bits):
        __hash__ = None

    first = Objective(lambda points: Outcomes(points[:, 0]))
    assert len(search(strategy, first, space=Loose(8), budget=6, progress=False)) == 6

    class Open(Space):
        """Its points change when `size` does."""

        name, size, dimension, decisions, feature_names = "open", 1.0, 1, (Decision("x", 0, (0,)),), ("x",)
        digest = property(lambda self: f"{int(self.size):016d}")

        def sample(self, key, count):
            return jnp.full((count, 1), self.size)

        def mutate(self, key, point):
            return point

        def contains(self, points):
            return jnp.all(points == self.size, axis=-1)

    space, seen = Open(), []
    for space.size in (1.0, 2.0):
        found = search(strategy, first, space=space, budget=6, progress=False)
        seen.append(set(found.points[:, 0].tolist()))
    assert seen == [{1.0}, {2.0}]
