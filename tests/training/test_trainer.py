"""Many candidates at once are each candidate alone; padding, order and chunks do not show."""

import dataclasses
import pickle
import threading
from types import SimpleNamespace
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from taskaware import compilation
from taskaware.arrays import bucket
from taskaware.children.child import CHILDREN, Design, child_of
from taskaware.children.mixture.child import _apply, optimizer
from taskaware.children.mixture.network import MixtureNetwork
from taskaware.errors import UserError
from taskaware.spaces import preset
from taskaware.spaces.mixture_parts import RecipeCoordinate
from taskaware.tasks.metrics import METRICS
from taskaware.tasks.split import split
from taskaware.training import chunks, programs, trainer
from taskaware.training.prepare import Part, batches, prepare
from taskaware.training.programs import Program, Steps
from taskaware.training.recipe import TrainingRecipe
from taskaware.training.trainer import Trained, train

ALL = np.arange(6)
RECIPE = TrainingRecipe(steps=6, evaluations=3, batch_size=16, score_last=2, learning_rate=0.02)


@pytest.fixture(scope="module")
def classes(task):
    return placed(prepare(task(), 0, RECIPE))


@pytest.fixture(scope="module")
def values(task):
    return placed(prepare(task("regression"), 0, RECIPE))


def placed(prepared):
    """With the arrays where `train` puts them, so that tests of its parts share its compiled programs."""
    return dataclasses.replace(prepared, arrays=jax.device_put(prepared.arrays, chunks.placed()))


@pytest.fixture(scope="module")
def points(small, plain):
    """Six candidates: for each width two plain networks, and the mixture half-way between them."""
    found = []
    for width in small.sizes:
        first = plain(small, [(width, "relu"), (4, "tanh")])
        second = plain(small, [(width, "tanh"), None], "periodic", "learned")
        found += [first, second, (first + second) / 2]
    return jnp.stack(found)


@pytest.fixture(scope="module")
def trained(small, points, classes):
    return train(small, points, classes, RECIPE, seed=0)


def assert_close(found: Trained, expected: Trained, rows=ALL, flips=0):
    """The same but for rounding; an accuracy may differ by so many rows that lie on a border."""
    for name in ("score", "test_score", "loss", "curve"):
        ours, theirs = getattr(found, name), getattr(expected, name)[rows]
        tolerance = flips / 24 if name != "loss" else 0.0
        np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-4 + tolerance, err_msg=name)


def alone_as_together(space, points, prepared, together, chunk_for=0):
    assert len(set(together.loss.tolist())) == len(points)
    for row in range(len(points)):
        alone = train(space, points[row : row + 1], prepared, RECIPE, seed=0, chunk_for=chunk_for)
        assert_close(alone, together, np.array([row]), flips=1)


def test_together_as_alone(small, points, classes, trained):
    alone_as_together(small, points[:3], classes, Trained(*(column[:3] for column in trained)))


def test_together_as_alone_with_weights_and_recipes_of_their_own(separate, plain, values):
    space = dataclasses.replace(separate, recipe=preset("compact").recipe)
    first = plain(space, [(4, "relu"), None], "robust").at[-3].set(0.9)
    second = plain(space, [(4, "tanh")] * 2, "periodic", "learned").at[-1].set(0.0)
    points = jnp.stack([first, second, (first + second) / 2])
    assert [width for width, _ in child_of(space).group(space, points)] == [4]
    together = train(space, points, values, RECIPE, seed=0)
    alone_as_together(space, points, values, together, chunk_for=3)


def test_results_have_the_order_of_the_points(small, points, classes, trained):
    order = np.array([4, 0, 5, 2, 3, 1])
    assert_close(train(small, points[order], classes, RECIPE, seed=0), trained, order)
    assert len(set(trained.loss.tolist())) == 6


@pytest.mark.parametrize("size", [1, 4])
def test_chunks_do_not_show(small, points, classes, trained, size, monkeypatch):
    monkeypatch.setattr(chunks, "LARGEST_CHUNK", {jax.default_backend(): size})
    rows = np.array([0, 1, 2, 1, 2])
    parts = list(trainer.train_chunks(small, points[rows], classes, RECIPE, seed=0))
    assert [len(members) for members, _ in parts] == ([1] * 5 if size == 1 else [4, 1])
    assert np.concatenate([members for members, _ in parts]).tolist() == [0, 1, 2, 3, 4]
    for members, part in parts:
        assert_close(part, trained, rows[members], flips=1)


