"""The length of a training: by rows, by seconds, and when it stops to wait."""

import pytest

from taskaware.errors import UserError
from taskaware.training import length
from taskaware.training.length import Pace, patience_for, steps_for
from taskaware.training.recipe import TrainingRecipe


@pytest.fixture
def clock(monkeypatch):
    """The time that a training reads, set by the test."""
    now = [0.0]
    monkeypatch.setattr(length.time, "perf_counter", lambda: now[0])
    return now


def ended(pace, clock, *ends, planned=100):
    """The plan after segments that ended at these times."""
    for end in ends:
        clock[0] = end
        planned = pace.segments(planned)
    return planned


def test_a_recipe_of_the_users_own_grows_by_its_rows_only():
    own = TrainingRecipe(steps=60, train_rows=100)
    assert steps_for(own, own, 100) == 60
    assert steps_for(own, own, 1000) == 600


def test_patience_grows_with_the_training():
    assert patience_for(None, 600) == 20
    assert patience_for(None, 6000) == 66
    assert patience_for(3, 6000) == 3


def test_the_second_segment_tells_how_many_fit(clock):
    # The first compiles for 8 seconds; 10 of a second each fit into what is left after two.
    assert ended(Pace(20.0), clock, 9.0, 10.0) == 12
    clock[0] = 0.0
    assert ended(Pace(), clock, 9.0, 10.0) == 100


def test_a_plan_that_fits_stays(clock):
    assert ended(Pace(500.0), clock, 9.0, 10.0, 11.0) == 100


def test_another_attempt_is_planned_within_what_is_left(clock):
    pace = Pace(30.0)
    ended(pace, clock, 9.0, 10.0)
    pace.begin()
    assert ended(pace, clock, 21.0, 22.0) == 10


def test_a_machine_that_slows_down_is_cut_short(clock):
    pace = Pace(20.0)
    ended(pace, clock, 9.0, 10.0, 19.0)
    assert not pace.over
    ended(pace, clock, 20.5)
    assert pace.over


def test_the_time_is_printed_once_where_there_is_no_bar(clock, capsys):
    ended(Pace(shown=False), clock, 9.0, 39.0, 69.0, planned=12)
    assert capsys.readouterr().err.count("Training takes up to 5 minutes more") == 1
    clock[0] = 0.0
    ended(Pace(shown=True), clock, 9.0, 39.0, planned=12)
    assert not capsys.readouterr().err


def test_a_time_of_nothing_is_refused():
    with pytest.raises(UserError, match="seconds=-1 is too small"):
        Pace(-1)
