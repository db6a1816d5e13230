"""Losses that keep a state or take a random key: a Flax model with batch normalisation and dropout."""

import dataclasses
import pickle

import cloudpickle
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import taskaware as ta
from taskaware.children.rules.paths import loss_key
from taskaware.errors import UserError
from taskaware.spaces.rules import RuleSpace

RNG = np.random.default_rng(0)
BATCHES = [(x, np.sin(x).sum(1)) for x in RNG.normal(2.0, 3.0, size=(12, 16, 3)).astype(np.float32)]
SPACE = RuleSpace()
RATES = (1e-3, 1e-2, 0.1)


class Net(nn.Module):
    """A hidden layer, batch normalisation and dropout."""

    @nn.compact
    def __call__(self, x, train):
        # A bias in front of the normalisation would have a gradient of rounding alone, which Adam follows.
        x = nn.Dense(8, use_bias=False)(x)
        x = nn.BatchNorm(use_running_average=not train, momentum=0.9)(x)
        return nn.Dense(1)(nn.Dropout(0.2, deterministic=not train)(nn.relu(x)))[:, 0]


NET = Net()
# In NumPy: reading this module compiles nothing.
ZEROS, ONES = np.zeros(8, np.float32), np.ones(8, np.float32)
PARAMS = {
    "Dense_0": {"kernel": RNG.normal(size=(3, 8), scale=3**-0.5).astype(np.float32)},
    "BatchNorm_0": {"scale": ONES, "bias": ZEROS},
    "Dense_1": {"kernel": RNG.normal(size=(8, 1), scale=8**-0.5).astype(np.float32), "bias": ZEROS[:1]},
}
STATE = {"BatchNorm_0": {"mean": ZEROS, "var": ONES}}


def loss(params, batch, state, key):
    variables = {"params": params, "batch_stats": state}
    answer, new = NET.apply(variables, batch[0], True, mutable=["batch_stats"], rngs={"dropout": key})
    return jnp.mean((answer - batch[1]) ** 2), new["batch_stats"]


def metric(params, batch, state):
    answer = NET.apply({"params": params, "batch_stats": state}, batch[0], False)
    return -jnp.mean((answer - batch[1]) ** 2)


def made(**change):
    given = {"state": STATE, "random": True, "metric": metric, "steps": 30, "rates": RATES, **change}
    return ta.optimizers.objective(given.pop("loss", loss), PARAMS, BATCHES, **given)


def points(*texts):
    return np.stack([SPACE.encode(text) for text in texts])


@pytest.fixture(scope="module")
def objective():
    return made()


def test_a_rule_reaches_what_a_loop_over_optax_reaches(objective):
    """By hand: batches in order, the state and a key handed on, and the state at the end under the metric."""
    arrays = objective.evaluate._arrays
    valued = jax.jit(jax.value_and_grad(loss, has_aux=True))

    def trained(rate, steps):
        optimizer, params, state = optax.adam(rate), PARAMS, STATE
        inner, average = optimizer.init(params), None
        for step, number in enumerate(np.asarray(arrays.order[:steps])):
            key = loss_key(jax.random.key(0), step)
            (value, state), gradient = valued(params, BATCHES[number], state, key)
            average = value if average is None else 0.8 * average + 0.2 * value
            updates, inner = optimizer.update(gradient, inner, params)
            params = optax.apply_updates(params, updates)
        return params, state, average

    rate = min(RATES, key=lambda rate: trained(rate, 6)[-1])
    params, state, _ = trained(rate, 30)
    mean = np.mean([metric(params, batch, state) for batch in BATCHES[10:]])
    ours, theirs = (ta.optimizers.score(objective, each) for each in ("adam", optax.adam))
    np.testing.assert_allclose(ours, (mean, rate), rtol=1e-5)
    np.testing.assert_allclose(theirs, (mean, rate), rtol=1e-5)
    stale = np.mean([metric(params, batch, STATE) for batch in BATCHES[10:]])
    assert abs(stale / mean - 1) > 0.02


def test_all_at_once_as_on_accelerators_is_one_by_one(objective, monkeypatch):
    rules = points("g", "drop(m, 0.1) + noise", "exp(exp(2)^2)", "adam")
    alone = objective.evaluate(rules)
    assert np.isnan(alone.score).tolist() == [False, False, True, False]
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    together = made(together=3).evaluate(rules)
    np.testing.assert_allclose(together.score, alone.score, rtol=5e-3)
    np.testing.assert_array_equal(together.more["learning_rate"], alone.more["learning_rate"])


def test_halvings_go_on_with_the_state_of_each_rule(objective):
    rules = points("g", "1", "adam", "exp(exp(2)^2)", "sign(g)", "0.1w")
    trials = objective.evaluate
    halved = dataclasses.replace(trials, schedule=dataclasses.replace(trials.schedule, halvings=1))
    found, whole = halved(rules), trials(rules)
    last = found.more["steps"] == 30
    assert last.sum() == 3
    np.testing.assert_array_equal(found.score[last], whole.score[last])


