"""A search whose points are evaluated by workers: nobody waits, and a death costs one evaluation only."""

import os
import signal
import threading
import time

import numpy as np
import pytest

from taskaware.errors import UserError
from taskaware.runner import RunnerSettings
from taskaware.spaces import choices
from taskaware.strategies import Objective, Outcomes, UnderWay, aging_evolution, random, search
from taskaware.strategies.evaluating import Packed, Refusal, work

SPACE = choices({f"bit {n}": [0, 1] for n in range(10)})
TWO = RunnerSettings(engine="processes", workers=2, retries=1)
ONE = RunnerSettings(engine="processes", workers=1)
LONG = 120.0


def run(evaluate, strategy, runner=TWO, **more):
    objective = Objective(evaluate, numbered=True, about="workers")
    return search(strategy, objective, space=SPACE, progress=False, runner=runner, **more)


def test_nobody_waits_and_a_dead_worker_costs_its_evaluation_only(tmp_path):
    mark = str(tmp_path / "twelve")

    def evaluate(points, first):
        # A closure, as of a notebook: it travels with what it holds.
        until = time.monotonic() + LONG
        while first == 0 and not os.path.exists(mark) and time.monotonic() < until:
            time.sleep(0.01)
        if first == 4:
            os.kill(os.getpid(), signal.SIGKILL)
        if first == 8:
            raise ValueError("eight")
        if first == 12:
            open(mark, "w").close()
        if first in (29, 31, 32):
            time.sleep(LONG)
        score = 2.0 if first == 30 else points.mean()
        return Outcomes(np.array([score]), more={"number": np.array([float(first)])})

    began = time.monotonic()
    more = {"budget": 500, "threshold": 2.0, "journal": tmp_path / "a.jsonl"}
    found = run(evaluate, aging_evolution(8, 3), **more)
    assert found.ended == "threshold" and len(found) == 30 and time.monotonic() - began < LONG
    errors = [error for error in found.errors if error]
    assert errors == ["The worker died (signal 9).", "ValueError: eight"] and found.diverged.sum() == 2
    # The row is that of the end: the first evaluation ended after the thirteenth.
    numbers = found.info["number"][~found.diverged].tolist()
    assert sorted(numbers) == [n for n in range(31) if n not in (4, 8, 29)]
    assert numbers.index(0) > numbers.index(12)
    parents = found.info["parent"]
    assert (parents < np.arange(30)).all() and (parents >= 0).any()
    for row in np.flatnonzero(parents >= 0):
        assert (found.points[row] != found.points[parents[row]]).sum() <= 1
    # Nothing that ended is done again.
    again = run(lambda points, first: 1 / 0, aging_evolution(8, 3), ONE, resume=True, **more)
    assert again.to_frame().equals(found.to_frame())
    # The end of the time does not wait for one under way, here the 30th.
    late = more | {"threshold": None, "seconds": time.monotonic() - began + 4}
    late = run(evaluate, aging_evolution(8, 3), ONE, resume=True, **late)
    assert late.ended == "seconds" and len(late) == 30 and time.monotonic() - began < LONG


def test_what_the_objective_refuses_and_what_cannot_travel_is_said():
    def refuse(points):
        raise UserError("no such point")

    asked = UnderWay(0, np.zeros((1, 10), np.float32), ())
    assert work(Packed(Objective(refuse)), (asked, "diverge")) == Refusal("no such point")
    lock = threading.Lock()
    with pytest.raises(UserError, match="cannot be sent to workers .*lock"):
        run(lambda points, first: lock, random(), budget=3)
