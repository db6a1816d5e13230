"""Training networks to the end: what stops it, what is kept, and what happens to a NaN."""

import dataclasses
import inspect
import weakref
from types import SimpleNamespace
from typing import Any, cast

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from taskaware import optimizers
from taskaware.errors import EngineError, UserError
from taskaware.recommendation import building
from taskaware.spaces.mixture_lifting import NEUTRAL, lifted_points
from taskaware.spaces.mixture_parts import RecipeCoordinate
from taskaware.tasks.split import splits
from taskaware.training import finishing
from taskaware.training import fit as room
from taskaware.training.fit import ATTEMPTS, COOLER, EASED_ROWS, fit, is_eased
from taskaware.training.length import SEGMENT
from taskaware.training.member_rows import RowOptions, rows_of_members
from taskaware.training.options import FitOptions
from taskaware.training.programs import schedule
from taskaware.training.recipe import TrainingRecipe

FIVE = 5
"""Networks of a small table by default."""

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
    for column in task.data.columns:
        values = column.values[places]
        names = np.array([*column.categories, None], object)
        columns[column.name] = values if column.is_numeric else names[values]
    import pandas as pd

    return pd.DataFrame(columns)


def scores_of_members(model, task, parts):
    """Score of each network alone on its own validation rows."""
    scores = []
    for member, part in enumerate(parts):
        alone = dataclasses.replace(
            model, params={name: leaf[member : member + 1] for name, leaf in model.params.items()}
        )
        answers = task.target[part.validation]
        answers = np.array(task.classes)[answers] if task.classes else answers
        scores.append(alone.score(rows_of(task, part.validation), answers))
    return scores


def same_weights(first, second):
    return all(np.array_equal(first.params[name], second.params[name]) for name in first.params)


def test_columns_of_a_regression_learn_a_factor_that_ends_in_the_weights(task, small, point):
    gate = RecipeCoordinate("scaling", 0.0, 1.0, gate=0.5)
    gated = dataclasses.replace(small, name="gated", recipe=(*small.recipe, gate))
    [opened] = lifted_points(np.asarray(point)[None], small, gated)
    opened[-1] = 1.0
    given = task("regression", rows=EASED_ROWS)
    assert is_eased(given) and not is_eased(task("regression")) and not is_eased(task(rows=EASED_ROWS))
    found, other = (
        fit(given, *design, recipe=RECIPE, members=2, progress=False)
        for design in ((small, point), (gated, opened))
    )
    factors = 1 + np.asarray(other.params["number_scale"])
    assert np.abs(factors - 1).max() > 0.1
    np.testing.assert_array_equal(found.history["loss"], other.history["loss"])
    expected = np.asarray(other.params["number_kernel"]) * factors[..., None]
    np.testing.assert_allclose(found.params["number_kernel"], expected, rtol=1e-5)
    assert set(other.params) - set(found.params) == {"number_scale", "category_scale"}


def test_it_learns(model, task):
    assert model.best_score > 0.6
    assert model.history["loss"].iloc[0] > model.history["loss"].min()
    assert list(model.history.columns) == ["step", "seconds", "score", "loss"]
    assert model.history["step"].tolist() == list(range(SEGMENT, 151, SEGMENT))
    assert model.history["seconds"].is_monotonic_increasing


def test_an_optimizer_of_the_user_trains_at_its_own_rate(model, task, small, point):
    """AdamW as the trainer has it, given from outside, trains the same; the recipe's rate is not used."""
    rates = jnp.asarray(schedule(RECIPE, RECIPE.steps))
    adamw = optax.adamw(
        lambda count: RECIPE.learning_rate * rates[count],
        b2=NEUTRAL["beta2"],
        weight_decay=RECIPE.weight_decay,
        mask=lambda params: {name: leaf.ndim > 1 for name, leaf in params.items()},
    )
    other = dataclasses.replace(RECIPE, learning_rate=9.0, weight_decay=9.0)
    own = fit(task(), small, point, recipe=other, progress=False, optimizer=adamw)
    # Rounding grows with the steps.
    losses = zip(own.history["loss"], model.history["loss"], (1e-5, 1e-4, 1e-3, 1e-2, 1e-2), strict=True)
    for ours, theirs, close in losses:
        assert ours == pytest.approx(theirs, rel=close)


def test_a_rule_that_decays_is_told_how_far_the_training_is(task, small, point):
    rule = optimizers.named("addsign-linear", learning_rate=0.1)
    found = fit(task(), small, point, recipe=RECIPE, members=1, progress=False, optimizer=rule)
    assert found.best_score > 0.6