def test_the_same_seed_gives_the_same_and_another_seed_another(objective):
    rules = points("adam", "sign(g)")
    travelled = pickle.loads(cloudpickle.dumps(objective))
    other = dataclasses.replace(objective.evaluate, seed=1)
    first, again, another = (each(rules).score for each in (objective.evaluate, travelled.evaluate, other))
    np.testing.assert_array_equal(first, again)
    assert (first != another).all()
    doubled = jax.tree.map(lambda leaf: 2 * leaf, STATE)
    assert len({each.about for each in (objective, travelled, made(seed=1), made(state=doubled))}) == 3


def test_the_keys_of_the_loss_are_none_of_the_rule():
    """Two rules draw, one does not; the loss of all has the same keys, another one at each step."""
    start = {"last": jax.random.key(7), "seen": jnp.zeros(4, jnp.uint32), "count": 0}

    def kept(params, batch, state, key):
        number = jax.random.bits(key)
        new = {"last": key, "seen": state["seen"].at[state["count"]].set(number), "count": state["count"] + 1}
        return jnp.sum(params**2), new

    def told(params, batch, state):
        distinct = (jnp.diff(jnp.sort(state["seen"])) > 0).sum() + 1.0
        return distinct + 10.0 * (jax.random.bits(state["last"]) == state["seen"][3])

    objective = ta.optimizers.objective(
        kept, np.ones(2, np.float32), BATCHES, state=start, random=True, metric=told, steps=4, rates=(0.1,)
    )
    assert objective.evaluate(points("g", "g + noise", "drop(g, 0.5)")).score.tolist() == [14.0] * 3
    rule_keys = jax.random.split(jax.random.fold_in(jax.random.key(0), 3), 3)
    own = jax.random.key_data(loss_key(jax.random.key(0), 3))
    assert not (jax.random.key_data(rule_keys) == own).all(1).any()


def test_a_key_alone_and_a_state_alone():
    def noisy(params, batch, key):
        return jnp.mean((batch[0] @ params - batch[1]) ** 2) + jax.random.normal(key)

    def counted(params, batch, state):
        return jnp.mean((batch[0] @ params - batch[1]) ** 2), state + 1

    def clean(params, batch):
        return -jnp.mean((batch[0] @ params - batch[1]) ** 2)

    start, more = np.zeros(3, np.float32), {"steps": 20, "rates": RATES}
    plain = ta.optimizers.objective(lambda *given: -clean(*given), start, BATCHES, **more)
    alone = ta.optimizers.objective(noisy, start, BATCHES, random=True, metric=clean, sweep=1.0, **more)
    count = ta.optimizers.objective(
        counted, start, BATCHES, state=0, metric=lambda params, batch, state: 1.0 * state, **more
    )
    assert ta.optimizers.score(alone, "adam").score > 3 * ta.optimizers.score(plain, "g - g").score
    assert [ta.optimizers.score(count, each).score for each in ("adam", optax.adam)] == [20.0, 20.0]


def test_a_search_goes_on_where_it_ended(objective, tmp_path):
    def found(budget, name, **more):
        more |= {"journal": tmp_path / name, "together": 3, "progress": False}
        strategy = ta.strategies.aging_evolution(4, 2)
        return ta.search("update-rules", strategy, objective=objective, budget=budget, **more)

    whole = found(9, "whole")
    found(3, "parts")
    np.testing.assert_array_equal(found(9, "parts", resume=True).scores, whole.scores)
    assert np.isfinite(whole.best.score)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"metric": None}, r"metric=, \(params, batch, state\)"),
        ({"state": None}, r"takes \(params, batch, key\).*With state= it takes a state"),
        ({"random": False}, r"takes \(params, batch, state\)"),
        ({"state": None, "random": False, "metric": None}, "with random=True a key as the last"),
        ({"loss": lambda params, batch, state, key: loss(params, batch, state, key)[0]}, "it returns two"),
        (
            {"loss": lambda params, batch, state, key: (batch[1], state)},
            r"an array of shape \(16,\)",
        ),
        ({"loss": lambda params, batch, state, key: (loss(params, batch, state, key)[0], 0)}, "structure"),
        (
            {
                "loss": lambda params, batch, state, key: (
                    loss(params, batch, state, key)[0],
                    jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), state),
                )
            },
            r"bfloat16\[8\] in the state at '\['BatchNorm_0'\]\['mean'\]', and it got float32\[8\]",
        ),
        ({"random": jax.random.key(0)}, "random=.* is not True or False.*seed="),
        ({"state": {"name": "a"}}, r"has 'a', a str, at '\['name'\]'"),
        ({"metric": lambda params, batch: 0.0}, r"metric cannot be traced.*takes \(params, batch, state\)"),
        ({"metric": lambda params, batch, state: state}, "The metric returned a dict. Return one number."),
    ],
)
def test_what_does_not_fit_together_is_refused_before_any_training(unchecked, change, what):
    with pytest.raises(UserError, match=what):
        made(**change)
