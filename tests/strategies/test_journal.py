"""A search that is killed goes on by its journal: row for row, nothing lost, nothing twice."""

import json
import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taskaware.errors import StoreError, UserError
from taskaware.spaces import choices
from taskaware.strategies import (
    Objective,
    Outcomes,
    aging_evolution,
    local_search,
    portfolio_then,
    promising,
    random,
    reinforce,
    search,
    traced,
)
from tests.toys.climber import hill_climber

SPACE = choices({f"bit {n}": [0, 1] for n in range(10)}, name="bits")
START = np.ones((2, 10), np.float32)


def noisy(points, first=0):
    """The share of ones with noise that follows from the evaluation's number; one raises, one is NaN."""
    if first == 3:
        raise ZeroDivisionError("the fourth")
    noise = np.random.default_rng([7, first]).normal(size=len(points))
    score = np.where(first == 5, np.nan, points.mean(1) + 0.1 * noise)
    return Outcomes(score, points.sum(1), more={"ones": points.sum(1)})


OBJECTIVE = Objective(noisy, numbered=True, about="noisy")
STRATEGIES = {
    "random": random(),
    "evolution": aging_evolution(8, 3, identity=0.3),
    "without aging": aging_evolution(8, 3, aging=False),
    "local search": local_search(patience=4),
    "portfolio": portfolio_then(START, aging_evolution(8, 3)),
    "promising": promising(aging_evolution(8, 3), lambda points: points[:, 0], of=3),
    "of pure functions": hill_climber(),
    "controller": reinforce(4, learning_rate=0.02, units=4, layers=1, queue=3),
}


def run(path, strategy="evolution", objective=OBJECTIVE, budget=40, **more):
    made = STRATEGIES[strategy] if isinstance(strategy, str) else strategy
    more = {"journal": path, "resume": True, "space": SPACE, "progress": False} | more
    return search(made, objective, budget=budget, **more)


def columns(history):
    return history.to_frame().drop(columns="seconds")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_resumed_is_straight_through_row_for_row(strategy, tmp_path):
    whole = tmp_path / "whole.jsonl"
    straight = run(whole, strategy)
    lines = whole.read_bytes().splitlines(keepends=True)
    assert sum(b'{"info"' not in line for line in lines) == 81 and json.loads(lines[0])["space"] == "bits"
    for cut in (0, 1, 2, 31, 60, len(lines)):
        # In the middle of a line, as a kill may leave it.
        torn = tmp_path / f"{cut}.jsonl"
        torn.write_bytes(b"".join(lines[:cut]) + b"".join(lines[cut : cut + 1])[:9])
        again = run(torn, strategy)
        assert columns(again).equals(columns(straight))
        assert [
            json.loads(line)[kind]
            for kind in ("ask", "tell")
            for line in torn.read_text().splitlines()[1:]
            if kind in json.loads(line)
        ] == [*range(40), *range(40)]
        assert [line for line in torn.read_bytes().splitlines(keepends=True) if b'{"info"' in line] == [
            line for line in lines if b'{"info"' in line
        ]
    assert run(None, strategy).scores.tolist() == straight.scores.tolist()


def test_a_larger_budget_goes_on(tmp_path):
    path = tmp_path / "a.jsonl"
    run(path, budget=15)
    assert columns(run(path)).equals(columns(run(None)))


def test_ctrl_c_and_other_ends_go_on(tmp_path):
    path, calls = tmp_path / "a.jsonl", []

    def interrupted(points, first):
        calls.append(first)
        if len(calls) == 9:
            raise KeyboardInterrupt
        return noisy(points, first)

    objective = Objective(interrupted, numbered=True, about="noisy")
    stopped = run(path, objective=objective)
    assert stopped.stopped and len(stopped) == 8
    assert columns(run(path, objective=objective)).equals(columns(run(None)))
    # What was under way is done again; nothing else is.
    assert calls == [*range(9), *range(8, 40)]


