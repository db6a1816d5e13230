"""A task on the device: which rows are where, and that padding says nothing."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskaware.arrays import shared_zeros
from taskaware.modalities.tables.encode import EMBEDDINGS
from taskaware.tasks.split import split
from taskaware.training import prepare as room
from taskaware.training.prepare import batches, prepare
from taskaware.training.recipe import TrainingRecipe

RECIPE = TrainingRecipe()


def power_of_two(number):
    return number & (number - 1) == 0


@pytest.fixture(scope="module")
def classes(task):
    return task()


@pytest.mark.parametrize("problem", ["classification", "regression"])
def test_rows_are_those_of_the_split(task, problem):
    made = task(problem)
    prepared, parts = prepare(made, 3, RECIPE), split(made, 3)
    numbers, categories = prepared.blocks.encoder.transform(made.data)
    arrays = prepared.arrays
    for rows, weight, expected in (
        (prepared.train, np.ones(len(prepared.train)), parts.train),
        (*map(np.asarray, arrays.validation), parts.validation),
        (*map(np.asarray, arrays.test), parts.test),
    ):
        real = rows[weight == 1]
        assert weight.sum() == len(real) == len(expected)
        found = np.asarray(arrays.x.numbers)[real, : numbers.shape[1]]
        np.testing.assert_array_equal(found, numbers[expected])
        found = np.asarray(arrays.x.categories)[real, : categories.shape[1]]
        np.testing.assert_array_equal(found, categories[expected])
        y = np.asarray(arrays.y, np.float64)[real] * prepared.target_std + prepared.target_mean
        np.testing.assert_allclose(y, made.target[expected], rtol=1e-5, atol=1e-5)


def test_padding_is_zeros_of_no_embedding(classes):
    prepared = prepare(classes, 0, RECIPE)
    arrays, encoder = prepared.arrays, prepared.blocks.encoder
    columns, rows = len(encoder.block), classes.rows
    shapes = (*arrays.x.numbers.shape, *arrays.x.categories.shape, *arrays.validation.rows.shape)
    assert all(power_of_two(size) for size in shapes)
    assert not np.asarray(arrays.x.numbers)[rows:].any()
    assert not np.asarray(arrays.x.numbers)[:, columns:].any()
    assert not np.asarray(arrays.x.categories)[:, encoder.categories :].any()
    np.testing.assert_array_equal(arrays.columns.block[:columns], encoder.block)
    np.testing.assert_array_equal(arrays.columns.block[columns:], len(EMBEDDINGS))
    assert arrays.allowed.tolist() == [True, True, True, False]


def test_a_regression_target_is_standardised_by_its_training_rows(task):
    made = task("regression")
    shifted = dataclasses.replace(made, target=1000 + 50 * made.target)
    parts = split(made, 0)
    prepared, other = (prepare(t, 0, RECIPE, parts) for t in (made, shifted))
    train = np.asarray(prepared.arrays.y)[prepared.train]
    assert (train.mean(), train.std()) == (pytest.approx(0, abs=1e-5), pytest.approx(1, rel=1e-5))
    np.testing.assert_allclose(other.arrays.y, prepared.arrays.y, atol=1e-4)
    assert prepared.arrays.allowed.tolist() == [True]


def test_only_training_rows_teach(classes):
    parts = split(classes, 0)
    fewer = dataclasses.replace(parts, validation=parts.validation[:5], test=parts.test[:5])
    first, second = (prepare(classes, 0, RECIPE, p).blocks.to_arrays() for p in (parts, fewer))
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


def test_parts_are_cut_to_the_recipe(classes):
    recipe = TrainingRecipe(train_rows=20, validation_rows=7, test_rows=9)
    prepared = prepare(classes, 0, recipe)
    arrays = prepared.arrays
    assert len(prepared.train) == 20
    assert (arrays.validation.weight.sum(), arrays.test.weight.sum()) == (7, 9)
    drawn = np.asarray(arrays.x.numbers[:36])
    again, other = (np.asarray(prepare(classes, seed, recipe).arrays.x.numbers[:36]) for seed in (0, 1))
    np.testing.assert_array_equal(again, drawn)
    assert (other != drawn).any()


@settings(max_examples=40)
@given(
    rows=st.integers(1, 50), steps=st.integers(1, 12), size=st.integers(1, 40), seed=st.integers(0, 1 << 30)
)
def test_batches_pass_over_the_rows_evenly(rows, steps, size, seed):
    train = 3 * np.arange(rows)
    order = batches(train, seed, steps, size)
    assert order.shape == (steps, size)
    np.testing.assert_array_equal(order, batches(train, seed, steps, size))
    counts = np.bincount(order.ravel() // 3, minlength=rows)
    assert counts.max() - counts.min() <= 1
    for start in range(0, steps * size - rows + 1, rows):
        np.testing.assert_array_equal(np.sort(order.ravel()[start : start + rows]), train)


def test_each_pass_and_each_seed_has_an_order_of_its_own():
    order = batches(np.arange(64), 0, 2, 64)
    assert (order[0] != order[1]).any()
    assert (order != batches(np.arange(64), 1, 2, 64)).any()


def test_the_device_shares_the_encoded_rows(task, monkeypatch):
    """On a CPU the matrix of a wide table lies in memory once."""
    made = []
    monkeypatch.setattr(room, "shared_zeros", lambda shape: made.append(shared_zeros(shape)) or made[-1])
    x = prepare(task("classification"), 0, TrainingRecipe()).arrays.x
    assert [each.unsafe_buffer_pointer() for each in x] == [each.ctypes.data for each in made]
