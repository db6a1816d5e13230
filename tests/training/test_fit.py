"""Training one network to the end: what stops it, what is kept, and what happens to a NaN."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from taskaware.errors import EngineError, UserError
from taskaware.tasks.split import split
from taskaware.training import fit as room
from taskaware.training.fit import ATTEMPTS, COOLER, SEGMENT, fit
from taskaware.training.recipe import TrainingRecipe

RECIPE = TrainingRecipe(steps=150, batch_size=16, learning_rate=0.02)


@pytest.fixture(scope="module")
def point(small, plain):
    return plain(small, [(8, "relu"), (8, "tanh")])


@pytest.fixture(scope="module")
def model(task, small, point):
    return fit(task(), small, point, recipe=RECIPE, progress=False)


def rows_of(task, places):
    """A task's rows as a frame that a model reads."""
    columns = {}
    for column in task.table.columns:
        values = column.values[places]
        names = np.array([*column.categories, None], object)
        columns[column.name] = values if column.is_numeric else names[values]
    import pandas as pd

    return pd.DataFrame(columns)


def same_weights(first, second):
    return all(np.array_equal(first.params[name], second.params[name]) for name in first.params)


def test_it_learns(model, task):
    assert model.best_score > 0.6
    assert model.history["loss"].iloc[0] > model.history["loss"].min()
    assert list(model.history.columns) == ["step", "seconds", "score", "loss"]
    assert model.history["step"].tolist() == list(range(SEGMENT, 151, SEGMENT))
    assert model.history["seconds"].is_monotonic_increasing


def test_the_seed_decides(model, task, small, point):
    assert same_weights(model, fit(task(), small, point, recipe=RECIPE, progress=False))
    assert not same_weights(model, fit(task(), small, point, recipe=RECIPE, seed=1, progress=False))


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_the_best_weights_are_kept(task, small, point, kind):
    """With a rate so high that the score jumps about, the last weights are not the best ones."""
    made = task(kind)
    recipe = dataclasses.replace(RECIPE, learning_rate=0.5, steps=300)
    parts = split(made, 0, test=None)
    found = fit(made, small, point, recipe=recipe, progress=False)
    history = found.history
    assert history["score"].iloc[-1] < found.best_score == history["score"].max()
    answers = made.target[parts.validation]
    if made.classes:
        answers = np.array(made.classes)[answers]
    assert found.score(rows_of(made, parts.validation), answers) == pytest.approx(found.best_score, abs=1e-5)


def test_it_stops_when_nothing_gets_better(task, small, point):
    recipe = dataclasses.replace(RECIPE, learning_rate=0.5, steps=1500)
    history = fit(task(), small, point, recipe=recipe, patience=3, progress=False).history
    assert len(history) < 1500 / SEGMENT
    assert len(history) == history["score"].argmax() + 1 + 3


def test_more_rows_get_more_steps(task, small, point):
    recipe = dataclasses.replace(RECIPE, steps=30, train_rows=24)
    history = fit(task(rows=120), small, point, recipe=recipe, progress=False).history
    assert history["step"].iloc[-1] == 30 * 96 / 24


def test_the_rows_given_are_used(task, small, point):
    made = task()
    parts = split(made, 5, validation=0.5, test=None)
    found = fit(made, small, point, recipe=RECIPE, parts=parts, progress=False)
    answers = np.array(made.classes)[made.target[parts.validation]]
    assert found.score(rows_of(made, parts.validation), answers) == pytest.approx(found.best_score, abs=1e-6)


class Impatient:
    """A progress bar at whose second step somebody presses Ctrl-C."""

    def __init__(self, **options):
        self.steps, self.said, self.closed = 0, [], False
        Impatient.last = self

    def update(self, steps):
        self.steps += 1
        if self.steps == 2:
            raise KeyboardInterrupt

    def set_postfix(self, **options):
        pass

    def write(self, text):
        self.said.append(text)

    def close(self):
        self.closed = True


def test_ctrl_c_keeps_the_best_so_far(task, small, point, model, monkeypatch):
    monkeypatch.setattr(room, "tqdm", Impatient)
    stopped = fit(task(), small, point, recipe=RECIPE)
    assert stopped.history["step"].tolist() == [30, 60]
    assert Impatient.last.said == ["Stopped at step 60 of 150; the best weights so far are kept."]
    assert Impatient.last.closed
    assert stopped.history["score"].tolist() == model.history["score"][:2].tolist()
    assert stopped.best_score == stopped.history["score"].max()


def test_ctrl_c_before_the_first_evaluation_ends_it(task, small, point, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(room, "segment", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fit(task(), small, point, recipe=RECIPE, progress=False)


@pytest.fixture
def fragile(monkeypatch):
    """A function: learning rates above `limit` turn NaN in segment `number`; gives the rates tried."""
    real = room.segment

    def install(limit, number=1):
        rates, calls = [], []

        def segment(program, state, arrays, chosen, rows, factors, key):
            rate = float(chosen.hyper.learning_rate[0])
            if rate not in rates:
                rates.append(rate)
                calls.clear()
            calls.append(rate)
            state, (score, loss) = real(program, state, arrays, chosen, rows, factors, key)
            lost = rate > limit and len(calls) >= number
            return state, (score, jnp.where(lost, jnp.nan, loss))

        monkeypatch.setattr(room, "segment", segment)
        return rates

    return install


@pytest.mark.parametrize("number", [1, 3])
def test_a_rate_that_turns_nan_is_cooled_down(task, small, point, fragile, number):
    rates = fragile(limit=0.01, number=number)
    found = fit(task(), small, point, recipe=RECIPE, progress=False)
    assert rates == pytest.approx([0.02, 0.02 * COOLER])
    assert len(found.history) == 5
    assert np.isfinite(found.history).all(axis=None)


def test_nan_at_every_rate_is_an_error(task, small, point, fragile):
    rates = fragile(limit=0.0)
    with pytest.raises(EngineError, match="'made classification' turned NaN at 4 learning rates"):
        fit(task(), small, point, recipe=RECIPE, progress=False)
    assert rates == pytest.approx([0.02 * COOLER**attempt for attempt in range(ATTEMPTS)])


def test_nan_in_the_end_at_every_rate_keeps_what_there_is(task, small, point, fragile):
    fragile(limit=0.0, number=3)
    found = fit(task(), small, point, recipe=RECIPE, progress=False)
    assert found.history["step"].tolist() == [30, 60]
    assert all(np.isfinite(leaf).all() for leaf in found.params.values())


def test_the_bar_is_shown_when_asked(task, small, point, capsys):
    fit(task(), small, point, recipe=RECIPE, progress=False)
    assert capsys.readouterr().err == ""
    fit(task(), small, point, recipe=RECIPE, progress=True)
    shown = capsys.readouterr().err
    assert "150/150" in shown
    assert "best=" in shown


def test_values_out_of_range_are_refused(task, small, point):
    with pytest.raises(UserError, match="patience=0 is too small"):
        fit(task(), small, point, patience=0)
    with pytest.raises(UserError, match="steps=0"):
        fit(task(), small, point, recipe=dataclasses.replace(RECIPE, steps=0))