def test_chunks_of_several_threads_are_those_of_one(small, points, classes, trained, monkeypatch):
    monkeypatch.setattr(chunks, "LARGEST_CHUNK", {jax.default_backend(): 2})
    rows = np.array([0, 3, 1, 4, 2, 5, 0])  # two groups
    monkeypatch.setattr(compilation, "cores", lambda: 3)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert chunks.lanes() == 3
    compiled = programs.segment._cache_size()
    found = train(small, points[rows], classes, RECIPE, seed=0)
    assert programs.segment._cache_size() == compiled + 2  # one thread compiles the program of a group
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert chunks.lanes() == 1
    alone = train(small, points[rows], classes, RECIPE, seed=0)
    for name in ("score", "test_score", "loss", "curve"):
        np.testing.assert_array_equal(getattr(found, name), getattr(alone, name), err_msg=name)


def test_lanes_give_results_in_order_and_end_where_nobody_waits():
    ended, slow = [], threading.Event()

    def work(part, check):
        try:
            while part == 0 and not slow.wait(0.01):
                check()
            return part
        finally:
            ended.append(part)

    given = chunks.in_lanes(work, [1, 0, 0, 0, 0], 2)
    assert next(given) == 1
    given.close()
    assert ended.count(0) <= 2  # the others never begin
    slow.set()
    assert list(chunks.in_lanes(work, range(4), 2)) == [0, 1, 2, 3]
    with pytest.raises(ZeroDivisionError):
        list(chunks.in_lanes(lambda part, check: 1 // part, [1, 0, 1], 2))


def test_few_candidates_may_use_the_program_of_many(small, points, classes, trained, monkeypatch):
    compiled, given = programs.segment._cache_size(), []
    monkeypatch.setattr(
        trainer, "candidates", lambda *read: given.append(read[2].shape) or programs.candidates(*read)
    )
    found = train(small, points[1:3], classes, RECIPE, seed=0, chunk_for=3)
    assert given == [(4, small.dimension)]
    assert programs.segment._cache_size() == compiled
    assert_close(found, trained, np.array([1, 2]), flips=1)


def test_memory_bounds_a_chunk(small, classes, monkeypatch):
    point = jnp.zeros((1, small.dimension))
    program, chosen, state = state_of(small, 4, classes, point)
    count = chunks.parameter_count(program, Design(small, 4), classes.arrays, point)
    assert count == sum(leaf.size for leaf in jax.tree.leaves(state.params))
    for fitting, expected in ((1, 1), (3.9, 2), (4, 4), (0.1, 1)):
        limit = int(16 * count * fitting)
        monkeypatch.setattr(chunks, "CHUNK_BYTES", {jax.default_backend(): limit})
        assert chunks.chunk_size(count, 100) == expected


def test_groups_are_the_widths(small, points):
    found = child_of(small).group(small, points[::-1])
    assert [(width, members.tolist()) for width, members in found] == [(4, [3, 4, 5]), (8, [0, 1, 2])]


def test_same_seed_same_answer_and_two_seeds_differ(small, points, classes, trained):
    again, other = (train(small, points, classes, RECIPE, seed=seed) for seed in (0, 1))
    np.testing.assert_array_equal(again.curve, trained.curve)
    np.testing.assert_array_equal(again.loss, trained.loss)
    assert (other.loss != trained.loss).all()


def test_first_weights_have_the_seed_too(small, points, classes, trained, monkeypatch):
    same_rows = batches(classes.train, 0, RECIPE.steps, RECIPE.batch_size)
    monkeypatch.setattr(trainer, "batches", lambda *arguments: same_rows)
    other = train(small, points, classes, RECIPE, seed=1)
    assert (other.loss != trained.loss).all()


def test_seconds_are_those_of_the_steps_alone(small, points, classes, monkeypatch):
    """The first part compiles, and so may the scores of the test part."""
    clock = SimpleNamespace(now=0.0)
    spent = {"segment": iter([1000.0, 3.0, 3.0]), "evaluate": iter([500.0])}

    def slowly(name, run):
        def timed(*arguments):
            clock.now += next(spent[name])
            return run(*arguments)

        return timed

    for name in spent:
        monkeypatch.setattr(trainer, name, slowly(name, getattr(trainer, name)))
    monkeypatch.setattr(trainer, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    found = train(small, points[:1], classes, RECIPE, seed=0)
    assert found.seconds.tolist() == pytest.approx([9.0])


def test_the_score_is_taken_over_the_last_evaluations(small, points, classes, trained):
    np.testing.assert_allclose(trained.score, trained.curve[:, -2:].mean(1), rtol=1e-6)
    best = dataclasses.replace(RECIPE, score_reduction="max", score_last=3)
    found = train(small, points, classes, best, seed=0)
    np.testing.assert_allclose(found.score, trained.curve.max(1), rtol=1e-6)
    assert trained.curve.shape == (6, 3)
    assert (trained.seconds > 0).all()
    assert np.isin(np.round(trained.curve * 24, 4), np.arange(25)).all()


def refilled(part):
    """The part with other rows of the task where it is padded."""
    padded = part.weight == 0
    assert padded.any()
    return Part(jnp.where(padded, jnp.arange(len(part.rows)) % 120, part.rows), part.weight)


@pytest.mark.parametrize("problem", ["classes", "values"])
def test_padded_rows_never_weigh(small, points, problem, request):
    prepared = request.getfixturevalue(problem)
    arrays, real = prepared.arrays, np.arange(len(prepared.arrays.y)) < 120
    other = arrays._replace(
        x=jax.tree.map(lambda leaf: jnp.where(real[:, None], leaf, 1e9), arrays.x),
        y=jnp.where(real, arrays.y, 7.0),
        validation=refilled(arrays.validation),
        test=refilled(arrays.test),
    )
    parts = (prepared, dataclasses.replace(prepared, arrays=other))
    first, second = (train(small, points[:3], part, RECIPE, seed=0) for part in parts)
    assert_close(second, first, np.arange(3))


def state_of(space, width, prepared, points, key=None, recipe=RECIPE):
    """Program, candidates and first state; three points fill a chunk of four, as in `train`."""
    program = program_of(prepared)
    filled = points[np.resize(np.arange(len(points)), bucket(len(points), 1))]
    points = jax.device_put(filled, chunks.placed("candidates"))
    chosen = programs.candidates(program.child, Design(space, width, programs.hyper_of(recipe)), points)
    key = jax.random.key(0) if key is None else key
    return program, chosen, programs.start(program, prepared.arrays, chosen, key)


def program_of(prepared, *metrics):
    metrics = metrics or programs.scored_by(prepared.problem)
    return Program(CHILDREN["mixture"], metrics, prepared.problem == "classification")


def batch_of(prepared, rows=slice(None), arrays=None):
    arrays = prepared.arrays if arrays is None else arrays
    return programs._batch(program_of(prepared), arrays, rows)


def outputs_of(params, chosen, batch, place=None):
    """Masked outputs of a candidate (or of one of a batch of them)."""
    if place is not None:
        params, chosen = jax.tree.map(lambda leaf: leaf[place], (params, chosen))
    return _masked_outputs(params, chosen, batch)


@jax.jit
def _masked_outputs(params, chosen, batch):
    return batch.masked(CHILDREN["mixture"].outputs(params, chosen, batch))


def test_a_class_that_does_not_exist_is_never_given(small, points, classes):
    program, chosen, state = state_of(small, 4, classes, points[:3])
    part = classes.arrays.validation
    plain_score, plain_loss = programs.evaluate(program, state.params, classes.arrays, chosen, part)
    params = state.params | {"output_bias": state.params["output_bias"].at[:, 3].set(1e6)}
    score, loss = programs.evaluate(program, params, classes.arrays, chosen, part)
    np.testing.assert_array_equal(score, plain_score)
    np.testing.assert_array_equal(loss, plain_loss)
    outputs = outputs_of(params, chosen, batch_of(classes), 0)
    assert (jax.nn.softmax(outputs)[:, 3] == 0).all()
    assert (outputs.argmax(-1) != 3).all()


def test_padded_columns_learn_nothing(small, points, classes):
    program, chosen, state = state_of(small, 4, classes, points[:3])
    rows = batches(classes.train, 0, RECIPE.segment, RECIPE.batch_size)
    ones = np.ones(RECIPE.segment, np.float32)
    steps = Steps(rows, ones, 0 * ones, ones)
    state, _ = programs.segment(program, state, classes.arrays, chosen, steps, jax.random.key(0))
    padded = classes.arrays.columns.block == 7
    assert padded.any()
    assert (state.params["number_kernel"][:, padded] == 0).all()
    assert (state.params["number_kernel"][:, ~padded] != 0).any()


def scores_by_hand(truth, outputs, metric):
    from sklearn.metrics import (
        accuracy_score,
        balanced_accuracy_score,
        log_loss,
        mean_squared_error,
        r2_score,
    )

    if metric == "r2":
        return r2_score(truth, outputs[:, 0]), mean_squared_error(truth, outputs[:, 0])
    shares = np.asarray(jax.nn.softmax(outputs[:, :3]), np.float64)
    score = {"accuracy": accuracy_score, "balanced_accuracy": balanced_accuracy_score}[metric]
    return score(truth, shares.argmax(1)), log_loss(truth, shares / shares.sum(1, keepdims=True))


@pytest.mark.parametrize(
    ("problem", "metric"), [("classes", "accuracy"), ("classes", "balanced_accuracy"), ("values", "r2")]
)
def test_score_and_loss_equal_scikit_learn(small, points, problem, metric, request):
    prepared = request.getfixturevalue(problem)
    program, chosen, state = state_of(small, 4, prepared, points[:3])
    program = program._replace(metrics=(METRICS[metric],))
    params = jax.tree.map(lambda leaf: 0.1 * leaf, state.params)
    scores, losses = programs.evaluate(program, params, prepared.arrays, chosen, prepared.arrays.validation)
    rows = np.asarray(prepared.arrays.validation.rows)[np.asarray(prepared.arrays.validation.weight) == 1]
    for c in range(3):
        outputs = np.asarray(outputs_of(params, chosen, batch_of(prepared), c))
        expected = scores_by_hand(np.asarray(prepared.arrays.y)[rows], outputs[rows], metric)
        np.testing.assert_allclose((scores[c, 0], losses[c]), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("problem", "metric"), [("classes", "log_loss"), ("values", "rmse")])
def test_a_task_of_its_own_metric_has_both_scores(small, points, problem, metric, request):
    prepared = request.getfixturevalue(problem)
    both = train(small, points[:3], prepared, RECIPE, seed=0, metric=metric)
    plain = train(small, points[:3], prepared, RECIPE, seed=0)
    np.testing.assert_allclose(both.default_score, plain.score, atol=1e-6)
    np.testing.assert_allclose(both.loss, plain.loss, rtol=1e-5)
    np.testing.assert_array_equal(plain.default_score, plain.score)
    own = both.loss if metric == "log_loss" else np.sqrt(both.loss) * prepared.target_std
    np.testing.assert_allclose(both.curve[:, -1], -own, rtol=1e-4)
    np.testing.assert_allclose(both.score, both.curve[:, -2:].mean(1), rtol=1e-6)
    with pytest.raises(UserError, match="Unknown metric of a"):
        train(small, points, prepared, RECIPE, seed=0, metric="rmse" if problem == "classes" else "roc_auc")


def test_results_without_a_default_score_have_it_once():
    ones = np.ones(2)
    made = Trained(ones, ones, ones, ones[:, None], ones)
    assert made.default_score is made.score
    assert len(made) == len(Trained._fields) == 6
    assert pickle.loads(pickle.dumps(made)).default_score.tolist() == [1, 1]


def test_a_hopeless_regression_is_cut(small, points, values):
    program, chosen, state = state_of(small, 4, values, points[:3])
    params = state.params | {"output_bias": state.params["output_bias"] + 100}
    score, loss = programs.evaluate(program, params, values.arrays, chosen, values.arrays.validation)
    np.testing.assert_array_equal(score, METRICS["r2"].low)
    assert (loss > 1000).all()


@pytest.mark.parametrize("problem", ["classes", "values"])
def test_a_lost_candidate_takes_no_other_with_it(small, points, problem, request):
    wild = dataclasses.replace(small, recipe=(RecipeCoordinate("learning_rate", 0.02, 1e30, log=True),))
    mine = jnp.concatenate([points[:3], jnp.zeros((3, 1))], axis=1)
    bad = mine[:1].at[:, -1].set(1.0)
    prepared = request.getfixturevalue(problem)
    without = train(wild, mine, prepared, RECIPE, seed=0)
    found = train(wild, jnp.concatenate([mine[:1], bad, mine[1:]]), prepared, RECIPE, seed=0)
    assert found.score[1] == found.test_score[1] == -np.inf
    assert not np.isfinite(found.loss[1])
    assert np.isfinite(without.score).all()
    others = Trained(*(np.delete(column, 1, axis=0) for column in found))
    assert_close(others, without, np.arange(3))


def test_a_point_that_is_no_number_is_lost(small, points, classes, trained):
    found = train(small, points[:3].at[1, 0].set(jnp.nan), classes, RECIPE, seed=0)
    assert found.score[1] == -np.inf
    np.testing.assert_allclose(found.score[[0, 2]], trained.score[[0, 2]], atol=1e-5)


def test_tasks_of_one_bucket_share_programs(small, points, task):
    watched = (programs.segment, programs.start, programs.evaluate, programs.candidates)

    def compiled(made, seed, chosen):
        before = [program._cache_size() for program in watched]
        train(small, chosen, prepare(made, seed, RECIPE), RECIPE, seed=seed)
        return [program._cache_size() - count for program, count in zip(watched, before, strict=True)]

    first, other = task(rows=150, classes=3), task(rows=40, classes=4, seed=1)
    widths = [sum(prepare(made, 0, RECIPE).blocks.widths.values()) for made in (first, other)]
    assert widths[0] != widths[1]
    compiled(first, 0, points[:3])
    assert compiled(other, 1, points[2::-1]) == [0, 0, 0, 0]
    assert compiled(task(rows=150, classes=5), 0, points[:3])[0] == 1


@pytest.mark.parametrize(
    ("steps", "warmup"), [(1, 0.1), (2, 0.5), (10, 0.0), (40, 0.1), (40, 1.0), (300, 0.1)]
)
def test_schedule(steps, warmup):
    rates = programs.schedule(TrainingRecipe(warmup=warmup), steps)
    rising = max(1, round(warmup * steps))
    assert rates.shape == (steps,)
    assert rates.dtype == np.float32
    assert rates.max() == 1
    assert rates[0] == pytest.approx(1 / rising)
    assert (np.diff(rates[:rising]) > 0).all()
    assert (np.diff(rates[rising:]) < 0).all()
    assert steps < 40 or warmup == 1 or rates[-1] < 0.01
    cosine = optax.cosine_decay_schedule(1.0, max(1, steps - rising))
    np.testing.assert_allclose(rates[rising:], [cosine(step) for step in range(steps - rising)], atol=1e-6)


def test_biases_do_not_decay(unchecked):
    params = {"kernel": jnp.ones((2, 2)), "bias": jnp.ones(2)}
    chosen = SimpleNamespace(learning_rate=1.0, weight_decay=0.5, beta2=0.99, space=preset("compact"))
    rule = optimizer(cast(Any, chosen), 0.1)
    updates, _ = rule.update(jax.tree.map(jnp.zeros_like, params), rule.init(params), params)
    np.testing.assert_allclose(updates["kernel"], -0.05, rtol=1e-6)
    np.testing.assert_array_equal(updates["bias"], 0)


@pytest.mark.parametrize("problem", ["classes", "values"])
def test_gradient_equals_finite_differences(small, points, problem, request):
    prepared = request.getfixturevalue(problem)
    mixed = small.encode(small.decode(points[3:])._replace(gamma=jnp.zeros((3, 7))))
    _, chosen, state = state_of(small, 8, prepared, mixed)
    with jax.enable_x64(True):
        arrays = jax.tree.map(lambda leaf: _doubled(np.asarray(leaf)), prepared.arrays)
        doubled = dataclasses.replace(prepared, arrays=arrays)
        both = state.params, chosen
        params, candidate = jax.tree.map(lambda leaf: jnp.asarray(_doubled(np.asarray(leaf[2]))), both)
        batch = batch_of(doubled, prepared.train[:8])

        @jax.jit
        def loss(params):
            return batch.loss(_apply(params, candidate, batch, jax.random.key(1)))

        gradient = jax.device_get(jax.jit(jax.grad(loss))(params))
        for name, leaf in params.items():
            direction = np.random.default_rng(2).normal(size=leaf.shape)
            up, down = (loss(params | {name: leaf + step * direction}) for step in (1e-6, -1e-6))
            expected = np.vdot(gradient[name], direction)
            assert float(up - down) / 2e-6 == pytest.approx(float(expected), rel=1e-5, abs=1e-8), name
            assert abs(expected) > 1e-6, name


def _doubled(leaf):
    return leaf.astype(float) if leaf.dtype == np.float32 else leaf


@pytest.mark.parametrize("rounded", [False, True])
def test_training_equals_a_loop_written_out(small, points, classes, rounded, monkeypatch):
    """The same steps with Optax, one candidate, one step after the other; without dropout and with it."""
    monkeypatch.setattr(programs, "rounds_products", lambda: rounded)
    recipe = dataclasses.replace(RECIPE, steps=20, evaluations=10, learning_rate=0.1)
    width, arrays = small.sizes[0], classes.arrays
    rates = jnp.asarray(programs.schedule(recipe, recipe.steps))
    rule = optax.adamw(
        lambda step: 0.1 * rates[step],
        b2=0.99,
        weight_decay=recipe.weight_decay,
        mask=lambda params: {name: not name.endswith("bias") for name in params},
    )
    net = MixtureNetwork(small, width, 4, rounded=rounded)

    @jax.jit
    def loss(params, wired, rows, key=None):
        x = jax.tree.map(lambda leaf: leaf[rows], arrays.x)
        outputs = net.apply({"params": params}, x, arrays.columns, wired, key)[:, :3]
        labels = arrays.y[rows].astype(int)
        return -jnp.take_along_axis(jax.nn.log_softmax(outputs), labels[:, None], axis=1).mean()

    @jax.jit
    def advance(params, state, wired, rows, key):
        updates, state = rule.update(jax.grad(loss)(params, wired, rows, key), state, params)
        return optax.apply_updates(params, updates), state

    init_key, dropout_key = jax.random.split(jax.random.key(3))
    validation = np.asarray(arrays.validation.rows)[np.asarray(arrays.validation.weight) == 1]
    losses = []
    for dropout in (0.0, 0.25):
        recipe = dataclasses.replace(recipe, dropout=dropout)
        _, chosen, first = state_of(small, width, classes, points[:1], init_key, recipe)
        params, wired = jax.tree.map(lambda leaf: leaf[0], (first.params, chosen.wired))
        state = rule.init(params)
        for step, rows in enumerate(batches(classes.train, 3, recipe.steps, recipe.batch_size)):
            segment_key = jax.random.fold_in(dropout_key, step // recipe.segment)
            step_key = jax.random.fold_in(segment_key, step % recipe.segment)
            params, state = advance(params, state, wired, rows, step_key)
        found = train(small, points[:1], classes, recipe, seed=3)
        losses.append(float(found.loss[0]))
        assert losses[-1] == pytest.approx(float(loss(params, wired, validation)), rel=1e-3)
    assert losses[0] != losses[1]
    monkeypatch.setattr(programs, "rounds_products", lambda: False)
    exact = train(small, points[:1], classes, recipe, seed=3).loss[0]
    assert (float(exact) != losses[-1]) == rounded


def xor_task(rows=600):
    import pandas as pd

    from taskaware.modalities.tables.build import make_task

    x = np.random.default_rng(0).uniform(-1, 1, (rows, 2))
    labels = np.where(x[:, 0] * x[:, 1] > 0, "same", "different")
    # With a column of categories, it has the shape of the other tasks here.
    noise = np.random.default_rng(1).choice(list("uvw"), rows)
    return make_task(pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": noise, "y": labels}), "y")


def test_it_learns_what_a_linear_network_cannot(small, plain):
    recipe = dataclasses.replace(RECIPE, steps=300, evaluations=150)
    made = xor_task()
    points = jnp.stack([plain(small, [(8, "relu"), (8, "relu")]), plain(small, [None] * 2)])
    found = train(small, points, prepare(made, 0, recipe, split(made, 0)), recipe, seed=0, chunk_for=3)
    assert found.score[0] > 0.9
    assert found.test_score[0] > 0.9
    assert found.score[1] < 0.7