@pytest.mark.parametrize("optimizer", ["adam", 0.1, optax.adamw])
def test_what_is_no_optimizer_is_refused(unchecked, task, small, point, optimizer):
    with pytest.raises(UserError, match="no optax transformation"):
        fit(task(), small, point, optimizer=optimizer)


def test_the_seed_decides(model, task, small, point):
    assert same_weights(model, fit(task(), small, point, recipe=RECIPE, progress=False))
    assert not same_weights(model, fit(task(), small, point, recipe=RECIPE, seed=1, progress=False))


@pytest.mark.parametrize(
    ("problem", "members"), [("classification", 1), ("classification", 5), ("regression", 5)]
)
def test_each_member_keeps_its_best_weights(task, small, plain, problem, members):
    """With a rate so high that a network of relu units is lost at last, the last weights are not the best."""
    made, point = task(problem), plain(small, [(8, "relu"), None])
    recipe = dataclasses.replace(RECIPE, learning_rate=0.5, steps=300)
    found = fit(made, small, point, recipe=recipe, seed=1, members=members, progress=False)
    history = found.history
    assert history["score"].iloc[-1] < found.best_score
    if members == 1:
        assert found.best_score == history["score"].max()
    scores = scores_of_members(found, made, splits(made, 1, members))
    assert len(scores) == found.members == members and len(set(scores)) > members // 2
    assert np.mean(scores) == pytest.approx(found.best_score, abs=1e-5)


def test_members_differ_in_weights_and_rows(model, task):
    parts = splits(task(), 0, 3)
    rows = rows_of_members(parts, seed=0, steps=20, batch_size=16, about=RowOptions())
    for part, train, places, weight in zip(parts, rows.train, *rows.validation, strict=True):
        assert set(train.ravel()) == set(part.train)
        assert places[weight > 0].tolist() == part.validation.tolist()
    orders = [
        np.argsort(np.argsort(train.ravel()[: len(part.train)]))
        for part, train in zip(parts, rows.train, strict=True)
    ]
    assert not np.array_equal(orders[0], orders[1])
    assert model.members == 5
    for name, leaf in model.params.items():
        if "bias" not in name:
            assert len(np.unique(np.asarray(leaf).reshape(5, -1), axis=0)) == 5


def test_a_large_table_trains_fewer_networks(task, small, point, monkeypatch):
    monkeypatch.setattr("taskaware.training.members.MEMBERS", ((100, 3), (119, 2)))
    assert fit(task(rows=119), small, point, recipe=RECIPE, progress=False).members == 2
    assert fit(task(rows=120), small, point, recipe=RECIPE, progress=False).members == 1
    found = fit(task(rows=120), small, point, recipe=RECIPE, members=FIVE, progress=False)
    assert found.members == FIVE


def test_it_stops_when_nothing_gets_better(task, small, point):
    recipe = dataclasses.replace(RECIPE, learning_rate=0.5, steps=1500)
    history = fit(task(), small, point, recipe=recipe, members=1, patience=3, progress=False).history
    assert len(history) < 1500 / SEGMENT
    assert len(history) == history["score"].argmax() + 1 + 3


def test_more_rows_get_more_steps(task, small, point):
    recipe = dataclasses.replace(RECIPE, steps=30, train_rows=24)
    history = fit(task(rows=120), small, point, recipe=recipe, progress=False).history
    assert history["step"].iloc[-1] == 30 * 96 / 24


def test_many_steps_of_few_rows_are_evaluated_once_in_a_pass(task, small, point):
    recipe = dataclasses.replace(RECIPE, steps=1200, batch_size=1)
    history = fit(task(rows=120), small, point, recipe=recipe, members=1, patience=2, progress=False).history
    assert np.diff(history["step"], prepend=0).tolist() == [60] * len(history)


def test_a_training_with_little_time_ends_early(task, small, point):
    recipe = dataclasses.replace(RECIPE, steps=3000)
    history = fit(task(), small, point, recipe=recipe, members=1, seconds=1e-3, progress=False).history
    assert history["step"].tolist() == [SEGMENT]


def test_every_evaluation_is_told_as_it_stands_in_the_history(task, small, point):
    told = []
    found = fit(task(), small, point, recipe=RECIPE, members=1, progress=False, on_progress=told.append)
    assert [(each.step, each.seconds, each.score, each.loss) for each in told] == [
        tuple(row) for row in found.history[["step", "seconds", "score", "loss"]].to_numpy().tolist()
    ]
    assert {each.steps for each in told} == {RECIPE.steps}


