"""The toy space, child, strategy and modality together in `ta.search`, without a line in taskaware."""

import numpy as np
import pandas as pd
import pytest

import taskaware as ta
from taskaware.training.recipe import TrainingRecipe
from tests.toys.bits import Bits
from tests.toys.climber import hill_climber
from tests.toys.toy_child import CHILD
from tests.toys.toy_modality import BAGS

SPACE = Bits(6)
RECIPE = TrainingRecipe(steps=60, evaluations=3, batch_size=32)


@pytest.fixture(autouse=True, scope="module")
def registered():
    ta.CHILDREN.add("bits", CHILD._replace(group=lambda space, points: [(6, np.arange(len(points)))]))
    ta.MODALITIES.add("bags", BAGS)
    yield
    ta.CHILDREN.remove("bits")
    ta.MODALITIES.remove("bags")


@pytest.fixture(scope="module")
def table():
    """Only one of six numbers tells the class."""
    x = np.random.default_rng(0).normal(size=(300, 6))
    return pd.DataFrame(x).add_prefix("x").assign(y=np.where(x[:, 1] > 0, "more", "less"))


@pytest.mark.parametrize("strategy", ["random", hill_climber()], ids=["random", "climber"])
def test_a_table_is_searched_and_its_trainings_are_recorded(tmp_path, table, strategy):
    found = ta.search(
        SPACE, strategy, task=table, target="y", budget=12, recipe=RECIPE, store=tmp_path / "mine.sqlite"
    )
    best = found.best
    assert best.score > 0.8 and SPACE.contains(best.point) and len(found) == 12
    assert list(found.to_frame().filter(like="bit").columns) == [f"bit {n}" for n in range(6)]
    with ta.Store.open(tmp_path / "mine.sqlite") as store:
        (space,) = store.spaces("bits")
        experience = store.triplets(space.digest)
    assert len(experience) == len(np.unique(found.points, axis=0))
    assert np.float32(best.score) in experience.score


def test_bags_are_searched(table):
    rng = np.random.default_rng(0)
    wide = rng.random(200) < 0.5
    bags = [rng.normal(0, 5 if each else 1, rng.integers(5, 20)).tolist() for each in wide]
    found = ta.search(SPACE, "evolution", task=(bags, wide.astype(int)), budget=8, recipe=RECIPE)
    assert found.best.score > 0.8


def test_the_metric_of_the_task_is_what_is_searched_for(tmp_path, table):
    task = ta.make_task(table, "y", metric="log_loss")
    with ta.Store.open(tmp_path / "mine.sqlite") as store:
        found = ta.search(SPACE, "random", task=task, budget=4, recipe=RECIPE, store=store)
        space = SPACE.digest
        own, default = (store.triplets(space, metric=name) for name in ("log_loss", "accuracy"))
    assert (found.scores < 0).all() and len(own) == len(default) > 0
    np.testing.assert_allclose(np.sort(np.unique(own.score)), np.unique(found.scores), rtol=1e-6)
    assert (default.score > 0).all()
