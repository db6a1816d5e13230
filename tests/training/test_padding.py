"""Arrays of a few sizes: tasks share programs, and a network is trained as before."""

import dataclasses

import jax
import numpy as np

from taskaware.training.padding import coarse
from taskaware.training.prepare import prepare
from taskaware.training.recipe import TrainingRecipe
from taskaware.training.trainer import train

RECIPE = TrainingRecipe(steps=4, evaluations=2, batch_size=16, learning_rate=0.02)


def sizes(prepared):
    return jax.tree.map(np.shape, prepared.arrays)


def test_tasks_of_other_sizes_share_the_sizes_of_arrays(task):
    small = prepare(task(), 0, RECIPE)
    large = prepare(task(rows=2000, classes=7), 0, RECIPE)
    assert sizes(small) != sizes(large)
    assert sizes(coarse(small)) == sizes(coarse(large))


def test_padding_does_not_change_a_training(task, small, plain):
    prepared = prepare(task("regression"), 0, RECIPE)
    points = plain(small, [(8, "relu"), None])[None]
    close, padded = (train(small, points, own, RECIPE, seed=0) for own in (prepared, coarse(prepared)))
    for name in ("score", "test_score", "loss"):
        np.testing.assert_allclose(getattr(padded, name), getattr(close, name), rtol=2e-4)


def test_classes_that_pad_are_never_predicted(task, small, plain):
    prepared = coarse(prepare(task(), 0, RECIPE))
    assert prepared.arrays.allowed.sum() == 3 and len(prepared.arrays.allowed) == 16
    longer = dataclasses.replace(RECIPE, steps=60)
    trained = train(small, plain(small, [(8, "relu"), None])[None], prepared, longer, seed=0)
    assert np.isfinite(trained.loss).all() and trained.score[0] > 0.5