def test_a_compiled_search_is_computed_again_and_written_once(tmp_path):
    path, objective = tmp_path / "a.jsonl", traced(lambda point: jnp.mean(point), 4)

    def informing(space, together):
        inner = local_search(patience=4)(space, together)

        def tell(state, points, feedback):
            state, info = inner.tell(state, points, feedback)
            return state, info | {"told": jnp.where(feedback.value > 0.5, feedback.value, jnp.nan)}

        return inner._replace(tell=tell)

    run(path, informing, objective, budget=10)
    found = run(path, informing, objective, budget=30)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    told = [line for line in lines if "tell" in line]
    assert [score for line in told for score in line["score"]] == pytest.approx(found.scores.tolist())
    informed = [line for line in lines if "info" in line]
    assert [line["info"] for line in informed] == [line["tell"] for line in told] == [0, 10]
    column = [value for line in informed for value in line["columns"]["told"]]
    np.testing.assert_allclose(np.array(column, float), found.info["told"], rtol=1e-6)
    assert None in column and all("parent" not in line["columns"] for line in informed)
    straight = run(None, informing, objective, budget=30)
    np.testing.assert_array_equal(found.points, straight.points)
    with pytest.raises(UserError, match="its scores from evaluation 0 on are others"):
        run(path, "local search", traced(lambda point: -jnp.mean(point), 4), budget=30)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"seed": 1}, "its seed is 0, and this one's is 1"),
        ({"strategy": "random"}, r"its strategy is 'aging_evolution\(population=8, sample=3"),
        ({"space": choices({f"bit {n}": [0, 1] for n in range(9)})}, "its space is '"),
        ({"objective": Objective(noisy, numbered=True, about="x")}, "its objective is 'noisy'"),
        ({"together": 2}, "its together is 1"),
        ({"resume": False}, "exists already. Pass resume=True"),
    ],
)
def test_the_journal_of_another_search_is_refused(more, words, tmp_path):
    run(tmp_path / "a.jsonl", budget=5)
    before = (tmp_path / "a.jsonl").read_bytes()
    with pytest.raises(UserError, match=words):
        run(tmp_path / "a.jsonl", **more)
    assert (tmp_path / "a.jsonl").read_bytes() == before


def test_a_strategy_of_other_draws_is_found_by_its_points(tmp_path):
    run(tmp_path / "a.jsonl", hill_climber(), budget=5)

    def shifted(space, together):
        inner = hill_climber()(space, together)
        return inner._replace(ask=lambda key, state: inner.ask(jax.random.fold_in(key, 1), state))

    with pytest.raises(UserError, match="its evaluation 0 is of another point than this search asks for"):
        run(tmp_path / "a.jsonl", shifted, budget=5)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"{\n", "Line 4 of the journal .* is damaged. Delete it and the lines after it"),
        (b'{"tell":9,"score":[1.0],"at":1}\n', "Line 4 .* damaged"),
        (b'{"tell":1,"score":["x"],"at":1}\n', "Line 4 .* damaged"),
        (b'{"ask":1,"points":[]}\n', "Line 4 .* damaged"),
        (b"[]\n", "Line 4 .* damaged"),
    ],
)
def test_a_damaged_line_is_named(line, words, tmp_path):
    path = tmp_path / "a.jsonl"
    run(path, budget=5)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]) + line + b"".join(lines[4:]))
    with pytest.raises(StoreError, match=words):
        run(path, budget=5)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"journal":99}\n', "has format 99; this taskaware reads 1"),
        (b'{"evaluation":0}\n', "is no journal of a search"),
        (b'{"evaluation":0}\n{"evaluation":1}', "is no journal of a search"),
        (b"my notes", "is no journal of a search"),
        (b"a,b\n1,2\n", "is no journal of a search"),
    ],
)
def test_a_file_that_is_no_journal_is_refused(content, words, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(content)
    with pytest.raises(UserError, match=words):
        run(tmp_path / "a.jsonl")
    assert (tmp_path / "a.jsonl").read_bytes() == content


def test_a_journal_that_cannot_be_written_is_refused(tmp_path, monkeypatch):
    with pytest.raises(StoreError, match="cannot be written: .*Make its folder first"):
        run(tmp_path / "none" / "a.jsonl")
    real, left = os.write, [6]

    def full(handle, content):
        left[0] -= 1
        if not left[0]:
            real(handle, content[:7])
            raise OSError(28, "No space left on device")
        return real(handle, content)

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StoreError, match="No space left.*Make room on the disk. What ended is kept"):
        run(tmp_path / "a.jsonl")
    monkeypatch.undo()
    assert columns(run(tmp_path / "a.jsonl")).equals(columns(run(None)))


def test_two_searches_do_not_share_a_journal(tmp_path):
    path = tmp_path / "a.jsonl"

    def again(points, first):
        run(path)
        return noisy(points, first)

    with pytest.raises(UserError, match="Another process searches with the journal"):
        run(path, objective=OBJECTIVE._replace(evaluate=again))


def test_every_line_is_strict_json_with_all_digits(tmp_path):
    path = tmp_path / "a.jsonl"
    found = run(path, budget=12)

    def refused(word):
        raise AssertionError(f"{word} is no JSON")

    lines = [json.loads(line, parse_constant=refused) for line in path.read_text().splitlines()[1:]]
    asked, told = ([line for line in lines if kind in line] for kind in ("ask", "tell"))
    assert np.array_equal([line["points"][0] for line in asked], found.points)
    assert [line["parents"][0] for line in asked] == found.info["parent"].tolist()
    scores = [None if not np.isfinite(score) else score for score in found.scores.tolist()]
    assert [line["score"] for line in told] == [[score] for score in scores] and scores.count(None) == 2
    assert (
        told[3]["errors"] == ["ZeroDivisionError: the fourth"] and told[4]["more"]["ones"] == told[4]["test"]
    )
