"""The mixture's child keeps the contract of all children; a child that breaks it is found out."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taskaware.children.child import CHILDREN, Batch, Child, State
from taskaware.spaces import preset
from taskaware.tasks.metrics import MASKED
from taskaware.testing import child_contract
from taskaware.testing.child_contract import check_child

SMALL = dataclasses.replace(preset("compact"), layers=1, sizes=(4, 8), width_odds=(0.5, 0.5))


def points():
    drawn = np.asarray(SMALL.sample(jax.random.key(0), 12))
    widths = np.asarray(SMALL.width(jnp.asarray(drawn)))
    return np.concatenate([drawn[widths == 4][:2], drawn[widths == 8][:1]])


def test_the_mixture_keeps_the_contract():
    check_child(lambda: (SMALL, points()))


def broken(**parts) -> Child:
    return CHILDREN["mixture"]._replace(**parts)


def forgetful(key, candidate, batch):
    return CHILDREN["mixture"].init(jax.random.key(0), candidate, batch)


def idle(state, candidate, batch, now):
    return State(*state)


def too_wide(params, candidate, batch):
    outputs = CHILDREN["mixture"].outputs(params, candidate, batch)
    return jnp.concatenate([outputs, outputs], axis=1)


@pytest.mark.parametrize(
    ("parts", "check"),
    [
        ({"init": forgetful}, child_contract.first_states_follow_their_key),
        ({"step": idle}, child_contract.training_lowers_the_loss),
        ({"outputs": too_wide}, child_contract.outputs_have_their_shape),
        (
            {"group": lambda space, points: [(8, np.arange(len(points) - 1))]},
            child_contract.every_point_is_in_one_group,
        ),
    ],
)
def test_a_child_that_breaks_the_contract_is_found_out(parts, check, monkeypatch):
    prepared = child_contract.prepare(child_contract._task("classification"), 0, child_contract.RECIPE)
    subject = child_contract.Subject(SMALL, points()[:2], True, prepared)
    with monkeypatch.context() as patch:
        patch.setattr(child_contract, "child_of", lambda space: broken(**parts))
        patch.setattr("taskaware.training.trainer.child_of", lambda space: broken(**parts))
        with pytest.raises(AssertionError):
            check(subject)


def test_classes_that_do_not_exist_cost_nothing():
    allowed = jnp.array([True, True, False])
    batch = Batch(None, jnp.array([0.0, 1.0]), None, allowed, True)
    outputs = jnp.array([[1.0, 0.0, 50.0], [1.0, 0.0, 50.0]])
    assert (batch.masked(outputs)[:, 2] == MASKED).all()
    np.testing.assert_allclose(batch.losses(outputs), -jax.nn.log_softmax(outputs[:1, :2])[0], rtol=1e-6)
    values = Batch(None, jnp.array([0.0, 3.0]), None, allowed[:1], False)
    assert float(values.loss(jnp.array([[1.0], [1.0]]))) == 2.5
