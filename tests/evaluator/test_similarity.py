"""A generator learned without scores: it tells unseen tasks apart, and is saved as numbers and text."""

import dataclasses
import json

import jax.numpy as jnp
import numpy as np
import pytest

from taskaware.data.table import Column, Table
from taskaware.errors import CheckpointError, UserError
from taskaware.evaluator.similarity import (
    SimilaritySettings,
    dissimilarity_loss,
    drawn,
    learn_similarity,
    load_generator,
    save_generator,
    told_apart,
)
from taskaware.tasks.task import Task

SIZE = (48, 4, 2)
QUICK = SimilaritySettings(steps=300, tasks_per_step=12, rows_per_step=32, columns_per_step=4)


def made(seed, rows=400):
    """A task whose numbers are skewed, and tied to the target, in a way of its own."""
    rng = np.random.default_rng(seed)
    power, tie = rng.uniform(0.3, 3), rng.uniform(-1, 1)
    numbers = rng.normal(size=(4, rows))
    target = tie * numbers.mean(0) * 2 + (1 - abs(tie)) * rng.normal(size=rows)
    values = np.sign(numbers) * np.abs(numbers) ** power
    columns = tuple(Column(f"n{i}", "numeric", row) for i, row in enumerate(values))
    return Task(f"made {seed}", "regression", Table("made", columns, rows), "y", target, (), "r2")


@pytest.fixture(scope="module")
def samples():
    """Four draws of 48 of the 400 rows of each of 50 tasks."""
    return {f"made {seed}": drawn(made(seed), SIZE) for seed in range(50)}


@pytest.fixture(scope="module")
def generator(samples):
    return learn_similarity(first(samples, 38), {name: name for name in samples}, QUICK)


def first(samples, count):
    return dict(list(samples.items())[:count])


def test_it_learns_to_tell_apart_tasks_that_it_has_not_seen(generator, samples):
    unseen = list(samples.values())[38:]
    still = dataclasses.replace(QUICK, steps=1, learning_rate=0.0)
    untaught = learn_similarity(first(samples, 38), {name: name for name in samples}, still)
    assert told_apart(generator, unseen) > 0.85
    assert told_apart(generator, unseen) > told_apart(untaught, unseen)


def test_same_seed_same_vector_and_another_seed_another(generator, samples):
    origins = {name: name for name in samples}
    short = dataclasses.replace(QUICK, steps=5)
    ours, again, other = (learn_similarity(first(samples, 38), origins, short, seed=s) for s in (0, 0, 1))
    task = made(60)
    np.testing.assert_array_equal(ours(task), again(task))
    assert np.abs(ours(task) - other(task)).max() > 1e-3
    np.testing.assert_array_equal(generator(task), generator(task))


def test_the_order_of_rows_and_columns_changes_nothing(generator):
    task = made(61, rows=40)
    table = task.table.take(np.arange(40)[::-1])
    rows = dataclasses.replace(task, table=table, target=task.target[::-1].copy())
    columns = dataclasses.replace(
        task, table=dataclasses.replace(task.table, columns=task.table.columns[::-1])
    )
    for same in (rows, columns):
        np.testing.assert_allclose(generator(same), generator(task), rtol=1e-4, atol=1e-5)


def test_relatives_are_not_pushed_apart(samples):
    """Where all tasks are of one origin nothing holds them apart, so they fall together."""
    names = first(samples, 12)
    apart = learn_similarity(names, {name: name for name in names}, QUICK)
    together = learn_similarity(names, dict.fromkeys(names, "one"), QUICK)
    spread = [np.std([g.of(draws) for draws in names.values()], axis=0).max() for g in (apart, together)]
    assert spread[1] < 0.1 * spread[0]


def test_loss_is_the_cross_entropy_pair_by_pair():
    rng = np.random.default_rng(0)
    a, b, apart = rng.normal(size=(5, 3)), rng.normal(size=(5, 3)), rng.random((5, 5)) < 0.5
    distance = np.linalg.norm(a[:, None] - b[None], axis=-1)
    same, other = np.exp(-np.diagonal(distance)), 1 - np.exp(-distance[apart])
    expected = (-np.log(same).mean() - np.log(other).mean()) / 2
    given = (jnp.asarray(a, jnp.float32), jnp.asarray(b, jnp.float32), jnp.asarray(apart))
    assert float(dissimilarity_loss(*given)) == pytest.approx(expected, rel=1e-4)


def test_what_cannot_be_learned_is_refused(samples):
    with pytest.raises(UserError, match="3 tasks are too few.*4 are needed"):
        learn_similarity(first(samples, 3), dict.fromkeys(samples, "a"))
    with pytest.raises(UserError, match="every column in its place.*generator=dataset2vec"):
        learn_similarity(samples, dict.fromkeys(samples, "a"), SimilaritySettings(generator="published"))
    with pytest.raises(UserError, match="Did you mean 'dataset2vec'"):
        learn_similarity(samples, dict.fromkeys(samples, "a"), SimilaritySettings(generator="dataset2vek"))


def test_round_trip(generator, tmp_path):
    path = save_generator(generator, tmp_path / "generator.npz")
    loaded = load_generator(path)
    assert (loaded.name, loaded.size, loaded.draws) == (generator.name, generator.size, generator.draws)
    np.testing.assert_array_equal(loaded(made(62)), generator(made(62)))
    with pytest.raises(UserError, match="force=True"):
        save_generator(generator, path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": "another"}, "is no taskaware generator"),
        ({"version": 99}, "version 99.*Update taskaware"),
        ({"name": "published"}, "not those of the generator 'published'"),
        ({"name": "deep"}, "damaged.*Unknown feature generator"),
        ({"size": [3]}, "damaged"),
        ({"Dense_0/kernel": np.zeros((2, 2), np.float32)}, "not those of the generator"),
        ({"Dense_0/kernel": np.array([None])}, "generator.npz"),
    ],
)
def test_foreign_and_damaged_files_are_refused(generator, tmp_path, changes, words):
    path = save_generator(generator, tmp_path / "generator.npz")
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    header = json.loads(arrays["header"].tobytes())
    for name, value in changes.items():
        (header if name in header else arrays)[name] = value
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    np.savez(path, **arrays)
    with pytest.raises(CheckpointError, match=words):
        load_generator(path)


def test_no_file(tmp_path):
    with pytest.raises(UserError, match="no generator file '.*gone.npz'"):
        load_generator(tmp_path / "gone.npz")
