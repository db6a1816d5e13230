"""The length of a training: by rows, by seconds, and when it stops to wait."""

import numpy as np
import pandas as pd
import pytest

import taskaware as ta
from taskaware.errors import UserError
from taskaware.training import length
from taskaware.training.length import (
    MOST_STEPS,
    PASSES,
    PASSES_OF_CLASSES,
    PATIENCE,
    SEGMENT,
    Pace,
    length_for,
    passes_for,
    patience_for,
)
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
    assert length_for(own, own, 100, 80).steps == 60
    assert length_for(own, own, 1000, 80).steps == 600


def test_tables_of_classes_get_more_passes():
    labels, values, columns = list("ab" * 20), np.arange(40.0), pd.DataFrame({"x": np.arange(40.0)})
    of_classes = ta.make_task(columns, labels)
    assert passes_for(of_classes) == PASSES_OF_CLASSES > PASSES == passes_for(of_classes, one_by_one=True)
    assert passes_for(ta.make_task(columns, values)) == PASSES
    texts = [
        f"the {'cat' if label == 'a' else 'dog'} of number {place}" for place, label in enumerate(labels)
    ]
    assert passes_for(ta.make_task(texts, labels)) == PASSES


def test_patience_grows_with_the_training():
    assert patience_for(None, 20) == 20
    assert patience_for(None, 200) == 66
    assert patience_for(3, 200) == 3


def test_many_rows_are_evaluated_about_once_in_a_pass():
    usual = TrainingRecipe(steps=600)
    for rows in (10, 500, 4_000, 8_000, 30_000):
        found, a_pass = length_for(None, usual, rows, 240), rows / usual.batch_size
        assert found.every == SEGMENT or a_pass / 2 < found.every <= a_pass
        assert found.steps % found.every == 0 and found.steps <= MOST_STEPS


def test_a_pass_over_very_many_rows_is_evaluated_several_times():
    found = length_for(None, TrainingRecipe(steps=600), 10_000_000, 80)
    assert found.evaluations >= PATIENCE and found.every < 10_000_000 / 128


def test_a_short_training_of_many_rows_is_still_evaluated_often():
    own = TrainingRecipe(steps=600, train_rows=1 << 30)
    assert length_for(own, own, 1_000_000, 80) == (600, 30)


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
