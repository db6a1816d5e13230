"""The toy child goes through the trainer, the contract and `fit` without a line of its own in taskaware."""

import dataclasses
import re
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from taskaware.children.child import CHILDREN
from taskaware.errors import UserError
from taskaware.modalities.tables.build import make_task
from taskaware.testing.child_contract import check_child
from taskaware.training.fit import fit
from taskaware.training.prepare import prepare
from taskaware.training.recipe import TrainingRecipe
from taskaware.training.trainer import train
from tests.toys.toy_child import CHILD, TYPE, BitStrings

RECIPE = TrainingRecipe(steps=60, evaluations=3, batch_size=32)
SPACE = BitStrings(8)


@pytest.fixture(autouse=True, scope="module")
def registered():
    CHILDREN.add(TYPE, CHILD)
    yield
    CHILDREN.remove(TYPE)


@pytest.fixture(scope="module")
def task():
    """Only the second of four numbers tells the class."""
    x = np.random.default_rng(0).normal(size=(300, 4))
    frame = pd.DataFrame(x).add_prefix("x").assign(y=np.where(x[:, 1] > 0, "more", "less"))
    return make_task(frame, "y")


def points_for(prepared):
    """All columns, those of the number that tells, and those of the others."""
    tells = np.zeros(SPACE.bits, np.float32)
    columns = np.asarray(prepared.arrays.x.numbers)[prepared.train, : SPACE.bits]
    y = np.asarray(prepared.arrays.y)[prepared.train]
    tells[np.abs(np.corrcoef(columns.T, y)[-1, :-1]) > 0.5] = 1
    assert 0 < tells.sum() < SPACE.bits
    return np.stack([np.ones(SPACE.bits, np.float32), tells, 1 - tells])


def test_the_contract():
    points = np.random.default_rng(0).integers(0, 2, (5, SPACE.bits)).astype(np.float32)
    check_child(lambda: (SPACE, np.unique(points, axis=0)))


def test_bits_choose_what_is_learned(task):
    prepared = prepare(task, 0, RECIPE)
    found = train(SPACE, points_for(prepared), prepared, RECIPE, seed=0)
    everything, tells, others = found.score
    assert min(everything, tells) > 0.85 > 0.65 > others


def test_it_is_fitted_and_answers(task):
    point = points_for(prepare(task, 0, RECIPE))[1]
    model = fit(task, SPACE, jnp.asarray(point), recipe=RECIPE, members=2, progress=False)
    x = np.random.default_rng(1).normal(size=(50, 4))
    frame = pd.DataFrame(x).add_prefix("x")
    assert model.score(frame, np.where(x[:, 1] > 0, "more", "less")) > 0.85


def test_a_space_without_a_child_is_refused(task):
    with pytest.raises(UserError, match="with a child 'toy-bytes'. Did you mean 'toy-bits'"):
        train(
            dataclasses.replace(SPACE, type="toy-bytes"),
            np.ones((1, 8), np.float32),
            prepare(task, 0, RECIPE),
            RECIPE,
            seed=0,
        )


def test_the_page_about_children_runs(capsys):
    page = Path(__file__).resolve().parents[2] / "docs" / "extending" / "child.md"
    [code] = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    names = {}
    try:
        exec(compile(code, str(page), "exec"), names)
    finally:
        CHILDREN.remove("my-bits")
    assert names["trained"].score.max() > 0.6 and len(set(names["trained"].score)) > 3
    assert str(names["trained"].score.max()) in capsys.readouterr().out
