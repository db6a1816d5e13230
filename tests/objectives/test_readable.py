"""Which tasks a space reads: by its embeddings, or by raw rows such as pixels."""

import dataclasses
import json

import numpy as np
import pytest

import taskaware as ta
from taskaware.errors import UserError
from taskaware.objectives.collect import CollectSettings, collect
from taskaware.objectives.readable import check_readable, raw_kinds
from taskaware.recommendation.evaluators import for_task, shipped_evaluator
from taskaware.spaces import cells, front, preset
from taskaware.spaces.front import DENSE
from taskaware.store import Store
from taskaware.training.recipe import TrainingRecipe


@pytest.fixture(scope="module")
def images():
    pixels = np.random.default_rng(0).integers(0, 256, (60, 8, 8)).astype(np.uint8)
    return ta.make_task((pixels, pixels.mean((1, 2)) > 127.5), name="bright")


def test_spaces_of_pixels_read_images_and_no_tables(images):
    assert (
        raw_kinds(preset("chain")) == raw_kinds(cells()) == CollectSettings(space="front").kinds == ("image",)
    )
    assert raw_kinds(preset("universal")) == ()
    for name in ("front", "cells", "universal"):
        check_readable(images, preset(name))
    with pytest.raises(UserError, match="of the kind 'tables', and the space 'front' has no embeddings"):
        check_readable(ta.make_task("iris"), preset("front"))
    with pytest.raises(UserError, match="of the kind 'image', and the space 'compact' has no embeddings"):
        check_readable(images, preset("compact"))


def test_experience_of_networks_of_pixels_is_collected_in_a_space_given_as_json(images):
    dense = dataclasses.replace(DENSE, layers=1, sizes=(8,), width_odds=(1.0,))
    space = front(1, kernels=(1, 3), activations=("relu",), filters=3, side=8, channels=1, dense=dense)
    recipe = TrainingRecipe(steps=4, evaluations=2, batch_size=8)
    settings = CollectSettings(space=json.dumps(space.to_dict()), architectures=2, batch=2, trainer=recipe)
    with Store.open(":memory:") as store:
        found = collect([images], store, settings, show=False)
        assert (found.added, found.diverged, found.failed) == (2, 0, 0)
        assert len(store.triplets(space.digest)) == 2


def test_recommend_refuses_an_evaluator_of_pixels_in_words(images):
    evaluator = dataclasses.replace(shipped_evaluator(), space=preset("front"))
    with pytest.raises(UserError, match="reads raw rows; a recommendation is a network of feature blocks"):
        for_task(images, evaluator)