def test_patience_waits_for_the_last_member(task, small, point, monkeypatch):
    real, scores = room.advance_members, iter([(0.9, 0.1), (0.5, 0.2), (0.5, 0.3), *[(0.5, 0.2)] * 9])

    def scripted(*args):
        state, found = real(*args)
        first, last = next(scores)
        return state, found._replace(scores=np.array([first, 0.1, 0.1, 0.1, last]))

    monkeypatch.setattr(room, "advance_members", scripted)
    recipe = dataclasses.replace(RECIPE, steps=360)
    found = fit(task(), small, point, recipe=recipe, patience=4, progress=False)
    assert len(found.history) == 3 + 4
    assert found.best_score == pytest.approx((0.9 + 3 * 0.1 + 0.3) / FIVE)


def test_the_rows_go_when_they_are_encoded(task, small, point, monkeypatch):
    """Those of a wide table take as much memory as its networks."""
    made = [task()]
    rows, left = weakref.ref(made[0].data), []

    def stopped(work, pace, **options):
        left.append(rows())
        raise EngineError("enough")

    monkeypatch.setattr(room, "_train", stopped)
    # A function whose annotations are checked holds its arguments to its end.
    monkeypatch.setattr("taskaware.training.options.fit", inspect.unwrap(fit))
    record = cast(
        Any, SimpleNamespace(seed=0, space=small, point=point, prefer=SimpleNamespace(members=None))
    )
    with pytest.raises(EngineError, match="enough"):
        building.fit(record, made.pop(), FitOptions())
    assert left == [None]


def test_the_share_of_rows_that_validate(task, small, point):
    made = task()
    found = fit(made, small, point, recipe=RECIPE, seed=5, validation=0.5, progress=False)
    scores = scores_of_members(found, made, splits(made, 5, FIVE, validation=0.5))
    assert np.mean(scores) == pytest.approx(found.best_score, abs=1e-6)


class Impatient:
    """A progress bar at whose second step somebody presses Ctrl-C."""

    def __init__(self, **options):
        self.steps, self.said, self.closed, self.disable = 0, [], False, False
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
    assert stopped.history["score"].max() <= stopped.best_score < 1


