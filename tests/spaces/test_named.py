"""Known designs as points: what they are, and that they learn."""

import dataclasses

import numpy as np
import pytest

from taskaware.children.mixture.architecture import architecture
from taskaware.errors import UserError
from taskaware.modalities.reading import make_task
from taskaware.spaces import named_point, named_space, preset
from taskaware.spaces.named import OF_REGRESSION, PLANS
from taskaware.training.prepare import embeddings_of, prepare
from taskaware.training.recipe import TrainingRecipe
from taskaware.training.trainer import train

SPACE = preset("extended")


@pytest.mark.parametrize("problem", ["classification", "multioutput"])
@pytest.mark.parametrize("name", list(PLANS))
def test_a_named_point_is_the_design(name, problem):
    point = named_point(name, problem=problem)
    net = architecture(SPACE, point, inputs=preset("compact").embedding_names)
    assert net.plain
    layers = [(layer.size, layer.baselines[0].activation) for layer in net.layers]
    plan = OF_REGRESSION.get(name, PLANS[name]) if problem == "multioutput" else PLANS[name]
    assert tuple(layers) == plan.layers
    assert [part.name for part in net.embeddings] == [plan.numbers, "one_hot"]
    for coordinate, value in plan.recipe.items():
        assert net.recipe[coordinate] == pytest.approx(value, rel=1e-4)
    opened = {gate for gate, share in net.gates.items() if share}
    wanted = {"resnet": {"residual", "normalisation"}, "realmlp": {"scaling"}, "tabm": {"ensemble"}}
    assert opened == wanted.get(name, set())
    assert net.members == (8 if name == "tabm" else 1)


def test_designs_learn_a_table(monkeypatch):
    """One layer of each: the residual, the normalisation and the members are those of the design."""
    for name in ("resnet", "tabm"):
        monkeypatch.setitem(PLANS, name, PLANS[name]._replace(layers=((128, "relu"),)))
    small = dataclasses.replace(SPACE, layers=1, sizes=(128,), activations=("relu",), width_odds=(1.0,))
    points = np.stack([named_point(name, small) for name in ("resnet", "tabm")])
    recipe = TrainingRecipe(steps=80, batch_size=32)
    prepared = prepare(make_task("wine"), 0, recipe, embeddings=embeddings_of(small))
    assert (train(small, points, prepared, recipe, seed=0).test_score > 0.9).all()


@pytest.mark.parametrize("name", ["realmlp", "tabm"])
def test_the_space_of_a_design_has_the_same_network(name):
    for problem in ("classification", "regression"):
        small, points = named_space(name, problem=problem), {}
        for space in (SPACE, small):
            point = named_point(name, space, problem=problem)
            net = architecture(space, point, inputs=preset("compact").embedding_names)
            points[space] = (net.layers, net.embeddings, net.gates, net.members, net.recipe)
        assert repr(points[small]) == repr(points[SPACE])
    assert small.layers == 3 and len(small.baselines) == 1


def test_what_is_no_design_and_what_a_space_lacks():
    with pytest.raises(UserError, match="tabn"):
        named_point("tabn")
    with pytest.raises(UserError, match="Unknown problem 'ranking'"):
        named_point("tabm", problem="ranking")
    with pytest.raises(UserError, match="'tabm' needs the baseline"):
        named_point("tabm", preset("compact"))
    with pytest.raises(UserError, match="'resnet' needs the coordinate residual"):
        named_point("resnet", preset("compact"))