def test_ctrl_c_before_the_first_evaluation_ends_it(task, small, point, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(room, "advance_members", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fit(task(), small, point, recipe=RECIPE, progress=False)


def rate_of(chosen, steps):
    """The learning rate at the top of the schedule."""
    plain = room.schedule(RECIPE, RECIPE.steps)[round(float(steps.done[0]) * RECIPE.steps)]
    return round(float(chosen.learning_rate[0] * steps.rate[0] / plain), 7)


@pytest.fixture
def fragile(monkeypatch):
    """A function: learning rates above `limit` turn one member NaN in segment `number`; gives the rates."""
    real = room.advance_members

    def install(limit, number=1):
        rates, calls = [], []

        def advance(program, state, arrays, chosen, work, keys):
            rate = rate_of(chosen, work[0])
            if rate not in rates:
                rates.append(rate)
                calls.clear()
            calls.append(rate)
            state, found = real(program, state, arrays, chosen, work, keys)
            if rate > limit and len(calls) >= number:
                found.losses[-1] = np.nan
            return state, found

        monkeypatch.setattr(room, "advance_members", advance)
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
    with pytest.raises(EngineError, match="loss of 'made classification' turned NaN at 4 learning rates"):
        fit(task(), small, point, recipe=RECIPE, progress=False)
    assert rates == pytest.approx([0.02 * COOLER**attempt for attempt in range(ATTEMPTS)])


def test_nan_in_the_end_at_every_rate_keeps_what_there_is(task, small, point, fragile):
    fragile(limit=0.0, number=3)
    found = fit(task(), small, point, recipe=RECIPE, progress=False)
    assert found.history["step"].tolist() == [30, 60]
    assert all(np.isfinite(leaf).all() for leaf in found.params.values())


def test_what_an_earlier_rate_reached_is_kept(task, small, point, monkeypatch):
    """The last attempt is lost at once, the one before it after two evaluations."""
    real, calls = room.advance_members, []

    def advance(program, state, arrays, chosen, work, keys):
        calls.append(rate_of(chosen, work[0]))
        state, found = real(program, state, arrays, chosen, work, keys)
        ends = len(set(calls)) == ATTEMPTS or calls.count(calls[-1]) == 3
        return state, found._replace(losses=found.losses * np.nan) if ends else found

    monkeypatch.setattr(room, "advance_members", advance)
    found = fit(task(), small, point, recipe=RECIPE, progress=False)
    assert len(set(calls)) == ATTEMPTS
    assert found.history["step"].tolist() == [30, 60]


@pytest.mark.parametrize(
    ("problem", "members"), [("classification", FIVE), ("classification", 12), ("regression", FIVE)]
)
def test_the_smallest_table(task, small, point, problem, members):
    found = fit(task(problem, rows=10), small, point, recipe=RECIPE, members=members, progress=False)
    assert found.members == members and np.isfinite(found.best_score)


def test_the_bar_is_shown_when_asked(task, small, point, capsys):
    fit(task(), small, point, recipe=RECIPE, progress=False)
    assert capsys.readouterr().err == ""
    fit(task(), small, point, recipe=RECIPE, progress=True)
    shown = capsys.readouterr().err
    assert "150/150" in shown
    assert "best=" in shown


def test_the_metric_of_the_task_chooses_the_weights(task, small, point):
    """Where a class is rare, guessing the others is right by accuracy, and not by balanced accuracy."""
    made = task(rows=200)
    few = np.sort(np.concatenate([np.flatnonzero(made.target > 0), np.flatnonzero(made.target == 0)[:8]]))
    made = dataclasses.replace(
        made, data=made.data.take(few), target=made.target[few], metric="balanced_accuracy"
    )
    found = fit(made, small, point, recipe=RECIPE, progress=False)
    assert found.metric == "balanced_accuracy"
    scores = scores_of_members(found, made, splits(made, 0, FIVE))
    assert np.mean(scores) == pytest.approx(found.best_score, abs=1e-5)


@pytest.mark.parametrize(
    ("problem", "metric"),
    [
        ("classification", "roc_auc"),
        ("classification", "log_loss"),
        ("regression", "rmse"),
        ("regression", "mae"),
    ],
)
def test_every_sort_of_metric_chooses_weights(task, small, point, problem, metric):
    """What the compiled program scored is what the model scores on the host, in the target's own units."""
    made = task(problem)
    if problem == "regression":
        made = dataclasses.replace(made, target=1000 + 50 * made.target)
    made = dataclasses.replace(made, metric=metric)
    found = fit(made, small, point, recipe=RECIPE, progress=False)
    scores = scores_of_members(found, made, splits(made, 0, FIVE))
    assert np.mean(scores) == pytest.approx(found.best_score, rel=1e-4)
    shown = -found.best_score if metric != "roc_auc" else found.best_score
    assert f"{metric} {shown:.3f}" in repr(found) and shown > 0


def test_values_out_of_range_are_refused(task, small, point):
    with pytest.raises(UserError, match="patience=0 is too small"):
        fit(task(), small, point, patience=0)
    with pytest.raises(UserError, match="seconds=0 is too small"):
        fit(task(), small, point, seconds=0)
    with pytest.raises(UserError, match="members=0 is too small"):
        fit(task(), small, point, members=0)
    with pytest.raises(UserError, match="validation=1.5"):
        fit(task(), small, point, validation=1.5)
    with pytest.raises(UserError, match="steps=0"):
        fit(task(), small, point, recipe=dataclasses.replace(RECIPE, steps=0))


def test_a_fitted_network_has_its_temperature_in_the_weights(task, small, plain, monkeypatch):
    made, point = task(rows=240), plain(small, [(8, "relu"), None])
    recipe = dataclasses.replace(RECIPE, steps=300, learning_rate=0.05)
    after = fit(made, small, point, recipe=recipe, members=1, progress=False)
    monkeypatch.setattr(finishing, "chosen_temperature", lambda parts, weights: 1.0)
    before = fit(made, small, point, recipe=recipe, members=1, progress=False)
    ratios = np.asarray(before.params["output_kernel"] / after.params["output_kernel"])
    assert np.ptp(ratios) < 1e-4 and not np.isclose(ratios.mean(), 1.0)
    np.testing.assert_array_equal(before.params["layer0_kernel"], after.params["layer0_kernel"])
    assert before.best_score == after.best_score
    rows = splits(made, 0, 1)[0].validation
    losses = []
    for model in (before, after):
        found = model.predict_proba(rows_of(made, rows))
        losses.append(-np.mean(np.log(found[np.arange(len(rows)), made.target[rows]])))
    assert losses[1] < losses[0]
